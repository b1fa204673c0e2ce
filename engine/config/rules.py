"""Lines of virtual_rules and static_rules, read as `ip rule` writes them.

Invariant: a line becomes a whole rule or is left out with a finding. A rule without preference gets the
next number counted down from 16384, in the order of the file. Source: keepalived.conf(5) virtual_rules,
static_rules; ip-rule(8).
"""

from __future__ import annotations

import re
from typing import Any

from engine.config import values
from engine.config.context import Context
from engine.config.expand import Statement
from engine.config.keywords import Keyword
from engine.config.model import Rule
from engine.config.routes import TABLES, Unreadable, Words, family_word, named, number, realms
from engine.config.syntax import Token

IP_PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "vrrp": 112, "sctp": 132}
_ALL = {"all", "any", "default"}
_ACTIONS = {"nop", "blackhole", "unreachable", "prohibit"}
_NAMES = {
    "lookup": "table",
    "order": "preference",
    "priority": "preference",
    "dsfield": "tos",
    "sup_pl": "suppress_prefixlength",
    "sup_group": "suppress_ifgroup",
    "dev": "iif",
}


def rule_line(context: Context, statement: Statement, *, static: bool) -> Rule | None:
    """The rule of one line, or None when it is left out."""
    try:
        return _Rule(context, statement, static=static).read()
    except Unreadable as problem:
        context.say(
            "C-MEANING",
            statement,
            problem.word,
            exit_code=problem.exit_code,
            what=problem.what,
            consequence="keepalived leaves this rule out.",
            todo="Write it as for `ip rule add`.",
        )
        return None


class _Rule:
    def __init__(self, context: Context, statement: Statement, *, static: bool) -> None:
        self.context, self.statement = context, statement
        self.path = ("static_rules",) if static else ("vrrp_instance", "virtual_rules")
        self.words = Words(statement)
        self.fields: dict[str, Any] = {}
        self.family = 0

    def read(self) -> Rule:
        first = self.statement.words[0]
        while self.words:
            self.word(self.words.take())
        fields = self.fields
        if "action" not in fields and "table" not in fields and not fields.get("l3mdev"):
            raise Unreadable(first, "the rule has no action: no table, goto, blackhole ...")
        if "preference" not in fields:
            fields["preference"] = self.context.next_preference
            self.context.next_preference -= 1
            self.context.say(
                "C-ADJUSTED",
                self.statement,
                what=f"the rule has no preference and gets {fields['preference']}",
                consequence="Numbers count down in the order of the lines: moving a line renumbers the others.",
                todo="Add preference NUMBER.",
            )
        if fields.get("action") == "goto" and fields["goto"] <= fields["preference"]:
            raise Unreadable(first, f"goto {fields['goto']} is not behind preference {fields['preference']}")
        return Rule(family=self.family or 4, text=self.statement.raw.strip(), **fields)

    def word(self, word: Token) -> None:
        name = _NAMES.get(word.value, word.value)
        row = self.context.table.get(self.path, word.value)
        if row is None:
            raise Unreadable(word, f"{word.value} is no word of a rule")
        if name in ("inet", "inet6"):
            self.family = family_word(self.context, self.statement, self.words, word, self.family)
        elif name == "not":
            self.fields["invert"] = True
        elif name == "l3mdev":
            self.only(word)
            self.fields["l3mdev"] = True
        elif name == "no_track":
            self.fields["track"] = False
        elif name == "type":
            if not self.words:
                raise Unreadable(word, "type has no value", exit_code=2)
            kind = self.words.take()
            if kind.value not in _ACTIONS:
                raise Unreadable(kind, f"{kind.value} is no type of rule")
            self.only(kind)
            self.fields["action"] = kind.value
        elif name in _ACTIONS:
            self.only(word)
            self.fields["action"] = name
        elif not row.effective:
            self.without_effect(word, row)
        else:
            target = self.words.value(word)
            if name in ("table", "goto"):
                self.only(word)
            self.valued(name, target)

    def only(self, word: Token) -> None:
        """A rule does one thing."""
        if self.fields.keys() & {"action", "table", "l3mdev"}:
            raise Unreadable(word, f"{word.value} beside another action of the same rule")

    def valued(self, name: str, target: Token) -> None:
        fields = self.fields
        match name:
            case "from" | "to":
                fields["source" if name == "from" else "destination"] = self.selector(target)
            case "table":
                fields["table"] = named(target, TABLES, 2**32 - 1)
            case "preference":
                fields["preference"] = number(target, 0, 2**32 - 1)
            case "tos":
                fields["tos"] = number(target, 0, 255)
            case "fwmark":
                self.mark(target)
            case "suppress_prefixlength":
                fields["suppress_prefixlength"] = number(target, 0, 128)
            case "iif" | "oif":
                fields[name] = target.value
            case "uidrange" | "sport" | "dport":
                fields[name] = pair(target)
            case "protocol":
                fields["protocol"] = number(target, 0, 255)
            case "ipproto":
                fields["ipproto"] = named(target, IP_PROTOCOLS, 255)
            case "goto":
                fields["action"], fields["goto"] = "goto", number(target, 1, 2**32 - 1)
            case "track_group":
                self.context.needs_track_group(self.statement, target)
                fields["track_group"] = target.value

    def selector(self, target: Token) -> str:
        if target.value in _ALL:
            return ""
        found = values.network(target.value)
        if found is None:
            raise Unreadable(target, f"{target.value} is no prefix")
        family = values.family(found[0])
        if self.family not in (0, family):
            raise Unreadable(target, f"{target.value} is of another family than the rest of the rule")
        self.family = family
        return f"{found[0]}/{found[1]}"

    def mark(self, target: Token) -> None:
        mark, slash, mask = target.value.partition("/")
        self.fields["fwmark"] = number(
            Token("word", mark, mark, target.line, target.column, target.end_column), 0, 2**32 - 1
        )
        if slash:
            part = Token("word", mask, mask, target.line, target.column, target.end_column)
            self.fields["fwmask"] = number(part, 0, 2**32 - 1)

    def without_effect(self, word: Token, row: Keyword) -> None:
        if self.context.sayings.first_time("C-NO-EFFECT", ("rule", row.name)):
            self.context.say(
                "C-NO-EFFECT", self.statement, keyword=f"{row.name} of a rule", effect=f"In keepalived: {row.effect}"
            )
        if row.needed:
            target = self.words.value(word)
            if row.name == "realms":
                realms(target)
            elif row.name in ("suppress_ifgroup", "sup_group", "tunnel-id"):
                number(target, 0, 2**32 - 1)
            elif row.name == "track_group":
                self.context.needs_track_group(self.statement, target)


def pair(word: Token) -> tuple[int, int]:
    """FROM-TO. keepalived 2.2.7 refuses a single number."""
    match = re.fullmatch(r"([0-9]{1,10})-([0-9]{1,10})", word.value)
    if match is None or int(match[1]) > int(match[2]):
        raise Unreadable(word, f"{word.value} is no range FROM-TO")
    return int(match[1]), int(match[2])
