"""What people type after `/`: a regular expression for lists, a small language for packets.

Invariant: pure; a text that is no filter is said with the place and the reason, and a filter that is valid
never raises on any row. In the packet language `vrid==51 && verdict!=ok`: words `vrid prio src dst if ver
adv auth vip verdict kind dir instance`, comparisons `== != < > <= >= ~` (`~` is a regular expression),
`&&`, `||`, `!`, parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Facts = Mapping[str, str | int | tuple[str, ...] | None]
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
    "verdict": "ok, sent, or the test that failed",
    "kind": "advert, arp, na",
    "dir": "in or out",
    "instance": "name of the instance",
}
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "~")


class FilterError(ValueError):
    """Text that is no filter: what is wrong, in a few words."""


def text_filter(text: str) -> Callable[[str], bool]:
    """A filter for lines of text: a regular expression, `!` before it inverts.

    Raises: FilterError.
    """
    text = text.strip()
    inverted = text.startswith("!")
    try:
        pattern = re.compile(text[1:] if inverted else text, re.IGNORECASE)
    except re.error as error:
        raise FilterError(f"not a regular expression: {error}") from error
    return lambda line: (pattern.search(line) is None) == inverted


def check_text(text: str) -> str:
    """What is wrong with a text filter; empty when it is one."""
    try:
        text_filter(text)
    except FilterError as error:
        return str(error)
    return ""


_TOKEN = re.compile(r"""\s*(?:(\&\&|\|\||==|!=|<=|>=|<|>|~|!|\(|\))|"([^"]*)"|([^\s()!<>=~&|"]+))""")


def packet_filter(text: str) -> Test:
    """A filter of packets. A word alone is true when any value of the packet holds it.

    Raises: FilterError.
    """
    return fact_filter(text, WORDS)


def fact_filter(text: str, words: Mapping[str, str]) -> Test:
    """The same language over other `words`.

    Raises: FilterError.
    """
    if not text.strip():
        return lambda _: True
    return _Parser(text, words).whole()


def check_packet(text: str) -> str:
    """What is wrong with a packet filter; empty when it is one."""
    try:
        packet_filter(text)
    except FilterError as error:
        return str(error)
    return ""


class _Parser:
    """Recursive descent: or, and, not, comparison."""

    def __init__(self, text: str, words: Mapping[str, str]) -> None:
        self._words = words
        self._tokens: list[tuple[str, bool]] = []
        """Text, and whether it is an operator."""
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise FilterError(f"not understood: {text[at:].strip()[:20]}")
            operator, quoted, word = match.groups()
            self._tokens.append((operator, True) if operator else (quoted if quoted is not None else word, False))
            at = match.end()
        self._at = 0

    def whole(self) -> Test:
        test = self._any()
        if self._at < len(self._tokens):
            raise FilterError(f"not expected here: {self._tokens[self._at][0]}")
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
        if self._take("!"):
            inner = self._one()
            return lambda facts: not inner(facts)
        if self._take("("):
            inner = self._any()
            if not self._take(")"):
                raise FilterError("a ) is missing")
            return inner
        word = self._value("a word")
        operator = self._take(*COMPARISONS)
        if not operator:
            needle = word.lower()
            return lambda facts: any(needle in text.lower() for value in facts.values() for text in _texts(value))
        if word not in self._words:
            raise FilterError(f"{word} is no word of a filter: {' '.join(self._words)}")
        return _comparison(word, operator, self._value(f"a value after {operator}"))


def _texts(value: str | int | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (str(value),)


def _comparison(word: str, operator: str, value: str) -> Test:
    if operator == "~":
        try:
            pattern = re.compile(value, re.IGNORECASE)
        except re.error as error:
            raise FilterError(f"not a regular expression: {error}") from error
        return lambda facts: any(pattern.search(text) for text in _texts(facts.get(word)))
    if operator in ("==", "!="):
        wanted = value.removesuffix("s") if word == "adv" else value.removeprefix("v") if word == "ver" else value
        equal = operator == "=="
        return lambda facts: (wanted.lower() in (text.lower() for text in _texts(facts.get(word)))) == equal
    try:
        limit = float(value.removesuffix("s"))
    except ValueError:
        raise FilterError(f"{operator} needs a number, not {value}") from None
    compare: dict[str, Callable[[float], bool]] = {
        "<": lambda number: number < limit,
        ">": lambda number: number > limit,
        "<=": lambda number: number <= limit,
        ">=": lambda number: number >= limit,
    }
    holds = compare[operator]
    return lambda facts: any(holds(number) for number in _numbers(facts.get(word)))


def _numbers(value: str | int | tuple[str, ...] | None) -> list[float]:
    numbers = []
    for text in _texts(value):
        try:
            numbers.append(float(text))
        except ValueError:
            continue
    return numbers


def completions(text: str) -> list[str]:
    """How the last word of a packet filter may go on."""
    last = re.search(r"[A-Za-z]*$", text)
    begun = last.group() if last else ""
    if not begun or text[: -len(begun)].rstrip().endswith(("=", "<", ">", "~")):
        return []
    return [text[: len(text) - len(begun)] + word for word in WORDS if word.startswith(begun) and word != begun]
