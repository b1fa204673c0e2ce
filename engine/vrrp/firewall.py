"""no_accept: a filter that keeps packets to and from a virtual address away from its router.

Owns the rule that neighbour discovery always passes. The filter is laid when the configuration is, and
holds in every state: a backup has the address nowhere, so there is no instant between becoming
master and being filtered. The program nft runs beside the loop, never under it.
Source: RFC 9568 6.1 Accept_Mode; keepalived.conf(5) no_accept, nftables.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable

from engine.config.model import Config
from engine.messages import EffectFailed
from engine.vrrp.netlink import packed

_END_TIMEOUT_MS = 2000
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
        self._pid = 0
        self._pidfd = -1
        self._said = -1
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
        if self._pid:
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
        self._wait()
        table, addresses = self._laid
        if any(addresses) and not self._start(ruleset(table, ((), ()))):
            self._wait()

    def _start(self, text: str) -> list[EffectFailed]:
        rules, self._said = os.memfd_create("rules"), os.memfd_create("said")
        try:
            os.write(rules, text.encode())
            os.lseek(rules, 0, os.SEEK_SET)
            self._pid = os.posix_spawnp(
                self._program,
                [self._program, "-f", "-"],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, rules, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, self._said, 2),
                ],
                setsigdef=[signal.SIGINT, signal.SIGHUP, signal.SIGTERM],
            )
        except OSError as error:
            os.close(self._said)
            return [self._failed(f"{self._program}: {error.strerror}; install the package nftables")]
        finally:
            os.close(rules)
        self._pidfd = os.pidfd_open(self._pid)
        return []

    def _wait(self) -> None:
        if not self._pid:
            return
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(_END_TIMEOUT_MS):
            os.kill(self._pid, signal.SIGKILL)
        self._reap()

    def _reap(self) -> list[EffectFailed]:
        if not self._pid:
            return []
        _, status = os.waitpid(self._pid, 0)
        said = os.pread(self._said, 400, 0).decode(errors="replace").strip().splitlines()
        os.close(self._pidfd)
        os.close(self._said)
        self._pid, self._pidfd, self._said = 0, -1, -1
        if status == 0:
            return []
        return [self._failed(f"{self._program}: {said[0] if said else f'wait status {status}'}")]

    @staticmethod
    def _failed(why: str) -> EffectFailed:
        return EffectFailed("", "set-filter", f"no_accept is without effect, virtual addresses answer: {why}")
