"""The order of doing, with a Router that says what the test wants and a kernel that writes down what it is asked."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from engine.config.model import Address
from engine.messages import (
    AddAddresses,
    AddressChanged,
    AddRoutes,
    ClockStalled,
    DatagramReceived,
    EffectFailed,
    Exit,
    FromVrrp,
    Happened,
    HostCounters,
    LogLine,
    PacketJudged,
    PullStatus,
    RemoveAddresses,
    SendAdvert,
    SendAnnouncements,
    StatusBatch,
    StopRouter,
    ToVrrp,
    Verdict,
    WatchPackets,
)
from engine.vrrp import loop as loop_module
from engine.vrrp.loop import Loop, Options
from engine.wire import Channel

pytestmark = pytest.mark.timeout(10)
MS = 1_000_000
VIPS = tuple(Address(address=f"10.9.0.{n}", prefix=32, interface="eth0") for n in range(1, 101))


def advert(name: str = "VI_1") -> SendAdvert:
    return SendAdvert(name, "eth0", 4, "10.0.0.1", "224.0.0.18", b"")


class ScriptedRouter:
    """Notes what it is told; answers with what `answers` holds for that type of input."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.answers: dict[type, Sequence[Any]] = {}
        self.due: list[tuple[int, Sequence[Any]]] = []
        self.judging = False
        self.refused = HostCounters(vrid_err=3)

    @property
    def deadline(self) -> int | None:
        return self.due[0][0] if self.due else None

    def handle(self, said: Any, now: int) -> Sequence[Any]:
        self.told.append(said)
        return self.answers.get(type(said), ())

    hear = handle

    def tick(self, now: int) -> Sequence[Any]:
        self.told.append(f"tick {now}")
        outputs: list[Any] = []
        while self.due and self.due[0][0] <= now:
            outputs += self.due.pop(0)[1]
        return outputs

    def statuses(self, *, changed_only: bool) -> list[Any]:
        self.told.append(f"statuses {changed_only}")
        return []


class Stage:
    """A Loop whose Router, kernel and sockets only write into one list, `done`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[Any] = []
        self.router = ScriptedRouter()
        self.now = 1000 * MS
        self.quiet, self.noisy = socket.socketpair()
        stage = self

        class KernelOnPaper:
            others = None

            def fileno(self) -> int:
                return stage.quiet.fileno()

            def start(self) -> list[Any]:
                return []

            def add_addresses(self, instance: str, addresses: Sequence[Address]) -> list[Any]:
                stage.done.append(("add", len(addresses)))
                return [
                    AddressChanged(one.interface, one.address, 32, present=True, foreign=False) for one in addresses
                ]

            def remove_addresses(self, instance: str, addresses: Sequence[Address]) -> list[Any]:
                stage.done.append(("remove", len(addresses)))
                return []

            def link(self, name: str) -> None:
                return None

            def present(self, address: Address) -> bool:
                return True

            def settled(self, address: Address) -> bool:
                return True

            def watch_routes(self, *, on: bool) -> None: ...

            def close(self) -> None: ...

        monkeypatch.setattr(loop_module, "Router", lambda: self.router)
        monkeypatch.setattr(loop_module, "Kernel", KernelOnPaper)
        ours, theirs = socket.socketpair()
        self.core: Channel[FromVrrp] = Channel(ours, FromVrrp)
        self.loop = Loop(Channel(theirs, ToVrrp), Options(), clock=lambda: self.now)
        self.send_fails = False
        self.loop._sockets.send = self.send  # type: ignore[method-assign]
        self.loop._announcer.announce = self.announce  # type: ignore[method-assign]
        self.loop._start()

    def send(self, effect: SendAdvert) -> EffectFailed | None:
        self.done.append("advert")
        return EffectFailed(effect.instance, "send-advert", "no") if self.send_fails else None

    def announce(self, effect: SendAnnouncements) -> list[EffectFailed]:
        self.done.append("announce")
        return []

    def turns(self, count: int = 1) -> None:
        for _ in range(count):
            self.loop._turn()

    def events(self) -> list[Any]:
        return [event for said in self.core.receive() if isinstance(said, Happened) for event in said.events]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)}
    one = Stage(monkeypatch)
    yield one
    one.loop._close()
    one.core.close()
    one.quiet.close()
    one.noisy.close()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_adverts_leave_before_kernel_work_and_announcements_follow_it(stage: Stage) -> None:
    """V3-8.1.2-05: no announcement before the addresses are in place."""
    said = LogLine("info", "master")
    outputs = [advert(), AddAddresses("VI_1", VIPS[:2]), SendAnnouncements("VI_1", VIPS[:2], 5), advert("VI_2"), said]
    stage.router.due = [(stage.now, outputs)]
    stage.turns()
    assert stage.done == ["advert", "advert", ("add", 2), "announce"]
    assert stage.events() == [said]
    assert [one for one in stage.router.told if isinstance(one, AddressChanged)] != []


def test_few_addresses_are_there_before_the_advert_that_makes_another_master_let_go(stage: Stage) -> None:
    few, many = loop_module._FEW, 2 * loop_module._FEW
    group = [
        wish
        for name in ("VI_1", "VI_2")
        for wish in (
            AddAddresses(name, VIPS[:few], before_advert=True),
            advert(name),
            SendAnnouncements(name, VIPS[:few], 5),
        )
    ]
    stage.router.due = [(stage.now, [*group, AddAddresses("VI_3", VIPS[:many], before_advert=True), advert("VI_3")])]
    stage.turns()
    some = ("add", few)
    assert stage.done == [some, "advert", some, "advert", "advert", "announce", "announce", ("add", many)]


def test_routes_of_one_instance_do_not_keep_the_addresses_of_the_next_behind_its_advert(stage: Stage) -> None:
    first = [AddAddresses("VI_1", VIPS[:1], before_advert=True), AddRoutes("VI_1", (), ()), advert("VI_1")]
    stage.router.due = [(stage.now, [*first, AddAddresses("VI_2", VIPS[:2], before_advert=True), advert("VI_2")])]
    stage.turns()
    assert stage.done == [("add", 1), "advert", ("add", 2), "advert"]


def test_an_address_that_is_still_to_be_removed_is_not_added_before(stage: Stage) -> None:
    wishes = [RemoveAddresses("VI_1", VIPS[:1]), AddAddresses("VI_2", VIPS[:1], before_advert=True), advert("VI_2")]
    stage.router.due = [(stage.now, wishes)]
    stage.turns()
    assert stage.done == ["advert", ("remove", 1), ("add", 1)]


def test_many_addresses_are_done_in_portions_and_adverts_leave_between_them(stage: Stage) -> None:
    stage.router.due = [(stage.now, [AddAddresses("VI_1", VIPS)]), (stage.now + MS, [advert()])]
    stage.turns()
    stage.now += 2 * MS
    stage.turns(3)
    assert stage.done == [("add", 32), "advert", ("add", 32), ("add", 32), ("add", 4)]


def test_work_is_done_in_the_order_of_the_wishes(stage: Stage) -> None:
    wishes = [RemoveAddresses("VI_1", VIPS[:1]), AddAddresses("VI_2", VIPS[1:3]), RemoveAddresses("VI_2", VIPS[1:2])]
    stage.router.due = [(stage.now, wishes)]
    stage.turns()
    assert stage.done == [("remove", 1), ("add", 2), ("remove", 1)]


def test_what_comes_thick_and_fast_is_read_together_but_no_timer_waits_for_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[int] = []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds * 1e9))
        stage.now += slept[-1]

    monkeypatch.setattr(loop_module.time, "sleep", sleep)
    stage.loop._watch(stage.noisy.fileno(), lambda _: bool(stage.noisy.recv(1)) and False)
    for _ in range(1 + loop_module._THICK):
        stage.now += MS // 5
        stage.quiet.send(b"1")
        stage.turns()
    assert slept == []  # a few: each is heard at once
    stage.now += MS // 5
    stage.quiet.send(b"2")
    stage.turns()
    assert slept == [MS]
    stage.router.due = [(stage.now + MS // 4, [advert()])]
    stage.quiet.send(b"3")
    stage.turns()
    assert (slept, stage.done) == ([MS, MS // 4], ["advert"])
    stage.now += 2 * MS
    stage.quiet.send(b"4")
    stage.turns()
    assert len(slept) == 2


def test_what_waits_in_a_socket_is_heard_before_a_timer_fires(stage: Stage) -> None:
    """P15, KA-16 (one advert a wake-up: not copied): a process that was stopped must hear first what was said."""
    heard: list[int] = []

    class Waiting:
        interface = "eth0"

        def __init__(self) -> None:
            self.socket, self.other = socket.socketpair()
            self.other.send(b"x")
            self.left = 1000

        def read(self, limit: int) -> list[DatagramReceived]:
            count = min(self.left, limit)
            self.left -= count
            heard.append(count)
            if not self.left:
                self.socket.recv(1)
            return [DatagramReceived("eth0", 4, b"")] * count

    waiting = Waiting()
    stage.loop._watch_receiver(waiting)  # type: ignore[arg-type]
    stage.router.due = [(stage.now, ())]
    stage.now += 70 * MS
    stage.turns()
    told = stage.router.told
    assert told[0] == ClockStalled(70 * MS)
    assert sum(heard) == 1000
    assert told.index(f"tick {stage.now}") == 1001
    stage.loop._forget_receiver(waiting)  # type: ignore[arg-type]
    waiting.socket.close()
    waiting.other.close()


def test_a_flood_without_end_holds_up_no_timer(stage: Stage) -> None:
    class Flood:
        interface = "eth0"

        def __init__(self) -> None:
            self.socket, self.other = socket.socketpair()
            self.other.send(b"x")

        def read(self, limit: int) -> list[DatagramReceived]:
            stage.now += 2 * MS
            return [DatagramReceived("eth0", 4, b"")] * limit

    flood = Flood()
    stage.loop._watch_receiver(flood)  # type: ignore[arg-type]
    due = stage.now + 10 * MS
    stage.router.due = [(due, [advert()])]
    while "advert" not in stage.done:
        stage.turns()
        assert stage.now < due + 20 * MS
    stage.loop._forget_receiver(flood)  # type: ignore[arg-type]
    flood.socket.close()
    flood.other.close()


def test_a_failure_is_told_after_the_list_that_brought_it_about(stage: Stage) -> None:
    stage.send_fails = True
    stage.router.answers[EffectFailed] = [LogLine("error", "refused")]
    stage.router.due = [(stage.now, [advert(), LogLine("info", "first")])]
    stage.turns()
    assert stage.events() == [LogLine("info", "first"), LogLine("error", "refused")]


def test_exit_waits_for_the_work_that_was_wished_before(stage: Stage) -> None:
    stage.router.answers[StopRouter] = [RemoveAddresses("VI_1", VIPS), Exit(), LogLine("info", "last")]
    stage.core.send(StopRouter())
    stage.loop._start = lambda: None  # type: ignore[method-assign]
    stage.loop.run()
    assert [one for one in stage.done if one[0] == "remove" and one[1]] == [
        ("remove", 32),
        ("remove", 32),
        ("remove", 32),
        ("remove", 4),
    ]
    assert stage.events() == [LogLine("info", "last")]


def test_the_death_of_core_is_a_stop(stage: Stage) -> None:
    stage.core.close()
    stage.turns()
    assert StopRouter() in stage.router.told
    stage.router.due = [(stage.now, ())]
    stage.turns()
    assert stage.router.told.count(StopRouter()) == 1


def test_the_first_answer_is_whole_and_a_dropped_one_is_made_good(stage: Stage) -> None:
    def ask() -> None:
        stage.core.send(PullStatus())
        stage.turns()

    ask()
    ask()
    refused = HostCounters(vrid_err=3)
    assert stage.core.receive() == [StatusBatch((), 0, whole, refused) for whole in (True, False)]
    stage.loop._channel._limit = 0
    stage.loop._channel._queued = 1
    ask()
    stage.loop._channel._queued = 0
    stage.loop._channel._limit = 1 << 20
    ask()
    assert stage.core.receive() == [StatusBatch((), 0, whole=True, refused=refused)]


def test_watching_packets_is_passed_on_and_verdicts_come_back(stage: Stage) -> None:
    stage.core.send(WatchPackets(on=True))
    stage.turns()
    assert stage.router.judging
    judged = PacketJudged("eth0", b"", "VI_1", Verdict.OK)
    stage.router.due = [(stage.now, [judged])]
    stage.turns()
    assert stage.core.receive() == [judged]


def test_lateness_is_measured(stage: Stage) -> None:
    stage.router.due = [(stage.now, ())]
    stage.now += 7 * MS
    stage.turns()
    stage.core.send(PullStatus())
    stage.turns()
    (batch,) = stage.core.receive()
    assert isinstance(batch, StatusBatch)
    assert batch.worst_late == 7 * MS
    assert not any(isinstance(one, ClockStalled) for one in stage.router.told)
