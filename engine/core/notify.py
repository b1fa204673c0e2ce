"""Telling programs about changes of state: notify scripts and notify FIFOs, in keepalived's words.

Owns the invariant that the scripts of one instance (or group) run in the order of its changes, one after
the other, so the last one to finish speaks of the last state; and that no script holds up another
instance. A script that takes longer than `PATIENCE_S` is passed by, said, and left alone.
Source: keepalived.conf(5) notify_master, notify, notify_fifo.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from engine import programs
from engine.config.model import Command, Config, Fifo, Globals, Instance, Notify, SyncGroup
from engine.messages import Cause, Event, LogLine, LowerPriorityHeard, PriorityChanged, ScriptRan, State, StateChanged

PATIENCE_S = 30.0
"""Seconds after which the next script of the same instance no longer waits."""
QUEUE = 100
"""Scripts of one instance that wait; beyond it the oldest are left out and said."""
FIFO_MODE = 0o600


@dataclass
class _Queue:
    """The scripts of one instance or group."""

    waiting: deque[tuple[str, tuple[str, ...], Command]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Notifier:
    """Runs notify scripts and writes FIFO lines."""

    def __init__(self, say: Callable[[Event], None]) -> None:
        self._say = say
        self._globals = Globals()
        self._instances: dict[str, Instance] = {}
        self._groups: dict[str, SyncGroup] = {}
        self._words: dict[tuple[str, str], str] = {}
        self._priorities: dict[str, int] = {}
        self._queues: dict[str, _Queue] = {}
        self._fifos: dict[str, _OpenFifo] = {}

    def use(self, config: Config) -> None:
        """Work by this configuration from now on. Instances that it lacks are remembered for their last word."""
        reload = bool(self._instances)
        self._globals = config.globals
        self._instances.update((one.name, one) for one in config.instances)
        self._groups = {one.name: one for one in config.groups}
        wanted = {one.path: one for one in (config.globals.fifo, config.globals.vrrp_fifo) if one is not None}
        for path in [path for path in self._fifos if path not in wanted]:
            self._fifos.pop(path).close()
        for path, fifo in wanted.items():
            if path not in self._fifos:
                self._fifos[path] = _OpenFifo(fifo, self._globals, self._say)
        if reload and config.globals.fifo_write_states_on_reload:
            for (kind, name), word in self._words.items():
                self._write(kind, name, word, self._priorities.get(name, 0) if kind == "INSTANCE" else 0)

    def happened(self, event: Event) -> None:
        """Look at an event; run and write what it calls for."""
        if isinstance(event, StateChanged):
            self._state_changed(event)
        elif isinstance(event, PriorityChanged):
            self._priority_changed(event)
        elif isinstance(event, LowerPriorityHeard) and event.instance in self._instances:
            notify = self._instances[event.instance].notify
            priority = self._priorities.get(event.instance, 0)
            self._tell("INSTANCE", event.instance, "MASTER_RX_LOWER_PRI", priority, notify)

    async def close(self, patience_s: float) -> None:
        """Wait for the scripts under way, then end."""
        tasks = [queue.task for queue in self._queues.values() if queue.task is not None]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        readers = [gone for fifo in self._fifos.values() if (gone := fifo.close()) is not None]
        self._fifos.clear()
        if readers:
            await asyncio.wait(readers, timeout=patience_s)

    # ---- what calls for it

    def _state_changed(self, event: StateChanged) -> None:
        instance = self._instances.get(event.instance)
        if instance is None:
            return
        word = _word(event)
        self._priorities[event.instance] = event.priority
        if not word or self._words.get(("INSTANCE", instance.name)) == word:
            return
        notify = instance.notify
        if word == "DELETED":
            self._instances.pop(instance.name, None)
            self._words.pop(("INSTANCE", instance.name), None)
            if notify.deleted is None and not notify.deleted_reported:
                self._tell("INSTANCE", instance.name, "FAULT", event.priority, notify)
                return
        else:
            self._words["INSTANCE", instance.name] = word
        self._tell("INSTANCE", instance.name, word, event.priority, notify)
        for group in self._groups.values():
            if instance.name in group.members:
                self._group_changed(group)

    def _group_changed(self, group: SyncGroup) -> None:
        """A group is at fault with one member, backup with one, master or stopped with all."""
        words = [self._words.get(("INSTANCE", member), "") for member in group.members]
        word = next((one for one in ("FAULT", "BACKUP") if one in words), "")
        if not word and len(set(words)) == 1:
            word = words[0]
        if word and self._words.get(("GROUP", group.name)) != word:
            self._words["GROUP", group.name] = word
            self._tell("GROUP", group.name, word, 0, group.notify)

    def _priority_changed(self, event: PriorityChanged) -> None:
        instance = self._instances.get(event.instance)
        self._priorities[event.instance] = event.new
        word = self._words.get(("INSTANCE", event.instance), "")
        if instance is None or not instance.notify.priority_changes or word not in ("MASTER", "BACKUP"):
            return
        self._write("INSTANCE", event.instance, f"{word}_PRIORITY", event.new)
        if instance.notify.any is not None:
            arguments = ("INSTANCE", event.instance, f"{word}_PRIORITY", str(event.new))
            self._enqueue("INSTANCE", event.instance, arguments, instance.notify.any)

    def _tell(self, kind: str, name: str, word: str, priority: int, notify: Notify) -> None:
        """The FIFO line, the state's own script exactly as written, then `notify` with four arguments."""
        self._write(kind, name, word, priority)
        own: Command | None = getattr(notify, word.lower(), None)
        if own is not None:
            self._enqueue(kind, name, (), own)
        if notify.any is not None:
            self._enqueue(kind, name, (kind, name, word, str(priority)), notify.any)

    def _write(self, kind: str, name: str, word: str, priority: int) -> None:
        for fifo in self._fifos.values():
            fifo.write(f'{kind} "{name}" {word} {priority}\n')

    # ---- running

    def _enqueue(self, kind: str, name: str, arguments: tuple[str, ...], command: Command) -> None:
        queue = self._queues.setdefault(f"{kind} {name}", _Queue())
        if len(queue.waiting) >= QUEUE:
            queue.waiting.popleft()
            self._say(LogLine("warning", f"{name}: notify scripts are too slow, the oldest of {QUEUE} was left out"))
        queue.waiting.append((name, arguments, command))
        if queue.task is None:
            queue.task = asyncio.get_running_loop().create_task(self._work(queue), name=f"notify {kind} {name}")

    async def _work(self, queue: _Queue) -> None:
        try:
            while queue.waiting:
                await self._run(*queue.waiting.popleft())
        finally:
            queue.task = None

    async def _run(self, name: str, arguments: tuple[str, ...], command: Command) -> None:
        argv = (*command.argv, *arguments)
        try:
            who = programs.account(command.user, command.group, self._globals.script_user, self._globals.script_group)
        except LookupError as error:
            self._say(ScriptRan(name, argv, programs.COULD_NOT_START, 0, str(error)))
            return
        if self._globals.script_security and who.uid == 0 and (why := programs.insecure_part(command.argv[0])):
            self._say(ScriptRan(name, argv, programs.COULD_NOT_START, 0, f"enable_script_security: {why}"))
            return
        run = programs.start(argv, who=who)
        try:
            done = await asyncio.wait_for(asyncio.shield(run.result), PATIENCE_S)
        except TimeoutError:
            self._say(LogLine("warning", f"{name}: {argv[0]} still runs after {PATIENCE_S:.0f} s, others go on"))
            run.result.add_done_callback(lambda late: self._ran(name, argv, late.result()))
        else:
            self._ran(name, argv, done)

    def _ran(self, name: str, argv: tuple[str, ...], done: programs.Finished) -> None:
        self._say(ScriptRan(name, argv, done.exit_status, done.duration, done.output))


class _OpenFifo:
    """One FIFO: made where it is absent, written without waiting, removed at the end if it was made here."""

    def __init__(self, fifo: Fifo, settings: Globals, say: Callable[[Event], None]) -> None:
        self._fifo = fifo
        self._say = say
        self._made = False
        self._descriptor = -1
        self._lost = 0
        self._script: programs.Run | None = None
        try:
            self._open(settings)
        except (OSError, LookupError) as error:
            say(LogLine("error", f"notify_fifo {fifo.path}: {error}"))
            return
        if fifo.script is not None:
            self._start(fifo.script, settings)

    def _open(self, settings: Globals) -> None:
        path = self._fifo.path
        try:
            os.mkfifo(path, FIFO_MODE)
            self._made = True
        except FileExistsError:
            if not stat.S_ISFIFO(os.stat(path).st_mode):
                raise OSError(0, "it exists and is no FIFO") from None
        if self._made and self._fifo.user:
            who = programs.account(self._fifo.user, self._fifo.group, settings.script_user, settings.script_group)
            os.chown(path, who.uid, who.gid)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def _start(self, command: Command, settings: Globals) -> None:
        try:
            who = programs.account(command.user, command.group, settings.script_user, settings.script_group)
        except LookupError as error:
            self._say(LogLine("error", f"notify_fifo_script {command.argv[0]}: {error}"))
            return
        self._script = programs.start((*command.argv, self._fifo.path), who=who)

    def write(self, line: str) -> None:
        """One line, or none when the reader is too slow."""
        if self._descriptor < 0:
            return
        try:
            os.write(self._descriptor, line.encode())
        except BlockingIOError:
            self._lost += 1
            if self._lost == 1:
                self._say(LogLine("warning", f"notify_fifo {self._fifo.path} is full: lines are lost"))
        except OSError as error:
            self._say(LogLine("error", f"notify_fifo {self._fifo.path}: {error.strerror}"))
        else:
            self._lost = 0

    def close(self) -> asyncio.Future[None] | None:
        """Stop the reader, remove the FIFO. Returns what is done when the reader has ended."""
        if self._script is not None:
            self._script.terminate()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._made:
            with contextlib.suppress(OSError):
                os.unlink(self._fifo.path)
        return self._script.gone if self._script is not None else None


def _word(event: StateChanged) -> str:
    """keepalived's word for the new state; empty for what it does not report."""
    if event.new is not State.INIT:
        return str(event.new)
    return {Cause.SHUTDOWN: "STOP", Cause.CONFIG: "DELETED"}.get(event.cause, "")
