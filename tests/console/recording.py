"""A recorded session, made of the engine's own words: four instances on lb-a, as an operator would see them.

The figures are those of one afternoon: VI_WEB and VI_API are MASTER here (VI_API with a failing script),
VI_DNS is a backup of 10.0.0.12, VI_DB is in FAULT since its interface lost its carrier.
"""

from __future__ import annotations

import struct

import msgspec

from engine.messages import (
    AddressStatus,
    Cause,
    ConfigLoaded,
    Counters,
    EngineStarted,
    EngineStatus,
    Event,
    EventLine,
    Evidence,
    Heartbeat,
    Hello,
    InstanceStatus,
    InterfaceStateChanged,
    InterfaceStatus,
    LedgerLine,
    MasterChanged,
    NearMiss,
    PacketLine,
    PriorityChanged,
    ServerLine,
    Snapshot,
    State,
    StateChanged,
    StatusLine,
    TrackerChanged,
    TrackerRun,
    TrackerStatus,
    Verdict,
)

S = 1_000_000_000
MS = 1_000_000
NOW = 1_000_000 * S
"""The engine's clock when the session begins."""
WALL = 1_763_820_131 * S
"""2025-11-22 14:02:11 UTC."""

HELLO = Hello("0.1.0", "lb-a", "operator", "anna", ("packets", "config", "confirm"), NOW, WALL)
VIEWER = msgspec.structs.replace(HELLO, role="viewer", user="bob")

BASE = LedgerLine("base", "", good=True, weight=0, contribution=150)

WEB = InstanceStatus(
    name="VI_WEB",
    interface="eth0",
    vrid=51,
    version=2,
    family=4,
    state=State.MASTER,
    since=NOW - 76 * 3600 * S,
    base_priority=150,
    priority=150,
    ledger=(BASE,),
    source="10.0.0.11",
    master="10.0.0.11",
    master_priority=150,
    heard_at=NOW - 76 * 3600 * S,
    peer="10.0.0.12",
    peer_priority=100,
    timer="advert",
    deadline=NOW + 600 * MS,
    advert_interval=S,
    master_advert_interval=S,
    skew=106 * S // 256,
    master_down_interval=3 * S + 106 * S // 256,
    authentication="PASS",
    addresses=(AddressStatus("10.0.0.100", 24, "eth0", present=True),),
    transitions=1,
    last_cause=Cause.STARTUP,
    announced_at=NOW - 76 * 3600 * S,
    counters=Counters(advert_rcvd=2, advert_sent=274_812, become_master=1),
)
API = msgspec.structs.replace(
    WEB,
    name="VI_API",
    vrid=52,
    version=3,
    since=NOW - 760 * S,
    base_priority=120,
    priority=98,
    ledger=(
        LedgerLine("base", "", good=True, weight=0, contribution=120),
        LedgerLine(
            "script", "chk_haproxy", good=False, weight=-22, contribution=-22, detail="exit 1", since=NOW - 124 * S
        ),
        LedgerLine("script", "chk_disk", good=True, weight=-5, contribution=0),
    ),
    peer_priority=90,
    heard_at=NOW - 760 * S,
    deadline=NOW + 200 * MS,
    skew=158 * S // 256,
    authentication="none",
    addresses=(
        AddressStatus("10.0.0.101", 24, "eth0", present=True),
        AddressStatus("10.0.0.102", 24, "eth0", present=True),
    ),
    transitions=3,
    near_misses=2,
    last_cause=Cause.MASTER_NO_RESPONSE,
    counters=Counters(advert_rcvd=12, advert_sent=760, become_master=4),
)
DNS = msgspec.structs.replace(
    WEB,
    name="VI_DNS",
    vrid=53,
    version=3,
    state=State.BACKUP,
    base_priority=100,
    priority=100,
    ledger=(LedgerLine("base", "", good=True, weight=0, contribution=100),),
    master="10.0.0.12",
    master_priority=150,
    peer_priority=150,
    heard_at=NOW - 500 * MS,
    timer="master-down",
    deadline=NOW + 3100 * MS,
    authentication="none",
    addresses=(AddressStatus("10.0.0.53", 24, "eth0", present=False),),
    transitions=0,
    near_misses=1,
    counters=Counters(advert_rcvd=274_810),
)
DB = msgspec.structs.replace(
    WEB,
    name="VI_DB",
    interface="eth1",
    vrid=54,
    state=State.FAULT,
    since=NOW - 249 * S,
    faults=("eth1 has no carrier",),
    master="10.0.0.12",
    master_priority=100,
    source="",
    timer="",
    deadline=0,
    ledger=(
        LedgerLine("base", "", good=True, weight=0, contribution=150),
        LedgerLine("interface", "eth1", good=False, weight=0, contribution=0, fault=True, detail="down"),
    ),
    addresses=(AddressStatus("10.0.0.50", 24, "eth1", present=False),),
    last_cause=Cause.INTERFACE_DOWN,
    last_detail="eth1 has no carrier",
)
ENGINE = EngineStatus(
    version="0.1.0",
    host="lb-a",
    router_id="lb-a",
    pid=4711,
    vrrp_pid=4712,
    check_pid=4713,
    started=NOW - 76 * 3600 * S,
    observe=False,
    config_file="/etc/keepalived/keepalived.conf",
    config_fingerprint="9f2c41aa07de",
    config_loaded=NOW - 2416 * S,
    worst_late=6 * MS,
)


def tracker(
    name: str, *, good: bool, streak: int, exit_status: int, output: str, duration: int, last_run: int
) -> TrackerStatus:
    """A track script of VI_API."""
    return TrackerStatus("script", name, good, streak, 2, 2, last_run, duration, exit_status, output, ("VI_API",))


TRACKERS = (
    tracker(
        "chk_haproxy",
        good=False,
        streak=62,
        exit_status=1,
        output="no process found",
        duration=210 * MS,
        last_run=NOW - 900 * MS,
    ),
    tracker("chk_disk", good=True, streak=900, exit_status=0, output="", duration=40 * MS, last_run=NOW - 400 * MS),
)
RUNS = (
    TrackerRun("chk_haproxy", NOW - 3 * S, 0, 40 * MS, "fine"),
    TrackerRun("chk_haproxy", NOW - S, 1, 210 * MS, "first line\nno process found"),
    TrackerRun("chk_disk", NOW - 30 * S, -1001, 1000 * MS),
    TrackerRun("chk_disk", NOW - 400 * MS, 0, 40 * MS),
)
INTERFACES = (
    InterfaceStatus("eth0", exists=True, up=True, mac="52:54:00:12:34:56", mtu=1500, addresses=("10.0.0.11/24",)),
    InterfaceStatus("eth1", exists=True, up=False, mac="52:54:00:12:34:57", mtu=1500),
)
SNAPSHOT = Snapshot((WEB, API, DNS, DB, *TRACKERS, *INTERFACES, ENGINE), 7, NOW)


def event(seq: int, ago: int, what: Event) -> EventLine:
    """An event so many nanoseconds before the session begins."""
    return EventLine(seq, NOW - ago, WALL - ago, what)


EVENTS = (
    event(1, 76 * 3600 * S, EngineStarted("0.1.0", 4711)),
    event(
        2,
        2416 * S,
        ConfigLoaded("9f2c41aa07de", "operator anna", ("VI_API: address 10.0.0.102 added",), "add 10.0.0.102"),
    ),
    event(
        3,
        760 * S,
        StateChanged(
            "VI_API",
            State.BACKUP,
            State.MASTER,
            Cause.MASTER_NO_RESPONSE,
            "10.0.0.12 was silent for 3.617 s",
            120,
            (
                Evidence(NOW - 764 * S - 617 * MS, "advert", "10.0.0.12 priority 90"),
                Evidence(NOW - 763 * S - 617 * MS, "advert", "10.0.0.12 priority 90, the last heard"),
                Evidence(NOW - 762 * S - 617 * MS, "missed", "advert 1 of 3 missed"),
                Evidence(NOW - 761 * S - 617 * MS, "missed", "advert 2 of 3 missed"),
                Evidence(NOW - 760 * S - 617 * MS, "missed", "advert 3 of 3 missed"),
                Evidence(
                    NOW - 760 * S, "timer", "down timer ends: 3 x 1.000 s + skew 0.617 s = 3.617 s; fired 0.004 s late"
                ),
            ),
            "10.0.0.12",
            4 * MS,
        ),
    ),
    event(4, 500 * S, NearMiss("VI_DNS", "2 of 3 adverts missed")),
    event(
        5, 249 * S, StateChanged("VI_DB", State.MASTER, State.FAULT, Cause.INTERFACE_DOWN, "eth1 has no carrier", 150)
    ),
    event(6, 245 * S, MasterChanged("VI_DB", "10.0.0.12", 100)),
    event(7, 124 * S, TrackerChanged("script", "chk_haproxy", good=False, detail="exit 1, failed 2 of 2")),
    event(8, 124 * S - MS, PriorityChanged("VI_API", 120, 98, "chk_haproxy failed")),
    event(9, 5 * S, InterfaceStateChanged("eth1", up=False, detail="no carrier")),
)


def checksum(data: bytes) -> int:
    """Internet checksum."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text: str) -> bytes:
    """Octets of an IPv4 address."""
    return bytes(int(part) for part in text.split("."))


def advert(source: str, vrid: int, priority: int, vip: str, password: bytes = b"", *, version: int = 2) -> bytes:
    """A whole Ethernet frame with an advertisement."""
    kind = (1 if password else 0) if version == 2 else 0
    head = bytes([version << 4 | 1, vrid, priority, 1, kind, 1 if version == 2 else 100])
    body = address(vip) + (password.ljust(8, b"\0") if version == 2 else b"")
    message = head + checksum(head + b"\0\0" + body).to_bytes(2, "big") + body
    ip = (
        struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(message), 0x1F02, 0, 255, 112, 0)
        + address(source)
        + address("224.0.0.18")
    )
    ip = ip[:10] + checksum(ip).to_bytes(2, "big") + ip[12:]
    mac = b"\x52\x54\x00\x12\xaa" + address(source)[3:]
    return b"\x01\x00\x5e\x00\x00\x12" + mac + b"\x08\x00" + ip + message


def gratuitous_arp(vip: str, mac: bytes = b"\x52\x54\x00\x12\x34\x56") -> bytes:
    """A gratuitous ARP request."""
    arp = b"\x00\x01\x08\x00\x06\x04\x00\x01" + mac + address(vip) + b"\0" * 6 + address(vip)
    return b"\xff" * 6 + mac + b"\x08\x06" + arp


def packet(
    seq: int, at: int, frame: bytes, instance: str, verdict: Verdict, *, kind: str = "advert", detail: str = ""
) -> PacketLine:
    """A packet so many nanoseconds after the session begins."""
    direction = "out" if verdict is Verdict.SENT or kind == "arp" else "in"
    return PacketLine(seq, NOW + at, WALL + at, "eth0", direction, kind, frame, instance, verdict, detail)


def packets() -> list[PacketLine]:
    """Twelve seconds on eth0: two masters here, one there, and a stranger with VRID 51."""
    found: list[PacketLine] = []
    for second in range(-12, 0):
        at = second * S
        found.append(
            packet(0, at + 113 * MS, advert("10.0.0.11", 51, 150, "10.0.0.100", b"1111"), "VI_WEB", Verdict.SENT)
        )
        if second == -10:
            found.append(packet(0, at + 114 * MS, gratuitous_arp("10.0.0.100"), "VI_WEB", Verdict.NONE, kind="arp"))
        found.append(
            packet(0, at + 201 * MS, advert("10.0.0.11", 52, 98, "10.0.0.101", version=3), "VI_API", Verdict.SENT)
        )
        if second % 4 == 2:
            stranger = advert("10.0.0.77", 51, 200, "10.0.0.200")
            found.append(
                packet(
                    0,
                    at + 640 * MS,
                    stranger,
                    "VI_WEB",
                    Verdict.AUTH_TYPE,
                    detail="authentication none, ours is pass",
                )
            )
        found.append(
            packet(0, at + 877 * MS, advert("10.0.0.12", 53, 150, "10.0.0.53", version=3), "VI_DNS", Verdict.OK)
        )
    return [msgspec.structs.replace(line, seq=number) for number, line in enumerate(found, start=1)]


def heartbeat(at: int = 0) -> Heartbeat:
    """The vrrp loop was heard 0.2 s before that."""
    return Heartbeat(NOW + at, WALL + at, NOW + at - 200 * MS, EVENTS[-1].seq)


def minute(status: InstanceStatus) -> list[StatusLine]:
    """A status a second for the minute before: VI_API missed two adverts, VI_DNS rejected one."""
    lines: list[StatusLine] = []
    for second in range(-60, 1):
        counters = status.counters
        if status.state is State.MASTER:
            counters = msgspec.structs.replace(counters, advert_sent=counters.advert_sent + second)
        elif status.state is State.BACKUP:
            refused = 1 if second > -22 else 0
            counters = msgspec.structs.replace(
                counters, advert_rcvd=counters.advert_rcvd + second, auth_failure=refused
            )
        missed = 2 if status.name == "VI_DNS" and second == -41 else 0
        then = msgspec.structs.replace(status, counters=counters, missed=missed)
        lines.append(StatusLine(then, NOW + second * S))
    return lines


def session() -> tuple[ServerLine, ...]:
    """Hello a minute ago, a status a second, packets of the last twelve seconds, and now."""
    began = msgspec.structs.replace(HELLO, mono_ns=NOW - 60 * S, wall_ns=WALL - 60 * S)
    snapshot = msgspec.structs.replace(SNAPSHOT, mono_ns=NOW - 60 * S)
    timed: list[tuple[int, ServerLine]] = [
        (line.mono_ns, line) for status in (WEB, API, DNS, DB) for line in minute(status)
    ]
    timed += [(line.mono_ns, line) for line in packets()]
    timed.sort(key=lambda pair: pair[0])
    return (began, snapshot, *EVENTS, *(line for _, line in timed), heartbeat())


SESSION: tuple[ServerLine, ...] = session()
"""Everything up to the present instant."""
