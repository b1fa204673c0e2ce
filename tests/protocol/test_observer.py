"""The observer: states from adverts and addresses alone, explained by the same fixed reasons."""

from __future__ import annotations

from collections.abc import Sequence

from engine import messages as m
from engine.config.model import NS_PER_S
from engine.protocol.observer import Observer
from engine.protocol.packet import Summary
from hatui.reasons import lacking
from tests.scenarios.build import config, instance
from tests.scenarios.rig import interface

S = NS_PER_S


class Bench:
    """An observer, its clock and what it said."""

    def __init__(self) -> None:
        self.now = 1000 * S
        self.observer = Observer(config(instance(priority=100)), self.now)
        self.said: list[m.Event] = []
        self.take(self.observer.kernel([interface()], self.now))

    def take(self, events: Sequence[m.Event]) -> None:
        self.said += events

    def pass_time(self, seconds: float) -> None:
        end = self.now + int(seconds * S)
        while self.now < end:
            self.now = min(end, self.now + S // 10)
            self.take(self.observer.tick(self.now))

    def advert(self, priority: int, *, out: bool = False) -> None:
        source = "10.0.0.1" if out else "10.0.0.9"
        told = Summary("advert", source, "224.0.0.18", "", 2, 50, priority, 100, "none", ("10.0.0.50",))
        self.take(self.observer.advert("eth0", told, self.now, outgoing=out))

    def address(self, *, present: bool) -> None:
        change = m.AddressChanged(interface="eth0", address="10.0.0.50", prefix=24, present=present, foreign=True)
        self.take(self.observer.kernel([change], self.now))

    def changes(self) -> list[tuple[str, str, str]]:
        return [(one.old.value, one.new.value, one.cause.value) for one in self.said if isinstance(one, m.StateChanged)]

    def status(self) -> m.InstanceStatus:
        return next(one for one in self.observer.statuses() if isinstance(one, m.InstanceStatus))


def test_backup_of_a_master_that_is_heard_takes_over_when_it_falls_silent() -> None:
    bench = Bench()
    bench.advert(200)
    bench.pass_time(2)
    bench.address(present=True)
    bench.advert(100, out=True)
    assert bench.changes() == [("INIT", "BACKUP", "startup"), ("BACKUP", "MASTER", "master-no-response")]
    assert (bench.status().master, bench.status().counters.advert_sent) == ("10.0.0.1", 1)


def test_master_from_before_is_master_at_once_and_yields_to_a_better_one() -> None:
    bench = Bench()
    bench.address(present=True)
    bench.pass_time(2)
    bench.advert(200)
    bench.address(present=False)
    bench.pass_time(5)
    assert bench.changes() == [("INIT", "MASTER", "startup"), ("MASTER", "BACKUP", "peer-higher")]
    assert (bench.status().master, bench.status().master_priority) == ("10.0.0.9", 200)


def test_farewell_of_the_other_is_the_cause() -> None:
    bench = Bench()
    bench.advert(200)
    bench.advert(0)
    bench.pass_time(0.6)
    bench.address(present=True)
    assert bench.changes()[-1] == ("BACKUP", "MASTER", "master-resigned")


def test_own_farewell_while_it_runs_is_a_fault_and_an_end_is_an_end() -> None:
    bench = Bench()
    bench.address(present=True)
    bench.advert(100, out=True)
    bench.advert(0, out=True)
    bench.address(present=False)
    assert bench.changes()[-1] == ("MASTER", "FAULT", "tracker-fault")
    bench.address(present=True)
    bench.advert(100, out=True)
    assert bench.changes()[-2:] == [("FAULT", "BACKUP", "fault-cleared"), ("BACKUP", "MASTER", "startup")]
    bench.observer.running = False
    bench.pass_time(0.1)
    assert bench.changes()[-1] == ("MASTER", "INIT", "shutdown")


def test_interface_down_is_fault() -> None:
    bench = Bench()
    bench.address(present=True)
    bench.take(bench.observer.kernel([interface(up=False)], bench.now))
    assert bench.changes()[-1] == ("MASTER", "FAULT", "interface-down")


def test_nothing_heard_is_no_master_known_after_the_master_down_interval_only() -> None:
    bench = Bench()
    bench.pass_time(3)
    assert bench.status().state is m.State.INIT
    bench.pass_time(1)
    assert (bench.status().state, bench.status().master) == (m.State.BACKUP, "")


def test_every_change_has_a_reason_that_why_knows_and_nothing_is_an_effect() -> None:
    bench = Bench()
    for step in range(300):
        match step * 7919 % 7:
            case 0:
                bench.advert(50 + step % 100)
            case 1:
                bench.address(present=step % 3 == 0)
            case 2:
                bench.advert(100 if step % 5 else 0, out=True)
            case 3:
                bench.pass_time(step % 5)
            case 4:
                bench.advert(0)
            case 5:
                bench.take(bench.observer.kernel([interface(up=step % 4 > 0)], bench.now))
            case _:
                bench.observer.running = step % 11 > 1
    changes = [one for one in bench.said if isinstance(one, m.StateChanged)]
    assert len(changes) > 10
    assert lacking(changes) == []
    assert all(isinstance(one, m.Event) for one in bench.said)
