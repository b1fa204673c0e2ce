"""One good run of each command with --json, against an engine that answers everything; and docs/json.md from them.

    python -m tests.every_command     writes docs/json.md

Invariant: every command of the program is here, or is named with the reason in LEFT_OUT; nothing is sent anywhere but
to an engine of this process, and nothing but a directory of its own is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.messages import (
    Cause,
    Check,
    ConfigText,
    Diagnose,
    EventLine,
    Evidence,
    Failover,
    FindingStatus,
    GetConfig,
    GetDrills,
    GetEvents,
    GetJournal,
    GetRevisions,
    GetTrackerRuns,
    Message,
    Outcome,
    Reply,
    Request,
    RevisionInfo,
    RunDrill,
    Snapshot,
    State,
    StateChanged,
    StatusLine,
    Subscribe,
    TrackerRun,
    TrackerStatus,
)
from hatui import completion
from hatui.cli import main, whole_parser
from tests.console import recording, rehearsed
from tests.fake_engine import NOW, SECOND, WALL, FakeEngine, engine_status, instance

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "json.md"
LEFT_OUT = {
    "demo": "lays engines of its own, and is a tour to look at",
    "relay": "is the control socket itself, whose lines are JSON",
}
MAIN = """\
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 50
    priority 100
    virtual_ipaddress {
        10.211.55.50
    }
}
"""
CHANGE = EventLine(
    11,
    NOW - 10 * SECOND,
    WALL,
    StateChanged(
        "VI_1",
        State.BACKUP,
        State.MASTER,
        Cause.MASTER_NO_RESPONSE,
        "silent for 3.609 s",
        100,
        evidence=(Evidence(NOW - 14 * SECOND, "advert", "10.211.55.23 priority 150"),),
    ),
)
TRACKER = TrackerStatus("script", "check_nginx", good=True, tracked_by=("VI_1",), last_run=NOW - SECOND)
PRESENT = (instance(), engine_status(), TRACKER)
CHECKS = (Check("pass", "P-PEER-HEARD", "10.211.55.23 was heard 0.4 s ago"),)


def answer(request: Request) -> list[Message]:
    """What such an engine says."""
    more: dict[str, Any] = {"text": "done as asked", "duration": SECOND // 4}
    after: list[Message] = []
    match request.command:
        case GetConfig():
            more = {"files": (ConfigText("/etc/keepalived/keepalived.conf", MAIN, digest(MAIN)),)}
        case GetRevisions(revision=number):
            told = RevisionInfo(2, 1, WALL, "operator anna", "more", digest(MAIN), "f", ("keepalived.conf",))
            files = (ConfigText("/etc/keepalived/keepalived.conf", MAIN + "# older\n", "o"),) if number else ()
            more = {"revisions": (told,), "files": files}
        case GetEvents():
            more = {"events": (CHANGE,)}
        case GetJournal():
            more = {"snapshots": (Snapshot(PRESENT, 10, NOW, WALL),), "events": (CHANGE,)}
        case GetTrackerRuns():
            more = {"runs": (TrackerRun("check_nginx", NOW - SECOND, 0, SECOND // 50),)}
        case Diagnose():
            more = {"findings": (FindingStatus("D-AUTH:VI_1", "D-AUTH", "error", "VI_1", "another password"),)}
        case GetDrills(number=number):
            more = {"plans": rehearsed.PLANS, "drills": rehearsed.REPORTS}
            more |= {"drill": rehearsed.report(number, 3_500_000_000, "pass")} if number else {}
        case RunDrill():
            more = {"drill": msgspec.structs.replace(rehearsed.REPORTS[0], checks=CHECKS)}
        case Failover(dry_run=False):
            moved = instance(state=State.BACKUP, priority=1, hold_kind="step-down")
            after = [StatusLine(moved, NOW + SECOND)]
        case Subscribe(topics=topics):
            after = [CHANGE] if "events" in topics else []
            after += recording.packets() if "packets" in topics else []
    return [Reply(request.id, Outcome.DONE, **more), *after]


def digest(text: str) -> str:
    """As the engine names a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def leaves() -> Iterator[completion.Node]:
    """Every command that can be run, those with parts as their parts."""
    for node in completion.tree(whole_parser()).walk():
        if node.words and not node.children and node.words[0] not in LEFT_OUT:
            yield node


def runs(directory: Path, port: int) -> dict[str, list[str]]:
    """Command -> its arguments for one good run. `port`: one of 127.0.0.1 where somebody answers."""
    other, recorded, packets = (directory / name for name in ("other.conf", "recorded", "some.pcapng"))
    return {
        "status": [],
        "watch": ["--count", "1"],
        "why": ["VI_1"],
        "failover": ["VI_1", "--step-down", "--yes"],
        "release": ["VI_1"],
        "maintenance": ["on", "--reason", "disk", "--yes"],
        "trackers": [],
        "announce": [],
        "reload": [],
        "drill list": [],
        "drill plan": ["silent-master", "VI_1"],
        "drill run": ["silent-master", "VI_1", "--yes"],
        "drill report": ["16"],
        "drill compare": ["15", "16"],
        "drill abort": [],
        "probe": ["127.0.0.1", "--for", "0.02", "--every", "10ms", "--no-icmp", "--no-owner", "--tcp", str(port)],
        "check": [str(other)],
        "config show": [],
        "config diff": [str(other)],
        "config apply": [str(other), "--yes"],
        "config confirm": [],
        "config rollback": ["1", "--yes"],
        "config history": [],
        "config fmt": ["--check", str(other)],
        "replay": [str(recorded)],
        "bundle": ["-o", str(directory / "bundle.tar.gz")],
        "explain": ["advert_int"],
        "capture": ["-c", "3"],
        "doctor": ["--listen", "0"],
        "metrics": [],
        "completion": [],
        "keys": [],
        "decode": [str(packets)],
        "vrids": ["eth0", "--listen", "0"],
    }


def outcomes(directory: Path) -> dict[str, tuple[int, str]]:
    """Each command's exit status and standard output, with --json."""
    (directory / "other.conf").write_text(f"{MAIN}# more\n")
    with FakeEngine(directory / "s", *PRESENT, answer=answer), socket.create_server(("127.0.0.1", 0)) as server:
        start = ["--socket", str(directory / "s")]
        said([*start, "watch", "--count", "1", "--record", str(directory / "recorded")])
        said([*start, "capture", "-c", "3", "-w", str(directory / "some.pcapng")])
        found = {}
        for name, arguments in runs(directory, server.getsockname()[1]).items():
            found[name] = said([*start, *name.split(), *arguments, "--json", "--timeout", "9"])
    return found


def said(arguments: list[str]) -> tuple[int, str]:
    """Exit status and standard output of a command."""
    octets = io.BytesIO()
    out = io.TextIOWrapper(octets, "utf-8", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = main(arguments)
    return status, octets.getvalue().decode()


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects of an output, whether one over many lines or one a line."""
    decoder, found = json.JSONDecoder(), list[dict[str, Any]]()
    while text := text.lstrip():
        one, end = decoder.raw_decode(text)
        found.append(one)
        text = text[end:]
    return found


def shape(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key below a value, with what it holds."""
    words = {bool: "true or false", int: "number", float: "number", str: "text", type(None): "nothing yet"}
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from shape(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path, "list"
        for inner in value:
            if isinstance(inner, dict):
                yield from shape(inner, f"{path}[]")
    else:
        yield path, words[type(value)]


def shapes(found: dict[str, tuple[int, str]]) -> dict[str, dict[str, str]]:
    """Command -> key -> what it holds, over all objects that it has said."""
    every: dict[str, dict[str, str]] = {}
    for name, (_, text) in found.items():
        keys: dict[str, set[str]] = {}
        for one in objects(text):
            for key, kind in shape(one):
                keys.setdefault(key, set()).add(kind)
        every[name] = {key: " or ".join(sorted(kinds)) for key, kinds in keys.items()}
    return every


HEAD = """\
# JSON of the commands

Made by `make docs` from one run of each command with `--json`. `v` is 1 in each object: keys may come, none goes or
changes its meaning, or `v` counts up. `watch`, `capture`, `decode`, `replay` and `probe` say one object a line, all
others one in all. What goes wrong is `outcome` (`failed`, or as the engine says it), `code` for `hatui explain` and
`text`; the same stands on standard error, and the exit status says what kind it was. Wrong use has no object. Keys with
`_ns`, and `since`, `deadline`, `at`, `duration` and the intervals, are nanoseconds (of the clock whose reading is
`mono_ns`, or of the wall clock where the key says `wall`). A key may hold `nothing yet` (null) or an empty list. Which
keys an event or a packet has beside these hangs on its `type` and `kind`.
"""


def document(every: dict[str, dict[str, str]]) -> str:
    """docs/json.md"""
    lines, seen = [HEAD], dict[tuple[tuple[str, str], ...], str]()
    for name, keys in every.items():
        lines.append(f"## hatui {name} --json\n")
        alike = tuple(sorted(keys.items()))
        if alike in seen:
            lines.append(f"As `hatui {seen[alike]}`.\n")
            continue
        seen[alike] = name
        lines += ["```", *(f"{key}  {kind}" for key, kind in keys.items()), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def promised() -> dict[str, dict[str, str]]:
    """What docs/json.md says."""
    found: dict[str, dict[str, str]] = {}
    name = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## hatui "):
            name = line.removeprefix("## hatui ").removesuffix(" --json")
            found[name] = {}
        elif line.startswith("As `hatui "):
            found[name] = found[line.removeprefix("As `hatui ").removesuffix("`.")]
        elif name and "  " in line:
            key, _, kind = line.partition("  ")
            found[name][key] = kind
    return found


def write() -> None:
    """Write it."""
    directory = Path(tempfile.mkdtemp(prefix="hatui-"))
    try:
        DOCUMENT.write_text(document(shapes(outcomes(directory))))
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    write()
