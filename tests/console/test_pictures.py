"""Pictures of what needs more than keys: questions that act, a hold, the past, several hosts, a simulated move.

Like tests/console/test_snapshots.py: the clock is the recording's.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from engine.messages import (
    DrillStep,
    LedgerLine,
    MaintenanceInfo,
    Outcome,
    Phase,
    ProbeResult,
    Reply,
    RunDrill,
    State,
    StatusLine,
)
from hatui.app import HatuiApp
from hatui.replay import JournalLink
from tests.console.conftest import StagedLink
from tests.console.picturing import SIZED, SIZES, Pictures, Scene
from tests.console.piloting import settle, until
from tests.console.recording import API, ENGINE, MS, NOW, SESSION, WALL, WEB, S
from tests.console.rehearsed import report
from tests.console.test_several_hosts import Pair
from tests.console.test_snapshots import app_for, checked, freeze

HELD = msgspec.structs.replace(
    WEB,
    state=State.BACKUP,
    since=NOW - 95 * S,
    priority=1,
    master="10.0.0.12",
    master_priority=100,
    hold_kind="step-down",
    hold_by="anna",
    hold_until=NOW + 1705 * S,
    timer="master-down",
    deadline=NOW + 3100 * MS,
    ledger=(*WEB.ledger, LedgerLine("hold", "step-down", None, 0, -149, since=NOW - 95 * S)),
    addresses=(msgspec.structs.replace(WEB.addresses[0], present=False),),
)
ASIDE = msgspec.structs.replace(
    ENGINE, maintenance=(MaintenanceInfo("", "anna", "kernel patch", WALL - 600 * S, NOW + 6600 * S, WALL + 6600 * S),)
)
BESIDE = msgspec.structs.replace(API, heard_at=NOW - S // 2)
SIMULATED = msgspec.structs.replace(
    report(0, 0, "pass"),
    plan="hand-over",
    title="SIMULATION: planned move to the other router and back",
    by="",
    reason="",
    simulation=True,
    text="SIMULATION, nothing was sent: outage 0.000 s, budget 0.500 s",
    budget=500_000_000,
    expected=0,
    takeover_expected=609_000_000,
    takeover=609_000_000,
    phases=(Phase("detect", 0), Phase("elect", 609_000_000)),
    probes=(ProbeResult("simulated client icmp", 10_000_000, 1400, 0, 0, 0),),
    steps=(
        DrillStep("preflight", "done", "this node is MASTER, the other router is BACKUP"),
        DrillStep("hand-over", "done", "on the model"),
        DrillStep("observe", "done", "this node BACKUP, the other router MASTER"),
        DrillStep("restore", "done", "this node MASTER, the other router BACKUP"),
    ),
    checks=(),
    ladder=(),
)
SCENES: dict[str, tuple[tuple[object, ...], tuple[str, ...], str]] = {
    "held": ((HELD,), (), "U Release"),
    "release": ((HELD,), ("U",), "Release VI_WEB?"),
    "announce": ((), ("A",), "Announce now?"),
    "take-over": ((), ("j", "j", "F"), "Take over VI_DNS"),
    "maintenance-end": ((ASIDE,), ("M",), "End the maintenance"),
    "two-masters": ((BESIDE,), (), "TWO MASTERS"),
    "quit": ((), ("3", "ctrl+n", "ctrl+t", "q"), "Quit with text that is not applied?"),
}
"""What the engine says first, the keys, and the words that stand there then."""


def acted(name: str) -> Scene:
    told, keys, words = SCENES[name]

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, HatuiApp)
        link = app.link
        assert isinstance(link, StagedLink)
        await settle(pilot)
        for status in told:
            link.feed(StatusLine(status, NOW))  # type: ignore[arg-type]
        await settle(pilot)
        for key in keys:
            app.clear_notifications()
            await pilot.press(key)
            await settle(pilot)
            if key in ("3", "ctrl+t"):
                await checked(pilot)
        await until(pilot, words)
        app.clear_notifications()
        await freeze(pilot)

    return run


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
@pytest.mark.parametrize("name", SCENES)
def test_scene(pictures: Pictures, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    pictures(app_for(tmp_path), acted(name), size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
def test_simulated_failover(pictures: Pictures, tmp_path: Path, size: tuple[int, int]) -> None:
    app = app_for(tmp_path)

    async def run(pilot: Pilot[None]) -> None:
        assert isinstance(app.link, StagedLink)
        app.link.answers[RunDrill] = Reply(0, Outcome.DONE, drill=SIMULATED)
        await settle(pilot)
        await pilot.press("F")
        await until(pilot, "Simulate")
        await pilot.click("#simulate")
        await until(pilot, "nothing was sent; figures of the model")
        await freeze(pilot)

    pictures(app, run, size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
def test_replay(pictures: Pictures, tmp_path: Path, size: tuple[int, int]) -> None:
    app = HatuiApp(JournalLink(SESSION), user_files=tmp_path, theme="hatui-dark")

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        for _ in range(4):
            await pilot.press("full_stop")
            await settle(pilot)
        await until(pilot, "REPLAY")
        app.clear_notifications()
        await freeze(pilot)

    pictures(app, run, size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
@pytest.mark.parametrize("key", ["1", "4", "6"])
def test_several_hosts(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    pair = Pair(tmp_path)

    async def run(pilot: Pilot[None]) -> None:
        await until(pilot, "2 of 2 engines live")
        await pilot.press(key)
        await settle(pilot)
        pair.console.clear_notifications()
        await freeze(pilot)

    pictures(pair.console, run, size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
def test_finer_graphs(pictures: Pictures, tmp_path: Path, size: tuple[int, int]) -> None:
    app = HatuiApp(StagedLink(), user_files=tmp_path, theme="hatui-dark", fine=True)

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press("j")
        await freeze(pilot)

    pictures(app, run, size)
