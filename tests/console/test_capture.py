"""A filtered, pausable view on the ring of packets."""

from __future__ import annotations

from collections import deque

import msgspec
import pytest

from hatui import capture
from hatui.capture import PacketView
from hatui.filters import packet_filter
from hatui.frames import facts
from hatui.store import Store
from tests.console.recording import S, packets

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


def test_what_left_the_ring_leaves_the_view() -> None:
    view, ring = PacketView(), deque(PACKETS[:10], maxlen=10)
    view.update(ring, 10)
    ring.extend(PACKETS[10:15])
    view.update(ring, 15)
    assert list(view.rows) == PACKETS[5:15]
    assert list(view.numbers) == list(range(5, 15))
    assert view.index(4) is None
    assert view.index(7) == 2


def test_pause_keeps_what_it_froze_when_the_ring_goes_on() -> None:
    view, ring = PacketView(), deque(PACKETS[:10], maxlen=10)
    view.update(ring, 10)
    view.pause()
    ring.extend(PACKETS[10:15])
    view.update(ring, 15)
    assert list(view.rows) == PACKETS[:10]
    assert view.waiting == 5
    view.pause()
    view.update(ring, 15)
    assert list(view.rows) == PACKETS[5:15]


def test_past_is_searched_in_slices_from_the_newest_on() -> None:
    many = [msgspec.structs.replace(PACKETS[number % 2], seq=number) for number in range(5_000)]
    view, ring = PacketView(), deque(many)
    view.set_filter("vrid==51", ring, 5_000)
    assert view.unsearched == 5_000 - capture.SLICE
    assert len(view.rows) == capture.SLICE // 2
    ring.append(msgspec.structs.replace(PACKETS[0], seq=5_000))
    view.update(ring, 5_001)
    assert view.rows[-1].seq == 5_000
    while view.search(ring, 5_001):
        pass
    assert [packet.seq for packet in view.rows] == [*range(0, 5_000, 2), 5_000]
    assert list(view.numbers) == [*range(0, 5_000, 2), 5_000]


@pytest.mark.parametrize("text", ["age<5", "age>=5", "age<5 || vrid==52", "!(age<3) && age<=8s"])
def test_age_is_asked_again_as_time_goes_on(text: str) -> None:
    view, ring = PacketView(), deque(PACKETS)
    now = PACKETS[-1].mono_ns
    view.set_filter(text, ring, len(ring), now)
    for later in range(0, 12 * S, S // 3):
        view.update(ring, len(ring), now + later)
        wanted = [packet for packet in PACKETS if packet_filter(text)(facts(packet, now + later))]
        assert list(view.rows) == wanted


def test_ring_that_was_emptied_begins_anew_also_in_a_pause() -> None:
    view, ring = PacketView(), deque(PACKETS[:10])
    view.update(ring, 10)
    view.pause()
    ring.clear()
    view.update(ring, 10)
    assert not view.rows
    assert not view.paused
    ring.extend(PACKETS[20:25])
    view.update(ring, 15)
    assert list(view.rows) == PACKETS[20:25]
    assert list(view.breaks) == [10]


def test_marks_are_paired_in_order_of_time() -> None:
    view, ring = PacketView(), deque(PACKETS)
    view.update(ring, len(ring))
    assert view.pair(3) is None
    assert view.mark(7)
    assert view.pair(3) == (PACKETS[3], PACKETS[7])
    assert view.pair(7) is None
    view.mark(2)
    assert view.pair(5) == (PACKETS[2], PACKETS[7])
    view.mark(7)
    assert list(view.marked.values()) == [PACKETS[2]]


def test_what_is_held_is_bounded_whatever_comes() -> None:
    store = Store(packets=1_000)
    view = PacketView()
    for number in range(5_000):
        store.apply(msgspec.structs.replace(PACKETS[number % len(PACKETS)], seq=number))
        if number == 2_000:
            view.pause()
        if number % 50 == 0:
            view.update(store.packets, store.packets_seen)
    assert len(store.packets) == 1_000
    assert len(view.rows) <= 1_000
    view.pause()
    view.update(store.packets, store.packets_seen)
    assert len(view.rows) == len(view.numbers) == 1_000
    assert len(view._held) == 0


def test_ring_is_bounded_by_octets_too() -> None:
    store = Store(packet_octets=60_000)
    big = msgspec.structs.replace(PACKETS[0], frame=bytes(2_000))
    for number in range(100):
        store.apply(msgspec.structs.replace(big, seq=number))
        store.apply(msgspec.structs.replace(PACKETS[0], seq=number))
    held = sum(len(packet.frame) for packet in store.packets)
    assert held <= 60_000
    assert held == store.packet_octets
    assert store.packets_seen == 200
    assert store.packets[-1].seq == 99
