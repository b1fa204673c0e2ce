"""What commands about packets share: the filter as an argument, one packet as a line."""

from __future__ import annotations

import argparse

from engine.messages import PacketLine
from hatui.commands.terminal import painted
from hatui.filters import WORDS, FilterError, PacketFilter, packet_filter
from hatui.saving import verdict_text, words_of
from hatui.text import clock, fit, plain, verdict_role


def add_filter(parser: argparse.ArgumentParser) -> None:
    """`-f E`: a packet filter, refused with its reason when it is none."""
    parser.add_argument(
        "-f",
        "--filter",
        metavar="E",
        type=filter_argument,
        default=packet_filter(""),
        help=f"only packets that match, such as 'vrid==51 && verdict!=ok'; words: {' '.join(WORDS)}",
    )


def filter_argument(text: str) -> PacketFilter:
    """The filter of an argument."""
    try:
        return packet_filter(text)
    except FilterError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def packet_line(packet: PacketLine) -> str:
    """One packet of a live capture as one line."""
    where = f"{fit(plain(packet.interface), 8)} {packet.direction:<3}  "
    by = f"  {plain(packet.instance)}" if packet.instance else ""
    return painted(
        [
            (f"{clock(packet.wall_ns, digits=6)}  ", "dim"),
            (where, "dim"),
            (plain(words_of(packet)) + by, "plain"),
            (f"  {plain(verdict_text(packet))}".rstrip(), verdict_role(packet.verdict)),
        ]
    ).rstrip()
