"""Frames as rows and facts."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import Verdict
from hatui import frames
from tests.console.recording import advert, gratuitous_arp, packet

V2 = advert("10.0.0.11", 51, 150, "10.0.0.100", b"1111")
V3 = advert("10.0.0.12", 53, 150, "10.0.0.53", version=3)
LINE = packet(1, 0, V2, "VI_WEB", Verdict.AUTH_DATA)


def test_layers_and_fields_become_rows_with_their_octets() -> None:
    found = frames.rows(LINE)
    assert [row.field.name for row in found if not row.depth] == ["Ethernet", "IPv4", "VRRPv2 advertisement"]
    by_name = {row.field.name: V2[row.field.start : row.field.end] for row in found if row.layer.startswith("VRRP")}
    assert by_name["vrid"] == b"\x33"
    assert by_name["priority"] == b"\x96"
    assert by_name["address"] == bytes([10, 0, 0, 100])


def test_field_that_failed_is_marked_once_and_in_the_innermost_layer() -> None:
    assert [row.field.name for row in frames.rows(LINE) if row.failed] == ["auth data"]
    wrong = msgspec.structs.replace(LINE, verdict=Verdict.CHECKSUM)
    assert [(row.layer, row.field.name) for row in frames.rows(wrong) if row.failed] == [
        ("VRRPv2 advertisement", "checksum")
    ]
    fine = msgspec.structs.replace(LINE, verdict=Verdict.OK)
    assert not any(row.failed for row in frames.rows(fine))


def test_password_is_secret_and_stands_in_no_text() -> None:
    secret = frames.secret_octets(V2)
    assert b"".join(V2[at : at + 1] for at in sorted(secret)) == b"1111\0\0\0\0"
    assert all("1111" not in frames.text(row.field) for row in frames.rows(LINE))
    assert not frames.secret_octets(V3)


def test_facts_for_filters() -> None:
    told = frames.facts(LINE)
    assert (told["vrid"], told["prio"], told["ver"], told["adv"], told["auth"]) == (51, 150, 2, "1", "pw")
    assert told["vip"] == ("10.0.0.100",)
    arp = frames.facts(packet(2, 0, gratuitous_arp("10.0.0.100"), "VI_WEB", Verdict.NONE, kind="arp"))
    assert arp["vip"] == ("10.0.0.100",)
    assert arp["vrid"] is None


@given(st.sampled_from([V2, V3, gratuitous_arp("10.0.0.1"), b""]), st.integers(0, 60), st.binary(max_size=40))
def test_damaged_frames_are_still_shown(frame: bytes, at: int, damage: bytes) -> None:
    at = min(at, len(frame))
    for octets in (frame[:at] + damage + frame[at + len(damage) :], frame[:at]):
        line = msgspec.structs.replace(LINE, frame=octets)
        for row in frames.rows(line):
            assert row.field.start <= row.field.end <= len(octets)
        frames.facts(line)
        frames.secret_octets(octets)
