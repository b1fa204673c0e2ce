"""The adverts that one instance sends, encoded ahead and kept until something changes.

Invariant: what is sent is always the present configuration, priority and source address: whoever changes one
of them calls `prepare`. The own interval is sent, never a learned one. Source: RFC 9568 7.2.
"""

from __future__ import annotations

import ipaddress
import struct

from engine.config.model import Instance
from engine.errors import PacketError
from engine.messages import Output, SendAdvert
from engine.protocol.packet import (
    AUTH_AH,
    AUTH_NONE,
    AUTH_PASS,
    PLAIN,
    PSEUDO,
    Advert,
    ah_packet,
    encode,
    internet_checksum,
    internet_sum,
    ipv4_header,
    newer,
    pseudo_header,
    seal,
)
from engine.protocol.timing import NS_PER_S, to_centiseconds

LAST_SEQUENCE = 0xFFFFFF00
"""Authentication header: from here on no more adverts, but for the farewell. Source: RFC 2402 2.5: no wrapping."""
_HIGHEST_SEQUENCE = 0xFFFFFFFF

_AUTH_TYPES = {"none": AUTH_NONE, "pass": AUTH_PASS, "ah": AUTH_AH}


class _Prepared:
    """One destination's IPv4 advert, all but the identification and header checksum of its packet."""

    __slots__ = (
        "_before",
        "_between",
        "_destination",
        "_instance",
        "_interface",
        "_pack",
        "_rest",
        "_source",
        "_sum",
        "_ttl",
    )

    def __init__(self, config: Instance, source: str, destination: str, packet: bytes) -> None:
        self._instance, self._interface, self._source = config.name, config.interface, source
        self._destination, self._ttl = destination, packet[8]
        self._before, self._between, self._rest = packet[:4], packet[6:10], packet[12:]
        self._sum = internet_sum(packet[:4] + packet[6:10] + packet[12:20])
        self._pack = struct.Struct(f">4sH4sH{len(self._rest)}s").pack

    def advert(self, identification: int) -> SendAdvert:
        check = self._sum + identification
        check = 0xFFFF - ((check & 0xFFFF) + (check >> 16))
        octets = self._pack(self._before, identification, self._between, check, self._rest)
        return SendAdvert(self._instance, self._interface, 4, self._source, self._destination, octets, self._ttl)


class Transmitter:
    """The sending side of one instance."""

    __slots__ = (
        "_config",
        "_identification",
        "_mark",
        "_messages",
        "_prepared",
        "_source",
        "_whole",
        "accepted",
        "old_unicast",
        "sequence",
    )

    def __init__(self) -> None:
        self._mark = 0
        self._config: Instance | None = None
        self._source = ""
        self._identification = 0
        self.sequence = 0
        """Authentication header: the highest number sent or accepted."""
        self.accepted = 0
        """Authentication header: the highest number accepted; what is not above it is a replay."""
        self.old_unicast = False
        """A peer was found to put the group's address into the pseudo-header of unicast v3 packets."""
        self._prepared: list[_Prepared] = []
        self._whole: list[SendAdvert] = []
        self._messages: list[tuple[str, bytes]] = []

    def continue_sequence(self, known: int, now: int) -> None:
        """Authentication header: go on above every number that a process before this one may have sent, or the
        peers refuse us. What is known may be some adverts old; unknown, sixteenths of a second of uptime are beyond
        any count, since version 2 sends once a second at most, and wrap after four years."""
        self.sequence = known + 1000 if known else now * 16 // NS_PER_S & 0x7FFFFFFF

    @property
    def used_up(self) -> str:
        """Why no authentic advert can be sent any more; empty while one can."""
        if self.sequence < LAST_SEQUENCE:
            return ""
        return (
            "its sequence numbers (authentication header) are used up: stop all routers of this VRID, then start them"
        )

    def accept_sequence(self, number: int) -> None:
        """Authentication header: an authentic advert carried this number; our next one goes above it."""
        self.accepted = number
        self.sequence = max(self.sequence, number)

    def prepare(self, config: Instance, priority: int, source: str) -> None:
        """Encode the advert for each destination anew."""
        self._config, self._source = config, source
        self._prepared, self._whole, self._messages = [], [], []
        if not source:
            return
        for destination, message in self._encode(priority):
            if _built_each_time(config):
                self._messages.append((destination, message))
            elif config.family == 6:
                self._whole.append(self._effect(config, destination, message))
            else:
                packet = self._packet(destination, message)
                self._prepared.append(_Prepared(config, source, destination, packet))

    def send(self, out: list[Output], wall: int) -> None:
        """Append one advert per destination. `wall` is the wall clock in ns, for the keyed trailer."""
        if self._prepared:
            self._identification = identification = self._identification % 0xFFFF + 1
            for one in self._prepared:
                out.append(one.advert(identification))  # noqa: PERF401 - the hot path: no list is built first
        elif self._whole:
            out.extend(self._whole)
        elif self._messages and self._config is not None:
            self._build(self._config, self._messages, out, wall)

    def resign(self, out: list[Output], wall: int) -> bool:
        """Append one advert of priority 0 per destination; False when there is no address to send from."""
        config = self._config
        if config is None or not self._source:
            return False
        messages = self._encode(0)
        if _built_each_time(config):
            self._build(config, messages, out, wall)
        else:
            self._identification = self._identification % 0xFFFF + 1
            for destination, message in messages:
                six = config.family == 6
                data = message if six else self._packet(destination, message, self._identification)
                out.append(self._effect(config, destination, data))
        return bool(messages)

    def _encode(self, priority: int) -> list[tuple[str, bytes]]:
        config = self._config
        assert config is not None
        advert = _advert(config, priority)
        group = ipaddress.ip_address(config.group_address).packed
        source = ipaddress.ip_address(self._source).packed
        dialect = PLAIN if config.v3_checksum_as_v2 else PSEUDO
        old = config.old_unicast_checksum == "force" or (self.old_unicast and config.old_unicast_checksum != "never")
        destinations = [peer.address for peer in config.unicast_peers] if config.unicast else [config.group_address]
        return [
            (text, encode(advert, source, group if old else ipaddress.ip_address(text).packed, dialect))
            for text in destinations
        ]

    def _packet(self, destination: str, message: bytes, identification: int = 0) -> bytes:
        config = self._config
        assert config is not None
        return (
            ipv4_header(
                ipaddress.ip_address(self._source).packed,
                ipaddress.ip_address(destination).packed,
                len(message),
                identification=identification,
                ttl=config.unicast_ttl if config.unicast else 255,
            )
            + message
        )

    def _effect(self, config: Instance, destination: str, data: bytes) -> SendAdvert:
        ttl = config.unicast_ttl if config.unicast else 255
        return SendAdvert(config.name, config.interface, config.family, self._source, destination, data, ttl)

    def _build(self, config: Instance, messages: list[tuple[str, bytes]], out: list[Output], wall: int) -> None:
        """Adverts that differ each time: with authentication header, or with keyed trailer."""
        self._identification = self._identification % 0xFFFF + 1
        if config.auth_hmac is not None and config.auth_hmac.mode != "receive-only":
            self._mark = _next_mark(self._mark, wall)
            for destination, message in messages:
                out.append(self._effect(config, destination, self._sealed(config, destination, message)))
            return
        self.sequence = min(self.sequence + 1, _HIGHEST_SEQUENCE)
        for destination, message in messages:
            packet = ah_packet(
                message,
                ipaddress.ip_address(self._source).packed,
                ipaddress.ip_address(destination).packed,
                config.authentication.key,
                sequence=self.sequence,
                identification=self._identification,
                ttl=config.unicast_ttl if config.unicast else 255,
                unicast=config.unicast,
            )
            out.append(self._effect(config, destination, packet))

    def _sealed(self, config: Instance, destination: str, message: bytes) -> bytes:
        """The message with its trailer; over IPv6 the checksum covers both."""
        auth = config.auth_hmac
        assert auth is not None
        key = next((one.key for one in auth.keys if one.key_id == auth.active_key), b"")
        source = ipaddress.ip_address(self._source).packed
        signed = message + seal(message, source, auth.active_key, key, self._mark)
        if config.family == 4:
            return self._packet(destination, signed, self._identification)
        zeroed = signed[:6] + b"\0\0" + signed[8:]
        header = pseudo_header(source, ipaddress.ip_address(destination).packed, len(signed))
        return zeroed[:6] + internet_checksum(header + zeroed).to_bytes(2, "big") + zeroed[8:]


def _advert(config: Instance, priority: int) -> Advert:
    """The fields of an advert of this instance."""
    kind = _AUTH_TYPES[config.authentication.kind] if config.version == 2 and config.family == 4 else AUTH_NONE
    return Advert(
        config.version,
        config.vrid,
        priority,
        to_centiseconds(config.advert_interval),
        _listed(config),
        kind,
        config.authentication.key if kind == AUTH_PASS else b"",
    )


def unsendable(config: Instance) -> str:
    """Why no advert can be made of this configuration; empty when one can. The configuration's own checks say
    so first; here it keeps a slip of theirs from ending the process."""
    try:
        encode(_advert(config, config.priority), *(bytes(4 if config.family == 4 else 16),) * 2)
    except PacketError as error:
        return f"its advert cannot be sent: {error}"
    return ""


def _listed(config: Instance) -> tuple[bytes, ...]:
    """The addresses in configured order, over IPv6 the link-local ones first. Source: RFC 9568 5.2.9."""
    addresses = [ipaddress.ip_address(one.address) for one in config.addresses]
    if config.family == 6:
        addresses.sort(key=lambda one: not one.is_link_local)
    return tuple(one.packed for one in addresses)


def _built_each_time(config: Instance) -> bool:
    signs = config.auth_hmac is not None and config.auth_hmac.mode != "receive-only"
    return signs or (config.authentication.kind == "ah" and config.family == 4)


def _next_mark(before: int, wall: int) -> int:
    """Seconds, 65536ths and a counter, after every mark sent before, also when the wall clock stands or steps back."""
    seconds, rest = divmod(wall, NS_PER_S)
    mark = (seconds & 0xFFFFFFFF) << 32 | rest * 65536 // NS_PER_S << 16
    return mark if not before or newer(mark, before) else before + 1
