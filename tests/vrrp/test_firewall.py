"""The text that nft reads, and the program beside the loop."""

from __future__ import annotations

import select
import stat
import subprocess
from pathlib import Path
from typing import Any

from engine.config.model import Address, Config, Globals, Instance
from engine.messages import EffectFailed
from engine.vrrp.firewall import Firewall, refused_addresses, ruleset

FOUR, SIX = Address(address="10.211.55.50", prefix=32), Address(address="2001:db8::50", prefix=64)


def config(accept: bool = False, **words: Any) -> Config:
    known: dict[str, Any] = {"name": "VI_1", "interface": "eth0", "vrid": 50, "addresses": (FOUR,), "accept": accept}
    return Config(globals=Globals(use_nftables="keepalived"), instances=(Instance(**(known | words)),))


def test_only_addresses_of_no_accept_instances_that_are_not_owner_are_refused() -> None:
    assert refused_addresses(config(accept=True)) == ((), ())
    assert refused_addresses(config(priority=255)) == ((), ())
    assert refused_addresses(config(excluded_addresses=(SIX,))) == (("10.211.55.50",), ("2001:db8::50",))


def test_neighbour_discovery_passes_before_anything_is_dropped() -> None:
    """V3-6.1-09, M25."""
    lines = ruleset("keepalived", ((), ("2001:db8::50",))).splitlines()
    for chain in ("chain in", "chain out"):
        start = next(number for number, line in enumerate(lines) if line.startswith(chain))
        assert lines[start + 1] == "icmpv6 type { 135, 136 } accept"
        assert lines[start + 2].endswith("@refused drop")


def test_nothing_to_refuse_leaves_no_table() -> None:
    text = ruleset("keepalived", ((), ()))
    assert "chain" not in text
    assert text.count("delete table") == 2


def fake_nft(tmp_path: Path, body: str) -> str:
    path = tmp_path / "nft"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def ended(firewall: Firewall) -> list[EffectFailed]:
    poll = select.poll()
    poll.register(firewall.fileno(), select.POLLIN)
    assert poll.poll(5000)
    return firewall.finished()


def test_a_refusal_of_nft_is_one_sentence(tmp_path: Path) -> None:
    firewall = Firewall(fake_nft(tmp_path, "echo 'Error: Operation not permitted' >&2; exit 1"))
    assert firewall.configure(config()) == []
    (failed,) = ended(firewall)
    assert failed.reason.startswith("no_accept is without effect, virtual addresses answer:")
    assert failed.reason.endswith("nft: Error: Operation not permitted")
    firewall.close()


def test_a_missing_nft_is_one_sentence(tmp_path: Path) -> None:
    firewall = Firewall(str(tmp_path / "nowhere"))
    (failed,) = firewall.configure(config())
    assert "install the package nftables" in failed.reason
    firewall.close()


def test_an_unchanged_filter_is_not_laid_again_and_a_newer_one_waits_its_turn(tmp_path: Path) -> None:
    log = tmp_path / "log"
    firewall = Firewall(fake_nft(tmp_path, f"cat >> {log}; echo END >> {log}"))
    firewall.configure(config())
    first = firewall.fileno()
    firewall.configure(config())
    assert firewall.fileno() == first
    firewall.configure(config(addresses=(SIX,)))
    assert ended(firewall) == []
    assert ended(firewall) == []
    assert firewall.fileno() == -1
    runs = log.read_text().split("END\n")
    assert "10.211.55.50" in runs[0]
    assert "2001:db8::50" in runs[1]
    assert "10.211.55.50" not in runs[1]
    firewall.close()
    assert log.read_text().split("END\n")[2] == ruleset("keepalived", ((), ()))


def test_nothing_is_run_without_no_accept(tmp_path: Path) -> None:
    firewall = Firewall(str(tmp_path / "nowhere"))
    assert firewall.configure(config(accept=True)) == []
    firewall.close()


def test_nft_accepts_the_text() -> None:
    text = ruleset("keepalived", (("10.211.55.50", "10.211.55.51"), ("2001:db8::50",)))
    done = subprocess.run(["nft", "-c", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
