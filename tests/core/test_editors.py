"""Who edits the configuration: told, renewed, taken over, ended; never a lock."""

from __future__ import annotations

import msgspec
import pytest

from engine.core.editors import LEASE, Editors
from engine.core.peers import Peer
from engine.errors import Refused
from engine.messages import EditConfig, Request

ANNA = Peer(100, 0, (0,), "root", "anna", "pid 100 uid 0 pts/1", "operator")
BOB = Peer(200, 0, (0,), "root", "bob", "pid 200 uid 0 pts/2", "operator")


class Desk:
    """Editors with a clock that stands still."""

    def __init__(self) -> None:
        self.now = 1_000
        self.changes = 0
        self.editors = Editors(lambda: self.now, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def say(self, peer: Peer, *, editing: bool = True, take_over: bool = False) -> str:
        reply = await self.editors.answer(Request(1, EditConfig(editing, take_over)), peer, lambda _text: None)
        return reply.text


async def test_first_one_is_told_to_everybody_and_renewing_keeps_the_beginning() -> None:
    desk = Desk()
    assert desk.editors.now.by == ""
    assert await desk.say(ANNA) == ANNA.origin
    desk.now += 30
    await desk.say(ANNA)
    held = desk.editors.now
    assert (held.by, held.origin, held.since, held.until) == ("anna", ANNA.origin, 1_000, 1_030 + LEASE)
    assert desk.changes == 2


async def test_second_one_is_refused_until_it_takes_over() -> None:
    desk = Desk()
    await desk.say(ANNA)
    with pytest.raises(Refused, match="anna edits the configuration") as refused:
        await desk.say(BOB)
    assert refused.value.code == "E-EDITING"
    desk.now += 5
    await desk.say(BOB, take_over=True)
    assert (desk.editors.now.by, desk.editors.now.since) == ("bob", 1_005)
    with pytest.raises(Refused):
        await desk.say(ANNA)


async def test_another_console_of_the_same_person_is_another_one() -> None:
    desk = Desk()
    await desk.say(ANNA)
    with pytest.raises(Refused):
        await desk.say(msgspec.structs.replace(ANNA, pid=101, origin="pid 101 uid 0 pts/3"))


async def test_claim_ends_when_it_is_said_or_no_longer_renewed_and_only_by_its_holder() -> None:
    desk = Desk()
    await desk.say(ANNA)
    await desk.say(BOB, editing=False)
    assert desk.editors.now.by == "anna"
    await desk.say(ANNA, editing=False)
    assert desk.editors.now.by == ""
    await desk.say(ANNA)
    desk.now += LEASE
    assert desk.editors.now.by == ""
    await desk.say(BOB)
    assert desk.editors.now.by == "bob"
