"""What core remembers: the newest statuses, and enough to revive a dead vrrp process."""

from __future__ import annotations

import msgspec

from engine.config.model import Command as Program
from engine.config.model import Config, Instance, Script
from engine.core.present import UNSURE, Present, key_of
from engine.messages import (
    Cause,
    FileRead,
    HoldChanged,
    InstanceStatus,
    LastKnown,
    MasterChanged,
    ScriptFinished,
    State,
    StateChanged,
    StatusBatch,
    TrackerChanged,
    TrackerStatus,
)

CONFIG = Config(
    instances=(
        Instance(name="VI_1", interface="eth0", vrid=50),
        Instance(name="VI_2", interface="eth1", vrid=51, family=6),
    ),
    scripts=(Script(name="chk", command=Program(("/bin/true",))),),
)


def status(name: str, state: State = State.BACKUP) -> InstanceStatus:
    return InstanceStatus(
        name=name, interface="e", vrid=1, version=2, family=4, state=state, since=1, base_priority=1, priority=1
    )


def test_batches_tell_what_differs_and_a_whole_one_what_is_gone() -> None:
    present = Present()
    assert present.merge(StatusBatch((status("a"), status("b")), whole=True)) == ([status("a"), status("b")], [])
    assert present.merge(StatusBatch((status("a"), status("b", State.MASTER)), worst_late=5)) == (
        [status("b", State.MASTER)],
        [],
    )
    assert present.merge(StatusBatch((status("a"),), whole=True)) == ([], [("instance-status", "b")])
    assert present.statuses == (status("a"),)


def test_trackers_of_one_name_and_two_kinds_are_two() -> None:
    script, process = (TrackerStatus(kind, "web", None) for kind in ("script", "process"))
    assert key_of(script) != key_of(process)
    assert key_of(script) == ("tracker-status", "script web")


def test_last_known_states_follow_the_events_alone() -> None:
    present = Present()
    present.remember(StateChanged("VI_1", State.INIT, State.BACKUP, Cause.STARTUP), 1)
    present.remember(MasterChanged("VI_1", "10.0.0.9", 120), 2)
    present.remember(StateChanged("VI_2", State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE), 3)
    present.remember(HoldChanged("VI_2", "take-over", until=99), 4)
    assert present.resume(CONFIG) == (
        LastKnown("eth0", 4, 50, State.BACKUP, 1, "10.0.0.9"),
        LastKnown("eth1", 6, 51, State.MASTER, 3, "", 99, "take-over"),
    )
    present.remember(StateChanged("VI_1", State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE), 5)
    present.remember(HoldChanged("VI_2", ""), 6)
    present.remember(StateChanged("VI_2", State.MASTER, State.INIT, Cause.SHUTDOWN), 7)
    assert present.resume(CONFIG) == (LastKnown("eth0", 4, 50, State.MASTER, 5, ""),)


def test_sequence_number_is_beyond_what_can_have_been_sent_since_it_was_told() -> None:
    second = 1_000_000_000
    present = Present()
    present.remember(StateChanged("VI_1", State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE), 1)
    assert present.resume(CONFIG, 9 * second)[0].sequence == 0  # never told
    told = msgspec.structs.replace(status("VI_1", State.MASTER), sequence=500)
    present.merge(StatusBatch((told,)), 10 * second)
    assert 500 < present.resume(CONFIG, 10 * second)[0].sequence < 510
    assert present.resume(CONFIG, 110 * second)[0].sequence >= 700


def test_script_counts_by_its_verdict_not_by_its_last_run() -> None:
    present = Present()
    present.result(ScriptFinished("chk", 0))
    assert list(present.results()) == []  # nothing decided yet
    present.remember(TrackerChanged("script", "chk", good=True), 1)
    present.result(ScriptFinished("chk", 1))  # the first failure of three
    present.result(FileRead("f", 7))
    assert list(present.results()) == [ScriptFinished("chk", 0), FileRead("f", 7)]
    present.remember(TrackerChanged("script", "chk", good=False), 2)
    present.result(ScriptFinished("chk", 0))
    assert next(iter(present.results())) == ScriptFinished("chk", 1)


def test_what_a_reload_removes_is_forgotten() -> None:
    present = Present()
    present.remember(StateChanged("VI_1", State.INIT, State.MASTER, Cause.STARTUP), 1)
    present.remember(TrackerChanged("script", "chk", good=True), 1)
    present.result(ScriptFinished("chk", 0))
    present.reloaded(CONFIG, Config())
    assert present.resume(CONFIG) == ()
    assert list(present.results()) == []


def test_master_that_a_reload_removed_is_known_until_it_has_left_for_certain() -> None:
    present = Present()
    present.remember(StateChanged("VI_1", State.INIT, State.MASTER, Cause.STARTUP), 1)
    present.reloaded(CONFIG, Config(), 10)
    assert present.former(Config(), 20) == ((CONFIG.instances[0], 0),)
    assert present.former(CONFIG, 20) == (), "it is back"
    present.remember(StateChanged("VI_1", State.MASTER, State.INIT, Cause.CONFIG), 30)
    assert present.former(Config(), 30 + UNSURE - 1) == ((CONFIG.instances[0], 0),)
    assert present.former(Config(), 30 + UNSURE) == ()


def test_backup_that_a_reload_removed_has_nothing_to_hand_over() -> None:
    present = Present()
    present.remember(StateChanged("VI_1", State.INIT, State.BACKUP, Cause.STARTUP), 1)
    present.reloaded(CONFIG, Config(), 10)
    assert present.former(Config(), 20) == ()


def test_instance_keeps_its_past_under_a_new_name() -> None:
    present = Present()
    present.remember(StateChanged("VI_1", State.INIT, State.MASTER, Cause.STARTUP), 1)
    renamed = Config(instances=(Instance(name="VI_WEB", interface="eth0", vrid=50),))
    present.reloaded(CONFIG, renamed)
    assert present.resume(renamed) == (LastKnown("eth0", 4, 50, State.MASTER, 1),)
