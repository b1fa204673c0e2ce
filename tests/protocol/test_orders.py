"""Orders of operators and the hand-over behind them: refused with a code, done, or undone; one answer each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Config
from engine.protocol.timing import hand_over_limit, release_grace
from tests.scenarios.build import VIP, config, group, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface, of

S = NS_PER_S
GRACE = release_grace(1)


def order(
    rig: Rig,
    method: str = "step-down",
    *,
    name: str = "VI_1",
    request: int = 1,
    hold_s: float = 0,
    dry_run: bool = False,
) -> Sequence[m.Output]:
    command = m.Failover(instance=name, method=method, hold_s=hold_s, dry_run=dry_run)
    return rig.give(m.Ordered(request=request, command=command, by="anna", reason="patch"))


def release(rig: Rig, name: str = "VI_1") -> Sequence[m.Output]:
    return rig.give(m.Ordered(request=2, command=m.Release(instance=name), by="anna"))


def answer(outputs: Sequence[m.Output], request: int = 1) -> m.CommandFinished:
    found = [one for one in outputs if isinstance(one, m.CommandFinished) and one.request == request]
    assert len(found) == 1, found
    return found[0]


def master(**more: object) -> Rig:
    rig = Rig(config(instance(**more)))
    rig.become_master()
    return rig


def backup(priority: int = 150, **more: object) -> Rig:
    rig = Rig(config(instance(**more)))
    rig.pass_time(S)
    rig.give(advert(priority=priority))
    return rig


def held(rig: Rig) -> None:
    """Hand over to 10.0.0.9."""
    order(rig)
    rig.pass_time(S // 2)
    rig.give(advert(priority=50))
    rig.pass_time(GRACE)
    assert rig.status().hold_kind == "step-down"


@pytest.mark.parametrize(
    ("make", "method", "name", "code"),
    [
        (master, "step-down", "VI_9", "E-UNKNOWN-INSTANCE"),
        (master, "sideways", "VI_1", "E-PROTOCOL"),
        (master, "take-over", "VI_1", "E-NOT-BACKUP"),
        (backup, "step-down", "VI_1", "E-NOT-MASTER"),
        (lambda: master(priority=255), "step-down", "VI_1", "E-OWNER"),
        (lambda: backup(255), "take-over", "VI_1", "E-OWNER"),
        (lambda: backup(254), "take-over", "VI_1", "E-OUTRANKED"),
        (lambda: Rig(config(instance(scripts=(("s", 0),)))), "take-over", "VI_1", "E-FAULT"),
    ],
)
def test_refusals_change_nothing(make: object, method: str, name: str, code: str) -> None:
    rig = make()  # type: ignore[operator]
    before = rig.status()
    outputs = order(rig, method, name=name)
    assert (answer(outputs).outcome, answer(outputs).code) == (m.Outcome.REFUSED, code)
    assert answer(outputs).text
    assert len(outputs) == 1
    assert rig.status() == before


@pytest.mark.parametrize("hold", [-1, 1e12, float("nan"), float("inf")])
def test_hold_that_is_no_duration_is_refused(hold: float) -> None:
    assert answer(order(master(), hold_s=hold)).code == "E-PROTOCOL"


@pytest.mark.parametrize(("make", "method"), [(master, "step-down"), (backup, "take-over")])
def test_dry_run_says_what_would_be_and_does_nothing(make: object, method: str) -> None:
    rig = make()  # type: ignore[operator]
    before = rig.status()
    outputs = order(rig, method, dry_run=True)
    assert answer(outputs).outcome is m.Outcome.DONE
    assert "would" in answer(outputs).text
    assert len(outputs) == 1
    assert rig.status() == before


@pytest.mark.parametrize("version", [2, 3])
def test_step_down_keeps_the_address_until_the_successor_has_announced(version: int) -> None:
    rig = master(version=version)
    outputs = order(rig)
    assert [type(one).__name__ for one in outputs] == ["SendAdvert", "HandOverStarted"]
    assert (rig.status().state, rig.status().timer) == (m.State.MASTER, "hand-over")
    assert rig.pass_time(S // 2) == [], "silent"
    assert ("eth0", VIP) in rig.held
    assert rig.give(advert(version=version, priority=50))[0] is not None
    rig.pass_time(GRACE - 1)
    assert ("eth0", VIP) in rig.held
    done = rig.pass_time(1)
    assert ("eth0", VIP) not in rig.held
    told = next(one for one in done if isinstance(one, m.HandOverFinished))
    assert (told.successor, told.duration, told.released) == ("10.0.0.9", S // 2, True)
    change = next(one for one in done if isinstance(one, m.StateChanged))
    assert (change.new, change.cause) == (m.State.BACKUP, m.Cause.OPERATOR)
    assert answer(done).outcome is m.Outcome.DONE
    status = rig.status()
    assert (status.priority, status.hold_kind, status.hold_by, status.master) == (1, "step-down", "anna", "10.0.0.9")
    assert status.ledger[-1].kind == "hold"
    assert sum(line.contribution for line in status.ledger) == 1


def test_farewell_of_another_router_is_no_successor() -> None:
    rig = master()
    order(rig)
    rig.give(advert(priority=0))
    rig.give(advert(priority=50, checksum=7))
    rig.pass_time(GRACE + 1)
    assert rig.status().state is m.State.MASTER


def test_nobody_answers_and_the_failover_is_undone_at_the_limit() -> None:
    rig = master()
    order(rig)
    limit = hand_over_limit(2, S)
    assert rig.pass_time(limit - 1) == []
    undone = rig.pass_time(1)
    assert [type(one).__name__ for one in undone] == ["SendAdvert", "HandOverFinished", "CommandFinished"]
    assert (answer(undone).outcome, answer(undone).code) == (m.Outcome.UNDONE, "E-NO-SUCCESSOR")
    assert ("eth0", VIP) in rig.held
    assert (rig.status().state, rig.status().priority, rig.status().hold_kind) == (m.State.MASTER, 100, "")
    assert len([one for one in rig.pass_time(3 * S) if isinstance(one, m.SendAdvert)]) == 3


def test_held_router_serves_when_it_is_alone_and_yields_to_anybody() -> None:
    rig = master()
    held(rig)
    rig.pass_time(5 * S)
    assert (rig.status().state, rig.status().priority) == (m.State.MASTER, 1)
    rig.give(advert(priority=2))
    assert (rig.status().state, rig.status().last_cause) == (m.State.BACKUP, m.Cause.OPERATOR)


def test_release_gives_the_own_priority_back() -> None:
    rig = master()
    held(rig)
    done = release(rig)
    assert answer(done, 2).outcome is m.Outcome.DONE
    assert [type(one).__name__ for one in done] == ["HoldChanged", "PriorityChanged", "CommandFinished"]
    assert (rig.status().priority, rig.status().hold_kind) == (100, "")
    for _ in range(5):
        rig.pass_time(S)
        rig.give(advert(priority=50))
    assert (rig.status().state, rig.status().last_cause) == (m.State.MASTER, m.Cause.WE_PREEMPTED)
    assert answer(release(rig), 2).code == "E-NOT-HELD"


def test_failover_that_nobody_has_answered_yet_is_taken_back_by_a_release() -> None:
    rig = master(advert_interval=40 * S)
    order(rig, hold_s=60)
    rig.pass_time(S)
    done = release(rig)
    assert (answer(done, 1).outcome, answer(done, 1).code) == (m.Outcome.UNDONE, "E-NO-SUCCESSOR")
    assert answer(done, 2).outcome is m.Outcome.DONE
    (said,) = of(m.SendAdvert, done)
    assert isinstance(said, m.SendAdvert)
    assert of(m.RemoveAddresses, done) == []
    assert (rig.status().state, rig.status().priority, rig.status().hold_kind) == (m.State.MASTER, 100, "")


def test_maintenance_under_way_is_not_taken_back_by_a_release() -> None:
    rig = master(advert_interval=40 * S)
    command = m.Handicap((m.Handicapped("VI_1"),))
    rig.give(m.Ordered(request=1, command=command, by="anna", reason="patch"))
    rig.pass_time(S)
    assert answer(release(rig), 2).outcome is m.Outcome.REFUSED


def test_hold_ends_by_itself_at_its_time() -> None:
    rig = master()
    order(rig, hold_s=60)
    began = rig.now
    rig.pass_time(S // 2)
    rig.give(advert(priority=50))
    rig.pass_time(GRACE)
    assert rig.status().hold_until == began + 60 * S
    while rig.now < began + 59 * S:
        rig.pass_time(S)
        rig.give(advert(priority=50))
    assert rig.status().hold_kind == "step-down"
    rig.pass_time(2 * S)
    assert (rig.status().hold_kind, rig.status().priority) == ("", 100)
    assert [one.kind for one in of(m.HoldChanged, rig.outputs) if isinstance(one, m.HoldChanged)] == ["step-down", ""]


def test_second_order_while_one_is_under_way_or_held_is_refused() -> None:
    rig = master()
    order(rig)
    assert answer(order(rig, request=5), 5).code == "E-BUSY"
    rig.give(advert(priority=50))
    rig.pass_time(GRACE)
    assert answer(order(rig, "take-over", request=6), 6).code == "E-HELD"


def test_take_over_is_at_once_and_verified() -> None:
    rig = backup()
    outputs = order(rig, "take-over")
    names = [type(one).__name__ for one in outputs]
    assert names[:2] == ["HoldChanged", "PriorityChanged"]
    assert names[2:5] == ["AddAddresses", "SendAdvert", "SendAnnouncements"], "the other lets go when it hears us"
    status = rig.status()
    assert (status.state, status.priority, status.hold_kind) == (m.State.MASTER, 254, "take-over")
    assert status.last_cause is m.Cause.OPERATOR
    done = rig.pass_time(2 * S)
    assert answer(done).outcome is m.Outcome.DONE
    release(rig)
    assert rig.status().priority == 100
    rig.give(advert(priority=150))
    assert rig.status().state is m.State.BACKUP


def test_take_over_overrides_nopreempt() -> None:
    rig = backup(preempt=False)
    order(rig, "take-over")
    assert rig.status().state is m.State.MASTER


def test_take_over_that_is_outranked_is_undone() -> None:
    rig = backup()
    order(rig, "take-over")
    outputs = rig.give(advert(priority=255))
    assert (answer(outputs).outcome, answer(outputs).code) == (m.Outcome.UNDONE, "E-OUTRANKED")
    assert (rig.status().state, rig.status().hold_kind, rig.status().priority) == (m.State.BACKUP, "", 100)


def test_stop_goes_with_the_successor_or_at_the_limit() -> None:
    """V3-6.4.3-08 KA-04"""
    rig = master()
    outputs = rig.give(m.StopRouter())
    assert [type(one).__name__ for one in outputs] == ["SendAdvert", "HandOverStarted"]
    rig.pass_time(S // 2)
    rig.give(advert(priority=50))
    done = rig.pass_time(GRACE + S)
    assert [type(one).__name__ for one in done] == ["RemoveAddresses", "HandOverFinished", "StateChanged", "Exit"]
    alone = master()
    alone.give(m.StopRouter())
    done = alone.pass_time(hand_over_limit(2, S))
    assert [type(one).__name__ for one in done] == [
        "SendAdvert",
        "RemoveAddresses",
        "HandOverFinished",
        "StateChanged",
        "Exit",
    ]


def test_stop_during_a_failover_ends_both() -> None:
    rig = master()
    order(rig)
    rig.give(m.StopRouter())
    rig.give(advert(priority=50))
    done = rig.pass_time(2 * S)
    assert answer(done).outcome is m.Outcome.DONE
    assert isinstance(done[-1], m.Exit)


def test_orders_during_a_stop_are_refused_and_a_second_stop_is_nothing_new() -> None:
    rig = master()
    rig.give(m.StopRouter())
    assert answer(order(rig)).code == "E-STOPPING"
    assert rig.give(m.StopRouter()) == ()
    assert len([one for one in rig.pass_time(5 * S) if isinstance(one, m.Exit)]) == 1


def test_stop_without_instances_exits_at_once() -> None:
    rig = Rig(config())
    assert [type(one).__name__ for one in rig.give(m.StopRouter())] == ["Exit"]


def test_announce_now_is_for_masters() -> None:
    rig = master()
    command = m.Ordered(request=1, command=m.AnnounceNow())
    outputs = rig.give(command)
    assert [type(one).__name__ for one in outputs] == ["SendAnnouncements", "CommandFinished"]
    assert rig.status().announced_at == rig.now
    other = backup()
    assert answer(other.give(command)).code == "E-NOT-MASTER"
    named = m.Ordered(request=1, command=m.AnnounceNow(instance="VI_1"))
    assert answer(other.give(named)).code == "E-NOT-MASTER"


def pair() -> Config:
    return config(
        instance("VI_1", sync_group="G"),
        instance("VI_2", vrid=51, address="10.0.0.51/24", sync_group="G"),
        groups=(group("G", "VI_1", "VI_2"),),
    )


def test_sync_group_moves_together_and_one_order_has_one_answer() -> None:
    rig = Rig(pair())
    rig.become_master()
    outputs = order(rig)
    assert len(of(m.HandOverStarted, outputs)) == 2
    rig.give(advert(priority=50))
    rig.pass_time(GRACE)
    assert {name: one.state for name, one in rig.all_status().items()} == {
        "VI_1": m.State.BACKUP,
        "VI_2": m.State.MASTER,
    }
    rig.give(advert(priority=50, vrid=51, addresses=("10.0.0.51",)))
    done = rig.pass_time(GRACE)
    assert answer(done).outcome is m.Outcome.DONE
    assert "VI_1" in answer(done).text
    assert "VI_2" in answer(done).text
    assert {one.hold_kind for one in rig.all_status().values()} == {"step-down"}
    release(rig, "VI_2")
    assert {one.hold_kind for one in rig.all_status().values()} == {""}


def test_sync_group_with_half_a_successor_is_put_back() -> None:
    rig = Rig(pair())
    rig.become_master()
    order(rig)
    rig.give(advert(priority=50))
    outputs = rig.pass_time(2 * S)
    assert (answer(outputs).outcome, answer(outputs).code) == (m.Outcome.UNDONE, "E-NO-SUCCESSOR")
    assert {one.hold_kind for one in rig.all_status().values()} == {""}
    assert {one.priority for one in rig.all_status().values()} == {100}


def test_fault_during_a_hand_over_answers_the_order() -> None:
    rig = master()
    order(rig)
    outputs = rig.give(interface(up=False))
    assert (answer(outputs).outcome, answer(outputs).code) == (m.Outcome.UNDONE, "E-FAULT")
    assert rig.status().state is m.State.FAULT
    assert ("eth0", VIP) not in rig.held


def test_failover_is_undone_when_the_successor_falls_silent_before_the_addresses_go() -> None:
    """At 10 ms a backup would take over after 36 ms; the grace is 252 ms."""
    rig = master(version=3, advert_interval=10_000_000)
    order(rig)
    rig.pass_time(5_000_000)
    rig.give(advert(version=3, priority=50, interval=1))
    outputs = rig.pass_time(GRACE)
    finished = answer(outputs)
    assert (finished.outcome, finished.code) == (m.Outcome.UNDONE, "E-NO-SUCCESSOR")
    assert "10.0.0.9 took over, but has been silent" in finished.text
    assert rig.status().state is m.State.MASTER
    assert ("eth0", VIP) in rig.held
    assert any(isinstance(one, m.SendAdvert) for one in outputs)


def test_failover_is_done_when_the_successor_lives_through_the_grace() -> None:
    rig = master(version=3, advert_interval=10_000_000)
    order(rig)
    outputs: list[m.Output] = []
    for _ in range(2 + GRACE // 10_000_000):
        outputs += rig.pass_time(10_000_000)
        outputs += rig.give(advert(version=3, priority=50, interval=1))
    assert answer(outputs).outcome is m.Outcome.DONE
    assert rig.status().state is m.State.BACKUP
    assert ("eth0", VIP) not in rig.held


@pytest.mark.parametrize(("priority", "bursts"), [(0, 1), (50, 0)])
def test_successor_announces_once_more_when_the_resigned_master_has_let_go(priority: int, bursts: int) -> None:
    """While both answer for the address, a client that asks may learn the one that goes."""
    rig = backup(priority=150)
    rig.give(advert(priority=priority))
    rig.pass_time(S * 156 // 256 + (0 if priority == 0 else 3 * S))
    assert rig.status().state is m.State.MASTER
    burst = GRACE + 250_000_000
    early = of(m.SendAnnouncements, rig.pass_time(burst - 2_000_000))
    assert early == []
    assert len(of(m.SendAnnouncements, rig.pass_time(S))) == bursts
