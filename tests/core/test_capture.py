"""Frames and verdicts find each other, whichever comes first; what nobody judged is UNSEEN."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from engine.core import capture
from engine.core.capture import Capture
from engine.messages import PacketJudged, PacketLine, Verdict
from tests.core.test_frames import ADVERT3, PASSWORD, WANTED

FRAME = WANTED["advert"]
PACKET = FRAME[14:]
NAMES = {("eth0", 4, 50): "VI_1", ("eth0", 6, 51): "VI_6", "10.0.0.50": "VI_1"}


class Tapped:
    """A capture without a socket: the test is the wire and the Router."""

    def __init__(self) -> None:
        self.lines: list[PacketLine] = []
        self.masked: list[PacketLine] = []
        self.changed = asyncio.Event()
        self.capture = Capture(self._tell, time.monotonic_ns)
        self.capture._names = NAMES
        self.capture._taps = {"eth0": None}  # type: ignore[dict-item]

    def _tell(self, line: PacketLine, masked: PacketLine) -> None:
        self.lines.append(line)
        self.masked.append(masked)
        self.changed.set()

    def frame(self, octets: bytes = FRAME, *, outgoing: bool = False) -> None:
        self.capture._arrived("eth0", octets, outgoing, 1, 2)

    def verdict(self, verdict: Verdict = Verdict.OK, packet: bytes = PACKET, instance: str = "VI_1") -> None:
        self.capture.judged(PacketJudged("eth0", packet, instance, verdict, str(verdict)))

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.lines) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def tapped() -> AsyncIterator[Tapped]:
    made = Tapped()
    yield made
    made.capture._taps = {}
    made.capture.watch((), {})


async def test_verdict_after_the_frame(tapped: Tapped) -> None:
    tapped.frame()
    assert tapped.lines == []
    tapped.verdict(Verdict.AUTH_DATA)
    (line,) = tapped.lines
    assert (line.verdict, line.instance, line.direction, line.kind) == (Verdict.AUTH_DATA, "VI_1", "in", "advert")


async def test_verdict_before_the_frame(tapped: Tapped) -> None:
    tapped.verdict(Verdict.TTL)
    tapped.frame()
    assert [line.verdict for line in tapped.lines] == [Verdict.TTL]


async def test_equal_packets_get_their_verdicts_in_order(tapped: Tapped) -> None:
    for _ in range(3):
        tapped.frame()
    for one in (Verdict.OK, Verdict.OWN, Verdict.OK):
        tapped.verdict(one)
    assert [(line.seq, line.verdict) for line in tapped.lines] == [(1, Verdict.OK), (2, Verdict.OWN), (3, Verdict.OK)]


async def test_frame_without_a_verdict_is_unseen_after_a_moment(tapped: Tapped) -> None:
    tapped.frame()
    tapped.verdict(packet=PACKET + b"x")
    began = time.monotonic()
    await tapped.until(1)
    assert tapped.lines[0].verdict is Verdict.UNSEEN
    assert tapped.lines[0].instance == "VI_1"
    assert time.monotonic() - began >= capture.JOIN_S * 0.9
    while tapped.capture._verdicts:
        await asyncio.sleep(0.01)
    tapped.frame(FRAME)
    assert len(tapped.lines) == 1  # the late verdict of another packet was forgotten, not given to this one


async def test_outgoing_adverts_are_sent_and_announcements_have_no_verdict(tapped: Tapped) -> None:
    tapped.frame(outgoing=True)
    tapped.frame(WANTED["gratuitous ARP"])
    tapped.frame(WANTED["advert v6"], outgoing=True)
    assert [(line.kind, line.verdict, line.instance) for line in tapped.lines] == [
        ("advert", Verdict.SENT, "VI_1"),
        ("arp", Verdict.NONE, "VI_1"),
        ("advert", Verdict.SENT, "VI_6"),
    ]


async def test_ipv6_is_joined_by_the_message_alone(tapped: Tapped) -> None:
    tapped.frame(WANTED["advert v6"])
    tapped.verdict(packet=ADVERT3, instance="VI_6")
    assert [(line.verdict, line.instance) for line in tapped.lines] == [(Verdict.OK, "VI_6")]


async def test_viewers_get_no_password(tapped: Tapped) -> None:
    tapped.frame(outgoing=True)
    assert PASSWORD in tapped.lines[0].frame
    assert PASSWORD not in tapped.masked[0].frame
    assert len(tapped.masked[0].frame) == len(FRAME)


async def test_flood_without_verdicts_is_bounded(tapped: Tapped) -> None:
    for number in range(capture.PENDING + 100):
        tapped.frame(FRAME + number.to_bytes(4, "big"))
    assert len(tapped.capture._waiting) == capture.PENDING
    assert [line.verdict for line in tapped.lines] == [Verdict.UNSEEN] * 100
    for number in range(capture.PENDING * 2):
        tapped.verdict(packet=PACKET + number.to_bytes(4, "big"))
    assert len(tapped.capture._verdicts) <= capture.PENDING
