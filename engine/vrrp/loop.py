"""The vrrp process: one epoll, one deadline, one pure `Router`.

Owns the order of doing. Every wake-up reads the clock once, hands over what has arrived, then does
what is due; so an advert that waits in a socket is heard before a timer decides that it never came.
Adverts leave at once, in the order in which the Router said them; kernel work and announcements
follow in small portions between which adverts are served again. Events go to core at once. Nothing
here waits for core, for a console or for a script.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.config.model import Config, Globals, Instance
from engine.messages import (
    LONGEST_STALL,
    AddAddresses,
    AddressChanged,
    AddRoutes,
    ClockStalled,
    Configure,
    EffectFailed,
    Exit,
    HandOverFinished,
    HandOverStarted,
    Happened,
    Input,
    InterfaceChanged,
    LogLine,
    PacketJudged,
    PullStatus,
    RemoveAddresses,
    RemoveRoutes,
    SendAdvert,
    SendAnnouncements,
    Stall,
    StateChanged,
    StatusBatch,
    StopRouter,
    ToVrrp,
    WatchPackets,
)
from engine.protocol.router import Router
from engine.vrrp.announce import Announcer
from engine.vrrp.devices import Devices, egress, placed_whole, vmac_devices
from engine.vrrp.firewall import Firewall
from engine.vrrp.kernel import Kernel
from engine.vrrp.receivers import Receiver
from engine.vrrp.routes import Routes
from engine.vrrp.sockets import MANY, Sockets
from engine.vrrp.statics import Statics
from engine.wire import Channel

_READ_LIMIT = 64
"""Datagrams that are read from one socket in one go."""
_DRAIN = 8_000_000
"""ns in one pass for what waits in sockets; all of it, unless somebody floods us."""
_DRAIN_AFTER_STALL = 200_000_000
"""The same after a stall: first hear everything that was said meanwhile, then decide."""
_LAG = 10_000_000
"""ns that a timer waits at most for sockets that do not become empty."""
_GATHER = 1_000_000
"""ns that datagrams gather in their sockets where they come faster than that: it saves thousands of wakings."""
_THICK = 10
"""Wakings in a row, less than `_GATHER` apart, before that is done: a hand-over of a few routers never waits."""
_STALL = 20_000_000
"""ns of lateness that the Router is told of."""
_ANNOUNCED = 10_000_000
"""ns without a due announcement after which the first round of them has left."""
_PORTION = 32
"""Addresses or announcements in one pass."""
_BESIDE = (SendAnnouncements, AddRoutes)
"""Work that may still wait while addresses are added: none of it moves one."""
_FEW = 8
"""Addresses of an instance, and instances in a row, that adverts wait for: some 2 ms at most."""
_LAST_FLUSH_S = 0.5
"""How long an ending process waits for core to take its last events."""
_STILL_S = 0.01
"""Seconds between two looks at core while a drill lets the loop stand still."""
_MCL_CURRENT, _MCL_FUTURE = 1, 2

Handler = Callable[[int], bool]
"""Called with now when its descriptor is readable; True when there is more to read."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about the vrrp process."""

    release_addresses: bool = True
    """False with -V: the addresses stay behind when the engine ends."""


@dataclass(slots=True)
class _Job:
    """Kernel work that is done in portions, in the order of the Router's wishes."""

    effect: AddAddresses | RemoveAddresses | SendAnnouncements | AddRoutes | RemoveRoutes
    done: int = 0


class Loop:
    """Carries out what the Router decides and tells it what the kernel and core say."""

    def __init__(
        self, channel: Channel[ToVrrp], options: Options, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._channel = channel
        self._options = options
        self._clock = clock
        self._router = Router()
        self._kernel = Kernel()
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._devices = Devices(self._kernel)
        self._retiring = False
        self._config = Config()
        self._handing_over = False
        """Instances of an older configuration still need their sockets and devices."""
        self._routes = Routes(self._kernel)
        self._statics = Statics(self._kernel, self._routes)
        self._firewall = Firewall()
        self._sockets = Sockets(self._kernel.link, self._watch_receiver, self._forget_receiver)
        self._announcer = Announcer(self._kernel.link, self._kernel.present, self._kernel.settled)
        self._jobs: deque[_Job] = deque()
        self._inbox: deque[Input] = deque()
        self._heard_all = True
        self._woke = 0
        """When something was last ready, ns."""
        self._thick = 0
        self._exiting = False
        self._keeping = False
        self._writing = False
        self._whole_next = True
        self._worst_late = 0
        self._stamps = False
        """Some instance writes the wall clock into its adverts, or reads it there (auth_hmac)."""
        self._settings: tuple[int, int, bool] = (0, 0, False)
        self._wake, self._woken = socket.socketpair()
        self._effects: dict[type, Callable[[Any], None]] = {
            AddAddresses: self._add_addresses,
            RemoveAddresses: self._remove_addresses,
            AddRoutes: self._later,
            RemoveRoutes: self._later,
            SendAnnouncements: self._later,
            PacketJudged: self._packet_judged,
            Exit: self._exit,
        }

    # -- the loop

    def run(self) -> None:
        """Work until the Router says Exit."""
        self._start()
        try:
            while not self._exiting or self._jobs:
                self._turn()
            if not self._keeping:
                self._give_back()
            self._last_words()
        finally:
            self._close()

    def _turn(self) -> None:
        clock, router = self._clock, self._router
        deadline = router.deadline
        ready = self._epoll.poll(self._timeout(deadline))
        now = clock()
        if ready:
            self._thick = self._thick + 1 if now < self._woke + _GATHER else 0
            if self._thick > _THICK:
                now = self._gather(now, deadline)
            self._woke = now
        if self._stamps:
            router.wall_offset = time.time_ns() - now
        drain = _DRAIN
        if deadline is not None and now > deadline:
            late = now - deadline
            if late > self._worst_late:
                self._worst_late = late
            if late > _STALL and self._heard_all:  # else it is a flood that made us late
                drain = _DRAIN_AFTER_STALL
                self._tell(ClockStalled(late), now)
        self._heard_all = self._hear(ready, now, drain) if ready else True
        deadline = router.deadline
        if deadline is not None and deadline <= now:
            if self._heard_all:  # what has come since epoll returned is older than `now`, too
                self._heard_all = self._hear(self._epoll.poll(0), now, drain)
            if self._heard_all or deadline <= clock() - _LAG:
                outputs = router.tick(now)
                if outputs:
                    self._perform(outputs, now)
                    self._settle(now)
        if self._jobs:
            self._work(now)
        due = self._announcer.deadline
        if due is not None and due <= now:
            for failed in self._announcer.work(now, _PORTION):
                self._tell(failed, now)
        if self._handing_over and not router.handing_over and not self._jobs:
            self._handed_over(now)
        if self._retiring and not self._jobs:
            self._retire(now)
        if self._channel.wants_write is not self._writing:
            self._watch_channel()

    def _gather(self, now: int, deadline: int | None) -> int:
        """Leave what comes in its sockets for a moment, to read it in one go. Returns the new `now`."""
        end = now + _GATHER
        if deadline is not None and deadline < end:
            end = deadline
        if end > now and not self._jobs:
            time.sleep((end - now) / 1e9)
            now = self._clock()
        return now

    def _retire(self, now: int) -> None:
        """Remove devices of an older configuration, once what they carried has moved and was announced."""
        due = self._announcer.deadline
        if due is None or due > now + _ANNOUNCED:
            self._retiring = self._devices.retire()
            if self._retiring:
                self._kernel_said(now)

    def _hear(self, ready: list[tuple[int, int]], now: int, drain: int) -> bool:
        """Read until nothing waits (True), or until `drain` ns have passed.

        A timer must not fire while the advert that would have stopped it still waits in a socket: so all
        that had come at `now` is told with `now`, and only then `tick(now)` is asked.
        """
        readable = [fd for fd, _ in ready]
        end = 0
        while readable:
            more = []
            for fd in readable:
                handler = self._handlers.get(fd)  # an earlier one may have closed it
                if handler is not None and handler(now):
                    more.append(fd)
            readable = more
            if more:
                at = self._clock()
                end = end or at + drain
                if at >= end:
                    return False
        return True

    def _timeout(self, deadline: int | None) -> float | None:
        """Seconds until something is due; the kernel rounds up to the next millisecond."""
        if self._jobs or (self._retiring and self._announcer.deadline is None):
            return 0
        due = self._announcer.deadline
        if due is not None and (deadline is None or due < deadline):
            deadline = due
        if deadline is None:
            return None
        left = deadline - self._clock()
        return left / 1e9 if left > 0 else 0

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._wake.settimeout(0)
        self._woken.settimeout(0)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        self._watch(self._wake.fileno(), self._signalled)
        self._watch(self._channel.fileno(), self._core_said)
        self._watch(self._kernel.fileno(), self._kernel_said)
        now = self._clock()
        for interface in self._kernel.start():
            self._tell(interface, now)
        gc.collect()
        gc.freeze()

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        self._sockets.close()
        self._announcer.close()
        self._kernel.close()
        self._epoll.close()
        self._wake.close()
        self._woken.close()
        self._channel.close()

    def _give_back(self) -> None:
        """An orderly end leaves nothing of ours behind; a crash leaves all of it to the next process."""
        self._firewall.close()
        self._statics.close()
        self._devices.close()

    def _last_words(self) -> None:
        """Give core a moment to take what happened at the end."""
        end = self._clock() + int(_LAST_FLUSH_S * 1e9)
        poll = select.poll()
        poll.register(self._channel.fileno(), select.POLLOUT)
        while not self._channel.closed and not self._channel.flush():
            left = end - self._clock()
            if left <= 0:
                break
            poll.poll(left / 1e6)

    # -- the Router

    def _tell(self, said: Input, now: int) -> None:
        self._inbox.append(said)
        self._settle(now)

    def _settle(self, now: int) -> None:
        """Tell the Router what waits; what its wishes bring about is told after them, never within."""
        inbox = self._inbox
        while inbox:
            outputs = self._router.handle(inbox.popleft(), now)
            if outputs:
                self._perform(outputs, now)

    def _perform(self, outputs: Sequence[Any], now: int) -> None:
        events = []
        effects, send = self._effects, self._sockets.send
        if len(outputs) >= MANY and all(type(output) is SendAdvert for output in outputs):
            outputs = self._sockets.send_many(outputs)
        for output in outputs:
            if type(output) is SendAdvert:
                failed = send(output)
                if failed is not None:
                    self._inbox.append(failed)
                continue
            effect = effects.get(type(output))
            if effect is None:
                events.append(output)
            else:
                effect(output)
        if events:
            for event in events:
                if isinstance(event, HandOverStarted | HandOverFinished | StateChanged):
                    self._devices.happened(event)
            self._channel.send(Happened(now, tuple(events)))

    def _add_addresses(self, effect: AddAddresses) -> None:
        self._devices.serve(effect.instance)
        few = len(effect.addresses) <= _FEW and len(self._jobs) < _FEW
        if few and effect.before_advert and all(isinstance(job.effect, _BESIDE) for job in self._jobs):
            self._inbox.extend(self._kernel.add_addresses(effect.instance, effect.addresses))
        else:
            self._jobs.append(_Job(effect))

    def _remove_addresses(self, effect: RemoveAddresses) -> None:
        self._announcer.cancel(effect.instance, effect.addresses)
        stays = [one for one in effect.addresses if self._statics.has(one)]
        if stays:  # a reload has made a virtual address a static one
            effect = RemoveAddresses(effect.instance, tuple(one for one in effect.addresses if one not in stays))
        self._jobs.append(_Job(effect))

    def _later(self, effect: AddAddresses | SendAnnouncements | AddRoutes | RemoveRoutes) -> None:
        self._jobs.append(_Job(effect))

    def _packet_judged(self, judged: PacketJudged) -> None:
        self._channel.send(judged, droppable=True)

    def _exit(self, _: Exit) -> None:
        self._exiting = True

    # -- kernel work, in portions

    def _work(self, now: int) -> None:
        """About one portion of the oldest jobs."""
        left = _PORTION
        while left > 0 and self._jobs:
            job = self._jobs[0]
            effect = job.effect
            if isinstance(effect, AddAddresses | RemoveAddresses):
                part = effect.addresses[job.done : job.done + left]
                job.done += len(part)
                left -= len(part)
                if job.done >= len(effect.addresses):
                    self._jobs.popleft()
                if isinstance(effect, AddAddresses):
                    self._inbox.extend(self._kernel.add_addresses(effect.instance, part))
                else:
                    self._inbox.extend(self._kernel.remove_addresses(effect.instance, part))
            elif isinstance(effect, SendAnnouncements):
                self._jobs.popleft()
                left -= len(effect.addresses)
                self._inbox.extend(self._announcer.announce(effect))
            else:
                self._jobs.popleft()
                left -= len(effect.routes) + len(effect.rules)
                change = self._routes.add if isinstance(effect, AddRoutes) else self._routes.remove
                self._inbox.extend(change(effect.instance, effect.routes, effect.rules))
            self._settle(now)

    # -- who is heard

    def _watch(self, fd: int, handler: Handler) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN)

    def _forget(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def _watch_receiver(self, receiver: Receiver) -> None:
        def readable(now: int) -> bool:
            try:
                datagrams = receiver.read(_READ_LIMIT)
            except OSError as error:
                self._say("warning", f"{receiver.interface}: reading failed, its socket is made anew: {error}", now)
                self._inbox.extend(self._sockets.broken(receiver))
                self._settle(now)
                return False
            hear = self._router.hear
            for datagram in datagrams:
                outputs = hear(datagram, now)
                if outputs:
                    self._perform(outputs, now)
            if self._inbox:
                self._settle(now)
            return len(datagrams) == _READ_LIMIT

        self._watch(receiver.socket.fileno(), readable)

    def _forget_receiver(self, receiver: Receiver) -> None:
        self._forget(receiver.socket.fileno())

    def _kernel_said(self, now: int) -> bool:
        for said in self._kernel.read():
            if isinstance(said, InterfaceChanged):
                self._inbox.extend(self._devices.interface_changed(said.interface, said.exists))
                self._inbox.extend(self._sockets.interface_changed(said.interface))
                self._inbox.extend(self._statics.interface_changed(said.interface, said.exists and said.up))
                self._announcer.interface_changed(said.interface)
            elif isinstance(said, AddressChanged) and said.present:
                self._inbox.extend(self._announcer.appeared(said.interface, said.address, said.prefix))
            self._tell(said, now)
        return False

    def _signalled(self, now: int) -> bool:
        numbers = self._wake.recv(64)
        if signal.SIGTERM in numbers:
            self._stop(StopRouter(release_addresses=self._options.release_addresses), now)
        return False

    # -- core

    def _watch_channel(self) -> None:
        self._writing = self._channel.wants_write
        if not self._channel.closed:
            self._epoll.modify(self._channel.fileno(), select.EPOLLIN | (select.EPOLLOUT if self._writing else 0))

    def _core_said(self, now: int) -> bool:
        self._channel.flush()
        waiting = deque(self._channel.receive())
        while waiting:
            message = waiting.popleft()
            if isinstance(message, PullStatus):
                self._answer(message)
            elif isinstance(message, WatchPackets):
                self._router.judging = message.on
            elif isinstance(message, Configure):
                self._configure(message, now)
            elif isinstance(message, StopRouter):
                self._stop(message, now)
            elif isinstance(message, Stall):
                waiting.extend(self._stand_still(message))
            else:
                self._tell(message, now)
        if self._channel.closed:
            self._forget(self._channel.fileno())
            self._stop(StopRouter(release_addresses=self._options.release_addresses), now)
        return False

    def _stand_still(self, stall: Stall) -> list[ToVrrp]:
        """Do nothing at all, as a drill wishes; a core that is gone, or says so, ends it. Returns what core said
        meanwhile."""
        end = self._clock() + min(stall.duration, LONGEST_STALL)
        said: list[ToVrrp] = []
        while self._clock() < end and not self._channel.closed:
            time.sleep(_STILL_S)
            heard = self._channel.receive()
            if any(isinstance(message, Stall) for message in heard):
                end = 0
            said += [message for message in heard if not isinstance(message, Stall)]
        return said

    def _stop(self, message: StopRouter, now: int) -> None:
        self._keeping = self._keeping or not message.release_addresses
        self._tell(message, now)

    def _answer(self, pull: PullStatus) -> None:
        whole = self._whole_next or not pull.changed_only
        statuses = tuple(self._router.statuses(changed_only=not whole))
        heard = self._router.heard() if pull.heard else None
        batch = StatusBatch(statuses, self._worst_late, whole, self._router.refused, heard)
        # a core that does not read now gets everything, instead of the changes, when it reads again
        self._whole_next = not self._channel.send(batch, droppable=True)

    def _configure(self, message: Configure, now: int) -> None:
        message = placed_whole(message)
        config = message.config
        self._apply(config.globals, now)
        self._config = config
        leavers = self._router.leavers(message)
        self._stamps = any(one.auth_hmac is not None for one in config.instances + leavers)
        if self._stamps:
            self._router.wall_offset = time.time_ns() - now
        failures = self._lay(config, leavers, now)
        self._inbox.extend(self._statics.configure(config))
        self._tell(message, now)
        self._inbox.extend(failures)
        self._settle(now)
        self._whole_next = True
        gc.collect()
        gc.freeze()

    def _lay(self, config: Config, leavers: tuple[Instance, ...], now: int) -> list[EffectFailed]:
        """Devices, filter and sockets of a configuration, and of those that still hand over their addresses."""
        whole = msgspec.structs.replace(config, instances=config.instances + leavers)
        failures = self._devices.configure(whole)
        self._kernel_said(now)
        failures += self._filter(whole)
        failures += self._sockets.configure(whole, vmac_devices(whole), egress(whole))
        self._kernel.watch_routes(on=any(one.routes or one.rules for one in whole.instances))
        self._handing_over = bool(leavers)
        self._retiring = True
        return failures

    def _handed_over(self, now: int) -> None:
        """The last one of an older configuration is gone: what served it alone goes as well."""
        self._inbox.extend(self._lay(self._config, (), now))
        self._settle(now)

    def _filter(self, config: Config) -> list[EffectFailed]:
        before = self._firewall.fileno()
        failed = self._firewall.configure(config)
        if before < 0 <= self._firewall.fileno():
            self._watch(self._firewall.fileno(), self._filter_laid)
        return failed

    def _filter_laid(self, now: int) -> bool:
        self._forget(self._firewall.fileno())
        self._inbox.extend(self._firewall.finished())
        if self._firewall.fileno() >= 0:
            self._watch(self._firewall.fileno(), self._filter_laid)
        self._settle(now)
        return False

    def _say(self, severity: str, text: str, now: int) -> None:
        self._channel.send(Happened(now, (LogLine(severity, text),)))

    def _apply(self, settings: Globals, now: int) -> None:
        """Scheduling and memory as global_defs asks. Source: keepalived.conf(5) vrrp_rt_priority, vrrp_no_swap."""
        wanted = (settings.rt_priority, settings.vrrp_priority, settings.no_swap)
        if wanted == self._settings:
            return
        self._settings = wanted
        try:
            if settings.rt_priority:
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(settings.rt_priority))
            else:
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            if settings.vrrp_priority:
                os.setpriority(os.PRIO_PROCESS, 0, settings.vrrp_priority)
        except OSError as error:
            self._say("warning", f"the priority of the vrrp process stays as it is: {error.strerror}", now)
        if settings.no_swap:
            import ctypes  # costs 15 ms of the start, and few ask for it

            libc = ctypes.CDLL(None, use_errno=True)
            if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE):
                why = os.strerror(ctypes.get_errno())
                self._say("warning", f"the memory of the vrrp process is not locked: {why}", now)


def run(channel: socket.socket, options: Options) -> None:
    """The vrrp process, until core orders a stop or goes away: then a hand-over, and the return.

    `channel` is this end of the socketpair with core; `Configure` is the first thing that it says.
    """
    Loop(Channel(channel, ToVrrp), options).run()
