"""`hatui keys`: every key of the console with its id, for a keymap file.

Invariant: what is printed is what the console uses: the table with the user's own keymap in place.
"""

from __future__ import annotations

import argparse

import msgspec

from hatui import keymap, keys, theming
from hatui.commands.terminal import complain, say, say_json

EPILOG = "exit codes: 0, 1 the keymap file has wrong lines (they are said)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    how = parser.add_mutually_exclusive_group()
    how.add_argument("--toml", action="store_true", help="as a keymap file to begin with; all lines are comments")
    how.add_argument("--json", action="store_true", help="as one JSON object")
    socket_option(parser, asks=False)


def run(chosen: argparse.Namespace) -> int:
    """Print the table."""
    mine = keymap.load(theming.user_directory())
    if chosen.json:
        say_json({"v": 1, "keys": [msgspec.to_builtins(key) for key in mine.table], "wrong": mine.wrong})
    elif chosen.toml:
        say(f"# {theming.user_directory() / keymap.FILE}\n[keys]")
        for key in mine.table:
            say(f'# "{key.id}" = "{keys.show(key.key)}"'.ljust(48) + f"  # {key.help}")
    else:
        for place, title in keys.PLACES.items():
            say(title)
            for key in keys.at(place, mine.table):
                say(f"  {keys.show(key.key):<20} {key.id:<28} {key.help}")
    for line in mine.wrong:
        complain(line)
    return 1 if mine.wrong else 0
