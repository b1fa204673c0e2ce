"""Single words read as values: numbers, seconds, addresses, commands. Nothing here reports anything.

Invariant: every function returns None for text that keepalived 2.2.7 would not take, and the same value
as keepalived for text that it takes.
"""

from __future__ import annotations

import ipaddress
import re
from fractions import Fraction
from functools import lru_cache

from engine.config.model import NS_PER_S, Command

TRUE, FALSE = {"true", "on", "yes"}, {"false", "off", "no"}
US_PER_S = 1_000_000
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}\Z")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)\Z")


def integer(text: str) -> int | None:
    """A whole number."""
    return int(text) if _INTEGER.match(text) else None


def seconds(text: str) -> int | None:
    """Decimal seconds as ns. keepalived keeps microseconds and rounds what is finer."""
    return decimal(text, NS_PER_S)


@lru_cache(maxsize=4096)
def decimal(text: str, ns_per_unit: int) -> int | None:
    """A decimal number of units of `ns_per_unit` as ns, to the microsecond."""
    if not _DECIMAL.match(text):
        return None
    return round(Fraction(text) * ns_per_unit / 1000) * 1000


def seconds_text(ns: int) -> str:
    """Nanoseconds as the file writes seconds."""
    return f"{ns / NS_PER_S:.9f}".rstrip("0").rstrip(".")


def begun_integer(text: str) -> int:
    """The number with which a word begins, 0 where it begins with none."""
    found = re.match(r"[+-]?[0-9]+", text)
    return int(found[0]) if found else 0


def begun_seconds(text: str) -> int | None:
    """The digits with which a word begins as microseconds, which is how keepalived takes them when something else
    follows them; in ns. None behind a minus."""
    found = re.match(r"\+?([0-9]*)\.?([0-9]{,6})", text)
    return int((found[1] + found[2]) or "0") * 1000 if found and not text.startswith("-") else None


def boolean(text: str) -> bool | None:
    """Exactly true on yes false off no."""
    return True if text in TRUE else False if text in FALSE else None


@lru_cache(maxsize=4096)
def address(text: str) -> str | None:
    """An IPv4 or IPv6 address in canonical text."""
    if _IPV4.match(text):
        return text
    if "%" in text or "/" in text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def without_tail(text: str) -> str:
    """An address without the -RANGE behind it, or else the /PREFIX, which keepalived passes over."""
    return text.partition("-" if "-" in text else "/")[0]


def family(text: str) -> int:
    """4 or 6, of an address in canonical text."""
    return 6 if ":" in text else 4


def is_multicast(text: str) -> bool:
    """True for a multicast address in canonical text."""
    return ipaddress.ip_address(text).is_multicast


def network(text: str) -> tuple[str, int] | None:
    """ADDRESS or ADDRESS/PREFIX as canonical address and prefix length (full without one)."""
    name, slash, length = text.partition("/")
    found = address(name)
    if found is None:
        return None
    full = 32 if family(found) == 4 else 128
    if not slash:
        return found, full
    if not re.fullmatch(r"[0-9]{1,3}", length) or int(length) > full:
        return None
    return found, int(length)


def shell_words(text: str) -> list[str] | None:
    """The words of a command as keepalived parts them: ' and " quote, a backslash takes the next character plainly,
    also between quotes of either kind; nothing else is special, there is no shell. None when a quote stays open."""
    words: list[str] = []
    at, end = 0, len(text)
    while at < end:
        if text[at] in " \t":
            at += 1
            continue
        parts: list[str] = []
        while at < end and text[at] not in " \t":
            char = text[at]
            if char in "'\"":
                close = _closing(text, at)
                if close < 0 and at < end - 1:
                    return None
                close = max(close, at)  # a last quote alone is nothing
                parts.append(re.sub(r"\\(.)", r"\1", text[at + 1 : close]))
                at = close + 1
            elif char == "\\" and at + 1 < end:
                parts.append(text[at + 1])
                at += 2
            else:
                parts.append(char)
                at += 1
        words.append("".join(parts))
    return words


def line_of_command(text: str) -> str:
    """A line as it is read for a command: once more without its comment, which begins now where \\# or \\! stands
    outside double quotes."""
    parts = re.split(r'("[^"]*")', text)
    for at, part in enumerate(parts):
        cut = re.search(r"\\[#!]", part) if not part.startswith('"') else None
        if cut is not None:
            return "".join((*parts[:at], part[: cut.start()]))
    return text


def _closing(text: str, at: int) -> int:
    """Where the quote that opens at `at` closes; -1 if nowhere."""
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" else 1
    return at if at < len(text) else -1


def command(text: str) -> tuple[Command, list[str]] | None:
    """The first string as a command with its arguments, and the words after it (user and group)."""
    outer = shell_words(text)
    if outer is None:
        return None
    if not outer or not outer[0].strip():
        return Command(argv=("",)), outer[1:]
    stripped = text.lstrip(" \t")
    quoted = stripped[:1] in "'\""
    argv = shell_words(outer[0]) if quoted else [outer[0]]
    if not argv:
        return None
    return Command(argv=tuple(argv)), outer[1:]


def octets(text: str, *, wild: bool) -> tuple[bytes, bytes] | None:
    """Hexadecimal digits, in words or not, as octets and the mask of the bits that count (empty: all). A digit left
    over at the end of a word is an octet; with `wild`, X stands for any digit. keepalived 2.2.7 refuses ff as the last.
    """
    found, mask = bytearray(), bytearray()
    for word in text.split():
        if not re.fullmatch("[0-9a-fA-FxX]+" if wild else "[0-9a-fA-F]+", word):
            return None
        for pair in (word[at : at + 2] for at in range(0, len(word), 2)):
            found.append(int(re.sub("[xX]", "0", pair), 16))
            mask.append(int(re.sub("[xX]", "0", re.sub("[^xX]", "f", pair)).rjust(2, "f"), 16))
    if not found or (found[-1] == 0xFF and mask[-1] == 0xFF):
        return None
    return bytes(found), bytes(mask) if any(one != 0xFF for one in mask) else b""
