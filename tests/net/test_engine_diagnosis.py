"""Diagnosis of real engines: planted troubles are named, and their healthy twins are not accused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from hatui.lab import Engine, Host, Lab, start_engine, wait_for
from tests.net.engine_talk import Talk, config, has_address, host_of, master, status

SERVICE = "10.211.55.50"
LISTEN_S = 1.2


def codes(engine: Engine, listen_s: float = LISTEN_S) -> dict[str, dict[str, Any]]:
    """What the engine finds, by code."""
    with Talk(engine) as talk:
        found = talk.ask("diagnose", listen_s=listen_s)["findings"]
    return {one["code"]: one for one in found}


@contextlib.contextmanager
def dropped(host: Host, rule: str) -> Iterator[None]:
    """A host firewall."""
    host.run(["nft", f"add table inet dg; add chain inet dg in {{ type filter hook input priority 0; }}; {rule}"])
    try:
        yield
    finally:
        host.run(["nft", "delete table inet dg"])


@pytest.fixture
def pair(lab: Lab) -> tuple[Host, Engine, Host, Engine]:
    """A master of priority 150 and its backup."""
    a, b = host_of(lab, "a", 22), host_of(lab, "b", 23)
    first = master(a, config(150))
    second = start_engine(b, config(100))
    wait_for(lambda: status(second)["master"] == "10.211.55.22", 5, "the backup")
    return a, first, b, second


@pytest.mark.programs("nft")
def test_host_firewall_that_splits_the_pair_is_named_and_the_healthy_pair_is_not(
    pair: tuple[Host, Engine, Host, Engine],
) -> None:
    _a, first, b, second = pair
    assert codes(second) == {}
    assert codes(first) == {}
    with dropped(b, "add rule inet dg in meta l4proto 112 drop"):
        wait_for(lambda: status(second)["state"] == "MASTER", 5, "two masters")
        found = codes(second)
        assert "both nodes hold 10.211.55.50" in found["D-FW-IN"]["text"]
        assert "nft insert rule" in found["D-FW-IN"]["fix"]
    wait_for(lambda: status(second)["state"] == "BACKUP", 5, "one master again")
    assert "D-FW-IN" not in codes(second)


def test_foreign_cluster_and_wrong_password_are_told_apart(lab: Lab) -> None:
    v2 = (
        config(100, "    authentication {\n auth_type PASS\n auth_pass ours1234\n }")
        .replace("version 3", "version 2")
        .replace("advert_int 0.1", "advert_int 1")
    )
    engine = master(host_of(lab, "a", 22), v2)
    start_engine(host_of(lab, "b", 23), v2.replace("ours1234", "another1").replace("priority 100", "priority 50"))
    found = wait_for(lambda: (told := codes(engine, 4)).get("D-AUTH") and told, 20, "the other password")
    assert "D-VRID-CLASH" not in found
    assert "10.211.55.23" in found["D-AUTH"]["text"]
    assert "another1" not in json.dumps(found)
    start_engine(host_of(lab, "c", 24), v2.replace("ours1234", "strange1").replace(SERVICE, "10.211.55.99"))
    found = wait_for(lambda: (told := codes(engine, 4)).get("D-VRID-CLASH") and told, 20, "the foreign cluster")
    assert "10.211.55.24 for 10.211.55.99" in found["D-VRID-CLASH"]["text"]


def test_removed_and_orphaned_addresses_are_named(pair: tuple[Host, Engine, Host, Engine]) -> None:
    a, first, b, second = pair
    a.run(["ip", "address", "del", f"{SERVICE}/32", "dev", "eth0"])
    wait_for(lambda: has_address(a), 5, "the address put back")
    assert "it was put back" in codes(first, 0)["D-VIP-GONE"]["text"]
    b.run(["ip", "address", "add", f"{SERVICE}/32", "dev", "eth0"])
    found = wait_for(lambda: codes(second, 0).get("D-VIP-ORPHAN"), 8, "the orphan")
    assert "while 10.211.55.22 is MASTER" in found["text"]
    b.run(["ip", "address", "del", f"{SERVICE}/32", "dev", "eth0"])
    assert "D-VIP-ORPHAN" not in codes(second, 0)


def test_watcher_is_told_when_a_finding_comes_and_when_it_goes(pair: tuple[Host, Engine, Host, Engine]) -> None:
    _a, _first, b, second = pair
    with Talk(second, timeout_s=20) as talk:
        talk.ask("subscribe", topics=["status"])
        b.run(["ip", "address", "add", f"{SERVICE}/32", "dev", "eth0"])
        told = talk.until(lambda one: one["type"] == "status-line" and one["status"]["type"] == "finding-status")
        assert told["status"]["code"] == "D-VIP-ORPHAN"
        b.run(["ip", "address", "del", f"{SERVICE}/32", "dev", "eth0"])
        gone = talk.until(lambda one: one["type"] == "status-gone" and one["kind"] == "finding-status")
        assert gone["name"] == told["status"]["name"]


VARIANTS = {
    "D-VERSION": ("version 3", "version 2\n    advert_int 1"),
    "D-ADVINT": ("advert_int 0.1", "advert_int 0.2"),
    "D-VIP-MISMATCH": ("        10.211.55.50\n", "        10.211.55.50\n        10.211.55.51\n"),
    "D-CSUM": ("version 3", "version 3\n    v3_checksum_as_v2"),
    "D-UNICAST-CLASS": (
        "advert_int 0.1",
        "advert_int 0.1\n    unicast_src_ip 10.211.55.23\n    unicast_peer {\n        10.211.55.22\n    }",
    ),
}


def test_peer_that_is_configured_otherwise_is_named_and_one_configured_alike_is_not(lab: Lab) -> None:
    ours, theirs = host_of(lab, "a", 22), host_of(lab, "b", 23)
    engine = start_engine(ours, config(100))
    peer = start_engine(theirs, config(150))
    wait_for(lambda: status(engine)["master"] == "10.211.55.23", 5, "the peer")
    assert codes(engine, 0.8) == {}
    for code, (old, new) in VARIANTS.items():
        peer.program.stop()
        text = config(150).replace(old, new)
        if code == "D-VERSION":
            text = text.replace("    advert_int 0.1\n", "")
        assert text != config(150)
        peer = start_engine(theirs, text)
        listen_s = 2.5 if code == "D-VERSION" else 0.8  # version 2 advertises once a second
        found = wait_for(lambda: codes(engine, listen_s).get(code), 12, code)  # noqa: B023  called before the next
        assert "10.211.55.23" in found["text"], code
    peer.program.stop()
    wait_for(lambda: status(engine)["state"] == "MASTER", 8, "the master")
    equal = start_engine(theirs, config(100))
    found = wait_for(lambda: codes(equal, 0).get("D-PRIO-EQUAL"), 12, "D-PRIO-EQUAL")
    assert "10.211.55.22 has priority 100" in found["text"]
