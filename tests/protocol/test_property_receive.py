"""The order of the tests on a received advert, row by row: each fault moves its own counter and nothing else,
and of two faults the earlier one is named. Packets come from tests/scenarios/octets.py."""

from __future__ import annotations

from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Authentication, Config, UnicastPeer
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert, ip4, message
from tests.scenarios.rig import Rig, of

V = m.Verdict
PASS = Authentication(kind="pass", key=b"1111\0\0\0\0")
AH = Authentication(kind="ah", key=b"hatuikey")
ADDRESSES6 = ("fe80::50", "2001:db8::50")


def conf(kind: str, **more: Any) -> Config:
    """v2, v3, v6, pass, ah, unicast2, unicast3, strict2, strict3."""
    if kind == "v6":
        return config(instance(address="fe80::50/128 2001:db8::50/64", **more))
    if kind in ("pass", "ah"):
        return config(instance(authentication=PASS if kind == "pass" else AH, **more))
    if kind.startswith("unicast"):
        peers = (UnicastPeer(address="10.0.0.9"),)
        return config(instance(version=int(kind[-1]), unicast=True, unicast_peers=peers, source="10.0.0.1", **more))
    return config(instance(version=int(kind[-1]), strict=kind.startswith("strict"), **more))


def packet(kind: str, /, **fields: Any) -> m.DatagramReceived:
    """A good advert for `conf(kind)` of priority 200, but for `fields`."""
    base: dict[str, Any] = {"priority": 200}
    if kind == "v6":
        base.update(family=6, version=3, addresses=ADDRESSES6, source="fe80::9")
    elif kind == "pass":
        base.update(auth_type=1, password=b"1111")
    elif kind.startswith("unicast"):
        base.update(version=int(kind[-1]), destination="10.0.0.1")
    elif kind != "ah":
        base.update(version=int(kind[-1]))
    return advert(**{**base, **fields})


def judge(rig: Rig, datagram: m.DatagramReceived) -> tuple[m.Verdict, dict[str, int]]:
    """The verdict, and the counters that moved."""
    before = rig.status().counters
    found = of(m.PacketJudged, rig.give(datagram))[0]
    assert isinstance(found, m.PacketJudged)
    after = rig.status().counters
    moved = {name: getattr(after, name) - getattr(before, name) for name in m.Counters.__struct_fields__}
    return found.verdict, {name: count for name, count in moved.items() if count}


RECEIVED = {"advert_rcvd": 1}
ROWS: list[tuple[str, str, dict[str, Any], m.Verdict, dict[str, int]]] = [
    ("a good one", "v2", {}, V.OK, RECEIVED),
    ("a good one", "v3", {}, V.OK, RECEIVED),
    ("a good one", "v6", {}, V.OK, RECEIVED),
    ("a good one", "pass", {}, V.OK, RECEIVED),
    ("a good one", "unicast2", {}, V.OK, RECEIVED),
    ("a good one", "unicast3", {}, V.OK, RECEIVED),
    ("V3-7.1-06 other VRID", "v3", {"vrid": 51}, V.VRID, {}),
    ("V3-5.2.3-01 VRID 0", "v3", {"vrid": 0}, V.VRID, {}),
    ("V2-7.1-05 other VRID", "v2", {"vrid": 51}, V.VRID, {}),
    ("AU-AH-06 AH expected", "ah", {}, V.AH, {"authtype_mismatch": 1}),
    ("V3-7.1-04 count above the octets", "v3", {"count": 2}, V.LENGTH, {"packet_len_err": 1}),
    ("V2-7.1-03 count above the octets", "v2", {"count": 4}, V.LENGTH, {"packet_len_err": 1}),
    ("V3-5.2.9-01 count below the octets", "v6", {"count": 1}, V.LENGTH, {"packet_len_err": 1}),
    ("V3-5.1.1.3-02 V3-7.1-01 TTL 254", "v3", {"ttl": 254}, V.TTL, {"ip_ttl_err": 1}),
    ("V3-5.1.1.3-02 TTL 0", "v3", {"ttl": 0}, V.TTL, {"ip_ttl_err": 1}),
    ("V2-5.2.3-02 V2-7.1-01 V2-10-01 TTL 1", "v2", {"ttl": 1}, V.TTL, {"ip_ttl_err": 1}),
    ("V3-5.1.2.3-02 hop limit 64", "v6", {"ttl": 64}, V.TTL, {"ip_ttl_err": 1}),
    ("V3-5.1.2.3-02 hop limit not told", "v6", {"ttl": None}, V.TTL, {"ip_ttl_err": 1}),
    ("V3-5.1.1.3-02 unicast is not bound to 255", "unicast3", {"ttl": 64}, V.OK, RECEIVED),
    ("V3-7.1-02 v2 at v3", "v3", {"version": 2}, V.VERSION, {"vers_err": 1}),
    ("V2-7.1-02 v3 at v2", "v2", {"version": 3}, V.VERSION, {"vers_err": 1}),
    ("V2-5.3.6-01 type 3", "v2", {"auth_type": 3}, V.AUTH_TYPE_UNKNOWN, {"invalid_authtype": 1}),
    ("AU-5.3.6-02 type 254", "pass", {"auth_type": 254}, V.AUTH_TYPE_UNKNOWN, {"invalid_authtype": 1}),
    ("V2-5.3.6-02 V2-7.1-06 password at none", "v2", {"auth_type": 1}, V.AUTH_TYPE, {"authtype_mismatch": 1}),
    ("V2-5.3.6-02 none at password", "pass", {"auth_type": 0}, V.AUTH_TYPE, {"authtype_mismatch": 1}),
    ("AU-P-02 other password", "pass", {"password": b"1112"}, V.AUTH_DATA, {"auth_failure": 1}),
    ("AU-P-02 last octet", "pass", {"password": b"1111\0\0\0\1"}, V.AUTH_DATA, {"auth_failure": 1}),
    ("V2-5.3.10-02 data with type 0 is ignored", "v2", {"password": b"whatever"}, V.OK, RECEIVED),
    ("V2-7.1-13 V2-7.1-14 other interval", "v2", {"interval": 2}, V.INTERVAL, {"advert_interval_err": 1}),
    ("V2-5.3.2-01 type 2", "v2", {"kind": 2}, V.TYPE, {"invalid_type_rcvd": 1}),
    ("V3-5.2.2-01 V3-7.1-03 type 0", "v3", {"kind": 0}, V.TYPE, {"invalid_type_rcvd": 1}),
    ("V3-5.2.2-01 type 15", "v6", {"kind": 15}, V.TYPE, {"invalid_type_rcvd": 1}),
    ("V3-5.2.5-01 V3-7.1-08 no address", "v3", {"addresses": ()}, V.COUNT_ZERO, {"packet_len_err": 1}),
    ("V3-7.1-09 interval 0", "v3", {"interval": 0}, V.INTERVAL_ZERO, {"advert_interval_err": 1}),
    ("V3-7.1-09 interval 0", "v6", {"interval": 0}, V.INTERVAL_ZERO, {"advert_interval_err": 1}),
    ("V3-7.1-05 checksum", "v3", {"checksum": 0x1234}, V.CHECKSUM, {"chk_err": 1}),
    ("V3-5.2.8-01 checksum of zero is no licence", "v3", {"checksum": 0}, V.CHECKSUM, {"chk_err": 1}),
    ("V2-7.1-04 checksum", "v2", {"checksum": 0x1234}, V.CHECKSUM, {"chk_err": 1}),
    ("V3-5.2.8-01 IPv6 without pseudo-header", "v6", {"pseudo": False}, V.CHECKSUM, {"chk_err": 1}),
    (
        "V3-5.2.8-02 V3O-5.2.8-01 KA-01 IPv4 without pseudo-header is accepted and counted",
        "v3",
        {"pseudo": False},
        V.OK,
        {"advert_rcvd": 1, "chk_other_dialect": 1},
    ),
    (
        "KA-17 multicast at a unicast instance",
        "unicast3",
        {"destination": "224.0.0.18"},
        V.DESTINATION,
        {"dest_err": 1},
    ),
    ("unicast at a multicast instance", "v3", {"destination": "10.0.0.1"}, V.DESTINATION, {"dest_err": 1}),
    ("another group", "v2", {"destination": "224.0.0.200"}, V.DESTINATION, {"dest_err": 1}),
    (
        "V2-7.1-12 strict: other list below 255",
        "strict2",
        {"addresses": ("10.0.0.51",)},
        V.ADDRESS_LIST,
        {"addr_list_err": 1},
    ),
    (
        "V2-7.1-12 V2-7.1-10 strict: other list from the owner",
        "strict2",
        {"addresses": ("10.0.0.51",), "priority": 255},
        V.OK,
        {"advert_rcvd": 1, "addr_list_err": 1},
    ),
    (
        "V3-7.1-15 V3-7.1-16 V2-7.1-11 other list is kept",
        "v2",
        {"addresses": ("10.0.0.51",)},
        V.OK,
        {"advert_rcvd": 1, "addr_list_err": 1},
    ),
    (
        "V3-7.1-16 other list is kept",
        "v3",
        {"addresses": ("10.0.0.50", "10.0.0.51")},
        V.OK,
        {"advert_rcvd": 1, "addr_list_err": 1},
    ),
    ("V3-7.1-15 order does not matter", "v6", {"addresses": ADDRESSES6[::-1]}, V.OK, RECEIVED),
    (
        "V3-7.1-14 other interval is kept and counted",
        "v3",
        {"interval": 300},
        V.OK,
        {"advert_rcvd": 1, "advert_interval_err": 1},
    ),
    ("V3-5.2.6-02 reserved bits are ignored", "v3", {"reserved": 15}, V.OK, RECEIVED),
    ("own address", "v2", {"source": "10.0.0.1"}, V.OWN, {"own_rcvd": 1}),
    ("priority 0", "v2", {"priority": 0}, V.OK, {"advert_rcvd": 1, "pri_zero_rcvd": 1}),
]


@pytest.mark.parametrize(("what", "kind", "fields", "verdict", "moved"), ROWS, ids=[f"{r[1]} {r[0]}" for r in ROWS])
def test_one_fault_one_counter(
    what: str, kind: str, fields: dict[str, Any], verdict: m.Verdict, moved: dict[str, int]
) -> None:
    """P6, V3-7.1-11, V2-7.1-07: and the timer stays where it was, unless the advert is good."""
    rig = Rig(conf(kind))
    rig.pass_time(NS_PER_S // 10)
    before = rig.status()
    assert judge(rig, packet(kind, **fields)) == (verdict, moved)
    after = rig.status()
    assert after.state is m.State.BACKUP
    assert (after.deadline != before.deadline) is (verdict is V.OK)


ORDER: list[tuple[str, list[tuple[dict[str, Any], m.Verdict]]]] = [
    (
        "pass",
        [
            ({"vrid": 9}, V.VRID),
            ({"count": 3}, V.LENGTH),
            ({"ttl": 3}, V.TTL),
            ({"auth_type": 77}, V.AUTH_TYPE_UNKNOWN),
            ({"password": b"2222"}, V.AUTH_DATA),
            ({"interval": 9}, V.INTERVAL),
            ({"kind": 3}, V.TYPE),
            ({"checksum": 1}, V.CHECKSUM),
            ({"destination": "224.0.0.7"}, V.DESTINATION),
        ],
    ),
    (
        "v3",
        [
            ({"vrid": 9}, V.VRID),
            ({"count": 3}, V.LENGTH),
            ({"ttl": 3}, V.TTL),
            ({"kind": 3}, V.TYPE),
            ({"interval": 0}, V.INTERVAL_ZERO),
            ({"checksum": 1}, V.CHECKSUM),
            ({"destination": "224.0.0.7"}, V.DESTINATION),
        ],
    ),
]


@pytest.mark.parametrize(("kind", "faults"), ORDER, ids=[kind for kind, _ in ORDER])
def test_of_several_faults_the_first_in_order_is_named(
    kind: str, faults: list[tuple[dict[str, Any], m.Verdict]]
) -> None:
    """AU-P-03, V3-7.1-11: a packet with all faults from number N on is refused for fault N."""
    for number in range(len(faults)):
        fields: dict[str, Any] = {}
        for fault, _ in faults[number:]:
            fields.update(fault)
        rig = Rig(conf(kind))
        assert judge(rig, packet(kind, **fields))[0] is faults[number][1]


@pytest.mark.parametrize("nibble", [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("version", [2, 3])
def test_unknown_versions_are_refused(version: int, nibble: int) -> None:
    """V3-7.1-02, V2-7.1-02: whatever else the packet says."""
    rig = Rig(conf(f"v{version}"))
    octets = bytearray(message(version=version, priority=200))
    octets[0] = nibble << 4 | 1
    verdict, moved = judge(rig, m.DatagramReceived(interface="eth0", family=4, data=ip4(bytes(octets))))
    assert verdict in (V.VERSION, V.LENGTH)
    assert set(moved) <= {"vers_err", "packet_len_err"}


def test_right_vrid_on_the_wrong_interface() -> None:
    """V3-7.1-06, V2-7.1-05."""
    rig = Rig(conf("v3"))
    assert judge(rig, packet("v3", interface="eth1")) == (V.VRID, {})


def test_family_of_the_envelope_decides() -> None:
    """V3-5.2.9-03, V3-1-01, P13: an IPv6 advert never reaches an IPv4 instance."""
    rig = Rig(conf("v3"))
    assert judge(rig, packet("v6")) == (V.VRID, {})


def test_ip_options_are_honoured() -> None:
    """V3-5.1.1.4-01: the message begins where IHL says."""
    rig = Rig(conf("v3"))
    data = ip4(message(version=3, priority=200), options=b"\x94\x04\0\0")
    assert judge(rig, m.DatagramReceived(interface="eth0", family=4, data=data)) == (V.OK, RECEIVED)


@pytest.mark.parametrize("version", [2, 3])
def test_ethernet_padding_is_no_part_of_the_message(version: int) -> None:
    """KA-19, M15: what lies behind the IP total length is forgotten, be it zero or not."""
    rig = Rig(conf(f"v{version}"))
    for padding in (bytes(6), b"\xaa" * 6):
        data = ip4(message(version=version, priority=200)) + padding
        assert judge(rig, m.DatagramReceived(interface="eth0", family=4, data=data)) == (V.OK, RECEIVED)


def test_packet_longer_than_its_addresses_is_refused() -> None:
    """KA-19: octets inside the IP total length that belong to nothing."""
    rig = Rig(conf("v3"))
    data = ip4(message(version=3, priority=200) + b"\1" * 28)
    assert judge(rig, m.DatagramReceived(interface="eth0", family=4, data=data)) == (V.LENGTH, {"packet_len_err": 1})


def test_ip_total_length_beyond_what_arrived_is_refused() -> None:
    """V3-7.1-04: test 14 of the order."""
    rig = Rig(conf("v3"))
    whole = message(version=3, priority=200)
    data = ip4(whole, total=20 + len(whole) + 4)
    verdict, moved = judge(rig, m.DatagramReceived(interface="eth0", family=4, data=data))
    assert verdict in (V.TOTAL_LENGTH, V.LENGTH)
    assert moved == {"packet_len_err": 1}


@pytest.mark.parametrize("protocol", [1, 6, 17, 111, 255])
def test_other_protocols_are_not_ours(protocol: int) -> None:
    """V3-5.1.1.4-01: no counter, no verdict on an advert."""
    rig = Rig(conf("v3"))
    data = ip4(message(version=3, priority=200), protocol=protocol)
    verdict, moved = judge(rig, m.DatagramReceived(interface="eth0", family=4, data=data))
    assert (verdict, moved) == (V.NONE, {})


def test_thousand_bad_packets_are_said_once_until_things_change() -> None:
    """V3-7.1-12, V2-7.1-08: one event per kind of fault and instance; again after a change of state."""
    rig = Rig(conf("v3"))
    bad = packet("v3", checksum=7)
    said = [one for _ in range(1000) for one in of(m.AdvertRejected, rig.give(bad))]
    assert len(said) == 1
    assert len(of(m.AdvertRejected, rig.give(packet("v3", ttl=7)))) == 1, "another kind is another line"
    rig.become_master()
    assert len(of(m.AdvertRejected, rig.give(bad))) == 1


def test_owner_that_ignores_adverts_drops_them() -> None:
    """V3-7.1-07, V3O-7.1-02: with the switch; without it the advert is elected on."""
    rig = Rig(conf("v3", priority=255, owner_ignore_adverts=True))
    rig.pass_time(NS_PER_S)
    assert judge(rig, packet("v3", priority=255)) == (V.OWNER, {})
    assert rig.status().state is m.State.MASTER
    plain = Rig(conf("v3", priority=255))
    plain.pass_time(NS_PER_S)
    assert judge(plain, packet("v3", priority=255))[0] is V.OK


def test_unicast_sender_must_be_a_peer_where_asked_for() -> None:
    """keepalived.conf(5) check_unicast_src: otherwise any sender is believed."""
    asked = Rig(conf("unicast3", check_unicast_source=True))
    assert judge(asked, packet("unicast3", source="10.0.0.66"))[0] is V.SOURCE
    assert judge(asked, packet("unicast3"))[0] is V.OK
    plain = Rig(conf("unicast3"))
    assert judge(plain, packet("unicast3", source="10.0.0.66"))[0] is V.OK


def test_unicast_ttl_bounds() -> None:
    """keepalived.conf(5) unicast_peer min_ttl max_ttl."""
    peers = (UnicastPeer(address="10.0.0.9", min_ttl=60, max_ttl=70),)
    rig = Rig(
        config(instance(version=3, unicast=True, unicast_peers=peers, source="10.0.0.1", check_unicast_source=True))
    )
    assert judge(rig, packet("unicast3", ttl=64))[0] is V.OK
    assert judge(rig, packet("unicast3", ttl=59)) == (V.TTL, {"ip_ttl_err": 1})
    assert judge(rig, packet("unicast3", ttl=71)) == (V.TTL, {"ip_ttl_err": 1})


def test_nothing_is_judged_as_an_advert_while_not_running() -> None:
    """V3-6.4.1-06, M20: in FAULT and INIT; no counter, no event."""
    rig = Rig(config(instance(version=3, scripts=(("s", 0),))))
    assert rig.status().state is m.State.INIT
    assert judge(rig, packet("v3")) == (V.NOT_RUNNING, {})
    rig.give(m.ScriptFinished(name="s", exit_status=1))
    assert rig.status().state is m.State.FAULT
    assert judge(rig, packet("v3")) == (V.NOT_RUNNING, {})


def test_skip_check_adv_addr_spares_the_known_master_only() -> None:
    """keepalived.conf(5) skip_check_adv_addr: in BACKUP, for adverts from the master already known."""
    rig = Rig(conf("strict2", skip_check_adv_addr=True))
    other: dict[str, Any] = {"addresses": ("10.0.0.51",)}
    assert judge(rig, packet("strict2", **other))[0] is V.ADDRESS_LIST
    assert judge(rig, packet("strict2"))[0] is V.OK
    assert judge(rig, packet("strict2", **other))[0] is V.OK
