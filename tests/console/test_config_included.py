"""Included files in the editor: typed, checked, reviewed and applied together with the main file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from engine.messages import (
    ApplyConfig,
    ConfigLoaded,
    ConfigText,
    EventLine,
    GetConfig,
    GetRevisions,
    IncludedText,
    JudgeConfig,
    Outcome,
    Reply,
    RevisionInfo,
)
from hatui.app import HatuiApp
from hatui.drafts import Draft
from tests.console.conftest import CONFIG, CONFIG_PATH, StagedLink, config_text
from tests.console.piloting import settle, until
from tests.console.recording import HELLO, NOW, WALL

SIZE = (100, 40)
WEB_PATH = "/etc/keepalived/web.conf"
MAIN = "include web.conf\n" + CONFIG
WEB = """\
vrrp_instance VI_WEB {
    interface eth0
    virtual_router_id 51
    priority 100
    authentication {
        auth_type PASS
        auth_pass hidden1
    }
    virtual_ipaddress {
        10.0.0.100
    }
}
"""
ABLE = msgspec.structs.replace(HELLO, capabilities=(*HELLO.capabilities, "includes"))


def included(text: str = WEB) -> ConfigText:
    return ConfigText(WEB_PATH, text, hashlib.sha256(text.encode()).hexdigest())


def files(main: str = MAIN, web: str = WEB) -> Reply:
    return Reply(0, Outcome.DONE, files=(config_text(main), included(web)))


@pytest.fixture
def able(link: StagedLink) -> StagedLink:
    """An engine that takes included files."""
    link.answers[GetConfig] = files()
    return link


async def on_the_page(pilot: Pilot[None], link: StagedLink) -> None:
    """The included file is shown."""
    await settle(pilot)
    link.feed(ABLE)
    await pilot.press("3")
    await until(pilot, "web.conf")
    await pilot.press("right_square_bracket")
    await until(pilot, "virtual_router_id 51")


async def retype_priority(pilot: Pilot[None]) -> None:
    """`priority 100` becomes 150, as somebody would do it; single keys again afterwards."""
    await pilot.press("down", "down", "down", "enter", "end", "backspace", "backspace", "backspace", *"150", "escape")
    await until(pilot, "1 line changed")


async def test_included_file_is_typed_judged_and_applied_with_the_main_file(
    console: HatuiApp, able: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await on_the_page(pilot, able)
        await retype_priority(pilot)
        text = await until(pilot, "VI_WEB: priority 100 -> 150")
        assert "web.conf  candidate, 1 line changed" in text
        assert "hidden1" not in text
        await pilot.press("ctrl+s")
        text = await until(pilot, "Review")
        assert "web.conf (on disk)" in text
        assert "+    priority 150" in text
        assert "hidden1" not in text
        await pilot.press("c")
        assert console.clipboard.endswith(f" --include {WEB_PATH}={WEB_PATH}")
        await pilot.press("y")
        await until(pilot, "done")
        command = next(one for one in able.commands() if isinstance(one, ApplyConfig))
        assert command.text == MAIN
        assert command.files == (
            IncludedText(WEB_PATH, WEB.replace("priority 100", "priority 150"), included().digest),
        )


async def test_what_is_typed_in_several_files_stays_while_one_goes_between_them(
    console: HatuiApp, able: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await on_the_page(pilot, able)
        await retype_priority(pilot)
        await pilot.press("left_square_bracket")
        await until(pilot, "include web.conf")
        await pilot.press("enter", "end", *" # more", "escape")
        await until(pilot, "candidate, 2 lines changed")
        await pilot.press("right_square_bracket")
        await until(pilot, "priority 150")
        await pilot.press("ctrl+s")
        text = await until(pilot, "Review")
        assert "+include web.conf # more" in text
        assert "+    priority 150" in text


async def test_fix_of_a_problem_in_an_included_file_is_made_there(console: HatuiApp, able: StagedLink) -> None:
    able.answers[GetConfig] = files(web=WEB.replace("    priority 100", "    priorty 100"))
    async with console.run_test(size=SIZE) as pilot:
        await on_the_page(pilot, able)
        await until(pilot, "C-UNKNOWN")
        await pilot.press("ctrl+t")
        await until(pilot, "    priority 100")
        await until(pilot, "web.conf  candidate, 1 line changed")
        await pilot.press("left_square_bracket")
        await until(pilot, "include web.conf")
        assert console.frame.text == console.frame.draft.shown()  # type: ignore[union-attr]


async def test_engine_that_takes_the_main_file_alone_is_not_given_others(console: HatuiApp, able: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "web.conf")
        await pilot.press("right_square_bracket")
        await until(pilot, "virtual_router_id 51")
        await pilot.press("enter")
        await until(pilot, "is an included file")
        assert not console.frame.typing  # type: ignore[union-attr]


async def test_edited_included_file_that_changes_on_disk_is_never_overwritten(
    console: HatuiApp, able: StagedLink
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await on_the_page(pilot, able)
        await retype_priority(pilot)
        able.answers[GetConfig] = files(web=WEB.replace("eth0", "eth9"))
        able.feed(EventLine(40, NOW, WALL, ConfigLoaded("ffff", "file")))
        await until(pilot, "disk differs by 1 line")
        await pilot.press("d")
        text = await until(pilot, "on disk differs")
        assert "+    interface eth9" in text
        await pilot.press("k")
        await settle(pilot)
        await pilot.press("ctrl+s")
        text = await until(pilot, "Review")
        assert "-    interface eth9" in text
        assert "+    priority 150" in text


async def test_included_file_that_nobody_edits_follows_the_disk(console: HatuiApp, able: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await on_the_page(pilot, able)
        await pilot.press("left_square_bracket")
        await until(pilot, "include web.conf")
        await pilot.press("enter", "end", *" # more", "escape")
        await until(pilot, "1 line changed")
        able.answers[GetConfig] = files(web=WEB.replace("eth0", "eth9"))
        able.feed(EventLine(40, NOW, WALL, ConfigLoaded("ffff", "file")))
        await settle(pilot)
        await pilot.press("right_square_bracket")
        text = await until(pilot, "interface eth9")
        assert "disk differs" not in text


async def test_text_of_included_files_is_there_again_after_the_console_was_gone(
    able: StagedLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with HatuiApp(able, user_files=tmp_path).run_test(size=SIZE) as pilot:
        await on_the_page(pilot, able)
        await retype_priority(pilot)
        for _ in range(400):
            if list(tmp_path.glob("drafts/*.json")):
                break
            await settle(pilot)
    again = StagedLink()
    again.answers[GetConfig] = files()
    async with HatuiApp(again, user_files=tmp_path).run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        again.feed(ABLE)
        await pilot.press("3")
        await until(pilot, "that was not applied is here again")
        await pilot.press("right_square_bracket")
        await until(pilot, "priority 150")


async def test_revision_brings_its_included_files_as_the_candidate(console: HatuiApp, able: StagedLink) -> None:
    kept = (config_text(MAIN), included(WEB.replace("priority 100", "priority 77")))
    infos = (RevisionInfo(8, 7, WALL, "operator anna"),)
    able.answers[GetRevisions] = Reply(0, Outcome.DONE, revisions=infos, files=kept)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        able.feed(ABLE)
        await pilot.press("3")
        await until(pilot, "include web.conf")
        console.frame.rollback(8)  # type: ignore[union-attr]
        await until(pilot, "candidate, 1 line changed")
        await pilot.press("right_square_bracket")
        await until(pilot, "priority 77")


def test_engine_is_asked_about_all_texts_and_masks_no_secret_away() -> None:
    draft = Draft(files().files, "lb-a")
    draft.type(WEB_PATH, draft.shown(WEB_PATH).replace("priority 100", "priority 150"))
    trial = draft.trial(draft.shown())
    assert trial == JudgeConfig(MAIN, draft.command(draft.shown()).files)
    assert "auth_pass hidden1" in trial.files[0].text
    draft.type(WEB_PATH, draft.shown(WEB_PATH))
    assert not draft.changed(draft.shown())
    assert draft.command(draft.shown()).files == ()
    assert draft.path == CONFIG_PATH
