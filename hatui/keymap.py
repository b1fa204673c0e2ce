"""A user's own keys: `keymap.toml` in the configuration directory.

Invariant: a wrong line costs that line only: it is said with its number, and the key it was about keeps its default.

    [keys]
    "dashboard.failover" = "X"
    "everywhere.help" = "?, f1, ctrl+g"

The ids are those of `hatui.keys`; keys are written as `?` shows them (`ctrl+s`, `esc`, `[`, `F`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from hatui import keys

FILE = "keymap.toml"
_SPELLED = {shown: name for name, shown in keys.SHOWN.items()} | {"pgup": "pageup", "pgdn": "pagedown"}
_NAMED = {str(key.value) for key in Keys if not key.value.startswith("<")} | {
    *KEY_NAME_REPLACEMENTS.values(),
    *keys.SHOWN,
}
_WITH = re.compile(r"(?:(?:ctrl|shift|alt)\+)+")


class Keymap(msgspec.Struct, frozen=True):
    """What a keymap file changes, and what is wrong in it."""

    overrides: dict[str, str] = {}
    """Id -> Textual's names of the keys, separated by commas."""
    wrong: tuple[str, ...] = ()

    @property
    def table(self) -> tuple[keys.Key, ...]:
        """The keys that are in force."""
        return keys.changed(self.overrides)


def load(directory: Path) -> Keymap:
    """The keymap of this configuration directory; an absent file changes nothing."""
    path = directory / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Keymap()
    except (OSError, UnicodeDecodeError) as error:
        return Keymap(wrong=(f"{path}: {error}",))
    return read(text, str(path))


def read(text: str, source: str = FILE) -> Keymap:
    """The keymap in this text."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Keymap(wrong=(f"{source}: {error}; all keys are the default ones",))
    wrong = [f"{_place(text, name, source)}: {name} is not understood: keys stand below [keys]" for name in given]
    wrong = [line for name, line in zip(given, wrong, strict=True) if name != "keys"]
    known = {key.id: key for key in keys.KEYS}
    good: dict[str, str] = {}
    for key_id, value in _flat(given.get("keys", {})).items():
        reason = _reason(known.get(key_id), value)
        if reason:
            wrong.append(f"{_place(text, key_id, source)}: {key_id}: {reason}")
        else:
            good[key_id] = ",".join(_name(part) for part in _parts(value))
    while clash := _clash(good):
        given_up = clash.second if clash.second in good else clash.first
        other = clash.first if given_up == clash.second else clash.second
        del good[given_up]
        words = f"{keys.show(clash.key)} is {other} already; it keeps {keys.show(known[given_up].key)}"
        wrong.append(f"{_place(text, given_up, source)}: {given_up}: {words}")
    return Keymap(good, tuple(wrong))


def _clash(good: Mapping[str, str]) -> keys.Clash | None:
    found = keys.clashes(keys.changed(good))
    return next((clash for clash in found if clash.first in good or clash.second in good), None)


def _flat(given: Any, above: str = "") -> dict[str, Any]:
    """Dotted ids without quotation marks are tables of tables to TOML."""
    if not isinstance(given, dict):
        return {above: given} if above else {}
    found: dict[str, Any] = {}
    for name, value in given.items():
        found |= _flat(value, f"{above}.{name}" if above else name)
    return found


def _reason(key: keys.Key | None, value: Any) -> str:
    """What is wrong with one entry; empty when nothing is."""
    if key is None:
        return "no key has this id; `hatui keys` lists them"
    if not isinstance(value, str) or not value.strip():
        return f'a key is a text such as "ctrl+s", not {value!r}'
    for part in _parts(value):
        name = _name(part)
        bare = _WITH.sub("", name)
        if len(bare) != 1 and len(part) != 1 and bare not in _NAMED:
            return f"no key is named {part!r}"
        if key.priority and len(name) == 1:
            return f"{part!r} must be typed in fields, and this key is valid there too"
    return ""


def _parts(value: str) -> list[str]:
    """The keys in a value: "?, f1" or "? f1"; a comma alone is the key."""
    return [part for part in re.split(r"(?<=\S),\s*|\s+", value.strip()) if part]


def _name(part: str) -> str:
    """Textual's name of what people call a key."""
    if part in _SPELLED:
        return _SPELLED[part]
    if len(part) == 1:
        name = unicodedata.name(part, part).lower().replace("-", "_").replace(" ", "_")
        return part if part.isalnum() else KEY_NAME_REPLACEMENTS.get(name, name)
    return part.lower()


def _place(text: str, key_id: str, source: str) -> str:
    """source:line of an entry, as far as it stands there in one piece."""
    last = key_id.rpartition(".")[2]
    for pattern in (
        rf'^\s*\[?["\']?{re.escape(key_id)}["\']?\s*[=\]]',
        rf'^\s*["\']?[\w.]*{re.escape(last)}["\']?\s*=',
    ):
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(pattern, line):
                return f"{source}:{number}"
    return source
