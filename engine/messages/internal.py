"""What core, vrrp and check say to each other besides inputs, events and statuses (msgpack)."""

from __future__ import annotations

from engine.config.model import Config
from engine.messages.events import CommandFinished, Event, LogLine
from engine.messages.inputs import (
    BfdChanged,
    ClearCounters,
    Configure,
    FileRead,
    Ordered,
    ProcessCounted,
    ScriptFinished,
    StopRouter,
)
from engine.messages.statuses import HeardAdvert, HostCounters, InstanceStatus, InterfaceStatus, TrackerStatus
from engine.messages.words import Message, Verdict


class PullStatus(Message, frozen=True):
    """core asks for statuses; `changed_only` since the last pull."""

    changed_only: bool = True
    heard: bool = False
    """Also what other routers said last."""


class StatusBatch(Message, frozen=True):
    """The answer to PullStatus; also the sign of life of the vrrp loop."""

    statuses: tuple[InstanceStatus | TrackerStatus | InterfaceStatus, ...]
    worst_late: int = 0
    whole: bool = False
    """Not only what changed: keys that are absent are gone."""
    refused: HostCounters = HostCounters()
    heard: tuple[HeardAdvert, ...] | None = None
    """Where it was asked for."""


class WatchPackets(Message, frozen=True):
    """Say the verdict on each received datagram from now on (or no longer)."""

    on: bool


class PacketJudged(Message, frozen=True):
    """The Router's verdict on one received datagram. Joined by core with the frame from the tap."""

    interface: str
    data: bytes
    """As in DatagramReceived."""
    instance: str
    verdict: Verdict
    detail: str = ""


class Stall(Message, frozen=True):
    """A drill: the vrrp loop stands still for so long, deaf and dumb. 0 ends it."""

    duration: int
    """ns, at most LONGEST_STALL."""


LONGEST_STALL = 60_000_000_000
"""ns."""


class Happened(Message, frozen=True):
    """Events with the instant at which the Router said them."""

    at: int
    events: tuple[Event | CommandFinished, ...]


class ScriptsWanted(Message, frozen=True):
    """core tells check what to run."""

    config: Config


class RunScript(Message, frozen=True):
    """core tells check to run a track script now."""

    name: str


ToVrrp = (
    Configure
    | Ordered
    | StopRouter
    | ScriptFinished
    | ProcessCounted
    | FileRead
    | BfdChanged
    | PullStatus
    | WatchPackets
    | Stall
    | ClearCounters
)
FromVrrp = Happened | StatusBatch | PacketJudged
ToCheck = ScriptsWanted | RunScript
FromCheck = ScriptFinished | ProcessCounted | FileRead | BfdChanged | LogLine
