"""Palettes: `themes/*.toml` and the user's own, as Textual themes.

Invariant: a palette knows colours and no widget; the layout (`hatui.tcss`) knows names and no colour. Every
name that the layout uses has a default, so Textual's own themes work too.
"""

from __future__ import annotations

import os
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from textual.theme import Theme

DEFAULT = "hatui-dark"
MONO = "hatui-mono"
"""Where no colour is wanted (NO_COLOR): bold, reverse and underline instead."""
BASE = ("primary", "secondary", "background", "surface", "panel", "foreground", "warning", "error", "success", "accent")
DOMAIN: dict[str, str] = {
    "state-master": "$success",
    "state-backup": "$foreground",
    "state-fault": "$error",
    "state-init": "$warning",
    "state-unknown": "$secondary",
    "text-dim": "$foreground 60%",
    "text-good": "$success",
    "text-warn": "$warning",
    "text-bad": "$error",
    "text-changed": "$accent",
    "key": "$accent",
    "title": "$primary",
    "mode": "$accent",
    "cursor": "$primary 35%",
    "cursor-far": "$primary 15%",
    "marked": "$secondary 30%",
    "alarm": "$error",
    "alarm-text": "$background",
    "tab-here": "$primary",
}
"""Our own colour names with what they are in a theme that does not say them."""


class PaletteError(ValueError):
    """A theme file that is none; says which file and why."""


def palette(text: str, source: str) -> Theme:
    """A theme from the text of a theme file.

    Raises: PaletteError.
    """
    try:
        data = tomllib.loads(text)
        colours = dict(data["colors"])
        variables = {key: str(value) for key, value in data.get("variables", {}).items()}
        unknown = set(variables) - set(DOMAIN) | (set(colours) - set(BASE))
        if unknown:
            raise PaletteError(f"{source}: nothing is named {', '.join(sorted(unknown))}")
        arguments: dict[str, Any] = {name: str(colours[name]) for name in colours}
        dark = bool(data.get("dark", True))
        return Theme(name=str(data["name"]), dark=dark, variables=_own_variables(variables), **arguments)
    except KeyError as missing:
        raise PaletteError(f"{source}: {missing} is missing") from missing
    except (tomllib.TOMLDecodeError, TypeError, ValueError) as error:
        raise PaletteError(str(error) if isinstance(error, PaletteError) else f"{source}: {error}") from error


def _own_variables(given: dict[str, str]) -> dict[str, str]:
    return {f"hatui-{name}": given[name] for name in given}


def defaults() -> dict[str, str]:
    """All our colour names, with their defaults, for themes that do not say them."""
    return {f"hatui-{name}": value for name, value in DOMAIN.items()}


def resolved(variables: dict[str, str]) -> dict[str, str]:
    """Our names that stand for another colour ("$success", "$foreground 60%") with that colour in place."""
    found = dict(variables)
    for name, value in variables.items():
        if name.startswith("hatui-") and value.startswith("$"):
            other, blank, share = value[1:].partition(" ")
            found[name] = variables.get(other, variables["foreground"]) + blank + share
    return found


def shipped_directory() -> Path:
    """Where our own themes are: beside the sources, or inside the installed package."""
    beside = Path(__file__).resolve().parent.parent / "themes"
    if (beside / f"{DEFAULT}.toml").is_file():
        return beside
    return Path(str(resources.files("hatui"))) / "themes"


def user_directory() -> Path:
    """Where a user keeps themes and the keymap; a place that is none for one who has no home."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        return Path(base or Path.home() / ".config") / "hatui"
    except RuntimeError:
        return Path("/nonexistent/hatui")


def themes(*directories: Path) -> tuple[list[Theme], list[str]]:
    """Every theme in these directories, later ones replacing earlier by name; and what was wrong."""
    found: dict[str, Theme] = {}
    wrong: list[str] = []
    for directory in directories:
        for path in sorted(directory.glob("*.toml")) if directory.is_dir() else []:
            if path.name == "keymap.toml":
                continue
            try:
                theme = palette(path.read_text(), str(path))
            except (OSError, UnicodeDecodeError, PaletteError) as error:
                wrong.append(str(error))
            else:
                found[theme.name] = theme
    return list(found.values()), wrong
