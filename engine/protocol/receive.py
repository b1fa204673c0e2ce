"""The tests that a received advertisement has to pass, in keepalived's order.

Invariant: `examine` changes no state, no timer and no counter of the instance (but the marks against replay,
moved only by authentic packets); it says what is so. Source: RFC 9568 7.1, RFC 3768 7.1, RFC 2338 5.3.6.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING

import msgspec

from engine.messages import DatagramReceived, State, Verdict
from engine.protocol.packet import (
    AH_LENGTH,
    AUTH_AH,
    AUTH_NONE,
    AUTH_PASS,
    GROUP_V6,
    PLAIN,
    PROTOCOL_AH,
    PROTOCOL_VRRP,
    PSEUDO,
    TRAILER_LENGTH,
    Advert,
    Envelope,
    checksum_dialect,
    digest_fits,
    fields,
    icv_fits,
    message_length,
    newer,
    parse_ah,
    parse_ipv4,
    parse_trailer,
)
from engine.protocol.packet.trailer import HMAC_SHA256_128
from engine.protocol.stimuli import Heard
from engine.protocol.timing import NS_PER_S, from_centiseconds, seconds_text

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance

SENDERS_REMEMBERED = 4
"""Senders whose marks are kept for multicast; for unicast as many as there are."""

_AUTH_NAMES = {AUTH_NONE: "none", AUTH_PASS: "pass", AUTH_AH: "ah"}


class Arrived(msgspec.Struct, frozen=True):
    """A datagram taken out of its envelope: what is needed to find the instance."""

    source: bytes
    destination: bytes
    ttl: int | None
    message: bytes
    """From the VRRP header on."""
    ah: bytes = b""
    """The 24 octets of the authentication header, when there is one."""
    header: bytes = b""
    """The IPv4 header."""
    complete: bool = True

    @property
    def sender(self) -> str:
        """The source as text."""
        return str(ipaddress.ip_address(self.source))


class Judged(msgspec.Struct, frozen=True):
    """The outcome of all tests."""

    verdict: Verdict
    detail: str = ""
    advert: Advert | None = None
    heard: Heard | None = None
    notes: tuple[tuple[str, str], ...] = ()
    """(counter, sentence) for what is odd but kept."""
    old_unicast: bool = False
    extension: str = ""
    """The counter of an auth_hmac refusal."""
    mark: int = 0
    """auth_hmac: the authentic time stamp."""


def open_envelope(datagram: DatagramReceived) -> Arrived | None:
    """Find source, TTL and message; None when it is not VRRP at all.

    Raises: PacketError when there is no whole IP header.
    """
    if datagram.family == 6:
        source = datagram.source or bytes(16)
        return Arrived(source, datagram.destination or GROUP_V6, datagram.ttl, datagram.data)
    envelope: Envelope = parse_ipv4(datagram.data)
    payload, ah = envelope.payload, b""
    if envelope.protocol == PROTOCOL_AH:
        ah, payload = payload[:AH_LENGTH], payload[AH_LENGTH:]
        if ah[:1] != bytes((PROTOCOL_VRRP,)):
            return None
    elif envelope.protocol != PROTOCOL_VRRP:
        return None
    return Arrived(
        envelope.source,
        envelope.destination,
        envelope.ttl,
        payload,
        ah,
        envelope.header,
        envelope.complete,
    )


def examine(instance: VrrpInstance, arrived: Arrived) -> Judged:
    """All tests on one datagram whose VRID, interface and family are the instance's.

    The length test comes before the version test, so it measures by the version that the packet claims.
    """
    config, message = instance.config, arrived.message
    version = message[0] >> 4
    if instance.state is State.INIT or instance.state is State.FAULT:
        return Judged(Verdict.NOT_RUNNING, f"{config.name} is in {instance.state}")
    if bool(arrived.ah) is not (config.authentication.kind == "ah"):
        return Judged(Verdict.AH, "an authentication header " + ("is not" if arrived.ah else "is") + " expected")
    measured = version if version in (2, 3) else config.version
    length = message_length(measured, message[3], config.family)
    trailer = b""
    if config.auth_hmac is not None and len(message) == length + TRAILER_LENGTH:
        message, trailer = message[:length], message[length:]
    if len(message) != length:
        return Judged(Verdict.LENGTH, f"{len(message)} octets, but {message[3]} addresses make {length}")
    if not config.unicast and arrived.ttl != 255:
        told = "unknown" if arrived.ttl is None else str(arrived.ttl)
        return Judged(Verdict.TTL, f"TTL {told}, not 255: it has crossed a router")
    if version != config.version:
        return Judged(Verdict.VERSION, f"version {version}, ours is {config.version}")
    mark = 0
    if config.auth_hmac is not None:
        checked = _check_trailer(instance, arrived, message, trailer)
        if isinstance(checked, Judged):
            return checked
        mark = checked
    advert = fields(message, config.family)
    if version == 2 and (refusal := _check_v2(instance, arrived, message, advert)) is not None:
        return refusal
    if message[0] & 15 != 1:
        return Judged(Verdict.TYPE, f"type {message[0] & 15} is no advertisement")
    if not arrived.complete:
        return Judged(Verdict.TOTAL_LENGTH, "the IP header promises more octets than arrived")
    judged = _check_content(instance, arrived, message, advert)
    return msgspec.structs.replace(judged, mark=mark) if mark else judged


def _check_trailer(instance: VrrpInstance, arrived: Arrived, message: bytes, octets: bytes) -> Judged | int:
    """The mark of an authentic trailer, 0 for a bare advert that is let pass, or the refusal.

    Source: keepalived.conf(5) auth_hmac.
    """
    config, wall = instance.config, instance.host.wall
    auth = config.auth_hmac
    assert auth is not None

    def refuse(counter: str, text: str) -> Judged:
        return Judged(Verdict.AUTH_HMAC, text, extension=f"auth_ext_{counter}")

    if not octets:
        return refuse("missing", "no keyed trailer") if auth.mode == "enforce" else 0
    trailer = parse_trailer(octets)
    if trailer.kind != HMAC_SHA256_128 or trailer.reserved:
        return refuse("malformed", f"trailer of type {trailer.kind}")
    apart = _apart(trailer.seconds << 16 | trailer.fraction, wall)
    if apart > auth.window(config.advert_interval):
        return refuse("stale", f"its clock is {seconds_text(apart)} apart from ours")
    key = next((one.key for one in auth.keys if one.key_id == trailer.key_id), None)
    if key is None:
        return refuse("unknown_key", f"key {trailer.key_id} is not configured")
    if not digest_fits(message, arrived.source, octets, key):
        return refuse("invalid_hmac", "the digest is wrong")
    before = instance.marks.get(arrived.source)
    if before is not None and not newer(trailer.mark, before):
        return refuse("replay", "not newer than the last advert of this sender")
    return trailer.mark


def _apart(stamp: int, wall: int) -> int:
    """ns between a time stamp (seconds modulo 2**32 and 65536ths) and our wall clock, either way."""
    seconds, rest = divmod(wall, NS_PER_S)
    ours = (seconds & 0xFFFFFFFF) << 16 | rest * 65536 // NS_PER_S
    half = 1 << 47
    return abs((stamp - ours + half) % (2 * half) - half) * NS_PER_S >> 16


def _check_v2(instance: VrrpInstance, arrived: Arrived, message: bytes, advert: Advert) -> Judged | None:
    """Authentication and interval. Source: RFC 3768 7.1, RFC 2338 5.3.6, 5.3.10."""
    config = instance.config
    authentication = config.authentication
    if advert.auth_type not in _AUTH_NAMES:
        return Judged(Verdict.AUTH_TYPE_UNKNOWN, f"authentication type {advert.auth_type} is unknown")
    theirs = _AUTH_NAMES[advert.auth_type]
    if theirs != authentication.kind:
        return Judged(Verdict.AUTH_TYPE, f"authentication {theirs}, ours is {authentication.kind}")
    if theirs == "pass" and not hmac.compare_digest(advert.auth_data, authentication.key):
        return Judged(Verdict.AUTH_DATA, "the password differs from ours")
    if theirs == "ah":
        ah = parse_ah(arrived.ah)
        if not icv_fits(arrived.header, arrived.ah, message, authentication.key, unicast=config.unicast):
            return Judged(Verdict.AUTH_DATA, "the integrity value is wrong")
        if ah.spi != int.from_bytes(arrived.source, "big"):
            return Judged(Verdict.AUTH_DATA, "the SPI is not the source address")
        if ah.sequence <= instance.transmit.accepted and arrived.source != instance.source_key:
            text = f"sequence number {ah.sequence} is not above {instance.transmit.accepted}"
            return Judged(Verdict.AUTH_DATA, text)
    interval = from_centiseconds(advert.interval_cs)
    if interval != config.advert_interval:
        return Judged(
            Verdict.INTERVAL,
            f"interval {seconds_text(interval)}, ours is {seconds_text(config.advert_interval)}",
        )
    return None


def _check_content(instance: VrrpInstance, arrived: Arrived, message: bytes, advert: Advert) -> Judged:
    config = instance.config
    if not advert.addresses and instance.presence.advertised:
        return Judged(Verdict.COUNT_ZERO, "no address in it")
    if advert.interval_cs == 0:
        return Judged(Verdict.INTERVAL_ZERO, "interval 0")
    notes: list[tuple[str, str]] = []
    interval = from_centiseconds(advert.interval_cs)
    if interval != config.advert_interval:
        notes.append(
            (
                "advert_interval_err",
                f"interval {seconds_text(interval)}, ours is {seconds_text(config.advert_interval)}",
            )
        )
    dialect, old_unicast = _dialect(instance, arrived, message if config.family == 4 else arrived.message)
    if not dialect:
        return Judged(Verdict.CHECKSUM, "the checksum is wrong", advert)
    if config.family == 4 and config.version == 3 and (dialect == PLAIN) is not config.v3_checksum_as_v2:
        notes.append(("chk_other_dialect", f"its checksum is of the other dialect ({dialect})"))
    multicast = arrived.destination[0] == 0xFF if config.family == 6 else arrived.destination[0] >> 4 == 0xE
    if multicast is config.unicast or (multicast and arrived.destination != instance.group_key):
        ours = "unicast" if config.unicast else f"for {config.group_address}"
        return Judged(Verdict.DESTINATION, f"sent to {ipaddress.ip_address(arrived.destination)}, ours is {ours}")
    if config.owner and config.owner_ignore_adverts:
        return Judged(Verdict.OWNER, "we own the address and are told to ignore others")
    refusal = _check_addresses(instance, arrived, advert, notes) or _check_peer(instance, arrived)
    if refusal is not None:
        return refusal
    if arrived.source == instance.source_key:
        return Judged(Verdict.OWN, "from our own address: looped back, or a duplicate address", advert)
    heard = Heard(advert.priority, arrived.source, arrived.sender, interval)
    detail = "; ".join(sentence for _, sentence in notes)
    return Judged(Verdict.OK, detail, advert, heard, tuple(notes), old_unicast)


def _dialect(instance: VrrpInstance, arrived: Arrived, message: bytes) -> tuple[str, bool]:
    """The checksum's dialect, and whether it is the old unicast form (group address in the pseudo-header)."""
    dialect = checksum_dialect(message, arrived.source, arrived.destination)
    config = instance.config
    if dialect == PSEUDO or not config.unicast or config.version != 3 or config.old_unicast_checksum == "never":
        return dialect, False
    if checksum_dialect(message, arrived.source, instance.group_key) == PSEUDO:
        return PSEUDO, True
    return dialect, False


def _check_addresses(
    instance: VrrpInstance, arrived: Arrived, advert: Advert, notes: list[tuple[str, str]]
) -> Judged | None:
    """Compare the lists, whatever their order. Strict v2 refuses a difference unless the sender owns the address.

    Source: RFC 9568 7.1, RFC 3768 7.1; keepalived.conf(5) vrrp_skip_check_adv_addr.
    """
    config = instance.config
    if config.skip_check_adv_addr and arrived.sender == instance.master and instance.state is State.BACKUP:
        return None
    if config.family == 6 and config.strict and advert.addresses and advert.addresses[0][:2] != b"\xfe\x80":
        return Judged(Verdict.ADDRESS_LIST, "the first address is not link-local", advert)
    if (
        frozenset(advert.addresses) == instance.presence.advertised
        and len(advert.addresses) == instance.presence.advertised_count
    ):
        return None
    theirs = ", ".join(str(ipaddress.ip_address(one)) for one in advert.addresses[:8])
    sentence = f"address list differs from ours: {theirs or 'none'}"
    if config.strict and config.version == 2 and advert.priority != 255:
        return Judged(Verdict.ADDRESS_LIST, sentence, advert)
    notes.append(("addr_list_err", sentence))
    return None


def _check_peer(instance: VrrpInstance, arrived: Arrived) -> Judged | None:
    """Unicast: the source is a peer and its TTL within bounds, where asked for.

    Source: keepalived.conf(5) check_unicast_src, unicast_peer min_ttl, max_ttl.
    """
    config = instance.config
    bounded = any(peer.min_ttl is not None or peer.max_ttl is not None for peer in config.unicast_peers)
    if not config.unicast or not (config.check_unicast_source or bounded):
        return None
    sender = arrived.sender
    peer = next((one for one in config.unicast_peers if one.address == sender), None)
    if peer is None:
        return Judged(Verdict.SOURCE, f"{sender} is not one of the peers")
    low, high = peer.min_ttl or 0, 255 if peer.max_ttl is None else peer.max_ttl
    if (low, high) != (0, 255) and (arrived.ttl is None or not low <= arrived.ttl <= high):
        return Judged(Verdict.TTL, f"TTL {arrived.ttl} is outside {low}..{high}")
    return None
