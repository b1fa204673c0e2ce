"""`hatui vrids IF`: which virtual router ids are in use on a network, and which are free.

Invariant: "free" means neither configured here nor heard while it listened, and the listening is said in seconds;
an interface on which nobody listens gets no answer but the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib

import msgspec

from engine.client import EngineClient
from engine.errors import HatuiError
from engine.messages import InstanceStatus, InterfaceStatus, PacketLine, Verdict
from hatui.commands import session
from hatui.commands.figures import seconds
from hatui.commands.terminal import count, painted, say, say_json, table
from hatui.frames import PASSED, summary
from hatui.text import Span, plain

EPILOG = """\
exit codes: 0, 1 a VRID of ours is also used by somebody else, or nobody listens on that interface,
            2 usage, 3 no engine"""
LISTEN_S = 3.5
"""Long enough for a router that sends once a second, and for one that missed its turn."""
MOST = 255


class Use(msgspec.Struct):
    """One VRID in use."""

    vrid: int
    family: int
    instances: list[str]
    """Ours; empty when it is not configured here."""
    senders: dict[str, str]
    """Address of a sender -> priority and verdict, as last heard."""
    foreign: bool = False
    """An advert of somebody else was rejected: perhaps another group uses our VRID."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("interface", metavar="IF", help="an interface on which the engine runs an instance")
    parser.add_argument(
        "--listen",
        type=seconds,
        default=LISTEN_S,
        metavar="SECONDS",
        help=f"how long to listen (default {LISTEN_S:g}; 0 does not: only what is configured)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Listen, and tell."""
    return session.run(_vrids(chosen))


async def _vrids(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        ours = [
            one
            for one in client.snapshot.statuses
            if isinstance(one, InstanceStatus) and one.interface == chosen.interface
        ]
        if not ours:
            raise HatuiError(_nobody_listens(client, chosen.interface))
        uses: dict[tuple[int, int], Use] = {}
        for status in ours:
            use = uses.setdefault((status.family, status.vrid), Use(status.vrid, status.family, [], {}))
            use.instances.append(status.name)
        heard = 0
        if chosen.listen > 0:
            heard = await _listen(client, chosen, uses, {status.source for status in ours})
    found = sorted(uses.values(), key=lambda use: (use.family, use.vrid))
    families = sorted({use.family for use in found})
    if chosen.json:
        say_json(_record(chosen, found, families, heard))
    else:
        _tell(chosen, found, families, heard)
    return 1 if any(use.foreign for use in found) else 0


def _nobody_listens(client: EngineClient, name: str) -> str:
    known = sorted({one.interface for one in client.snapshot.statuses if isinstance(one, InstanceStatus)})
    there = any(
        isinstance(one, InterfaceStatus) and one.name == name and one.exists for one in client.snapshot.statuses
    )
    why = "no instance runs there, so the engine does not listen" if there else "the engine runs no instance there"
    return f"{name}: {why}; it listens on {', '.join(known) or 'no interface'}"


async def _listen(
    client: EngineClient, chosen: argparse.Namespace, uses: dict[tuple[int, int], Use], own: set[str]
) -> int:
    """Book every advert of that interface. Returns how many were heard."""
    heard = 0
    await client.subscribe("packets")

    async def hear() -> None:
        nonlocal heard
        async for told in client.lines():
            if isinstance(told, PacketLine) and told.interface == chosen.interface and told.kind == "advert":
                heard += 1
                _book(told, uses, own)

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hear(), chosen.listen)
    return heard


def _book(packet: PacketLine, uses: dict[tuple[int, int], Use], own: set[str]) -> None:
    frame = summary(packet.frame)
    if not frame.vrid:
        return
    family = 6 if ":" in frame.source else 4
    use = uses.setdefault((family, frame.vrid), Use(frame.vrid, family, [], {}))
    rejected = packet.verdict not in PASSED and packet.verdict not in (Verdict.VRID, Verdict.NOT_RUNNING)
    words = f"priority {frame.priority}" + (f", {packet.verdict.value}" if rejected else "")
    use.senders[frame.source] = words
    use.foreign |= rejected and bool(use.instances) and frame.source not in own


def free_ranges(used: set[int]) -> str:
    """The VRIDs 1..255 that are not used, as ranges: 1-50 52-255."""
    free = [vrid for vrid in range(1, MOST + 1) if vrid not in used]
    ranges: list[str] = []
    start = None
    for at, vrid in enumerate(free):
        start = vrid if start is None else start
        if at + 1 == len(free) or free[at + 1] != vrid + 1:
            ranges.append(str(vrid) if start == vrid else f"{start}-{vrid}")
            start = None
    return " ".join(ranges)


def _record(chosen: argparse.Namespace, found: list[Use], families: list[int], heard: int) -> dict[str, object]:
    return {
        "v": 1,
        "interface": chosen.interface,
        "listened_s": chosen.listen,
        "adverts": heard,
        "used": found,
        "free": {f"ipv{family}": _free(found, family) for family in families},
    }


def _free(found: list[Use], family: int) -> list[int]:
    used = {use.vrid for use in found if use.family == family}
    return [vrid for vrid in range(1, MOST + 1) if vrid not in used]


def _tell(chosen: argparse.Namespace, found: list[Use], families: list[int], heard: int) -> None:
    rows: list[list[Span]] = [[(title, "dim") for title in ("VRID", "IP", "INSTANCE HERE", "HEARD FROM")]]
    for use in found:
        senders = ", ".join(f"{sender} {words}" for sender, words in use.senders.items()) or "nobody"
        role = "bad" if use.foreign else "plain"
        rows.append(
            [
                (str(use.vrid), "strong"),
                (f"v{use.family}", "plain"),
                (plain(" ".join(use.instances)) or "-", "plain"),
                (plain(senders), role),
            ]
        )
    for line in table(rows):
        say(line)
    for family in families:
        used = {use.vrid for use in found if use.family == family}
        say(painted([(f"free, IPv{family}: ", "strong"), (free_ranges(used), "plain")]))
    listened = f"listened {chosen.listen:g} s, {count(heard, 'advert')}" if chosen.listen > 0 else "did not listen"
    say(painted([(f"{listened}; a router that was silent meanwhile is not known", "dim")]))
    for use in found:
        if use.foreign:
            words = f"VRID {use.vrid}: adverts that the engine rejects; if they are of another group, choose a free one"
            say(painted([(words + " [D-VRID-CLASH]", "bad")]))
