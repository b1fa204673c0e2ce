"""Failovers in a row, alternating, of a sync group of an IPv4 and an IPv6 instance, under pings every 2 ms.

Invariant: no ping is lost, every command stands in the audit once with its outcome, and the histories of both engines
tell the same story. `python -m tests.net.failovers 100` is the long form.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

from hatui.lab import Engine, Host, Lab, start_engine, wait_for
from hatui.lab.host import which
from tests.net.engine_talk import Talk

FOUR, SIX = "10.211.55.50", "fd00:55::50"
INSTANCE = """\
vrrp_instance {name} {{
    version 3
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id {vrid}
    priority {priority}
    advert_int 0.1
    virtual_ipaddress {{
        {addresses}
    }}
}}
"""
GROUP = "vrrp_sync_group G {\n    group {\n        VI_4\n        VI_6\n    }\n}\n"


def config(priority: int) -> str:
    """Both instances and their group."""
    four = INSTANCE.format(name="VI_4", vrid=54, priority=priority, addresses=FOUR)
    six = INSTANCE.format(name="VI_6", vrid=56, priority=priority, addresses=f"fe80::5056/64\n        {SIX}/64")
    return "global_defs {\n    router_id lab\n}\n" + GROUP + four + six


@dataclass(frozen=True)
class Counted:
    """What was seen."""

    lost_4: int
    sent_4: int
    lost_6: int
    sent_6: int
    refused: tuple[str, ...]
    audit: tuple[int, int]
    """Failovers that stand in the audit of each engine."""
    begun: tuple[int, int]
    """Hand-overs in the history of each engine."""


def history(engine: Engine) -> list[dict[str, Any]]:
    """All events."""
    with Talk(engine) as talk:
        return [line["event"] for line in talk.ask("get-events", limit=5000)["events"]]


def states(engine: Engine) -> set[str]:
    """Of its instances."""
    with Talk(engine) as talk:
        return {one["state"] for one in talk.statuses("instance-status")}


def ready(one: Engine, other: Engine) -> bool:
    """Both instances are MASTER there, and the other host can take them over."""
    return states(one) == {"MASTER"} and states(other) == {"BACKUP"}


def move(engine: Engine) -> str:
    """Hand both over and release: empty when all was done."""
    with Talk(engine) as talk:
        moved: dict[str, Any] = talk.ask("failover", instance="VI_4", reason="in a row")
        if moved["outcome"] != "done":
            return f"{moved['code']}: {moved['text']}"
        released = talk.ask("release", instance="VI_4", reason="in a row")
        return "" if released["outcome"] == "done" else f"{released['code']}: {released['text']}"


def in_a_row(lab: Lab, count: int) -> Counted:
    """So many failovers."""
    hosts = [lab.add_host(name, f"10.211.55.{last}/24") for name, last in (("serverA", 22), ("serverB", 23))]
    client = lab.add_host("client", "10.211.55.24/24")
    for last, host in zip((22, 23, 24), (*hosts, client), strict=True):
        host.ip(f"addr add fd00:55::{last}/64 dev eth0 nodad")
    a, b = (start_engine(host, config(priority)) for host, priority in zip(hosts, (150, 100), strict=True))
    wait_for(lambda: ready(a, b) or ready(b, a), 15, "one master of both, and a backup")
    pinger = lab.pinger(client)
    pinger.wait_for_answer()
    six = _ping_six(client)
    refused = []
    for number in range(count):
        wait_for(lambda: ready(a, b) or ready(b, a), 15, f"a master and a backup before move {number}")
        refused.append(move(a if ready(a, b) else b))
    wait_for(lambda: ready(a, b) or ready(b, a), 15, "a master and a backup at the end")
    report = pinger.stop()
    six.send_signal(2)
    wait_for(lambda: "packets transmitted" in six.output, 10, "the end of ping")
    sent, received = answered(six.output)
    audit, begun = [], []
    for engine in (a, b):
        happened = history(engine)
        rows = [one for one in happened if one["type"] == "command-logged"]
        audit.append(sum(row["command"].startswith("failover") and row["outcome"] == "done" for row in rows))
        begun.append(sum(one["type"] == "hand-over-finished" for one in happened))
    return Counted(
        report.lost,
        report.sent,
        sent - received,
        sent,
        tuple(one for one in refused if one),
        (audit[0], audit[1]),
        (begun[0], begun[1]),
    )


def answered(output: str) -> tuple[int, int]:
    """How many echo requests lie between the first and the last answered one, these included, and how many of them
    were answered. What was still under way when ping was told to end is neither. ping counts modulo 65536."""
    numbers: list[int] = []
    for text in re.findall(r"icmp_seq=(\d+) ttl", output):
        number = int(text)
        last = numbers[-1] if numbers else number
        numbers.append(last + (number - last + 32768) % 65536 - 32768)
    return max(numbers) - min(numbers) + 1, len(set(numbers))


def _ping_six(client: Host) -> Any:
    program = client.start([which("ping"), "-6", "-n", "-i", "0.002", SIX], log="ping6.log")
    wait_for(lambda: program.pid, 5, "ping")
    return program


def wrong(found: Counted, count: int) -> list[str]:
    """What does not hold."""
    lines = []
    if found.lost_4 or found.lost_6:
        lines.append(f"lost {found.lost_4} of {found.sent_4} over IPv4, {found.lost_6} of {found.sent_6} over IPv6")
    if found.refused:
        lines.append(f"not done: {found.refused}")
    if sum(found.audit) != count:
        lines.append(f"{found.audit} failovers in the audits, {count} were said")
    if sum(found.begun) != 2 * count:
        lines.append(f"{found.begun} hand-overs in the histories, two for each of {count}")
    if abs(found.audit[0] - found.audit[1]) > 1:
        lines.append(f"they did not alternate: {found.audit}")
    return lines


def main(argv: list[str]) -> int:
    """The long form."""
    count = int(argv[0]) if argv else 100
    with Lab() as lab:
        found = in_a_row(lab, count)
    problems = wrong(found, count)
    sys.stdout.write(f"{count} failovers: {found}\n" + "".join(f"MISSED: {line}\n" for line in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
