"""What a client does beside a drill: other nodes hold still, packets are fetched, probes report."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.errors import EngineLost, HatuiError, Refused
from engine.messages import (
    Command,
    ConfigText,
    GetConfig,
    GetDrillPackets,
    OtherRouter,
    Outcome,
    ProbeSeen,
    Reply,
    ReserveDrill,
)
from hatui import drilling

WISH = ReserveDrill("lb-a", "silent-master", "VI_1", 30)


class Node:
    """Another engine, as far as it is asked."""

    def __init__(self, code: str = "", *, lost: bool = False) -> None:
        self.code, self.lost = code, lost
        self.heard: list[Command] = []

    async def __call__(self, command: Command) -> Reply:
        self.heard.append(command)
        if self.lost and len(self.heard) > 1:
            raise EngineLost("gone")
        return Reply(0, Outcome.REFUSED if self.code else Outcome.DONE, self.code, "lb-c drills VI_1")


async def test_other_nodes_hold_still_as_long_as_the_drill_runs() -> None:
    b, c = Node(), Node(lost=True)
    async with drilling.held({"lb-b": b, "lb-c": c}, WISH):
        assert (b.heard, c.heard) == ([WISH], [WISH])
    assert b.heard[1:] == [ReserveDrill("lb-a", "silent-master", "VI_1", 0)]


async def test_they_are_told_again_as_long_as_it_goes_on_and_never_after_its_end() -> None:
    b, c = Node(), Node(lost=True)
    short = ReserveDrill("lb-a", "silent-master", "VI_1", 0.5)
    async with drilling.held({"lb-b": b, "lb-c": c}, short, every=0):
        while len(b.heard) < 4 or len(c.heard) < 4:
            await asyncio.sleep(0)
        assert {one.seconds for one in b.heard} == {drilling.HOLD_S}  # type: ignore[union-attr]
    assert b.heard[-1] == ReserveDrill("lb-a", "silent-master", "VI_1", 0)
    told = len(b.heard)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(b.heard) == told


@pytest.mark.parametrize("why", [asyncio.CancelledError(), EngineLost("gone")], ids=["it leaves", "its link is lost"])
async def test_they_hold_still_to_the_end_of_their_time_when_whoever_told_them_leaves(why: BaseException) -> None:
    b = Node()
    with pytest.raises(type(why)):
        async with drilling.held({"lb-b": b}, WISH):
            raise why
    assert b.heard == [WISH], "the drill goes on in its engine"


async def test_a_drill_elsewhere_is_named_and_what_was_held_is_let_go() -> None:
    b, c = Node(), Node("E-DRILL")
    with pytest.raises(Refused, match="lb-c: lb-c drills VI_1"):
        async with drilling.held({"lb-b": b, "lb-c": c}, WISH):
            raise AssertionError("nothing is done")
    assert [one.seconds for one in b.heard if isinstance(one, ReserveDrill)] == [30, 0]
    assert len(c.heard) == 1


async def test_packets_come_in_pieces() -> None:
    async def ask(command: Command) -> Reply:
        assert isinstance(command, GetDrillPackets)
        return Reply(0, Outcome.DONE, octets=b"0123456789"[command.offset :][:4], size=10)

    assert await drilling.packets(ask, 17) == b"0123456789"


def test_a_file_that_exists_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    drilling.write_packets(str(path), b"one")
    with pytest.raises(HatuiError, match="E-EXISTS"):
        drilling.write_packets(str(path), b"two")
    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_probe_elsewhere_reports_to_the_engine_and_ends_with_the_drill() -> None:
    node, said = Node(), list[str]()
    wish = drilling.Probing((f"{Path('/usr/bin/env')}",), "20ms", expect="")
    async with drilling.probing(node, "127.0.0.1", wish, said.append):
        while not any(isinstance(one, ProbeSeen) for one in node.heard):
            if said and "not permitted" in said[-1]:
                pytest.fail(said[-1])
            await asyncio.sleep(0)
    names = {one.name.rpartition(" ")[2] for one in node.heard if isinstance(one, ProbeSeen)}
    assert names <= {"icmp", "arp"}


async def test_configuration_of_the_other_router_goes_along_where_its_engine_gives_it() -> None:
    other = OtherRouter("lb-b", 90, 1_000_000_000)

    async def gives(command: Command) -> Reply:
        assert isinstance(command, GetConfig)
        return Reply(0, Outcome.DONE, files=(ConfigText("/a.conf", "priority 90", "d"),))

    found = await drilling.with_configuration(gives, other)
    assert found is not None
    assert found.files == (("/a.conf", "priority 90"),)
    assert await drilling.with_configuration(Node("E-ROLE"), other) == other
    assert await drilling.with_configuration(gives, None) is None
