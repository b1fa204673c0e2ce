"""A filtered, pausable view on the ring of packets."""

from __future__ import annotations

from collections import deque

import msgspec

from hatui import capture
from hatui.capture import PacketView
from tests.console.recording import packets

PACKETS = packets()


def test_takes_only_what_is_new_and_matches() -> None:
    view, ring = PacketView(), deque(PACKETS[:10])
    view.set_filter("vrid==51", ring, 10)
    first = len(view.rows)
    ring.extend(PACKETS[10:])
    view.update(ring, len(PACKETS))
    assert len(view.rows) > first
    assert list(view.rows) == [
        packet for packet in PACKETS if packet.frame[35:36] == b"\x33" and packet.kind == "advert"
    ]
    view.update(ring, len(PACKETS))
    assert len(set(view.rows)) == len(view.rows)


def test_pause_freezes_and_counts_and_going_on_loses_nothing() -> None:
    view, ring = PacketView(), deque(PACKETS[:10])
    view.update(ring, 10)
    view.pause()
    ring.extend(PACKETS[10:])
    view.update(ring, len(PACKETS))
    assert len(view.rows) == 10
    assert view.waiting == len(PACKETS) - 10
    view.pause()
    assert list(view.rows) == PACKETS
    assert view.waiting == 0


def test_filter_while_paused_shows_history_and_stays_paused() -> None:
    view, ring = PacketView(), deque(PACKETS)
    view.update(ring, len(ring))
    view.pause()
    view.set_filter("prio==200", ring, len(ring))
    assert {packet.verdict for packet in view.rows} == {"auth-type"}
    assert view.paused


def test_full_ring_says_how_far_rows_moved(monkeypatch: object) -> None:
    view = PacketView()
    view.rows = deque(maxlen=capture.RING)
    ring: deque[object] = deque(maxlen=capture.RING)
    many = [msgspec.structs.replace(PACKETS[0], seq=number) for number in range(capture.RING)]
    ring.extend(many)
    view.update(ring, capture.RING)  # type: ignore[arg-type]
    assert view.dropped == 0
    ring.extend(PACKETS[:5])
    view.update(ring, capture.RING + 5)  # type: ignore[arg-type]
    assert view.dropped == 5
    assert len(view.rows) == capture.RING
    assert view.rows[0].seq == 5
