"""Rules that need the other node's file: what two nodes must agree in, and where they must differ.

The invariant: two instances are the same virtual router when VRID and address family are the same, whatever their
names. Passwords are compared and never shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.config.diagnostic import Diagnostic
from engine.config.expand import Statement
from engine.config.lint_scope import TRACKABLE, InstanceView, Scope, address, number, seconds
from engine.config.syntax import Token

_SIGN_ALIKE = "Write the same keys on all nodes; while they are introduced, mode receive-only, then permissive."
_BOTH = "Each ignores the other's advertisements, so both become master."


class _Check(NamedTuple):
    """A weighted check of an instance, tracked or (for the only instance) meant to be."""

    name: str
    weight: int
    reverse: bool
    line: Statement
    word: Token
    tracked: bool

    @property
    def good(self) -> int:
        """What it adds while it is good."""
        return 0 if self.weight < 0 else -self.weight if self.reverse else self.weight

    @property
    def bad(self) -> int:
        """What it adds while it fails."""
        return 0 if self.weight > 0 else -self.weight if self.reverse else self.weight


def weights(scope: Scope) -> Iterator[Diagnostic]:
    """A failing check that leaves this node above every other one. Source: keepalived.conf(5) weight."""
    for view in scope.instances:
        partners = scope.partners(view)
        if not partners or view.priority == 255 or not _weighs(view):
            continue
        for check in _checks(view):
            ours = _good(view, as_written=check.tracked)
            rivals = [(_good(other, as_written=check.tracked), other) for other in partners]
            known = [(good, other) for good, other in rivals if good is not None]
            if ours is None or len(known) < len(rivals) or check.reverse:
                continue
            best, rival = max(known, key=lambda one: one[0])
            after = _clamp(ours - check.good + check.bad)
            if ours > best and after >= best:
                yield _stays(scope, view, check, (ours, after, best), rival)


def _stays(
    scope: Scope, view: InstanceView, check: _Check, figures: tuple[int, int, int], rival: InstanceView
) -> Diagnostic:
    ours, after, best = figures
    others = ours - check.good
    enough = -(-(others - best + 10) // 10) * 10
    fits = enough < min(others, 254)
    when = f"if {check.name} fails here" if check.tracked else f"even if {check.name} were tracked, when it fails here"
    return scope.say(
        "L-WEIGHT",
        "error",
        check.line,
        f"{when}, the priority of {view.name} goes {ours} -> {after}, and {rival.scope.title} has {best}: "
        "the address stays here",
        word=check.word,
        todo=(f"Use weight -{enough}, or no" if fits else "Use no") + " weight: a failure is then FAULT.",
        fix=scope.replace(f"use weight -{enough}", check.line, check.word, f"-{enough}") if fits else None,
    )


def _checks(view: InstanceView) -> list[_Check]:
    """Its weighted checks. In a file with one instance a script that nobody tracks yet counts as well."""
    found = [
        _Check(one.name, one.weight, one.reverse, one.weight_in, one.weight_at, tracked=True)
        for one in view.tracks
        if one.weight and one.weight_at is not None and one.kind != "track_file"
    ]
    tracked = {(one.kind, one.name) for one in view.tracks}
    if len(view.scope.instances) == 1:
        for (kind, name), block in view.scope.definitions.items():
            line = block.child("weight")
            weight = number(line.name) if line is not None else None
            if line is not None and weight and (kind, name) not in tracked and kind != "track_file":
                reverse = any(word.value == "reverse" for word in line.words[2:])
                found.append(_Check(name, weight, reverse, line, line.words[1], tracked=False))
    return found


def _good(view: InstanceView, *, as_written: bool) -> int | None:
    """Its priority with all checks good; None when something is unknown. Unless `as_written`, checks that nobody
    tracks yet count too."""
    if view.priority is None or any(one.weight is None for one in view.tracks):
        return None
    if view.priority == 255:
        return 255
    return _clamp(view.priority + sum(check.good for check in _checks(view) if check.tracked or not as_written))


def _weighs(view: InstanceView) -> bool:
    """Weights count: not inside a sync group without sync_group_tracking_weight."""
    return view.sync_group is None or view.sync_group.child("sync_group_tracking_weight") is not None


def _clamp(priority: int) -> int:
    return max(1, min(254, priority))


def priorities(scope: Scope) -> Iterator[Diagnostic]:
    """Equal priorities, and MASTER on both."""
    for view in scope.instances:
        for other in scope.partners(view):
            title = other.scope.title
            if view.priority is not None and view.priority == other.priority:
                yield scope.say(
                    "L-PRIO-EQUAL",
                    "warning",
                    view.child("priority") or view.statement,
                    f"{view.name} has priority {view.priority} here and in {title}",
                    word=1,
                )
            states = [one.value("state") for one in (view, other)]
            if states == ["MASTER", "MASTER"]:
                at = view.child("state") or view.statement
                yield scope.say("L-STATE-BOTH", "info", at, f"{view.name} starts as MASTER here and in {title}", word=1)


def preemption(scope: Scope) -> Iterator[Diagnostic]:
    """nopreempt on the lower node only, and nopreempt against a weight."""
    for view in scope.instances:
        for other in scope.partners(view):
            if view.priority is None or other.priority is None:
                continue
            title = other.scope.title
            lower, higher = sorted((view, other), key=lambda one: one.priority or 0)
            if lower.priority != higher.priority and lower.nopreempt and not higher.nopreempt:
                where = f"in {title}" if lower is other else "here"
                yield scope.say(
                    "L-NOPREEMPT",
                    "warning",
                    view.child("nopreempt") or view.child("priority") or view.statement,
                    f"{view.name}: nopreempt counts only {where}, on the node with the lower priority; "
                    "the other one takes the address back all the same",
                    todo="Write state BACKUP and nopreempt on both nodes.",
                )
            checks = [one for one in view.tracks if one.kind in TRACKABLE]
            if view is higher and view is not lower and other.nopreempt and checks and all(c.weight for c in checks):
                if view.has("nopreempt") and view.nopreempt:
                    continue  # said of this file alone
                yield scope.say(
                    "L-NOPREEMPT-WEIGHT",
                    "warning",
                    checks[0].statement,
                    f"when {checks[0].name} fails here the priority drops, but {title} has nopreempt "
                    "and does not take over",
                )


def timing(scope: Scope) -> Iterator[Diagnostic]:
    """Version, interval and the number of adverts that may be missed."""
    for view in scope.instances:
        for other in scope.partners(view):
            title = other.scope.title
            if None in (view.version, other.version):
                continue
            if view.version != other.version:
                yield scope.say(
                    "L-VERSION-PEER",
                    "error",
                    view.child("version") or view.statement,
                    f"{view.name} speaks VRRP version {view.version} here and {other.version} in {title}",
                    word=1,
                )
                continue
            mine, theirs = _interval(view), _interval(other)
            if mine is not None and theirs is not None and mine != theirs:
                yield scope.say(
                    "L-ADVINT-PEER",
                    "error" if view.version == 2 else "warning",
                    view.child("advert_int") or view.statement,
                    f"{view.name} advertises every {mine:g} s here and every {theirs:g} s in {title}",
                    word=1,
                    why=_BOTH if view.version == 2 else "",
                )
            mine, theirs = _misses(view), _misses(other)
            if mine is not None and theirs is not None and mine != theirs:
                yield scope.say(
                    "L-DOWN-TIMER-PEER",
                    "warning",
                    view.child("down_timer_adverts") or scope.setting("vrrp_down_timer_adverts") or view.statement,
                    f"{view.name} waits for {mine:g} adverts here and for {theirs:g} in {title}",
                    word=1,
                )


def _interval(view: InstanceView) -> float | None:
    """Seconds between adverts as they count: whole ones in version 2."""
    child = view.child("advert_int")
    value = seconds(child.name) if child is not None else 1.0
    if value is None or view.version is None:
        return None
    return float(max(1, int(value + 0.5))) if view.version == 2 else round(value, 2)


def _misses(view: InstanceView) -> float | None:
    child = view.child("down_timer_adverts") or view.scope.setting("vrrp_down_timer_adverts")
    return seconds(child.name) if child is not None else 3.0


def authentication(scope: Scope) -> Iterator[Diagnostic]:
    """Type and password, as far as they are sent. Source: keepalived.conf(5) authentication."""
    for view in scope.instances:
        for other in scope.partners(view):
            if view.version != 2 or other.version != 2:
                continue
            mine, theirs = secret_of(view), secret_of(other)
            if mine is None or theirs is None or mine == theirs:
                continue
            at = view.child("authentication") or view.statement
            what = (
                f"{view.name} authenticates by {mine[0]} here and by {theirs[0]} in {other.scope.title}"
                if mine[0] != theirs[0]
                else f"{view.name} has another password in {other.scope.title}"
            )
            yield scope.say("L-AUTH-PEER", "error", at, what)


def secret_of(view: InstanceView) -> tuple[str, str] | None:
    """(type, the part of the password that is sent); None when unknown."""
    block = view.child("authentication")
    if block is None or view.strict:
        return "nothing", ""
    kind, secret = block.child("auth_type"), block.child("auth_pass")
    if any(one is not None and "$" in one.name for one in (kind, secret)):
        return None
    if secret is None or not secret.name:
        return "nothing", ""
    return (kind.name if kind is not None else "PASS"), secret.name[:8]


class _Signing(NamedTuple):
    """What auth_hmac says: whether it signs, with which key, and what it takes."""

    signs: bool
    demands: bool
    active: str
    keys: dict[str, bytes | None]
    """Number -> octets; None when they stand in a file or are unknown."""


def signatures(scope: Scope) -> Iterator[Diagnostic]:
    """auth_hmac: what one signs, the other must be able to check. Source: keepalived.conf(5) auth_hmac."""
    for view in scope.instances:
        for other in scope.partners(view):
            if scope.may_be_said("auth_hmac") or other.scope.may_be_said("auth_hmac"):
                continue
            mine, theirs = _signing(view), _signing(other)
            title = other.scope.title
            what = _unheard(mine, theirs, "here", f"in {title}") or _unheard(theirs, mine, f"in {title}", "here")
            if what:
                at = view.child("auth_hmac") or view.statement
                yield scope.say("L-AUTH-PEER", "error", at, f"{view.name}: {what}", todo=_SIGN_ALIKE)


def _signing(view: InstanceView) -> _Signing | None:
    block = view.child("auth_hmac")
    if block is None:
        return None
    mode, active = block.child("mode"), block.child("active_key")
    keys = {line.name: _octets(line.rest) for line in block.children or () if line.keyword == "key"}
    name = mode.name if mode is not None else "enforce"
    return _Signing(name != "receive-only", name == "enforce", active.name if active is not None else "", keys)


def _octets(rest: str) -> bytes | None:
    words = rest.split(maxsplit=1)
    if not words:
        return None
    text = words[-1].strip('"')
    if text.startswith("file:") or "$" in text:
        return None
    try:
        return bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode("utf-8", "surrogateescape")
    except ValueError:
        return None


def _unheard(sender: _Signing | None, receiver: _Signing | None, here: str, there: str) -> str:
    """Why adverts of one node are refused by the other; empty when they are not."""
    if sender is None or not sender.signs:
        refused = receiver is not None and receiver.demands
        return f"{there} it takes only signed adverts (auth_hmac), and {here} it signs none" if refused else ""
    if receiver is None:
        return f"{here} it signs its adverts (auth_hmac), and {there} there are no keys to check them"
    if not sender.active or "$" in sender.active or any("$" in number for number in receiver.keys):
        return ""
    if sender.active not in receiver.keys:
        return f"{here} it signs with key {sender.active}, which is missing {there}"
    ours, theirs = sender.keys.get(sender.active), receiver.keys[sender.active]
    differ = ours is not None and theirs is not None and ours != theirs
    return f"key {sender.active} of auth_hmac is another one {there}" if differ else ""


def unicast(scope: Scope) -> Iterator[Diagnostic]:
    """Unicast on both or neither, and each lists the other."""
    for view in scope.instances:
        mine = view.lines("unicast_peer")
        for other in scope.partners(view):
            theirs, title = other.lines("unicast_peer"), other.scope.title
            at = view.child("unicast_peer") or view.statement
            if scope.may_be_said("unicast_peer") or other.scope.may_be_said("unicast_peer"):
                continue
            if bool(mine) != bool(theirs):
                kinds = ("unicast", "multicast") if mine else ("multicast", "unicast")
                what = f"{view.name} sends {kinds[0]} here and {kinds[1]} in {title}"
                yield scope.say("L-UNICAST-PEER", "error", at, what)
            elif mine:
                yield from _not_listed(scope, view, other, at)


def _not_listed(scope: Scope, view: InstanceView, other: InstanceView, at: Statement) -> Iterator[Diagnostic]:
    for one, by, where in ((other, view, "here"), (view, other, f"in {other.scope.title}")):
        source = address(one.value("unicast_src_ip") or "")
        listed = {address(line.keyword) for line in by.lines("unicast_peer")}
        if source is not None and source not in listed and None not in listed:
            whose = "this node" if one is view else one.scope.title
            yield scope.say(
                "L-UNICAST-PEER",
                "error",
                at,
                f"{view.name}: unicast_src_ip {source} of {whose} is not in unicast_peer {where}",
            )


def addresses(scope: Scope) -> Iterator[Diagnostic]:
    """The same list of addresses under the same VRID."""
    for view in scope.instances:
        partners = scope.partners(view)
        for other in partners:
            if any("$" in line.keyword for one in (view, other) for line in one.lines("virtual_ipaddress")):
                continue
            if scope.uncertain or other.scope.uncertain or view.addresses.keys() == other.addresses.keys():
                continue
            parts = []
            for one, than, where in ((view, other, "only here"), (other, view, f"only in {other.scope.title}")):
                alone = [str(each) for each in one.addresses if each not in than.addresses]
                parts += [f"{', '.join(alone)} {where}"] if alone else []
            at = view.child("virtual_ipaddress") or view.statement
            yield scope.say("L-VIP-PEER", "warning", at, f"{view.name}: {'; '.join(parts)}")
        if not partners:
            yield from _other_vrid(scope, view)


def _other_vrid(scope: Scope, view: InstanceView) -> Iterator[Diagnostic]:
    for peer in scope.peers:
        common = next((each for each in view.addresses if each in peer.by_address), None)
        other = peer.by_address[common] if common is not None else None
        if other is not None and None not in (view.vrid, other.vrid) and view.vrid != other.vrid:
            yield scope.say(
                "L-VRID-PEER",
                "error",
                view.child("virtual_router_id") or view.statement,
                f"{common} has VRID {view.vrid} here and {other.vrid} in {peer.title}",
                word=1,
            )


RULES = (weights, priorities, preemption, timing, authentication, signatures, unicast, addresses)
