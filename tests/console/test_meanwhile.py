"""Another operator acts while a dialog is open: it says so, and refuses."""

from __future__ import annotations

import msgspec
import pytest

from engine.messages import (
    Command,
    Failover,
    InstanceStatus,
    Maintenance,
    Outcome,
    Reply,
    RunDrill,
    StatusLine,
)
from hatui.app import HatuiApp
from hatui.meanwhile import Meanwhile
from hatui.store import Store
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import API, DNS, ENGINE, NOW, SESSION, WEB
from tests.console.rehearsed import RUNNING
from tests.console.test_engine_lost import FLOWS, give_reason, is_wish

SIZE = (100, 30)


def held(status: InstanceStatus, kind: str = "step-down", by: str = "bob") -> InstanceStatus:
    return msgspec.structs.replace(status, hold_kind=kind, hold_by=by)


def forecasts(command: Command) -> Reply:
    """An engine that has nothing against it."""
    assert not is_wish(command), "the dialog had to refuse"
    return Reply(0, Outcome.DONE, text="10.0.0.12 will be MASTER")


@pytest.fixture
def staged(link: StagedLink) -> StagedLink:
    link.answers |= {Failover: forecasts, Maintenance: forecasts, RunDrill: forecasts}
    return link


@pytest.mark.parametrize("key", ["F", "M", "D"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [("step-down", "bob began a hold (step-down) of VI_WEB"), ("maintenance", "bob began maintenance")],
)
async def test_hold_that_begins_meanwhile_is_said_and_refused(
    console: HatuiApp, staged: StagedLink, key: str, kind: str, words: str
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, FLOWS[key][1])
        await give_reason(pilot, key)
        assert "[E-HELD]" not in await settle(pilot)
        staged.feed(StatusLine(held(WEB, kind), NOW))
        text = await until(pilot, "[E-HELD]")
        assert words in text
        await pilot.press("y")
        await settle(pilot)
        assert not [one for one in staged.commands() if is_wish(one)]


@pytest.mark.parametrize("key", ["F", "M", "D"])
async def test_drill_that_begins_meanwhile_is_said_and_refused(console: HatuiApp, staged: StagedLink, key: str) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, FLOWS[key][1])
        await give_reason(pilot, key)
        staged.feed(StatusLine(msgspec.structs.replace(ENGINE, drill=RUNNING), NOW))
        await until(pilot, "drill #17 of anna began meanwhile: wait for its end [E-DRILL]")
        await pilot.press("y")
        await settle(pilot)
        assert not [one for one in staged.commands() if is_wish(one)]
        staged.feed(StatusLine(ENGINE, NOW))
        text = await settle(pilot)
        assert "[E-DRILL]" not in text, "its end frees the dialog again"


async def test_hold_of_another_instance_is_no_news_to_this_one(console: HatuiApp, staged: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Fail over VI_WEB")
        staged.feed(StatusLine(held(API), NOW))
        text = await until(pilot, "another hold is on: VI_API")
        assert "[E-HELD]" not in text


def test_hold_that_stood_there_is_no_news_but_another_one_is() -> None:
    store = Store()
    for line in (*SESSION, StatusLine(held(WEB), NOW)):
        store.apply(line)
    since = Meanwhile(store, "VI_WEB")
    assert since.against(store) == ""
    store.apply(StatusLine(held(WEB, by="eve"), NOW))
    assert since.against(store).startswith("eve began a hold")


def test_hold_of_a_member_of_its_group_counts_and_of_any_instance_for_the_whole_node() -> None:
    store = Store()
    for line in SESSION:
        store.apply(line)
    for status in (WEB, DNS):
        store.apply(StatusLine(msgspec.structs.replace(status, sync_group="G1"), NOW))
    group, other, node = Meanwhile(store, "VI_WEB"), Meanwhile(store, "VI_API"), Meanwhile(store, "")
    store.apply(StatusLine(msgspec.structs.replace(held(DNS), sync_group="G1"), NOW))
    assert "of VI_DNS" in group.against(store)
    assert other.against(store) == ""
    assert "of VI_DNS" in node.against(store)
