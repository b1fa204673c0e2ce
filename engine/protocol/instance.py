"""The state machine of one virtual router.

Invariant: only `_enter` assigns `state`, with one cause and one sentence; virtual addresses are on the
interface while MASTER and at no other time; in BACKUP and MASTER exactly one timer runs (`timer_at`), in INIT
and FAULT none. A refused packet never gets here, so it moves no timer. Source: RFC 9568 6.4, RFC 3768 6.4.
"""

from __future__ import annotations

import ipaddress

from engine.config.model import Instance
from engine.messages import Cause, LedgerLine, LogLine, PriorityChanged, State, StateChanged, Verdict
from engine.protocol import causes, election, handover, impairment, owners, stall, unplaced, vmac
from engine.protocol.evidence import EvidenceRing
from engine.protocol.group import GroupState, tracking_in_group
from engine.protocol.host import Host
from engine.protocol.presence import Presence
from engine.protocol.stimuli import (
    FIRED,
    Assessed,
    Elected,
    Heard,
    Pulled,
    Stalled,
    Started,
    StepDown,
    Stimulus,
    Stopped,
    TakeOver,
    TimerFired,
)
from engine.protocol.tally import Tally
from engine.protocol.timers import Timers
from engine.protocol.timing import NEVER, master_down_interval, release_grace, seconds_text, settle_delay, skew_time
from engine.protocol.tracking import assess, faults_of_place
from engine.protocol.transmit import Transmitter, unsendable


class VrrpInstance(Timers):
    """One virtual router on one interface and family, known by `Instance.key`."""

    # fmt: off
    __slots__ = (
        "_moves", "_react", "_unsendable", "alike_head", "alike_middle", "alike_tail", "answered_at", "config",
        "counting_since", "deaf", "dirty", "doubtful", "down", "ended", "evidence", "faults", "group", "group_key",
        "hand_over", "heard_at", "heard_before", "hold", "impairment", "last_cause", "last_detail", "late", "ledger",
        "marks", "master", "master_interval", "master_priority", "masters_told", "move", "near_margin",
        "near_misses", "not_before", "outranked", "own_faults", "peer", "peer_priority", "preempt_from", "presence",
        "priority", "priority_as_master", "rejected", "rejected_sender", "rejected_verdict", "reported", "resigned",
        "rivalry", "since", "source", "source_key", "state", "tally", "told", "transitions", "transmit", "trouble",
        "undecided", "wants_master",
    )
    # fmt: on

    def __init__(self, config: Instance, host: Host, group: GroupState | None) -> None:
        super().__init__(host)
        self.config = config
        self.group = group
        self.state = State.INIT
        self.since = host.now
        self.last_cause = Cause.STARTUP
        self.last_detail = ""
        self.transitions = 0
        self._react = self._init

        self.ledger: tuple[LedgerLine, ...] = ()
        self.priority = config.priority
        """Effective, 1..255."""
        self.priority_as_master = config.priority
        self.own_faults: tuple[LedgerLine, ...] = ()
        self.faults: tuple[LedgerLine, ...] = ()
        self.undecided = False
        self.hold: handover.Hold | None = None
        self.hand_over: handover.HandOver | None = None
        self.move: handover.Move | None = None
        self.impairment: impairment.Impairment | None = None
        self.deaf = False
        """A drill drops all adverts for this instance."""
        self.rivalry = owners.Rivalry()
        self.trouble = unplaced.Trouble()
        self.wants_master = False
        self.ended = False
        """Stopped for good: INIT is not left again."""
        self.doubtful = False
        """MASTER whose host stood still for so long that another may have taken over."""

        self.source = ""
        self.source_key = b""
        self.group_key = b""
        self.transmit = Transmitter()
        self.presence = Presence(host, config)

        self.master = ""
        self.master_priority = 0
        self.master_interval = config.advert_interval
        self.peer = ""
        self.peer_priority = 0
        self.heard_at = 0
        self.heard_before = 0
        self.resigned = ""
        """The master that sent priority 0 since its last good advert."""
        self.outranked = False
        """Adverts below our priority were ignored since the last good one."""
        self.preempt_from = 0
        """preempt_delay: when the lower-priority master is no longer honoured; 0 means not running."""
        self.rejected = 0
        """Adverts refused since the last good one."""
        self.rejected_sender = ""
        self.rejected_verdict = Verdict.OK
        self.marks: dict[bytes, int] = {}
        """auth_hmac: the newest mark of each sender, least recently used first."""
        self.told: set[str] = set()
        """What has been said once and is not repeated until things change."""
        self.masters_told: dict[tuple[str, int], int] = {}
        """(address, priority) of the masters said of late, and when."""
        self.answered_at = -NEVER
        """When a worse master was last answered by announcements."""
        self.near_misses = 0
        self.late = -1
        """ns by which the timer that made the next change fired after it was due; -1 for none."""
        self._moves: list[int] = []
        self.tally = Tally()
        self.counting_since = host.now
        self.evidence = EvidenceRing()

        self.down = 0
        """ns: the master-down interval, kept for the hot path."""
        self.not_before = 0
        """Timers count from here on: the end of vrrp_startup_delay."""
        self.alike_head = self.alike_middle = self.alike_tail = b""
        """The last accepted advert when the same again only moves the deadline; empty otherwise."""
        self.near_margin = 0
        self.reported: tuple[object, ...] = ()
        self.dirty = True
        self.adopt(config)

    # --- configuration and facts

    def adopt(self, config: Instance) -> None:
        """Take over a configuration's values; effects of the difference are the business of reload.py."""
        self.config = config
        self.presence.adopt(config)
        self.rivalry.lowered = self.rivalry.lowered and config.owner
        self._unsendable = unsendable(config)
        self.group_key = ipaddress.ip_address(config.group_address).packed
        self.recompute_down()

    def assess(self) -> None:
        """Work out ledger, faults, effective priority and source address anew; says and does nothing."""
        config, host = self.config, self.host
        self.source = host.source_address(config)
        self.source_key = ipaddress.ip_address(self.source).packed if self.source else b""
        tracking = tracking_in_group(config.tracking, self.group.config if self.group else None)
        unsent = self._unsendable or self.transmit.used_up
        further = faults_of_place(config, self.presence.addresses, host.interfaces, self.source, unsent)
        further = impairment.faults(self) + further
        further += self.group.faults_for(self) if self.group else []
        found = assess(
            config,
            tracking,
            host.trackers,
            host.interfaces,
            further,
            self.hold.kind if self.hold is not None else "",
            self.ledger,
            host.now,
            self.rivalry.line(),
        )
        self.ledger, self.priority, self.own_faults = found.ledger, found.priority, found.faults
        self.faults = tuple(line for line in found.ledger if line.fault)
        self.undecided = found.undecided
        self.dirty = True

    def reassess(self, reason: str = "") -> None:
        """Facts have changed: work them out and let the state machine see them, those of the group too."""
        before = self.priority
        if self.group is None:
            self.assess()
            self.tell(Assessed(before, reason))
            return
        others = [(one, one.priority) for one in self.group.members if one is not self]
        for _ in range(2):  # the second time with what the first found in the other members
            self.assess()
            for one, _priority in others:
                one.assess()
        self.tell(Assessed(before, reason))
        for one, priority in others:
            one.tell(Assessed(priority))

    def watches(self, kind: str, name: str) -> bool:
        """Whether a tracker of that kind and name counts here."""
        tracking = self.config.tracking
        tracks = {
            "script": tracking.scripts,
            "process": tracking.processes,
            "file": tracking.files,
            "bfd": tracking.bfd,
            "interface": tracking.interfaces,
        }[kind]
        return any(track.name == name for track in tracks)

    def recompute_down(self) -> None:
        """The master-down interval from priority, learned interval and version."""
        config = self.config
        self.down = master_down_interval(config.version, self.priority, self.master_interval, config.down_timer_adverts)
        self.near_margin = self.master_interval

    def prepare(self) -> None:
        """Encode the adverts anew: priority, addresses or source have changed."""
        self.transmit.prepare(self.config, self.priority, self.source)

    # --- timers

    def timer_fired(self) -> None:
        """The state's timer is due."""
        self._react(FIRED)

    def side_fired(self, name: str) -> None:
        """A timer that belongs to no state is due."""
        timing = self.config.announce
        match name:
            case "announce" | "let-go":
                self.presence.announce(timing.master_repeat)
            case "refresh":
                self.presence.announce(timing.master_refresh_repeat)
                self.rearm_refresh()
            case "lower-announce":
                self.presence.announce(timing.lower_prio_repeat)
            case "settle-announce" | "release-announce":
                self.presence.announce(1)
            case "hold-end":
                handover.end_hold(self, "its time is over")
            case "drill-end":
                impairment.time_is_over(self)
            case "verify":
                handover.verified(self)
            case "rival":
                owners.time_is_over(self)
            case "place":
                unplaced.try_again(self)
        self.dirty = True

    def cancel_announcements(self) -> None:
        """No burst or refresh is due any more."""
        self.cancel_side("announce", "refresh", "lower-announce", "settle-announce", "release-announce", "let-go")

    def rearm_refresh(self) -> None:
        """Announce every garp_master_refresh from now on, if that is set."""
        if self.config.announce.master_refresh:
            self.arm_side("refresh", self.host.now + self.config.announce.master_refresh)

    # --- the states

    def tell(self, stimulus: Stimulus) -> None:
        """Let the present state react."""
        self._react(stimulus)

    def _init(self, stimulus: Stimulus) -> None:
        match stimulus:
            case Started() | Assessed() if not self.ended:
                self._begin()
            case Stopped():
                self.last_cause, self.ended = stimulus.cause, True
            case _:
                return

    def _begin(self) -> None:
        """Leave INIT, unless a weight-0 script has not said anything yet. Source: RFC 9568 6.4.1."""
        if self.faults:
            self._enter(State.FAULT, *causes.of_fault(self.faults))
        elif self.undecided:
            return
        elif self.masters_at_once():
            self._become_master(Cause.STARTUP, "owner of the address: master from the start")
        else:
            self._become_backup(Cause.STARTUP, f"priority {self.priority}{causes.explain_ledger(self.ledger)}")
            if self.config.owner:
                self.arm(max(self.host.now, self.not_before))

    def masters_at_once(self) -> bool:
        """Whether INIT leads to MASTER: an owner on its own, healthy and past the start-up delay."""
        ready = not self.faults and not self.undecided and self.group is None
        return self.config.owner and ready and self.host.now >= self.not_before

    def _backup(self, stimulus: Stimulus) -> None:
        """Source: RFC 9568 6.4.2, RFC 3768 6.4.2."""
        match stimulus:
            case TimerFired():
                if not self.wants_master:
                    self.late = self.host.now - self.timer_at
                    self.evidence.note(self.host.now, "timer", causes.timer_sentence(self))
                self.wants_master = True
                if self.group is None:
                    self._become_master(*causes.of_takeover(self))
                elif not self.group.elect():
                    election.group_retry(self)
            case Elected():
                self._become_master(*causes.of_takeover(self))
            case Heard():
                election.hear_as_backup(self, stimulus)
            case Assessed():
                if self.faults:
                    self._enter(State.FAULT, *causes.of_fault(self.faults))
                else:
                    self._take_priority(stimulus)
            case TakeOver():
                self.resigned, self.outranked = "", False
                self._become_master(stimulus.cause, stimulus.reason)
            case Stalled():
                stall.listen_again(self, stimulus.late)
            case Stopped():
                self._enter(State.INIT, stimulus.cause, "stopped")
            case _:
                return

    def _master(self, stimulus: Stimulus) -> None:
        """Source: RFC 9568 6.4.3, RFC 3768 6.4.3."""
        match stimulus:
            case TimerFired():
                if self.hand_over is None:
                    self._advertise()
                else:
                    handover.expired(self)
            case Heard() if self.hand_over is not None:
                handover.heard(self, stimulus)
            case Heard(priority=0):
                election.hear_resigning(self, stimulus)
                self.advertise_now()
            case Heard() if self.doubtful:
                self._yield(stimulus, Cause.ENGINE_STALL, stall.sentence(self, stimulus))
            case Heard() if election.wins(self, stimulus):
                if self.config.higher_prio_send_advert:
                    self.advertise_now()
                self._yield(stimulus, *causes.of_yielding(self, stimulus))
            case Heard():
                election.hear_loser(self, stimulus)
            case StepDown():
                handover.begin(self, stimulus)
            case Assessed():
                if self.faults:
                    dead = any(impairment.is_sudden(line, self.config.interface) for line in self.faults)
                    self._leave(State.FAULT, *causes.of_fault(self.faults), resign=not dead)
                else:
                    self._take_priority(stimulus)
            case Pulled():
                if self.hand_over is None:
                    text = f"{stimulus.member} of the same sync group became backup"
                    self._leave(State.BACKUP, Cause.SYNC_GROUP, text, resign=True)
            case Stalled():
                stall.doubt(self, stimulus.late)
            case Stopped():
                if stimulus.hand_over:
                    handover.begin(self, stimulus)
                else:
                    self._leave(State.INIT, stimulus.cause, "stopped", resign=True, keep=stimulus.keep_addresses)
            case _:
                return

    def _fault(self, stimulus: Stimulus) -> None:
        """Source: keepalived's FAULT; RFC 9568 8.3.2 leaves it to the implementation."""
        match stimulus:
            case Assessed() if not self.faults:
                self._take_priority(stimulus)
                self._become_backup(Cause.FAULT_CLEARED, "no fault is left")
                if self.config.owner:
                    self.arm(self.host.now + self.config.advert_interval + self.own_skew())
            case Assessed():
                self._take_priority(stimulus)
            case Stopped():
                self._enter(State.INIT, stimulus.cause, "stopped")
            case _:
                return

    def _enter(self, state: State, cause: Cause, detail: str, *, quiet: bool = False) -> None:
        """The only place that assigns the state: one event with its cause, unless resumed `quiet`ly."""
        silence = causes.evidence_of_silence(self, self.host.now) if state is State.MASTER else []
        peer, late, self.late = causes.peer_of(self, cause), self.late, -1
        old, self.state, self.since = self.state, state, self.host.now
        self._react = {
            State.INIT: self._init,
            State.BACKUP: self._backup,
            State.MASTER: self._master,
            State.FAULT: self._fault,
        }[state]
        self.last_cause, self.last_detail = cause, detail
        self.wants_master = self.doubtful = self.outranked = False
        self.resigned, self.rejected, self.preempt_from = "", 0, 0
        self.alike_tail = b""
        self.told.clear()
        self.masters_told.clear()
        self.dirty = True
        self.ended = state is State.INIT
        if state is not State.BACKUP and state is not State.MASTER:
            self.timer_at = NEVER
            self.master, self.master_priority = "", 0
            owners.own_again(self)
        if state is not State.MASTER:
            self.hand_over = None
            self.cancel_announcements()
            self.cancel_side("rival", "place")
            self.trouble.clear()
        if quiet:
            return
        self.transitions += 1
        self._watch_flapping(old)
        self.host.out.append(
            StateChanged(
                self.config.name,
                old,
                state,
                cause,
                detail,
                self.priority,
                self.evidence.window(silence),
                peer,
                late if state is State.MASTER else -1,
            )
        )

    def _watch_flapping(self, old: State) -> None:
        """Say it once when the role changes four times within ten intervals. Source: RFC 9568 2.5."""
        if State.MASTER not in (old, self.state):
            return
        now, window = self.host.now, 10 * self.config.advert_interval
        self._moves = [at for at in self._moves if now - at <= window] + [now]
        if len(self._moves) == 4:
            text = (
                f"{self.config.name} is flapping: 4 changes of the master role in {seconds_text(now - self._moves[0])}"
            )
            self.host.out.append(LogLine("warning", text))

    # --- towards MASTER and away from it

    def _become_master(self, cause: Cause, detail: str) -> None:
        """Everything that makes a master, then the event."""
        if self.rivalry.lowered:
            before = self.priority
            owners.own_again(self)
            self.assess()
            self.host.out.append(PriorityChanged(self.config.name, before, self.priority, "no other owner is heard"))
        self._go_on_air(cause)
        if cause is Cause.MASTER_RESIGNED and self.config.announce.master_repeat:
            moving = len(self.presence.addresses)
            self.arm_side("release-announce", self.host.now + settle_delay(moving))
            vmac.announce_when_let_go(self, release_grace(moving))
        self.tally.become_master += 1
        self._enter(State.MASTER, cause, detail)
        self.master, self.master_priority = self.source, self.priority

    def _become_backup(self, cause: Cause, detail: str, *, quiet: bool = False) -> None:
        """Wait for a master on the own interval. Source: RFC 9568 6.4.1."""
        self.master_interval = self.config.advert_interval
        self.recompute_down()
        self._enter(State.BACKUP, cause, detail, quiet=quiet)
        self.master, self.master_priority = "", 0
        self.arm(max(self.host.now, self.not_before) + self.down)

    def resume(self, state: State, since: int) -> None:
        """Go on as the master or backup that this instance was when the process before this one died."""
        detail = f"continued as {state} after the vrrp process died"
        if state is State.MASTER:
            self._go_on_air(Cause.STARTUP)
            self._enter(State.MASTER, Cause.STARTUP, detail, quiet=True)
            self.master, self.master_priority = self.source, self.priority
        else:
            self._become_backup(Cause.STARTUP, detail, quiet=True)
        self.since = since

    def resume_leaving(self) -> None:
        """Stand as the silent master that a process before this one left behind; the caller ends it."""
        self.prepare()
        self.presence.wished = True
        self._enter(State.MASTER, Cause.CONFIG, "continued after the vrrp process died", quiet=True)

    def _go_on_air(self, cause: Cause) -> None:
        """Advert, addresses, announcements; where a master lives that lets go when it hears us, addresses first."""
        self.master_interval = self.config.advert_interval
        self.recompute_down()
        self.prepare()
        self.priority_as_master = self.priority
        timing, addresses = self.config.announce, self.presence.addresses
        if cause in (Cause.MASTER_NO_RESPONSE, Cause.MASTER_RESIGNED, Cause.STARTUP):
            self.advertise_now()
            self.presence.put_all()
        else:
            self.presence.put_all(before_advert=True)
            self.advertise_now()
            addresses = vmac.announced_at_once(self.config, addresses)
            vmac.announce_when_let_go(self)
        self.presence.announce(timing.master_repeat, addresses)
        if timing.master_delay and timing.master_repeat:
            self.arm_side("announce", self.host.now + timing.master_delay)
        self.rearm_refresh()

    def _leave(self, state: State, cause: Cause, detail: str, *, resign: bool, keep: bool = False) -> None:
        """Stop being master: priority 0 unless it was said already, then the addresses go."""
        over = self.hand_over
        if resign and over is None:
            self.resign()
        self.tally.release_master += 1
        if not keep:
            self.presence.drop_all()
        if state is State.BACKUP:
            self._become_backup(cause, detail)
        else:
            self._enter(state, cause, detail)
        handover.cut_short(self, over, "E-FAULT", detail)
        if state is State.BACKUP and self.group is not None:
            self.group.pull(self)

    def _yield(self, heard: Heard, cause: Cause, detail: str) -> None:
        """Give way to a better master: addresses off, then wait for its silence. Source: RFC 9568 6.4.3."""
        self.tally.release_master += 1
        self.presence.drop_all()
        self.follow(heard, cause, detail)
        handover.cut_short(self, None, "E-OUTRANKED", detail)
        if self.group is not None:
            self.group.pull(self)

    def follow(self, heard: Heard, cause: Cause, detail: str) -> None:
        """Become backup of the router just heard, on its interval."""
        self.evidence.note(self.host.now, "advert", f"{heard.sender} priority {heard.priority}")
        self.master_interval = heard.interval if self.config.version == 3 else self.config.advert_interval
        self.recompute_down()
        self.peer, self.peer_priority = heard.sender, heard.priority
        self._enter(State.BACKUP, cause, detail)
        self.arm(max(self.host.now, self.not_before) + self.down)
        election.note_heard(self, heard)
        election.learn_master(self, heard)

    def leave_to_init(self, cause: Cause, detail: str) -> None:
        """The end of a stop: the addresses are off already."""
        self.tally.release_master += 1
        self._enter(State.INIT, cause, detail)

    def resign(self) -> None:
        """Send priority 0, where there is an address to send from."""
        if self.transmit.resign(self.host.out, self.host.wall):
            self.tally.pri_zero_sent += 1
            self.tally.advert_sent += 1

    # --- MASTER

    def _advertise(self) -> None:
        """The periodic advert: the next is one interval after this one was due, so nothing drifts."""
        host, transmit = self.host, self.transmit
        now, interval = host.now, self.config.advert_interval
        transmit.send(host.out, now + host.wall_offset)
        self.tally.advert_sent += 1
        at = self.timer_at + interval
        self.timer_at = at if at > now else now + interval
        if self.doubtful:
            self.doubtful = False
            self.presence.announce(self.config.announce.master_repeat)
            self.rearm_refresh()
        if transmit.sequence and transmit.used_up:
            self.reassess()

    def advertise_now(self) -> None:
        """One advert out of turn; the next follows after a whole interval."""
        self.transmit.send(self.host.out, self.host.wall)
        self.tally.advert_sent += 1
        self.arm(self.host.now + self.config.advert_interval)

    def master_is_higher(self) -> bool:
        """Whether the known master would win a tie."""
        return bool(self.master) and ipaddress.ip_address(self.master).packed > self.source_key

    # --- shared

    def own_skew(self) -> int:
        """ns: the skew of our effective priority on the master's interval."""
        return skew_time(self.config.version, self.priority, self.master_interval)

    def _take_priority(self, assessed: Assessed) -> None:
        """The effective priority or the source may have changed: adverts and a running timer follow."""
        self.prepare_if_master()
        old, new = assessed.priority_before, self.priority
        if old == new:
            return
        self.alike_tail = b""
        down_before, skew_before = self.down, skew_time(self.config.version, old, self.master_interval)
        self.recompute_down()
        if self.state is State.BACKUP:
            shift = self.own_skew() - skew_before if self.resigned else self.down - down_before
            self.arm(max(self.host.now, self.timer_at + shift))
        elif self.state is State.MASTER:
            self.master_priority = new
            self.priority_as_master = max(self.priority_as_master, new)
        detail = assessed.reason or causes.explain_ledger(self.ledger).strip(" ()")
        self.evidence.note(self.host.now, "priority", f"{old} to {new}" + (f": {detail}" if detail else ""))
        self.host.out.append(PriorityChanged(self.config.name, old, new, detail))

    def prepare_if_master(self) -> None:
        """Encode anew while adverts are being sent."""
        if self.state is State.MASTER:
            self.prepare()
            self.master = self.source
