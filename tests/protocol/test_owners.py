"""Two owners of one address: who yields, who waits, who bows, and how 255 comes back."""

from __future__ import annotations

from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from engine.simulation import Lan
from tests.protocol.test_property_receive import conf, packet
from tests.scenarios.build import VIP, host, instance
from tests.scenarios.rig import Rig, of

S = NS_PER_S
MASTER, BACKUP = m.State.MASTER, m.State.BACKUP
SHAPES = ["v2", "v3", "v6"]


def owner(kind: str, **more: Any) -> Rig:
    """An owner that has just become master (its address is 10.0.0.1 or fe80::1)."""
    rig = Rig(conf(kind, priority=255, **more))
    rig.pass_time(0)
    assert rig.status().state is MASTER
    return rig


def rival(kind: str, **fields: Any) -> m.DatagramReceived:
    """An advert of another owner that loses the tie."""
    return packet(kind, **{"priority": 255, "source": "fe80::" if kind == "v6" else "9.0.0.1", **fields})


def stay(rig: Rig, kind: str, duration: int, every: int = S) -> list[m.Output]:
    """The other owner advertises for so long."""
    came: list[m.Output] = []
    for _ in range(duration // every):
        came += rig.give(rival(kind))
        came += rig.pass_time(every)
    return came


@pytest.mark.parametrize("kind", SHAPES)
def test_owner_gives_the_other_two_adverts_and_then_lowers_itself_to_254_and_yields(kind: str) -> None:
    """KA-10: 2 own intervals and 1.2 of the longer one, here 3.2 s after the other was first heard."""
    rig = owner(kind)
    stay(rig, kind, 3 * S)
    rig.give(rival(kind))
    rig.pass_time(S // 5 - 1)
    assert (rig.status().state, rig.status().priority) == (MASTER, 255)
    came = rig.pass_time(1)
    assert [(one.old, one.new) for one in of(m.PriorityChanged, came) if isinstance(one, m.PriorityChanged)] == [
        (255, 254)
    ]
    assert any("owns the address as well" in line.detail for line in rig.status().ledger)
    rig.give(rival(kind))
    assert (rig.status().state, rig.status().last_cause) == (BACKUP, m.Cause.PRIORITY_LOWERED)


@pytest.mark.parametrize("kind", SHAPES)
def test_other_owner_that_stops_in_time_costs_nothing(kind: str) -> None:
    """KA-10: two adverts of ours are enough for it, and the next trouble has its whole time again."""
    rig = owner(kind)
    stay(rig, kind, 2 * S)
    rig.pass_time(10 * S)
    assert (rig.status().state, rig.status().priority) == (MASTER, 255)
    stay(rig, kind, 3 * S)
    assert rig.status().priority == 255


def test_longer_interval_of_the_two_counts() -> None:
    """KA-10: a rival that advertises every 5 s is waited for 2 x 1 s + 1.2 x 5 s."""
    rig = owner("v3")
    rig.give(rival("v3", interval=500))
    rig.pass_time(5 * S)
    rig.give(rival("v3", interval=500))
    rig.pass_time(3 * S - 1)
    assert rig.status().priority == 255
    rig.pass_time(1)
    assert rig.status().priority == 254


@pytest.mark.parametrize("kind", SHAPES)
def test_lowered_owner_is_255_again_when_it_takes_over(kind: str) -> None:
    """KA-10, V3-6.1-07: the other falls silent, one master-down interval later we own again."""
    rig = owner(kind)
    stay(rig, kind, 5 * S)
    assert (rig.status().state, rig.status().priority) == (BACKUP, 254)
    rig.pass_time(rig.status().master_down_interval)
    assert (rig.status().state, rig.status().priority) == (MASTER, 255)
    assert not any(line.kind == "rival" for line in rig.status().ledger)


def test_lowered_owner_whose_rival_dies_before_it_yields_is_255_again() -> None:
    """KA-10: it never left MASTER."""
    rig = owner("v2")
    stay(rig, "v2", 3 * S)
    rig.give(rival("v2"))
    rig.pass_time(S // 5)
    assert (rig.status().state, rig.status().priority) == (MASTER, 254)
    rig.pass_time(4 * S)
    assert (rig.status().state, rig.status().priority) == (MASTER, 255)


def test_lower_priorities_never_lower_an_owner() -> None:
    """KA-10: only another 255 does."""
    rig = owner("v2")
    for _ in range(10):
        rig.give(packet("v2", priority=254))
        rig.pass_time(S)
    assert (rig.status().state, rig.status().priority) == (MASTER, 255)


def test_owner_that_is_one_no_more_by_reload_has_its_configured_priority() -> None:
    """KA-10: nothing of 254 is left."""
    rig = owner("v2")
    stay(rig, "v2", 5 * S)
    rig.give(m.Configure(config=conf("v2", priority=120)))
    assert rig.status().priority == 120


def test_two_owners_that_cannot_hear_each_other_both_ways_end_with_one() -> None:
    """KA-10, V3-8.3.2-01, V3-8.3.2-02: b never hears a, so only a can end it; when b dies, a owns again."""
    lan = Lan()
    a = host(lan, "a", 9, instance(priority=255))
    b = host(lan, "b", 2, instance(priority=255))
    lan.cut("a", "b")
    a.start()
    b.start()
    lan.run_to(1)
    assert lan.owners.holders(VIP) == ("a", "b")
    lan.run_to(6)
    assert lan.owners.holders(VIP) == ("b",)
    b.power_cut()
    lan.run_to(12)
    assert lan.owners.holders(VIP) == ("a",)
    assert a.status("VI_1").priority == 255
