"""What an instance sends: whole packets, one per destination, always the present values."""

from __future__ import annotations

import ipaddress

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, UnicastPeer
from engine.protocol.packet import PLAIN, PSEUDO, checksum_dialect, decode, internet_sum
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert, ip4, message
from tests.scenarios.rig import OWN4, OWN6, Rig, interface

S = NS_PER_S
PEERS = (UnicastPeer(address="10.0.0.8"), UnicastPeer(address="10.0.0.9"))


def sent(rig: Rig) -> list[m.SendAdvert]:
    return [one for one in rig.outputs if isinstance(one, m.SendAdvert)]


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def test_identification_counts_from_one_and_header_stays_right() -> None:
    """KA-03 3.1"""
    rig = Rig(config(instance(version=3, advert_interval=10_000_000)))
    rig.become_master()
    rig.pass_time(2 * S)
    packets = [one.data for one in sent(rig)]
    assert [int.from_bytes(data[4:6], "big") for data in packets] == list(range(1, len(packets) + 1))
    assert len(packets) > 200
    for data in packets:
        assert internet_sum(data[:20]) == 0xFFFF
        assert data[:2] == b"\x45\xc0"
        assert data[6:10] == b"\0\0\xff\x70"


def test_identification_never_becomes_zero() -> None:
    """KA-03"""
    rig = Rig(config(instance(version=3, advert_interval=10_000_000)))
    rig.become_master()
    rig.pass_time(656 * S)
    numbers = [int.from_bytes(one.data[4:6], "big") for one in sent(rig)]
    assert max(numbers) == 0xFFFF
    assert 0 not in numbers
    assert all(internet_sum(one.data[:20]) == 0xFFFF for one in sent(rig)[0xFFF0:])


@pytest.mark.parametrize("version", [2, 3])
def test_unicast_goes_to_each_peer_with_its_own_checksum(version: int) -> None:
    """Section 4: the pseudo-header's destination is the peer's address."""
    one = instance(version=version, unicast=True, unicast_peers=PEERS, unicast_ttl=64)
    rig = Rig(config(one))
    rig.become_master()
    pair = sent(rig)[:2]
    assert [one.destination for one in pair] == ["10.0.0.8", "10.0.0.9"]
    for one in pair:
        assert one.ttl == one.data[8] == 64
        assert one.data[16:20] == packed(one.destination)
        expected = PLAIN if version == 2 else PSEUDO
        assert checksum_dialect(one.data[20:], packed(OWN4), packed(one.destination)) == expected


def test_unicast_source_is_the_configured_one() -> None:
    rig = Rig(config(instance(unicast=True, unicast_peers=PEERS, source="10.0.0.77")))
    rig.become_master()
    assert sent(rig)[0].source == "10.0.0.77"
    assert sent(rig)[0].data[12:16] == packed("10.0.0.77")


def test_old_unicast_checksum_is_noticed_and_answered_in_kind() -> None:
    """Section 4: keepalived up to 1.3.6 used the group's address there."""
    rig = Rig(config(instance(version=3, unicast=True, unicast_peers=PEERS)))
    rig.become_master()
    old = message(version=3, priority=50, source="10.0.0.9", destination="224.0.0.18")
    datagram = m.DatagramReceived(interface="eth0", family=4, data=ip4(old, source="10.0.0.9", destination=OWN4))
    rig.give(datagram)
    answer = sent(rig)[-1]
    assert checksum_dialect(answer.data[20:], packed(OWN4), packed("224.0.0.18")) == PSEUDO
    refusing = Rig(config(instance(version=3, unicast=True, unicast_peers=PEERS, old_unicast_checksum="never")))
    refusing.give(datagram)
    assert refusing.status().counters.chk_err == 1


def test_forced_old_unicast_checksum() -> None:
    rig = Rig(config(instance(version=3, unicast=True, unicast_peers=PEERS, old_unicast_checksum="force")))
    rig.become_master()
    assert checksum_dialect(sent(rig)[0].data[20:], packed(OWN4), packed("224.0.0.18")) == PSEUDO


@pytest.mark.parametrize(("as_v2", "ours", "other"), [(False, PSEUDO, PLAIN), (True, PLAIN, PSEUDO)])
def test_both_v3_dialects_are_heard_the_other_one_counted(as_v2: bool, ours: str, other: str) -> None:
    """D1 V3-5.2.8-02 V3O-5.2.8-01 KA-01 M1"""
    rig = Rig(config(instance(version=3, v3_checksum_as_v2=as_v2)))
    for pseudo in (True, False):
        rig.give(advert(version=3, priority=200, pseudo=pseudo))
    assert rig.status().counters.advert_rcvd == 2
    assert rig.status().counters.chk_other_dialect == 1
    rig.give(advert(version=3, priority=200, checksum=0x1234))
    assert rig.status().counters.chk_err == 1
    rig.become_master()
    assert checksum_dialect(sent(rig)[0].data[20:], packed(OWN4), packed("224.0.0.18")) == ours != other


def test_ipv6_leaves_from_the_link_local_address_with_its_checksum() -> None:
    """V3-5.1.2.1-01 V3-5.1.2.2-01 V3-5.1.2.3-01 V3-7.2-05 V3-7.2-06"""
    rig = Rig(config(instance(address="fe80::50/64 2001:db8::50/64")))
    rig.become_master()
    one = sent(rig)[0]
    assert (one.source, one.destination, one.ttl, one.family) == (OWN6, "ff02::12", 255, 6)
    assert checksum_dialect(one.data, packed(OWN6), packed("ff02::12")) == PSEUDO
    assert decode(one.data, 6).addresses == (packed("fe80::50"), packed("2001:db8::50"))


def test_ipv6_without_link_local_waits_in_fault_until_it_appears() -> None:
    """V3-5.1.2.1-01"""
    rig = Rig(config(instance(address="fe80::50/64")))
    no_six = m.InterfaceChanged(
        interface="eth0", ifindex=2, exists=True, up=True, addresses=("10.0.0.1/24", "2001:db8::1/64", "fe80::50/64")
    )
    rig.give(no_six)
    assert rig.status().state is m.State.FAULT
    assert rig.pass_time(60 * S) == []
    rig.give(m.AddressChanged(interface="eth0", address="fe80::7", prefix=64, present=True))
    assert (rig.status().state, rig.status().source) == (m.State.BACKUP, "fe80::7")


def test_ipv6_unicast_to_global_peers_leaves_from_a_global_address() -> None:
    peer = (UnicastPeer(address="2001:db8::9"),)
    rig = Rig(config(instance(address="fe80::50/64 2001:db8::50/64", unicast=True, unicast_peers=peer)))
    rig.give(m.AddressChanged(interface="eth0", address="2001:db8::1", prefix=64, present=True))
    assert rig.status().source == "2001:db8::1"


def test_list_keeps_the_configured_order_and_excluded_ones_stay_out() -> None:
    """V3-5.2.9-04 KA-02"""
    listed = ["10.0.0.52", "10.0.0.50", "10.0.0.51"]
    excluded = instance(address="10.0.0.99/24").addresses
    rig = Rig(config(instance(address=" ".join(f"{one}/24" for one in listed), excluded_addresses=excluded)))
    rig.become_master()
    assert decode(sent(rig)[0].data[20:]).addresses == tuple(packed(one) for one in listed)
    added = next(one for one in rig.outputs if isinstance(one, m.AddAddresses))
    assert [one.address for one in added.addresses] == [*listed, "10.0.0.99"]
    assert {one.interface for one in added.addresses} == {"eth0"}


def test_link_local_address_leads_the_list_whatever_the_order() -> None:
    """V3-5.2.9-02 V3O-5.2.9-01 M26"""
    rig = Rig(config(instance(address="2001:db8::51/64 2001:db8::50/64 fe80::50/64")))
    rig.become_master()
    listed = decode(sent(rig)[0].data, 6).addresses
    assert listed == (packed("fe80::50"), packed("2001:db8::51"), packed("2001:db8::50"))


def test_own_group_address_is_used_and_demanded() -> None:
    rig = Rig(config(instance(group_address="224.0.0.99")))
    rig.give(advert(priority=200))
    assert rig.status().counters.dest_err == 1
    rig.give(advert(priority=200, destination="224.0.0.99"))
    assert rig.status().counters.advert_rcvd == 1
    rig.become_master()
    assert sent(rig)[0].destination == "224.0.0.99"


def test_source_address_lost_is_fault_with_a_farewell_from_it() -> None:
    """KA-13"""
    rig = Rig(config(instance()))
    rig.become_master()
    outputs = rig.give(m.AddressChanged(interface="eth0", address=OWN4, prefix=24, present=False))
    kinds = [type(one).__name__ for one in outputs]
    assert kinds == ["SendAdvert", "RemoveAddresses", "StateChanged"]
    changed = outputs[-1]
    assert isinstance(changed, m.StateChanged)
    assert changed.cause is m.Cause.ADDRESS_LOST
    assert "no IPv4 address" in changed.detail


def test_tracked_source_must_be_on_the_interface() -> None:
    rig = Rig(config(instance(source="10.0.0.66", track_source=True)))
    assert rig.status().faults == ("eth0 does not have the address 10.0.0.66",)
    free = Rig(config(instance(source="10.0.0.66")))
    assert free.status().state is m.State.BACKUP
    rig.give(interface())
    rig.give(m.AddressChanged(interface="eth0", address="10.0.0.66", prefix=24, present=True))
    assert rig.status().state is m.State.BACKUP


@pytest.mark.parametrize(
    "more",
    [
        {"version": 3, "address": ""},
        {"address": " ".join(f"10.1.{n // 250}.{n % 250 + 1}/24" for n in range(256))},
        {"version": 3, "advert_interval": 41 * S},
        {"vrid": 256},
    ],
)
def test_configuration_that_makes_no_advert_is_a_fault_and_breaks_nothing(more: dict[str, object]) -> None:
    """KA-18 V3-5.2.3-01"""
    rig = Rig(config(instance(**more)))
    assert rig.status().state is m.State.FAULT
    assert rig.status().faults[0].startswith("its advert cannot be sent")
    rig.pass_time(60 * S)
    assert rig.adverts == 0
