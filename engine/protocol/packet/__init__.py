"""PURE: the octets of VRRP. What the engine sends and judges, and what the console takes apart.

checksum        the internet checksum and its pseudo-headers
codec           advertisements and IPv4 headers, both ways
authentication  the AH header
trailer         keepalived's keyed trailer (auth_hmac)
dissect         any captured frame as a tree of fields with octet ranges, secrets masked
"""

from __future__ import annotations

from engine.protocol.packet.authentication import (
    AH_LENGTH,
    AuthHeader,
    ah_packet,
    icv_fits,
    integrity_value,
    parse_ah,
    password_key,
)
from engine.protocol.packet.checksum import (
    PROTOCOL_AH,
    PROTOCOL_VRRP,
    internet_checksum,
    internet_sum,
    pseudo_header,
)
from engine.protocol.packet.codec import (
    AUTH_AH,
    AUTH_NONE,
    AUTH_PASS,
    GROUP_V4,
    GROUP_V6,
    PLAIN,
    PSEUDO,
    Advert,
    Envelope,
    checksum_dialect,
    decode,
    encode,
    expected_checksum,
    fields,
    ipv4_header,
    message_length,
    parse_ipv4,
)
from engine.protocol.packet.dissect import (
    FIELD_OF_VERDICT,
    Field,
    Summary,
    dissect,
    summarise,
    without_secrets,
)
from engine.protocol.packet.trailer import (
    TRAILER_LENGTH,
    Trailer,
    digest_fits,
    newer,
    parse_trailer,
    seal,
)

__all__ = [
    "AH_LENGTH",
    "AUTH_AH",
    "AUTH_NONE",
    "AUTH_PASS",
    "FIELD_OF_VERDICT",
    "GROUP_V4",
    "GROUP_V6",
    "PLAIN",
    "PROTOCOL_AH",
    "PROTOCOL_VRRP",
    "PSEUDO",
    "TRAILER_LENGTH",
    "Advert",
    "AuthHeader",
    "Envelope",
    "Field",
    "Summary",
    "Trailer",
    "ah_packet",
    "checksum_dialect",
    "decode",
    "digest_fits",
    "dissect",
    "encode",
    "expected_checksum",
    "fields",
    "icv_fits",
    "integrity_value",
    "internet_checksum",
    "internet_sum",
    "ipv4_header",
    "message_length",
    "newer",
    "parse_ah",
    "parse_ipv4",
    "parse_trailer",
    "password_key",
    "pseudo_header",
    "seal",
    "summarise",
    "without_secrets",
]
