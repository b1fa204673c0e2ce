"""What a link loses, octet by octet; and whether there is another way to this host. Nothing is asked of this kernel."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest

from engine.core.drill import link, way
from engine.core.drill import rtnetlink as nl
from engine.core.takeback import boot_id
from tests.scenarios.build import config, instance

NS = 1_000_000_000
U32 = struct.Struct("=I")


def address(flags: int, preferred: int, valid: int) -> bytes:
    life = struct.pack("=4I", preferred, valid, 7, 8)
    found = [(1, b"\x20\x01" + bytes(14)), (6, life), (8, U32.pack(flags))]
    return struct.pack("=BBBBI", 10, 64, flags & 0xFF, 0, 3) + nl.packed(found)


def test_address_comes_back_with_what_is_left_of_its_life_and_without_flags_of_the_moment() -> None:
    before = time.monotonic_ns() - 100 * NS
    again = link._address_again(address(0x80 | 0x200, 300, 400), before)  # permanent, noprefixroute
    known = dict(nl.attributes(again, 8))
    assert U32.unpack(known[8]) == (0x200,)
    preferred, valid, *_ = struct.unpack("=4I", known[6])
    assert (198 <= preferred <= 200, 298 <= valid <= 300) == (True, True)
    assert link._address_again(address(0x80, 50, 90), before) == b"", "its life is over"
    assert link._address_again(address(0x01, 300, 400), before) == b"", "a temporary one is made by the kernel"
    forever = dict(nl.attributes(link._address_again(address(0x80, 2**32 - 1, 2**32 - 1), before), 8))
    assert struct.unpack("=4I", forever[6])[:2] == (2**32 - 1, 2**32 - 1)


def test_route_is_the_same_one_whatever_its_hops_are_just_now() -> None:
    def route(hop_flags: int, more: int) -> bytes:
        hops = struct.pack("=HBBi", 16, hop_flags, 0, 3) + nl.packed([(5, b"\x0a\0\0\1")])
        cache = struct.pack("=8I", 1, 2, 0, 4, 5, 6, 7, 8)
        found = [(15, U32.pack(254)), (1, b"\xc0\0\2\0"), (12, cache), (9, hops)]
        return struct.pack("=BBBBBBBBI", 2, 24, 0, 0, 254, 4, 0, 1, more) + nl.packed(found)

    assert link._route_key(route(0, 0)) == link._route_key(route(0x11, 0x100)), "dead and linkdown are of the moment"
    again = link._route_again(route(0x11, 0x11), time.monotonic_ns())
    assert again[8:12] == bytes(4)
    assert dict(nl.attributes(again, 12)).keys() == {15, 1, 9}


def test_what_is_the_engines_is_left_to_it() -> None:
    ours = link.ours_of(config(instance()))
    assert len(ours.addresses) == 1
    assert all(len(one) == 4 for one in ours.addresses)


def test_what_was_remembered_counts_only_until_the_machine_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "drills" / link.FILE
    record = link.Record(boot=boot_id(), at=1, links=(link.LinkUp(3, "eth0", up=True),), addresses=(b"\0\xff",))
    link.remember(path, record)
    assert link.remembered(path) == record
    monkeypatch.setattr(link, "boot_id", lambda: "another")
    assert link.remembered(path) is None


@pytest.mark.parametrize(
    ("stat", "words"),
    [
        ({20: "20 (hatui) S 10 1 1 0 -1", 10: "10 (bash) S 1 1 1 34816 -1"}, "is not known"),
        ({20: "20 (hatui) S 10 1 1 1025 -1", 10: "10 (tmux: server) S 1 1 1 0 -1"}, "tmux: server is used"),
        ({}, "does not run on this host"),
        ({20: "20 (a) b) S 1 1 1 1025 -1"}, ""),
    ],
    ids=["a pseudo terminal", "tmux", "another namespace", "the machine's own screen"],
)
def test_without_ssh_only_a_terminal_of_the_machine_is_a_second_path(
    stat: dict[int, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way, "PROC", tmp_path)
    for pid, text in stat.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(text)
        (tmp_path / str(pid) / "environ").write_bytes(b"A=1\0")
    found = way.second_path(20, "eth0")
    assert (found.result, found.code) == ("fail" if words else "pass", "P-SECOND-PATH")
    assert words in found.text


def test_connection_that_is_gone_is_no_second_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way, "PROC", tmp_path)
    (tmp_path / "20").mkdir()
    (tmp_path / "20" / "stat").write_text("20 (hatui) S 1 1 1 0 -1")
    for said, words in (
        ("192.0.2.1 40022 192.0.2.2 22", "is not there (any more)"),
        ("127.0.0.1 40022 127.0.0.1 22", "from this host itself"),
        ("nonsense", "not understood"),
    ):
        (tmp_path / "20" / "environ").write_bytes(f"SSH_CONNECTION={said}\0".encode())
        found = way.second_path(20, "eth0")
        assert found.result == "fail"
        assert words in found.text
