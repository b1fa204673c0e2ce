"""Rules about one instance: state, priority, preemption, addresses, timing, authentication, unicast.

The invariant: a rule reads what counts (the last of repeated keywords, global settings where the instance has none),
and what keepalived drops without effect is said at the word that has none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from engine.config.diagnostic import Diagnostic
from engine.config.lint_scope import InstanceView, IPAddress, Scope, address, number, seconds, unknown

SAMPLE_PASSWORDS = {
    "password", "passw0rd", "passwd", "secret", "pass", "admin", "root", "test", "keepalived", "vrrp", "k8s", "kube",
    "k8s-ha", "mypass", "changeme", "letmein", "qwerty", "somepass", "authpass", "foobar", "foo", "example", "lvs",
    "haproxy", "nginx", "openstack", "cisco", "ceshi", "abc123", "hahaha",
}  # fmt: skip
SAMPLE_VRID = 51
MOST_ADDRESSES = 20


def states(scope: Scope) -> Iterator[Diagnostic]:
    """A word other than MASTER or BACKUP. Source: keepalived.conf(5) state."""
    for view in scope.instances:
        for at in view.statement.children or ():
            if at.keyword != "state" or len(at.words) < 2 or at.name in ("MASTER", "BACKUP") or unknown(at.name):
                continue
            near = "MASTER" if at.name.upper() == "MASTER" else "BACKUP"
            yield scope.say(
                "L-STATE",
                "warning",
                at,
                f"state {at.name} is neither MASTER nor BACKUP and counts as BACKUP",
                word=1,
                fix=scope.replace(f"write {near}", at, at.words[1], near),
            )


def priorities(scope: Scope) -> Iterator[Diagnostic]:
    """Absent, and 255. Source: keepalived.conf(5) priority."""
    for view in scope.instances:
        at = view.child("priority")
        if at is None and not scope.may_be_said("priority") and view.priority is not None:
            yield scope.say(
                "L-PRIO-DEFAULT",
                "info",
                view.statement,
                f"{view.name} has no priority and runs with {view.priority}",
                word=1,
            )
        if view.priority == 255 and not _own_address(view):
            yield scope.say(
                "L-OWNER",
                "warning",
                at or view.statement,
                f"{view.name} runs with priority 255: as the owner of its addresses it always takes over at once",
                word=1,
            )


def _own_address(view: InstanceView) -> bool:
    """Its source is one of the virtual addresses: then it really is the owner."""
    sources = {address(view.value(word) or "") for word in ("mcast_src_ip", "unicast_src_ip")}
    return any(source in view.addresses for source in sources if source is not None)


def preemption(scope: Scope) -> Iterator[Diagnostic]:
    """nopreempt and preempt_delay that are dropped. Source: keepalived.conf(5) nopreempt, preempt_delay."""
    for view in scope.instances:
        nopreempt, delay, state = view.child("nopreempt"), view.child("preempt_delay"), view.child("state")
        delays = delay is not None and (seconds(delay.name) or 0) > 0
        backup = None
        if state is not None and state.name == "MASTER":
            backup = scope.replace("write state BACKUP", state, state.words[1], "BACKUP")
        if nopreempt is not None and view.priority == 255:
            what = f"{view.name}: nopreempt is ignored at priority 255"
            yield scope.say("L-NOPREEMPT", "warning", nopreempt, what, todo="Use a priority of 254 or less.")
        elif nopreempt is not None and view.state == "MASTER":
            yield scope.say(
                "L-NOPREEMPT",
                "warning",
                nopreempt,
                f"{view.name}: nopreempt is ignored, because the initial state is MASTER",
                todo="Write state BACKUP here (and on the other node): the priority decides all the same.",
                fix=backup,
            )
        if delay is None or not delays:
            continue
        if nopreempt is not None and view.nopreempt:
            yield scope.say(
                "L-NOPREEMPT",
                "warning",
                delay,
                f"{view.name}: preempt_delay is ignored beside nopreempt",
                todo="Keep the one that you mean.",
                fix=scope.remove("remove preempt_delay", delay),
            )
        elif view.state == "MASTER" and state is not None:
            yield scope.say(
                "L-NOPREEMPT",
                "warning",
                delay,
                f"{view.name}: preempt_delay is ignored, because the initial state is MASTER",
                todo="Write state BACKUP: the priority decides all the same.",
                fix=backup,
            )


def strict(scope: Scope) -> Iterator[Diagnostic]:
    """What strict mode takes away. Source: keepalived.conf(5) vrrp_strict."""
    for view in scope.instances:
        if not view.strict or view.version is None:
            continue
        lost = [word for word in ("authentication", "unicast_peer", "preempt_delay") if view.has(word)]
        own = view.child("strict_mode")
        if lost:
            what = f"{view.name}: strict mode does not go with {', '.join(lost)}"
            at = view.child(lost[0]) or view.statement
            yield scope.say("L-STRICT", "warning", at.child("auth_type") or at, what)
        if view.priority is not None and view.priority < 255 and not (view.has("accept") and view.version == 3):
            at = own or scope.setting("vrrp_strict") or view.statement
            first = next(iter(view.addresses), "its addresses")
            yield scope.say(
                "L-STRICT",
                "warning",
                at,
                f"strict mode drops all traffic to {first} itself: it does not even answer ping",
                fix=scope.remove(f"remove {at.keyword}", at) if at.keyword in ("vrrp_strict", "strict_mode") else None,
            )
            if own is None:
                break  # the one line is the cause for all


def intervals(scope: Scope) -> Iterator[Diagnostic]:
    """What an interval becomes. Source: keepalived.conf(5) advert_int."""
    for view in scope.instances:
        at = view.child("advert_int")
        value = seconds(at.name) if at is not None else None
        if at is None or value is None or view.version is None or view.priority is None:
            continue
        if view.version == 2 and value != int(value):
            used = max(1, int(value + 0.5))
            down = 3 * used + (256 - view.priority) / 256
            meant = 3 * value + (256 - view.priority) / 256 * value
            yield scope.say(
                "L-ADVINT",
                "error",
                at,
                f"advert_int {at.name} needs version 3; as version 2 it runs at {used} s, so a failover takes "
                f"{down:.1f} s, not {meant:.1f} s",
                word=1,
            )
        elif view.version == 3 and round(value * 100, 6) != int(round(value * 100, 6)):
            what = f"advert_int {at.name} is no multiple of 0.01 s and is rounded"
            yield scope.say("L-ADVINT", "warning", at, what, word=1)
        elif view.version == 3 and value > 40.95:
            what = f"advert_int {at.name} is longer than version 3 can say: 40.95 s"
            yield scope.say("L-ADVINT", "error", at, what, word=1)


def routers(scope: Scope) -> Iterator[Diagnostic]:
    """VRID 51, and an interface that is a label."""
    for view in scope.instances:
        at = view.child("virtual_router_id")
        if at is not None and number(at.name) == SAMPLE_VRID:
            yield scope.say("L-VRID-SAMPLE", "info", at, f"{view.name} has VRID 51, the sample's value", word=1)
        at = view.child("interface")
        if at is not None and ":" in at.name:
            device = at.name.partition(":")[0]
            yield scope.say(
                "L-ALIAS",
                "error",
                at,
                f"{at.name} is an address label, not an interface",
                word=1,
                fix=scope.replace(f"write {device}", at, at.words[1], device),
            )


def addresses(scope: Scope) -> Iterator[Diagnostic]:
    """None, twice, too many, without prefix, outside the source's network."""
    seen: dict[tuple[str, IPAddress], InstanceView] = {}
    for view in scope.instances:
        lines = view.lines("virtual_ipaddress")
        if not lines and not scope.may_be_said("virtual_ipaddress") and not view.has("no_virtual_ipaddress"):
            what = f"{view.name} has no virtual address"
            yield scope.say("L-NO-VIP", "warning", view.statement, what, word=1)
        if len(lines) > MOST_ADDRESSES:
            what = f"{view.name} advertises {len(lines)} addresses"
            yield scope.say("L-VIP-MANY", "info", lines[MOST_ADDRESSES], what)
        for line in (*lines, *view.lines("virtual_ipaddress_excluded")):
            one = address(line.keyword)
            device = next(
                (word.value for before, word in zip(line.words[1:], line.words[2:], strict=False)
                 if before.value == "dev"),
                view.own_interface,
            )  # fmt: skip
            if one is None or device is None or unknown(device):
                continue
            if (device, one) in seen:
                first = seen[device, one]
                where = "already" if first is view else f"in {first.name} as well"
                what = f"{one} stands {where} on {device}"
                yield scope.say("L-VIP-TWICE", "warning", line, what)
            seen.setdefault((device, one), view)
        yield from _prefixes(scope, view)
        yield from _source(scope, view)


def _prefixes(scope: Scope, view: InstanceView) -> Iterator[Diagnostic]:
    lines = [line for line in view.lines("virtual_ipaddress") if address(line.keyword) is not None]
    without = [line for line in lines if "/" not in line.keyword]
    if without:
        one = address(without[0].keyword)
        more = f" (and {len(without) - 1} more)" if len(without) > 1 else ""
        length = one.max_prefixlen if one else 32
        what = f"{without[0].keyword}{more} has no prefix length and becomes /{length}"
        yield scope.say("L-PREFIX", "info", without[0], what)
    networks = [_network(line.keyword) for line in lines]
    for line, network in zip(lines, networks, strict=True):
        if network is None or "/" not in line.keyword or network.prefixlen < network.max_prefixlen:
            continue
        for other in networks:
            if other is not None and other.prefixlen < other.max_prefixlen and network.network_address in other:
                what = f"{line.keyword} is a host address, while another one in its list is in {other}"
                yield scope.say("L-PREFIX-HOST", "info", line, what)
                break


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _source(scope: Scope, view: InstanceView) -> Iterator[Diagnostic]:
    """The source address against networks on the same interface."""
    at = view.child("mcast_src_ip") or view.child("unicast_src_ip")
    source = address(at.name) if at is not None else None
    if at is None or source is None or (source.version == 6 and source.is_link_local):
        return
    lines = view.lines("virtual_ipaddress")
    networks = [_network(line.keyword) for line in lines]
    if not networks or any(network is None for network in networks):
        return
    told = [
        network
        for network, line in zip(networks, lines, strict=True)
        if network is not None
        and network.version == source.version
        and network.prefixlen < network.max_prefixlen
        and not any(word.value == "dev" for word in line.words)
    ]
    if told and len(told) == len(networks) and not any(source in network for network in told):
        yield scope.say(
            "L-SUBNET", "warning", at, f"{at.keyword} {source} is not in {told[0]}, where the address lives", word=1
        )


def authentication(scope: Scope) -> Iterator[Diagnostic]:
    """Passwords cut, trivial, ignored; AH. Source: keepalived.conf(5) authentication."""
    for view in scope.instances:
        block = view.child("authentication")
        if block is None:
            continue
        kind, secret = block.child("auth_type"), block.child("auth_pass")
        if view.strict:
            continue  # said of strict mode
        if view.version == 3 or view.family == 6:
            yield scope.say(
                "L-AUTH-V3",
                "warning",
                kind or block,
                f"{view.name}: VRRP version 3 has no authentication, so this block is ignored",
                fix=scope.remove("remove the authentication block", block),
            )
            continue
        if kind is not None and kind.name == "AH":
            yield scope.say("L-AUTH-AH", "warning", kind, f"{view.name} authenticates by AH", word=1)
        if secret is None or len(secret.words) < 2 or unknown(secret.name):
            continue
        word = secret.words[1]
        if not secret.name:
            yield scope.say(
                "L-AUTH-V3",
                "warning",
                kind or secret,
                f"{view.name}: the password is empty, so nothing is authenticated",
                word=1,
            )
        elif len(secret.name) > 8:
            cut = None
            if not word.quoted and len(word.text) == len(word.value) and scope.as_written(secret, word):
                cut = scope.cut("keep the first 8 characters", secret, word.column + 8, word.end_column)
            yield scope.say(
                "L-AUTH-LEN",
                "warning",
                secret,
                f"the password has {len(secret.name)} characters; only the first 8 count",
                word=1,
                fix=cut,
            )
        elif _trivial(secret.name):
            yield scope.say("L-AUTH-SAMPLE", "info", secret, f"{view.name} has a password that everybody uses", word=1)


def _trivial(secret: str) -> bool:
    """In use by everybody: a sample, one character repeated, or counting digits."""
    return secret.lower() in SAMPLE_PASSWORDS or len(set(secret)) == 1 or secret in "01234567890" or secret == "1q2w3e"


def hmac(scope: Scope) -> Iterator[Diagnostic]:
    """auth_hmac. Source: keepalived.conf(5) auth_hmac."""
    for view in scope.instances:
        block = view.child("auth_hmac")
        if block is None:
            continue
        keys = [line for line in block.children or () if line.keyword == "key" and len(line.words) > 2]
        active = block.child("active_key")
        if view.has("authentication"):
            what = f"{view.name}: authentication is dropped beside auth_hmac"
            yield scope.say("L-HMAC", "warning", view.child("authentication") or block, what)
        if active is not None and not unknown(active.name) and active.name not in {line.name for line in keys}:
            yield scope.say("L-HMAC", "error", active, f"active_key {active.name} names no key of this block", word=1)
        for line in keys:
            length = _key_length(line.words[2].value)
            if length is not None and not 32 <= length <= 64:
                what = f"key {line.name} has {length} octets; 32 to 64 are needed"
                yield scope.say("L-HMAC", "error", line, what, word=2)
        window = block.child("time_window")
        value = number(window.name) if window is not None else None
        if window is not None and value is not None and not 1 <= value <= 300:
            yield scope.say("L-HMAC", "error", window, f"time_window {value} is outside 1 to 300 s", word=1)


def _key_length(text: str) -> int | None:
    """Octets of a key; None when it stands in a file or is unknown."""
    if text.startswith("file:") or unknown(text):
        return None
    return len(text[4:]) // 2 if text.startswith("hex:") else len(text.encode("utf-8", "surrogateescape"))


def unicast(scope: Scope) -> Iterator[Diagnostic]:
    """Half set up. Source: keepalived.conf(5) unicast_peer, unicast_src_ip."""
    for view in scope.instances:
        source, peers = view.child("unicast_src_ip"), view.lines("unicast_peer")
        own = address(source.name) if source is not None else None
        if source is not None and not peers and not scope.may_be_said("unicast_peer"):
            if not view.has("unicast_fault_no_peer"):
                yield scope.say(
                    "L-UNICAST",
                    "warning",
                    source,
                    f"{view.name} has unicast_src_ip but no unicast_peer, so it sends multicast",
                    todo="Add unicast_peer with the other nodes' addresses, or write mcast_src_ip.",
                )
        elif peers and source is None and not scope.may_be_said("unicast_src_ip"):
            yield scope.say(
                "L-UNICAST",
                "info",
                view.child("unicast_peer") or view.statement,
                f"{view.name} has unicast_peer but no unicast_src_ip: the interface's first address is used",
                todo="Write unicast_src_ip with the address that the other nodes list.",
            )
        for line in peers:
            if own is not None and address(line.keyword) == own:
                yield scope.say(
                    "L-UNICAST",
                    "error",
                    line,
                    f"{view.name} lists its own address {own} as a peer",
                    todo="List only the other nodes.",
                    fix=scope.remove(f"remove {own} from unicast_peer", line) if len(peers) > 1 else None,
                )


RULES = (
    states,
    priorities,
    preemption,
    strict,
    intervals,
    routers,
    addresses,
    authentication,
    hmac,
    unicast,
)
