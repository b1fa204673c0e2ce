"""Track scripts: when each runs, and what is told of it.

Invariant: a script that somebody tracks starts at once and then every interval; two runs of one script
never overlap (while one lives, the next is skipped); each run gives exactly one ScriptFinished, at its end
or at its timeout; what a reload leaves as it was goes on undisturbed.

Source: keepalived.conf(5) vrrp_script; results are counted (rise, fall) by the Router, not here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from engine import programs
from engine.config.model import Config, Globals, Script
from engine.messages import LogLine, ScriptFinished

Tell = Callable[[ScriptFinished | LogLine], None]


def tracked_scripts(config: Config) -> dict[str, Script]:
    """The scripts that an instance tracks, by name. One that nobody tracks is not run."""
    wanted = {track.name for one in config.instances for track in one.tracking.scripts}
    return {script.name: script for script in config.scripts if script.name in wanted}


@dataclass(eq=False)
class _Job:
    script: Script
    who: programs.Account | None
    problem: str
    timer: asyncio.TimerHandle | None = None
    run: programs.Run | None = None
    due: float = 0.0
    """Loop time of the next start."""


class Scripts:
    """Runs what `want` names. `tell` gets the results. Lives inside a running asyncio loop."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._jobs: dict[str, _Job] = {}

    def want(self, config: Config) -> None:
        """First configuration or reload: start, stop and keep by name."""
        wanted = tracked_scripts(config)
        for name in [name for name in self._jobs if name not in wanted]:
            self._drop(name)
        for name, script in wanted.items():
            fresh = self._prepare(script, config.globals)
            job = self._jobs.get(name)
            if job is not None and _same_program(job, fresh):
                if job.script.interval != script.interval:
                    job.due += (script.interval - job.script.interval) / 1e9
                    self._schedule(job, max(job.due, _clock()))
                job.script = script
                continue
            if job is not None:
                self._drop(name)
            self._jobs[name] = fresh
            self._schedule(fresh, _clock())

    def run_now(self, name: str) -> None:
        """Run one besides its interval, which goes on as it was; nothing when it runs already or is unknown."""
        job = self._jobs.get(name)
        if job is not None:
            self._begin(job)

    async def stop(self) -> None:
        """Start nothing more; end what runs, by SIGKILL what does not end by SIGTERM."""
        runs = [job.run for job in self._jobs.values() if job.run is not None]
        for name in list(self._jobs):
            self._drop(name)
        if runs:
            await asyncio.wait([run.gone for run in runs], timeout=programs.KILL_AFTER_S + 1)

    @property
    def names(self) -> tuple[str, ...]:
        """The scripts that are run."""
        return tuple(self._jobs)

    def _prepare(self, script: Script, settings: Globals) -> _Job:
        command = script.command
        try:
            who = programs.account(command.user, command.group, settings.script_user, settings.script_group)
        except LookupError as failure:
            return self._unfit(script, str(failure))
        if settings.script_security and who.uid == 0:
            reason = programs.insecure_part(command.argv[0])
            if reason:
                return self._unfit(script, f"enable_script_security: {reason}")
        return _Job(script, who, "")

    def _unfit(self, script: Script, problem: str) -> _Job:
        known = self._jobs.get(script.name)
        if known is None or known.problem != problem:
            self._tell(LogLine("error", f"script {script.name} cannot be run: {problem}"))
        return _Job(script, None, problem)

    def _drop(self, name: str) -> None:
        job = self._jobs.pop(name)
        if job.timer is not None:
            job.timer.cancel()
        if job.run is not None:
            job.run.terminate()

    def _schedule(self, job: _Job, when: float) -> None:
        if job.timer is not None:
            job.timer.cancel()
        job.due = when
        job.timer = asyncio.get_running_loop().call_at(when, self._start, job)

    def _start(self, job: _Job) -> None:
        now = _clock()
        interval = job.script.interval / 1e9
        missed = int(max(0.0, now - job.due) / interval)  # a stalled loop skips starts, it does not catch up
        self._schedule(job, job.due + (missed + 1) * interval)
        self._begin(job)

    def _begin(self, job: _Job) -> None:
        if job.run is not None and not job.run.gone.done():
            return
        if job.who is None:
            self._tell(ScriptFinished(job.script.name, programs.COULD_NOT_START, 0, job.problem))
            return
        job.run = run = programs.start(job.script.command.argv, timeout=job.script.timeout, who=job.who)
        run.result.add_done_callback(lambda done: self._report(job, run, done))

    def _report(self, job: _Job, run: programs.Run, done: asyncio.Future[programs.Finished]) -> None:
        if done.cancelled() or self._jobs.get(job.script.name) is not job or job.run is not run:
            return  # of a script that has changed or is no longer wanted
        result = done.result()
        self._tell(ScriptFinished(job.script.name, result.exit_status, result.duration, result.output))


def _same_program(old: _Job, new: _Job) -> bool:
    return (
        old.script.command == new.script.command
        and old.script.timeout == new.script.timeout
        and (old.who, old.problem) == (new.who, new.problem)
    )


def _clock() -> float:
    return asyncio.get_running_loop().time()
