"""An archive of what happened, to hand to somebody else: what is in it, and what never is.

Invariant: no password and no key is ever inside: configurations are masked, every secret that they name is struck
out of every other file; what scripts printed, and what is passed to them, is left out.
"""

from __future__ import annotations

import io
import platform
import re
import tarfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from engine import VERSION
from engine.config.diagnostic import Edit
from engine.config.syntax import apply_edits, parse
from engine.errors import Refused
from engine.messages import (
    Command,
    Diagnose,
    EventLine,
    GetConfig,
    GetEvents,
    Hello,
    InstanceStatus,
    Reply,
    ScriptRan,
    ServerLine,
    Snapshot,
    TrackerStatus,
)
from hatui import explanation
from hatui.drafts import Masks, fingerprint, secret_tokens
from hatui.replay import EVENTS, JOURNAL, fetch
from hatui.text import NS

Ask = Callable[[Command, float], Awaitable[Reply]]
"""Says a command to the engine, which may need so many seconds more than usual for it."""
LEFT_OUT = "(left out)"
SHORTEST = 3
"""Characters of a secret that is struck out elsewhere; a shorter one would strike out half of the text."""
PASSED_LEAST = 6
"""Characters of an argument that may be a secret."""
_MIXED = re.compile(r"[0-9].*[A-Za-z]|[A-Za-z].*[0-9]|[^A-Za-z0-9_.-]")
_COMMAND = re.compile(r"(\S*notify_\w+|notify|script|misc_path|quorum_up|quorum_down|startup_script|shutdown_script)\Z")
"""Words of the configuration whose value is a command."""
_SAID = frozenset({"INSTANCE", "GROUP", "MASTER", "BACKUP", "FAULT", "STOP", "DELETED", "MASTER_RX_LOWER_PRI"})
"""Words that the engine itself passes to a notify script."""
LISTEN_S = 2.0
JOURNAL_S = 60.0
"""Seconds more for a page of the journal."""


async def collect(ask: Ask, hello: Hello, present: Snapshot, span: int) -> dict[str, str]:
    """The clean files about the last `span` ns, by their names in the archive.

    Raises: EngineLost; Refused.
    """
    until = hello.wall_ns + 60 * NS
    since = hello.wall_ns - span

    def asked(command: Command) -> Awaitable[Reply]:
        return ask(command, JOURNAL_S)

    configs, refused = await _configs(ask)
    wish = GetEvents(limit=EVENTS, since_wall_ns=since, until_wall_ns=until)
    events = (await ask(wish, 0)).events
    found = (await ask(Diagnose(LISTEN_S), LISTEN_S)).findings
    journal = await fetch(asked, hello, since, until)
    manifest: dict[str, Any] = {
        "v": 1,
        "host": hello.host,
        "engine": hello.version,
        "hatui": VERSION,
        "python": platform.python_version(),
        "system": " ".join(platform.uname()),
        "since_wall_ns": since,
        "until_wall_ns": hello.wall_ns,
        "events": len(events),
        "configuration": refused or "masked",
    }
    known = {one.name: one for one in present.statuses if isinstance(one, InstanceStatus)}
    files = {
        "manifest.json": _json(manifest),
        "statuses.json": _json(_without_output(present)),
        "findings.json": _json(found),
        "events.jsonl": _lines(_without_output(row) for row in events),
        JOURNAL: _lines(_without_output(line) for line in journal),
        "why.txt": _explained(events, known),
    }
    masks = Masks()
    files |= {
        f"config/{at}-{Path(path).name}": f"# {path}\n{without_arguments(masks.mask(text))}"
        for at, (path, text) in enumerate(configs)
    }
    return cleaned(files, [text for _, text in configs])


async def _configs(ask: Ask) -> tuple[list[tuple[str, str]], str]:
    """The configuration's files; why there are none otherwise."""
    try:
        reply = await ask(GetConfig(), 0)
    except Refused as refusal:
        return [], refusal.reason
    return [(one.path, one.text) for one in reply.files], "" if reply.files else reply.text


def name_of(host: str, wall_ns: int) -> str:
    """The archive's name, without an ending."""
    stamp = datetime.fromtimestamp(wall_ns // NS, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"hatui-bundle-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}-{stamp}"


def cleaned(files: dict[str, str], configs: Iterable[str]) -> dict[str, str]:
    """The files without any secret of the configurations, wherever it stands and however JSON writes it."""
    secrets = {secret for text in configs for word in secret_tokens(text) for secret in _forms(word.text)}
    secrets |= {secret for text in configs for secret in _passed(text)}
    marks = {one: f"<secret {fingerprint(one)}>" for one in secrets if len(one) >= SHORTEST}
    marks |= {_json(one).strip('"\n'): mark for one, mark in marks.items()}
    if not marks:
        return files
    pattern = re.compile("|".join(re.escape(one) for one in sorted(marks, key=len, reverse=True)))
    return {name: pattern.sub(lambda found: marks[found.group()], text) for name, text in files.items()}


def without_arguments(text: str) -> str:
    """A configuration whose commands have lost what is passed to them."""
    edits = []
    for node in parse(text).walk():
        words = node.words
        if not _COMMAND.match(node.keyword) or len(words) < 2:
            continue
        first, last = words[1], words[-1]
        program, blank, _ = first.text.strip("\"'").partition(" ")
        if blank or len(words) > 2:
            kept = f'"{program} {LEFT_OUT}"'
            edits.append(Edit("", first.line, first.column, last.line, last.end_column, kept))
    return apply_edits(text, edits)


def _passed(text: str) -> Iterator[str]:
    """What is passed to commands and looks like a secret: no path, no address, nothing that stands elsewhere, too."""
    commands, others = [], set()
    for node in parse(text).walk():
        words = [word.text.strip("\"'") for word in node.words]
        if _COMMAND.match(node.keyword):
            commands.append(" ".join(words[1:]))
        else:
            others.update(words)
    for command in commands:
        for word in command.replace('"', " ").replace("'", " ").split()[1:]:
            tails = {word[place.end() :] for place in re.finditer("[=:@]", word)}
            for part in {word, *tails, *re.split("[=:@]", word)}:
                path = part.startswith("/") or "://" in part
                if len(part) >= PASSED_LEAST and _MIXED.search(part) and not path and part not in others:
                    yield part


def _forms(word: str) -> set[str]:
    """A secret as it may be written elsewhere: bare, without the mark of its notation, cut to what auth_pass keeps."""
    bare = word.strip("\"'")
    found = {bare, bare[:8]}
    if " " in bare:  # a line of a definition: its word, and what follows
        found.update(bare.split()[1:])
    return found | {one.removeprefix(mark) for one in found for mark in ("hex:", "0x", "base64:")}


def _without_output(line: ServerLine) -> ServerLine:
    """The line without what scripts printed."""
    if isinstance(line, EventLine) and isinstance(line.event, ScriptRan):
        ran = line.event
        kept = tuple(
            one if not at or one in _SAID or one == ran.instance else LEFT_OUT for at, one in enumerate(ran.argv)
        )
        ran = msgspec.structs.replace(ran, argv=kept, output=LEFT_OUT if ran.output else "")
        return msgspec.structs.replace(line, event=ran)
    if isinstance(line, Snapshot):
        present = tuple(
            msgspec.structs.replace(one, output=LEFT_OUT) if isinstance(one, TrackerStatus) and one.output else one
            for one in line.statuses
        )
        return msgspec.structs.replace(line, statuses=present)
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
