"""E codes of the console and the command line: what cannot be done as it was asked, before any engine is asked."""

from __future__ import annotations

from engine.codes.entry import Code

CONSOLE = (
    Code(
        "E-NOTHING",
        "There is nothing that this could be about",
        "A key or a command needs a row, a mark, a match or a text, and there is none where you are.",
        "The list is empty or filtered, nothing is marked, or the row belongs to no instance.",
        "Select a row that has what is needed; esc clears a filter, ? lists the keys and what they need.",
    ),
    Code(
        "E-NOT-HERE",
        "This console does not hold that moment any more",
        "The packets or events of a moment were asked for, and the console has none of that time.",
        "Packets are kept from when a screen first showed them, events as far back as the console has fetched them.",
        "`G` in Events fetches older events; `:replay 13:50` shows the past; `hatui capture -w FILE` keeps packets.",
    ),
    Code(
        "E-FILTER",
        "This is no filter",
        "What stands in the filter is not understood: a word, a comparison or a value that does not exist, or a "
        "regular expression that is broken.",
        "A filter that were understood in part would hide what you look for.",
        "Write plain words, or comparisons such as `vrid==51 && verdict!=ok` and `kind==operator && by~anna`; tab "
        "completes on the Packets screen.",
    ),
    Code(
        "E-TIME",
        "This is no time",
        "A time of day, a date or a span was expected.",
        "It was written in another form, or is missing.",
        "Write 14:02, 14:02:10 or 2026-01-31 14:02:10; spans are 30s, 5m, 2h.",
    ),
    Code(
        "E-HOST",
        "This host cannot be used",
        "What stands behind --host names no host, or names one twice.",
        "It is handed to ssh as it is, so it must be a host or user@host.",
        "Write USER@NODE, NODE, NODE:/path/of/the/socket or local, each of them once.",
    ),
    Code(
        "E-SSH",
        "ssh does not get to this host",
        "The name is not known, nobody answers, the host key is unknown or another one, none of your keys fits, "
        "or the account prints something before hatui speaks.",
        "Engines on other hosts are asked through your own ssh, which may ask nothing meanwhile: no port is opened.",
        "The line names the next step. `ssh USER@NODE hatui status` has to work by hand, without a question; "
        "HATUI_SSH names another ssh program or more options.",
    ),
    Code(
        "E-NO-HATUI",
        "There is no hatui on this host",
        "ssh got there, and the shell of that account does not find the program `hatui`.",
        "What is run there is `hatui relay`, with the PATH that the account has for commands over ssh, which is often "
        "shorter than that of a login.",
        "Install hatui there, or link it into /usr/local/bin; `ssh USER@NODE hatui --version` has to work.",
    ),
    Code(
        "E-ONE-ENGINE",
        "This is asked of one engine",
        "Several hosts are shown together, and what was asked for belongs to one of them.",
        "A saved recording and a bundle hold the words of one engine; those of several are not mixed.",
        "Name one host: `hatui --host NODE ...`, or `:node NODE` in the console where that helps.",
    ),
    Code(
        "E-COMMAND",
        "This is no command of the console",
        "What was typed after `:` is none of its commands, is the beginning of several, or lacks a value.",
        "Names of instances and themes must exist.",
        "Type the beginning and press tab, or search in the palette (ctrl+p).",
    ),
    Code(
        "E-FORMAT",
        "This file is of another kind",
        "A capture, a recording or a bundle was expected, and the file is none, or is cut off.",
        "Captures are pcap or pcapng; recordings are lines as `hatui watch --record` writes them.",
        "`hatui decode FILE` reads captures, `hatui replay FILE` recordings and bundles.",
    ),
    Code(
        "E-LOOK",
        "A theme or a keymap is not understood",
        "A file of your own, or --theme, names something that does not exist or cannot be read.",
        "A wrong line costs that line only: what was in use stays.",
        "Mend the line that is named; `hatui keys --toml` prints a keymap with all ids, `:theme` lists the themes.",
    ),
    Code(
        "E-INCLUDED",
        "Other files go along",
        "What was asked for is about one file, and the configuration, or its earlier revision, is made of others too.",
        "A revision may have had another main file or other included files than what is edited now.",
        "`hatui config rollback N` puts all files of a revision back; `hatui config apply FILE --include PATH=FILE` "
        "applies several at once.",
    ),
    Code(
        "E-TERMINAL",
        "This needs another output",
        "A screen was asked for without a terminal, or octets were to be written to one.",
        "Standard input or output is a pipe where a terminal is needed, or the other way round.",
        "Name a file, or pipe it to a program that reads it; `hatui watch --plain` needs no terminal features.",
    ),
    Code(
        "E-UPGRADED",
        "hatui was upgraded or removed while this console runs",
        "A part of the console that is loaded when it is first used could not be loaded.",
        "The files on disk are of another version than the running program, or are gone.",
        "Leave with q and start hatui again. What is typed in the editor is kept and offered again; the engine is not "
        "touched by this.",
    ),
)
