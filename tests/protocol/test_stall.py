"""What a router does after its own host stood still."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, of

S = NS_PER_S


def stalled(rig: Rig, duration: int) -> list[m.Output]:
    """The loop wakes so late and says so before anything else."""
    deadline = rig.router.deadline
    assert deadline is not None
    rig.now = deadline + duration
    return list(rig.give(m.ClockStalled(late=duration)))


def master() -> Rig:
    rig = Rig(config(instance()))
    rig.become_master()
    rig.pass_time(S)
    return rig


@pytest.mark.parametrize("priority", [50, 100, 150])
def test_master_away_for_too_long_yields_to_whoever_it_hears(priority: int) -> None:
    rig = master()
    outputs = stalled(rig, 10 * S)
    assert [type(one).__name__ for one in outputs] == ["NearMiss"]
    assert rig.pass_time(S // 2) == [], "it listens before it speaks"
    rig.give(advert(priority=priority))
    status = rig.status()
    assert (status.state, status.last_cause) == (m.State.BACKUP, m.Cause.ENGINE_STALL)
    assert "10.0.0.9" in status.last_detail
    assert not rig.held


def test_master_away_for_too_long_and_still_alone_goes_on_and_announces() -> None:
    rig = master()
    stalled(rig, 10 * S)
    outputs = rig.pass_time(S)
    assert [type(one).__name__ for one in outputs] == ["SendAdvert", "SendAnnouncements"]
    rig.give(advert(priority=50))
    assert rig.status().state is m.State.MASTER, "no doubt is left"


def test_shorter_absence_is_a_near_miss_and_the_advert_leaves_at_once() -> None:
    rig = master()
    outputs = stalled(rig, 2 * S)
    assert [type(one).__name__ for one in outputs] == ["NearMiss"]
    late = rig.router.tick(rig.now)
    assert [type(one).__name__ for one in late] == ["SendAdvert"]
    assert rig.status().deadline == rig.now + S
    assert rig.status().near_misses == 1
    rig.give(advert(priority=50))
    assert rig.status().state is m.State.MASTER


def test_hiccup_is_not_worth_a_word() -> None:
    rig = master()
    assert stalled(rig, S // 2) == []
    assert rig.status().near_misses == 0


def test_backup_away_gives_the_master_time_to_be_heard() -> None:
    rig = Rig(config(instance()))
    rig.give(advert(priority=200))
    stalled(rig, 10 * S)
    assert rig.router.tick(rig.now) == ()
    rig.pass_time(S)
    rig.give(advert(priority=200))
    rig.pass_time(3 * S)
    assert rig.status().state is m.State.BACKUP
    rig.pass_time(S)
    assert rig.status().state is m.State.MASTER
    last = of(m.StateChanged, rig.outputs)[-1]
    assert isinstance(last, m.StateChanged)
    assert any(one.kind == "stall" for one in last.evidence)


def test_backup_away_takes_over_when_the_master_is_gone() -> None:
    rig = Rig(config(instance()))
    rig.give(advert(priority=200))
    stalled(rig, 10 * S)
    skew = rig.status().skew
    rig.pass_time(S + skew - 1)
    assert rig.status().state is m.State.BACKUP
    rig.pass_time(1)
    assert rig.status().state is m.State.MASTER


@pytest.mark.parametrize(("heard", "state"), [(True, m.State.BACKUP), (False, m.State.MASTER)])
def test_master_that_may_just_have_been_replaced_reads_before_it_speaks(*, heard: bool, state: m.State) -> None:
    """Late by more than two intervals, so silent for more than three: the successor's advert waits in the socket."""
    rig = master()
    outputs = stalled(rig, 2 * S + 1)
    assert [type(one).__name__ for one in outputs] == ["NearMiss"]
    assert list(rig.router.tick(rig.now)) == []
    if heard:
        rig.give(advert(priority=50))
    else:
        assert [type(one).__name__ for one in rig.pass_time(10_000_000)] == ["SendAdvert", "SendAnnouncements"]
        rig.give(advert(priority=50))
    assert rig.status().state is state
