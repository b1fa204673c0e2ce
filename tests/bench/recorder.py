"""Writes down what passes, standard library only; run by path on a host.

Invariant: adverts carry the kernel's own time stamp (realtime clock, ns), so a busy machine delays the
writing, not the figure. Nothing is judged here.

Usage: recorder.py adverts INTERFACE FILE | addresses FILE
Records of adverts: time, VRID, priority, 1 when sent by this host. Of addresses: time, 1 new or 0 deleted, address.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time

RECORD = struct.Struct("<qBB?x4s")
ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
RTNLGRP_IPV4_IFADDR = 5
RTM_NEWADDR, RTM_DELADDR = 20, 21
IFA_LOCAL = 2


def adverts(interface: str, path: str) -> None:
    """Record VRRP adverts (protocol 112 over IPv4) until killed."""
    tap = socket.socket(
        socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)
    )  # a tap for one protocol sees nothing that is sent
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.bind((interface, ETH_P_ALL))
    with open(path, "ab", buffering=0) as file:
        while True:
            frame, ancillary, _, address = tap.recvmsg(256, 128)
            if frame[12:14] != b"\x08\x00" or frame[23] != 112:
                continue
            seconds, ns = struct.unpack("ll", ancillary[0][2][:16])
            start = 14 + (frame[14] & 0x0F) * 4
            out = address[2] == PACKET_OUTGOING
            file.write(RECORD.pack(seconds * 1_000_000_000 + ns, frame[start + 1], frame[start + 2], out, frame[26:30]))


def addresses(path: str) -> None:
    """Record IPv4 addresses that come and go until killed."""
    monitor = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    monitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    monitor.bind((0, 1 << (RTNLGRP_IPV4_IFADDR - 1)))
    with open(path, "ab", buffering=0) as file:
        while True:
            data = monitor.recv(65536)
            now = time.time_ns()
            place = 0
            while place + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, place)
                if kind in (RTM_NEWADDR, RTM_DELADDR):
                    file.write(RECORD.pack(now, kind == RTM_NEWADDR, 0, 0, _local(data[place + 24 : place + length])))
                place += (length + 3) & ~3


def _local(attributes: bytes) -> bytes:
    place = 0
    while place + 4 <= len(attributes):
        length, kind = struct.unpack_from("=HH", attributes, place)
        if kind == IFA_LOCAL:
            return attributes[place + 4 : place + 8]
        place += max(4, (length + 3) & ~3)
    return b"\0" * 4


def main(argv: list[str]) -> int:
    """Run the subcommand of `argv`."""
    match argv:
        case ["adverts", interface, path]:
            adverts(interface, path)
        case ["addresses", path]:
            addresses(path)
        case _:
            os.write(2, (__doc__ or "").encode())
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
