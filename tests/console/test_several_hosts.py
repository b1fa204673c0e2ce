"""Several engines in one console, screen by screen: whose word stands there, and whom a key that acts reaches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec
import pytest
from textual.pilot import Pilot

from engine.errors import EngineLost
from engine.messages import (
    AbortDrill,
    AnnounceNow,
    ApplyConfig,
    Command,
    ConfirmConfig,
    EngineStatus,
    EventLine,
    Failover,
    GetConfig,
    GetDrills,
    GetEvents,
    GetJournal,
    InstanceStatus,
    Maintenance,
    MaintenanceInfo,
    Outcome,
    Release,
    Reload,
    Reply,
    ReserveDrill,
    RollbackConfig,
    RunDrill,
    ServerLine,
    Snapshot,
    State,
    Status,
    StatusLine,
    Verdict,
)
from hatui import nodes
from hatui.app import HatuiApp
from hatui.merging import MergedLink
from hatui.palette import execute
from hatui.screens.config import ConfigScreen
from hatui.store import Connection, LinkState
from hatui.widgets.events import event_line
from hatui.widgets.instances import InstanceRow, table_columns, table_line
from tests.console.conftest import CONFIG, StagedLink, config_text
from tests.console.piloting import settle, until
from tests.console.recording import DNS, ENGINE, EVENTS, HELLO, MS, NOW, WALL, WEB, S, advert, heartbeat, packet
from tests.console.rehearsed import PLANS, REPORTS, RUNNING

SIZE = (100, 30)
AWAY = 100 * S
"""The clock of lb-b stands so many ns beside that of lb-a."""
BACKUP = msgspec.structs.replace(
    WEB, state=State.BACKUP, base_priority=100, priority=100, master="10.0.0.11", source="10.0.0.12", peer="10.0.0.11"
)
MASTER = msgspec.structs.replace(
    DNS, state=State.MASTER, source="10.0.0.12", peer="10.0.0.11", peer_priority=100, heard_at=NOW - 3600 * S
)


class Node(StagedLink):
    """A staged engine of its own name, way and clock."""

    def __init__(self, host: str, offset: int, *statuses: InstanceStatus, role: str = "operator") -> None:
        engine = msgspec.structs.replace(ENGINE, host=host)
        hello = msgspec.structs.replace(HELLO, host=host, role=role)
        lines: tuple[ServerLine, ...] = (hello, Snapshot((*statuses, engine), 0, NOW), heartbeat())
        super().__init__(tuple(nodes.moved(line, offset) for line in lines))
        self._now, self.host, self.offset, self.engine = NOW + offset, host, offset, engine
        for kind in (Failover, AnnounceNow, Maintenance, Reload, Release, AbortDrill, ReserveDrill):
            self.answers[kind] = Reply(0, Outcome.DONE, text=f"done by {host}")
        self.answers[RunDrill] = Reply(0, Outcome.DONE, drill=REPORTS[0])

    def arguments(self, instance: str = "") -> list[str]:
        return ["--host", f"anna@{self.host}"]

    def forget(self) -> None:
        """Nothing was told yet."""
        self._next = 0

    def tell_engine(self, **changes: object) -> EngineStatus:
        """The engine says something else of itself."""
        self.engine = msgspec.structs.replace(self.engine, **changes)
        self.feed(StatusLine(nodes.moved(self.engine, self.offset), self.now()))
        return self.engine

    def acted(self) -> list[Command]:
        """What was asked, without what only reads or tries."""
        acts = [one for one in self.commands() if not isinstance(one, GetDrills | ReserveDrill)]
        bare = [msgspec.structs.replace(one, checks=()) if hasattr(one, "checks") else one for one in acts]
        return [one for one in bare if not getattr(one, "dry_run", False)]


class Pair:
    """lb-a serves VI_WEB, lb-b serves VI_DNS."""

    def __init__(self, directory: Path, *, role_b: str = "operator") -> None:
        self.a = Node("lb-a", 0, WEB, DNS)
        self.b = Node("lb-b", AWAY, BACKUP, MASTER, role=role_b)
        self.link = MergedLink({"lb-a": self.a, "lb-b": self.b}, clock=lambda: NOW, gathering_s=0)  # type: ignore[dict-item]
        self.console = HatuiApp(self.link, user_files=directory)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Both there, both operated."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HATUI_SSH", str(tmp_path / "no-ssh"))
    return Pair(tmp_path)


def happened(second: int) -> EventLine:
    """An event so many seconds from now."""
    return msgspec.structs.replace(EVENTS[0], seq=1, mono_ns=NOW + second * S, wall_ns=WALL + second * S)


DOWN: tuple[str, ...] = ("j", "j")
"""From lb-a:VI_WEB to lb-b:VI_WEB."""


def drilled(host: str, number: int) -> Callable[[Command], Reply]:
    """An engine with one report of its own."""
    report = msgspec.structs.replace(REPORTS[0], number=number, host=host, text=f"report of {host}")

    def answer(command: Command) -> Reply:
        assert isinstance(command, GetDrills)
        if command.number:
            return Reply(0, Outcome.DONE, drill=report)
        return Reply(0, Outcome.DONE, drills=(report,), plans=PLANS)

    return answer


# who is asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "title", "wish"),
    [
        ("F", "Take over lb-b:VI_WEB", Failover("VI_WEB", "take-over")),
        ("D", "Drill hand-over of lb-b:VI_WEB", RunDrill("hand-over", "VI_WEB")),
        ("A", "Announce now on lb-b?", AnnounceNow()),
        ("R", "Reload the configuration of lb-b?", Reload()),
    ],
)
async def test_key_that_acts_reaches_the_node_of_the_selection_and_says_which(
    pair: Pair, key: str, title: str, wish: Command
) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press(*DOWN, key)
        text = await until(pilot, title)
        assert "hatui --host anna@lb-b " in text
        await pilot.press("y")
        await settle(pilot)
        assert pair.b.acted() == [wish]
        assert pair.a.acted() == []


async def test_maintenance_of_the_whole_node_is_that_of_the_selected_instance(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press(*DOWN, "M")
        await until(pilot, "Maintenance of lb-b:VI_WEB")
        await pilot.click("#scope")
        await pilot.press("end", *["backspace"] * 20)
        await until(pilot, "Maintenance of the whole node lb-b")
        await pilot.click("#reason")
        await pilot.press(*"fan", "escape")
        text = await until(pilot, "hatui --host anna@lb-b maintenance on --reason fan")
        assert "E-" not in text
        await pilot.press("y")
        await settle(pilot)
        assert pair.b.acted() == [Maintenance()]
        assert pair.a.acted() == []


async def test_maintenance_is_ended_where_it_is_on(pair: Pair) -> None:
    info = MaintenanceInfo("", "anna", "fan", NOW)
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        pair.b.tell_engine(maintenance=(info,))
        await settle(pilot)
        await pilot.press("M")
        await until(pilot, "Maintenance of lb-a:VI_WEB: who will be MASTER then?")
        await pilot.press("escape", "escape")
        await settle(pilot)
        await pilot.press(*DOWN, "M")
        await until(pilot, "End the maintenance of the whole node lb-b?")
        await pilot.press("y")
        await settle(pilot)
        assert pair.b.acted() == [Maintenance(on=False)]


@pytest.mark.parametrize("key", ["F", "M", "D"])
async def test_dialog_about_a_node_that_goes_away_refuses_and_names_it(pair: Pair, key: str) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press(*DOWN, key)
        await until(pilot, "lb-b:VI_WEB")
        if key == "M":
            await pilot.click("#reason")
            await pilot.press(*"fan", "escape")
        pair.b.feed(LinkState(Connection.LOST, NOW + AWAY, "gone"))
        await until(pilot, "the engine on lb-b is silent: its states are not known [E-NO-ENGINE]")
        await pilot.press("y")
        await settle(pilot)
        assert pair.b.acted() == []


@pytest.mark.parametrize("key", ["F", "M", "D"])
async def test_dialog_about_one_node_does_not_mind_that_another_is_away(pair: Pair, key: str) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        pair.a.feed(LinkState(Connection.LOST, NOW, "gone"))
        await pilot.press(*DOWN, key)
        await until(pilot, "lb-b:VI_WEB")
        if key == "M":
            await pilot.click("#reason")
            await pilot.press(*"fan", "escape")
        text = await settle(pilot)
        assert "E-NO-ENGINE" not in text.splitlines()[-8:]
        await pilot.press("y")
        await settle(pilot)
        assert len(pair.b.acted()) == 1


@pytest.mark.parametrize("key", ["F", "M", "D", "A", "R"])
async def test_viewer_of_one_node_is_refused_there_and_operates_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    pair = Pair(tmp_path, role_b="viewer")
    async with pair.console.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press(*DOWN, key)
        await until(pilot, "not allowed: anna is a viewer on lb-b [E-ROLE]")
        assert pair.b.acted() == []
        await pilot.press("k", "k", "R")
        await until(pilot, "Reload the configuration of lb-a?")


# drills --------------------------------------------------------------------------------------------


async def test_drills_tells_the_reports_of_every_node(pair: Pair) -> None:
    pair.a.answers[GetDrills], pair.b.answers[GetDrills] = drilled("lb-a", 7), drilled("lb-b", 8)
    async with pair.console.run_test(size=(160, 45)) as pilot:
        await settle(pilot)
        await pilot.press("4")
        text = await until(pilot, "#8")
        rows = {line.lstrip(" >").split()[0]: line for line in text.splitlines() if "VI_" in line}
        assert "#7 silent-master pass" in rows["lb-a:VI_WEB"]
        assert "#8 silent-master pass" in rows["lb-b:VI_WEB"]
        assert "never drilled" in rows["lb-b:VI_DNS"]
        assert "lb-b:VI_WEB" in rows["#8"]
        await pilot.press("G", *("k" if text.index("#8") < text.index("#7") else ()), "enter")
        await until(pilot, "report of lb-b")
        await until(pilot, "same as hatui --host anna@lb-b drill report 8")


async def test_drill_on_any_node_is_seen_and_ended_there(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        pair.b.tell_engine(drill=RUNNING)
        await until(pilot, "DRILL ON lb-b")
        await pilot.press("4")
        await until(pilot, "Drill #17 silent-master lb-b:VI_WEB")
        await pilot.press("a")
        await until(pilot, "Abort drill #17 on lb-b?")
        await pilot.press("y")
        await settle(pilot)
        assert pair.b.acted() == [AbortDrill()]
        assert pair.a.acted() == []


async def test_node_without_an_answer_takes_no_report_of_the_other_away(pair: Pair) -> None:
    pair.a.answers[GetDrills], pair.b.answers[GetDrills] = drilled("lb-a", 7), EngineLost("there is no connection")
    async with pair.console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("4")
        text = await until(pilot, "lb-b: there is no connection")
        assert "#7 silent-master pass" in text


# configuration -------------------------------------------------------------------------------------

WAITS = {
    "confirm_revision": 42,
    "confirm_deadline": NOW + 252 * S,
    "confirm_previous": 41,
    "confirm_by": "operator bob",
}


@pytest.mark.parametrize(("key", "wish"), [("y", ConfirmConfig(42)), ("T", RollbackConfig(0))])
async def test_change_that_waits_on_any_node_is_counted_down_and_decided_there(
    pair: Pair, key: str, wish: Command
) -> None:
    pair.b.answers[type(wish)] = Reply(0, Outcome.DONE, text="done by lb-b")
    async with pair.console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        pair.b.tell_engine(**WAITS)
        await until(pilot, "lb-b config #42 reverts in 4:12")
        await pilot.press("C")
        text = await until(pilot, "Keep lb-b config #42?")
        assert "hatui --host anna@lb-b config confirm 42" in text
        await pilot.press(key)
        await until(pilot, "done by lb-b")
        assert pair.b.acted() == [wish]
        assert pair.a.acted() == []


async def test_of_two_changes_that_wait_the_one_that_ends_first_is_told(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        pair.b.tell_engine(**WAITS)
        pair.a.tell_engine(**{**WAITS, "confirm_revision": 7, "confirm_deadline": NOW + 60 * S})
        await until(pilot, "lb-a config #7 reverts in 1:00")
        pair.a.feed(LinkState(Connection.LOST, NOW, "gone"))
        await until(pilot, "lb-a config #7 timer ? not heard")


# the past ------------------------------------------------------------------------------------------


def kept(node: Node, second: int, *statuses: InstanceStatus) -> Snapshot:
    """What this node's journal kept so many seconds from now."""
    at = node.offset + second * S
    told: tuple[Status, ...] = (*statuses, node.engine)
    return Snapshot(tuple(nodes.moved(status, at) for status in told), 3, NOW + at, WALL + second * S)


async def test_replay_shows_the_journals_of_all_nodes_on_one_time_and_comes_back(pair: Pair) -> None:
    shots = (kept(pair.a, -600, WEB), kept(pair.a, -570, BACKUP)), (kept(pair.b, -605, BACKUP), kept(pair.b, -575, WEB))
    for node, found in zip((pair.a, pair.b), shots, strict=True):
        node.answers[GetJournal] = Reply(0, Outcome.DONE, snapshots=found)
        late = happened(-580 + (node is pair.b) * 5)  # each by its own clock
        node.answers[GetEvents] = Reply(
            0, Outcome.DONE, events=(msgspec.structs.replace(late, mono_ns=late.mono_ns + node.offset),)
        )
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        assert execute(pair.console, "node lb-b") == ""
        assert execute(pair.console, "replay 13:52:16") == ""
        text = await until(pilot, " REPLAY")
        assert "* lb-a:VI_WEB" in text
        assert "- lb-b:VI_WEB" in text
        assert "2 of 2 engines live" in text
        assert pair.console.here == "lb-b"
        assert pair.console.engine_store.engine is not None
        assert pair.console.engine_store.engine.host == "lb-b"
        await pilot.press("full_stop")
        await until(pilot, "13:52:31")
        await pilot.press("full_stop")
        text = await until(pilot, "13:52:36")
        assert "* lb-b:VI_WEB" in text, "its journal says so at 13:52:36"
        assert "* lb-a:VI_WEB" in text, "it became backup five seconds later"
        await pilot.press("5")
        text = await until(pilot, "5[Events]")
        assert "13:52:31" in text.partition("13:52:36")[2], "the events of both, and line 1"
        await pilot.press("6")
        assert "lb-a" in await until(pilot, "6[Peers]")
        await pilot.press("1", "comma")
        assert "- lb-b:VI_WEB" in await until(pilot, "13:52:31")
        await pilot.press("F")
        assert "Fail over" not in await settle(pilot)
        await pilot.press("escape")
        text = await until(pilot, "on lb-b  READ-WRITE")
        assert "lb-a:VI_WEB" in text
        assert "lb-b:VI_DNS" in text
        assert pair.link.here == "lb-b"


async def test_replay_without_one_nodes_journal_shows_the_others_and_says_why(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.a.answers[GetJournal] = Reply(0, Outcome.DONE, snapshots=(kept(pair.a, -600, WEB),))
    pair.a.answers[GetEvents] = Reply(0, Outcome.DONE)
    pair.b.answers[GetJournal] = EngineLost("there is no connection to the engine")
    said: list[str] = []
    monkeypatch.setattr(pair.console, "say", lambda text, _severity="": said.append(text))
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        execute(pair.console, "replay 13:52:11")
        text = await until(pilot, " REPLAY")
        assert "* lb-a:VI_WEB" in text
        assert "lb-b:VI_WEB" not in text
        assert "!! lb-b: there is no connection to the engine" in text
        assert "1 of 2 engines live" in text
    assert said[-1] == "lb-b: there is no connection to the engine"


async def test_replay_of_nodes_that_are_all_away_says_of_each_why(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for node in (pair.a, pair.b):
        node.answers[GetJournal] = EngineLost("there is no connection to the engine")
    said: list[str] = []
    monkeypatch.setattr(pair.console, "say", lambda text, _severity="": said.append(text))
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        execute(pair.console, "replay 13:52:11")
        await pair.console.workers.wait_for_complete([one for one in pair.console.workers if one.name == "replay"])
        assert "READ-WRITE" in await settle(pilot)
    assert said[-2:] == [f"{node}: there is no connection to the engine" for node in ("lb-a", "lb-b")]


# packets -------------------------------------------------------------------------------------------


def seen(pair: Pair, count: int, *, verdict: Verdict = Verdict.OK) -> None:
    """Adverts of lb-a, a second apart: each is sent there and heard by lb-b a millisecond later."""
    frame = advert("10.0.0.11", 51, 150, "10.0.0.100", b"1111")
    for at in range(count):
        second = (at - count) * S
        pair.b.feed(nodes.moved(packet(at, second + MS, frame, "VI_WEB", verdict), AWAY))
        pair.a.feed(packet(at, second, frame, "VI_WEB", Verdict.SENT))


async def test_packets_say_which_node_saw_them_and_can_be_asked_for_by_it(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press("2")
        await settle(pilot)
        seen(pair, 3)
        text = await until(pilot, "6 of 6")
        assert " NODE " in text
        rows = [line for line in text.splitlines() if " pw " in line]
        assert [sum(f" {node} " in row for row in rows) for node in ("lb-a", "lb-b")] == [3, 3]
        assert all("10.0.0.11" in row for row in rows)
        await pilot.press("slash", *"node==lb-b", "enter")
        text = await until(pilot, "3 of 6")
        assert all("lb-b" in line for line in text.splitlines() if " pw " in line)
        await pilot.press("i")
        await until(pilot, 'instance=="lb-b:VI_WEB"')


async def test_ladder_draws_what_two_nodes_saw_once(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press("2", "l")
        await settle(pilot)
        seen(pair, 6)
        text = await until(pilot, "alike folded")
        assert "... 4 alike folded, spacing 1.000s +/- 0ms ..." in text
        assert "lb-a 10.0.0.11" in text
        assert text.count("51 prio 150") == 2


async def test_ladder_draws_what_one_node_sent_and_the_other_refused_twice(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press("2", "l")
        await settle(pilot)
        seen(pair, 1, verdict=Verdict.AUTH_DATA)
        text = await until(pilot, "auth-data")
        assert text.count("51 prio 150") == 2


async def edited(pilot: Pilot[None]) -> None:
    """The priority of VI_1 is typed anew; single keys again afterwards."""
    await settle(pilot)
    screen = cast("HatuiApp", pilot.app).frame
    assert isinstance(screen, ConfigScreen)
    screen.editor.goto(13, 0)
    await pilot.press("enter", "end", "backspace", "1", "escape")
    await until(pilot, "1 line changed")


def file_of(host: str) -> Reply:
    """The same file on every node, but for a comment: digests differ."""
    return Reply(0, Outcome.DONE, files=(config_text(f"{CONFIG}# {host}\n"),))


@pytest.fixture
def configured(pair: Pair) -> Pair:
    for node in (pair.a, pair.b):
        node.answers[GetConfig] = file_of(node.host)
        node.answers[ApplyConfig] = Reply(0, Outcome.DONE, text=f"done by {node.host}")
    return pair


async def test_e_opens_the_configuration_of_the_selected_instances_node(configured: Pair) -> None:
    configured.b.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text("vrrp_instance VI_WEB {\n}\n# b\n"),))
    async with configured.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press("3")
        await until(pilot, "lb-a:")
        await pilot.press("1", *DOWN, "e")
        text = await until(pilot, "# b")
        assert "on lb-b  READ-WRITE" in text
        assert "vrrp_instance VI_WEB" in text


async def test_candidate_is_applied_to_the_node_that_it_was_read_from(configured: Pair) -> None:
    async with configured.console.run_test(size=(120, 40)) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        execute(configured.console, "node lb-b")
        await pilot.press("3")
        text = await until(pilot, "# lb-b")
        assert "lb-b:/etc/keepalived/keepalived.conf" in text
        await edited(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, "Review lb-b:")
        await pilot.press("y")
        await until(pilot, "done by lb-b")
        assert [type(one) for one in configured.b.acted()] == [ApplyConfig]
        assert configured.a.acted() == []


async def test_text_of_each_node_is_its_own_and_waits_until_one_comes_back_to_it(configured: Pair) -> None:
    async with configured.console.run_test(size=(120, 40)) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press("3")
        await until(pilot, "# lb-a")
        await edited(pilot)
        execute(configured.console, "node lb-b")
        text = await until(pilot, "# lb-b")
        assert "as it is on disk" in text
        assert "priority        101" not in text
        execute(configured.console, "node lb-a")
        text = await until(pilot, "# lb-a")
        await until(pilot, "1 line changed")
        assert "priority        101" in await settle(pilot)


async def test_way_back_is_forced_where_the_connection_to_that_node_arrives(configured: Pair) -> None:
    config = CONFIG.replace("VI_1", "VI_WEB")
    for node in (configured.a, configured.b):
        node.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(config),))
    async with configured.console.run_test(size=(120, 40)) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        greeting = msgspec.structs.replace(HELLO, host="lb-b", arrived="10.0.0.100")
        configured.b.feed(nodes.moved(greeting, AWAY))
        execute(configured.console, "node lb-b")
        await pilot.press("3")
        await until(pilot, "lb-b:/etc")
        await edited(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, "your own connection comes over 10.0.0.100 of VI_WEB")
        await until(pilot, "[E-WAY-BACK]")
        await pilot.press("A")
        await settle(pilot)
        assert configured.b.acted() == []
        await pilot.press("escape", "escape")
        execute(configured.console, "node lb-a")
        await until(pilot, "lb-a:/etc")
        await edited(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, "this node is MASTER of VI_WEB")


# what a linked node knows ----------------------------------------------------------------------------


async def test_ready_is_what_the_linked_node_says_of_itself(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        text = await settle(pilot)
        row = next(line for line in text.splitlines() if "lb-a:VI_WEB 51" in line)
        assert row.split()[-1] == "READY"
        assert "lb-b is backup with priority 100" in text
        pair.b.feed(StatusLine(nodes.moved(msgspec.structs.replace(BACKUP, state=State.FAULT), AWAY), NOW + AWAY))
        text = await until(pilot, "[P-PEER-READY]")
        assert "NOT READY" in text
        pair.b.feed(LinkState(Connection.LOST, NOW + AWAY, "gone"))
        text = await until(pilot, "1 of 2 engines live")
        assert "P-PEER-READY" not in text
        row = next(line for line in text.splitlines() if "lb-a:VI_WEB 51" in line)
        assert row.split()[-1] == "unknown", "what nobody tells any more is not ready"


async def test_peers_shows_how_far_the_clocks_are_apart(pair: Pair) -> None:
    async with pair.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        late = heartbeat()
        pair.a.feed(late)
        pair.b.feed(nodes.moved(msgspec.structs.replace(late, wall_ns=late.wall_ns + 3 * MS), AWAY))
        pair.b.feed(LinkState(Connection.LIVE, NOW + AWAY, round_trip=4 * MS))
        await pilot.press("6")
        text = await until(pilot, "clock")
        row = next(line for line in text.splitlines() if line.split()[:1] == ["clock"])
        assert "the measure" in row
        assert "+3ms +/- 2ms" in row
        assert "<>" not in row
        pair.b.feed(nodes.moved(msgspec.structs.replace(late, wall_ns=late.wall_ns + 61 * S), AWAY))
        text = await until(pilot, "+61.0s")
        assert "<>" in next(line for line in text.splitlines() if "+61.0s" in line)


# one change on all nodes -----------------------------------------------------------------------------


@pytest.fixture
def alike(configured: Pair) -> Pair:
    """VI_WEB in the file of both nodes; lb-a serves it."""
    for node in (configured.a, configured.b):
        text = f"{CONFIG.replace('VI_1', 'VI_WEB')}# {node.host}\n"
        node.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(text),))
    return configured


async def reviewed_for_all(pilot: Pilot[None]) -> str:
    """The change of `edited` in the review, meant for all nodes."""
    await until(pilot, "lb-b:VI_DNS")
    await pilot.press("3")
    await until(pilot, "# lb-a")
    await edited(pilot)
    await pilot.press("ctrl+s")
    await until(pilot, "On 1 of 2")
    await pilot.click("#nodes")
    return await until(pilot, "On all 2")


def applied_in_order(pair: Pair, order: list[str]) -> None:
    for node in (pair.a, pair.b):

        def answer(command: Command, node: Node = node) -> Reply:
            assert isinstance(command, ApplyConfig)
            order.append(node.host)
            assert f"# {node.host}\n" in command.text, "its own file"
            assert "priority        101" in command.text
            assert command.confirm_s == 300
            return Reply(0, Outcome.DONE, text=f"done by {node.host}")

        node.answers[ApplyConfig] = answer


async def test_one_change_is_applied_on_all_nodes_the_backup_first(alike: Pair) -> None:
    order: list[str] = []
    applied_in_order(alike, order)
    async with alike.console.run_test(size=(120, 45)) as pilot:
        await reviewed_for_all(pilot)
        text = await until(pilot, " On lb-b")
        assert text.count("+        priority        101") == 2
        await pilot.press("y")
        text = await until(pilot, "done by lb-a")
        assert "done by lb-b" in text
        assert order == ["lb-b", "lb-a"]


async def test_node_that_refuses_keeps_the_change_from_those_that_follow(alike: Pair) -> None:
    order: list[str] = []
    applied_in_order(alike, order)
    alike.b.answers[ApplyConfig] = Reply(0, Outcome.REFUSED, "E-CONFIG-CHANGED", "it has changed just now")
    async with alike.console.run_test(size=(120, 45)) as pilot:
        await reviewed_for_all(pilot)
        await until(pilot, " On lb-b")
        await pilot.press("y")
        text = await until(pilot, "not applied on lb-a: nothing was asked of it")
        assert "[E-CONFIG-CHANGED]" in text
        assert order == []


async def test_change_that_does_not_fit_another_node_is_applied_nowhere(alike: Pair) -> None:
    theirs = CONFIG.replace("VI_1", "VI_WEB").replace("priority        100", "priority        90")
    alike.b.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(theirs),))
    async with alike.console.run_test(size=(120, 45)) as pilot:
        await reviewed_for_all(pilot)
        await until(pilot, "lb-b: its text differs at your line 14: change it there by itself [E-CONFIG-CHANGED]")
        await pilot.press("y")
        await settle(pilot)
        assert alike.a.acted() == alike.b.acted() == []
        await pilot.click("#nodes")
        await until(pilot, "On 1 of 2")
        await pilot.press("y")
        await until(pilot, "done by lb-a")
        assert alike.b.acted() == []


async def test_node_that_is_away_keeps_the_change_from_all(alike: Pair) -> None:
    async with alike.console.run_test(size=(120, 45)) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        alike.b.feed(LinkState(Connection.LOST, NOW + AWAY, "gone"))
        alike.b.answers[GetConfig] = EngineLost("there is no connection to the engine")
        await pilot.press("3")
        await until(pilot, "# lb-a")
        await edited(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, "On 1 of 2")
        await pilot.click("#nodes")
        await until(pilot, "[E-NO-ENGINE]")
        await pilot.press("y")
        await settle(pilot)
        assert alike.a.acted() == []


async def test_detail_shows_the_block_of_its_own_node(configured: Pair) -> None:
    for node in (configured.a, configured.b):
        text = f"vrrp_instance VI_WEB {{\n    # of {node.host}\n}}\n"
        node.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(text),))
    async with configured.console.run_test(size=SIZE) as pilot:
        await until(pilot, "lb-b:VI_DNS")
        await pilot.press("enter")
        await until(pilot, "History")
        await pilot.press("tab", "tab", "tab", "tab")
        await until(pilot, "# of lb-a")
        await pilot.press("right_square_bracket", "right_square_bracket")
        text = await until(pilot, "# of lb-b")
        assert "lb-b:VI_WEB" in text
        assert "# of lb-a" not in text


def test_name_of_a_node_that_is_too_long_is_cut_where_nodes_are_alike() -> None:
    lines = []
    for node in ("10.211.55.22", "10.211.55.23"):
        row = nodes.event_of(msgspec.structs.replace(EVENTS[1]), node, 1)
        lines.append("".join(text for text, _ in event_line(row, None, lambda *_: "12:00:00", 80)))
    assert lines[0] != lines[1]
    assert "~" in lines[0][:20]


def test_table_at_80_columns_tells_long_names_of_nodes_apart() -> None:
    names = ("10.211.55.22:VI_WEB", "10.211.55.23:VI_WEB", "VI_OF_ONE_ENGINE")
    columns = table_columns(80, max(map(len, names)))
    shown = []
    for name in names:
        row = InstanceRow(msgspec.structs.replace(WEB, name=name), NOW, believed=True, cells="")
        shown.append("".join(text for text, _ in table_line(row, columns)).split()[1])
    assert shown == ["~5.22:VI_WEB", "~5.23:VI_WEB", "VI_OF_ONE_E~"]
