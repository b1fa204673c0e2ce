"""Nodes beside each other: equal, different, unknown; routers without a link; sources that are not ours."""

from __future__ import annotations

from collections import deque

import msgspec
from textual.pilot import Pilot

from engine.messages import InstanceStatus, PacketLine, Snapshot, Verdict
from hatui.app import HatuiApp
from hatui.peers import Cell, Comparison, Wire, compare
from hatui.store import Connection, LinkState, NodeTold, Store
from hatui.widgets.peers import PeerTable
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import (
    DNS,
    ENGINE,
    HELLO,
    MS,
    NOW,
    SESSION,
    SNAPSHOT,
    VIEWER,
    WEB,
    S,
    advert,
    heartbeat,
    packet,
)

OTHER = msgspec.structs.replace(HELLO, host="lb-b")


def store_of(*lines: object) -> Store:
    store = Store()
    for line in (LinkState(Connection.LIVE, NOW), *lines):
        store.apply(line)  # type: ignore[arg-type]
    return store


def two_nodes(there: InstanceStatus, fingerprint: str = "9f2c41aa07de") -> Store:
    engine = msgspec.structs.replace(ENGINE, host="lb-b", config_fingerprint=fingerprint)
    told: list[NodeTold] = []
    for node, hello, one, own in (("lb-a", HELLO, WEB, ENGINE), ("lb-b", OTHER, there, engine)):
        told += [
            NodeTold(node, line)
            for line in (LinkState(Connection.LIVE, NOW), hello, Snapshot((one, own), 1, NOW), heartbeat())
        ]
    return store_of(HELLO, *told)


def cells(found: Comparison, group: str, label: str) -> tuple[Cell, ...]:
    return next(row.cells for row in found.rows if row.key == (group, label))


BACKUP = msgspec.structs.replace(
    DNS, name="VI_WEB", vrid=51, version=2, source="10.0.0.12", master="10.0.0.11", addresses=WEB.addresses
)


def test_engines_by_link_are_beside_each_other_and_equal_things_carry_no_mark() -> None:
    found = compare(two_nodes(BACKUP), Wire(), NOW)
    assert [node.name for node in found.nodes] == ["lb-a", "lb-b"]
    assert [cell.text for cell in cells(found, "VI_WEB", "state")] == ["MASTER", "backup"]
    assert [cell.text for cell in cells(found, "VI_WEB", "addresses")] == ["10.0.0.100", "10.0.0.100"]
    assert found.differences == 0


def test_what_ought_to_be_equal_and_is_not_is_marked() -> None:
    other = msgspec.structs.replace(BACKUP, version=3, addresses=DNS.addresses)
    found = compare(two_nodes(other, "aaaa"), Wire(), NOW)
    assert [cell.differs for cell in cells(found, "VI_WEB", "addresses")] == [False, True]
    assert [cell.differs for cell in cells(found, "VI_WEB", "adverts")] == [False, True]
    assert [cell.differs for cell in cells(found, "node", "config")] == [False, True]
    assert found.differences == 3


def test_two_masters_are_marked_on_both_sides() -> None:
    found = compare(two_nodes(msgspec.structs.replace(WEB, source="10.0.0.12")), Wire(), NOW)
    assert [(cell.role, cell.differs) for cell in cells(found, "VI_WEB", "state")] == [("bad", True)] * 2


def test_silent_node_is_unknown_and_no_difference() -> None:
    store = two_nodes(BACKUP)
    store.nodes["lb-b"].apply(LinkState(Connection.LOST, NOW))
    found = compare(store, Wire(), NOW)
    assert cells(found, "VI_WEB", "state")[1].text == "UNKNOWN (was backup)"
    assert cells(found, "VI_WEB", "priority")[1].text == "unknown"
    assert cells(found, "VI_WEB", "state")[0].text == "MASTER"


def heard(*lines: PacketLine) -> Wire:
    wire = Wire()
    wire.update(deque(lines), len(lines))
    return wire


def test_router_without_a_link_is_known_by_its_adverts_and_otherwise_unknown() -> None:
    store = store_of(HELLO, SNAPSHOT, heartbeat())
    found = compare(store, Wire(), NOW)
    assert [node.name for node in found.nodes] == ["lb-a", "10.0.0.12"]
    assert [cell.text for cell in cells(found, "VI_WEB", "state")] == ["MASTER", "unknown, heard 3d04h ago"]
    assert cells(found, "VI_WEB", "addresses")[1] == Cell("unknown", "unknown")
    assert cells(found, "VI_DNS", "state")[1].text == "MASTER"
    assert found.differences == 0
    said = advert("10.0.0.12", 53, 150, "10.0.0.99", version=3)
    found = compare(store, heard(packet(1, -500 * MS, said, "VI_DNS", Verdict.OK)), NOW)
    assert cells(found, "VI_DNS", "addresses")[1] == Cell("10.0.0.99", "warn", differs=True)
    assert cells(found, "VI_DNS", "heard")[1].text == "0.5s ago"


def test_foreign_virtual_routers_and_adverts_not_obeyed_are_listed_and_are_no_column() -> None:
    store = store_of(HELLO, SNAPSHOT, heartbeat())
    wire = heard(
        packet(1, -S, advert("10.0.0.77", 51, 200, "10.0.0.200"), "VI_WEB", Verdict.AUTH_TYPE),
        packet(2, -S, advert("10.0.0.88", 99, 1, "10.0.0.201"), "", Verdict.VRID),
        packet(3, -S, advert("10.0.0.88", 99, 1, "10.0.0.201"), "", Verdict.VRID),
        packet(4, -S, advert("10.0.0.11", 51, 150, "10.0.0.100"), "VI_WEB", Verdict.SENT),
    )
    found = compare(store, wire, NOW)
    assert "10.0.0.77" not in [node.name for node in found.nodes]
    texts = [text for text, _ in found.foreign]
    assert any("10.0.0.77 on eth0 vrid 51 prio 200" in text and "not obeyed by VI_WEB" in text for text in texts)
    assert any("10.0.0.88 on eth0 vrid 99" in text and "foreign VRID; 2 adverts" in text for text in texts)
    assert len(texts) == 2


def test_each_packet_is_looked_at_once_and_sources_are_bounded() -> None:
    wire, ring = Wire(), deque[PacketLine](maxlen=5000)
    for number in range(3000):
        source = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        ring.append(packet(number, number, advert(source, 99, 1, "10.9.9.9"), "", Verdict.VRID))
        wire.update(ring, number + 1)
        wire.update(ring, number + 1)
    assert wire.looked == 3000
    assert len(wire.heard) == 1000


def test_what_was_heard_live_is_not_told_of_the_time_of_a_replay() -> None:
    ring = deque(
        [packet(number, number, advert("10.0.0.77", 99, 1, "10.9.9.9"), "", Verdict.VRID) for number in (1, 2)]
    )
    wire = Wire()
    wire.update(ring, 2)
    assert wire.heard
    wire.update(deque(), 0)
    assert not wire.heard
    wire.update(ring, 2)
    assert [one.count for one in wire.heard.values()] == [2], "live again, and counted anew"


async def _peers(pilot: Pilot[None], words: str) -> str:
    await settle(pilot)
    await pilot.press("6")
    return await until(pilot, words)


async def test_screen_shows_columns_foreign_sources_and_opens_the_detail(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 40)) as pilot:
        text = await _peers(pilot, "6[Peers]")
        assert "10.0.0.12 (heard)" in text
        assert "1 of 2 nodes by link" in text
        assert "10.0.0.77 on eth0 vrid 51 prio 200" in text
        assert "packets" in link.topics
        await pilot.press("d")
        await until(pilot, "differences only")
        await pilot.press("escape", "slash", *"VI_DB", "enter")
        text = await settle(pilot)
        assert "VI_DB  vrid 54" in text
        assert "VI_WEB  vrid 51" not in text
        await pilot.press("enter")
        await until(pilot, "! VI_DB  FAULT")
        await pilot.press("escape")
        assert "6[Peers]" in await settle(pilot)


async def test_screen_with_the_engine_lost_a_viewer_and_another_size(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 24)) as pilot:
        await _peers(pilot, "6[Peers]")
        link.feed(VIEWER)
        await pilot.resize_terminal(160, 45)
        await settle(pilot)
        link.feed(LinkState(Connection.LOST, NOW, "gone", NOW + S))
        text = await until(pilot, "UNKNOWN (was MASTER)")
        assert "SILENT, lost" in text
        assert not [row for row in text.splitlines() if row.startswith("   state") and " MASTER " in row]


async def test_only_visible_rows_of_250_instances_are_drawn(console: HatuiApp, link: StagedLink) -> None:
    many = tuple(msgspec.structs.replace(WEB, name=f"VI_{number}", vrid=number % 255 + 1) for number in range(250))
    async with console.run_test(size=(80, 24)) as pilot:
        await _peers(pilot, "6[Peers]")
        link.feed(Snapshot((*many, ENGINE), 9, NOW), heartbeat())
        await until(pilot, "VI_0  vrid 1")
        table = console.screen.query_one(PeerTable)
        drawn = []
        body_at = table.body_at
        table.body_at = lambda index: drawn.append(index) or body_at(index)  # type: ignore[method-assign]
        console.paint()
        assert table.count > 1400
        assert 0 < len(set(drawn)) <= table.size.height


def test_recorded_session_compares_without_a_word_that_nobody_said() -> None:
    store = store_of(*SESSION)
    wire = Wire()
    wire.update(store.packets, store.packets_seen)
    for row in compare(store, wire, NOW).rows:
        for cell in row.cells[1:]:
            if row.key[1] in ("engine", "config"):
                assert cell.text == "unknown"
