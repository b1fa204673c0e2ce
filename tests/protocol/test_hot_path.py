"""The steady state stays lean: an equal advert moves one deadline, a due advert costs one packet."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from engine.protocol import receive
from engine.protocol.router import NOTHING, Router
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import interface

S = NS_PER_S


def router(**more: object) -> Router:
    made = Router()
    made.handle(interface(), 0)
    made.handle(m.Configure(config=config(instance(**more))), 0)
    return made


def status(made: Router) -> m.InstanceStatus:
    found = made.statuses()[0]
    assert isinstance(found, m.InstanceStatus)
    return found


def again(datagram: m.DatagramReceived, number: int) -> m.DatagramReceived:
    """The same advert with the next identification, as a real sender makes it."""
    if datagram.family == 6:
        return datagram
    data = bytearray(datagram.data)
    data[4:6] = number.to_bytes(2, "big")
    return m.DatagramReceived(interface="eth0", family=4, data=bytes(data))


CASES = {
    "v2": ({}, {}),
    "v3": ({"version": 3}, {"version": 3}),
    "IPv6": (
        {"address": "fe80::50/64"},
        {"family": 6, "version": 3, "addresses": ("fe80::50",), "source": "fe80::9"},
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_equal_advert_is_not_decoded_again(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = CASES[case]
    made = router(**ours)
    first = advert(priority=200, **theirs)
    made.handle(first, S)
    assert made.handle(again(first, 2), 2 * S) is NOTHING
    monkeypatch.setattr(receive, "examine", lambda *_: pytest.fail("an equal advert was examined"))
    for number in range(3, 10):
        assert made.handle(again(first, number), number * S) is NOTHING
    told = status(made)
    assert told.counters.advert_rcvd == 9
    assert told.heard_at == 9 * S
    assert told.deadline == 9 * S + told.master_down_interval


@pytest.mark.parametrize("octet", [2, 3, 8, 9, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 35])
def test_any_other_octet_is_examined(octet: int) -> None:
    """P15: nothing that differs from the accepted advert in a meaningful octet moves the deadline."""
    made = router()
    first = advert(priority=200)
    made.handle(first, S)
    made.handle(again(first, 2), 2 * S)
    before = status(made).deadline
    data = bytearray(first.data)
    data[octet] ^= 1
    made.handle(m.DatagramReceived(interface="eth0", family=4, data=bytes(data)), 3 * S)
    assert status(made).deadline == before


def test_refused_packet_between_equal_ones_changes_nothing() -> None:
    made = router()
    first = advert(priority=200)
    made.handle(first, S)
    made.handle(advert(priority=200, checksum=1), 2 * S)
    made.handle(again(first, 3), 3 * S)
    made.handle(again(first, 4), 4 * S)
    assert status(made).counters.advert_rcvd == 3
    assert status(made).counters.chk_err == 1
    assert status(made).deadline == 4 * S + status(made).master_down_interval


def test_deadline_is_never_late_and_an_early_tick_does_nothing() -> None:
    made = router()
    first = advert(priority=200)
    for number in range(1, 20):
        made.handle(again(first, number), number * S)
    real = status(made).deadline
    for _ in range(50):
        at = made.deadline
        assert at is not None
        assert at <= real
        if at == real:
            break
        assert made.tick(at) is NOTHING
    assert made.deadline == real
    assert made.tick(real - 1) is NOTHING
    assert any(isinstance(one, m.StateChanged) for one in made.tick(real))


def test_received_adverts_push_nothing_onto_the_heap() -> None:
    made = router()
    first = advert(priority=200)
    made.handle(first, S)
    pushed = made._host._pushed
    for number in range(2, 1000):
        made.handle(again(first, number), number * S)
        made.tick(number * S)
    assert made._host._pushed == pushed
    assert len(made._host._heap) == 1


def test_sending_keeps_one_heap_entry_an_instance() -> None:
    made = Router()
    made.handle(interface(), 0)
    many = [instance(f"VI_{n}", vrid=n, address=f"10.0.0.{n}/24", version=3) for n in range(2, 52)]
    made.handle(m.Configure(config=config(*many)), 0)
    now = 4 * S
    made.tick(now)
    for _ in range(500):
        deadline = made.deadline
        assert deadline is not None
        now = max(now, deadline)
        made.tick(now)
    assert len(made._host._heap) == 50


def test_equal_advert_is_judged_when_somebody_watches() -> None:
    made = router()
    made.judging = True
    first = advert(priority=200)
    made.handle(first, S)
    (judged,) = made.handle(again(first, 2), 2 * S)
    assert isinstance(judged, m.PacketJudged)
    assert (judged.verdict, judged.instance) == (m.Verdict.OK, "VI_1")


def test_own_priority_above_the_masters_ends_the_short_way() -> None:
    """V3-6.4.2-13 V2-6.4.2-08: after a reload that lifts us, its adverts no longer count."""
    made = router()
    first = advert(priority=150)
    for number in (1, 2, 3):
        made.handle(again(first, number), number * S)
    made.handle(m.Configure(config=config(instance(priority=200))), 3 * S)
    deadline = status(made).deadline
    made.handle(again(first, 4), 4 * S)
    assert status(made).deadline == deadline


def test_time_that_runs_backwards_is_taken_as_the_latest_told() -> None:
    made = router()
    made.handle(advert(priority=200), 5 * S)
    made.handle(advert(priority=201), 4 * S)
    assert status(made).heard_at == 5 * S
