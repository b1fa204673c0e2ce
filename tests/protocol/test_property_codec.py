"""Properties of the codec that hold for all octets and all fields. The second opinion is
tests/scenarios/octets.py, which shares no line with the codec."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PacketError
from engine.protocol import packet, timing
from tests.scenarios import octets

ADDRESS4 = st.binary(min_size=4, max_size=4)
ADDRESS6 = st.binary(min_size=16, max_size=16)


@st.composite
def adverts(draw: st.DrawFn) -> tuple[packet.Advert, bytes, bytes]:
    """An advert with every field in range, its source and destination."""
    version = draw(st.sampled_from((2, 3)))
    family = 4 if version == 2 else draw(st.sampled_from((4, 6)))
    address = ADDRESS4 if family == 4 else ADDRESS6
    return (
        packet.Advert(
            version=version,
            vrid=draw(st.integers(1, 255)),
            priority=draw(st.integers(0, 255)),
            interval_cs=draw(st.integers(1, 255)) * 100 if version == 2 else draw(st.integers(1, 4095)),
            addresses=tuple(draw(st.lists(address, min_size=1, max_size=20))),
            auth_type=draw(st.integers(0, 255)) if version == 2 else 0,
            auth_data=draw(st.binary(min_size=8, max_size=8)) if version == 2 else b"",
        ),
        draw(address),
        draw(address),
    )


@given(st.binary(max_size=300), st.sampled_from((4, 6)))
def test_decoder_raises_nothing_but_its_own_error_on_any_octets(data: bytes, family: int) -> None:
    """P1, V3-7.1-04: whatever arrives, an advert or a PacketError."""
    try:
        advert = packet.decode(data, family)
    except PacketError:
        return
    assert data[0] & 15 == 1
    assert len(data) == packet.message_length(advert.version, len(advert.addresses), family)


@given(st.binary(max_size=120), st.binary(max_size=60))
def test_envelope_parsers_raise_nothing_but_their_own_error(data: bytes, tail: bytes) -> None:
    """P1: the IPv4 header and the authentication header."""
    for octet_string in (data, b"\x45" + data, b"\x4f" + data + tail):
        try:
            envelope = packet.parse_ipv4(octet_string)
        except PacketError:
            continue
        assert len(envelope.payload) <= max(envelope.total_length - len(envelope.header), 0)
        assert envelope.complete or envelope.total_length != len(octet_string)
        try:
            packet.parse_ah(envelope.payload)
        except PacketError:
            assert len(envelope.payload) < packet.AH_LENGTH


@given(adverts(), st.sampled_from((packet.PSEUDO, packet.PLAIN)))
def test_decode_undoes_encode(made: tuple[packet.Advert, bytes, bytes], dialect: str) -> None:
    """P2: every field comes back, and the checksum is found right in the dialect that was written."""
    advert, source, destination = made
    message = packet.encode(advert, source, destination, dialect)
    assert packet.decode(message, 4 if len(source) == 4 else 6) == advert
    found = packet.checksum_dialect(message, source, destination)
    wanted = packet.PLAIN if advert.version == 2 else packet.PSEUDO if len(source) == 16 else dialect
    assert found == wanted or (found == packet.PSEUDO and octets.ones_sum(message) == 0)


@given(adverts(), st.sampled_from((packet.PSEUDO, packet.PLAIN)))
def test_encoder_writes_what_a_second_encoder_writes(made: tuple[packet.Advert, bytes, bytes], dialect: str) -> None:
    """P2: octet for octet."""
    advert, source, destination = made
    expected = octets.message(
        version=advert.version,
        vrid=advert.vrid,
        priority=advert.priority,
        addresses=tuple(str(ipaddress.ip_address(one)) for one in advert.addresses),
        interval=advert.interval_cs // 100 if advert.version == 2 else advert.interval_cs,
        auth_type=advert.auth_type,
        password=advert.auth_data,
        source=str(ipaddress.ip_address(source)),
        destination=str(ipaddress.ip_address(destination)),
        pseudo=advert.version == 3 and (len(source) == 16 or dialect == packet.PSEUDO),
    )
    assert packet.encode(advert, source, destination, dialect) == expected


OUT_OF_RANGE = (
    {"version": 1},
    {"version": 4},
    {"vrid": 0},
    {"vrid": 256},
    {"priority": -1},
    {"priority": 256},
    {"interval_cs": 0},
    {"interval_cs": 4096},
    {"interval_cs": -1},
    {"addresses": ()},
    {"addresses": (b"\1\2\3\4",) * 256},
    {"addresses": (bytes(16),)},
    {"addresses": (b"\1\2\3",)},
    {"auth_type": 1},
    {"auth_data": bytes(8)},
    {"version": 2, "interval_cs": 50},
    {"version": 2, "interval_cs": 25600},
    {"version": 2, "auth_type": 256},
    {"version": 2, "auth_data": b"short"},
)


@pytest.mark.parametrize("wrong", OUT_OF_RANGE, ids=str)
def test_encoder_refuses_what_is_out_of_range(wrong: dict[str, object]) -> None:
    """P2, V3-6.1-02."""
    right: dict[str, object] = {
        "version": 3,
        "vrid": 1,
        "priority": 100,
        "interval_cs": 100,
        "addresses": (b"\1\2\3\4",),
    }
    with pytest.raises(PacketError):
        packet.encode(packet.Advert(**{**right, **wrong}), bytes(4), bytes(4))  # type: ignore[arg-type]


@given(adverts(), st.data())
@settings(max_examples=200)
def test_one_flipped_bit_never_keeps_the_checksum(
    made: tuple[packet.Advert, bytes, bytes], data: st.DataObject
) -> None:
    """P3: in the dialect in which the message was written."""
    advert, source, destination = made
    message = packet.encode(advert, source, destination)
    bit = data.draw(st.integers(0, len(message) * 8 - 1))
    broken = bytearray(message)
    broken[bit // 8] ^= 1 << bit % 8
    right = packet.expected_checksum(message, source, destination)
    assert int.from_bytes(message[6:8], "big") == right
    changed = packet.expected_checksum(bytes(broken), source, destination)
    assert int.from_bytes(broken[6:8], "big") != changed or broken[0] >> 4 != message[0] >> 4


@given(st.sampled_from((2, 3)), st.integers(10_000_000, 40_950_000_000), st.integers(1, 254))
def test_higher_priority_has_strictly_smaller_skew(version: int, interval: int, priority: int) -> None:
    """P11: integers, strictly falling, below one interval (v3) or one second (v2)."""
    skew = timing.skew_time(version, priority, interval)
    better = timing.skew_time(version, priority + 1, interval)
    assert isinstance(skew, int)
    assert 0 < better < skew < (interval if version == 3 else timing.NS_PER_S)
    assert timing.master_down_interval(version, priority, interval) == 3 * interval + skew


@pytest.mark.parametrize(
    ("version", "interval_cs", "priority", "skew", "down"),
    [
        (2, 100, 1, 996_093_750, 3_996_093_750),
        (2, 100, 100, 609_375_000, 3_609_375_000),
        (2, 100, 255, 3_906_250, 3_003_906_250),
        (2, 1000, 100, 609_375_000, 30_609_375_000),
        (3, 100, 200, 218_750_000, 3_218_750_000),
        (3, 10, 254, 781_250, 300_781_250),
        (3, 4095, 255, 159_960_937, 123_009_960_937),
    ],
)
def test_intervals_of_the_book(version: int, interval_cs: int, priority: int, skew: int, down: int) -> None:
    """V3-6.1-04, V3-6.1-05, V2-6.1-01, V2-6.1-02: a whole number of ns, cut."""
    interval = timing.from_centiseconds(interval_cs)
    assert timing.skew_time(version, priority, interval) == skew
    assert timing.master_down_interval(version, priority, interval) == down
