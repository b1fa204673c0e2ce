"""What people type after `/`: a regular expression for lists, a small language for packets.

Invariant: pure; a text that is no filter is said with the place and the reason, and a filter that is valid
never raises on any row. In the packet language `vrid==51 && verdict!=ok`: the words of `WORDS`, comparisons
`== != < > <= >= ~` (`~` is a regular expression), `&&`, `||`, `!`, parentheses.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence

from engine.messages import Verdict

Value = str | int | float | tuple[str, ...] | None
Facts = Mapping[str, Value]
"""What a packet filter can ask of a packet: word -> value; None where the packet has none."""
Test = Callable[[Facts], bool]

WORDS: dict[str, str] = {
    "vrid": "virtual router id, 1..255",
    "prio": "priority, 0..255",
    "src": "source address",
    "dst": "destination address",
    "if": "interface",
    "ver": "VRRP version, 2 or 3",
    "adv": "advert interval in seconds",
    "auth": "none, pw, ah, hmac",
    "vip": "any of the addresses",
    "verdict": "ok, sent, rejected, or the test that failed",
    "kind": "advert, garp, na",
    "dir": "in or out",
    "instance": "name of the instance",
    "node": "which of several hosts saw it",
    "reason": "the engine's words about it",
    "age": "seconds since it passed; 90s, 5m, 2h",
}
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "~")
REJECTED = "rejected"
"""What `verdict` also is for every packet that failed a test."""
VALUES: dict[str, tuple[str, ...]] = {
    "ver": ("2", "3"),
    "auth": ("none", "pw", "ah", "hmac"),
    "verdict": (REJECTED, *(verdict.value for verdict in Verdict)),
    "kind": ("advert", "garp", "na"),
    "dir": ("in", "out"),
}
"""Words with fixed values; a value that is none of them is refused."""
NUMBERS = {"vrid": (0, 255), "prio": (0, 255), "adv": (0, 255), "age": (0, 10**9)}
"""Words that are numbers, and their range."""
WHOLE_STREAM = frozenset({"vrid", "if", "instance", "node", "ver"})
"""Words that keep or drop all adverts of a virtual router together."""
_ALSO = {"arp": "garp", "v2": "2", "v3": "3"}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class FilterError(ValueError):
    """Text that is no filter: what is wrong, in a few words and with its code."""

    def __init__(self, words: str) -> None:
        super().__init__(f"{words} [E-FILTER]")


def _pattern(text: str) -> re.Pattern[str]:
    """A regular expression in which case does not matter. Raises: FilterError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # what "[[" may mean one day is not the operator's matter
            return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise FilterError(f"not a regular expression: {getattr(error, 'msg', error)}") from error


def text_filter(text: str) -> Callable[[str], bool]:
    """A filter for lines of text: a regular expression, `!` before it inverts.

    Raises: FilterError.
    """
    text = text.strip()
    inverted = text.startswith("!")
    pattern = _pattern(text[1:] if inverted else text)
    return lambda line: (pattern.search(line) is None) == inverted


def check_text(text: str) -> str:
    """What is wrong with a text filter; empty when it is one."""
    try:
        text_filter(text)
    except FilterError as error:
        return str(error)
    return ""


class PacketFilter:
    """A filter of packets, ready to be asked. A word alone is true when any value of the packet holds it.

    Raises: FilterError when the text is no filter.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.words: set[str] = set()
        """The words it asks for; "" for a word alone."""
        self.ages: set[float] = set()
        """Ages (s) at which its answer about a packet may change."""
        self._test = _Parser(self.text, self).whole() if self.text else None

    def __call__(self, facts: Facts) -> bool:
        """Whether a packet passes."""
        return self._test is None or self._test(facts)

    @property
    def everything(self) -> bool:
        """It lets every packet through."""
        return self._test is None

    @property
    def whole_streams(self) -> bool:
        """Of a virtual router it shows all adverts or none, so that a silence on the screen was one on the wire."""
        return self.words <= WHOLE_STREAM


def packet_filter(text: str) -> PacketFilter:
    """A filter of packets.

    Raises: FilterError.
    """
    return PacketFilter(text)


def check_packet(text: str) -> str:
    """What is wrong with a packet filter; empty when it is one."""
    try:
        packet_filter(text)
    except FilterError as error:
        return str(error)
    return ""


_TOKEN = re.compile(r"""\s*(?:(&&|\|\||==|!=|<=|>=|<|>|~|!|\(|\)|=|&|\|)|"([^"]*)"|([^\s()!<>=~&|"]+))""")
_MEANT = {"=": "==", "&": "&&", "|": "||"}
_ENGLISH = {"and": "&&", "or": "||", "not": "!"}


class _Parser:
    """Recursive descent: or, and, not, comparison."""

    def __init__(self, text: str, told: PacketFilter) -> None:
        self._told = told
        self._tokens: list[tuple[str, bool]] = []
        """Text, and whether it is an operator."""
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise FilterError('a " is not closed' if '"' in text[at:] else f"not understood: {text[at:][:20]}")
            operator, quoted, word = match.groups()
            if operator in _MEANT:
                before = self._tokens[-1][0] if self._tokens else ""
                after = _TOKEN.match(text, match.end())
                value = (after.group(2) or after.group(3) or "") if after else ""
                right = f"{before}=={value or 'VALUE'}" if operator == "=" and before in WORDS else _MEANT[operator]
                raise FilterError(f"write {right} ({operator} is no comparison)")
            self._tokens.append((operator, True) if operator else (quoted if quoted is not None else word, False))
            at = match.end()
        self._at = 0

    def whole(self) -> Test:
        test = self._any()
        if self._at < len(self._tokens):
            rest = self._tokens[self._at][0]
            meant = _ENGLISH.get(rest.lower())
            raise FilterError(f"write {meant} for {rest}" if meant else f"not expected here: {rest}")
        return test

    def _take(self, *operators: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][1] and self._tokens[self._at][0] in operators:
            self._at += 1
            return self._tokens[self._at - 1][0]
        return ""

    def _value(self, what: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][1]:
            raise FilterError(
                f"{what} is missing at the end" if self._at >= len(self._tokens) else f"{what} is missing"
            )
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _any(self) -> Test:
        tests = [self._all()]
        while self._take("||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda facts: any(test(facts) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda facts: all(test(facts) for test in tests)

    def _one(self) -> Test:
        inverted = False
        while self._take("!"):
            inverted = not inverted
        inner = self._positive()
        return (lambda facts: not inner(facts)) if inverted else inner

    def _positive(self) -> Test:
        if self._take("("):
            if self._at > MOST_TOKENS:
                raise FilterError("too long")
            inner = self._any()
            if not self._take(")"):
                raise FilterError("a ) is missing")
            return inner
        word = self._value("a word")
        operator = self._take(*COMPARISONS)
        if not operator:
            self._told.words.add("")
            needle = word.lower()
            return lambda facts: any(
                needle in text.lower() for name, value in facts.items() if name != "age" for text in _texts(value)
            )
        if word not in WORDS:
            raise FilterError(f"{word} is no word of a filter: {' '.join(WORDS)}")
        self._told.words.add(word)
        value = self._value(f"a value after {operator}")
        if word == "age":
            self._told.ages.add(_number(word, operator, value))
        return _comparison(word, operator, value)


MOST_TOKENS = 200
"""Beyond so many, no parenthesis is opened."""


def _texts(value: Value) -> tuple[str, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (str(value),)


def _number(word: str, operator: str, value: str) -> float:
    """The number that is meant: for `age` with a unit, for `adv` with or without s.

    Raises: FilterError.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", value)
    unit = match.group(2) if match else None
    if match is None or (unit and word not in ("age", "adv")):
        raise FilterError(f"{word}{operator} needs a number ({WORDS[word]}), not {value}")
    number = float(match.group(1)) * _UNITS[unit or "s"]
    low, high = NUMBERS.get(word, (0, 10**9))
    if not low <= number <= high:
        raise FilterError(f"{word} is never {value}: {WORDS[word]}")
    return number


def _comparison(word: str, operator: str, value: str) -> Test:
    if operator == "~":
        pattern = _pattern(value)
        return lambda facts: any(pattern.search(text) for text in _texts(facts.get(word)))
    if operator in ("==", "!="):
        equal = operator == "=="
        if word in NUMBERS:
            number = _number(word, operator, value)
            return lambda facts: (number in _numbers(facts.get(word))) == equal
        wanted = _ALSO.get(value.lower(), value.lower())
        if word in VALUES and wanted not in VALUES[word]:
            raise FilterError(f"{word} is never {value}: {' '.join(VALUES[word])}")
        return lambda facts: (wanted in (text.lower() for text in _texts(facts.get(word)))) == equal
    if word not in NUMBERS and word != "ver":
        raise FilterError(f"{operator} needs a number, and {word} is none: write == != or ~")
    limit = _number(word, operator, value.removeprefix("v"))
    compare: dict[str, Callable[[float], bool]] = {
        "<": lambda number: number < limit,
        ">": lambda number: number > limit,
        "<=": lambda number: number <= limit,
        ">=": lambda number: number >= limit,
    }
    holds = compare[operator]
    return lambda facts: any(holds(number) for number in _numbers(facts.get(word)))


def _numbers(value: Value) -> list[float]:
    if isinstance(value, int | float):
        return [value]
    numbers = []
    for text in _texts(value):
        try:
            numbers.append(float(text))
        except ValueError:
            continue
    return numbers


def unfinished(text: str) -> bool:
    """The last word may still become one of the language: as a word alone it is not meant yet."""
    last = re.search(r"(?:^|[\s(!&|])([A-Za-z]+)$", text)
    return last is not None and any(word.startswith(last.group(1)) for word in WORDS)


def completions(text: str, values: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """How a packet filter that is being typed may go on: whole texts. `values` names what else was seen of a word,
    such as the interfaces."""
    found = re.search(r"(\w+)\s*(==|!=|<=|>=|<|>|~)\s*([^\s()!<>=~&|\"]*)$", text)
    if found:
        word, operator, begun = found.groups()
        known = [*VALUES.get(word, ()), *(values or {}).get(word, ())] if operator in ("==", "!=") else []
        return [text[: len(text) - len(begun)] + value for value in known if value.startswith(begun) and value != begun]
    last = re.search(r"[A-Za-z]*$", text)
    begun = last.group() if last else ""
    before = text[: len(text) - len(begun)].rstrip()
    if not begun:
        if not before or before.endswith(("&&", "||", "!", "(")):
            return [text + word for word in WORDS]
        return [] if check_packet(text) or not text.endswith(" ") else [text + joint for joint in ("&& ", "|| ")]
    if before and not before.endswith(("&&", "||", "!", "(")):
        return []
    longer = [text[: len(text) - len(begun)] + word for word in WORDS if word.startswith(begun) and word != begun]
    if begun in WORDS:
        offered = ("==", "!=", "<", ">", "~") if begun in (*NUMBERS, "ver") else ("==", "!=", "~")
        return longer + [text + operator for operator in offered]
    return longer
