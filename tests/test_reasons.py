"""Each fixed reason has a scene in which it is planted, and the explanation names it as the cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from hatui.reasons import CERTAIN, LIKELY
from tests.scenarios.build import config, group, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import interface
from tests.test_explanation import Record, hear

S = NS_PER_S
Scene = Callable[[Record], object]


def both(*steps: Scene) -> Scene:
    def run(rig: Record) -> None:
        for step in steps:
            step(rig)

    return run


def wait(seconds: float) -> Scene:
    return lambda rig: rig.pass_time(int(seconds * S))


def listen(priority: int, seconds: int = 9, **more: Any) -> Scene:
    return lambda rig: hear(rig, priority, seconds, **more)


def ordered(method: str) -> Scene:
    return lambda rig: rig.give(m.Ordered(1, m.Failover("VI_1", method), "anna", "a test"))


def other_interface(*, up: bool) -> Scene:
    return lambda rig: rig.give(interface("eth1", up=up))


GROUPED = config(
    instance(sync_group="G"),
    instance("VI_2", vrid=51, address="10.0.1.50/24", interface="eth1", sync_group="G"),
    groups=(group("G", "VI_1", "VI_2"),),
)
SCRIPTED = config(instance(scripts=(("chk", -60),)))
STRICT = config(instance(scripts=(("chk", 0),)))
ADDRESSED = config(instance())

CASES: dict[m.Cause, tuple[Any, Scene, str, str]] = {
    # cause: configuration, what is planted, grade, words of the explanation
    m.Cause.MASTER_NO_RESPONSE: (None, both(listen(200), wait(4)), LIKELY, "10.0.0.9 stopped without saying goodbye"),
    m.Cause.MASTER_RESIGNED: (None, both(listen(200), listen(0, 1), wait(1)), CERTAIN, "10.0.0.9 sent priority 0"),
    m.Cause.PEER_HIGHER: (None, both(wait(4), listen(200, 1)), CERTAIN, "a higher priority: 10.0.0.9"),
    m.Cause.PEER_EQUAL_HIGHER_ADDRESS: (None, both(wait(4), listen(100, 1)), CERTAIN, "10.0.0.9 has the same priority"),
    m.Cause.WE_PREEMPTED: (None, listen(50, 6), CERTAIN, "preempts 10.0.0.9"),
    m.Cause.PRIORITY_LOWERED: (
        SCRIPTED,
        both(wait(4), lambda rig: rig.give(m.ScriptFinished(name="chk", exit_status=1)), listen(90, 1)),
        CERTAIN,
        "the priority here fell below that of 10.0.0.9",
    ),
    m.Cause.TRACKER_FAULT: (
        STRICT,
        both(
            lambda rig: rig.give(m.ScriptFinished(name="chk", exit_status=0)),
            wait(4),
            lambda rig: rig.give(m.ScriptFinished(name="chk", exit_status=1)),
        ),
        CERTAIN,
        "a tracker without a weight failed here",
    ),
    m.Cause.INTERFACE_DOWN: (None, both(wait(4), lambda rig: rig.give(interface(up=False))), CERTAIN, "went down"),
    m.Cause.ADDRESS_LOST: (
        ADDRESSED,
        both(
            wait(4),
            lambda rig: rig.give(
                m.AddressChanged(interface="eth0", address="10.0.0.1", prefix=24, present=False, foreign=True)
            ),
        ),
        LIKELY,
        "lost the address that adverts are sent from",
    ),
    m.Cause.FAULT_CLEARED: (
        None,
        both(wait(4), lambda rig: rig.give(interface(up=False)), wait(1), lambda rig: rig.give(interface())),
        CERTAIN,
        "the last cause of FAULT is gone",
    ),
    m.Cause.SYNC_GROUP: (
        GROUPED,
        both(other_interface(up=True), wait(5), other_interface(up=False)),
        CERTAIN,
        "another member of its sync group changed",
    ),
    m.Cause.OPERATOR: (None, both(listen(200), ordered("take-over")), CERTAIN, "an operator asked for it"),
    m.Cause.CONFIG: (
        None,
        both(listen(200), lambda rig: rig.give(m.Configure(config=config())), wait(5)),
        CERTAIN,
        "the configuration changed",
    ),
    m.Cause.STARTUP: (None, wait(4), CERTAIN, "the engine had just started"),
    m.Cause.SHUTDOWN: (
        None,
        both(listen(200), lambda rig: rig.give(m.StopRouter())),
        CERTAIN,
        "the engine is stopping",
    ),
    m.Cause.ENGINE_STALL: (
        None,
        both(
            wait(4),
            lambda rig: setattr(rig, "now", rig.now + 9 * S),
            lambda rig: rig.give(m.ClockStalled(late=8 * S)),
            lambda rig: rig.give(advert(priority=50)),
        ),
        LIKELY,
        "did not get to run, and 10.0.0.9 has taken over",
    ),
    m.Cause.REJECTED_ADVERTS: (
        None,
        both(listen(200), listen(200, 4, auth_type=1, password=b"1111")),
        CERTAIN,
        "all adverts of 10.0.0.9 were rejected",
    ),
    m.Cause.MAINTENANCE: (
        None,
        both(
            wait(4),
            lambda rig: rig.give(
                m.Ordered(1, m.Handicap((m.Handicapped("VI_1", 0, "anna", "new fan"),)), "anna", "fan")
            ),
            wait(1),
            listen(50, 1),
        ),
        CERTAIN,
        "maintenance",
    ),
    m.Cause.DRILL: (
        None,
        both(
            wait(4),
            lambda rig: rig.give(m.Ordered(1, m.Impair("VI_1", "silent", rig.now + 60 * S), "anna", "Q4 test")),
        ),
        CERTAIN,
        "a drill",
    ),
}


@pytest.mark.parametrize("cause", CASES)
def test_planted_cause_is_named(cause: m.Cause) -> None:
    setting, plant, grade, words = CASES[cause]
    rig = Record(setting or config(instance()))
    plant(rig)
    changes = [row for row in rig.rows if isinstance(row.event, m.StateChanged)]
    planted = [row for row in changes if isinstance(row.event, m.StateChanged) and row.event.cause is cause]
    assert planted, [(row.event.cause, row.event.detail) for row in changes if isinstance(row.event, m.StateChanged)]
    back = len(changes) - changes.index(planted[-1])
    found = rig.why(back)
    assert words in found.what
    assert found.grade == grade
    assert found.cause
    assert found.check


def test_every_cause_is_planted_somewhere() -> None:
    assert set(CASES) == set(m.Cause)
