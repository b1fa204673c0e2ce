"""The documents made from the programs: as they are now, with an exit code for every way to end."""

from __future__ import annotations

import argparse
import importlib
import re

import pytest

from hatui.cli import whole_parser
from hatui.commands import COMMANDS
from tests import docs


def test_commands_and_keys_are_documented_as_they_are() -> None:
    """`make docs` writes them."""
    assert (docs.DOCS / "commands.md").read_text() == docs.commands_text()
    assert (docs.DOCS / "keys.md").read_text() == docs.keys_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_its_exit_codes(name: str) -> None:
    whole = whole_parser()
    subs = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    parser = subs.choices[name]
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    said = " ".join(str(one.epilog) for one in (parser, *(sub for action in below for sub in action.choices.values())))
    assert re.search(r"exit codes?: 0", said), said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_exit_code_that_a_command_names_itself_is_documented(name: str) -> None:
    """A constant EXIT_WORD = N of its module stands in its help."""
    module = importlib.import_module(f"hatui.commands.{COMMANDS[name][0]}")
    said = " ".join(module.EPILOG.values()) if isinstance(module.EPILOG, dict) else module.EPILOG
    codes = {value for word, value in vars(module).items() if word.startswith("EXIT_") and isinstance(value, int)}
    assert {code for code in codes if not re.search(rf"\b{code}\b", said)} == set()


def test_keys_file_names_every_key() -> None:
    from hatui import keys

    text = docs.keys_text()
    assert all(f"| {key.id} |" in text for key in keys.KEYS)
