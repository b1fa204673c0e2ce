"""Our own packets before another judge: every kind of advert that a Router sends is read by tshark without complaint.

The frames come out of a Router, whole; only the Ethernet header is put in front here. One run of tshark judges
them all.
"""

from __future__ import annotations

import ipaddress
import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Authentication, Instance, UnicastPeer
from tests.scenarios.build import config, instance
from tests.scenarios.rig import OWN4, OWN6, Rig

pytestmark = pytest.mark.programs("tshark")

COUNTS = (1, 2, 20, 200)
AUTHENTICATIONS = {
    "none": Authentication(),
    "pass": Authentication(kind="pass", key=b"secret\0\0"),
    "ah": Authentication(kind="ah", key=b"secret\0\0"),
}
INTERVALS = {2: (1, 255), 3: (0.01, 40.95)}
FIELDS = (
    "_ws.expert.message",
    "eth.type",
    "ip.version",
    "ip.hdr_len",
    "ip.dsfield",
    "ip.len",
    "ip.ttl",
    "ip.proto",
    "ip.checksum.status",
    "ip.src",
    "ip.dst",
    "ipv6.version",
    "ipv6.plen",
    "ipv6.hlim",
    "ipv6.nxt",
    "ipv6.src",
    "ipv6.dst",
    "ah.next_header",
    "ah.length",
    "ah.spi",
    "ah.sequence",
    "vrrp.version",
    "vrrp.type",
    "vrrp.virt_rtr_id",
    "vrrp.prio",
    "vrrp.addr_count",
    "vrrp.checksum.status",
    "vrrp.auth_type",
    "vrrp.auth_string",
    "vrrp.adver_int",
    "vrrp.short_adver_int",
    "vrrp.reserved_mbz",
    "vrrp.ip_addr",
    "vrrp.ipv6_addr",
)


def cases() -> list[tuple[str, Instance, float]]:
    """(name, instance, interval in seconds): everything that may be configured together."""
    found = []
    for version, family in ((2, 4), (3, 4), (3, 6)):
        for auth in AUTHENTICATIONS if version == 2 else ("none",):
            for count in COUNTS:
                for unicast in (False, True):
                    for interval in INTERVALS[version]:
                        name = f"v{version} ipv{family} {auth} {count} {'unicast' if unicast else 'group'} {interval} s"
                        found.append((name, case(version, family, auth, count, interval, unicast=unicast), interval))
    return found


def case(version: int, family: int, auth: str, count: int, interval: float, *, unicast: bool) -> Instance:
    if family == 4:
        addresses = [f"10.0.{number // 250}.{number % 250 + 20}/24" for number in range(count)]
    else:
        addresses = ["fe80::50/64", *(f"fd00::{number + 0x50:x}/64" for number in range(count - 1))]
    more: dict[str, Any] = {}
    if unicast:
        more = {"unicast": True, "unicast_peers": (UnicastPeer(address="10.0.0.2" if family == 4 else "fe80::2"),)}
    return instance(
        vrid=200,
        priority=117,
        address=" ".join(addresses),
        version=version,
        authentication=AUTHENTICATIONS[auth],
        advert_interval=round(interval * NS_PER_S),
        **more,
    )


def spoken(one: Instance) -> list[m.SendAdvert]:
    """The first three adverts of its life as master, and its farewell."""
    rig = Rig(config(one))
    rig.become_master()
    rig.pass_time(2 * one.advert_interval)
    rig.give(m.StopRouter())
    sent = [each for each in rig.outputs if isinstance(each, m.SendAdvert)]
    return sent[:3] + sent[-1:]


def frame(sent: m.SendAdvert) -> bytes:
    """The packet as it is on the wire: over IPv6 the kernel writes the header that SendAdvert asks for."""
    if sent.family == 4:
        return bytes.fromhex("01005e000012") + bytes.fromhex("020000000001") + b"\x08\0" + sent.data
    ends = ipaddress.ip_address(sent.source).packed + ipaddress.ip_address(sent.destination).packed
    header = struct.pack("!IHBB", 6 << 28 | 0xC0 << 20, len(sent.data), 112, sent.ttl)
    return bytes.fromhex("333300000012") + bytes.fromhex("020000000001") + b"\x86\xdd" + header + ends + sent.data


def judged(path: Path, frames: list[bytes]) -> list[dict[str, list[str]]]:
    """What tshark reads in them, its complaints included."""
    pcap = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, octets in enumerate(frames):
        pcap += struct.pack("<IIII", number, 0, len(octets), len(octets)) + octets
    path.write_bytes(pcap)
    argv = ["tshark", "-n", "-r", str(path), "-T", "json", "-o", "ip.check_checksum:TRUE"]
    for field in FIELDS:
        argv += ["-e", field]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


CASES = cases()


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[m.SendAdvert, dict[str, list[str]]]]]:
    """tshark's reading of the four adverts of each case."""
    said = {name: spoken(one) for name, one, _ in CASES}
    flat = [(name, sent) for name, some in said.items() for sent in some]
    read = judged(tmp_path_factory.mktemp("tshark") / "own.pcap", [frame(sent) for _, sent in flat])
    assert len(read) == len(flat)
    found: dict[str, list[tuple[m.SendAdvert, dict[str, list[str]]]]] = {name: [] for name in said}
    for (name, sent), fields in zip(flat, read, strict=True):
        found[name].append((sent, fields))
    return found


@pytest.mark.parametrize(("name", "one", "interval"), CASES, ids=[name for name, _, _ in CASES])
def test_tshark_reads_what_is_configured_and_has_no_complaint(
    verdicts: dict[str, list[tuple[m.SendAdvert, dict[str, list[str]]]]], name: str, one: Instance, interval: float
) -> None:
    """V3-5.1.2.4-01."""
    four = verdicts[name]
    assert len(four) == 4
    destination = one.unicast_peers[0].address if one.unicast else one.group_address
    for position, (sent, read) in enumerate(four):
        expected = {
            "vrrp.version": [str(one.version)],
            "vrrp.type": ["1"],
            "vrrp.virt_rtr_id": ["200"],
            "vrrp.prio": ["117" if position < 3 else "0"],
            "vrrp.addr_count": [str(len(one.addresses))],
            "vrrp.checksum.status": ["1"],
        }
        if one.family == 4:
            ah = one.authentication.kind == "ah"
            expected |= {
                "eth.type": ["0x0800"],
                "ip.version": ["4"],
                "ip.hdr_len": ["20"],
                "ip.dsfield": ["0xc0"],
                "ip.len": [str(len(sent.data))],
                "ip.ttl": ["255"],
                "ip.proto": ["51" if ah else "112"],
                "ip.checksum.status": ["1"],
                "ip.src": [OWN4],
                "ip.dst": [destination],
                "vrrp.ip_addr": [each.address for each in one.addresses],
            }
            if ah:
                expected |= {
                    "ah.next_header": ["112"],
                    "ah.length": ["4"],
                    "ah.spi": [f"0x{ipaddress.ip_address(OWN4).packed.hex()}"],
                    "ah.sequence": [str(int(four[0][1]["ah.sequence"][0]) + position)],
                }
        else:
            expected |= {
                "eth.type": ["0x86dd"],
                "ip.version": ["6"],
                "ipv6.version": ["6"],
                "ipv6.plen": [str(len(sent.data))],
                "ipv6.hlim": ["255"],
                "ipv6.nxt": ["112"],
                "ipv6.src": [OWN6],
                "ipv6.dst": [destination],
                "vrrp.ipv6_addr": [each.address for each in one.addresses],
            }
        if one.version == 2:
            kinds = {"": "0", "none": "0", "pass": "1", "ah": "2"}
            expected |= {"vrrp.adver_int": [str(round(interval))], "vrrp.auth_type": [kinds[one.authentication.kind]]}
            if one.authentication.kind == "pass":
                expected["vrrp.auth_string"] = ["secret"]
        else:
            expected |= {"vrrp.short_adver_int": [str(round(interval * 100))], "vrrp.reserved_mbz": ["0"]}
        assert read == expected
