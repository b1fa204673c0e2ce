"""Pictures of every screen in every size and theme, compared cell by cell: `pytest --snapshot-update` renews them,
and then look at them.

The clock is the recording's and stands still. Where one differs, the failure names the file with the new one.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.screen import Screen

import hatui.screens
from engine.messages import (
    Check,
    ConfigLoaded,
    EventLine,
    GetConfig,
    GetDrills,
    GetRevisions,
    Maintenance,
    Outcome,
    Reply,
    RunDrill,
    StatusLine,
)
from hatui.app import HatuiApp
from hatui.palette import execute
from hatui.saving import save
from hatui.store import Connection, LinkState
from tests.console.conftest import CONFIG, StagedLink, config_text
from tests.console.picturing import SIZED, SIZES, STORED, THEMES, Pictures, Scene, taken
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, NOW, WALL, S, packets
from tests.console.rehearsed import PLANS, REPORTS, RUNNING
from tests.console.test_config_flows import BOB, VI_1, revisions
from tests.console.test_pending import APPLIED, WAITS

SCREENS: dict[str, tuple[str, ...]] = {
    "dashboard": ("j",),
    "packets": ("2", "exclamation_mark", "enter", *"jjjj"),
    "packets-ladder": ("2", "l"),
    "packets-compare": ("2", "k", "space", "k", "k", "k", "space", "equals_sign"),
    "packets-why": ("2", "exclamation_mark", "w"),
    "packets-octet": ("2", "k", "space", "enter", "tab", "j", "j", "j", "right"),
    "packets-filter": ("2", "slash", *"vrid==51 && ver", "tab"),
    "packets-wrong-filter": ("2", "slash", *"prio=50"),
    "packets-paused": ("2", "p"),
    "packets-save": ("2", "s"),
    "config": ("3", "ctrl+n"),
    "detail": ("j", "enter"),
    "detail-trackers": ("j", "enter", "tab"),
    "detail-vips": ("enter", "tab", "tab"),
    "detail-config": ("enter", "tab", "tab", "tab", "tab"),
    "detail-notify": ("j", "enter", "tab", "tab", "tab"),
    "detail-history": ("j", "enter", "shift+tab"),
    "drills": ("4", "j"),
    "events": ("5", "j", "j"),
    "events-worst": ("5", "exclamation_mark"),
    "events-filter": ("5", "slash", *"VI_API"),
    "events-save": ("5", "s"),
    "peers": ("6",),
    "whatif": ("j", "space", "j", "space"),
    "why": ("j", "w"),
    "bundle": ("j", "w", "b"),
    "help": ("question_mark",),
    "problems": ("exclamation_mark",),
    "failover": ("F",),
    "command": ("colon", *"theme"),
    "palette": ("ctrl+p",),
    "jump": ("ctrl+o",),
    "new": ("n",),
    "review": ("3", "ctrl+n", "ctrl+t", "ctrl+s"),
    "reload": ("R",),
}


def app_for(tmp_path: Path, theme: str = "hatui-dark") -> HatuiApp:
    return HatuiApp(StagedLink(), user_files=tmp_path, theme=theme)


def pressing(*keys: str) -> Scene:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        typing = False
        for number, key in enumerate(keys, start=1):
            await pilot.press(key)
            for _ in range(1 if typing and number < len(keys) else 3):  # an answer may lead to another question
                await settle(pilot)
            typing = typing or key in ("slash", "colon")
            if key in ("3", "ctrl+t"):
                await checked(pilot)
        await freeze(pilot)

    return run


async def checked(pilot: Pilot[None]) -> None:
    """Until the configuration has been read and judged."""
    for _ in range(200):
        await pilot.pause(0.02)
        screen = pilot.app.screen_stack[0]
        judged = getattr(screen, "judgement", None)
        if judged is not None and getattr(screen, "unsaved", False) == bool(judged.impact):
            return
    raise AssertionError("the configuration was never judged")


async def freeze(pilot: Pilot[None]) -> None:
    """No blinking cursor in a picture."""
    from textual.widgets import Input, TextArea

    for screen in pilot.app.screen_stack:
        for field in screen.query(Input):
            field.cursor_blink = False
        for area in screen.query(TextArea):
            area.cursor_blink = False
            area.notify_style_update()  # a line that was drawn without the cursor is drawn again
    await settle(pilot)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
@pytest.mark.parametrize("name", SCREENS)
def test_screen(pictures: Pictures, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    pictures(app_for(tmp_path), pressing(*SCREENS[name]), size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
def test_dashboard_of_a_silent_engine(pictures: Pictures, tmp_path: Path, size: tuple[int, int]) -> None:
    app = app_for(tmp_path)

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        link = app.link
        assert isinstance(link, StagedLink)
        link.advance(4 * S)
        await settle(pilot)

    pictures(app, run, size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
@pytest.mark.parametrize("connection", [Connection.ABSENT, Connection.DENIED, Connection.LOST])
def test_without_an_engine(pictures: Pictures, tmp_path: Path, connection: Connection, size: tuple[int, int]) -> None:
    link = StagedLink() if connection is Connection.LOST else StagedLink(())
    link._now = NOW
    app = HatuiApp(link, user_files=tmp_path, theme="hatui-dark")

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        socket = "/run/hatui/engine.sock"
        detail = {
            Connection.ABSENT: f"no engine: the socket {socket} does not exist",
            Connection.DENIED: f"{socket}: permission denied: you are not in group hatui",
            Connection.LOST: "the engine closed the connection",
        }[connection]
        link.feed(LinkState(connection, NOW - S, detail, NOW + S))
        await settle(pilot)

    pictures(app, run, size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
def test_packets_of_a_file(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    save("morning.pcapng", packets(), "pcapng")
    app = app_for(tmp_path)

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        assert not execute(app, "open morning.pcapng")
        await until(pilot, "OFFLINE morning.pcapng")
        await pilot.press("k", "k", "k")
        app.clear_notifications()
        await settle(pilot)

    pictures(app, run, size)


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
def test_packets_of_a_lost_engine(pictures: Pictures, tmp_path: Path, size: tuple[int, int]) -> None:
    app = app_for(tmp_path)

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        link = app.link
        assert isinstance(link, StagedLink)
        link.feed(LinkState(Connection.LOST, NOW - S, "the engine closed the connection", NOW + S))
        await settle(pilot)

    pictures(app, run, size)


def test_too_small(pictures: Pictures, tmp_path: Path) -> None:
    pictures(app_for(tmp_path), pressing(), (60, 12))


@pytest.mark.parametrize("theme", THEMES[1:])
@pytest.mark.parametrize("name", ["dashboard", "config", "failover"])
def test_a_theme_put_on_looks_as_one_started_in(tmp_path: Path, name: str, theme: str) -> None:
    scene = pressing(*SCREENS[name])
    started = taken(app_for(tmp_path, theme), (80, 24), scene, [theme])
    assert started == taken(app_for(tmp_path), (80, 24), scene, [theme])


def test_pictures_hold_no_secret() -> None:
    pictures = list(STORED.glob("*/*.svg"))
    assert pictures
    for picture in pictures:
        assert "s3cret1" not in picture.read_text(), picture.name


def test_every_screen_and_dialog_has_a_picture_in_every_size_and_theme() -> None:
    for module in pkgutil.iter_modules(hatui.screens.__path__, "hatui.screens."):
        importlib.import_module(module.name)
    known: set[type] = set()
    left: list[type] = [Screen]
    while left:
        below: list[type] = left.pop().__subclasses__()
        left += below
        known.update(kind for kind in below if kind.__module__.startswith("hatui."))
    kinds = {kind.__name__ for kind in known if not kind.__subclasses__()}
    shown = {(size, theme): set[str]() for size in SIZED for theme in THEMES}
    for picture in STORED.glob("*/*.svg"):
        for (size, theme), names in shown.items():
            if f"{size}][{theme.removeprefix('hatui-')}]" in picture.name:
                names.update(re.findall(r"class=\"[^\"]*-title\"[^>]*>(\w+)<", picture.read_text()))
    assert len(kinds) > 20
    beside = {"160x45": {"WhatIf"}}  # a pane of the dashboard there
    lack = {(size, theme): kinds - names - beside.get(size, set()) for (size, theme), names in shown.items()}
    assert {key: names for key, names in lack.items() if names} == {}


DIALOGS: dict[str, tuple[str, ...]] = {
    "confirm": ("C",),
    "config-complete": ("3", "G", "enter", *"vrrp_", "ctrl+@"),
    "revisions": ("3", "r", "space", "j"),
    "revisions-diff": ("3", "r", "enter"),
    "review-master": ("3", "ctrl+n", "ctrl+t", "ctrl+s"),
    "disk": ("3", "ctrl+n", "ctrl+t", "changed on disk", "d"),
    "other-editor": ("3", "somebody edits"),
}


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
@pytest.mark.parametrize("name", DIALOGS)
def test_flow_of_the_configuration(pictures: Pictures, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    pictures(app_for(tmp_path), changing(name), size)


def changing(name: str) -> Scene:
    """A flow of the configuration: keys, and what happens meanwhile in the place of a key."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, HatuiApp)
        link = app.link
        assert isinstance(link, StagedLink)
        link.answers[GetRevisions] = revisions
        await settle(pilot)
        if name == "confirm":
            link.feed(APPLIED, StatusLine(WAITS, NOW))
        if name == "review-master":
            link.feed(StatusLine(VI_1, NOW))
        for key in DIALOGS[name]:
            if key == "changed on disk":
                other = config_text(CONFIG.replace("advert_int      1", "advert_int      2"))
                link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(other,))
                link.feed(EventLine(40, NOW, WALL, ConfigLoaded("ffff", "file")))
                await until(pilot, "disk differs")
            elif key == "somebody edits":
                link.feed(StatusLine(BOB, NOW))
            else:
                await pilot.press(key)
            for _ in range(3):
                await settle(pilot)
            if key in ("3", "ctrl+t"):
                await checked(pilot)
        if name == "config-complete":
            await until(pilot, "TYPING")
            await until(pilot, "candidate, 1 line changed")
        if name.startswith("revisions"):
            await until(pilot, "#42")
        await freeze(pilot)

    return run


DRILLS = ["drill", "drill-running", "drill-ladder", "drill-details", "drill-report", "maintenance"]


@pytest.mark.parametrize("size", SIZES, ids=SIZED)
@pytest.mark.parametrize("name", DRILLS)
def test_flow_of_a_drill(pictures: Pictures, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    pictures(app_for(tmp_path), drilling(name), size)


def drilling(name: str) -> Scene:
    """What is asked before a drill, seen meanwhile, told afterwards; and maintenance."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, HatuiApp)
        link = app.link
        assert isinstance(link, StagedLink)
        check = Check("unknown", "P-PEER-HEARD", "10.0.0.12 is silent now")
        plan = PLANS[0]
        told = msgspec.structs.replace(
            REPORTS[0], plan=plan.name, title=plan.title, expected=0, budget=500_000_000, checks=(check,)
        )
        link.answers[RunDrill] = Reply(0, Outcome.DONE, drill=told)
        link.answers[Maintenance] = Reply(0, Outcome.DONE, text="VI_WEB: 10.0.0.12 (priority 100) will be MASTER")
        link.answers[GetDrills] = Reply(0, Outcome.DONE, drills=REPORTS, plans=PLANS, drill=REPORTS[0])
        await settle(pilot)
        if name in ("drill-running", "drill-ladder", "drill-details"):
            link.feed(StatusLine(msgspec.structs.replace(ENGINE, drill=RUNNING), NOW))
        keys, words = {
            "drill": ("D", "10.0.0.12 is silent now"),
            "drill-running": ("4", "Drill #17"),
            "drill-ladder": ("4", "Drill #17"),
            "drill-details": ("4", "Drill #17"),
            "drill-report": ("4", "#16"),
            "maintenance": ("M", "will be MASTER"),
        }[name]
        await pilot.press(keys)
        await until(pilot, words)
        if name == "drill-ladder":
            await pilot.press("l")
            await until(pilot, "Ladder of drill #17")
        if name == "drill-details":
            await until(pilot, "#16")
            await pilot.press("tab")
            await until(pilot, "Details of drill #17")
        if name == "drill-report":
            await pilot.press("G", "k", "enter")
            await until(pilot, "PASS  outage")
        await freeze(pilot)

    return run
