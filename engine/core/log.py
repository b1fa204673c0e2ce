"""One line of log for each event: stderr in the foreground, syslog as a daemon.

Owns the invariant that a log line never holds a secret: it is made from events, and no event has one.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from engine.messages import (
    AddressesMoved,
    AddressLost,
    CommandLogged,
    ConfigConfirmed,
    ConfigLoaded,
    ConfigRefused,
    ConfigReverted,
    ConfigRevertRefused,
    DrillFinished,
    DrillStarted,
    EffectRefused,
    EngineStarted,
    EngineStopping,
    Event,
    HandOverFinished,
    HandOverStarted,
    LogLine,
    MasterChanged,
    PriorityChanged,
    ProcessDied,
    ScriptRan,
    StateChanged,
    TrackerChanged,
)

log = logging.getLogger("hatui-engine")
SYSLOG = Path("/dev/log")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_QUIET = (PriorityChanged, MasterChanged, AddressesMoved, ScriptRan)
"""Only with -D."""


def open_log(*, foreground: bool, console: bool, detail: bool) -> None:
    """Decide where log lines go. `detail` is -D."""
    handler: logging.Handler
    if foreground or console or not SYSLOG.exists():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S"))
    else:
        from logging.handlers import SysLogHandler  # half a MiB that an engine in the foreground does not need

        handler = SysLogHandler(str(SYSLOG), SysLogHandler.LOG_DAEMON)
        handler.setFormatter(logging.Formatter("%(name)s[%(process)d]: %(message)s"))
    log.handlers[:] = [handler]
    log.setLevel(logging.DEBUG if detail else logging.INFO)
    log.propagate = False


def log_event(event: Event) -> None:
    """Write one event."""
    level = logging.DEBUG if isinstance(event, _QUIET) else logging.INFO
    if isinstance(event, LogLine):
        level = LEVELS.get(event.severity, logging.INFO)
    elif isinstance(event, ConfigReverted):
        level = logging.WARNING
    elif isinstance(event, ConfigRefused | ConfigRevertRefused | EffectRefused | ProcessDied | AddressLost):
        level = logging.ERROR
    log.log(level, "%s", sentence(event))


def sentence(event: Event) -> str:
    """What happened, in one line."""
    match event:
        case StateChanged():
            detail = f": {event.detail}" if event.detail else ""
            return f"{event.instance} {event.old} -> {event.new} ({event.cause}), priority {event.priority}{detail}"
        case PriorityChanged():
            return f"{event.instance} priority {event.old} -> {event.new} {event.detail}".rstrip()
        case TrackerChanged():
            word = "good" if event.good else "bad"
            return f"{event.kind} {event.name} turned {word} {event.detail}".rstrip()
        case HandOverStarted():
            return f"{event.instance} hands over: priority 0 sent, addresses kept until a successor is heard"
        case HandOverFinished():
            who = event.successor or "nobody"
            end = "addresses removed" if event.released else "addresses kept"
            return f"{event.instance} hand-over ended after {event.duration / 1e9:.3f} s: {who} took over, {end}"
        case ConfigLoaded():
            return f"configuration in use (by {event.by})" + "".join(f"; {line}" for line in event.changes)
        case ConfigRefused():
            return f"configuration refused (by {event.by}): " + "; ".join(event.problems)
        case ConfigConfirmed():
            return f"configuration {event.revision} confirmed by {event.by}"
        case ConfigReverted():
            return f"configuration {event.revision} taken back, {event.previous} is in use again: {event.reason}"
        case ConfigRevertRefused():
            return f"configuration {event.revision} NOT taken back: {event.obstacle} (wanted because {event.reason})"
        case ProcessDied():
            again = ", started again" if event.respawned else ""
            return f"the {event.process} process died: {event.reason}{again}"
        case DrillStarted():
            why = f' because "{event.reason}"' if event.reason else ""
            return f"drill {event.number} {event.plan} of {event.instance} begun by {event.by}{why}"
        case DrillFinished():
            return f"drill {event.number} {event.plan} of {event.instance}: {event.outcome}: {event.text}"
        case EngineStarted():
            return f"hatui-engine {event.version} is up, pid {event.pid}"
        case EngineStopping():
            return f"stopping: {event.reason}"
        case CommandLogged():
            answer = f"{event.outcome} {event.code} {event.text}".strip()
            why = f' because "{event.reason}"' if event.reason else ""
            return f"{event.by} ({event.origin}) said {event.command}{why}: {answer}"
        case LogLine():
            return event.text
    words = [f"{name}={getattr(event, name)!r}" for name in event.__struct_fields__ if getattr(event, name)]
    return f"{event.__struct_config__.tag} {' '.join(words)}"
