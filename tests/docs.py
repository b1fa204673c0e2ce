"""`python -m tests.docs`: writes docs/commands.md and docs/keys.md from the parsers and the key table.

Invariant: the documents say what the programs say; a test compares, so neither is edited by hand.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from hatui import keys
from hatui.cli import whole_parser
from hatui.commands import COMMANDS

DOCS = Path(__file__).resolve().parent.parent / "docs"
_EVERY = ("socket", "host", "timeout", "help")
"""Destinations of the options that every command has."""


def commands_text() -> str:
    """docs/commands.md"""
    lines = [
        "# Commands",
        "",
        "Made by `make docs` from the programs' own help. Every command takes `--socket PATH` (default",
        "`/run/hatui/engine.sock`, or `HATUI_SOCKET`), `--host USER@NODE` (through ssh, or the program in `HATUI_SSH`)",
        "and `--timeout SECONDS`, where it asks an engine at all. Results go to standard output, all else to standard",
        "error; there is no colour when piped. Wrong use ends with 2 (`status`: 3, `drill`: 5), ctrl+c with",
        "130.",
        "`hatui explain CODE` explains every code that is printed.",
        "",
    ]
    whole = whole_parser()
    subs = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    for name in COMMANDS:
        lines += section(subs.choices[name], COMMANDS[name][1])
    return "\n".join(lines).rstrip() + "\n"


def section(parser: argparse.ArgumentParser, text: str, level: int = 2) -> list[str]:
    """One command, and those below it."""
    usage = re.sub(r"\s+", " ", parser.format_usage().removeprefix("usage: ")).strip()
    usage = re.sub(r" \[(?:-h|--(?:socket PATH|host USER@NODE|timeout SECONDS))\]", "", usage)
    lines = [f"{'#' * level} {parser.prog}", "", f"{text[:1].upper()}{text[1:]}.", "", f"    {usage}", ""]
    below = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
            below = [
                line for sub, one in action.choices.items() for line in section(one, texts.get(sub, ""), level + 1)
            ]
        elif action.help and action.help != argparse.SUPPRESS and action.dest not in _EVERY:
            shown = ", ".join(action.option_strings) or action.metavar or action.dest
            help_text = re.sub(r"\s+", " ", action.help % vars(action) if "%(" in action.help else action.help)
            lines.append(f"- `{shown}`: {help_text}")
    if lines[-1]:
        lines.append("")
    if parser.epilog:
        lines += [*(f"    {line}".rstrip() for line in parser.epilog.splitlines()), ""]
    return lines + below


def keys_text() -> str:
    """docs/keys.md"""
    lines = [
        "# Keys",
        "",
        "Made by `make docs` from the table in `hatui/keytable`. Lower case looks, upper case acts and asks first. `?`",
        "shows what is valid where you are. A file `~/.config/hatui/keymap.toml` gives any of them another key:",
        "",
        "    [keys]",
        '    "dashboard.failover" = "X"',
        '    "everywhere.help" = "?, f1, ctrl+h"',
        "",
    ]
    for place, title in keys.PLACES.items():
        lines += [f"## {title}", "", "| key | id | what it does |", "|---|---|---|"]
        for key in keys.at(place):
            shown = " ".join(f"`{part}`" for part in keys.show(key.key).split())
            lines.append(f"| {shown} | {key.id} | {key.help}{' Asks first.' if key.acts else ''} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write both."""
    (DOCS / "commands.md").write_text(commands_text())
    (DOCS / "keys.md").write_text(keys_text())


if __name__ == "__main__":
    main()
