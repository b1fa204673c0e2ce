"""no_accept: a filter that keeps packets to and from a virtual address away from its router.

Owns the rule that neighbour discovery always passes. The filter is laid when the configuration is, and
holds in every state: a backup has the address nowhere, so there is no instant between becoming
master and being filtered. The program nft runs beside the loop, never under it.
Source: RFC 9568 6.1 Accept_Mode; keepalived.conf(5) no_accept, nftables.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable

from engine.config.model import Config
from engine.messages import EffectFailed
from engine.vrrp.netlink import packed

_END_TIMEOUT_S = 2
_FAMILIES = (("ip", "ipv4_addr", ""), ("ip6", "ipv6_addr", "icmpv6 type { 135, 136 } accept\n"))
"""(nft's family, type of address, what passes first): 135 and 136 are neighbour solicitation and advertisement."""


def refused_addresses(config: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The IPv4 and the IPv6 addresses whose packets are not for the router itself."""
    found = {
        address.address
        for one in config.instances
        if not one.accept and not one.owner
        for address in one.addresses + one.excluded_addresses
    }
    ordered = sorted(found, key=packed)
    return tuple(one for one in ordered if ":" not in one), tuple(one for one in ordered if ":" in one)


def ruleset(table: str, addresses: tuple[Iterable[str], Iterable[str]]) -> str:
    """What nft has to read: both tables taken away, then laid for the families that have addresses."""
    parts = []
    for (family, kind, first), some in zip(_FAMILIES, addresses, strict=True):
        name = f"{family} {table}"
        parts.append(f"add table {name}\ndelete table {name}\n")
        if elements := ", ".join(some):
            hook = "{ type filter hook %s priority -1; policy accept;\n%s"
            parts += (
                f"table {name} {{\n",
                f"set refused {{ type {kind}; elements = {{ {elements} }} }}\n",
                f"chain in {hook % ('input', first)}{family} daddr @refused drop\n}}\n",
                f"chain out {hook % ('output', first)}{family} saddr @refused drop\n}}\n",
                "}\n",
            )
    return "".join(parts)


class Firewall:
    """Runs nft; `fileno` is readable when it has ended (-1 while none runs), then `finished` says how."""

    def __init__(self, program: str = "nft") -> None:
        self._program = program
        self._laid: tuple[str, tuple[tuple[str, ...], tuple[str, ...]]] = ("", ((), ()))
        self._running: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - held open for all runs
        self._pidfd = -1
        self._next = ""

    def fileno(self) -> int:
        """The descriptor of the running program, -1 for none."""
        return self._pidfd

    def configure(self, config: Config) -> list[EffectFailed]:
        """Lay the filter of a configuration, if it differs from what is laid."""
        wanted = (config.globals.use_nftables, refused_addresses(config))
        table, addresses = self._laid
        if wanted[1] == addresses and (wanted[0] == table or not any(addresses)):
            return []
        text = ruleset(*wanted)
        if table and table != wanted[0]:
            text = ruleset(table, ((), ())) + text
        self._laid = wanted
        if self._running is not None:
            self._next = text
            return []
        return self._start(text)

    def finished(self) -> list[EffectFailed]:
        """nft has ended: what went wrong; a newer filter that waits is laid now."""
        failed = self._reap()
        if self._next:
            text, self._next = self._next, ""
            failed += self._start(text)
        return failed

    def close(self) -> None:
        """Take the filter away; waits a moment for nft."""
        self._next = ""
        if self._running is not None:
            self._wait()
        table, addresses = self._laid
        if any(addresses) and not self._start(ruleset(table, ((), ()))):
            self._wait()
        self._said.close()

    def _start(self, text: str) -> list[EffectFailed]:
        self._said.seek(0)
        self._said.truncate()
        with tempfile.TemporaryFile() as rules:
            rules.write(text.encode())
            rules.seek(0)
            try:
                self._running = subprocess.Popen(
                    [self._program, "-f", "-"], stdin=rules, stdout=subprocess.DEVNULL, stderr=self._said
                )
            except OSError as error:
                return [self._failed(f"{self._program}: {error.strerror}; install the package nftables")]
        self._pidfd = os.pidfd_open(self._running.pid)
        return []

    def _wait(self) -> None:
        assert self._running is not None
        try:
            self._running.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._running.kill()
        self._reap()

    def _reap(self) -> list[EffectFailed]:
        if self._running is None:
            return []
        status = self._running.wait()
        os.close(self._pidfd)
        self._running, self._pidfd = None, -1
        if status == 0:
            return []
        self._said.seek(0)
        said = self._said.read(400).decode(errors="replace").strip().splitlines()
        return [self._failed(f"{self._program}: {said[0] if said else f'exit status {status}'}")]

    @staticmethod
    def _failed(why: str) -> EffectFailed:
        return EffectFailed("", "set-filter", f"no_accept is without effect, virtual addresses answer: {why}")
