"""Every key of the console, once: bindings, the last line, `?`, the palette and the docs are made from this table.

Invariant: no key means two things at one place (tested), lower case looks and upper case acts: an entry
with `acts` opens a dialog and is greyed for a viewer. Every entry has an id by which a keymap file can
give it another key. The entries themselves stand in `hatui.keytable`, by the place where they are valid.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from hatui.keytable import Key as Key
from hatui.keytable.overlays import OVERLAYS
from hatui.keytable.screens import SCREENS

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
    "report": "On the report of a drill",
    "why": "On the page of an explanation",
    "command": "In the command line",
    "palette": "In the palette",
    "jump": "While letters are shown",
    "whatif": "What if",
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
    "report",
    "why",
    "problems",
    "command",
    "palette",
    "jump",
    "whatif",
    "new",
)
"""Places where the keys that are valid everywhere do not reach, or which are no screen of their own."""

KEYS: tuple[Key, ...] = SCREENS + OVERLAYS
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


MOST, MOST_WIDE = 8, 14
"""Keys in the last line."""
ALWAYS = frozenset(key.id for key in KEYS if key.footer and key.place == EVERYWHERE)
"""Keys of the last line that every screen has; while letters are text they are none."""


def footer(
    place: str, table: Sequence[Key] = KEYS, without: Collection[str] = (), *, wide: bool = False
) -> tuple[Key, ...]:
    """The keys of the last line at a place, in order, but those `without`; at most eight, more where it is wide."""
    keys = [key for key in table if key.footer and key.place in (place, EVERYWHERE) and key.id not in without]
    keys = [key for key in keys if wide or key.footer <= 100]
    return tuple(sorted(keys, key=lambda key: key.footer))[: MOST_WIDE if wide else MOST]


def beside_letters(own: Sequence[Key], table: Sequence[Key] = KEYS) -> tuple[Key, ...]:
    """The keys of the last line while letters are text: a field's `own`, then palette and help where they type none."""
    valid = list(own)
    for key in table:
        if key.id in ("everywhere.palette", "everywhere.help"):
            silent = [one for one in key.key.split(",") if one.startswith(("ctrl+", "alt+")) or one[1:].isdigit()]
            valid += [msgspec.structs.replace(key, key=silent[0])] if silent else []
    return tuple(valid)


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
