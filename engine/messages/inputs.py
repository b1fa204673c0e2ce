"""Facts and orders that go into the pure `Router`. Source of each: the vrrp loop, the check process, core."""

from __future__ import annotations

from engine.config.model import Config, Instance
from engine.messages.commands import AnnounceNow, Failover, Release
from engine.messages.statuses import Counters
from engine.messages.words import Cause, Message, State


class DatagramReceived(Message, frozen=True):
    """What a raw socket gave. IPv4: `data` is the whole packet with its IP header and source,
    destination and ttl are None. IPv6: `data` is the message and the three come from the kernel
    (packed addresses; ttl None where the kernel gave none)."""

    interface: str
    family: int
    data: bytes
    source: bytes | None = None
    destination: bytes | None = None
    ttl: int | None = None


class InterfaceChanged(Message, frozen=True):
    """The whole present state of one interface, told at start and after each change."""

    interface: str
    ifindex: int
    exists: bool
    up: bool
    """Administratively up and running (carrier)."""
    mac: str = ""
    mtu: int = 1500
    addresses: tuple[str, ...] = ()
    """All its addresses as ADDRESS/PREFIX, kernel order (primary first), VIPs included."""
    kind: str = ""


class AddressChanged(Message, frozen=True):
    """An address appeared on or vanished from an interface, whoever did it."""

    interface: str
    address: str
    prefix: int
    present: bool
    foreign: bool = True
    """False when it answers an effect of ours."""


class RouteChanged(Message, frozen=True):
    """A virtual route or rule vanished by somebody else's hand (`text` as configured)."""

    instance: str
    text: str
    present: bool


class ScriptFinished(Message, frozen=True):
    """One run of a track script ended."""

    name: str
    exit_status: int
    """0..255; -N killed by signal N; -1000 could not be started; -1001 timed out."""
    duration: int = 0
    output: str = ""
    """The last few lines of its output, at most 400 characters."""


class ProcessCounted(Message, frozen=True):
    """How many processes match a vrrp_track_process now (its delays already applied)."""

    name: str
    count: int


class FileRead(Message, frozen=True):
    """The value in a track_file now (0 when missing or empty)."""

    name: str
    value: int


class BfdChanged(Message, frozen=True):
    """A BFD session went up or down."""

    name: str
    up: bool


class EffectFailed(Message, frozen=True):
    """The kernel refused an effect."""

    instance: str
    effect: str
    """The effect's type, such as "add-addresses"."""
    reason: str


class LastKnown(Message, frozen=True):
    """What core remembers of an instance when it respawns a vrrp process that died."""

    interface: str
    family: int
    vrid: int
    state: State
    since: int
    master: str = ""
    hold_until: int = 0
    hold_kind: str = ""
    hold_by: str = ""
    hold_reason: str = ""
    sequence: int = 0
    """InstanceStatus.sequence, as last told."""


class Configure(Message, frozen=True):
    """First configuration, or a reload. Interfaces are told before the first one."""

    config: Config
    resume: tuple[LastKnown, ...] = ()
    """Only at the start of a respawned process."""
    former: tuple[tuple[Instance, int], ...] = ()
    """Only then, too: masters that a reload has removed and that were still handing over, and their last known
    sequence number of the authentication header."""


class StopRouter(Message, frozen=True):
    """Stop with a hand-over: priority 0, keep the addresses until a successor is heard, then go."""

    cause: Cause = Cause.SHUTDOWN
    release_addresses: bool = True
    """False with -V: the addresses stay behind."""


class ClockStalled(Message, frozen=True):
    """The loop woke much later than its deadline (stopped, starved, suspended)."""

    late: int
    """ns"""


class Handicapped(Message, frozen=True):
    """One instance that is in maintenance, and why."""

    instance: str
    until: int = 0
    """0 means until it is switched off."""
    by: str = ""
    reason: str = ""


class Handicap(Message, frozen=True):
    """Exactly these instances (and what moves with them) are in maintenance from now on. Saying it again changes
    nothing."""

    held: tuple[Handicapped, ...] = ()
    dry_run: bool = False


class Impair(Message, frozen=True):
    """A drill: make an instance (and what moves with it) behave as if something had failed, until `until` at the
    latest, whoever dies meanwhile. kind: silent, deaf, link, tracker."""

    instance: str
    kind: str
    until: int
    name: str = ""
    """tracker: KIND NAME; empty: the first one that the instance watches."""


class Relieve(Message, frozen=True):
    """The end of every impairment, at once."""


class Ordered(Message, frozen=True):
    """An order on its way into the Router, with the number of its reply."""

    request: int
    command: Failover | Release | AnnounceNow | Handicap | Impair | Relieve
    by: str = ""
    reason: str = ""


class ClearCounters(Message, frozen=True):
    """The counters of instances begin anew, without what has been taken of them: what came since then counts on."""

    taken: tuple[tuple[str, Counters], ...]
    """(instance, what it had)"""


Input = (
    DatagramReceived
    | InterfaceChanged
    | AddressChanged
    | RouteChanged
    | ScriptFinished
    | ProcessCounted
    | FileRead
    | BfdChanged
    | EffectFailed
    | Configure
    | Ordered
    | StopRouter
    | ClockStalled
    | ClearCounters
)
