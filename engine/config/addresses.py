"""Lines of virtual_ipaddress, virtual_ipaddress_excluded and static_ipaddress.

Invariant: an address that keepalived drops is dropped and reported; one that it keeps has every word
resolved. Source: keepalived.conf(5) virtual_ipaddress, static_ipaddress.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from engine.config import values
from engine.config.context import Context
from engine.config.expand import Statement
from engine.config.model import Address
from engine.config.syntax import Token

SCOPES = {"global": 0, "nowhere": 255, "host": 254, "link": 253, "site": 200}
_FLAGS = {"home": "home", "mngtmpaddr": "mngtmpaddr", "noprefixroute": "noprefixroute", "autojoin": "autojoin"}
LABEL_LENGTH = 15


def scope(text: str) -> int | None:
    """rtnetlink scope by name or number 0..255."""
    if text in SCOPES:
        return SCOPES[text]
    number = values.integer(text)
    return number if number is not None and 0 <= number <= 255 else None


def address_line(context: Context, statement: Statement, *, static: bool) -> Address | None:
    """The address of one line, or None when the line is left out."""
    return _Line(context, statement, static=static).read()


class _Line:
    def __init__(self, context: Context, statement: Statement, *, static: bool) -> None:
        self.context, self.statement, self.static = context, statement, static
        self.fields: dict[str, Any] = {}
        self.words = list(statement.words)
        self.head = self.words[0]
        self.family = 4
        self.prefixed = False

    def wrong(self, word: Token, what: str, consequence: str = "", todo: str = "", *, exit_code: int = 5) -> None:
        self.context.say(
            "C-MEANING",
            self.statement,
            word,
            exit_code=exit_code,
            what=what,
            consequence=consequence or "keepalived leaves this address out: it will not be on the machine.",
            todo=todo or "Correct the line.",
        )

    def read(self) -> Address | None:
        if not self.first():
            return None
        at = 1
        while at < len(self.words):
            word = self.words[at]
            at += 1
            if word.value in _FLAGS:
                self.fields[_FLAGS[word.value]] = True
            elif word.value == "-nodad":
                self.fields["nodad"] = False
            elif word.value == "no_track":
                self.fields["track"] = False
            elif word.value == "use_vmac" and not self.static:
                self.fields["use_vmac"] = True
            elif word.value in ("dev", "scope", "label", "brd", "broadcast", "peer", "preferred_lft") or (
                word.value == "track_group" and self.static
            ):
                if at >= len(self.words):
                    self.wrong(word, f"{word.value} of {self.head.value} has no value")
                    return None
                if not self.option(word.value, self.words[at]):
                    return None
                at += 1
            else:
                self.wrong(
                    word,
                    f"{word.value} is no word of an address line",
                    "keepalived ignores the word and keeps the address.",
                    "Remove it. One line holds one address.",
                )
        if self.family == 6 and self.fields["prefix"] == 128:
            self.fields.setdefault("preferred_lifetime_s", 0)  # never a source address
        return Address(**self.fields)

    def first(self) -> bool:
        name, slash, length = self.head.value.partition("/")
        found = values.address(name)
        if found is None:
            self.wrong(self.head, f"{self.head.value} is no address", todo="Write ADDRESS/PREFIX first on the line.")
            return False
        self.family = values.family(found)
        full = 32 if self.family == 4 else 128
        prefix = full
        if slash:
            number = values.integer(length)
            if number is None or not 0 <= number <= full:
                prefix = 0 if number is None else full
                self.wrong(
                    self.head,
                    f"{self.head.value}: the prefix length is not in 0..{full}",
                    f"keepalived 2.2.7 uses {prefix}.",
                    f"Write {name}/{full} or the length of the network.",
                    exit_code=5 if length else 0,
                )
            else:
                prefix = number
                self.prefixed = True
        self.fields.update(address=found, prefix=prefix)
        return True

    def option(self, name: str, word: Token) -> bool:
        """One word with a value. False when the whole address is lost."""
        text = word.value
        if name == "dev" and "interface" in self.fields:
            self.wrong(word, f"{self.head.value} has two devices", todo="Remove one dev.")
            return False
        match name:
            case "dev":
                self.fields["interface"] = text
            case "track_group":
                self.context.needs_track_group(self.statement, word)
                self.fields["track_group"] = text
            case "scope":
                self.scope(word)
            case "label":
                return self.label(word)
            case "brd" | "broadcast":
                return self.broadcast(word)
            case "peer":
                self.peer(word)
            case _:
                self.preferred(word)
        return True

    def scope(self, word: Token) -> None:
        number = scope(word.value)
        if self.family == 6:
            self.wrong(word, "an IPv6 address has no scope", "keepalived ignores the word.", "Remove it.")
        elif number is None:
            self.wrong(
                word,
                f"{word.value} is no scope",
                "keepalived uses global.",
                "Write global, site, link, host, nowhere or 0..255.",
            )
        else:
            self.fields["scope"] = number

    def label(self, word: Token) -> bool:
        if self.family == 6:
            self.wrong(word, "an IPv6 address has no label", "keepalived ignores the word.", "Remove it.")
        elif len(word.value) > LABEL_LENGTH:
            self.wrong(word, f"the label is longer than {LABEL_LENGTH} characters", todo="Shorten it.")
            return False
        else:
            self.fields["label"] = word.value
        return True

    def broadcast(self, word: Token) -> bool:
        if self.family == 6:
            self.wrong(word, "an IPv6 address has no broadcast address", todo="Remove brd.")
            return False
        if word.value in "+-":
            if self.fields["prefix"] > 30:
                self.wrong(
                    word,
                    f"/{self.fields['prefix']} leaves no room for a broadcast address",
                    "keepalived ignores the word.",
                    "Write the prefix length of the network.",
                )
                return True
            net = ipaddress.ip_network((self.fields["address"], self.fields["prefix"]), strict=False)
            chosen = net.broadcast_address if word.value == "+" else net.network_address
            self.fields["broadcast"] = str(chosen)
            return True
        found = values.address(word.value)
        if found is None or values.family(found) == 6:
            self.wrong(word, f"{word.value} is no broadcast address")
            return False
        self.fields["broadcast"] = found
        return True

    def peer(self, word: Token) -> None:
        found = values.address(word.value)
        if found is None:
            self.wrong(
                word,
                f"{word.value} is no peer address",
                "keepalived 2.2.7 keeps the address without its peer, and refuses a prefix here.",
                "Write the address alone.",
            )
        elif values.family(found) != self.family:
            self.wrong(word, f"the peer {found} is of the other family", "keepalived ignores the peer.")
        else:
            if self.prefixed:
                self.wrong(
                    word,
                    "a prefix length and a peer do not go together",
                    "keepalived ignores the prefix length.",
                    f"Write {self.fields['address']} without it.",
                )
                self.fields["prefix"] = 32 if self.family == 4 else 128
            self.fields["peer"] = found

    def preferred(self, word: Token) -> None:
        if word.value == "forever":
            self.fields["preferred_lifetime_s"] = None
            return
        number = values.integer(word.value)
        if number is None or not 0 <= number < 2**32:
            self.wrong(
                word, f"{word.value} is no lifetime", "keepalived ignores the word.", "Write seconds or forever."
            )
        else:
            self.fields["preferred_lifetime_s"] = number
