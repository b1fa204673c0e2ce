"""What other routers said last, as the Router tells it when it is asked."""

from __future__ import annotations

from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from engine.protocol import hearing
from engine.protocol.hearing import FRESH
from tests.protocol.test_property_receive import conf, packet
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig

S = NS_PER_S
V = m.Verdict


def backup(kind: str = "v2") -> Rig:
    return Rig(conf(kind))


def only(rig: Rig) -> m.HeardAdvert:
    (one,) = rig.router.heard()
    return one


def test_accepted_advert_is_told_whole() -> None:
    rig = backup("pass")
    rig.give(packet("pass", priority=150))
    one = only(rig)
    assert (one.router, one.interface, one.vrid, one.family) == ("10.0.0.9", "eth0", 50, 4)
    assert (one.priority, one.version, one.interval, one.addresses) == (150, 2, S, ("10.0.0.50",))
    assert (one.authentication, one.destination, one.verdict) == ("pass", "224.0.0.18", V.OK)
    assert one.secret == m.password_mark(b"1111")
    assert "1111" not in repr(one)


def test_version_3_of_ipv6_is_told() -> None:
    rig = backup("v6")
    rig.give(packet("v6", interval=20))
    one = only(rig)
    assert (one.version, one.family, one.interval, one.authentication, one.secret) == (3, 6, S // 5, "", "")
    assert one.destination == "ff02::12"


@pytest.mark.parametrize(
    ("kind", "wrong", "verdict"),
    [
        ("v3", {"version": 2}, V.VERSION),
        ("v2", {"interval": 2}, V.INTERVAL),
        ("pass", {"auth_type": 0}, V.AUTH_TYPE),
        ("pass", {"password": b"1112"}, V.AUTH_DATA),
        ("unicast3", {"destination": "224.0.0.18"}, V.DESTINATION),
        ("v3", {"vrid": 51}, V.VRID),
    ],
    ids=["version", "interval", "auth-type", "password", "multicast", "vrid"],
)
def test_refused_advert_is_told_with_its_verdict(kind: str, wrong: dict[str, Any], verdict: m.Verdict) -> None:
    rig = backup(kind)
    rig.give(packet(kind, **wrong))
    assert only(rig).verdict is verdict


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("v3", {"checksum": 1}),
        ("v2", {"checksum": 1, "interval": 2}),
        ("v3", {"version": 2, "checksum": 1}),
        ("v2", {"count": 4}),
        ("v2", {"vrid": 51, "count": 9}),
        ("v2", {"vrid": 51, "version": 7}),
        ("v2", {"ttl": 1}),
        ("v2", {"kind": 2}),
    ],
    ids=["checksum", "checksum-interval", "checksum-version", "short", "short-stranger", "version-7", "ttl", "type"],
)
def test_damaged_packet_is_not_repeated(kind: str, wrong: dict[str, Any]) -> None:
    rig = backup(kind)
    rig.give(packet(kind, **wrong))
    assert rig.router.heard() == ()


def test_last_obeyed_router_stays_known_and_what_was_refused_is_forgotten() -> None:
    rig = backup()
    rig.give(packet("v2", priority=150))
    rig.give(packet("v2", source="10.0.0.8", interval=2))
    assert {one.router for one in rig.router.heard()} == {"10.0.0.9", "10.0.0.8"}
    rig.pass_time(FRESH + 1)
    assert only(rig).router == "10.0.0.9"


def test_sender_counts_by_its_last_word() -> None:
    rig = backup()
    rig.give(packet("v2", priority=150))
    rig.give(packet("v2", priority=150, interval=2))
    assert (only(rig).verdict, only(rig).interval) == (V.INTERVAL, 2 * S)
    rig.give(packet("v2", priority=150))
    assert only(rig).verdict is V.OK


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "ROUTERS_REMEMBERED", 10)
    rig = backup()
    for number in range(1, 40):
        rig.give(advert(source=f"10.0.1.{number}", priority=150))
    assert [one.router for one in rig.router.heard()] == [f"10.0.1.{number}" for number in range(30, 40)]
