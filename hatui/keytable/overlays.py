"""The keys of what lies over a screen: dialogs, pages, the command line, the palette, a replay.

Invariant: each of these places names its own way out and its own help, since the keys that hold everywhere do not
reach them.
"""

from __future__ import annotations

from hatui.keytable import Key

OVERLAYS: tuple[Key, ...] = (
    # problems
    Key("problems.faults", "exclamation_mark", "Faults", "Faults only, or all problems again.", "faults"),
    # a file that changed on disk
    Key("differs.keep", "k", "Keep mine", "Your text, over the one on disk; else k is up.", "keep_mine", priority=True),
    Key("disk.use", "u", "Use disk", "Take the text on disk; yours goes to the clipboard.", "use"),
    Key("disk.keep", "k", "Keep mine", "Go on with your text, over the one that is on disk now.", "keep"),
    Key("disk.close", "escape,n", "Later", "Decide later.", "close"),
    Key("disk.down", "down,pagedown", "Down", "Scroll down.", "scroll(8)"),
    Key("disk.up", "up,pageup", "Up", "Scroll up.", "scroll(-8)"),
    Key("disk.help", "question_mark,ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    # revisions
    Key("revisions.diff", "enter", "Diff", "What this revision changed, against the one before it.", "diff"),
    Key("revisions.mark", "space", "Mark", "Mark a revision for a comparison.", "mark"),
    Key(
        "revisions.compare",
        "equals_sign",
        "Compare",
        "The difference between two marked ones, or marked and selected.",
        "compare",
    ),
    Key("revisions.load", "l", "Load", "Load it as the candidate; nothing is applied yet.", "load"),
    Key("revisions.save", "s", "Save", "The selected revision, or the difference, as a file, without secrets.", "save"),
    Key("revisions.close", "escape,backspace,q", "Back", "Back to the list, then to the editor.", "close"),
    Key("revisions.help", "question_mark,ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    # review
    Key("review.for_good", "A", "For good", "Apply for good, without a time to confirm.", "for_good", acts=True),
    Key("review.keep", "C", "Confirm", "Keep the change that was just applied.", "confirm_config", acts=True),
    Key("review.save", "s", "Save", "Save it as the candidate only; nothing is applied.", "save"),
    # dialogs
    Key("dialog.confirm", "y", "Yes", "Do it.", "confirm", footer=10),
    Key("dialog.cancel", "escape,n", "Cancel", "Close without doing anything.", "cancel", footer=20),
    Key(
        "confirmation.take_back",
        "T",
        "Take back",
        "Put the configuration before the change back at once.",
        "take_back",
        acts=True,
    ),
    Key("dialog.copy", "c", "Copy command", "Copy the equivalent command line.", "copy_command", footer=30),
    Key("dialog.help", "question_mark,ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    # replay
    Key("replay.play", "space", "Play", "Let the recording run, or stand still.", "replay_play", priority=True),
    Key("replay.next", "full_stop", "Next event", "To the next event.", "replay_step(1)", priority=True),
    Key("replay.before", "comma", "Event before", "To the event before.", "replay_step(-1)", priority=True),
    Key("replay.live", "escape", "Live", "Back to the live engine.", "replay_live", priority=True),
    # pages, command line, palette
    Key("page.close", "escape,backspace,q,enter", "Back", "Forget the search; then close this page.", "close"),
    Key("page.search", "slash", "Search", "Words or a regular expression; the lines that match are shaded.", "search"),
    Key("page.match", "n", "Next match", "The next line that was found.", "match(1)"),
    Key("page.match_before", "N", "Match before", "The line before that was found.", "match(-1)"),
    Key("page.save", "s", "Save", "The page as a file of text.", "save"),
    Key("page.copy", "y", "Copy", "Copy the page as text.", "copy"),
    Key("page.copy_command", "c", "Copy command", "Copy the command that prints the same.", "copy_command"),
    Key("page.before", "left_square_bracket", "Before", "The page before, where there are several.", "turn(-1)"),
    Key("page.after", "right_square_bracket", "Next", "The next page, where there are several.", "turn(1)"),
    Key("page.help", "question_mark,ctrl+g,f1", "Help", "The keys that are valid here; again: back.", "help"),
    Key("report.packets", "o", "Packets", "What was on the wire during this drill, on the Packets screen.", "packets"),
    Key(
        "why.open", "enter", "Open", "The packets of this line's moment, or its event; else that of the change.", "open"
    ),
    Key("why.bundle", "b", "Bundle", "Everything about the last hour as one archive, without secrets.", "bundle"),
    Key("command.close", "escape", "Close", "Close without doing anything.", "close"),
    Key("command.complete", "tab", "Complete", "The chosen candidate into the line.", "complete", priority=True),
    Key("command.down", "down", "Next", "The next candidate.", "choose(1)", priority=True),
    Key("command.up", "up", "Before", "The candidate before.", "choose(-1)", priority=True),
    Key("command.help", "ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    Key("palette.close", "escape,ctrl+p", "Close", "Close without doing anything.", "close", priority=True),
    Key("palette.down", "down", "Next", "The next entry.", "choose(1)", priority=True),
    Key("palette.up", "up", "Before", "The entry before.", "choose(-1)", priority=True),
    Key("new.cancel", "escape", "Cancel", "Close without doing anything.", "cancel"),
    Key("new.help", "ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    Key(
        "whatif.switch", "space,enter", "Switch", "The tracker of this box the other way round: a SIMULATION.", "switch"
    ),
    Key("whatif.close", "escape,backspace,q", "Close", "Close, and forget what was tried.", "close"),
    Key("whatif.help", "question_mark,ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    Key("jump.close", "escape,ctrl+o", "Close", "Leave the focus where it is; a letter goes to its pane.", "close"),
    Key("jump.help", "ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    Key("palette.help", "ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
)
"""Dialogs, pages, command line, palette, replay."""
