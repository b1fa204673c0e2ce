"""Several engines as one: names carry their node, instants are those of one clock, commands find their node."""

from __future__ import annotations

import asyncio
import contextlib
from typing import get_args

import msgspec
import pytest

from engine.messages import (
    AnnounceNow,
    EngineStatus,
    EventLine,
    Failover,
    Heartbeat,
    Hello,
    PacketLine,
    Snapshot,
    Status,
    StatusGone,
    StatusLine,
)
from engine.messages.events import Event
from hatui import nodes
from hatui.link import Deliver
from hatui.merging import MergedLink
from hatui.sentences import problems
from hatui.store import Connection, LinkState, NodeTold, Store, Told
from tests.console.recording import DB, ENGINE, EVENTS, HELLO, NOW, SNAPSHOT, TRACKERS, WEB, S, heartbeat

BOTH = ("lb-a", "lb-b")


@pytest.mark.parametrize("kind", [*get_args(Status), *get_args(Event), Hello, Heartbeat, Snapshot, EventLine])
def test_every_whole_number_is_known_to_be_an_instant_or_a_figure(kind: type[msgspec.Struct]) -> None:
    """Else the clock of another node would stand in a table of this one."""
    for field in msgspec.structs.fields(kind):
        if field.type is int or field.type == int | None:
            assert (field.name in nodes.INSTANTS) != (field.name in nodes.FIGURES), f"{kind.__name__}.{field.name}"
        for inner in get_args(field.type):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and inner is not kind:
                test_every_whole_number_is_known_to_be_an_instant_or_a_figure(inner)


def test_instants_move_and_figures_stay() -> None:
    later = nodes.moved(DB, 5 * S)
    assert (later.since, later.heard_at) == (DB.since + 5 * S, DB.heard_at + 5 * S)
    assert later.deadline == 0, "no instant stays none"
    assert (later.advert_interval, later.priority, later.counters) == (DB.advert_interval, DB.priority, DB.counters)
    change = nodes.moved(EVENTS[2], -S)
    assert change.mono_ns == EVENTS[2].mono_ns - S
    assert change.wall_ns == EVENTS[2].wall_ns
    assert [one.at for one in change.event.evidence] == [one.at - S for one in EVENTS[2].event.evidence]  # type: ignore[union-attr]
    whole = nodes.moved(SNAPSHOT, S)
    assert [getattr(one, "since", 0) for one in whole.statuses] == [
        one.since + S if hasattr(one, "since") else 0 for one in SNAPSHOT.statuses
    ]


def test_names_carry_their_node() -> None:
    assert nodes.named(WEB, "lb-a").name == "lb-a:VI_WEB"
    assert nodes.named(WEB, "lb-a").sync_group == ""
    tracker = nodes.named(TRACKERS[0], "lb-a")
    assert (tracker.name, tracker.tracked_by) == ("lb-a:chk_haproxy", ("lb-a:VI_API",))
    line = nodes.named(StatusLine(WEB, NOW), "lb-a")
    assert isinstance(line.status, type(WEB))
    assert line.status.name == "lb-a:VI_WEB"
    assert nodes.named(StatusGone("tracker-status", "script chk_disk"), "lb-a").name == "script lb-a:chk_disk"
    assert nodes.named(StatusGone("instance-status", "VI_WEB"), "lb-a").name == "lb-a:VI_WEB"
    assert nodes.event_of(EVENTS[2], "lb-b", 9).event.instance == "lb-b:VI_API"  # type: ignore[union-attr]
    assert (nodes.event_of(EVENTS[0], "lb-b", 9).node, nodes.event_of(EVENTS[0], "lb-b", 9).seq) == ("lb-b", 9)
    packet = PacketLine(1, NOW, NOW, "eth0", "in", "advert", b"", "VI_WEB", "ok")  # type: ignore[arg-type]
    assert nodes.named(packet, "lb-b").instance == "lb-b:VI_WEB"


def test_command_finds_its_node_and_is_said_in_that_nodes_words() -> None:
    assert nodes.bare(Failover("lb-b:VI_1", "step-down"), BOTH) == ("lb-b", Failover("VI_1", "step-down"))
    assert nodes.bare(Failover("VI:1"), BOTH) == ("", Failover("VI:1")), "a colon in a name is not a node"
    assert nodes.bare(AnnounceNow(), BOTH) == ("", AnnounceNow())


def told(store: Store, node: str, *lines: object) -> None:
    for line in lines:
        store.apply(NodeTold(node, line))  # type: ignore[arg-type]


def test_silence_of_one_node_is_not_that_of_the_other() -> None:
    store = Store()
    for node in BOTH:
        told(store, node, LinkState(Connection.LIVE, NOW), HELLO, SNAPSHOT, heartbeat())
        store.apply(nodes.named(StatusLine(WEB, NOW), node))
    told(store, "lb-b", LinkState(Connection.LOST, NOW, "gone"))
    assert not store.silent(NOW, "lb-a:VI_WEB")
    assert store.silent(NOW, "lb-b:VI_WEB")
    said = problems(store, NOW)
    assert said[0].text.startswith("lb-b: connection lost")
    assert any(problem.instance == "lb-a:VI_DB" for problem in said)
    assert not any(problem.instance == "lb-b:VI_DB" for problem in said), "nothing is claimed of a lost node"


def test_one_engine_alone_has_no_nodes() -> None:
    store = Store()
    store.apply(LinkState(Connection.LIVE, NOW))
    store.apply(Snapshot((WEB, ENGINE), 0, NOW))
    assert store.nodes == {}
    assert store.node_of("lb-a:VI_WEB") is store
    assert isinstance(store.engine, EngineStatus)


async def test_nodes_stay_in_the_order_in_which_they_were_asked_for() -> None:
    class Silent:
        async def run(self, deliver: Deliver) -> None:
            await asyncio.Event().wait()

    told: list[Told] = []
    link = MergedLink({"lb-b": Silent(), "lb-a": Silent()}, clock=lambda: 0)  # type: ignore[dict-item]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await link.run(told.extend)
    store = Store()
    for line in told:
        store.apply(line)
    assert sorted(["lb-a:VI_1", "lb-b:VI_1", "lb-b:VI_0"], key=store.order_of) == [
        "lb-b:VI_1",
        "lb-b:VI_0",
        "lb-a:VI_1",
    ]
