"""Every command takes the options that all have, speaks JSON of a recorded shape, and ends badly with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatui import completion
from tests import every_command
from tests.every_command import leaves, objects, outcomes, runs, shapes

NODES = {" ".join(node.words): node for node in leaves()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    return outcomes(tmp_path_factory.mktemp("every"))


def test_no_command_is_forgotten_here(tmp_path: Path) -> None:
    assert set(runs(tmp_path, 1)) == set(NODES)


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_every_command_takes_json_host_and_timeout(node: completion.Node) -> None:
    names = {name for option in node.options for name in option.names}
    assert {"--json", "--host", "--timeout"} <= names


@pytest.mark.parametrize("name", NODES)
def test_json_of_every_command_begins_with_its_version(found: dict[str, tuple[int, str]], name: str) -> None:
    status, text = found[name]
    told = objects(text)
    assert told
    assert all(next(iter(one.items())) == ("v", 1) for one in told)
    assert status == {"doctor": 1, "config diff": 1, "config fmt": 1}.get(name, 0)


def test_no_key_that_was_promised_is_gone_or_holds_something_else(found: dict[str, tuple[int, str]]) -> None:
    """New keys are for `make docs`; a key that goes, or changes, is for another version."""
    promised = every_command.promised()
    now = shapes(found)
    assert promised.keys() == now.keys()
    for name, keys in promised.items():
        assert keys.items() <= now[name].items(), name
