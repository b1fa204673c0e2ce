"""Octets of virtual routes and rules: from the configured line to netlink and back.

Owns the meaning of a configured route or rule as ip-route(8) and ip-rule(8) give it: the defaults of scope
and type are applied here and nowhere else. `identity` is what makes two of them the same for the
kernel, so that a notification can be matched with the line that it is about.
Source: rtnetlink(7); keepalived.conf(5) virtual_routes, virtual_rules.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable

from engine.config.model import NextHop, Route, Rule
from engine.vrrp.netlink import attribute, attributes, packed

RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWRULE, RTM_DELRULE = 24, 25, 32, 33

_ROUTE = struct.Struct("=BBBBBBBBI")
_NEXTHOP = struct.Struct("=HBBi")
_U32 = struct.Struct("=I")
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC, _RTA_METRICS, _RTA_MULTIPATH = 1, 4, 5, 6, 7, 8, 9
_RTA_TABLE, _RTA_VIA = 15, 18
_RTNH_F_ONLINK = 4
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_HOST, _SCOPE_NOWHERE = 0, 253, 254, 255
_RT_TABLE_COMPAT = 252
_KINDS = {
    "unicast": 1,
    "local": 2,
    "broadcast": 3,
    "anycast": 4,
    "multicast": 5,
    "blackhole": 6,
    "unreachable": 7,
    "prohibit": 8,
    "throw": 9,
}
_METRICS = {
    "window": 3,
    "rtt": 4,
    "rttvar": 5,
    "ssthresh": 6,
    "cwnd": 7,
    "advmss": 8,
    "reordering": 9,
    "hoplimit": 10,
    "initcwnd": 11,
    "features": 12,
    "rto_min": 13,
    "initrwnd": 14,
    "quickack": 15,
    "fastopen_no_cookie": 17,
}
_RTAX_LOCK, _RTAX_MTU = 1, 2

_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_GOTO, _FRA_PRIORITY, _FRA_FWMARK = 1, 2, 3, 4, 6, 10
_FRA_SUPPRESS_PREFIXLEN, _FRA_TABLE, _FRA_FWMASK, _FRA_OIFNAME, _FRA_L3MDEV = 14, 15, 16, 17, 19
_FRA_UID_RANGE, _FRA_PROTOCOL, _FRA_IP_PROTO, _FRA_SPORT_RANGE, _FRA_DPORT_RANGE = 20, 21, 22, 23, 24
_ACTIONS = {"lookup": 1, "goto": 2, "nop": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8}
_FIB_RULE_INVERT = 2

Index = Callable[[str], int]
"""Interface name to ifindex; raises LookupError when there is none."""
RouteIdentity = tuple[int, int, bytes, int, int, int]
"""(family, table, destination, prefix, metric, tos)"""
RuleIdentity = tuple[int, int, int, bytes, int, bytes, int]
"""(family, preference, table, source, its prefix, destination, its prefix)"""


def prefix_of(text: str, family: int) -> tuple[bytes, int]:
    """A destination or source as its octets and length; "default" and "" are everything.

    Raises:
        ValueError: it is no prefix of that family.
    """
    if text in ("", "default", "all", "any"):
        return bytes(4 if family == 4 else 16), 0
    network = ipaddress.ip_network(text, strict=False)
    if network.version != family:
        raise ValueError(f"{text} is not IPv{family}")
    return network.network_address.packed, network.prefixlen


def route_body(route: Route, index: Index, *, adding: bool) -> bytes:
    """The body of RTM_NEWROUTE or RTM_DELROUTE.

    Raises:
        LookupError: an interface is not there.
        ValueError: a value is none that the kernel knows; the text says which.
    """
    family = socket.AF_INET if route.family == 4 else socket.AF_INET6
    octets, length = prefix_of(route.destination, route.family)
    kind = _KINDS.get(route.kind)
    if kind is None:
        raise ValueError(f"{route.kind} is no type of route")
    table = route.table if route.table < 256 else _RT_TABLE_COMPAT
    flags = _RTNH_F_ONLINK if route.onlink and adding else 0
    scope = _scope(route) if adding else _SCOPE_NOWHERE if route.family == 4 else 0
    parts = [_ROUTE.pack(family, length, 0, route.tos, table, route.protocol, scope, kind, flags)]
    if length or octets.strip(b"\0"):
        parts.append(attribute(_RTA_DST, octets))
    parts.append(attribute(_RTA_TABLE, _U32.pack(route.table)))
    if route.metric:
        parts.append(attribute(_RTA_PRIORITY, _U32.pack(route.metric)))
    if not adding:
        return b"".join(parts)
    if route.nexthops:
        parts.append(attribute(_RTA_MULTIPATH, b"".join(_nexthop(one, route, index) for one in route.nexthops)))
    else:
        if route.via:
            parts.append(_gateway(route.via, route.family))
        if route.interface:
            parts.append(attribute(_RTA_OIF, _U32.pack(index(route.interface))))
    if route.source:
        parts.append(attribute(_RTA_PREFSRC, packed(route.source)))
    metrics = _metrics(route)
    if metrics:
        parts.append(attribute(_RTA_METRICS, metrics))
    return b"".join(parts)


def _scope(route: Route) -> int:
    if route.scope is not None:
        return route.scope
    if route.family == 6:
        return _SCOPE_UNIVERSE
    if route.kind == "local":
        return _SCOPE_HOST
    direct = route.kind == "unicast" and not route.via and not route.nexthops
    return _SCOPE_LINK if direct or route.kind in ("broadcast", "multicast", "anycast") else _SCOPE_UNIVERSE


def _gateway(via: str, family: int) -> bytes:
    octets = packed(via)
    if (len(octets) == 4) == (family == 4):
        return attribute(_RTA_GATEWAY, octets)
    other = socket.AF_INET if len(octets) == 4 else socket.AF_INET6
    return attribute(_RTA_VIA, struct.pack("=H", other) + octets)


def _nexthop(hop: NextHop, route: Route, index: Index) -> bytes:
    inner = _gateway(hop.via, route.family) if hop.via else b""
    flags = _RTNH_F_ONLINK if hop.onlink else 0
    ifindex = index(hop.interface) if hop.interface else 0
    return _NEXTHOP.pack(_NEXTHOP.size + len(inner), flags, max(hop.weight, 1) - 1, ifindex) + inner


def _metrics(route: Route) -> bytes:
    parts = []
    if route.mtu_lock:
        parts.append(attribute(_RTAX_LOCK, _U32.pack(1 << _RTAX_MTU)))
    if route.mtu:
        parts.append(attribute(_RTAX_MTU, _U32.pack(route.mtu)))
    for name, value in route.metrics:
        number = _METRICS.get(name)
        if number is None:
            raise ValueError(f"{name} is no metric of a route that can be set here")
        parts.append(attribute(number, _U32.pack(value)))
    return b"".join(parts)


def route_identity(route: Route) -> RouteIdentity:
    """What makes it the same route for the kernel. IPv6 without a metric means 1024."""
    octets, length = prefix_of(route.destination, route.family)
    metric = route.metric or (1024 if route.family == 6 else 0)
    return (route.family, route.table, octets, length, metric, route.tos)


def parse_route(body: memoryview) -> RouteIdentity:
    """The identity in the body of RTM_NEWROUTE or RTM_DELROUTE."""
    family, length, _, tos, table, *_ = _ROUTE.unpack_from(body)
    octets, metric = bytes(4 if family == socket.AF_INET else 16), 0
    for key, data in attributes(body, _ROUTE.size):
        if key == _RTA_DST:
            octets = bytes(data)
        elif key == _RTA_TABLE:
            (table,) = _U32.unpack_from(data)
        elif key == _RTA_PRIORITY:
            (metric,) = _U32.unpack_from(data)
    return (4 if family == socket.AF_INET else 6, table, octets, length, metric, tos)


def rule_body(rule: Rule) -> bytes:
    """The body of RTM_NEWRULE or RTM_DELRULE.

    Raises:
        ValueError: a value is none that the kernel knows; the text says which.
    """
    family = socket.AF_INET if rule.family == 4 else socket.AF_INET6
    source, source_length = prefix_of(rule.source, rule.family)
    destination, destination_length = prefix_of(rule.destination, rule.family)
    action = _ACTIONS.get(rule.action)
    if action is None:
        raise ValueError(f"{rule.action} is no action of a rule")
    table = rule.table if rule.table < 256 else _RT_TABLE_COMPAT
    flags = _FIB_RULE_INVERT if rule.invert else 0
    parts = [_ROUTE.pack(family, destination_length, source_length, rule.tos, table, 0, 0, action, flags)]
    if source_length:
        parts.append(attribute(_FRA_SRC, source))
    if destination_length:
        parts.append(attribute(_FRA_DST, destination))
    numbers = (
        (_FRA_PRIORITY, rule.preference),
        (_FRA_TABLE, rule.table),
        (_FRA_GOTO, rule.goto),
        (_FRA_FWMARK, rule.fwmark),
    )
    parts += [attribute(key, _U32.pack(value)) for key, value in numbers if value]
    if rule.fwmark and rule.fwmask != 0xFFFFFFFF:
        parts.append(attribute(_FRA_FWMASK, _U32.pack(rule.fwmask)))
    for key, name in ((_FRA_IIFNAME, rule.iif), (_FRA_OIFNAME, rule.oif)):
        if name:
            parts.append(attribute(key, name.encode() + b"\0"))
    if rule.suppress_prefixlength is not None:
        parts.append(attribute(_FRA_SUPPRESS_PREFIXLEN, _U32.pack(rule.suppress_prefixlength)))
    if rule.l3mdev:
        parts.append(attribute(_FRA_L3MDEV, b"\1"))
    if rule.uidrange is not None:
        parts.append(attribute(_FRA_UID_RANGE, struct.pack("=II", *rule.uidrange)))
    if rule.ipproto:
        parts.append(attribute(_FRA_IP_PROTO, bytes([rule.ipproto])))
    for key, ports in ((_FRA_SPORT_RANGE, rule.sport), (_FRA_DPORT_RANGE, rule.dport)):
        if ports is not None:
            parts.append(attribute(key, struct.pack("=HH", *ports)))
    parts.append(attribute(_FRA_PROTOCOL, bytes([rule.protocol])))
    return b"".join(parts)


def rule_identity(rule: Rule) -> RuleIdentity:
    """What makes it the same rule, as far as a notification tells it."""
    source = prefix_of(rule.source, rule.family)
    destination = prefix_of(rule.destination, rule.family)
    return (rule.family, rule.preference, rule.table, *source, *destination)


def parse_rule(body: memoryview) -> RuleIdentity:
    """The identity in the body of RTM_NEWRULE or RTM_DELRULE."""
    family, destination_length, source_length, _, table, *_ = _ROUTE.unpack_from(body)
    nothing = bytes(4 if family == socket.AF_INET else 16)
    source = destination = nothing
    preference = 0
    for key, data in attributes(body, _ROUTE.size):
        if key == _FRA_SRC:
            source = bytes(data)
        elif key == _FRA_DST:
            destination = bytes(data)
        elif key == _FRA_PRIORITY:
            (preference,) = _U32.unpack_from(data)
        elif key == _FRA_TABLE:
            (table,) = _U32.unpack_from(data)
    number = 4 if family == socket.AF_INET else 6
    return (number, preference, table, source, source_length, destination, destination_length)
