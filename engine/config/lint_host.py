"""Rules that need facts of the host on which the configuration is to run.

The invariant: nothing here looks by itself; whoever has the host passes a `Host`, and without one nothing is said.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from engine.config.diagnostic import Diagnostic
from engine.config.expand import Statement
from engine.config.lint_scope import Scope, address, unknown
from engine.config.lint_script import NOTIFY, command_of
from engine.config.syntax import Token

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Host(NamedTuple):
    """What a rule may ask about the host."""

    refuses: Callable[[str, str, str], str]
    """(program, user, group): why the program would not be run, as a sentence part; empty when it would. An empty
    user is the default account; a program without a slash is looked up."""
    insecure: Callable[[str, str, str], str]
    """The same: who else may change the program that runs as root, as a sentence part; empty otherwise."""
    account: Callable[[str, str], str]
    """(user, group): why nothing can run under these names; empty when something can."""
    interfaces: Callable[[], Container[str]]
    """The names of the interfaces that are there."""
    addresses: Callable[[str], Sequence[str]]
    """The addresses on an interface, with or without /PREFIX; empty when there is no such interface."""
    promotes: Callable[[str], bool]
    """Whether the kernel keeps secondary addresses of the interface when the primary one goes."""
    resolves: Callable[[str], bool] = bool
    """Whether a name server knows the name; asked only by a test of the configuration, as it may take its time."""


def accounts(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """script_user that does not exist. Source: keepalived.conf(5) script_user."""
    line = scope.setting("script_user")
    if line is None or unknown(line.rest):
        return
    names = [word.value for word in line.arguments[:2]] + ["", ""]
    why = host.account(names[0], names[1])
    if why and names[0]:
        yield scope.say("L-SCRIPT", "error", line, f"script_user cannot be used: {why}", word=1, exit_code=5)


def accounts_of_programs(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """Accounts that do not exist where keepalived says so when it reads. Source: keepalived.conf(5) startup_script,
    MISC_CHECK user."""
    lines = [
        (line, list(command_of(line).rest[:2]))
        for block in scope.blocks("global_defs")
        for line in block.children or ()
        if line.keyword in ("startup_script", "shutdown_script")
    ]
    lines += [
        (line, [word.value for word in line.arguments[:2]])
        for block in scope.blocks("virtual_server")
        for line in block.walk()
        if line.keyword == "user" and line.parent is not None and line.parent.keyword == "MISC_CHECK"
    ]
    for line, names in lines:
        if names and not any(map(unknown, names)) and (why := host.account(*(*names, "")[:2])):
            yield scope.say("L-SCRIPT", "error", line, f"{line.keyword} cannot be run: {why}", word=1, exit_code=5)


def mail_servers(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """A mail server whose name nobody knows. Source: keepalived.conf(5) smtp_server."""
    line = scope.setting("smtp_server")
    if line is None or not line.name or unknown(line.name) or address(line.name) is not None:
        return
    if not host.resolves(line.name):
        what = f"smtp_server {line.name} is unknown to this host"
        yield scope.say("L-MAIL-SERVER", "error", line, what, word=1, exit_code=5)


def scripts(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """Programs that would be refused. Source: keepalived.conf(5) enable_script_security."""
    default = scope.setting("script_user")
    named = [word.value for word in default.arguments[:2]] if default is not None else []
    security = scope.setting("enable_script_security") is not None
    for line, own in _programs(scope):
        command = command_of(line)
        who = [*(own or named), "", ""]
        if not command.program or unknown(line.rest) or any(map(unknown, who)):
            continue
        code = 5 if line.keyword == "script" else 0
        why = host.refuses(command.program, who[0], who[1])
        if why:
            what = f"{line.keyword} {command.program} cannot be run: {why}"
            yield scope.say("L-SCRIPT", "error", line, what, word=1, exit_code=code)
            continue
        why = host.insecure(command.program, who[0], who[1])
        if why and security:
            what = f"{line.keyword} {command.program} is refused: {why}, and it would run as root"
            yield scope.say("L-SCRIPT", "error", line, what, word=1, exit_code=code)
        elif why:
            what = f"{line.keyword} {command.program} runs as root: {why}"
            consequence = "Whoever can change the program is root. With enable_script_security it would not be run."
            yield scope.say("L-SCRIPT", "warning", line, what, word=1, why=consequence)


def _programs(scope: Scope) -> Iterator[tuple[Statement, list[str]]]:
    """(line with a command, the user and group that it names)."""
    for block in scope.blocks("vrrp_script"):
        line, user = block.child("script"), block.child("user")
        if line is not None and len(line.words) > 1:
            yield line, [word.value for word in user.arguments[:2]] if user is not None else []
    for block in scope.blocks("vrrp_instance", "vrrp_sync_group"):
        for line in block.children or ():
            if line.keyword in NOTIFY and len(line.words) > 1:
                yield line, list(command_of(line).rest[:2])


def interfaces(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """Names of interfaces that are not there. Source: keepalived.conf(5) dynamic_interfaces."""
    if scope.setting("dynamic_interfaces") is not None:
        return
    there = host.interfaces()
    made = {line.name for view in scope.instances if (line := view.child("use_vmac")) is not None}
    for at, word in _named_interfaces(scope):
        name = word.value
        if name in there or name in made or unknown(name) or ":" in name:
            continue
        yield scope.say("L-INTERFACE", "warning", at, f"there is no interface {name} on this host", word=word,
                        exit_code=5)  # fmt: skip


def _named_interfaces(scope: Scope) -> Iterator[tuple[Statement, Token]]:
    for view in scope.instances:
        at = view.child("interface")
        if at is not None and len(at.words) > 1:
            yield at, at.words[1]
        yield from ((line, line.words[0]) for line in view.lines("track_interface"))
        for block in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
            yield from _devices(view.lines(block), "dev")
        yield from _devices(view.lines("virtual_routes"), "dev", "oif")
        yield from _devices(view.lines("virtual_rules"), "iif", "oif", "dev")
    for group in scope.blocks("vrrp_sync_group"):
        for child in group.children or ():
            if child.keyword == "track_interface":
                yield from ((line, line.words[0]) for line in child.children or ())
    for keyword, words in (("static_ipaddress", ("dev",)), ("static_routes", ("dev", "oif")),
                           ("static_rules", ("iif", "oif", "dev"))):  # fmt: skip
        for top in scope.blocks(keyword):
            yield from _devices(top.children or (), *words)


def _devices(lines: Iterable[Statement], *keywords: str) -> Iterator[tuple[Statement, Token]]:
    for line in lines:
        for before, word in zip(line.words, line.words[1:], strict=False):
            if before.value in keywords:
                yield line, word


def sources(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """A source address that is not on the interface. Source: keepalived.conf(5) unicast_src_ip, track_src_ip."""
    for view in scope.instances:
        interface = view.own_interface
        at = view.child("unicast_src_ip") or view.child("mcast_src_ip")
        one = address(at.name) if at is not None else None
        if interface is None or at is None or one is None or view.has("use_vmac"):
            continue
        own = [address(text) for text in host.addresses(interface)]
        if own and one not in own and one not in view.addresses:
            what = f"{at.keyword} {one} is not on {interface}"
            consequence = "Nothing can be sent from it, so the others hear nothing from this node."
            todo = "Correct the address, or set it on the interface; track_src_ip makes its absence a FAULT."
            yield scope.say("L-UNICAST", "warning", at, what, word=1, why=consequence, todo=todo)


def secondaries(scope: Scope, host: Host) -> Iterator[Diagnostic]:
    """Addresses of two instances in one network where the host has none of its own: the first one that goes takes the
    other along. Source: keepalived.conf(5) promote_secondaries."""
    first: dict[tuple[str, Network], tuple[str, Statement]] = {}
    told: set[tuple[str, Network]] = set()
    virtual = {one for view in scope.instances for one in view.addresses}
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
            own = [one for text in host.addresses(interface) if (one := address(text)) not in virtual]
            if own and not host.promotes(interface) and not any(one in network for one in own if one is not None):
                what = f"{line.keyword} and an address of {name} are alone in {network} on {interface}"
                yield scope.say("L-PROMOTE", "warning", line, what)


def _network(line: Statement) -> Network | None:
    try:
        network = ipaddress.ip_network(line.keyword, strict=False)
    except ValueError:
        return None
    return network if network.prefixlen < network.max_prefixlen else None


RULES = (accounts, accounts_of_programs, scripts, interfaces, sources, secondaries)
SLOW_RULES = (mail_servers,)
"""Those that ask other hosts."""
