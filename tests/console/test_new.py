"""A new instance by questions: what is asked back, the lines it makes, and that only the editor gets them."""

from __future__ import annotations

import pytest

from engine.config.build import load
from engine.messages import Snapshot
from hatui.app import HatuiApp
from hatui.screens.new import FIELDS, block, wrong
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, HELLO, NOW, heartbeat

GOOD = {field: first for field, (_, first) in FIELDS.items()} | {"addresses": "10.0.0.100/24", "vrid": "51"}


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ({}, ""),
        ({"name": "two words"}, "one word"),
        ({"name": "VI_OLD"}, "VI_OLD already"),
        ({"interface": "no such thing"}, "interface is a name"),
        ({"addresses": ""}, "which address"),
        ({"addresses": "10.0.0.300"}, "10.0.0.300 is no address"),
        ({"addresses": "10.0.0.1 2001:db8::1"}, "an instance each"),
        ({"peers": "2001:db8::2"}, "an instance each"),
        ({"vrid": "0"}, "from 1 to 255"),
        ({"vrid": "x"}, "from 1 to 255"),
        ({"priority": "255"}, "from 1 to 254"),
        ({"peers": "10.0.0.12 10.0.0.13"}, ""),
        ({"addresses": "2001:db8::100/64"}, ""),
    ],
)
def test_answer_that_makes_no_configuration_is_asked_again(answers: dict[str, str], complaint: str) -> None:
    said = wrong(GOOD | answers, {"VI_OLD"})
    assert (complaint in said) if complaint else said == ""


@pytest.mark.parametrize(
    "answers", [{}, {"peers": "10.0.0.12"}, {"addresses": "10.0.0.100 10.0.0.101/24"}, {"addresses": "2001:db8::1/64"}]
)
def test_lines_are_a_configuration_without_errors(answers: dict[str, str]) -> None:
    text = block(GOOD | answers)
    assert text.startswith("vrrp_instance VI_1 {\n")
    assert text.count("{") == text.count("}")
    assert "virtual_router_id 51" in text
    loaded = load("/k.conf", {"/k.conf": text}.get, lambda _: [])
    assert loaded.config is not None
    assert [str(one) for one in loaded.diagnostics] == []


async def test_without_any_instance_the_screen_says_how_to_make_one_and_it_lands_in_the_editor(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        link.feed(HELLO, Snapshot((ENGINE,), 0, NOW), heartbeat())
        await until(pilot, "no VRRP instance is configured: n makes one")
        await pilot.press("n")
        await until(pilot, "which address shall be served?")
        await pilot.press("enter")
        await pilot.press(*"10.0.0.200/24", "tab", *"77")
        text = await until(pilot, "virtual_router_id 77")
        assert "10.0.0.200/24" in text
        await pilot.press("enter")
        await until(pilot, "3[Config]")
        text = await until(pilot, "changed")
        assert "virtual_router_id 77" in getattr(console.frame, "text", "")
        assert link.commands() == [], "nothing runs before the review"
