"""Statuses are pulled only while somebody looks; a silent vrrp process is not waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from engine.core import statuses
from engine.core.diagnosing import Diagnosis
from engine.core.present import Present
from engine.core.statuses import StatusPump
from engine.messages import (
    AddressLost,
    EngineStatus,
    FindingStatus,
    HeardAdvert,
    Heartbeat,
    PullStatus,
    State,
    StatusBatch,
)
from tests.core.fake_host import instance


@dataclass
class Audience:
    """Stands for the control server."""

    rate_hz: float = 0.0
    clients: set[str] = field(default_factory=set)
    marked: list[Any] = field(default_factory=list)
    gone: list[Any] = field(default_factory=list)
    beats: list[Heartbeat] = field(default_factory=list)

    def mark_statuses(self, changed: list[Any], _key: object) -> None:
        self.marked += changed

    def tell_gone(self, keys: list[Any]) -> None:
        self.gone += keys

    def send_statuses(self, _now: float) -> None:
        pass

    def tell_heartbeat(self, beat: Heartbeat) -> None:
        self.beats.append(beat)


class Pumped:
    """A pump, its audience, and a vrrp process that answers when told to."""

    def __init__(self) -> None:
        self.audience = Audience()
        self.asked: list[bool] = []
        self.answers = True
        self.runs = True
        self.state = State.BACKUP
        self.problem = ""
        self.heard: tuple[HeardAdvert, ...] = ()
        self.pump = StatusPump(
            self.audience,  # type: ignore[arg-type]
            Present(),
            self._ask,
            self._own,
            time.monotonic_ns,
            lambda: 7,
            lambda: 42,
        )

    def _ask(self, pull: PullStatus) -> bool:
        self.asked.append(pull.changed_only)
        if self.runs and self.answers:
            heard = self.heard if pull.heard else None
            batch = StatusBatch((instance(state=self.state),), 0, not pull.changed_only, heard=heard)
            asyncio.get_running_loop().call_soon(self.pump.arrived, batch)
        return self.runs

    def _own(self) -> EngineStatus:
        return EngineStatus("0", "h", "r", 1, 2, 3, 4, observe=False, config_file="f", config_fingerprint="x",
                            config_loaded=5, config_problem=self.problem)  # fmt: skip


@pytest.fixture
async def pumped(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pumped]:
    monkeypatch.setattr(statuses, "WHOLE_S", 0.1)
    monkeypatch.setattr(statuses, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(statuses, "KICK_S", 0.01)
    made = Pumped()
    tasks = [asyncio.ensure_future(made.pump.pull()), asyncio.ensure_future(made.pump.beat())]
    yield made
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(what: Any) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0)


async def test_nobody_watching_costs_nothing(pumped: Pumped) -> None:
    pumped.pump.kick()
    end = time.monotonic() + 0.2
    await until(lambda: time.monotonic() > end)
    assert pumped.asked == []
    assert pumped.audience.beats == []


async def test_watcher_gets_changes_and_each_only_once(pumped: Pumped) -> None:
    pumped.audience.rate_hz = 20
    pumped.pump.kick()
    await until(lambda: len(pumped.asked) >= 3)
    pumped.state = State.MASTER
    await until(lambda: any(getattr(one, "state", "") == State.MASTER for one in pumped.audience.marked))
    states = [one.state for one in pumped.audience.marked if not isinstance(one, EngineStatus)]
    assert states == [State.BACKUP, State.MASTER]
    assert sum(isinstance(one, EngineStatus) for one in pumped.audience.marked) == 1
    pumped.problem = "refused"
    await until(lambda: sum(isinstance(one, EngineStatus) for one in pumped.audience.marked) == 2)


async def test_transition_is_pulled_at_once_though_the_watcher_is_slow(pumped: Pumped) -> None:
    pumped.audience.rate_hz = 0.1
    pumped.pump.kick()
    await until(lambda: len(pumped.asked) == 1)
    began = time.monotonic()
    pumped.pump.kick()
    await until(lambda: len(pumped.asked) == 2)
    assert time.monotonic() - began < 5


async def test_snapshot_is_fresh_and_several_share_one_question(pumped: Pumped) -> None:
    pumped.state = State.MASTER
    first, second = await asyncio.gather(pumped.pump.snapshot(), pumped.pump.snapshot())
    assert first.statuses[0] == second.statuses[0] == instance(state=State.MASTER)
    assert isinstance(first.statuses[-1], EngineStatus)
    assert first.seq == 42
    assert pumped.asked == [False]


async def test_snapshot_of_a_silent_or_dead_vrrp_process_is_what_was_known(pumped: Pumped) -> None:
    await pumped.pump.snapshot()
    pumped.answers = False
    began = time.monotonic()
    assert (await pumped.pump.snapshot()).statuses[0] == instance()
    assert 0.1 <= time.monotonic() - began < 5
    pumped.runs = False
    assert (await pumped.pump.snapshot()).statuses[0] == instance()


async def test_heartbeat_tells_when_the_vrrp_process_was_heard_not_that_core_is_well(pumped: Pumped) -> None:
    pumped.audience.clients.add("somebody")
    pumped.answers = False
    pumped.pump.heard_at = 123
    await until(lambda: len(pumped.audience.beats) >= 2)
    beat = pumped.audience.beats[-1]
    assert (beat.vrrp_heard, beat.wall_ns, beat.seq) == (123, 7, 42)
    assert pumped.asked[0] is True  # a client that wants no statuses still learns whether the loop lives


async def test_adverts_of_others_are_asked_for_and_several_share_one_question(pumped: Pumped) -> None:
    pumped.heard = (HeardAdvert("10.0.0.12", "eth0", 60, 4, 50, 3),)
    told = await asyncio.gather(pumped.pump.heard(), pumped.pump.heard())
    assert list(told) == [pumped.heard, pumped.heard]
    assert len(pumped.asked) == 1


@pytest.mark.parametrize("way", ["silent", "dead"])
async def test_priorities_are_known_from_statuses_where_no_advert_is_told(pumped: Pumped, way: str) -> None:
    status = instance()
    pumped.pump._present.merge(StatusBatch((msgspec.structs.replace(status, peer="10.0.0.12", peer_priority=7),)))
    pumped.runs, pumped.answers = way == "silent", False
    assert await pumped.pump.heard() == (HeardAdvert("10.0.0.12", status.interface, status.vrid, status.family, 7),)


async def test_finding_about_an_instance_goes_with_it_and_others_stay() -> None:
    class Looked(Diagnosis):
        def __init__(self) -> None:
            super().__init__(None)  # type: ignore[arg-type]  # nothing is looked at here
            found = [("A", "VI_1"), ("B", "VI_2"), ("C", "")]
            self._findings = {name: FindingStatus(name, "D-AUTH", "error", about, "text") for name, about in found}

    pumped, diagnosis = Pumped(), Looked()
    diagnosis.happened(AddressLost("VI_1", "10.0.0.1/24", "eth0", restored=True), 1)
    pumped.pump.along = diagnosis.forget
    pumped.pump.arrived(StatusBatch((instance(),), 0, whole=True))
    pumped.pump.arrived(StatusBatch((), 0, whole=True))
    assert pumped.audience.gone == [("instance-status", "VI_1"), ("finding-status", "A")]
    assert [one.name for one in diagnosis.findings] == ["B", "C"]
    assert not diagnosis._lost
