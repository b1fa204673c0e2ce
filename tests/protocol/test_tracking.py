"""Weights, rise and fall, quorum, files, the ledger: what is watched and what it does."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Config, Track, TrackedFile, TrackedProcess, Tracking
from engine.protocol.tracking import Tracker, contribution, file_contribution
from tests.scenarios.build import config, instance, script
from tests.scenarios.rig import Rig, interface, of

S = NS_PER_S


@pytest.mark.parametrize(
    ("weight", "reverse", "when_good", "when_bad"),
    [
        (10, False, (10, False), (0, False)),
        (-10, False, (0, False), (-10, False)),
        (10, True, (-10, False), (0, False)),
        (-10, True, (0, False), (10, False)),
        (0, False, (0, False), (0, True)),
        (0, True, (0, True), (0, False)),
    ],
)
def test_table_of_weights(weight: int, reverse: bool, when_good: tuple[int, bool], when_bad: tuple[int, bool]) -> None:
    assert contribution(weight, reverse, good=True) == when_good
    assert contribution(weight, reverse, good=False) == when_bad
    assert contribution(weight, reverse, good=None) == (0, False)


@pytest.mark.parametrize(
    ("weight", "reverse", "value", "expected"),
    [
        (1, False, 7, (7, False)),
        (1, True, 7, (-7, False)),
        (3, False, -7, (-21, False)),
        (1, False, 999, (254, False)),
        (1, False, -253, (-253, False)),
        (1, False, -254, (0, True)),
        (2, False, -127, (0, True)),
        (0, False, 1, (0, True)),
        (0, False, 0, (0, False)),
        (0, True, 0, (0, True)),
        (0, True, 5, (0, False)),
    ],
)
def test_value_of_a_file_times_weight(weight: int, reverse: bool, value: int, expected: tuple[int, bool]) -> None:
    assert file_contribution(weight, reverse, value) == expected


def test_first_result_decides_at_once_then_rise_and_fall_count() -> None:
    tracker = Tracker("script", "s")
    tracker.rise, tracker.fall = 2, 3
    assert tracker.result(good=False, now=1)
    assert tracker.good is False
    assert [tracker.result(one, 2) for one in (True, False, True, True)] == [False, False, False, True]
    assert tracker.good is True
    assert [tracker.result(good=False, now=3) for _ in range(3)] == [False, False, True]
    assert tracker.good is False


def weighted(weight: int, **more: object) -> Config:
    return config(instance(scripts=(("s", weight),)), **more)


def result(code: int, name: str = "s") -> m.ScriptFinished:
    return m.ScriptFinished(name=name, exit_status=code, duration=S // 10, output="why")


def test_failing_script_lowers_the_priority_on_the_wire() -> None:
    """V3-7.2-01 V2-7.2-01 M18: the next advert carries it; V3-5.2.4-02"""
    rig = Rig(weighted(-60))
    rig.become_master()
    rig.give(result(1))
    sent = [one for one in rig.pass_time(S) if isinstance(one, m.SendAdvert)]
    assert sent[0].data[22] == 40
    changed = of(m.PriorityChanged, rig.outputs)
    assert [(one.old, one.new) for one in changed if isinstance(one, m.PriorityChanged)] == [(100, 40)]
    assert "exit status 1" in str(changed[0])
    ledger = rig.status().ledger
    assert [(line.kind, line.contribution) for line in ledger] == [("base", 100), ("script", -60)]
    assert sum(line.contribution for line in ledger) == rig.status().priority == 40


@pytest.mark.parametrize(("base", "weight", "code", "priority"), [(100, -253, 1, 1), (200, 253, 0, 254), (5, 3, 0, 8)])
def test_sum_stays_within_1_and_254_and_the_ledger_says_so(base: int, weight: int, code: int, priority: int) -> None:
    """V3-5.2.4-02 V2-5.3.4-02"""
    rig = Rig(config(instance(priority=base, scripts=(("s", weight),))))
    rig.give(result(code))
    ledger = rig.status().ledger
    assert rig.status().priority == priority == sum(line.contribution for line in ledger)


def test_owner_ignores_weights_but_not_faults() -> None:
    """V3-5.2.4-01 V2-5.3.4-01"""
    rig = Rig(config(instance(priority=255, scripts=(("s", -60), ("f", 0)))))
    rig.give(result(0, "f"))
    rig.give(result(1))
    assert (rig.status().state, rig.status().priority) == (m.State.MASTER, 255)
    rig.give(result(1, "f"))
    assert rig.status().state is m.State.FAULT


def test_instance_waits_for_the_first_result_of_a_script_that_can_fault() -> None:
    rig = Rig(weighted(0))
    rig.pass_time(60 * S)
    assert rig.status().state is m.State.INIT
    rig.give(result(0))
    assert rig.status().state is m.State.BACKUP


def test_init_fail_is_a_fault_from_the_start_and_a_good_result_clears_it() -> None:
    rig = Rig(weighted(0, scripts=(script("s", init_fail=True),)))
    assert rig.status().state is m.State.FAULT
    rig.give(result(0))
    assert rig.status().state is m.State.BACKUP
    last = of(m.StateChanged, rig.outputs)[-1]
    assert isinstance(last, m.StateChanged)
    assert last.cause is m.Cause.FAULT_CLEARED


@pytest.mark.parametrize(
    ("code", "words"),
    [(-1001, "timed out"), (-1000, "could not be started"), (-9, "killed by signal 9"), (3, "status 3")],
)
def test_tracker_change_says_how_the_script_ended(code: int, words: str) -> None:
    rig = Rig(weighted(0))
    rig.give(result(0))
    rig.give(result(code))
    said = of(m.TrackerChanged, rig.outputs)[-1]
    assert isinstance(said, m.TrackerChanged)
    assert words in said.detail
    fault = of(m.StateChanged, rig.outputs)[-1]
    assert isinstance(fault, m.StateChanged)
    assert fault.cause is m.Cause.TRACKER_FAULT
    assert words in fault.detail
    assert any(words in one.text for one in fault.evidence)


def test_interface_with_and_without_weight() -> None:
    tracking = Tracking(interfaces=(Track(name="eth1", weight=-20), Track(name="eth2")))
    rig = Rig(config(instance(tracking=tracking)))
    assert rig.status().state is m.State.FAULT, "eth2 does not exist"
    rig.give(interface("eth2"))
    assert (rig.status().state, rig.status().priority) == (m.State.BACKUP, 80)
    rig.give(interface("eth1"))
    assert rig.status().priority == 100
    rig.give(interface("eth2", up=False))
    assert rig.status().faults == ("interface eth2 is down",)


def test_process_needs_its_quorum() -> None:
    process = TrackedProcess(name="p", argv=("nginx",), weight=-10, quorum=2, quorum_max=3)
    rig = Rig(config(instance(tracking=Tracking(processes=(Track(name="p", weight=-10),))), processes=(process,)))
    for count, priority in ((1, 90), (2, 100), (3, 100), (4, 90), (0, 90)):
        rig.give(m.ProcessCounted(name="p", count=count))
        assert rig.status().priority == priority, count


def test_file_value_moves_the_priority_each_time() -> None:
    file = TrackedFile(name="f", path="/run/f", init_value=5)
    rig = Rig(config(instance(tracking=Tracking(files=(Track(name="f", weight=2),))), files=(file,)))
    assert rig.status().priority == 110
    for value, priority in ((0, 100), (-7, 86), (3, 106)):
        rig.give(m.FileRead(name="f", value=value))
        assert rig.status().priority == priority
    rig.give(m.FileRead(name="f", value=-127))
    assert rig.status().state is m.State.FAULT


def test_bfd_session() -> None:
    rig = Rig(config(instance(tracking=Tracking(bfd=(Track(name="b", weight=-30),)))))
    assert rig.status().priority == 100
    rig.give(m.BfdChanged(name="b", up=False))
    assert rig.status().priority == 70
    rig.give(m.BfdChanged(name="b", up=True))
    assert rig.status().priority == 100


def test_priority_change_moves_a_running_master_down_timer_by_the_difference() -> None:
    """V3-6.1-04: the skew of the new priority, from the same beginning."""
    rig = Rig(weighted(-60))
    before = rig.status()
    rig.pass_time(S)
    rig.give(result(1))
    after = rig.status()
    assert after.deadline - before.deadline == after.skew - before.skew == 60 * S // 256


def test_results_survive_a_reload_by_name() -> None:
    rig = Rig(weighted(-60))
    rig.give(result(1))
    rig.give(m.Configure(config=config(instance(priority=90, scripts=(("s", -50),)))))
    assert rig.status().priority == 40


def test_statuses_of_trackers_say_who_watches() -> None:
    rig = Rig(weighted(-60, scripts=(script("s", rise=2, fall=3),)))
    rig.give(result(7))
    status = next(one for one in rig.router.statuses() if isinstance(one, m.TrackerStatus))
    assert (status.name, status.good, status.exit_status, status.output) == ("s", False, 7, "why")
    assert (status.rise, status.fall, status.tracked_by) == (2, 3, ("VI_1",))
