"""Lines of virtual_routes and static_routes, read as `ip route` writes them.

Invariant: a line becomes a whole route or is left out with a finding; words that hatui does not carry to
the kernel are named once. Source: keepalived.conf(5) virtual_routes, static_routes; ip-route(8).
"""

from __future__ import annotations

import re
from typing import Any

from engine.config import values
from engine.config.addresses import scope
from engine.config.context import Context
from engine.config.expand import Statement
from engine.config.keywords import Keyword
from engine.config.model import NextHop, Route
from engine.config.syntax import Token

KINDS = {"unicast", "local", "broadcast", "multicast", "throw", "unreachable", "prohibit", "blackhole", "nat"}
TABLES = {"main": 254, "default": 253, "local": 255}
PROTOCOLS = {
    "redirect": 1,
    "kernel": 2,
    "boot": 3,
    "static": 4,
    "gated": 8,
    "ra": 9,
    "mrt": 10,
    "zebra": 11,
    "bird": 12,
    "dnrouted": 13,
    "xorp": 14,
    "ntk": 15,
    "dhcp": 16,
    "keepalived": 18,
    "babel": 42,
}
_OWN = PROTOCOLS["keepalived"]
_ALL = {"default", "any", "all"}
_ENCAPSULATIONS = {
    "ip": {"id", "dst", "src", "tos", "ttl", "flags"},
    "ip6": {"id", "dst", "src", "tc", "hoplimit", "flags"},
}
_LABELS = re.compile(r"[0-9]+(?:/[0-9]+)*\Z")
_LOCATOR = re.compile(r"[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){3}\Z")
_REALMS = re.compile(r"([0-9]{1,3})(?:/([0-9]{1,3}))?\Z")
_SIX_ONLY = {"expires", "pref"}
_CHOICES = {
    "features": {"ecn"},
    "ttl-propagate": {"enabled", "disabled"},
    "pref": {"low", "medium", "high"},
}
_TIMES = {"rtt", "rttvar", "rto_min"}
_METRICS = {
    "hoplimit",
    "advmss",
    "reordering",
    "window",
    "cwnd",
    "ssthresh",
    "initcwnd",
    "initrwnd",
    "quickack",
    "fastopen_no_cookie",
}
_METRIC_WORDS = {"metric", "priority", "preference"}


class Unreadable(Exception):
    """A word that makes the whole line worthless: its place and what is wrong."""

    def __init__(self, word: Token, what: str, *, exit_code: int = 5) -> None:
        super().__init__(what)
        self.word, self.what, self.exit_code = word, what, exit_code


class Words:
    """The words of a line, taken one after the other."""

    def __init__(self, statement: Statement) -> None:
        self.items = statement.words
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self.items)

    def take(self) -> Token:
        """The next word."""
        self.at += 1
        return self.items[self.at - 1]

    def value(self, owner: Token) -> Token:
        """The value of the word `owner`."""
        if not self:
            raise Unreadable(owner, f"{owner.value} has no value", exit_code=2)
        return self.take()

    def peek(self) -> str:
        """The next word, or ""."""
        return self.items[self.at].value if self else ""


def number(word: Token, low: int, high: int) -> int:
    """A number, also hexadecimal."""
    try:
        found = int(word.value, 0)
    except ValueError:
        found = -1 if low >= 0 else low - 1
    if not low <= found <= high:
        raise Unreadable(word, f"{word.value} is no number from {low} to {high}")
    return found


def named(word: Token, names: dict[str, int], high: int) -> int:
    """A name of the routing tables, or a number."""
    return names[word.value] if word.value in names else number(word, 0, high)


def an_address(word: Token) -> str:
    """An address."""
    found = values.address(word.value)
    if found is None:
        raise Unreadable(word, f"{word.value} is no address")
    return found


def route_line(context: Context, statement: Statement, *, static: bool) -> Route | None:
    """The route of one line, or None when it is left out."""
    try:
        return _Route(context, statement, static=static).read()
    except Unreadable as problem:
        context.say(
            "C-MEANING",
            statement,
            problem.word,
            exit_code=problem.exit_code,
            what=problem.what,
            consequence="keepalived leaves this route out.",
            todo="Write it as for `ip route add`.",
        )
        return None


class _Route:
    def __init__(self, context: Context, statement: Statement, *, static: bool) -> None:
        self.context, self.statement, self.static = context, statement, static
        self.path = ("static_routes",) if static else ("vrrp_instance", "virtual_routes")
        self.words = Words(statement)
        self.fields: dict[str, Any] = {}
        self.metrics: list[tuple[str, int]] = []
        self.hops: list[NextHop] = []
        self.family = 0

    def read(self) -> Route:
        first = self.statement.words[0]
        while self.words:
            self.word(self.words.take())
        if "destination" not in self.fields:
            raise Unreadable(first, "the route has no destination")
        if self.hops:
            self.fields["nexthops"] = tuple(self.hops)
        if self.metrics:
            self.fields["metrics"] = tuple(self.metrics)
        if self.fields.get("track", True) and self.fields.get("protocol", _OWN) != _OWN:
            del self.fields["protocol"]
            self.context.say(
                "C-ADJUSTED",
                self.statement,
                what="a route of another protocol cannot be tracked",
                consequence="keepalived leaves the protocol out.",
                todo="Remove protocol, or add no_track.",
            )
        if self.fields.get("track", True) and not self.fields.get("interface"):
            self.fields["track"] = False
            self.context.say(
                "C-ADJUSTED",
                self.statement,
                what="a route without dev cannot be tracked",
                consequence="keepalived does not notice when somebody removes it.",
                todo="Add dev INTERFACE, or no_track.",
            )
        return Route(family=self.family or 4, text=self.statement.raw.strip(), **self.fields)

    def of_family(self, word: Token, address: str) -> str:
        family = values.family(address)
        if self.family not in (0, family):
            raise Unreadable(word, f"{word.value} is of another family than the rest of the route")
        self.family = family
        return address

    def word(self, word: Token) -> None:
        name, fields = word.value, self.fields
        row = self.context.table.get(self.path, name)
        if row and row.better:
            self.context.say("C-DEPRECATED", self.statement, word, exit_code=5, keyword=name, better=row.better)
        if name in ("inet", "inet6"):
            self.family = family_word(self.context, self.statement, self.words, word, self.family)
        elif name == "type":
            raise Unreadable(word, "keepalived 2.2.7 does not know the word type here: write the type alone")
        elif name in KINDS:
            fields["kind"] = self.kind(word)
        elif name == "to":
            self.destination(self.words.value(word))
        elif name in ("via", "gw"):
            fields["via"] = self.gateway(word)
        elif name == "src":
            target = self.words.value(word)
            fields["source"] = self.of_family(target, an_address(target))
        elif name in ("dev", "oif"):
            fields["interface"] = self.words.value(word).value
        elif name == "nexthop":
            self.nexthop(word)
        elif name in ("onlink", "no_track"):
            fields["onlink" if name == "onlink" else "track"] = name == "onlink"
        elif row is None:
            self.destination(word)
        else:
            self.valued(word, row)

    def valued(self, word: Token, row: Keyword) -> None:
        """A word with a value behind it."""
        name, fields = word.value, self.fields
        if not row.effective:
            self.pass_over(word, row, fields)
            return
        target = self.words.value(word)
        locked = target.value == "lock"
        if locked:
            target = self.words.value(word)
        if name == "table":
            fields["table"] = named(target, TABLES, 2**32 - 1)
        elif name in _METRIC_WORDS:
            fields["metric"] = number(target, 0, 2**32 - 1)
        elif name == "scope":
            found = scope(target.value)
            if found is None:
                raise Unreadable(target, f"{target.value} is no scope")
            fields["scope"] = found
        elif name == "protocol":
            fields["protocol"] = named(target, PROTOCOLS, 255)
        elif name in ("tos", "dsfield"):
            fields["tos"] = number(target, 0, 255)
        elif name == "mtu":
            fields["mtu"], fields["mtu_lock"] = number(target, 0, 2**32 - 1), locked
        elif name in _TIMES:
            self.metrics.append((name, milliseconds(target)))
        elif name in _METRICS:
            self.metrics.append((name, number(target, 0, 255 if name == "hoplimit" else 2**32 - 1)))
        elif name == "track_group":
            self.context.needs_track_group(self.statement, target)
            fields["track_group"] = target.value

    def pass_over(self, word: Token, row: Keyword, fields: dict[str, Any]) -> None:
        """Keep a word that is not carried out, with its values, for who asks what was written."""
        start = self.words.at
        self.without_effect(word, row)
        said = " ".join(one.value for one in self.words.items[start : self.words.at])
        fields["unapplied"] = (*fields.get("unapplied", ()), (row.name, said))

    def without_effect(self, word: Token, row: Keyword) -> None:
        """Pass over a word that hatui does not carry, with its values; say so once."""
        if self.context.sayings.first_time("C-NO-EFFECT", ("route", row.name)):
            self.context.say(
                "C-NO-EFFECT",
                self.statement,
                keyword=f"{row.name} of a route",
                effect=f"In keepalived: {row.effect}",
            )
        name = row.name
        if name == "encap":
            self.encapsulation(word)
            return
        if name in _SIX_ONLY and self.family == 4:
            raise Unreadable(word, f"{name} is for IPv6 only")
        if not row.needed:
            return
        if name == "as":
            self.context.say(
                "C-ADJUSTED", self.statement, word, what="as is for MPLS only", consequence="keepalived ignores it.",
                todo="Remove it.",
            )  # fmt: skip
        if self.words.peek() in ("lock", "to"):
            self.words.take()
        target = self.words.value(word)
        if name == "from" and (values.network(target.value) or ("",))[0].count(":") < 2:
            raise Unreadable(target, "from takes an IPv6 network")
        if name == "realms":
            realms(target)
        elif name == "expires":
            number(target, 0, 2**32 - 1)
        elif target.value not in _CHOICES.get(name, (target.value,)):
            raise Unreadable(target, f"{target.value} is no value of {name}")

    def encapsulation(self, word: Token) -> None:
        """encap ip|ip6 PARTS, encap mpls LABELS, encap ila LOCATOR. Source: ip-route(8) encap."""
        if not self.words:
            raise Unreadable(word, "encap has no type")
        kind = self.words.take()
        parts = _ENCAPSULATIONS.get(kind.value)
        if parts is not None:
            given = set()
            while self.words.peek() in parts:
                part = self.words.take()
                self.words.value(part)
                given.add(part.value)
            if not given & {"id", "dst"}:
                raise Unreadable(kind, f"encap {kind.value} has neither id nor dst")
            return
        shape = {"mpls": _LABELS, "ila": _LOCATOR}.get(kind.value)
        if shape is None:
            raise Unreadable(kind, f"{kind.value} is no kind of encapsulation")
        if not shape.match(self.words.peek()):
            raise Unreadable(kind, f"encap {kind.value} needs {'labels' if kind.value == 'mpls' else 'a locator'}")
        self.words.take()

    def kind(self, word: Token) -> str:
        if word.value not in KINDS:
            raise Unreadable(word, f"{word.value} is no type of route")
        return word.value

    def destination(self, word: Token) -> None:
        if "destination" in self.fields:
            raise Unreadable(word, f"{word.value} is no word of a route")
        if word.value in _ALL or word.value == "default6":
            self.fields["destination"] = "default"
            if word.value == "default6":
                self.family = 6
            return
        found = values.network(word.value)
        if found is None:
            alone = values.network(word.value.partition("/")[0])
            if alone is None:
                raise Unreadable(word, f"{word.value} is no destination")
            self.context.say(
                "C-MEANING",
                self.statement,
                word,
                what=f"{word.value}: the prefix length is not in 0..{alone[1]}",
                consequence=f"keepalived uses {alone[1]}.",
                todo="Correct the prefix length.",
            )
            found = alone
        self.fields["destination"] = f"{self.of_family(word, found[0])}/{found[1]}"

    def gateway(self, word: Token) -> str:
        target = self.words.value(word)
        if target.value in ("inet", "inet6"):
            target = self.words.value(word)
        return self.of_family(target, an_address(target))

    def nexthop(self, word: Token) -> None:
        """nexthop via A dev B weight N, up to the next one."""
        fields: dict[str, Any] = {}
        while self.words and self.words.peek() != "nexthop":
            part = self.words.take()
            if part.value == "via":
                fields["via"] = self.gateway(part)
            elif part.value == "dev":
                fields["interface"] = self.words.value(part).value
            elif part.value == "weight":
                fields["weight"] = number(self.words.value(part), 1, 256)
            elif part.value == "onlink":
                fields["onlink"] = True
            elif part.value == "as":
                self.words.value(part)
                raise Unreadable(part, "as is not supported in a next hop")
            elif row := self.context.table.get((*self.path, "nexthop"), part.value):
                self.pass_over(part, row, fields)
            else:
                raise Unreadable(part, f"{part.value} is no word of a next hop")
        if not fields.keys() - {"unapplied"}:
            raise Unreadable(word, "nexthop says nothing")
        self.hops.append(NextHop(**fields))


def realms(word: Token) -> None:
    """TO or FROM/TO, numbers up to 255; names of rt_realms are not looked up."""
    match = _REALMS.match(word.value)
    if match is None or any(int(part) > 255 for part in match.groups("0")):
        raise Unreadable(word, f"{word.value} is no realm")


def family_word(context: Context, statement: Statement, words: Words, word: Token, family: int) -> int:
    """inet or inet6; keepalived 2.2.7 loses the word behind it."""
    wanted = 4 if word.value == "inet" else 6
    if family not in (0, wanted):
        raise Unreadable(word, f"{word.value} in a line of the other family")
    if words:
        lost = words.take()
        context.say("C-EXTRA", statement, lost, keyword=word.value, words=lost.value)
    return wanted


def milliseconds(word: Token) -> int:
    """A time of a route metric: bare and ms are milliseconds, s are seconds."""
    match = re.fullmatch(r"([0-9]+)(s|ms)?", word.value)
    if match is None:
        raise Unreadable(word, f"{word.value} is no time")
    return int(match[1]) * (1000 if match[2] == "s" else 1)
