"""The last runs of each track script, for those who ask, and a run on demand.

Invariant: bounded, and told only in the answer to a question: nobody watching costs one short tuple a run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from engine.config.model import Config
from engine.core.peers import Peer
from engine.errors import Refused
from engine.messages import GetTrackerRuns, Outcome, Reply, Request, RunScript, RunTracker, ScriptFinished, TrackerRun

KEPT = 20
"""Runs of one script."""


class Runs:
    """The last runs by script. `tell` hands the check process a wish: False when it does not run."""

    def __init__(self, config: Callable[[], Config], tell: Callable[[RunScript], bool]) -> None:
        self._config = config
        self._tell = tell
        self._of: dict[str, deque[tuple[int, ScriptFinished]]] = {}

    def ended(self, run: ScriptFinished, at: int) -> None:
        """A run has ended at this instant."""
        self._of.setdefault(run.name, deque(maxlen=KEPT)).append((at, run))

    def of(self, names: tuple[str, ...]) -> tuple[TrackerRun, ...]:
        """The runs of these scripts, the newest last; of all, when none is named."""
        found = [
            TrackerRun(run.name, at, run.exit_status, run.duration, run.output)
            for name in names or tuple(self._of)
            for at, run in self._of.get(name, ())
        ]
        return tuple(sorted(found, key=lambda run: run.at))

    def _tracked_by(self, instance: str) -> tuple[str, ...]:
        one = self._config().instance(instance)
        return tuple(track.name for track in one.tracking.scripts) if one is not None else ()

    def reloaded(self, config: Config) -> None:
        """Scripts that the configuration no longer has are forgotten."""
        names = {script.name for script in config.scripts}
        self._of = {name: runs for name, runs in self._of.items() if name in names}

    async def answer(self, request: Request, _peer: Peer, _progress: Callable[[str], None]) -> Reply:
        """GetTrackerRuns and RunTracker.

        Raises: Refused.
        """
        command = request.command
        if isinstance(command, GetTrackerRuns):
            return Reply(request.id, Outcome.DONE, runs=self.of(command.names or self._tracked_by(command.instance)))
        assert isinstance(command, RunTracker)
        if not any(track.name == command.name for one in self._config().instances for track in one.tracking.scripts):
            raise Refused("E-UNKNOWN-TRACKER", f"no instance tracks a script named {command.name!r}")
        if not self._tell(RunScript(command.name)):
            raise Refused("E-SILENT", "the check process does not run just now; it is being started again")
        return Reply(request.id, Outcome.DONE, text=f"{command.name} runs now; its result is among its last runs")
