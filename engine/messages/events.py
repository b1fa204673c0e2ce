"""What has happened, past tense: on the control socket, in the history, in the notify queue."""

from __future__ import annotations

from engine.messages.drills import DrillFinished, DrillStarted
from engine.messages.words import Cause, Message, Outcome, State, Verdict


class Evidence(Message, frozen=True):
    """One of the last inputs before a transition."""

    at: int
    kind: str
    """advert, advert-sent, missed, rejected, script, interface, address, command, priority, stall, timer."""
    text: str


class StateChanged(Message, frozen=True):
    """An instance entered another state."""

    instance: str
    old: State
    new: State
    cause: Cause
    detail: str = ""
    """One sentence with the figures: who, how long, which tracker."""
    priority: int = 0
    """The effective priority then."""
    evidence: tuple[Evidence, ...] = ()
    peer: str = ""
    """The other router that the cause is about: the silent, resigning, better or refused one; empty for none."""
    late: int = -1
    """ns by which our own timer fired after it was due; -1 when no timer made this change."""


class PriorityChanged(Message, frozen=True):
    """The effective priority of an instance changed."""

    instance: str
    old: int
    new: int
    detail: str = ""


class MasterChanged(Message, frozen=True):
    """A backup learnt of another master."""

    instance: str
    master: str
    """Address, empty for "none known"."""
    priority: int = 0


class TrackerChanged(Message, frozen=True):
    """A tracked script, process, file, interface or BFD session turned good or bad."""

    kind: str
    name: str
    good: bool
    detail: str = ""


class InterfaceStateChanged(Message, frozen=True):
    """An interface that an instance uses went up, down, away or came back."""

    interface: str
    up: bool
    detail: str = ""


class AdvertRejected(Message, frozen=True):
    """An advertisement failed a test. At most one event a kind and instance until things change."""

    instance: str
    """Empty when no instance has that VRID."""
    source: str
    verdict: Verdict
    detail: str = ""


class AddressLost(Message, frozen=True):
    """Somebody else removed a virtual address while we are master; it was put back if `restored`."""

    instance: str
    address: str
    interface: str
    restored: bool


class AddressesMoved(Message, frozen=True):
    """The kernel has confirmed: the addresses are on (`present`) or off their interfaces."""

    instance: str
    addresses: tuple[str, ...]
    present: bool


class HandOverStarted(Message, frozen=True):
    """Priority 0 was sent; the addresses stay until a successor is heard."""

    instance: str
    reason: str = ""


class HandOverFinished(Message, frozen=True):
    """The end of a hand-over: `successor` is empty when nobody took over."""

    instance: str
    successor: str
    duration: int
    """ns from the priority-0 advert to the successor's first advert (or to giving up)."""
    released: bool
    """Our addresses were removed."""


class HoldChanged(Message, frozen=True):
    """A hold began (`kind` step-down or take-over) or ended (`kind` empty)."""

    instance: str
    kind: str
    until: int = 0
    by: str = ""
    reason: str = ""


class LowerPriorityHeard(Message, frozen=True):
    """A master heard a worse master, and answered. Once a sender and mastership; runs notify_master_rx_lower_pri."""

    instance: str
    sender: str
    priority: int


class NearMiss(Message, frozen=True):
    """A backup almost took over, or our own loop was late."""

    instance: str
    text: str


class PeerAsked(Message, frozen=True):
    """After a take-over from a silent master: its host was asked by ARP or neighbour discovery."""

    instance: str
    peer: str
    mac: str = ""
    """Who answered; empty: nobody."""
    duration: int = 0
    """ns until the answer."""


class EffectRefused(Message, frozen=True):
    """The kernel refused what the Router wished."""

    instance: str
    effect: str
    reason: str


class ScriptRan(Message, frozen=True):
    """A notify script has run (track scripts report through TrackerChanged)."""

    instance: str
    argv: tuple[str, ...]
    exit_status: int
    duration: int
    output: str = ""


class ConfigLoaded(Message, frozen=True):
    """A configuration came into use."""

    fingerprint: str
    by: str
    """startup, signal, file, operator NAME."""
    changes: tuple[str, ...] = ()
    """One line per instance that changed, from the plan."""
    comment: str = ""
    confirm_s: float = 0
    """Seconds within which it must be confirmed; 0: it is in use for good."""


class ConfigRefused(Message, frozen=True):
    """A configuration was refused; the running one stays."""

    by: str
    problems: tuple[str, ...]
    """file:line:column: what."""


class ConfigConfirmed(Message, frozen=True):
    """A change that waited for its confirmation stays."""

    revision: int
    by: str
    comment: str = ""


class ConfigReverted(Message, frozen=True):
    """A change that waited for its confirmation was taken back: the text before it is on disk and in use."""

    revision: int
    """The one that is gone."""
    previous: int
    """The one whose text is in use again; 0 when it is not known."""
    reason: str
    by: str = ""
    """Who asked for it; empty: the engine itself."""


class ConfigRevertRefused(Message, frozen=True):
    """A change that was not confirmed stays all the same: taking it back would have done harm."""

    revision: int
    reason: str
    """Why it should have been taken back."""
    obstacle: str
    """Why it was not, with the name of the file."""


class ProcessDied(Message, frozen=True):
    """The vrrp or check process ended unexpectedly and was started again."""

    process: str
    reason: str
    respawned: bool


class EngineStarted(Message, frozen=True):
    """The engine is up."""

    version: str
    pid: int


class EngineStopping(Message, frozen=True):
    """The engine is going down, handing over first."""

    reason: str


class CommandLogged(Message, frozen=True):
    """The audit row of an operator's command."""

    by: str
    origin: str
    """pid and uid of the peer, tty or ssh address where known."""
    command: str
    reason: str
    outcome: Outcome
    code: str = ""
    text: str = ""


class LogLine(Message, frozen=True):
    """Anything else worth a line. severity: debug, info, warning, error."""

    severity: str
    text: str


Event = (
    StateChanged
    | PriorityChanged
    | MasterChanged
    | TrackerChanged
    | InterfaceStateChanged
    | AdvertRejected
    | AddressLost
    | AddressesMoved
    | HandOverStarted
    | HandOverFinished
    | HoldChanged
    | LowerPriorityHeard
    | NearMiss
    | PeerAsked
    | EffectRefused
    | ScriptRan
    | ConfigLoaded
    | ConfigRefused
    | ConfigConfirmed
    | ConfigReverted
    | ConfigRevertRefused
    | ProcessDied
    | DrillStarted
    | DrillFinished
    | EngineStarted
    | EngineStopping
    | CommandLogged
    | LogLine
)


class CommandFinished(Message, frozen=True):
    """The Router's answer to an Ordered command; core turns it into the one Reply."""

    request: int
    outcome: Outcome
    code: str = ""
    text: str = ""
    duration: int = 0
