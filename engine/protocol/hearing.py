"""What other routers said last, kept as they sent it: for questions about how well two nodes fit together.

Invariant: bounded whatever comes in, nothing is taken apart before somebody asks, and no password leaves here.
What a damaged packet says is not repeated.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from engine.messages import HeardAdvert, Verdict, password_mark
from engine.protocol.packet import AUTH_AH, AUTH_NONE, AUTH_PASS, checksum_dialect, fields, message_length
from engine.protocol.timing import NS_PER_S, from_centiseconds

if TYPE_CHECKING:
    from engine.messages import DatagramReceived
    from engine.protocol.receive import Arrived

ROUTERS_REMEMBERED = 1_000
"""Virtual routers times senders; beyond it the one that was heard longest ago is forgotten."""
FRESH = 60 * NS_PER_S
"""ns for which counts what was not obeyed, or was said by another than the last one obeyed; at least three of its
own intervals."""
_TELLING = frozenset(
    {
        Verdict.OK,
        Verdict.VRID,
        Verdict.VERSION,
        Verdict.AH,
        Verdict.AUTH_TYPE,
        Verdict.AUTH_DATA,
        Verdict.INTERVAL,
        Verdict.DESTINATION,
        Verdict.ADDRESS_LIST,
        Verdict.SOURCE,
    }
)
"""Verdicts on packets that are whole, and meant for us."""
_AUTHENTICATION = {AUTH_NONE: "none", AUTH_PASS: "pass", AUTH_AH: "ah"}

Place = tuple[str, int, int]
"""Interface, family, VRID."""


class _Said(NamedTuple):
    message: bytes
    destination: bytes
    verdict: Verdict
    at: int


class Hearing:
    """The last advert of each other router for each virtual router."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: dict[tuple[str, int, int, bytes], _Said] = {}

    def note(self, datagram: DatagramReceived, arrived: Arrived, verdict: Verdict, now: int) -> None:
        """A datagram was judged."""
        if verdict not in _TELLING:
            return
        said = self._said
        key = (datagram.interface, datagram.family, arrived.message[1], arrived.source)
        said.pop(key, None)
        said[key] = _Said(arrived.message, arrived.destination, verdict, now)
        if len(said) > ROUTERS_REMEMBERED:
            del said[next(iter(said))]

    def told(self, obeyed: dict[Place, str], now: int) -> tuple[HeardAdvert, ...]:
        """What still counts. `obeyed` has the router that each of our instances obeyed last."""
        found = []
        for (interface, family, vrid, source), said in self._said.items():
            one = _read(interface, family, source, said)
            if one is None:
                continue
            last = said.verdict is Verdict.OK and obeyed.get((interface, family, vrid)) == one.router
            if last or now - said.at <= max(FRESH, 3 * one.interval):
                found.append(one)
        return tuple(found)


def _read(interface: str, family: int, source: bytes, said: _Said) -> HeardAdvert | None:
    """The words of a packet that is whole; None otherwise."""
    version, message = said.message[0] >> 4, said.message
    if version not in (2, 3) or (version == 2 and family == 6):
        return None
    length = message_length(version, message[3], family)
    message = message[:length]
    if len(message) < length:
        return None
    if said.verdict is not Verdict.OK and not checksum_dialect(message, source, said.destination):
        return None
    advert = fields(message, family)
    return HeardAdvert(
        str(ipaddress.ip_address(source)),
        interface,
        advert.vrid,
        family,
        advert.priority,
        version,
        from_centiseconds(advert.interval_cs),
        tuple(str(ipaddress.ip_address(one)) for one in advert.addresses),
        _AUTHENTICATION.get(advert.auth_type, "") if version == 2 else "",
        password_mark(advert.auth_data) if version == 2 and advert.auth_type == AUTH_PASS else "",
        str(ipaddress.ip_address(said.destination)),
        said.verdict,
    )
