"""The key table: no clash, a sentence for each, upper case acts."""

from __future__ import annotations

import pytest
from textual.screen import Screen

from hatui import keys
from hatui.app import HatuiApp
from hatui.palette import CommandLine, PaletteScreen
from hatui.screens.ask import Ask
from hatui.screens.config import ConfigScreen
from hatui.screens.confirm import ConfirmDialog
from hatui.screens.dashboard import Dashboard
from hatui.screens.detail import Detail
from hatui.screens.disk import DiskDialog
from hatui.screens.drills import Drills
from hatui.screens.events import Events
from hatui.screens.jump import JumpScreen
from hatui.screens.new import NewInstance
from hatui.screens.packets import Packets
from hatui.screens.pager import Pager
from hatui.screens.peers import Peers
from hatui.screens.problems import Problems
from hatui.screens.report import ReportPage
from hatui.screens.review import Review
from hatui.screens.revisions import Revisions
from hatui.screens.whatif import WhatIf
from hatui.screens.why import Why
from hatui.widgets.rows import Rows

OWNERS: dict[str, type] = {
    "everywhere": HatuiApp,
    "list": Rows,
    "dashboard": Dashboard,
    "packets": Packets,
    "config": ConfigScreen,
    "drills": Drills,
    "events": Events,
    "detail": Detail,
    "peers": Peers,
    "problems": Problems,
    "replay": HatuiApp,
    "dialog": Ask,
    "page": Pager,
    "report": ReportPage,
    "why": Why,
    "command": CommandLine,
    "palette": PaletteScreen,
    "jump": JumpScreen,
    "whatif": WhatIf,
    "new": NewInstance,
    "confirmation": ConfirmDialog,
    "review": Review,
    "differs": ConfigScreen,
    "disk": DiskDialog,
    "revisions": Revisions,
}


def test_no_key_means_two_things_at_one_place() -> None:
    assert keys.clashes() == []


def test_clash_is_found_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = keys.Key("dashboard.twin", "F", "Twin", "Clashes.", "twin")
    monkeypatch.setattr(keys, "KEYS", (*keys.KEYS, twin))
    assert [str(clash) for clash in keys.clashes()] == ["dashboard: F is dashboard.failover and dashboard.twin"]


def test_ids_are_unique_and_name_a_known_place() -> None:
    ids = [key.id for key in keys.KEYS]
    assert len(set(ids)) == len(ids)
    assert {key.place for key in keys.KEYS} <= set(keys.PLACES)


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.id)
def test_key_has_a_sentence_and_an_action_that_exists(key: keys.Key) -> None:
    assert key.help.endswith(".")
    name = key.action.partition("(")[0].removeprefix("app.")
    owner = HatuiApp if key.action.startswith("app.") else OWNERS[key.place]
    assert hasattr(owner, f"action_{name}"), f"{owner.__name__} has no action_{name}"


def test_upper_case_acts_and_lower_case_looks() -> None:
    exceptions = {"everywhere.leave", "list.last"}
    for key in keys.KEYS:
        if key.place in ("dialog", "page") or key.id in exceptions or key.key.startswith("ctrl"):
            continue
        letters = [part for part in key.key.split(",") if len(part) == 1 and part.isalpha()]
        assert all(letter.isupper() == key.acts for letter in letters), key.id


def test_no_key_is_eaten_by_a_multiplexer_and_none_needs_a_function_key() -> None:
    for key in keys.KEYS:
        parts = key.key.split(",")
        assert not {"ctrl+a", "ctrl+b"} & set(parts)
        assert any(not (part[0] == "f" and part[1:].isdigit()) for part in parts)


def test_footer_names_at_most_eight_keys() -> None:
    for place in keys.PLACES:
        assert len(keys.footer(place)) <= 8
    assert [key.label for key in keys.footer("dashboard")][:2] == ["Detail", "Why"]


def test_keys_are_shown_as_people_write_them() -> None:
    assert keys.show("question_mark,f1") == "? F1"
    assert keys.show("ctrl+s") == "ctrl+s"


@pytest.mark.parametrize("screen", [Dashboard, Packets, ConfigScreen, Events, Detail, Peers])
def test_each_screen_binds_exactly_its_part_of_the_table(screen: type[Screen[None]]) -> None:
    place = screen.PLACE  # type: ignore[attr-defined]
    bound = {binding.id for binding in screen.BINDINGS}  # type: ignore[union-attr]
    assert bound == {key.id for key in keys.at(place)}


def test_last_line_while_letters_are_text_names_only_keys_that_type_none() -> None:
    own = (keys.Key("filter.keep", "enter", "Keep", "", "keep"),)
    assert [one.key for one in keys.beside_letters(own)] == ["enter", "ctrl+p", "ctrl+g"]
    mine = keys.changed({"everywhere.help": "question_mark", "everywhere.palette": "ctrl+y"})
    assert [one.key for one in keys.beside_letters(own, mine)] == ["enter", "ctrl+y"]
