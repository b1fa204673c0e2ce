"""What commands about packets share: the filter as an argument."""

from __future__ import annotations

import argparse

from hatui.filters import WORDS, FilterError, PacketFilter, packet_filter


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
