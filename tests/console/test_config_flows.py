"""Editing as operators do it: look, type, complete, lose the engine, come back, compare, load, apply."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.errors import EngineLost
from engine.messages import (
    ApplyConfig,
    Command,
    ConfigText,
    EditConfig,
    GetConfig,
    GetRevisions,
    Outcome,
    Reply,
    RevisionInfo,
    State,
    StatusLine,
)
from hatui import kept
from hatui.app import HatuiApp
from hatui.outside import OutsideError, edit
from hatui.screens.config import ConfigScreen
from hatui.store import Connection, LinkState
from hatui.widgets.choices import Choices
from tests.console.conftest import CONFIG, CONFIG_PATH, StagedLink, config_text
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, HELLO, NOW, VIEWER, WALL, WEB, S, heartbeat
from tests.console.test_config_screen import PRIORITY, change_priority, editor, opened
from tests.console.test_pending import WAITS

SIZE = (80, 24)
VI_1 = msgspec.structs.replace(WEB, name="VI_1", vrid=50)
KEPT = tuple(
    RevisionInfo(number, number - 1, WALL - (43 - number) * 3600 * S, by, comment, f"d{number}", "f", (CONFIG_PATH,))
    for number, by, comment in ((42, "operator anna", "raise it"), (41, "operator bob", ""), (40, "startup", ""))
)


def revisions(command: Command) -> Reply:
    assert isinstance(command, GetRevisions)
    text = CONFIG.replace(PRIORITY, PRIORITY.replace("100", str(100 + command.revision)))
    files = (config_text(text),) if command.revision else ()
    return Reply(0, Outcome.DONE, files=files, revisions=KEPT)


@pytest.fixture
def link() -> StagedLink:
    link = StagedLink()
    link.answers[GetRevisions] = revisions
    return link


def screen_of(app: HatuiApp) -> ConfigScreen:
    screen = app.frame
    assert isinstance(screen, ConfigScreen)
    return screen


async def listed(pilot: Pilot[None]) -> None:
    await opened(pilot)
    await pilot.press("r")
    await until(pilot, "#42")


# looking and typing ------------------------------------------------------------------------------


async def test_opens_to_look_so_that_number_keys_still_change_the_screen(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        text = await opened(pilot)
        assert "enter Edit" in text
        await pilot.press("j", "j", "x", "G")
        await settle(pilot)
        assert editor(console).text == screen_of(console).draft.shown()  # type: ignore[union-attr]
        assert editor(console).cursor_location[0] == CONFIG.count("\n")
        await pilot.press("1")
        assert "INSTANCE" in await settle(pilot)


async def test_enter_types_escape_looks_and_the_footer_says_which(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("enter", "1")
        text = await until(pilot, "TYPING")
        assert "ctrl+space Complete" in text
        assert "esc Out" in text
        assert editor(console).text.startswith("1global_defs")
        await pilot.press("escape", "1")
        assert "INSTANCE" in await settle(pilot)


async def test_enter_while_typing_keeps_the_depth_and_goes_deeper_after_a_brace(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        editor(console).goto(CONFIG.splitlines().index(PRIORITY), 99)
        await pilot.press("enter", "enter", *"track_script {", "enter", "x")
        await settle(pilot)
        assert "\n        track_script {\n            x\n" in editor(console).text


async def test_resize_in_the_middle_keeps_text_and_cursor(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        at = editor(console).cursor_location
        await pilot.resize_terminal(160, 45)
        text = await until(pilot, "- Outline")
        assert "The word at the cursor" in text
        await pilot.resize_terminal(60, 20)
        await until(pilot, "hatui needs 80x24")
        await pilot.resize_terminal(80, 24)
        await until(pilot, "candidate, 1 line changed")
        assert editor(console).cursor_location == at
        assert not editor(console).read_only


async def test_outline_jumps_to_the_block(console: HatuiApp) -> None:
    async with console.run_test(size=(160, 45), notifications=True) as pilot:
        text = await opened(pilot)
        assert "instance VI_1" in text
        await pilot.press("shift+tab")
        await settle(pilot)
        await pilot.press("G", "enter")
        await settle(pilot)
        assert CONFIG.splitlines()[editor(console).cursor_location[0]].strip() == "virtual_ipaddress {"


async def test_e_on_the_dashboard_goes_to_the_block_of_the_instance(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        link.feed(StatusLine(VI_1, NOW))
        await settle(pilot)
        await pilot.press("G", "e")
        await until(pilot, "- vrrp_instance NAME")
        assert CONFIG.splitlines()[editor(console).cursor_location[0]] == "vrrp_instance VI_1 {"


# completion --------------------------------------------------------------------------------------


async def test_completion_narrows_while_typing_and_enter_takes(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        editor(console).goto(CONFIG.splitlines().index(PRIORITY), 99)
        await pilot.press("enter", "enter", *"trac", "ctrl+@")
        text = await until(pilot, "track_interface")
        assert "track_script" in text
        await pilot.press("k", "_", "s")
        await until(pilot, ">track_script")
        await pilot.press("enter")
        await settle(pilot)
        assert "\n        track_script\n" in editor(console).text
        assert not console.frame.query_one(Choices).display  # type: ignore[union-attr]


async def test_completion_offers_interfaces_and_escape_leaves_only_the_list(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        row = next(at for at, line in enumerate(CONFIG.splitlines()) if line.strip().startswith("interface"))
        editor(console).goto(row, 99)
        await pilot.press("enter", "backspace", "ctrl+@")
        text = await settle(pilot)
        assert editor(console).text.splitlines()[row].endswith("eth") or "eth1" in text
        await pilot.press("escape")
        await until(pilot, "TYPING")


async def test_one_word_that_fits_is_written_at_once(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        editor(console).goto(CONFIG.splitlines().index(PRIORITY), 99)
        await pilot.press("enter", "enter", *"virtual_ro", "ctrl+@")
        for _ in range(50):
            await settle(pilot)
        choices = console.frame.query_one(Choices)  # type: ignore[union-attr]
        text = editor(console).text
        assert "virtual_router_id\n" in text or "virtual_routes" in [one.word for one in choices.offered]


# what is typed outlives everything ---------------------------------------------------------------


async def test_text_survives_the_death_of_the_console(console: HatuiApp, link: StagedLink, tmp_path: Path) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await settle(pilot)
    (file,) = (tmp_path / "drafts").glob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "s3cret1" not in file.read_text()
    again = HatuiApp(StagedLink(), user_files=tmp_path)
    async with again.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "that was not applied is here again")
        await until(pilot, "candidate, 1 line changed")
        await pilot.press("colon", *"discard", "enter")
        await until(pilot, "as it is on disk")
    assert list((tmp_path / "drafts").glob("*.json")) == []


async def test_kept_text_over_a_file_that_changed_meanwhile_is_a_difference(console: HatuiApp, tmp_path: Path) -> None:
    shown = screen_draft_text().replace(PRIORITY, PRIORITY.replace("100", "150"))
    one = kept.Kept("lb-a", CONFIG_PATH, shown, "another digest", WALL)
    kept.keep(kept.place(tmp_path, "lb-a", CONFIG_PATH), one)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "disk differs by 1 line")
        await pilot.press("ctrl+s")
        await until(pilot, "the file on disk has changed since it was read")


async def test_text_that_cannot_be_kept_is_said_once_and_kept_as_soon_as_it_can(
    console: HatuiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(console, "say", lambda text, *_: said.append(text))
    drafts, where = tmp_path / "drafts", kept.place(tmp_path, "lb-a", CONFIG_PATH)
    drafts.write_text("a file where a directory should be")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console, "150")
        await until(pilot, "priority 100 -> 150")
        await pilot.press("backspace", "1")
        await until(pilot, "priority 100 -> 151")
        async with asyncio.timeout(60):
            while not said:
                await settle(pilot)
        assert [text for text in said if "[E-IO]" in text] == [
            f"what is typed cannot be kept in {where}: File exists [E-IO]"
        ]
        drafts.unlink()
        await pilot.press("backspace", "2")
        await until(pilot, "priority 100 -> 152")
        async with asyncio.timeout(60):
            while (one := kept.read(where)) is None:
                await settle(pilot)
    assert one is not None
    assert PRIORITY.replace("100", "152") in one.text


def screen_draft_text() -> str:
    from hatui.drafts import Draft

    return Draft((config_text(),), "lb-a").shown()


async def test_engine_lost_while_typing_keeps_text_and_typing_and_forbids_applying(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        link.feed(LinkState(Connection.LOST, NOW, "gone", NOW + S))
        await until(pilot, "connection lost")
        await pilot.press("backspace", "7")
        await until(pilot, "priority 100 -> 157")
        await pilot.press("ctrl+s")
        await until(pilot, "the engine is silent")
        await pilot.press("y", "escape")
        await settle(pilot)
        assert link.commands() == []
        link.feed(LinkState(Connection.LIVE, NOW), heartbeat())
        await until(pilot, "candidate, 1 line changed")
        assert "priority        157" in editor(console).text


async def test_kept_file_that_is_damaged_is_no_text(tmp_path: Path) -> None:
    where = kept.place(tmp_path, "lb-a", CONFIG_PATH)
    assert kept.read(where) is None
    kept.keep(where, kept.Kept("lb-a", CONFIG_PATH, "x", "d", 1))
    where.write_text('{"host":')
    assert kept.read(where) is None
    kept.forget(where)
    kept.forget(where)
    assert not where.exists()


# review ------------------------------------------------------------------------------------------


async def test_change_of_an_instance_that_is_master_here_needs_a_way_back(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(StatusLine(VI_1, NOW))
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        text = await until(pilot, "this node is MASTER of VI_1: apply with a time to confirm")
        assert "A For good" not in text
        await pilot.press("A")
        await settle(pilot)
        assert link.commands() == []
        await pilot.press("y")
        await until(pilot, "done after")
        assert [getattr(one, "confirm_s", None) for one in link.commands()] == [300]


async def test_change_under_ones_own_connection_needs_a_way_back(
    link: StagedLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = msgspec.structs.replace(VI_1, state=State.BACKUP)
    own = backup.addresses[0].address.partition("/")[0]
    monkeypatch.setenv("SSH_CONNECTION", f"192.0.2.7 40222 {own} 22")
    console = HatuiApp(link, user_files=tmp_path)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(StatusLine(backup, NOW))
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        text = await until(pilot, f"your own connection comes over {own} of VI_1")
        assert "[E-WAY-BACK]" in text
        await pilot.press("A")
        await settle(pilot)
        assert link.commands() == []


async def test_time_to_confirm_is_what_was_typed_and_nonsense_is_said(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "Review")
        await pilot.press("tab", "tab", "x")
        await until(pilot, "is no duration")
        await pilot.press("enter", "y")
        await settle(pilot)
        assert link.commands() == []
        await pilot.press("tab", "tab", "backspace", "backspace", "backspace", *"90s", "enter", "y")
        await until(pilot, "done after")
        assert [getattr(one, "confirm_s", None) for one in link.commands()] == [90]


async def test_change_that_touches_no_master_may_be_applied_for_good(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "A For good")
        await pilot.press("A")
        await until(pilot, "done after")
        assert [getattr(one, "confirm_s", None) for one in link.commands()] == [0]


async def test_save_only_keeps_the_candidate_and_asks_the_engine_nothing(
    console: HatuiApp, link: StagedLink, tmp_path: Path
) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "Save only")
        await pilot.press("s")
        await until(pilot, "saved as your candidate")
        assert link.commands() == []
        one = kept.read(kept.place(tmp_path, "lb-a", CONFIG_PATH))
        assert one is not None
        assert one.candidate


async def test_review_while_another_change_waits_says_whose_it_is(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "Review")
        link.feed(StatusLine(WAITS, NOW))
        await until(pilot, "config #42 of operator bob waits for its confirmation")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []


async def test_applied_change_can_be_confirmed_from_the_review(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "y Apply and confirm")
        await pilot.press("y")
        await until(pilot, "done after")
        asked = link.commands()
        for key in ("y", "A", "s"):
            console.clear_notifications()
            await pilot.press(key)
            await until(pilot, "the engine has answered: esc closes this")
        assert link.commands() == asked
        link.feed(StatusLine(WAITS, NOW))
        await until(pilot, "C Confirm it now")
        await pilot.press("C")
        await until(pilot, "Keep config #42?")


async def test_after_applying_keys_are_keys_again_so_that_the_change_can_be_confirmed(
    console: HatuiApp, link: StagedLink
) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, "TYPING")
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "y Apply and confirm")
        await pilot.press("y")
        await until(pilot, "done after")
        link.feed(StatusLine(WAITS, NOW))
        await pilot.press("escape")
        text = await until(pilot, "C confirm")
        assert "TYPING" not in text
        await pilot.press("C")
        await until(pilot, "Keep config #42?")


async def test_mark_of_a_secret_that_is_not_known_cannot_be_applied(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        editor(console).load_text(editor(console).text + "# <secret 0000>\n")
        await until(pilot, "candidate")
        await pilot.press("ctrl+s")
        await until(pilot, "<secret 0000> stands for no secret")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []


async def test_role_lost_while_reviewing_forbids_applying(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "y Apply and confirm")
        link.feed(VIEWER)
        await until(pilot, "bob is a viewer")
        await pilot.press("y")
        await settle(pilot)
        assert not any(isinstance(one, ApplyConfig) for one in link.commands())


# revisions ---------------------------------------------------------------------------------------


async def test_revisions_tell_who_when_why_and_which_waits(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot)
        text = await settle(pilot)
        assert "anna" in text
        assert '"raise it"' in text
        assert "in use" in text
        link.feed(StatusLine(WAITS, NOW))
        await until(pilot, "NOT CONFIRMED")


async def test_difference_of_a_revision_and_of_two_marked_ones(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot)
        await pilot.press("enter")
        text = await until(pilot, "#41 -> #42")
        assert "-        priority        141" in text
        assert "+        priority        142" in text
        await pilot.press("escape", "space", "j", "j", "space", "equals_sign")
        text = await until(pilot, "#40 -> #42")
        assert "-        priority        140" in text
        assert "s3cret1" not in text


async def test_revision_and_difference_are_saved_without_secrets(
    console: HatuiApp, link: StagedLink, tmp_path: Path
) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot)
        for keys, title, name in ((["s"], "Save revision 42", "r.conf"), (["enter"], "#41 -> #42", "r.diff")):
            await pilot.press(*keys)
            await until(pilot, title)
            if name == "r.diff":
                await pilot.press("s")
                await until(pilot, "The difference as text")
            console.screen.query_one(Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await settle(pilot)
    text, diff = ((tmp_path / name).read_text() for name in ("r.conf", "r.diff"))
    assert "        priority        142\n" in text
    assert "\n-        priority        141\n+        priority        142\n" in diff
    assert diff.startswith("--- ")
    assert "s3cret" not in text + diff


async def test_revision_is_loaded_as_the_candidate_and_nothing_is_applied(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot)
        await pilot.press("j", "l")
        await until(pilot, "priority 100 -> 141")
        assert "auth_pass       <secret" in editor(console).text
        assert not any(isinstance(one, ApplyConfig) for one in link.commands())
        await pilot.press("ctrl+z")
        await until(pilot, "as it is on disk")


async def test_rollback_on_the_command_line_loads_the_revision(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(StatusLine(msgspec.structs.replace(ENGINE, config_revision=42), NOW))
        await settle(pilot)
        await pilot.press("colon", *"rollback 40", "enter")
        await until(pilot, "priority 100 -> 140")


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("rollback 40", "priority 100 -> 140"),
        ("reveal", "auth_pass       s3cret1"),
        ("discard", "as it is on disk"),
        ("editor", "cannot be lent to an editor"),
        ("review", "no difference"),
        ("block VI_1", "- vrrp_instance NAME"),
        ("rollback 7", "no revision 7 [E-NO-REVISION]"),
    ],
)
async def test_words_of_the_editor_work_from_any_screen(
    console: HatuiApp, link: StagedLink, words: str, seen: str
) -> None:
    def kept(command: Command) -> Reply:
        assert isinstance(command, GetRevisions)
        if command.revision == 7:
            return Reply(0, Outcome.REFUSED, "E-NO-REVISION", "there is no revision 7")
        return revisions(command)

    link.answers[GetRevisions] = kept
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        await settle(pilot)
        link.feed(StatusLine(msgspec.structs.replace(ENGINE, config_revision=42), NOW))
        await settle(pilot)
        await pilot.press("5", "colon", *words, "enter")
        await until(pilot, seen)
        assert console.current_mode == "config"


@pytest.mark.parametrize("words", ["rollback 40", "reveal", "editor", "review", "revisions"])
async def test_viewer_is_refused_the_words_of_the_editor_with_a_code(
    link: StagedLink, tmp_path: Path, words: str
) -> None:
    console = HatuiApp(link, user_files=tmp_path, read_only=True)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("5", "colon", *words, "enter")
        await until(pilot, "[E-ROLE]")
        assert console.current_mode == "events"
        assert link.commands() == []


async def test_engine_lost_while_revisions_are_asked_for_is_said(console: HatuiApp, link: StagedLink) -> None:
    link.answers[GetRevisions] = EngineLost("closed while asking")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("r")
        await until(pilot, "closed while asking")
        await pilot.press("enter", "l", "space", "equals_sign", "escape")
        await until(pilot, "enter Edit")


async def test_included_files_of_a_revision_that_differ_are_said(console: HatuiApp, link: StagedLink) -> None:
    other = ConfigText("/etc/keepalived/one.conf", "! old\n", "x")
    link.answers[GetRevisions] = Reply(0, Outcome.DONE, files=(config_text(), other), revisions=KEPT)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await listed(pilot)
        await pilot.press("l")
        await until(pilot, "included files differ too")


# two people --------------------------------------------------------------------------------------

SHARED = msgspec.structs.replace(HELLO, capabilities=(*HELLO.capabilities, "editors"))
BOB = msgspec.structs.replace(
    ENGINE, edit_by="bob", edit_origin="pid 7", edit_since=NOW - 60 * S, edit_until=NOW + 80 * S
)


def claimed(link: StagedLink) -> list[EditConfig]:
    return [command for command in link.commands() if isinstance(command, EditConfig)]


async def test_typing_is_told_to_the_engine_and_so_is_its_end(console: HatuiApp, link: StagedLink) -> None:
    link.answers[EditConfig] = Reply(0, Outcome.DONE, text="pid 1")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(SHARED)
        await settle(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        assert claimed(link) == [EditConfig()]
        mine = msgspec.structs.replace(BOB, edit_by="anna", edit_origin="pid 1")
        link.feed(StatusLine(mine, NOW))
        await until(pilot, "candidate, 1 line changed")
        link.advance(31 * S)
        link.feed(heartbeat(31 * S))
        await settle(pilot)
        assert claimed(link) == [EditConfig(), EditConfig()]
        await pilot.press("escape", "colon", *"discard", "enter")
        await until(pilot, "as it is on disk")
        await settle(pilot)
        assert claimed(link)[-1] == EditConfig(editing=False)


async def test_second_person_sees_who_edits_looks_and_takes_over(console: HatuiApp, link: StagedLink) -> None:
    link.answers[EditConfig] = Reply(0, Outcome.DONE, text="pid 1")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(SHARED, StatusLine(BOB, NOW))
        await until(pilot, "bob edits since 14:01:11")
        await pilot.press("enter", "x")
        await settle(pilot)
        assert editor(console).read_only
        assert claimed(link) == []
        await pilot.press("T")
        await until(pilot, "Take over the editing?")
        await pilot.press("y")
        await settle(pilot)
        assert claimed(link) == [EditConfig(take_over=True)]
        mine = msgspec.structs.replace(BOB, edit_by="anna", edit_origin="pid 1")
        link.feed(StatusLine(mine, NOW))
        await until(pilot, "TYPING")
        await pilot.press("x")
        await until(pilot, "candidate, 1 line changed")


async def test_first_person_is_told_of_the_take_over_and_keeps_the_text(console: HatuiApp, link: StagedLink) -> None:
    link.answers[EditConfig] = Reply(0, Outcome.DONE, text="pid 1")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(SHARED)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        link.feed(StatusLine(msgspec.structs.replace(BOB, edit_since=NOW + S), NOW))
        await until(pilot, "has taken over; your text stays here")
        assert editor(console).read_only
        assert "priority        150" in editor(console).text


async def test_claim_that_lapsed_hinders_nobody(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(StatusLine(msgspec.structs.replace(BOB, edit_until=NOW - S), NOW))
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, "TYPING")


async def test_engine_that_refuses_a_claim_is_believed(console: HatuiApp, link: StagedLink) -> None:
    link.answers[EditConfig] = Reply(0, Outcome.REFUSED, "E-EDITING", "bob edits the configuration (pid 7)")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        link.feed(SHARED)
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, "E-EDITING")
        assert editor(console).read_only


# files and editors -------------------------------------------------------------------------------


async def test_included_files_are_pages_that_are_only_read(console: HatuiApp, link: StagedLink) -> None:
    web = ConfigText("/etc/keepalived/web.conf", "vrrp_instance B {\n interface eth0\n virtual_router_id 900\n}\n", "x")
    link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text("include web.conf\n" + CONFIG), web))
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "web.conf!")
        await pilot.press("right_square_bracket")
        await until(pilot, "virtual_router_id 900")
        await pilot.press("enter", "x")
        await until(pilot, "is an included file")
        assert editor(console).text == web.text
        await pilot.press("left_square_bracket")
        await until(pilot, "include web.conf")
        assert "as it is on disk" in await settle(pilot)


def test_text_comes_back_from_the_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "sed -i s/one/two/")
    assert edit(contextlib.nullcontext, "one\n", "/etc/k.conf") == "two\n"


@pytest.mark.parametrize(("command", "words"), [("false", "ended with 1"), ("/no/such/editor", "cannot be started")])
def test_editor_that_fails_changes_nothing_and_is_named(
    monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    monkeypatch.setenv("VISUAL", command)
    with pytest.raises(OutsideError, match=words):
        edit(contextlib.nullcontext, "one\n", "/etc/k.conf")


async def test_terminal_that_cannot_be_lent_is_said(console: HatuiApp) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("colon", *"editor", "enter")
        await until(pilot, "cannot be lent to an editor")
