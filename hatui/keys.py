"""Every key of the console, once: bindings, the last line, `?`, the palette and the docs are made from this table.

Invariant: no key means two things at one place (tested), lower case looks and upper case acts: an entry
with `acts` opens a dialog and is greyed for a viewer. Every entry has an id by which a keymap file can
give it another key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

EVERYWHERE = "everywhere"
LIST = "list"
PLACES = {
    EVERYWHERE: "Everywhere",
    LIST: "In every list",
    "dashboard": "Dashboard",
    "packets": "Packets",
    "config": "Config",
    "events": "Events",
    "drills": "Drills",
    "peers": "Peers",
    "detail": "Instance",
    "problems": "Problems",
    "replay": "In a replay",
    "dialog": "In a dialog",
    "confirmation": "Confirming a change",
    "review": "Reviewing a change",
    "differs": "In Config, while the file on disk differs",
    "disk": "A file that changed on disk",
    "revisions": "Revisions",
    "page": "On a page",
    "command": "In the command line",
    "palette": "In the palette",
    "jump": "While letters are shown",
    "new": "For a new instance",
}
"""The places where keys are valid. `list` holds wherever a list has the focus."""
APART = (
    EVERYWHERE,
    LIST,
    "replay",
    "dialog",
    "confirmation",
    "review",
    "differs",
    "disk",
    "revisions",
    "page",
    "problems",
    "command",
    "palette",
    "jump",
    "new",
)
"""Places where the keys that are valid everywhere do not reach, or which are no screen of their own."""


class Key(msgspec.Struct, frozen=True):
    """One key at one place."""

    id: str
    """Stable name for keymap files: PLACE.WORD."""
    key: str
    """Textual's key name; several separated by commas."""
    label: str
    """One or two words for the last line and the palette."""
    help: str
    """One sentence for `?`."""
    action: str
    acts: bool = False
    """Touches the cluster: asks first, operators only."""
    footer: int = 0
    """Order in the last line, 0 for not there."""
    priority: bool = False
    """Also while typing in a field."""

    @property
    def place(self) -> str:
        """Where it is valid."""
        return self.id.partition(".")[0]


KEYS: tuple[Key, ...] = (
    # everywhere
    Key(
        "everywhere.dashboard",
        "1",
        "Dashboard",
        "The instances: state, priority, master, timers.",
        "show_mode('dashboard')",
    ),
    Key(
        "everywhere.packets",
        "2",
        "Packets",
        "Adverts, gratuitous ARP and NA with the engine's verdict.",
        "show_mode('packets')",
    ),
    Key(
        "everywhere.config",
        "3",
        "Config",
        "The configuration in an editor, checked while you type.",
        "show_mode('config')",
    ),
    Key("everywhere.drills", "4", "Drills", "Failovers rehearsed: plans and reports.", "show_mode('drills')"),
    Key(
        "everywhere.events",
        "5",
        "Events",
        "All that has happened: transitions, trackers, commands, configuration.",
        "show_mode('events')",
    ),
    Key(
        "everywhere.peers",
        "6",
        "Peers",
        "The nodes beside each other; what differs is marked.",
        "show_mode('peers')",
    ),
    Key("everywhere.last", "minus", "Last screen", "Back to the screen you came from.", "last_mode"),
    Key(
        "everywhere.command",
        "colon",
        "Command",
        "A command line with completion, such as `:failover VI_1` or `:theme hatui-light`.",
        "command_line",
        footer=80,
    ),
    Key("everywhere.palette", "ctrl+p", "Palette", "Search all that this console can do.", "palette", priority=True),
    Key(
        "everywhere.help",
        "question_mark,ctrl+g,f1",
        "Help",
        "The keys that are valid here, and what they mean; ctrl+g also while typing.",
        "help",
        footer=90,
    ),
    Key(
        "everywhere.time",
        "t",
        "Time",
        "Times as local, UTC, relative to now, or as distance to the one before.",
        "cycle_time",
    ),
    Key(
        "everywhere.problems",
        "exclamation_mark",
        "All problems",
        "All problems, worst first; again: faults only. In Events: the worst of the list first.",
        "problems",
    ),
    Key("everywhere.redraw", "ctrl+l", "Redraw", "Write the whole screen again.", "redraw"),
    Key("everywhere.jump", "ctrl+o", "Jump", "A letter on every pane; that letter goes there.", "jump", priority=True),
    Key("everywhere.zoom", "z", "Zoom", "The focused pane alone on the screen, and back.", "zoom"),
    Key("everywhere.copy", "y", "Copy", "Copy the selection (by OSC 52, and to a file where that is unknown).", "copy"),
    Key("everywhere.copy_command", "c", "Copy command", "Copy the command that prints this view.", "copy_command"),
    Key("everywhere.next", "tab", "Next pane", "Focus the next pane.", "app.focus_next"),
    Key("everywhere.previous", "shift+tab", "Previous pane", "Focus the previous pane.", "app.focus_previous"),
    Key(
        "everywhere.announce",
        "A",
        "Announce",
        "Send gratuitous ARP / NA for the addresses of a master now.",
        "announce",
        acts=True,
    ),
    Key("everywhere.reload", "R", "Reload", "Read the configuration file again.", "reload", acts=True),
    Key(
        "everywhere.confirm",
        "C",
        "Confirm",
        "Keep the change of the configuration that waits for its confirmation, or take it back.",
        "confirm_config",
        acts=True,
    ),
    Key("everywhere.suspend", "ctrl+z", "Suspend", "Put the console aside; `fg` brings it back.", "suspend_process"),
    Key("everywhere.quit", "q", "Quit", "Leave; asks only if you hold text that is not applied.", "leave(False)"),
    Key("everywhere.leave", "Q", "Quit, keep", "Leave, and leave the last screen on the terminal.", "leave(True)"),
    # every list
    Key("list.down", "j,down", "Down", "Next row.", "cursor(1)"),
    Key("list.up", "k,up", "Up", "Row before.", "cursor(-1)"),
    Key("list.first", "g,home", "First", "First row.", "edge(-1)"),
    Key("list.last", "G,end", "Last", "Last row.", "edge(1)"),
    Key("list.half_down", "ctrl+d,pagedown", "Half page down", "Half a page down.", "page(1)"),
    Key("list.half_up", "ctrl+u,pageup", "Half page up", "Half a page up.", "page(-1)"),
    Key("list.left", "h,left", "Left", "Scroll to the left.", "sideways(-8)"),
    Key("list.right", "right", "Right", "Scroll to the right.", "sideways(8)"),
    # dashboard
    Key("dashboard.detail", "enter", "Detail", "Everything about the selected instance.", "detail", footer=10),
    Key(
        "dashboard.why",
        "w",
        "Why",
        "Why the selected instance last changed its state, with the evidence.",
        "why",
        footer=20,
    ),
    Key("dashboard.edit", "e", "Edit", "The block of the selected instance in the configuration.", "edit"),
    Key(
        "dashboard.filter",
        "slash",
        "Filter",
        "Show only instances and events that match; esc clears.",
        "filter",
        footer=30,
    ),
    Key(
        "dashboard.clear", "escape,backspace", "Back", "Forget what was tried in the ladder; clear the filter.", "back"
    ),
    Key("dashboard.sort_before", "less_than_sign", "Sort before", "Sort by the column before.", "sort(-1)"),
    Key("dashboard.sort_after", "greater_than_sign", "Sort", "Sort by the next column.", "sort(1)"),
    Key(
        "dashboard.whatif",
        "space",
        "What if",
        "Switch a box in the priority ladder: a SIMULATION of who would win; nothing is sent.",
        "whatif",
    ),
    Key(
        "dashboard.failover",
        "F",
        "Failover",
        "Move the selected instance's addresses to the other router, or here.",
        "failover",
        acts=True,
        footer=40,
    ),
    Key(
        "dashboard.release",
        "U",
        "Release",
        "End a hold: the instance runs with its own priority again.",
        "release",
        acts=True,
        footer=45,
    ),
    Key("dashboard.maintenance", "M", "Maint", "Put it aside, or take it back.", "maintenance", acts=True, footer=52),
    Key("dashboard.drill", "D", "Drill", "Rehearse a failover, and measure it.", "drill", acts=True, footer=54),
    Key(
        "dashboard.instance_before",
        "left_square_bracket",
        "Instance before",
        "Select the instance before.",
        "instance(-1)",
    ),
    Key(
        "dashboard.instance_after", "right_square_bracket", "Next instance", "Select the next instance.", "instance(1)"
    ),
    Key(
        "dashboard.new",
        "n",
        "New",
        "A new instance, asked for in a few words, as lines of the candidate.",
        "new_instance",
    ),
    # packets
    Key("packets.pause", "p", "Pause", "Freeze the list; the capture goes on and is counted.", "pause", footer=10),
    Key("packets.follow", "f", "Follow", "Show the newest again.", "follow", footer=20),
    Key(
        "packets.ladder",
        "l",
        "Ladder",
        "A column for each node, an arrow for each packet, what is alike folded; again: the list.",
        "ladder",
        footer=30,
    ),
    Key(
        "packets.compare",
        "equals_sign",
        "Diff",
        "The differences of two marked packets, or of the marked one and the selected one.",
        "compare",
        footer=40,
    ),
    Key("packets.save", "s", "Save", "What is shown, marked or all, as pcapng or text.", "save", footer=50),
    Key(
        "packets.filter",
        "slash",
        "Filter",
        "Such as `vrid==51 && verdict!=ok`; tab completes, esc clears.",
        "filter",
        footer=60,
    ),
    Key("packets.mark", "space", "Mark", "Mark the packet, or take its mark away.", "mark"),
    Key("packets.why", "w", "Why", "What the failed test of a rejected packet means, and what to do.", "why"),
    Key("packets.clear", "escape,backspace", "Back", "Clear the filter, close a file, then follow.", "back"),
    Key("packets.hex", "x", "Hex", "The octets on or off.", "hex"),
    Key(
        "packets.open",
        "enter",
        "Fields",
        "Into the fields of the selected packet, where a field lights up its octets; there: open or shut a layer. "
        "tab goes on to the octets, where an octet lights up its field.",
        "fields",
    ),
    Key("packets.only_instance", "i", "This instance", "Only packets of the selected one's instance.", "only_instance"),
    # config
    Key(
        "config.review",
        "ctrl+s",
        "Review",
        "The difference to what runs, what it does, and apply.",
        "review",
        acts=True,
        footer=10,
        priority=True,
    ),
    Key(
        "config.next_problem",
        "ctrl+n",
        "Next problem",
        "Go to the next problem.",
        "next_problem",
        footer=20,
        priority=True,
    ),
    Key("config.fix", "ctrl+t", "Fix", "Apply the fix of the problem at the cursor.", "fix", footer=30, priority=True),
    Key(
        "config.out",
        "escape",
        "Out",
        "Leave the typing, so that single keys work again (ctrl+z undoes).",
        "out",
        footer=40,
    ),
    Key(
        "config.complete",
        "ctrl+space,ctrl+@",
        "Complete",
        "The words that may stand at the cursor: keywords of the block, values, names that are defined.",
        "complete",
        footer=35,
        priority=True,
    ),
    Key("config.edit", "enter,e", "Edit", "Begin to type; on a problem or a block, go there.", "edit", footer=5),
    Key(
        "config.revisions",
        "r",
        "Revisions",
        "The configurations that were in use: who, when, why, what changed; load one as the candidate.",
        "revisions",
        footer=50,
    ),
    Key("config.take_over", "T", "Take over", "Edit in the place of somebody else who edits.", "take_over", acts=True),
    Key("config.disk", "u", "Use disk", "Take the text that is on disk now; yours goes to the clipboard.", "use_disk"),
    Key("config.diff_disk", "d", "Diff disk", "What somebody else has changed on disk.", "diff_disk"),
    Key(
        "config.file_before",
        "left_square_bracket",
        "File before",
        "The file before, where files are included.",
        "file(-1)",
    ),
    Key(
        "config.file_after", "right_square_bracket", "Next file", "The next file, where files are included.", "file(1)"
    ),
    # events
    Key("events.open", "enter", "Open", "Why of a transition; any other event in full.", "open", footer=10),
    Key(
        "events.why",
        "w",
        "Why",
        "Why the instance of this event changed its state, then or last before.",
        "why",
        footer=20,
    ),
    Key(
        "events.filter",
        "slash",
        "Filter",
        "Words, a regular expression (`!` inverts), or such as `kind==operator && by~anna`.",
        "filter",
        footer=30,
    ),
    Key("events.clear", "escape,backspace", "Back", "Clear the filter, then the order, then follow.", "back"),
    Key(
        "events.audit", "a", "Audit", "Only what operators did: who, from where, what, why, result.", "audit", footer=40
    ),
    Key("events.save", "s", "Save", "What is shown as a file of JSON lines.", "save", footer=50),
    Key("events.pause", "p", "Pause", "Freeze the list; what comes is counted.", "pause", footer=60),
    Key("events.follow", "f", "Follow", "Show the newest again.", "follow"),
    Key("events.only_instance", "i", "This instance", "Only events of the selected one's instance.", "only_instance"),
    Key(
        "events.before", "left_square_bracket", "Before", "To the change of a state before this one.", "transition(-1)"
    ),
    Key("events.after", "right_square_bracket", "After", "To the change of a state after this one.", "transition(1)"),
    Key(
        "events.order_before",
        "less_than_sign",
        "Order before",
        "The order before: newest, worst, faults only.",
        "order(-1)",
    ),
    Key(
        "events.order_after",
        "greater_than_sign",
        "Next order",
        "The next order: newest, worst, faults only.",
        "order(1)",
    ),
    # drills
    Key("drills.open", "enter", "Open", "The report of this row, or the drill that it names.", "open", footer=10),
    Key("drills.drill", "D", "Drill", "Run a drill: preflight first.", "drill", acts=True, footer=20),
    Key("drills.abort", "a", "Abort", "Abort the drill under way: everything is restored at once.", "abort", footer=30),
    # peers
    Key("peers.open", "enter", "Detail", "Everything about the instance of this row.", "open", footer=10),
    Key("peers.differences", "d", "Differences", "Only what differs, or everything.", "differences", footer=20),
    Key("peers.filter", "slash", "Filter", "Show only rows that match; esc clears.", "filter", footer=30),
    Key("peers.clear", "escape,backspace", "Back", "Everything again.", "back"),
    # detail of an instance
    Key(
        "detail.open",
        "enter",
        "Open",
        "On a tracker: run it now. On a change in History: why.",
        "open",
        footer=10,
    ),
    Key("detail.why", "w", "Why", "Why of the selected change, else of the last one.", "why", footer=20),
    Key("detail.filter", "slash", "Filter", "Show only rows that match; esc clears.", "filter", footer=30),
    Key("detail.back", "escape,backspace", "Back", "Clear the filter; then back.", "back", footer=60),
    Key(
        "detail.failover",
        "F",
        "Failover",
        "Move the instance's addresses to the other router, or here.",
        "failover",
        acts=True,
        footer=40,
    ),
    Key("detail.maintenance", "M", "Maint", "Put it aside, or take it back.", "maintenance", acts=True),
    Key("detail.drill", "D", "Drill", "Rehearse a failover, and measure it.", "drill", acts=True),
    Key("detail.release", "U", "Release", "End a hold.", "release", acts=True, footer=45),
    Key("detail.instance_before", "left_square_bracket", "Before", "The instance before.", "instance(-1)"),
    Key("detail.instance_after", "right_square_bracket", "Next", "The next instance.", "instance(1)", footer=50),
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
    Key("page.close", "escape,backspace,q,enter", "Back", "Close this page.", "close"),
    Key("page.copy", "y", "Copy", "Copy the page as text.", "copy"),
    Key("page.copy_command", "c", "Copy command", "Copy the command that prints the same.", "copy_command"),
    Key("page.before", "left_square_bracket", "Before", "The page before, where there are several.", "turn(-1)"),
    Key("page.after", "right_square_bracket", "Next", "The next page, where there are several.", "turn(1)"),
    Key("page.help", "question_mark,ctrl+g,f1", "Help", "The keys that are valid here; again: back.", "help"),
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
    Key("jump.close", "escape,ctrl+o", "Close", "Leave the focus where it is; a letter goes to its pane.", "close"),
    Key("jump.help", "ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
    Key("palette.help", "ctrl+g,f1", "Help", "The keys that are valid here.", "app.help"),
)
"""The table."""

OUTSIDE_LISTS = {"dashboard", "packets", "config", "drills", "events", "peers", "detail", "revisions"}
"""Places whose panes are lists: `list` keys are valid there too."""


def at(place: str, table: Sequence[Key] = KEYS) -> tuple[Key, ...]:
    """The keys of one place."""
    return tuple(key for key in table if key.place == place)


def named(key_id: str) -> Key:
    """The entry with this id.

    Raises: KeyError when there is none.
    """
    for key in KEYS:
        if key.id == key_id:
            return key
    raise KeyError(key_id)


SHOWN = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "slash": "/",
    "minus": "-",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "f1": "F1",
}
"""Textual's name of a key -> what people call it."""


def show(key: str) -> str:
    """A key as people write it: `ctrl+s`, `?`, `F`."""
    return " ".join(SHOWN.get(part, part) for part in key.split(","))


def footer(place: str, table: Sequence[Key] = KEYS, without: Collection[str] = ()) -> tuple[Key, ...]:
    """The keys of the last line at a place, in order, but those `without`; at most eight."""
    keys = [key for key in table if key.footer and key.place in (place, EVERYWHERE) and key.id not in without]
    return tuple(sorted(keys, key=lambda key: key.footer))[:8]


def changed(overrides: Mapping[str, str]) -> tuple[Key, ...]:
    """The table with a user's own keys in place: id -> key."""
    return tuple(msgspec.structs.replace(key, key=overrides.get(key.id, key.key)) for key in KEYS)


class Clash(msgspec.Struct, frozen=True):
    """One key with two meanings at one place."""

    place: str
    key: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.place}: {show(self.key)} is {self.first} and {self.second}"


def clashes(table: Sequence[Key] | None = None) -> list[Clash]:
    """Keys that would mean two things at one place (must be empty)."""
    table = KEYS if table is None else table
    found = []
    for place in PLACES:
        valid = at(place, table)
        if place in OUTSIDE_LISTS:
            valid += at(LIST, table)
        if place not in APART:
            valid += at(EVERYWHERE, table)
        seen: dict[str, str] = {}
        for entry in valid:
            for key in entry.key.split(","):
                if key in seen and seen[key] != entry.id:
                    found.append(Clash(place, key, seen[key], entry.id))
                seen[key] = entry.id
    return found
