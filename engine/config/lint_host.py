"""Rules that need facts of the host on which the configuration is to run.

The invariant: nothing here looks by itself; whoever has the host passes a `Host`, and without one nothing is said.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from engine.config.diagnostic import Diagnostic
from engine.config.expand import Statement
from engine.config.lint_scope import Scope, address, unknown
from engine.config.lint_script import NOTIFY, command_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Host(NamedTuple):
    """What a rule may ask about the host."""

    refuses: Callable[[str, str], str]
    """(program, user): why the program would not be run, as a sentence part; empty when it would. An empty user is
    the default account."""
    addresses: Callable[[str], Sequence[str]]
    """The addresses on an interface as ADDRESS/PREFIX, without virtual ones; empty when there is no such interface."""
    promotes: Callable[[str], bool]
    """Whether the kernel keeps secondary addresses of the interface when the primary one goes."""


def scripts(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """Programs that would be refused. Source: keepalived.conf(5) enable_script_security."""
    default = scope.setting("script_user")
    for line, user in _programs(scope):
        command = command_of(line)
        if not command.program.startswith("/") or unknown(command.program):
            continue
        why = host.refuses(command.program, user or (default.name if default is not None else ""))
        if why:
            what = f"{line.keyword} {command.program} cannot be run: {why}"
            yield scope.say("L-SCRIPT", "error", line, what, word=1)


def _programs(scope: Scope) -> Iterator[tuple[Statement, str]]:
    """(line with a command, the user that it names)."""
    for block in scope.blocks("vrrp_script"):
        line, user = block.child("script"), block.child("user")
        if line is not None and len(line.words) > 1:
            yield line, user.name if user is not None else ""
    for block in scope.blocks("vrrp_instance", "vrrp_sync_group"):
        for line in block.children or ():
            if line.keyword in NOTIFY and len(line.words) > 1:
                rest = command_of(line).rest
                yield line, rest[0] if rest else ""


def secondaries(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """Addresses of two instances in one network where the host has none of its own: the first one that goes takes the
    other along. Source: keepalived.conf(5) promote_secondaries."""
    first: dict[tuple[str, Network], tuple[str, Statement]] = {}
    told: set[tuple[str, Network]] = set()
    for view in scope.instances:
        interface = view.own_interface
        if interface is None or view.has("promote_secondaries"):
            continue
        for line in view.lines("virtual_ipaddress"):
            network = _network(line)
            if network is None or any(word.value == "dev" for word in line.words):
                continue
            key = (interface, network)
            name, _ = first.setdefault(key, (view.name, line))
            if name == view.name or key in told:
                continue
            told.add(key)
            own = [address(text) for text in host.addresses(interface)]
            if own and not host.promotes(interface) and not any(one in network for one in own if one is not None):
                what = f"{line.keyword} and an address of {name} are alone in {network} on {interface}"
                yield scope.say("L-PROMOTE", "warning", line, what)


def _network(line: Statement) -> Network | None:
    try:
        network = ipaddress.ip_network(line.keyword, strict=False)
    except ValueError:
        return None
    return network if network.prefixlen < network.max_prefixlen else None


RULES = (scripts, secondaries)
