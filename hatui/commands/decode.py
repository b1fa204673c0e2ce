"""`hatui decode`: the adverts, gratuitous ARPs and neighbour advertisements of a capture file.

Invariant: the engine's own dissection shows the fields, its codec judges the octets; what belongs to other
protocols is counted, not hidden. Passwords are masked.
"""

from __future__ import annotations

import argparse

import msgspec

from engine.messages import PacketLine, Verdict
from engine.protocol.packet.dissect import dissect
from hatui import offline
from hatui.commands.packets import add_filter
from hatui.commands.terminal import count, note, painted, say
from hatui.frames import PASSED, facts, text
from hatui.offline import frames
from hatui.saving import record, words_of
from hatui.text import clock, plain

__all__ = ("configure", "frames", "run")

EPILOG = (
    "exit codes: 0, 1 the file cannot be read as a capture, or a packet in it is malformed or was rejected, 2 usage"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("file", metavar="FILE", help="pcap or pcapng, as tcpdump, tshark and hatui write it")
    add_filter(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a packet")
    parser.add_argument("--fields", action="store_true", help="every field of each packet")
    socket_option(parser, asks=False)


def run(chosen: argparse.Namespace) -> int:
    """Decode it."""
    shown = other = malformed = rejected = hidden = 0
    for packet in offline.packets(chosen.file):
        if packet is None:
            other += 1
            continue
        if not chosen.filter(facts(packet, packet.mono_ns)):
            hidden += 1
            continue
        shown += 1
        malformed += packet.verdict not in PASSED and not packet.instance
        rejected += packet.verdict not in PASSED and bool(packet.instance)
        if chosen.json:
            say(msgspec.json.encode(record(packet)).decode())
            continue
        say(line_of(packet))
        if chosen.fields:
            for layer in dissect(packet.frame):
                say(f"    {plain(text(layer))}")
                for field in layer.children:
                    say(f"      {plain(text(field))}")
    refused = f"{rejected} rejected by the engine, " if rejected else ""
    aside = f", {hidden} do not match" if hidden else ""
    note(f"{count(shown, 'packet')}, {malformed} malformed, {refused}{other} of other protocols{aside}")
    return 1 if malformed or rejected else 0


def line_of(packet: PacketLine) -> str:
    """One packet as one line."""
    words = words_of(packet)
    if packet.verdict not in PASSED:
        verdict = (f"  BAD: {plain(packet.detail or packet.verdict.value)}", "bad")
    else:
        word = "ok" if packet.verdict is Verdict.NONE else packet.verdict.value
        verdict = (f"  {word}" if packet.kind == "advert" else "", "good")
    return painted([(f"{clock(packet.wall_ns, digits=6)}  ", "dim"), (plain(words), "plain"), verdict])
