"""Every key that `?` and the last line name, pressed at every place: each does something that is seen or recorded.

What is pressed is what the one table of keys says, so a new key is pressed as soon as it is there, and one that no
stage reaches fails. What is right to do nothing is checked before it is believed: a list that ends there, the number
of the screen that is shown, `tab` where there is one pane, and leaving a text that nobody types in. Another name of a
key (`down` for `j`) is pressed once on a console.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from engine.messages import (
    AbortDrill,
    AnnounceNow,
    Check,
    Command,
    ConfigLoaded,
    ConfirmConfig,
    EditConfig,
    EventLine,
    Failover,
    GetConfig,
    GetDrills,
    GetRevisions,
    Maintenance,
    Outcome,
    Release,
    Reload,
    Reply,
    RollbackConfig,
    RunDrill,
    RunTracker,
    ServerLine,
    StatusLine,
)
from hatui import keys
from hatui.app import HatuiApp
from hatui.replay import JournalLink
from hatui.screens.frame import FrameScreen
from hatui.screens.pager import Pager
from hatui.text import width
from hatui.widgets.rows import Rows
from tests.console.conftest import CONFIG, StagedLink, config_text
from tests.console.piloting import drained, settle, until
from tests.console.recording import ENGINE, NOW, SESSION, WALL
from tests.console.rehearsed import PLANS, REPORTS, RUNNING
from tests.console.test_config_flows import BOB, revisions
from tests.console.test_config_included import files
from tests.console.test_pending import APPLIED, WAITS
from tests.console.test_pictures import HELD

PATIENCE = 2000
"""Looks until a key is said to do nothing; what starts a worker needs some, on a busy machine many."""
DRILLED = (StatusLine(msgspec.structs.replace(ENGINE, drill=RUNNING), NOW),)
OURS = Reply(0, Outcome.DONE, files=(config_text(),))
OTHER = Reply(0, Outcome.DONE, files=(config_text(CONFIG.replace("advert_int      1", "advert_int      2")),))


ALIKE = {
    f"everywhere.{word}"
    for word in (
        *("dashboard", "packets", "config", "drills", "events", "peers", "command", "palette", "time"),
        *("redraw", "jump", "announce", "reload", "confirm", "suspend", "quit", "leave"),
    )
}
"""Keys that the app alone answers, so that no screen has a part in them: pressed on the Dashboard and in a field."""


class Stage(NamedTuple):
    """Where keys are pressed: how to get there from the first screen, and what stands there then."""

    keys: str
    words: str
    places: str = ""
    """Only keys of these places: the others were pressed on another pane of the same screen. Empty: all."""
    told: tuple[ServerLine, ...] = ()
    """What the engine says first."""
    disk: bool = False
    """Somebody else changes the file on disk meanwhile."""
    answers: Mapping[type[Command], Reply] = MappingProxyType({})
    size: tuple[int, int] = (80, 24)
    first: Mapping[str, str] = MappingProxyType({})
    """Keys that are pressed before one, so that it has an effect there: id -> keys."""


WIDE = (160, 45)
FIRST = {
    "list.down": "g",
    "list.up": "G",
    "list.first": "G",
    "list.last": "g",
    "list.half_down": "g",
    "list.half_up": "G",
    "list.left": "right",
    "everywhere.last": "5 1",
    "dashboard.clear": "escape equals_sign",
    "packets.clear": "f p",
    "packets.follow": "f p",
    "events.clear": "f p",
    "events.follow": "f p",
    "peers.clear": "escape d",
}
"""What gives a key something to do: id -> keys before it."""
PLAYS: dict[str, dict[str, Stage]] = {
    "dashboard": {
        "dashboard": Stage("", "VI_WEB"),
        "dashboard, events": Stage("tab", "Events", "list"),
        "dashboard, filter": Stage("slash", "filter", first={"dashboard.clear": ""}),
        "problems": Stage("exclamation_mark", "All problems", "problems"),
        "help": Stage("question_mark", "Keys: Dashboard", "page"),
        "why": Stage("j w", "Why did VI_API", "why page"),
        "failover": Stage("F", "Fail over VI_WEB"),
        "maintenance": Stage("M", "will be MASTER"),
        "reload": Stage("R", "Reload the configuration?"),
        "save": Stage("s", "Save dashboard"),
        "bundle": Stage("j w b", "archive"),
        "command": Stage("colon", "failover VI_WEB"),
        "palette": Stage("ctrl+p", "Palette"),
        "jump": Stage("ctrl+o", "[a]"),
        "new": Stage("n", "VRID 1..255"),
        "what if": Stage("j space", "nothing is sent"),
    },
    "dashboard, held": {
        "dashboard, held": Stage("", "U Release", "dashboard", (StatusLine(HELD, NOW),)),
    },
    "dashboard, wide": {
        "dashboard, ladder": Stage("j tab", "Priority ladder", "list", size=WIDE),
        "config, outline": Stage("3 shift+tab", "Outline", "list"),
    },
    "detail": {
        "detail": Stage("j enter", "Trackers"),
        "detail, trackers": Stage("j enter tab", "chk_haproxy", "detail list"),
        "detail, history": Stage("j enter shift+tab", "Trackers", "detail list"),
    },
    "packets": {
        "packets": Stage("2", "2[Packets]"),
        "packets, ladder": Stage("2 l", "2[Packets]", "packets list"),
        "packets, fields": Stage("2 enter", "Decode", "packets list", first={"packets.open": "g j"}),
        "packets, octets": Stage("2 enter tab", "Hex", "list"),
        "save packets": Stage("2 s", "Save packets"),
    },
    "config": {
        "config": Stage("3", "L-SCRIPT-USER"),
        "config, problems": Stage("3 tab", "L-SCRIPT-USER", "config list"),
        "review": Stage("3 ctrl+t ctrl+s", "Difference", "review dialog"),
        "revisions": Stage("3 r", "#42", "revisions"),
        "difference": Stage("3 r enter", "Back to the list", "revisions"),
    },
    "config, typing": {"config, typing": Stage("3 enter", "TYPING")},
    "config, disk": {
        "config, disk": Stage("3 ctrl+t", "disk differs", "differs config", disk=True),
        "disk": Stage("3 ctrl+t d", "Changed on disk", disk=True, first={"disk.up": "down"}),
    },
    "config, files": {"config, files": Stage("3", "web.conf", "config", answers={GetConfig: files()})},
    "config, somebody": {"config, somebody": Stage("3", "bob edits", "config", (StatusLine(BOB, NOW),))},
    "drills": {
        "drills": Stage("4", "#16"),
        "drill": Stage("4 D", "10.0.0.12 is silent now"),
        "report": Stage("4 G enter", "Drill #16", "report"),
    },
    "drill, running": {"drill, running": Stage("4", "Drill #17", "drills list", DRILLED)},
    "lists": {"events": Stage("5", "5[Events]"), "peers": Stage("6", "6[Peers]")},
    "confirm": {"confirm": Stage("C", "Keep config #42?", told=(APPLIED, StatusLine(WAITS, NOW)))},
    "replay": {"replay": Stage("", "REPLAY", "replay")},
}
"""Play -> its stages, on one console that begins with what the first of them says."""


def answered(stage: Stage) -> StagedLink:
    """An engine that does whatever it is asked for."""
    link = StagedLink()
    check = Check("unknown", "P-PEER-HEARD", "10.0.0.12 is silent now")
    done = (AbortDrill, AnnounceNow, ConfirmConfig, EditConfig, Failover, Release, Reload, RollbackConfig, RunTracker)
    link.answers |= {kind: Reply(0, Outcome.DONE, text="done") for kind in done}
    link.answers |= {
        GetRevisions: revisions,
        GetDrills: Reply(0, Outcome.DONE, drills=REPORTS, plans=PLANS, drill=REPORTS[0]),
        Maintenance: Reply(0, Outcome.DONE, text="VI_WEB: 10.0.0.12 (priority 100) will be MASTER"),
        RunDrill: Reply(0, Outcome.DONE, drill=msgspec.structs.replace(REPORTS[0], checks=(check,))),
    }
    link.answers |= stage.answers
    return link


class Console:
    """A console on its stage, with all that somebody sees of it or that is recorded."""

    def __init__(self, stage: Stage, directory: Path) -> None:
        self.stage = stage
        self.link = JournalLink(SESSION) if "REPLAY" in stage.words else answered(stage)
        self.app = HatuiApp(self.link, user_files=directory)
        self.left: list[str] = []
        """What would have ended or stopped the program, and what was written to the terminal anew."""
        self.writes = 0
        self.pressed = set[tuple[str, str]]()
        self.home: tuple[Any, ...] = ()
        self.depth, self.text = 1, ""
        self._terminal()

    def _terminal(self) -> None:
        app: Any = self.app
        forget = app._terminal.forget

        def redraw() -> None:
            self.left.append("redrawn")
            forget()

        app.exit = lambda *_, **__: self.left.append("left")
        app.action_suspend_process = lambda: self.left.append("suspended")
        app._terminal.forget = redraw

    def recorded(self) -> tuple[object, ...]:
        """Messages, the clipboard, what the engine was asked, what else is there."""
        asked = len(self.link.asked) + len(self.link.trials) if isinstance(self.link, StagedLink) else 0
        said = tuple(one.message for one in self.app._notifications)
        return said, asked, self.app.clipboard, len(self.left), self.app.screen

    def cells(self) -> list[Strip]:
        """The screen, with its looks."""
        return self.app.screen._compositor.render_strips()

    def place(self) -> tuple[Any, ...]:
        """Where the keys go."""
        app = self.app
        frame = app.frame
        assert frame is not None
        return tuple(app.screen_stack), app.focused, frame.has_class("zoomed"), getattr(frame, "typing", False)

    async def still(self) -> None:
        """Until all that was begun is done: what is told meanwhile is told in the first round."""
        await drained(self.app)
        await drained(self.app)

    async def arrive(self, pilot: Pilot[None], stage: Stage) -> None:
        """To a stage, from wherever the last key led."""
        app = self.app
        await self._leave(pilot)
        for key in ("g", *stage.keys.split()):
            if key == "d" and stage.disk:
                await self._on_disk(pilot)
            await pilot.press(key)
            await drained(app)
            if key.isdigit():
                assert app.frame is not None
                app.frame.set_focus(app.frame.query_one(app.frame.FIRST))
            if key in ("3", "ctrl+t"):
                await until(pilot, "L-SCRIPT-USER")
        if stage.disk and isinstance(app.screen, FrameScreen):
            await self._on_disk(pilot)
        if stage.words not in app.screen_text():
            await until(pilot, stage.words)
        self.home, self.depth = self.place(), len(app.screen_stack)
        self.text = app.screen_text()

    async def back(self, pilot: Pilot[None], stage: Stage) -> None:
        """Take back what the last key did, as far as the next one would meet it."""
        app = self.app
        same = self.home[0][: self.depth] == tuple(app.screen_stack)[: self.depth]
        while same and len(app.screen_stack) > self.depth:
            await self.still()
            app.pop_screen()
            await drained(app)
        if same and isinstance(app.screen, FrameScreen):
            await self._clear(pilot)
        changes = app.screen.is_modal and not isinstance(app.screen, Pager)
        if not same or self.place() != self.home or (changes and self.text != app.screen_text()):
            await self.arrive(pilot, stage)

    async def _clear(self, pilot: Pilot[None]) -> None:
        """No field is open, nothing is filtered, no pane is zoomed."""
        frame = self.app.frame
        assert frame is not None
        typing = self.home[3] if self.home else False
        if frame.has_class("zoomed"):
            self.app.action_zoom()
        for _ in range(3):
            if getattr(frame, "typing", False) != typing or getattr(frame, "filter_text", ""):
                await pilot.press("enter" if typing else "escape")
            elif isinstance(self.app.focused, Input):
                await pilot.press("escape")
            else:
                break
        await drained(self.app)

    async def _leave(self, pilot: Pilot[None]) -> None:
        """To the first screen."""
        app = self.app
        self.home = ()
        for mode in (app.current_mode, "dashboard"):
            if app.current_mode != mode:
                app.action_show_mode(mode)
                await drained(app)
            while len(app.screen_stack) > 1:
                await self.still()
                app.pop_screen()
                await drained(app)
            await self._clear(pilot)
            for kept, key in (("laddered", "l"), ("nohex", "x")):
                if app.screen.has_class(kept):
                    await pilot.press(key)
        app.screen.set_focus(app.screen.query_one("#table"))

    async def _on_disk(self, pilot: Pilot[None]) -> None:
        """Somebody else has written the file, once more."""
        link = self.link
        assert isinstance(link, StagedLink)
        if "disk differs" not in await settle(pilot):
            self.writes += 1
            link.answers[GetConfig] = (OURS, OTHER)[self.writes % 2]
            link.feed(EventLine(40 + self.writes, NOW, WALL, ConfigLoaded(f"ff{self.writes}", "file")))
            await until(pilot, "disk differs")

    def nothing_is_right(self, key: keys.Key) -> bool:
        """The list of the focus ends there; the screen of this number is shown."""
        app, rows = self.app, self.app.focused
        if key.action == f"show_mode('{app.current_mode}')":
            return len(app.screen_stack) == 1
        if key.id == "config.out":
            return not getattr(app.frame, "typing", False)
        if key.id in ("everywhere.next", "everywhere.previous"):
            return len(app.screen.focus_chain) <= 1
        if key.place != keys.LIST or not isinstance(rows, Rows):
            return False
        if key.id in ("list.left", "list.right"):
            lines = range(rows.scroll_offset.y, min(rows.count, rows.scroll_offset.y + rows.rows))
            return all(width(rows.line_at(at)) <= rows.size.width for at in lines)
        return rows.count <= 1 and key.id != "list.wide_columns"


def printing(part: str) -> bool:
    """A key that writes itself into a field."""
    return len(part) == 1 or (part in keys.SHOWN and len(keys.SHOWN[part]) == 1) or part == "space"


async def pressed(console: Console, pilot: Pilot[None], name: str, stage: Stage) -> tuple[set[str], list[str]]:
    """Press every key there. The ids of those that did something, and what is wrong with the others."""
    app = console.app
    found, silent = set[str](), list[str]()
    await console.arrive(pilot, stage)
    listed, frame = app.valid_keys, app.frame
    assert frame is not None
    typing = getattr(frame, "typing", False) or isinstance(app.focused, Input)
    if app.screen is frame and not isinstance(app.focused, Input):
        named = keys.footer(frame.PLACE, without=set(frame.idle_keys), wide=True)
        missing = [key.id for key in named if key not in listed and not (typing and key.id in keys.ALWAYS)]
        silent += [f"{name}: {one} stands in the last line and not in ?" for one in missing]
    for key in listed:
        if stage.places and key.place not in stage.places.split():
            continue
        if key.id in ALIKE and not typing and name != "dashboard" and ELSEWHERE.get(key.id) != name:
            continue
        first, *others = key.key.split(",")
        for part in (first, *(other for other in others if (key.id, other) not in console.pressed)):
            if typing and printing(part):
                continue
            console.pressed.add((key.id, part))
            await console.back(pilot, stage)
            app.clear_notifications()
            for before_it in stage.first.get(key.id, FIRST.get(key.id, "")).split():
                await pilot.press(before_it)
            await console.still()
            if console.nothing_is_right(key):
                continue
            before, looks = console.recorded(), console.cells()
            app.call_later(app.simulate_key, part)
            await drained(app)
            for _ in range(PATIENCE):
                if console.recorded() != before or console.cells() != looks:
                    found.add(key.id)
                    break
                await asyncio.sleep(0.002)
                await drained(app)
            else:
                silent.append(f"{name}: {keys.show(part)} ({key.id}) does nothing")
    return found, silent


async def played(name: str, directory: Path) -> tuple[set[str], list[str]]:
    """All stages of one play, on one console."""
    found, silent = set[str](), list[str]()
    stages = PLAYS[name]
    console = Console(next(iter(stages.values())), directory)
    async with console.app.run_test(size=console.stage.size) as pilot:
        await settle(pilot)
        if isinstance(console.link, StagedLink):
            console.link.feed(*console.stage.told)
        else:
            console.app.live = StagedLink()
        for each, stage in stages.items():
            did, wrong = await pressed(console, pilot, each, stage)
            found |= did
            silent += wrong
    return found, silent


ALL_OF = {
    "dashboard": "everywhere list dashboard problems page why dialog command palette jump whatif new",
    "detail": "detail",
    "packets": "packets",
    "config": "config review revisions",
    "config, disk": "differs disk",
    "drills": "drills report",
    "lists": "events peers",
    "confirm": "confirmation",
    "replay": "replay",
}
"""Play -> places of which no key may be left out there."""
ELSEWHERE = {"everywhere.dashboard": "detail", "config.out": "config, typing"}
"""Keys that have no effect in that play, and the one where they have."""


@pytest.mark.parametrize("name", PLAYS)
async def test_every_key_that_is_listed_does_something(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found, silent = await played(name, tmp_path)
    assert silent == []
    wanted = {key.id for key in keys.KEYS if key.place in ALL_OF.get(name, "").split() and key.id not in ELSEWHERE}
    wanted |= {one for one, play in ELSEWHERE.items() if play == name}
    assert wanted - found == set(), "keys of the table that no stage of this play lists"


def test_no_place_of_the_table_is_left_out() -> None:
    assert {key.place for key in keys.KEYS} == set(" ".join(ALL_OF.values()).split())


async def test_a_key_that_does_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(HatuiApp, "action_replay_play", lambda _app: None)
    assert await played("replay", tmp_path) == (
        {"replay.next", "replay.before", "replay.live"},
        ["replay: space (replay.play) does nothing"],
    )
