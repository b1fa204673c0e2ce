"""`hatui bundle`: an archive of what happened, to hand to somebody else.

Invariant: no password and no key is ever inside: configurations are masked, every secret that they name is struck
out of every other file, and what scripts printed is left out.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import re
import sys
import tarfile
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from engine.client import EngineClient
from engine.errors import Refused
from engine.messages import (
    Diagnose,
    EventLine,
    GetConfig,
    GetEvents,
    InstanceStatus,
    ScriptRan,
    ServerLine,
    Snapshot,
    TrackerStatus,
)
from hatui import explanation
from hatui.commands import session
from hatui.commands.replay import JOURNAL
from hatui.commands.terminal import note, say
from hatui.drafts import Masks, fingerprint, secret_tokens
from hatui.replay import EVENTS, fetch
from hatui.text import NS, parse_duration

EPILOG = "exit codes: 0, 1 the file cannot be written, 3 no engine"
LEFT_OUT = "(left out)"
SHORTEST = 3
"""Characters of a secret that is struck out elsewhere; a shorter one would strike out half of the text."""
LISTEN_S = 2.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("--last", default="1h", metavar="TIME", help="how far back: 30m, 1h (default), 24h")
    parser.add_argument(
        "--output", "-o", metavar="FILE", help="default: hatui-bundle-HOST-TIME.tar.gz; - is standard output"
    )
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Collect, clean, write."""
    try:
        span = parse_duration(chosen.last)
    except ValueError as error:
        raise Refused("E-PROTOCOL", str(error)) from None
    host, files = session.run_for(_collected(chosen, span * NS))
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"hatui-bundle-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}-{stamp}"
    octets = packed(name, files)
    if chosen.output == "-":
        sys.stdout.buffer.write(octets)
        return 0
    path = Path(chosen.output or f"{name}.tar.gz")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(octets)
    say(str(path))
    note(f"{len(files)} files, {len(octets) // 1024 + 1} KiB; passwords, keys and scripts' output are not in it")
    return 0


async def _collected(chosen: argparse.Namespace, span: int) -> tuple[str, dict[str, str]]:
    """The host's name and the clean files."""
    async with session.engine(chosen) as client:
        until = client.hello.wall_ns + 60 * NS
        since = client.hello.wall_ns - span
        configs, refused = await _configs(chosen, client)
        wish = GetEvents(limit=EVENTS, since_wall_ns=since, until_wall_ns=until)
        events = (await session.within(chosen, client.request(wish))).events
        found = (await session.within(chosen, client.request(Diagnose(LISTEN_S)), LISTEN_S)).findings
        journal = await session.within(chosen, fetch(client.request, client.hello, since, until), 60)
        hello, present = client.hello, client.snapshot
    manifest: dict[str, Any] = {
        "v": 1,
        "host": hello.host,
        "engine": hello.version,
        "hatui": version("hatui"),
        "python": platform.python_version(),
        "system": " ".join(platform.uname()),
        "since_wall_ns": since,
        "until_wall_ns": client.hello.wall_ns,
        "events": len(events),
        "configuration": refused or "masked",
    }
    files = {
        "manifest.json": _json(manifest),
        "statuses.json": _json(_without_output(present)),
        "findings.json": _json(found),
        "events.jsonl": _lines(_without_output(row) for row in events),
        JOURNAL: _lines(_without_output(line) for line in journal),
        "why.txt": _explained(events, session.instances(present)),
    }
    masks = Masks()
    files |= {
        f"config/{at}-{Path(path).name}": f"# {path}\n{masks.mask(text)}" for at, (path, text) in enumerate(configs)
    }
    return hello.host, cleaned(files, [text for _, text in configs])


async def _configs(chosen: argparse.Namespace, client: EngineClient) -> tuple[list[tuple[str, str]], str]:
    """The configuration's files; why there are none otherwise."""
    try:
        reply = await session.within(chosen, client.request(GetConfig()))
    except Refused as refusal:
        return [], refusal.reason
    return [(one.path, one.text) for one in reply.files], "" if reply.files else reply.text


def cleaned(files: dict[str, str], configs: Iterable[str]) -> dict[str, str]:
    """The files without any secret of the configurations, wherever it stands and however JSON writes it."""
    secrets = {word.text.strip("\"'") for text in configs for word in secret_tokens(text)}
    marks = {one: f"<secret {fingerprint(one)}>" for one in secrets if len(one) >= SHORTEST}
    marks |= {_json(one).strip('"\n'): mark for one, mark in marks.items()}
    if not marks:
        return files
    pattern = re.compile("|".join(re.escape(one) for one in sorted(marks, key=len, reverse=True)))
    return {name: pattern.sub(lambda found: marks[found.group()], text) for name, text in files.items()}


def _without_output(line: ServerLine) -> ServerLine:
    """The line without what scripts printed."""
    if isinstance(line, EventLine) and isinstance(line.event, ScriptRan) and line.event.output:
        return msgspec.structs.replace(line, event=msgspec.structs.replace(line.event, output=LEFT_OUT))
    if isinstance(line, Snapshot):
        kept = tuple(
            msgspec.structs.replace(one, output=LEFT_OUT) if isinstance(one, TrackerStatus) and one.output else one
            for one in line.statuses
        )
        return msgspec.structs.replace(line, statuses=kept)
    return line


def _explained(events: tuple[EventLine, ...], known: dict[str, InstanceStatus]) -> str:
    """`hatui why` for every change of the span, the newest first."""
    parts = []
    for change in reversed(explanation.changes_of(events)):
        status = known.get(getattr(change.event, "instance", ""))
        interface, down = (status.interface, status.master_down_interval) if status else ("", 0)
        found = explanation.explain(change, events, interface=interface, down=down)
        page = explanation.lines(change, found, 100, "utc")
        text = "\n".join("".join(part for part, _ in line).rstrip() for line in page)
        parts.append(f"{explanation.title(found.instance)}\n{text}\n")
    return "\n".join(parts) or "No change of state in this time.\n"


def packed(name: str, files: dict[str, str]) -> bytes:
    """The archive: all files in one directory of that name."""
    octets = io.BytesIO()
    with tarfile.open(fileobj=octets, mode="w:gz") as bundle:
        for path, text in files.items():
            data = text.encode(errors="replace")
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size, member.mode = len(data), 0o600
            bundle.addfile(member, io.BytesIO(data))
    return octets.getvalue()


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _lines(values: Iterable[Any]) -> str:
    return "".join(msgspec.json.encode(one).decode() + "\n" for one in values)
