"""The client's side of a measurement: run by path as a program of its own, standard library only.

Invariant: each probe is written down when it is sent and when it is answered, with the clock that all hosts
of the lab share, into a file that anybody can read meanwhile. Nothing is averaged or judged here.

Usage: client.py ping ADDRESS INTERFACE INTERVAL_NS FILE | read URL INTERVAL_NS FILE | fetch URL TIMEOUT_S
       | tap INTERFACE FILE
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import socket
import struct
import sys
import time
import urllib.request

MAGIC = b"HATUIPR1"
HEADER = struct.Struct("<8sQQQ")
"""Magic, probes sent, capacity, datagrams that could not be sent."""
RECORD = struct.Struct("<qq6sHq")
"""Sent (ns), first answer (ns, 0 for none), answering MAC, number of answers, last answer (ns)."""
CAPACITY = 1_000_000
SOL_RAW, ICMP_FILTER = 255, 1
"""The kernel shall not copy answers to the sending socket. Source: raw(7) ICMP_FILTER."""
ETH_P_IP, ETH_P_ALL = 0x0800, 0x0003
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC, SO_TIMESTAMPNS = 263, 1, 1, 35
IDENTIFIER = 0x4841
PAYLOAD = struct.Struct("!8sQ")


def checksum(data: bytes) -> int:
    """The Internet checksum. Source: RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF


def echo_request(number: int) -> bytes:
    """An ICMP echo request that carries its number. Source: RFC 792."""
    body = PAYLOAD.pack(MAGIC, number)
    head = struct.pack("!BBHHH", 8, 0, 0, IDENTIFIER, number & 0xFFFF)
    return struct.pack("!BBHHH", 8, 0, checksum(head + body), IDENTIFIER, number & 0xFFFF) + body


def ping(address: str, interface: str, interval: int, path: str) -> None:
    """Ping `address` every `interval` ns until killed. Late sends are skipped, never caught up in a burst."""
    size = HEADER.size + CAPACITY * RECORD.size
    with open(path, "w+b") as file:
        file.truncate(size)
        book = mmap.mmap(file.fileno(), size)
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    out.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", 0xFFFFFFFF))
    out.settimeout(0.0)
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    tap.bind((interface, ETH_P_IP))
    tap.settimeout(0.0)
    wanted = socket.inet_aton(address)
    destination = (address, 0)
    sent = unsent = 0
    gc.disable()
    clock = time.monotonic_ns
    HEADER.pack_into(book, 0, MAGIC, 0, CAPACITY, 0)
    due = clock()
    while sent < CAPACITY:
        now = clock()
        if now >= due:
            RECORD.pack_into(book, HEADER.size + sent * RECORD.size, now, 0, b"", 0, 0)
            try:
                out.sendto(echo_request(sent), destination)
            except OSError:
                unsent += 1
            sent += 1
            HEADER.pack_into(book, 0, MAGIC, sent, CAPACITY, unsent)
            due += interval
            if due < now:
                due = now + interval
        ready, _, _ = select.select([tap], [], [], max(0, due - clock()) / 1e9)
        if not ready:
            continue
        while True:
            try:
                frame = tap.recv(256)
            except BlockingIOError:
                break
            note(book, frame, wanted, sent, clock())


def note(book: mmap.mmap, frame: bytes, wanted: bytes, sent: int, now: int) -> None:
    """Write an answer into its record; anything else on the wire is left alone."""
    if len(frame) < 34 or frame[23] != 1 or frame[26:30] != wanted:
        return
    icmp = 14 + (frame[14] & 0x0F) * 4
    if frame[icmp : icmp + 1] != b"\0" or len(frame) < icmp + 8 + PAYLOAD.size:
        return
    magic, number = PAYLOAD.unpack_from(frame, icmp + 8)
    if magic != MAGIC or number >= sent:
        return
    place = HEADER.size + number * RECORD.size
    started, first, mac, answers, _ = RECORD.unpack_from(book, place)
    RECORD.pack_into(book, place, started, first or now, mac if first else frame[6:12], answers + 1, now)


def fetch(url: str, timeout_s: float) -> tuple[int, str]:
    """One HTTP read: status (0 when there was no answer) and the body or the reason."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            return answer.status, answer.read(4096).decode(errors="replace").strip()
    except OSError as failure:
        return 0, str(failure)


def read(url: str, interval: int, path: str) -> None:
    """Read `url` every `interval` ns until killed; one line each: start, end, status, first line."""
    with open(path, "a", encoding="utf-8", buffering=1) as file:
        while True:
            start = time.monotonic_ns()
            status, text = fetch(url, 1.0)
            end = time.monotonic_ns()
            line = text.splitlines()[0] if text else ""
            file.write(f"{start} {end} {status} {line}\n")
            time.sleep(max(0, start + interval - time.monotonic_ns()) / 1e9)


def tap(interface: str, path: str) -> None:
    """Write every frame on `interface` with the kernel's time stamp into a capture file (pcap, nanoseconds)
    until killed. The file is whole after each frame. Source: packet(7), pcap-savefile(5)."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    everything = struct.pack("iHH8s", socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0, b"")
    wire.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, everything)
    wire.bind((interface, ETH_P_ALL))
    with open(path, "wb", buffering=0) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        while True:
            frame, about, _, _ = wire.recvmsg(65535, 128)
            seconds, nanoseconds = struct.unpack("qq", about[0][2][:16])
            file.write(struct.pack("<IIII", seconds, nanoseconds, len(frame), len(frame)) + frame)


def main(argv: list[str]) -> int:
    """Run the subcommand of `argv`."""
    match argv:
        case ["ping", address, interface, interval, path]:
            ping(address, interface, int(interval), path)
        case ["read", url, interval, path]:
            read(url, int(interval), path)
        case ["tap", interface, path]:
            tap(interface, path)
        case ["fetch", url, timeout]:
            status, text = fetch(url, float(timeout))
            os.write(1, f"{status}\n{text}\n".encode())
        case _:
            os.write(2, (__doc__ or "").encode())
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
