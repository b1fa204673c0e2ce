"""The pure heart: all virtual routers of one host behind three calls, `handle`, `tick`, `deadline`.

Invariant: never reads a clock, a socket or a file; the same inputs at the same instants give the same
outputs; the outputs are one list in the order in which they have to be done. Not re-entrant.

The loop calls `handle` with each fact and order, `tick(now)` whenever `deadline` has come, and carries out
what both return. Statuses are built when asked for, as of the last instant told.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.config.model import Config, Instance
from engine.errors import PacketError
from engine.messages import (
    AddressChanged,
    AdvertRejected,
    BfdChanged,
    Cause,
    ClearCounters,
    ClockStalled,
    Configure,
    DatagramReceived,
    EffectFailed,
    EffectRefused,
    Exit,
    FileRead,
    HeardAdvert,
    HostCounters,
    Input,
    InstanceStatus,
    InterfaceChanged,
    InterfaceStateChanged,
    InterfaceStatus,
    LastKnown,
    LogLine,
    Ordered,
    Output,
    PacketJudged,
    ProcessCounted,
    RouteChanged,
    ScriptFinished,
    State,
    StopRouter,
    TrackerStatus,
    Verdict,
)
from engine.protocol import impairment, leaving, orders, receive, reload, status, unplaced
from engine.protocol.group import GroupState
from engine.protocol.host import Host
from engine.protocol.instance import VrrpInstance
from engine.protocol.leaving import Leaving
from engine.protocol.packet import parse_ah
from engine.protocol.presence import placed_addresses
from engine.protocol.stimuli import STARTED, Stalled, Stopped
from engine.protocol.tracking import Tracker

NOTHING: tuple[Output, ...] = ()
"""Returned when there is nothing to do; shared."""

Key = tuple[str, int, int]


class Router:
    """All virtual routers of one host."""

    __slots__ = (
        "_config",
        "_configured",
        "_gone",
        "_host",
        "_instances",
        "_leaving",
        "_places",
        "_stopping",
        "_told_unknown",
        "judging",
    )

    def __init__(self) -> None:
        self._host = Host()
        self._configured = False
        self._config = Config()
        self._instances: dict[Key, VrrpInstance] = {}
        self._leaving = Leaving()
        self._places: dict[tuple[str, str], VrrpInstance] = {}
        """(interface, virtual address) to the instance that has it."""
        self._stopping = False
        self._gone = False
        """Exit has been said."""
        self._told_unknown: set[tuple[str, int]] = set()
        self.judging = False
        """Say a PacketJudged for each datagram."""

    @property
    def wall_offset(self) -> int:
        """ns to add to `now` for the wall clock. The loop sets it at start and after the clock was set; only
        the time stamps of auth_hmac use it."""
        return self._host.wall_offset

    @wall_offset.setter
    def wall_offset(self, offset: int) -> None:
        self._host.wall_offset = offset

    # --- the three calls

    @property
    def deadline(self) -> int | None:
        """When `tick` has to be called next, ns; None when nothing is due ever.

        Never late; it may be early after adverts have moved a deadline, then `tick` does nothing.
        """
        return self._host.deadline

    def tick(self, now: int) -> Sequence[Output]:
        """Do all that is due at or before `now`."""
        host = self._host
        if now > host.now:
            host.now = now
        host.expire(host.now)
        return self._outputs() if host.out else NOTHING

    def handle(self, event: Input, now: int) -> Sequence[Output]:
        """Take in one fact or order. Time never runs backwards: an earlier `now` counts as the latest told."""
        host = self._host
        if now > host.now:
            host.now = now
        if type(event) is DatagramReceived:
            return self.hear(event, now)
        match event:
            case ScriptFinished():
                self._script_finished(event)
            case InterfaceChanged():
                self._interface_changed(event)
            case AddressChanged():
                self._address_changed(event)
            case Ordered():
                orders.obey(host, list(self._instances.values()), event, stopping=self._stopping)
            case ProcessCounted():
                self._tracker_told("process", event.name, event.count)
            case FileRead():
                self._tracker_told("file", event.name, event.value)
            case BfdChanged():
                self._tracker_told("bfd", event.name, int(event.up))
            case Configure():
                self._configure(event)
            case ClockStalled():
                for one in self._instances.values():
                    one.tell(Stalled(event.late))
            case EffectFailed():
                self._effect_failed(event)
            case StopRouter():
                self._stop(event)
            case RouteChanged():
                self._route_changed(event)
            case ClearCounters():
                for name, taken in event.taken:
                    if (instance := self._by_name(name)) is not None:
                        instance.tally.take(taken)
                        instance.counting_since, instance.dirty = self._host.now, True
        return self._outputs()

    def _outputs(self) -> Sequence[Output]:
        host = self._host
        if self._leaving and self._leaving.forget_gone(host):
            self._settle_places()
        stopped = self._stopping and not self._gone and not self._leaving
        if stopped and all(one.state is State.INIT for one in self._instances.values()):
            self._gone = True
            host.out.append(Exit())
        if not host.out:
            return NOTHING
        done, host.out = host.out, []
        return done

    # --- datagrams

    def hear(self, datagram: DatagramReceived, now: int) -> Sequence[Output]:
        """`handle` for a datagram. The same advert as before only moves the deadline, unless it is almost too late."""
        host = self._host
        if now > host.now:
            host.now = now
        else:
            now = host.now
        data, known = datagram.data, None
        if datagram.family == 4:
            if len(data) > 27:
                known = self._instances.get((datagram.interface, 4, data[21]))
                if known is None or not (
                    data[12:] == known.alike_tail and data[6:10] == known.alike_middle and data[:4] == known.alike_head
                ):
                    return self._receive_in_full(datagram)
        elif len(data) > 7:
            known = self._instances.get((datagram.interface, 6, data[1]))
            if known is None or not (
                data == known.alike_tail
                and datagram.source == known.alike_head
                and datagram.destination == known.alike_middle
                and datagram.ttl == 255
            ):
                return self._receive_in_full(datagram)
        if known is None or known.timer_at - now <= known.near_margin:
            return self._receive_in_full(datagram)
        known.heard_before = known.heard_at
        known.heard_at = now
        known.timer_at = now + known.down
        known.tally.advert_rcvd += 1
        return self._judged(datagram, known) if self.judging else NOTHING

    def _judged(self, datagram: DatagramReceived, instance: VrrpInstance) -> Sequence[Output]:
        return (PacketJudged(datagram.interface, datagram.data, instance.config.name, Verdict.OK),)

    def _receive_in_full(self, datagram: DatagramReceived) -> Sequence[Output]:
        name, verdict, detail = "", Verdict.LENGTH, ""
        try:
            arrived = receive.open_envelope(datagram)
        except PacketError as error:
            arrived, detail = None, str(error)
            self._host.tally.refused(verdict, headless=True)
        else:
            if arrived is None:
                verdict = Verdict.NONE
            elif len(arrived.message) < 8 or (arrived.ah and len(arrived.ah) < 24):
                detail = f"{len(arrived.message)} octets are shorter than the header of 8"
                self._host.tally.refused(verdict, headless=True)
            else:
                name, verdict, detail = self._receive_message(datagram, arrived)
        if self.judging:
            judged = PacketJudged(datagram.interface, datagram.data, name, verdict, detail)
            self._host.out.append(judged)
        return self._outputs() if self._host.out or self._stopping else NOTHING

    def _receive_message(self, datagram: DatagramReceived, arrived: receive.Arrived) -> tuple[str, Verdict, str]:
        vrid = arrived.message[1]
        key = (datagram.interface, datagram.family, vrid)
        instance = self._instances.get(key) or self._leaving.get(key)
        if instance is None:
            detail = f"no instance has VRID {vrid} on {datagram.interface}"
            place = (datagram.interface, vrid)
            self._host.tally.refused(Verdict.VRID)
            self._host.hearing.note(datagram, arrived, Verdict.VRID, self._host.now)
            if self._host.globals.log_unknown_vrids and place not in self._told_unknown:
                self._told_unknown.add(place)
                self._host.out.append(AdvertRejected("", arrived.sender, Verdict.VRID, detail))
            return "", Verdict.VRID, detail
        if instance.deaf:
            return instance.config.name, Verdict.UNSEEN, "a drill drops it"
        judged = receive.examine(instance, arrived)
        self._host.hearing.note(datagram, arrived, judged.verdict, self._host.now)
        if judged.heard is None:
            self._reject(instance, arrived, judged)
        else:
            self._accept(instance, datagram, arrived, judged)
        return instance.config.name, judged.verdict, judged.detail

    def _reject(self, instance: VrrpInstance, arrived: receive.Arrived, judged: receive.Judged) -> None:
        """Count, say it once, and leave every timer alone. Source: RFC 9568 7.1."""
        verdict = judged.verdict
        instance.tally.raise_for(verdict, judged.extension)
        if verdict is Verdict.NOT_RUNNING:
            return
        self._host.tally.refused(verdict)
        instance.dirty, instance.alike_tail = True, b""
        if verdict is not Verdict.OWN:
            instance.rejected += 1
            instance.rejected_sender, instance.rejected_verdict = arrived.sender, verdict
        kind = f"{verdict} {judged.extension}"
        if kind not in instance.told:
            instance.told.add(kind)
            instance.evidence.note(self._host.now, "rejected", f"{arrived.sender}: {judged.detail}")
            self._host.out.append(AdvertRejected(instance.config.name, arrived.sender, verdict, judged.detail))

    def _accept(
        self,
        instance: VrrpInstance,
        datagram: DatagramReceived,
        arrived: receive.Arrived,
        judged: receive.Judged,
    ) -> None:
        heard = judged.heard
        assert heard is not None
        tally = instance.tally
        tally.advert_rcvd += 1
        if arrived.ah:
            instance.transmit.accept_sequence(parse_ah(arrived.ah).sequence)
            if instance.transmit.used_up:
                instance.reassess()
        if judged.mark:
            instance.marks.pop(arrived.source, None)
            instance.marks[arrived.source] = judged.mark
            if not instance.config.unicast and len(instance.marks) > receive.SENDERS_REMEMBERED:
                del instance.marks[next(iter(instance.marks))]
        if judged.old_unicast and not instance.transmit.old_unicast:
            instance.transmit.old_unicast = True
            instance.prepare_if_master()
        instance.alike_tail = b""
        instance.tell(heard)
        for counter, sentence in judged.notes:
            setattr(tally, counter, getattr(tally, counter) + 1)
            if counter not in instance.told:
                instance.told.add(counter)
                text = f"{instance.config.name}: advert of {heard.sender} accepted, but {sentence}"
                instance.evidence.note(self._host.now, "advert", f"{heard.sender}: {sentence}")
                self._host.out.append(LogLine("warning", text))
        follows = not (instance.config.preempt or instance.config.owner or instance.hold is not None)
        repeatable = (
            instance.state is State.BACKUP
            and heard.priority
            and (heard.priority >= instance.priority or follows)
            and not instance.outranked
            and not instance.preempt_from
            and not judged.notes
            and not arrived.ah
            and instance.config.auth_hmac is None
            and self._host.now >= instance.not_before
        )
        if not repeatable:
            return
        if datagram.family == 4:
            data = datagram.data
            if data[0] == 0x45:
                instance.alike_head, instance.alike_middle, instance.alike_tail = data[:4], data[6:10], data[12:]
        elif datagram.ttl == 255:
            instance.alike_head, instance.alike_middle = arrived.source, datagram.destination or b""
            instance.alike_tail = datagram.data

    # --- facts

    def _interface_changed(self, event: InterfaceChanged) -> None:
        facts = self._host.interface(event.interface)
        before = dict(facts.addresses)
        moved = facts.tell(event, self._host.now)
        if moved and self._configured:
            state = "up" if event.up else "down" if event.exists else "gone"
            self._host.out.append(InterfaceStateChanged(event.interface, event.up and event.exists, state))
        for address in before.keys() - facts.addresses.keys():
            self._address_vanished(event.interface, address)
        for address in facts.addresses.keys() - before.keys():
            self._address_confirmed(event.interface, address)
        self._reassess_users(event.interface, moved=moved)
        if moved and event.up:
            for one in (*self._instances.values(), *self._leaving):
                if one.state is State.MASTER:
                    one.presence.came_up(event.interface, announce=one.hand_over is None)

    def _reassess_users(self, interface: str, *, moved: bool) -> None:
        """Let every instance that depends on an interface see its new state."""
        for one in tuple(self._instances.values()):
            config = one.config
            if (
                config.interface == interface
                or any(track.name == interface for track in config.tracking.interfaces)
                or any(address.interface == interface for address in one.presence.addresses)
            ):
                if moved:
                    one.evidence.note(self._host.now, "interface", self._link_text(interface))
                one.reassess()

    def _link_text(self, interface: str) -> str:
        facts = self._host.interface(interface)
        return f"{interface} is {'up' if facts.up else 'down' if facts.exists else 'gone'}"

    def _address_changed(self, event: AddressChanged) -> None:
        facts = self._host.interface(event.interface)
        known = event.address in facts.addresses
        if event.present:
            facts.addresses[event.address] = event.prefix
        else:
            facts.addresses.pop(event.address, None)
        facts.reported = False
        instance = self._places.get((event.interface, event.address))
        if instance is None:
            if event.address not in self._host.virtual and known is not event.present:
                text = f"{event.address} {'appeared on' if event.present else 'vanished from'} {event.interface}"
                for one in tuple(self._instances.values()):
                    if one.config.interface == event.interface:
                        one.evidence.note(self._host.now, "address", text)
                        one.reassess()
            return
        instance.dirty = True
        if event.present:
            if event.foreign and not instance.presence.wished and self._instances:
                instance.presence.appeared(event.interface, event.address)
            self._address_confirmed(event.interface, event.address)
        elif event.foreign:
            self._address_vanished(event.interface, event.address)
        else:
            instance.presence.confirm(event.interface, event.address, present=False)

    def _address_confirmed(self, interface: str, address: str) -> None:
        instance = self._places.get((interface, address))
        if instance is not None:
            instance.dirty = True
            instance.presence.confirm(interface, address, present=True)
            unplaced.placed(instance)

    def _address_vanished(self, interface: str, address: str) -> None:
        """An address is gone without our wish: as master it is put back, as backup that is well."""
        instance = self._places.get((interface, address))
        if instance is None:
            return
        instance.dirty = True
        if instance.state is not State.MASTER:
            instance.presence.confirm(interface, address, present=False)
            return
        facts = self._host.interface(interface)
        if facts.exists and facts.up:
            instance.evidence.note(self._host.now, "address", f"{address} was removed from {interface}")
            instance.presence.vanished(interface, address, announce=instance.hand_over is None)

    def _route_changed(self, event: RouteChanged) -> None:
        instance = self._by_name(event.instance)
        if instance is not None and not event.present and instance.state is State.MASTER:
            instance.presence.route_vanished(event.text)

    def _script_finished(self, event: ScriptFinished) -> None:
        tracker = self._host.trackers.get("script", event.name)
        if tracker is None:
            return
        tracker.exit_status, tracker.duration, tracker.output = event.exit_status, event.duration, event.output
        if tracker.result(event.exit_status == 0, self._host.now) and not tracker.forced:
            self._turned(tracker)

    def _tracker_told(self, kind: str, name: str, value: int) -> None:
        tracker = self._host.trackers.get(kind, name)
        if tracker is None:
            return
        good = self._host.trackers.process_good(name, value) if kind == "process" else kind == "file" or value > 0
        moved, tracker.value, tracker.reported = value != tracker.value, value, False
        tracker.last_run = self._host.now
        if tracker.good is good and not (kind == "file" and moved):
            return
        tracker.good, tracker.since = good, self._host.now
        if not tracker.forced:
            self._turned(tracker)

    def _turned(self, tracker: Tracker) -> None:
        """A tracker turned: say it, then let its watchers see."""
        text = f"{tracker.kind} {tracker.name} {'good' if tracker.good else 'bad'}: {tracker.detail()}"
        self._host.out.append(tracker.changed())
        for one in tuple(self._instances.values()):
            if one.watches(tracker.kind, tracker.name):
                one.evidence.note(self._host.now, "script" if tracker.kind == "script" else "priority", text)
                one.reassess(text)

    def _effect_failed(self, event: EffectFailed) -> None:
        instance = self._by_name(event.instance)
        if instance is not None:
            unplaced.refused(instance, event)
        else:
            self._host.out.append(EffectRefused(event.instance, event.effect, event.reason))

    def _by_name(self, name: str) -> VrrpInstance | None:
        return next((one for one in self._instances.values() if one.config.name == name), None)

    # --- configuration and stop

    def _configure(self, event: Configure) -> None:
        if self._stopping:
            return
        config, first = event.config, not self._configured
        self._configured = True
        if first:
            self._host.tally.since = self._host.now
        self._leaving.finish(self._host)
        self._config = config
        old = self._instances
        wanted: dict[Key, Instance] = {one.key: one for one in config.instances}
        for key in [key for key in old if key not in wanted]:
            gone = old.pop(key)
            impairment.lift(gone)
            if leaving.is_gentle(gone, config):
                self._leaving.begin(key, gone)
            else:
                gone.tell(Stopped(Cause.CONFIG, hand_over=False))
                self._host.forget(gone)
        self._host.configure(config)
        groups = {group.name: GroupState(group) for group in config.groups}
        of_member = {member: group for group in groups.values() for member in group.config.members}
        fresh: list[VrrpInstance] = []
        self._instances = {}
        changed: list[tuple[VrrpInstance, Instance]] = []
        for key, one in wanted.items():
            group = of_member.get(one.name)
            instance = old.get(key)
            if instance is None:
                instance = VrrpInstance(one, self._host, group)
                fresh.append(instance)
            elif instance.config != one or _group_config(instance.group) != _group_config(group):
                changed.append((instance, one))
            instance.group = group
            self._instances[key] = instance
        by_name = {one.name: self._instances[one.key] for one in config.instances}
        for group in groups.values():
            group.members = [by_name[name] for name in group.config.members if name in by_name]
        for one, sequence in event.former if first else ():
            former = VrrpInstance(one, self._host, None)
            if leaving.is_apart(one, config):
                self._leaving.take_up(one.key, former, sequence)
            else:
                reload.remove_remains(former, config)
        self._settle_places()
        touched = {instance.config.key for instance, _ in changed}
        for instance, one in changed:
            reload.reconfigure(instance, one)
        for instance in self._instances.values():
            if instance not in fresh and instance.config.key not in touched:
                instance.reassess()  # source, trackers and group may mean something else now
        known = {(last.interface, last.family, last.vrid): last for last in event.resume} if first else {}
        self._start(fresh, known, delay=self._host.globals.startup_delay if first else 0)
        self._told_unknown.clear()

    def _settle_places(self) -> None:
        """Who has which address, those on their way out included: none of them is a source of adverts."""
        here = [(self._instances[one.key], one) for one in self._config.instances]
        here += [(one, one.config) for one in self._leaving]
        self._places = {(it.interface, it.address): one for one, config in here for it in placed_addresses(config)}
        self._host.virtual = frozenset(address for _, address in self._places)

    def leavers(self, event: Configure) -> tuple[Instance, ...]:
        """Those that would hand over if this configuration came now."""
        config = event.config
        wanted = {one.key for one in config.instances}
        found = [one for one in self._instances.values() if one.config.key not in wanted]
        former = [one for one, _ in event.former if leaving.is_apart(one, config)]
        return (*(one.config for one in found if leaving.is_gentle(one, config)), *former)

    @property
    def handing_over(self) -> bool:
        """Instances of an older configuration still hand over."""
        return bool(self._leaving)

    def _start(self, fresh: list[VrrpInstance], known: dict[Key, LastKnown], *, delay: int) -> None:
        """Let new instances begin, all of them assessed before the first one acts."""
        for one in fresh:
            one.not_before = self._host.now + delay if delay else 0
            one.assess()
        for one in fresh:
            last = known.get(one.config.key)
            if last is not None and reload.resume(one, last):
                continue
            one.assess()
            if not one.masters_at_once():
                reload.remove_leftovers(one, ours=last is not None and last.state is State.MASTER)
            one.tell(STARTED)

    def _stop(self, event: StopRouter) -> None:
        if self._stopping:
            return
        self._stopping = True
        keep = not event.release_addresses
        self._leaving.stop(Stopped(event.cause, hand_over=not keep, keep_addresses=keep))
        for one in tuple(self._instances.values()):
            one.tell(Stopped(event.cause, hand_over=not keep, keep_addresses=keep))

    # --- the present

    @property
    def refused(self) -> HostCounters:
        """What was refused on this host, whichever router it was for."""
        return self._host.tally.counters()

    def heard(self) -> tuple[HeardAdvert, ...]:
        """What other routers said last, as of the last instant told."""
        obeyed = {one.config.key: one.peer for one in self._instances.values()}
        return self._host.hearing.told(obeyed, self._host.now)

    def statuses(self, changed_only: bool = False) -> list[InstanceStatus | TrackerStatus | InterfaceStatus]:
        """The present, whole, or what has changed since the last call; as of the last instant told."""
        found: list[InstanceStatus | TrackerStatus | InterfaceStatus] = [
            status.instance_status(one)
            for one in self._instances.values()
            if status.take_if_changed(one) or not changed_only
        ]
        for tracker in self._host.trackers.all():
            if not (changed_only and tracker.reported):
                tracker.reported = True
                names = [one.config.name for one in self._instances.values() if one.watches(tracker.kind, tracker.name)]
                found.append(tracker.status(tuple(names)))
        used = {one.config.interface for one in self._instances.values()}
        used |= {address.interface for one in self._instances.values() for address in one.presence.addresses}
        used |= {track.name for one in self._instances.values() for track in one.config.tracking.interfaces}
        for facts in self._host.interfaces.values():
            if facts.name in used and not (changed_only and facts.reported):
                facts.reported = True
                found.append(status.interface_status(facts))
        return found


def _group_config(group: GroupState | None) -> object:
    return group.config if group is not None else None
