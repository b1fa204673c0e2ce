"""The envelopes of the control socket: one JSON line each, in both directions."""

from __future__ import annotations

from engine.config.diagnostic import Diagnostic
from engine.messages.commands import Command
from engine.messages.drills import Check, DrillPlan, DrillReport
from engine.messages.events import Event
from engine.messages.statuses import FindingStatus, HeardAdvert, Status
from engine.messages.words import PROTOCOL_VERSION, Message, Outcome, Verdict


class Request(Message, frozen=True):
    """Client to engine: one command. `id` is the client's own, answered in Reply and Progress."""

    id: int
    command: Command
    reason: str = ""
    v: int = PROTOCOL_VERSION


class Hello(Message, frozen=True):
    """First line of the engine."""

    version: str
    host: str
    role: str
    """operator or viewer."""
    user: str
    capabilities: tuple[str, ...]
    mono_ns: int
    wall_ns: int
    v: int = PROTOCOL_VERSION
    arrived: str = ""
    """The address of the engine's host at which this client's ssh connection arrives, also of one that comes through a
    relay; empty where it came otherwise."""


class Snapshot(Message, frozen=True):
    """All statuses at one instant; everything a client knew before is void."""

    statuses: tuple[Status, ...]
    seq: int
    """Sequence number of the last event before it."""
    mono_ns: int
    wall_ns: int = 0
    """Only in snapshots of the journal."""
    v: int = PROTOCOL_VERSION


class StatusLine(Message, frozen=True):
    """One status that replaces the one with the same key."""

    status: Status
    mono_ns: int
    v: int = PROTOCOL_VERSION


class StatusGone(Message, frozen=True):
    """A status that no longer exists. kind: the status' type, such as "instance-status"."""

    kind: str
    name: str
    v: int = PROTOCOL_VERSION


class EventLine(Message, frozen=True):
    """One event."""

    seq: int
    mono_ns: int
    wall_ns: int
    event: Event
    v: int = PROTOCOL_VERSION


class PacketLine(Message, frozen=True):
    """One frame from the wire with the engine's verdict."""

    seq: int
    """Counts packets, not events; a gap means that this slow reader lost some."""
    mono_ns: int
    wall_ns: int
    interface: str
    direction: str
    """in or out."""
    kind: str
    """advert, arp or na."""
    frame: bytes
    """From the Ethernet header on; base64 on the wire; password octets are zeroed for viewers."""
    instance: str
    verdict: Verdict
    detail: str = ""
    v: int = PROTOCOL_VERSION


class Gap(Message, frozen=True):
    """This reader was too slow or away too long: so many were dropped."""

    packets: int = 0
    events: int = 0
    v: int = PROTOCOL_VERSION


class Heartbeat(Message, frozen=True):
    """Once a second. vrrp_heard is when the vrrp loop last gave a sign of life: a console trusts that."""

    mono_ns: int
    wall_ns: int
    vrrp_heard: int
    seq: int
    v: int = PROTOCOL_VERSION


class Progress(Message, frozen=True):
    """A command is under way."""

    id: int
    text: str
    v: int = PROTOCOL_VERSION


class ConfigText(Message, frozen=True):
    """One configuration file. `digest` is the SHA-256 of its octets in hex."""

    path: str
    text: str
    digest: str


class RevisionInfo(Message, frozen=True):
    """A configuration that was in use, as it is kept by the engine."""

    number: int
    parent: int
    """The one in use before it; 0 for the first."""
    wall_ns: int
    by: str
    """startup, signal, file, operator NAME, engine."""
    comment: str = ""
    digest: str = ""
    """Of the main file."""
    fingerprint: str = ""
    changed: tuple[str, ...] = ()
    """Paths of the files that differ from its parent, as far as that is kept."""


class TrackerRun(Message, frozen=True):
    """One run of a track script that has ended."""

    name: str
    at: int
    """When it ended."""
    exit_status: int
    """As in ScriptFinished."""
    duration: int = 0
    output: str = ""


class Reply(Message, frozen=True):
    """The one answer to a Request."""

    id: int
    outcome: Outcome
    code: str = ""
    """Empty when done; otherwise known to `hatui explain`."""
    text: str = ""
    duration: int = 0
    files: tuple[ConfigText, ...] = ()
    events: tuple[EventLine, ...] = ()
    problems: tuple[str, ...] = ()
    revisions: tuple[RevisionInfo, ...] = ()
    runs: tuple[TrackerRun, ...] = ()
    drill: DrillReport | None = None
    drills: tuple[DrillReport, ...] = ()
    plans: tuple[DrillPlan, ...] = ()
    checks: tuple[Check, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    findings: tuple[FindingStatus, ...] = ()
    heard: tuple[HeardAdvert, ...] = ()
    judged: tuple[Diagnostic, ...] = ()
    """Findings of a configuration's text, in the order of the text."""
    octets: bytes = b""
    """Base64 on the wire."""
    size: int = 0
    v: int = PROTOCOL_VERSION


class Farewell(Message, frozen=True):
    """Last line before the engine closes this client: why."""

    code: str
    text: str
    v: int = PROTOCOL_VERSION


ServerLine = (
    Hello | Snapshot | StatusLine | StatusGone | EventLine | PacketLine | Gap | Heartbeat | Progress | Reply | Farewell
)
