"""Drills: what is planned, what is under way, and what was measured.

Instants are wall clock (ns), so that probes of other hosts fit in; durations are ns, -1 is "not known".
"""

from __future__ import annotations

from engine.messages.words import Message


class DrillPlan(Message, frozen=True, kw_only=True):
    """What a drill does. One act, as often as `repeat` says, with everything around it."""

    name: str
    title: str
    act: str
    """hand-over, take-over, silent, link, tracker, deaf, crash, stall, reload."""
    needs: str = "master"
    """What this node must be: master, backup or any."""
    expect: str = "moves"
    """moves: another router serves meanwhile; stays: nothing moves; splits: two masters, then one again."""
    repeat: int = 1
    baseline_s: float = 3.0
    settle_s: float = 2.0
    """Seconds of good probes before the restoration, and after it."""
    hold_s: float = 0.0
    """stall, deaf: seconds that it lasts; 0: long enough for a takeover."""
    budget_s: float = 0.0
    """The outage that is allowed; 0: what the timers make one expect, and half a second."""
    limit_s: float = 0.0
    """Seconds after which it is aborted; 0: from the timers."""
    tracker: str = ""
    every_ms: float = 50.0
    """Interval of this node's own probes."""
    source: str = "built in"
    """Or the file that it comes from."""


class Check(Message, frozen=True):
    """One line of a preflight: pass, warn, fail or unknown."""

    result: str
    code: str
    text: str


class DrillStep(Message, frozen=True):
    """One step and how far it is: todo, now, done, failed."""

    name: str
    state: str = "todo"
    text: str = ""
    at: int = 0


class ProbeSample(Message, frozen=True):
    """One probe: when it was sent, and its answer."""

    sent: int
    ok: bool
    rtt: int = 0
    macs: tuple[str, ...] = ()


class ProbeRow(Message, frozen=True):
    """A probe while the drill runs, the newest cell last: `.` ok, `x` lost, `m` another MAC or two."""

    name: str
    cells: str
    sent: int = 0
    lost: int = 0


class ProbeResult(Message, frozen=True):
    """What one probe has measured."""

    name: str
    """WHERE KIND."""
    every: int
    sent: int
    lost: int
    outage: int
    """From the last good answer to the first good one; the longest until the restoration began."""
    back: int
    """The same after that."""
    owners: tuple[str, ...] = ()
    """MACs that answered, in the order in which they first did."""
    doubled: int = 0
    """How long two machines answered."""
    open: bool = False
    """It was never good again."""


class Phase(Message, frozen=True):
    """One part of an outage: detect, elect, address, announce, client."""

    name: str
    expected: int = -1
    measured: int = -1


class Turn(Message, frozen=True):
    """One time that it was broken and mended; a drill that repeats has several."""

    acted: int
    restored: int = 0


class DrillProgress(Message, frozen=True, kw_only=True):
    """The drill under way."""

    number: int
    plan: str
    title: str
    instance: str
    by: str
    reason: str
    started: int
    budget: int
    limit: int
    expected: int
    steps: tuple[DrillStep, ...] = ()
    probes: tuple[ProbeRow, ...] = ()
    acted: int = 0
    restoring: bool = False
    every: int = 0
    ladder: tuple[str, ...] = ()
    real_link: bool = False
    """The interface is really taken down."""
    outage: int = -1
    """The longest so far since the act, of the probes that count, the one that goes on included; -1: none measures."""


class DrillReport(Message, frozen=True, kw_only=True):
    """The end of a drill."""

    number: int
    plan: str
    title: str
    instance: str
    by: str
    reason: str
    started: int
    ended: int
    simulation: bool = False
    outcome: str = ""
    """pass, over-budget, failed, aborted, crashed."""
    text: str = ""
    budget: int = 0
    expected: int = -1
    """Outage that the timers make one expect at most."""
    measured: int = -1
    takeover_expected: int = -1
    takeover: int = -1
    """From the act to the first advert of the other router."""
    doubled: int = 0
    phases: tuple[Phase, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    steps: tuple[DrillStep, ...] = ()
    checks: tuple[Check, ...] = ()
    notifies: tuple[str, ...] = ()
    ladder: tuple[str, ...] = ()
    restored: bool = False
    host: str = ""
    version: str = ""
    fingerprint: str = ""
    peer: str = ""
    turns: tuple[Turn, ...] = ()
    override: str = ""
    """Why it was run although its preflight failed."""
    overridden: tuple[str, ...] = ()
    """The codes that had failed."""
    lasts: int = -1
    """At most, with all that belongs to it."""
    packets: str = ""
    """The file (pcapng) on that node with what was on the wire; empty when there is none."""
    packets_kept: int = 0
    """-1: the engine died, nobody counted."""
    packets_left_out: int = 0
    packets_problem: str = ""
    """Why there is none, or why it ends early."""
    real_link: bool = False
    """The interface was really taken down, not its carrier simulated."""


class OtherRouter(Message, frozen=True):
    """What the other router's engine says of its instance, for a simulation."""

    node: str
    priority: int
    """Its own, without weights and holds."""
    advert_interval: int
    preempt: bool = True
    instance: str = ""
    """Its name there."""
    source: str = ""
    """The address that its adverts come from."""
    failing: tuple[tuple[str, str], ...] = ()
    """Kind and name of the trackers that fail there now."""
    files: tuple[tuple[str, str], ...] = ()
    """Path and text of its configuration, the main file first; empty where whoever asks may not read it."""


class RunDrill(Message, frozen=True):
    """Run a plan on an instance. `text` is a plan of one's own (TOML). The reply comes at the end; a client that
    leaves ends nothing."""

    plan: str
    instance: str
    text: str = ""
    budget_s: float = 0
    limit_s: float = 0
    repeat: int = 0
    baseline_s: float = -1
    tracker: str = ""
    simulate: bool = False
    dry_run: bool = False
    override: str = ""
    """Why it is run although its preflight failed; the codes and this are written down."""
    checks: tuple[Check, ...] = ()
    """What a client with a link to other nodes has found there."""
    other: OtherRouter | None = None
    """The other router, where a client has a link to it; only a simulation needs it."""
    real_link: bool = False
    """A drill of the link takes the interface really down; only with a second path to the host."""


class AbortDrill(Message, frozen=True):
    """Restore at once what the running drill has changed, and end it."""


class ReserveDrill(Message, frozen=True):
    """A drill runs on another node of this site: hold still here, until it is said again with 0 seconds, or so many
    have passed. Whoever starts a drill and has a link to other nodes says it to them."""

    host: str
    """Which node runs it."""
    plan: str
    instance: str
    seconds: float
    """0..86400."""


class GetDrills(Message, frozen=True):
    """The reports, newest first, and the plans; with `number` that report alone, whole."""

    number: int = 0
    limit: int = 50


class GetDrillPackets(Message, frozen=True):
    """A part of the pcapng of a drill, from an octet on, in Reply.octets; Reply.size is that of the whole file."""

    number: int
    offset: int = 0


class ProbeSeen(Message, frozen=True):
    """What a probe elsewhere has seen, for the drill under way."""

    name: str
    every: int
    samples: tuple[ProbeSample, ...]


class DrillStarted(Message, frozen=True):
    """A drill began."""

    number: int
    plan: str
    instance: str
    by: str
    reason: str = ""


class DrillFinished(Message, frozen=True):
    """A drill ended: pass, over-budget, failed, aborted, crashed."""

    number: int
    plan: str
    instance: str
    outcome: str
    text: str = ""
    outage: int = -1
