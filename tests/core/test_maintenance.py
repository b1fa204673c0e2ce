"""Maintenance and holds outlive the engine: written before they are ordered, taken up before the first advert."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.core.maintenance import Standing
from engine.core.peers import Peer
from engine.errors import Refused
from engine.messages import (
    CommandFinished,
    Event,
    Handicap,
    HoldChanged,
    LastKnown,
    Maintenance,
    Outcome,
    Reply,
    Request,
    State,
)
from tests.scenarios.build import config, group, instance

ANNA = Peer(7, 0, (0,), "root", "anna", "pid 7 uid 0", "operator")
BEN = Peer(8, 0, (0,), "root", "ben", "pid 8 uid 0", "operator")
CONFIG = config(
    instance("VI_1", vrid=51),
    instance("VI_2", vrid=52, address="10.0.0.101/24"),
    instance("VI_3", vrid=53, address="10.0.0.102/24"),
    groups=(group("G", "VI_1", "VI_2"),),
)
NAMES = ("VI_1", "VI_2", "VI_3")


class World:
    """Core and Router: it notes what it is asked."""

    def __init__(self, directory: Path | None, boot: str = "boot 1") -> None:
        self.now = time.monotonic_ns()
        self.events: list[Event] = []
        self.asked: list[Handicap] = []
        self.answer = CommandFinished(1, Outcome.DONE, "", "done")
        self.on_disk: list[bool] = []
        self.directory = directory
        self.standing = Standing(self, directory, boot, self.ask)
        self.notes = self.standing.load()

    async def ask(self, handicap: Handicap, by: str, reason: str) -> CommandFinished:
        self.asked.append(handicap)
        self.on_disk.append(self.directory is not None and (self.directory / "standing.json").exists())
        return self.answer

    def clock(self) -> int:
        return self.now

    def record(self, event: Event, at: int | None = None) -> None:
        self.events.append(event)

    def has_instance(self, name: str) -> bool:
        return name in NAMES

    def own_status_changed(self) -> None:
        return

    async def say(self, command: Maintenance, reason: str = "new fan", peer: Peer = ANNA) -> Reply:
        return await self.standing.perform(Request(1, command, reason), peer, NAMES)

    async def refused(self, command: Maintenance, reason: str = "new fan", peer: Peer = ANNA) -> str:
        with pytest.raises(Refused) as refusal:
            await self.say(command, reason, peer)
        return refusal.value.code


def held(known: tuple[LastKnown, ...]) -> dict[int, tuple[str, str]]:
    return {one.vrid: (one.hold_kind, one.hold_by) for one in known}


async def test_it_is_on_disk_before_the_router_hears_of_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert (await world.say(Maintenance("VI_3", for_s=60))).outcome is Outcome.DONE
    assert world.on_disk == [True]
    assert [(one.instance, one.by, one.reason) for one in world.asked[0].held] == [("VI_3", "anna", "new fan")]


async def test_a_restarted_engine_takes_it_up_before_its_first_advert(tmp_path: Path) -> None:
    await World(tmp_path).say(Maintenance("VI_1"))
    again = World(tmp_path)
    known = again.standing.resume(CONFIG)
    assert held(known) == {51: ("maintenance", "anna"), 52: ("maintenance", "anna")}, "the sync group moves together"
    assert {one.state for one in known} == {State.INIT}


async def test_a_respawned_vrrp_process_keeps_its_states_and_gets_its_holds(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance())
    known = world.standing.resume(CONFIG, (LastKnown("eth0", 4, 53, State.BACKUP, 5),))
    assert {one.vrid: one.state for one in known} == {51: State.INIT, 52: State.INIT, 53: State.BACKUP}
    assert set(held(known).values()) == {("maintenance", "anna")}


async def test_a_boot_ends_what_was_not_to_persist(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance("VI_3"))
    booted = World(tmp_path, "boot 2")
    assert booted.standing.resume(CONFIG) == ()
    assert "ended with the last boot" in booted.notes[0].text


async def test_what_persists_outlives_the_boot_and_keeps_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance(for_s=3600, persist=True))
    booted = World(tmp_path, "boot 2")
    known = booted.standing.resume(CONFIG)
    assert len(known) == 3
    assert 0 < known[0].hold_until - booted.now <= 3600 * 10**9


async def test_a_failovers_hold_outlives_the_engine_but_not_the_boot(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.standing.happened(HoldChanged("VI_3", "step-down", 0, "anna", "patch"))
    await world.standing.close()
    assert held(World(tmp_path).standing.resume(CONFIG)) == {53: ("step-down", "anna")}
    assert World(tmp_path, "boot 2").standing.resume(CONFIG) == ()
    world.standing.happened(HoldChanged("VI_3", ""))
    await world.standing.close()
    assert not (tmp_path / "standing.json").exists()


async def test_refusals_have_codes_and_change_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert await world.refused(Maintenance("VI_3"), reason="  ") == "E-REASON"
    assert await world.refused(Maintenance("VI_9")) == "E-UNKNOWN-INSTANCE"
    assert await world.refused(Maintenance("VI_3", for_s=-1)) == "E-RANGE"
    assert await world.refused(Maintenance("VI_3", for_s=float("nan"))) == "E-RANGE"
    assert await world.refused(Maintenance("VI_3", on=False)) == "E-NO-MAINTENANCE"
    assert await World(None).refused(Maintenance(persist=True)) == "E-IO"
    world.standing.obstacle = lambda: "drill 3 is running"
    assert await world.refused(Maintenance("VI_3")) == "E-DRILL"
    assert world.asked == []
    assert not (tmp_path / "standing.json").exists()


async def test_two_operators_do_not_undo_each_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance())
    assert await world.refused(Maintenance(), "mine", BEN) == "E-MAINTENANCE"
    assert await world.refused(Maintenance("VI_1"), "mine", BEN) == "E-MAINTENANCE"
    assert await world.refused(Maintenance("VI_1", on=False), "", BEN) == "E-MAINTENANCE"
    assert [one.by for one in world.standing.infos] == ["anna"]


async def test_what_the_router_refuses_is_taken_back_on_disk(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.answer = CommandFinished(1, Outcome.REFUSED, "E-HELD", "VI_3 is held")
    assert (await world.say(Maintenance("VI_3"))).code == "E-HELD"
    assert world.standing.infos == ()
    assert World(tmp_path).standing.resume(CONFIG) == ()


async def test_switching_it_off_names_what_is_left(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance("VI_3"))
    await world.say(Maintenance())
    await world.say(Maintenance(on=False), "")
    assert [one.instance for one in world.asked[-1].held] == ["VI_3"]
    await world.say(Maintenance("VI_3", on=False), "")
    assert world.asked[-1].held == ()
    assert not (tmp_path / "standing.json").exists()


async def test_a_dry_run_leaves_nothing_behind(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance(dry_run=True))
    assert world.asked[0].dry_run
    assert world.standing.infos == ()
    assert world.on_disk == [False]


async def test_time_ends_it_here_as_in_the_router(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance("VI_3", for_s=60))
    world.now += 60 * 10**9
    world.standing.happened(HoldChanged("VI_3", "", 0, "", "its time is over"))
    await world.standing.close()
    assert world.standing.infos == ()
    assert not (tmp_path / "standing.json").exists()


def test_a_damaged_file_is_put_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / "standing.json").write_text("{")
    world = World(tmp_path)
    assert "not known" in world.notes[0].text
    assert (tmp_path / "standing.broken").exists()


async def test_instances_of_a_new_configuration_are_in_maintenance_with_the_node(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.say(Maintenance())
    await world.standing.reapply((*NAMES, "VI_4"))
    assert [one.instance for one in world.asked[-1].held] == [*NAMES, "VI_4"]
