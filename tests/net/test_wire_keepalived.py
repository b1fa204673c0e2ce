"""keepalived's packets, captured, read by our decoder and by tshark: the same fields."""

from __future__ import annotations

import ipaddress
import json
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from engine.protocol.packet import PSEUDO, Advert, checksum_dialect, decode, parse_ah, parse_ipv4
from hatui.lab import Lab, start_keepalived, wait_for

pytestmark = [pytest.mark.net, pytest.mark.programs("keepalived", "tshark", "tcpdump")]
SOURCE6 = "fe80::22"
HEADER = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 50\npriority 255\n"
AUTH = "version 2\nadvert_int 1\nauthentication {{\nauth_type {}\nauth_pass secret\n}}"
SPEECHES = {
    "v2": "version 2\nadvert_int 2",
    "v2 pass": AUTH.format("PASS"),
    "v2 ah": AUTH.format("AH"),
    "v3": "version 3\nadvert_int 0.25",
    "v3 unicast": "version 3\nadvert_int 0.25\nunicast_src_ip 10.211.55.22\nunicast_peer {\n10.211.55.23\n}",
    "ipv6": "version 3\nadvert_int 0.25",
}
FIELDS = (
    "vrrp.version",
    "vrrp.virt_rtr_id",
    "vrrp.prio",
    "vrrp.addr_count",
    "vrrp.auth_type",
    "vrrp.auth_string",
    "vrrp.adver_int",
    "vrrp.short_adver_int",
    "vrrp.ip_addr",
    "vrrp.ipv6_addr",
    "vrrp.checksum.status",
    "ah.sequence",
)


def addresses(family: int, count: int) -> list[str]:
    if family == 4:
        return [f"10.211.55.{number + 50}" for number in range(count)]
    return ["fe80::5032", *(f"fd00:55::{number:x}" for number in range(0x50, 0x50 + count - 1))]


def frames(path: Path) -> list[bytes]:
    """The frames of a pcap file."""
    octets = path.read_bytes()
    order = "<" if octets[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    found, at = [], 24
    while at < len(octets):
        length = struct.unpack_from(f"{order}I", octets, at + 8)[0]
        found.append(octets[at + 16 : at + 16 + length])
        at += 16 + length
    return found


def read_by_us(frame: bytes) -> dict[str, list[str]]:
    """The fields as our decoder has them, under tshark's names."""
    packet, sequence = frame[14:], ""
    if frame[12:14] == b"\x08\0":
        envelope = parse_ipv4(packet)
        source, destination, message = envelope.source, envelope.destination, envelope.payload
        if envelope.protocol == 51:
            sequence, message = str(parse_ah(message).sequence), message[24:]
    else:
        source, destination = packet[8:24], packet[24:40]
        message = packet[40 : 40 + int.from_bytes(packet[4:6], "big")]
    family = 4 if len(source) == 4 else 6
    advert: Advert = decode(message, family)
    four = advert.version == 2
    texts = [str(ipaddress.ip_address(one)) for one in advert.addresses]
    found = {
        "vrrp.version": str(advert.version),
        "vrrp.virt_rtr_id": str(advert.vrid),
        "vrrp.prio": str(advert.priority),
        "vrrp.addr_count": str(len(texts)),
        "vrrp.auth_type": str(advert.auth_type) if four else "",
        "vrrp.auth_string": advert.auth_data.rstrip(b"\0").decode() if advert.auth_type == 1 else "",
        "vrrp.adver_int": str(advert.interval_cs // 100) if four else "",
        "vrrp.short_adver_int": "" if four else str(advert.interval_cs),
        "vrrp.checksum.status": "1" if checksum_dialect(message, source, destination) else "0",
        "ah.sequence": sequence,
    }
    if not four:
        assert checksum_dialect(message, source, destination) == PSEUDO
    listed = {"vrrp.ip_addr" if family == 4 else "vrrp.ipv6_addr": texts}
    return {name: [value] for name, value in found.items() if value} | listed


@pytest.mark.parametrize("count", [1, 2, 20])
@pytest.mark.parametrize("speech", SPEECHES)
def test_captured_adverts_have_the_fields_that_tshark_reads(lab: Lab, speech: str, count: int) -> None:
    speaker, listener = lab.add_host("wireA", "10.211.55.22/24"), lab.add_host("wireB", "10.211.55.23/24")
    family = 6 if speech == "ipv6" else 4
    if family == 6:
        speaker.ip("addr flush dev eth0 scope link", f"addr add {SOURCE6}/64 dev eth0 nodad")
    path = listener.root / "wire.pcap"
    kinds = "ip6 proto 112" if family == 6 else "proto 112 or proto 51"
    tcpdump = listener.start(["tcpdump", "-i", "eth0", "--immediate-mode", "-U", "-n", "-w", str(path), kinds])
    wait_for(lambda: "listening" in tcpdump.output, 5, "tcpdump to listen")
    placed = "\n".join(addresses(family, count))
    run = start_keepalived(speaker, f"{HEADER}{SPEECHES[speech]}\nvirtual_ipaddress {{\n{placed}\n}}\n}}\n")
    wait_for(lambda: path.stat().st_size > 24, 8, "an advert")
    time.sleep(1.2)
    run.stop()
    time.sleep(0.2)
    tcpdump.stop()
    argv = ["tshark", "-n", "-r", str(path), "-T", "json"]
    for field in FIELDS:
        argv += ["-e", field]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    theirs: list[dict[str, Any]] = [one["_source"]["layers"] for one in json.loads(done.stdout)]
    ours = [read_by_us(frame) for frame in frames(path)]
    assert ours == theirs
    assert len(ours) >= 2
    assert {one["vrrp.prio"][0] for one in ours} == {"255", "0"}, "periodic ones and the farewell"
    listed = ours[0]["vrrp.ip_addr" if family == 4 else "vrrp.ipv6_addr"]
    assert listed == addresses(family, count)
