"""The arguments of a statement held against its row of the table.

Invariant: what `Checker.values` returns has the types and ranges that the row promises; None means that
keepalived leaves the line out, and a diagnostic has said so. Everything is reported through `Sayings`.
"""

from __future__ import annotations

import re
from typing import Any

from engine.config import values
from engine.config.diagnostic import Diagnostic, Fix
from engine.config.expand import Statement
from engine.config.findings import finding
from engine.config.keywords import Keyword, Path, Table, Term
from engine.config.model import NS_PER_S
from engine.config.syntax import Token

_BIT = r"I(?:[RWX](?:USR|GRP|OTH)|RWX[UGO])"
_SHAPES = {
    "umask": re.compile(
        rf"(?:0x0*1?[0-9a-fA-F]{{1,2}}|0+[0-7]{{,3}}|[1-9][0-9]?|[1-4][0-9]{{2}}|50[0-9]|51[01]|{_BIT}(?:\|{_BIT})*)\Z"
    ),
    "codes": re.compile(r"[1-5][0-9]{2}(?:-[1-5][0-9]{2})?\Z"),
    "granularity": re.compile(r"(?:[0-9]{1,3}|[0-9]+(?:\.[0-9]+){3})\Z"),
    "hex": re.compile(r"(?:[0-9A-Fa-fXx]{2} ?)+\Z"),
}
_INCLUDE_CHECKS = {"read", "readable", "match", "wildcard_match", "brace_match"}
_CUT = {"vrrp_rt_priority", "checker_rt_priority", "bfd_rt_priority"}
"""Beyond the range the limit counts."""
_BEGUN = {
    *("garp_master_delay", "garp_master_repeat", "garp_master_refresh", "garp_master_refresh_repeat"),
    *("garp_lower_prio_delay", "garp_lower_prio_repeat", "down_timer_adverts", "version", "rt_priority", "priority"),
    "smtp_connect_timeout",
}
"""Of the instance, and with vrrp_ in front of all; but `priority` only with it."""
_NO_LIMIT = {"vrrp_rlimit_rttime", "checker_rlimit_rttime", "checker_rlimit_rtime", "bfd_rlimit_rttime"}
"""A wrong value sets no limit at all."""
_DECIMALS: dict[Path, int] = {("bfd_instance",): 3}
"""Digits behind the point that a number may have, down to the microsecond; 6 where it counts seconds."""
_ZERO_IS_DEFAULT = {"vrrp_garp_interval", "vrrp_gna_interval"}
"""0 stands in the packaged sample file, and is what counts without the line."""
MAX_IFNAME = 15
"""Characters of an interface name."""
_MAX_SECONDS = "4294.967295"


class Sayings:
    """Collects the diagnostics of one reading."""

    def __init__(self) -> None:
        self.all: list[Diagnostic] = []
        self._once: set[tuple[str, object]] = set()

    def say(
        self,
        code: str,
        statement: Statement,
        word: Token | None = None,
        *,
        severity: str = "",
        exit_code: int | None = None,
        fix: Fix | None = None,
        **words: Any,
    ) -> None:
        """Report a finding at a word of a statement, by default at its keyword."""
        at = word or statement.words[0]
        self.all.append(
            finding(
                code,
                statement.file,
                statement.line,
                at.column,
                at.end_column,
                severity=severity,
                exit_code=exit_code,
                fix=fix,
                **words,
            )
        )

    def first_time(self, code: str, key: object) -> bool:
        """True the first time that it is asked with these arguments."""
        if (code, key) in self._once:
            return False
        self._once.add((code, key))
        return True


class Checker:
    """Holds statements against rows."""

    def __init__(self, sayings: Sayings, table: Table) -> None:
        self.sayings, self.table = sayings, table
        self.say = sayings.say
        self.scripts: list[Statement] = []
        """Lines with a command that is run."""
        self.given: dict[tuple[Path, str, int], Statement] = {}
        """The first line of each keyword about whose repetition keepalived complains, by its block."""

    def values(self, statement: Statement, row: Keyword) -> tuple[Any, ...] | None:
        """One value for each term: None for an optional one that is absent, a tuple for a repeated one."""
        found = self._values(statement, row)
        return None if found is not None and row.counts and self._again(statement, row) else found

    def _again(self, statement: Statement, row: Keyword) -> bool:
        """Whether keepalived passes over a line because its keyword was given before."""
        wide = row.path in ((), ("global_defs",))
        first = self.given.setdefault((row.path, row.name, 0 if wide else id(statement.parent)), statement)
        if first is statement:
            return False
        self.say(
            "C-REPEATED",
            statement,
            severity="error",
            exit_code=5,
            keyword=row.name,
            consequence=f"keepalived keeps the {row.counts}",
        )
        return row.counts == "first"

    def _values(self, statement: Statement, row: Keyword) -> tuple[Any, ...] | None:
        self._effect(statement, row)
        terms = row.arguments
        if not terms:
            self._extra(statement, row, 1)
            return ()
        if terms[0].kind in ("cmd", "cmd1", "user"):
            return self._script(statement, row, terms[0])
        given = statement.arguments
        if terms[0].kind in ("octets", "pattern") and given:
            return self._whole(statement, row, terms[0])
        found: list[Any] = []
        at = 0
        for term in terms:
            if term.kind == "words":
                if not given[at:] and term.soft:
                    self._missing(statement, row, term)
                    return None
                self._inline(statement, row, given[at:])
                found.append(given[at:])
                return tuple(found)
            if term.kind in ("extra", "checks", "cpus") and at < len(given):
                if not self._several(statement, row, term, given[at:]):
                    return None
                return (*found, tuple(word.value for word in given[at:]))
            if at >= len(given):
                if not term.optional:
                    self._missing(statement, row, term)
                    return None
                found.append(() if term.repeated else None)
                continue
            if term.repeated:
                several = [self.value(statement, row, term, word) for word in given[at:]]
                found.append(tuple(one for one in several if one is not None))
                at = len(given)
                continue
            value = self.value(statement, row, term, given[at])
            if value is None and not (term.optional and _keeps_weight(row)):
                return None
            found.append(value)
            at += 1
        self._extra(statement, row, at + 1)
        return tuple(found)

    def value(self, statement: Statement, row: Keyword, term: Term, word: Token) -> Any:
        """One word as one term; None after having reported it."""
        text = word.value
        match term.kind:
            case "int" | "port":
                return self._number(statement, row, term, word, values.integer(text or "0"), 1)
            case "dec":
                return self._number(statement, row, term, word, values.seconds(text or "0"), NS_PER_S)
            case "bool":
                return self._known(statement, row, term, word, values.boolean(text))
            case "oneof":
                return self._known(statement, row, term, word, text if text in term.choices else None)
            case "switch":
                return values.boolean(text) is not False
            case "bufs":
                known = text in ("MTU", "ADVERT") or text.isdecimal()
                return self._known(statement, row, term, word, text if known else None)
            case "umask" | "codes" | "granularity" | "hex":
                good = _SHAPES[term.kind].match(text) and (not term.high or len(text) == int(term.high))
                return self._known(statement, row, term, word, text if good else None)
            case "ifname":
                return self._known(statement, row, term, word, text if len(text) <= MAX_IFNAME else None)
            case "ip" | "ip4" | "ip6" | "mcast4" | "mcast6":
                return self._address(statement, row, term, word)
            case _:
                return text

    def _address(self, statement: Statement, row: Keyword, term: Term, word: Token) -> str | None:
        """An address; what follows it behind a / or a - keepalived does not look at."""
        plain = values.without_tail(word.value)
        found: str | None = self._known(statement, row, term, word, _address(term.kind, plain))
        if found is not None and plain != word.value:
            self.say("C-EXTRA", statement, word, keyword=row.name, words=word.value[len(plain) :])
        return found

    def _whole(self, statement: Statement, row: Keyword, term: Term) -> tuple[Any, ...] | None:
        """All words behind a keyword as one value. Several words are no pattern, and keepalived says nothing."""
        value: Any
        if term.kind == "octets":
            value = values.octets(" ".join(word.value for word in statement.arguments), wild=term.low == "x")
        else:
            text = values.line_of_command(statement.rest)
            words = values.shell_words(text)
            value = None if words is None or text.endswith("\\") else words[0] if len(words) == 1 else ""
        if value is None:
            self._wrong(statement, row, term, statement.words[1])
            return None
        return (value,)

    def _several(self, statement: Statement, row: Keyword, term: Term, given: tuple[Token, ...]) -> bool:
        """Words that stand together. False after having reported one."""
        for position, word in enumerate(given):
            text = word.value
            if term.kind == "extra" and text == "all" and position == 0 and len(given) > 1:
                continue
            if term.kind == "checks":
                good = text.lstrip("+-") in _INCLUDE_CHECKS
            else:
                number = values.integer(text)
                low, high = _bounds(term, 1)
                good = number is not None and (low or 0) <= number <= (high or 0)
            if not good:
                self._wrong(statement, row, term, word)
                return False
        return True

    def _inline(self, statement: Statement, row: Keyword, given: tuple[Token, ...]) -> None:
        """The words behind a keyword, each with its own row."""
        path = (*row.path, row.name)
        if not self.table.block(path) or self.table.head(path):
            return
        at = 0
        seen: set[str] = set()
        while at < len(given):
            word = given[at]
            at += 1
            inner = self.table.get(path, word.value)
            if inner is None:
                if row.name != "lvs_sync_daemon" or at > 1:  # the instance may stand there without inst
                    self._wrong(statement, row, Term("word", choices=()), word)
                else:
                    seen.add("inst")
                continue
            if inner.name == "inst" and "inst" in seen and row.name == "lvs_sync_daemon":
                what = f"{inner.name} of {row.name}"
                self.say("C-REPEATED", statement, word, exit_code=5, keyword=what, consequence="the first one counts")
                at += 1
                continue
            seen.add(inner.name)
            for term in inner.arguments:
                if at >= len(given):
                    self._missing(statement, inner, term)
                    return
                value = self.value(statement, inner, term, given[at])
                if inner.name == "group" and value is not None and not values.is_multicast(value):
                    self._wrong(statement, inner, Term("mcast4"), given[at])
                at += 1

    def free_line(self, statement: Statement, row: Keyword) -> None:
        """A line without a keyword, whose first word is the first value."""
        for term, word in zip(row.arguments, statement.words, strict=False):
            if term.repeated:
                return
            if self.value(statement, row, term, word) is None:
                return
        self._extra(statement, row, len(row.arguments))

    def _number(
        self, statement: Statement, row: Keyword, term: Term, word: Token, number: int | None, scale: int
    ) -> int | None:
        low, high = _bounds(term, scale)
        negative = number == 0 and word.value.startswith("-") and (low or 0) >= 0
        decimals = _DECIMALS.get(row.path, 6)
        too_fine = scale != 1 and len(word.value.partition(".")[2]) > decimals
        if number is None or (too_fine and row.path == ("vrrp_script",)):
            return self._begun(statement, row, term, word, scale)
        if (low is not None and number < low) or (high is not None and number > high):
            self.say(
                "C-RANGE",
                statement,
                word,
                severity="warning" if number == 0 and row.name in _ZERO_IS_DEFAULT else "",
                keyword=row.name,
                value=word.value,
                low=term.low or "0",
                high=term.high or ("the largest number" if scale == 1 else _MAX_SECONDS),
                consequence="the priority stays within 1 to 254."
                if _keeps_weight(row)
                else self._outside(row, term, number),
            )
            if (_keeps_weight(row) or row.name in _CUT) and low is not None and high is not None:
                return max(low, min(high, number))
            return None
        if too_fine or negative:
            number = round(number, decimals - 9) if too_fine else 0
            self.say(
                "C-ROUNDED",
                statement,
                word,
                keyword=row.name,
                value=word.value,
                used=values.seconds_text(number),
                why="keepalived complains about " + ("the sign." if negative else "more digits than it counts."),
            )
        return number

    def _begun(self, statement: Statement, row: Keyword, term: Term, word: Token, scale: int) -> int | None:
        """What is no number. Of some keywords keepalived complains, and uses what it has read up to there: the digits
        in front, which are microseconds where seconds are asked for. Source: the dump of 2.2.7."""
        low, high = _bounds(term, scale)
        number = None
        if scale != 1 and row.path != ("vrrp_script",):
            number = values.begun_seconds(word.value)
        elif row.name.removeprefix("vrrp_") in _BEGUN and row.name != "priority":
            number = values.begun_integer(word.value)
        if number is not None and row.name in _CUT:
            number = max(low or 0, min(high or number, number))
        elif number is not None and not (low or 0) <= number <= (high or number):
            number = None
        used = "" if number is None else f"keepalived uses {number if scale == 1 else values.seconds_text(number)}."
        self._wrong(statement, row, term, word, used)
        return number

    def _outside(self, row: Keyword, term: Term, number: int) -> str:
        """What keepalived does with a number outside its range."""
        if row.name in _CUT:
            return f"keepalived uses {term.low if number < int(term.low) else term.high}."
        return consequence(row)

    def _known(self, statement: Statement, row: Keyword, term: Term, word: Token, value: Any) -> Any:
        if value is None:
            self._wrong(statement, row, term, word)
        return value

    def _wrong(self, statement: Statement, row: Keyword, term: Term, word: Token, used: str = "") -> None:
        self.say(
            "C-VALUE",
            statement,
            word,
            severity="warning" if row.name == "state" else "",
            keyword=row.name,
            value=word.value or '""',
            needs=str(term).strip("[]"),
            form=" ".join(map(str, row.arguments)),
            consequence=used or consequence(row),
        )

    def _missing(self, statement: Statement, row: Keyword, term: Term) -> None:
        self.say(
            "C-ARGUMENT",
            statement,
            exit_code=5 if term.soft or row.since == "later" else 2,
            keyword=row.name,
            needs=str(term),
            form=" ".join(map(str, row.arguments)),
        )

    def _script(self, statement: Statement, row: Keyword, term: Term) -> tuple[Any, ...] | None:
        if len(statement.words) < 2:
            if term.optional:
                return (None,)
            self._missing(statement, row, term)
            return None
        if term.kind == "user":
            names = [word.value for word in statement.arguments]
            self._extra(statement, row, 3)
            return ((names[0], names[1] if len(names) > 1 else ""),)
        found = values.command(values.line_of_command(statement.rest))
        if found is None:
            self._wrong(statement, row, term, statement.words[1])
            return None
        command, behind = found
        self.scripts.append(statement)
        if term.kind == "cmd1":
            if behind:
                self._ignored(statement, row, behind)
            return (command,)
        user = behind[0] if behind else ""
        group = behind[1] if len(behind) > 1 else ""
        if len(behind) > 2:
            self._ignored(statement, row, behind[2:])
        return (type(command)(argv=command.argv, user=user, group=group),)

    def _extra(self, statement: Statement, row: Keyword, used: int) -> None:
        behind = [word.text for word in statement.words[used:]]
        if behind:
            self._ignored(statement, row, behind)

    def _ignored(self, statement: Statement, row: Keyword, behind: list[str]) -> None:
        word = statement.words[-len(behind)] if len(behind) < len(statement.words) else None
        exit_code = 5 if row.strict_end else 0
        self.say("C-EXTRA", statement, word, exit_code=exit_code, keyword=row.name, words=" ".join(behind))

    def _effect(self, statement: Statement, row: Keyword) -> None:
        if row.better:
            self.say("C-DEPRECATED", statement, exit_code=5, keyword=row.name, better=row.better)
        if not row.effective and self.sayings.first_time("C-NO-EFFECT", row.name):
            self.say("C-NO-EFFECT", statement, keyword=row.name, effect=f"In keepalived: {row.effect}")


def _keeps_weight(row: Keyword) -> bool:
    """keepalived complains about the weight of a script, and uses it all the same."""
    return row.name == "weight" and row.path == ("vrrp_script",)


def consequence(row: Keyword) -> str:
    """What keepalived does with a line that is wrong."""
    if row.name in _NO_LIMIT:
        return "keepalived then sets no limit."
    if row.default == "required":
        return "keepalived leaves the line out, and it is needed."
    if row.default in ("-", "off", ""):
        return "keepalived goes on as if the line were not there."
    return f"keepalived leaves the line out and uses the default: {row.default}."


def in_block(path: Path) -> str:
    """The innermost block of a path, for messages."""
    return path[-1] if path else "the top level"


def _address(kind: str, text: str) -> str | None:
    found = values.address(text)
    if found is None or (kind[-1] in "46" and values.family(found) != int(kind[-1])):
        return None
    if kind.startswith("mcast") and not values.is_multicast(found):
        return None
    return found


def _bounds(term: Term, scale: int) -> tuple[int | None, int | None]:
    if scale == 1:
        return (int(term.low) if term.low else None), (int(term.high) if term.high else 2**32 - 1)
    low = values.seconds(term.low) if term.low else 0
    return low, values.seconds(term.high or _MAX_SECONDS)
