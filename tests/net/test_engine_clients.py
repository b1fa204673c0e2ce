"""What clients of a real engine can do and see: edit the configuration, watch packets, order moves, look back."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
from typing import Any

import pytest

from hatui.lab import Host, Lab, start_engine, wait_for
from tests.net.engine_talk import Talk, config, events, has_address, host_of, master, status
from tests.net.entering import inside

PASS = "    authentication {\n        auth_type PASS\n        auth_pass secret99\n    }"


@pytest.fixture
def host(lab: Lab) -> Host:
    return host_of(lab)


def apply(talk: Talk, text: str, **words: Any) -> dict[str, Any]:
    return talk.ask("apply-config", reason="a test", text=text, **words)


def test_edit_is_checked_written_with_mode_kept_and_used(host: Host) -> None:
    engine = master(host, config())
    path = host.root / "engine.conf"
    path.chmod(0o604)
    with Talk(engine) as talk:
        (shown,) = talk.ask("get-config")["files"]
        assert shown["text"] == config()
        assert shown["digest"] == hashlib.sha256(config().encode()).hexdigest()
        tried = apply(talk, config(150), base=shown["digest"], dry_run=True)
        assert (tried["outcome"], path.read_text()) == ("done", config())
        assert "priority 100 -> 150" in tried["text"]
        done = apply(talk, config(150), base=shown["digest"], comment="more")
        assert done["outcome"] == "done"
        assert "priority 100 -> 150" in done["text"]
        assert path.read_text() == config(150)
        assert path.stat().st_mode & 0o777 == 0o604
        wait_for(lambda: status(engine)["priority"] == 150, 5, "the new priority")
        stale = apply(talk, config(160), base=shown["digest"])
        assert (stale["outcome"], stale["code"]) == ("refused", "E-CONFIG-CHANGED")
        broken = apply(talk, config(160).replace("priority", "priorty"))
        assert (broken["outcome"], broken["code"]) == ("refused", "E-CONFIG-BROKEN")
        assert any("engine.conf:9:5" in one for one in broken["problems"])
        assert path.read_text() == config(150)
    assert has_address(host)
    loaded = events(engine, "config-loaded")
    assert [(one["by"], one["comment"]) for one in loaded] == [("operator root", "more")]
    logged = events(engine, "command-logged")
    assert [(one["by"], one["reason"], one["outcome"]) for one in logged if one["command"].startswith("apply")] == [
        ("root", "a test", "done"),
        ("root", "a test", "done"),
        ("root", "a test", "refused"),
        ("root", "a test", "refused"),
    ]
    assert "priority" not in "".join(one["command"] for one in logged)


def test_failover_without_a_peer_is_undone_and_the_address_never_left(host: Host) -> None:
    engine = master(host, config())
    monitor = host.start(["ip", "-4", "monitor", "address"], log="monitor.log")
    with Talk(engine) as talk:
        reply = talk.ask("failover", instance="VI_1", reason="try")
        assert (reply["outcome"], reply["code"]) == ("undone", "E-NO-SUCCESSOR")
        assert talk.ask("failover", instance="VI_7")["code"] == "E-UNKNOWN-INSTANCE"
        assert talk.ask("release", instance="VI_1")["code"] == "E-NOT-HELD"
        assert talk.ask("announce-now")["outcome"] == "done"
    monitor.stop()
    assert monitor.output == ""
    assert status(engine)["state"] == "MASTER"


def test_subscriber_sees_the_transition_and_the_status_that_follows(lab: Lab, host: Host) -> None:
    engine = master(host, config(100))
    other = start_engine(host_of(lab, "b", 23), config(90))
    wait_for(lambda: status(other)["master"] == "10.211.55.22", 5, "b hears a")
    with Talk(other) as talk:
        talk.ask("subscribe", topics=["events", "status"], rate_hz=10)
        with Talk(engine) as orders:
            assert orders.ask("failover", instance="VI_1", hold_s=60)["outcome"] == "done"
        changed = talk.until(lambda one: one["type"] == "event-line" and one["event"]["type"] == "state-changed")
        assert (changed["event"]["new"], changed["event"]["cause"]) == ("MASTER", "master-resigned")
        line = talk.until(lambda one: one["type"] == "status-line" and one["status"].get("state") == "MASTER")
        assert line["mono_ns"] - changed["mono_ns"] < 1_000_000_000
    assert status(engine)["hold_kind"] == "step-down"


def advert(octets: bytes, source: str = "10.211.55.99") -> bytes:
    """An IPv4 packet of protocol 112; the kernel fills the checksum of its header."""
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0xC0, 0, 7, 0, 255, 112, 0, socket.inet_aton(source), bytes([224, 0, 0, 18])
    )
    return head + octets


def send_from(host: Host, packet: bytes) -> None:
    with inside(host.pid), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.sendto(packet, ("224.0.0.18", 0))


@pytest.mark.skipif(os.geteuid() != 0, reason="sending from another host's network needs root")
def test_packet_watcher_sees_each_frame_with_the_verdict_of_the_router(lab: Lab, host: Host) -> None:
    peer = host_of(lab, "b", 23)
    text = config(100, PASS).replace("version 3", "version 2").replace("advert_int 0.1", "advert_int 1")
    engine = start_engine(host, text)
    wait_for(lambda: has_address(host), 8, "the address")
    with Talk(engine) as talk:
        assert "packets" in talk.hello["capabilities"]
        talk.ask("subscribe", topics=["packets"])

        def packet(direction: str, kind: str = "advert") -> dict[str, Any]:
            return talk.until(
                lambda one: one["type"] == "packet-line" and (one["direction"], one["kind"]) == (direction, kind)
            )

        sent = packet("out")
        assert (sent["verdict"], sent["instance"], sent["interface"]) == ("sent", "VI_1", "eth0")
        assert b"secret99" in base64.b64decode(sent["frame"])  # we are root: operators see all
        send_from(peer, advert(b"\x21\x32\x01"))
        short = packet("in")
        assert (short["verdict"], short["instance"]) == ("length", "VI_1")
        ours = base64.b64decode(sent["frame"])[34:]
        send_from(peer, advert(ours.replace(b"secret99", b"wrong\0\0\0")))
        assert packet("in")["verdict"] == "auth-data"
        send_from(peer, advert(ours[:1] + b"\x77" + ours[2:]))
        foreign = packet("in")
        assert (foreign["verdict"], foreign["instance"]) == ("vrid", "")
        host.run(["nft", "add table ip t; add chain ip t in { type filter hook input priority 0; }"])
        host.run(["nft", "add rule ip t in ip protocol 112 drop"])
        send_from(peer, advert(ours))
        assert packet("in")["verdict"] == "unseen"
        assert talk.ask("announce-now", instance="VI_1")["outcome"] == "done"
        arp = packet("out", "arp")
        assert (arp["verdict"], arp["instance"]) == ("-", "VI_1")
    assert status(engine)["state"] == "MASTER"


def test_stop_by_command_says_farewell_to_everybody(host: Host) -> None:
    engine = master(host, config())
    with Talk(engine) as watcher, Talk(engine) as talk:
        watcher.ask("subscribe", topics=["events"])
        assert talk.ask("stop-engine")["outcome"] == "done"
        assert talk.ask("reload")["code"] == "E-STOPPING"
        watcher.until(lambda one: one["type"] == "event-line" and one["event"]["type"] == "engine-stopping")
        last = watcher.until(lambda one: one["type"] == "event-line" and one["event"]["type"] == "state-changed")
        assert (last["event"]["new"], last["event"]["cause"]) == ("INIT", "shutdown")
        farewell = watcher.until(lambda one: one["type"] == "farewell")
        assert farewell["code"] == "E-STOPPING"
    assert engine.program.wait() == 0
    assert not has_address(host)


def test_packet_watcher_sees_an_interface_that_comes_later(host: Host) -> None:
    engine = start_engine(host, config().replace("eth0", "eth7"))
    with Talk(engine) as talk:
        talk.ask("subscribe", topics=["packets"])
        host.run(["ip", "link", "add", "eth7", "type", "veth", "peer", "name", "eth8"])
        host.run(["ip", "address", "add", "10.211.55.77/24", "dev", "eth7"])
        for name in ("eth7", "eth8"):
            host.run(["ip", "link", "set", name, "up"])
        sent = talk.until(lambda one: one["type"] == "packet-line" and one["kind"] == "advert")
        assert (sent["interface"], sent["verdict"]) == ("eth7", "sent")
