"""The last runs of track scripts: bounded, by name, and a run on demand."""

from __future__ import annotations

import pytest

from engine.config.model import Command, Config, Globals, Instance, Script, Track, Tracking
from engine.core.peers import Peer
from engine.core.runs import KEPT, Runs
from engine.errors import Refused
from engine.messages import GetTrackerRuns, Outcome, Request, RunScript, RunTracker, ScriptFinished

ANNA = Peer(7, 0, (0,), "root", "anna", "pid 7", "operator")
CONFIG = Config(
    globals=Globals(),
    scripts=(
        Script(name="a", command=Command(argv=("/bin/true",))),
        Script(name="untracked", command=Command(argv=("/bin/true",))),
    ),
    instances=(Instance(name="VI_1", interface="eth0", vrid=50, tracking=Tracking(scripts=(Track(name="a"),))),),
)


async def test_last_runs_are_told_newest_last_and_no_more_than_are_kept() -> None:
    runs = Runs(lambda: CONFIG, lambda _: True)
    for number in range(KEPT + 5):
        runs.ended(ScriptFinished("a", number, 5, f"output {number}"), 100 + number)
    runs.ended(ScriptFinished("b", 0), 104)
    reply = await runs.answer(Request(1, GetTrackerRuns(("a",))), ANNA, print)
    assert [run.exit_status for run in reply.runs] == list(range(5, KEPT + 5))
    assert (reply.runs[-1].at, reply.runs[-1].output, reply.runs[-1].duration) == (124, "output 24", 5)
    everything = await runs.answer(Request(1, GetTrackerRuns()), ANNA, print)
    assert [run.name for run in everything.runs][:2] == ["b", "a"]
    tracked = await runs.answer(Request(1, GetTrackerRuns(instance="VI_1")), ANNA, print)
    assert {run.name for run in tracked.runs} == {"a"}
    runs.reloaded(CONFIG)
    assert {run.name for run in runs.of(())} == {"a"}


async def test_run_now_goes_to_the_check_process_only_for_what_is_tracked() -> None:
    asked: list[RunScript] = []
    runs = Runs(lambda: CONFIG, lambda wish: asked.append(wish) or len(asked) < 2)
    reply = await runs.answer(Request(1, RunTracker("a")), ANNA, print)
    assert (reply.outcome, asked) == (Outcome.DONE, [RunScript("a")])
    with pytest.raises(Refused) as refused:
        await runs.answer(Request(1, RunTracker("untracked")), ANNA, print)
    assert refused.value.code == "E-UNKNOWN-TRACKER"
    with pytest.raises(Refused) as refused:
        await runs.answer(Request(1, RunTracker("a")), ANNA, print)
    assert refused.value.code == "E-SILENT"
