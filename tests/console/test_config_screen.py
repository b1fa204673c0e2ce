"""The config screen: edit, see problems, fix, review, apply."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from engine.config.diagnostic import Diagnostic
from engine.errors import EngineLost
from engine.messages import (
    AddressLost,
    AdvertRejected,
    ApplyConfig,
    Command,
    ConfigLoaded,
    ConfigText,
    EventLine,
    GetConfig,
    Hello,
    JudgeConfig,
    Outcome,
    Reply,
    Verdict,
)
from hatui.app import HatuiApp
from hatui.screens.config import ConfigScreen
from hatui.widgets.editor import ConfigEditor
from tests.console.conftest import CONFIG, CONFIG_PATH, StagedLink, config_text
from tests.console.piloting import settle, until
from tests.console.recording import HELLO, NOW, SESSION, VIEWER, WALL

SIZE = (80, 24)
PRIORITY = "        priority        100"


async def opened(pilot: Pilot[None]) -> str:
    await settle(pilot)
    await pilot.press("3")
    return await until(pilot, "L-TRACK-REF")


def editor(app: HatuiApp) -> ConfigEditor:
    return app.screen_stack[0].query_one(ConfigEditor)


async def change_priority(pilot: Pilot[None], app: HatuiApp, to: str = "150") -> None:
    """Type over the figure of the priority, as a person would."""
    row = CONFIG.splitlines().index(PRIORITY)
    editor(app).goto(row, len(PRIORITY))
    if editor(app).read_only:
        await pilot.press("enter")
    await pilot.press("backspace", "backspace", "backspace", *to)
    await until(pilot, "priority")


async def test_shows_the_file_with_problems_and_masks_the_password(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        text = await opened(pilot)
        assert " keepalived.conf  as it is on disk" in text
        assert "~ 4  vrrp_script check_nginx {" in text
        assert "script check_nginx is never run" in text
        assert "s3cret1" not in text
        assert "auth_pass       <secret " in text
        assert "nothing is changed" in text


async def test_problems_follow_the_typing(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console, "999")
        text = await until(pilot, "error")
        assert "candidate, 1 line changed" in text
        assert "!14          priority        999" in text
        await pilot.press("backspace", "backspace", "backspace", *"150")
        text = await until(pilot, "priority 100 -> 150")
        assert "|14          priority        150" in text


async def test_next_problem_goes_round_and_fix_mends(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 40), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+n")
        await settle(pilot)
        assert editor(console).cursor_location == (3, 12)
        await pilot.press("ctrl+t")
        text = await until(pilot, "tracks +check_nginx")
        assert "L-TRACK-REF" not in text
        assert "track_script" in editor(console).text
        await pilot.press("ctrl+z")
        await until(pilot, "L-TRACK-REF")


async def test_review_shows_the_difference_and_apply_sends_the_base(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        text = await until(pilot, "Review keepalived.conf")
        assert "-        priority        100" in text
        assert "+        priority        150" in text
        assert link.commands() == []
        edited = CONFIG.replace(PRIORITY, PRIORITY.replace("100", "150"))
        link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(edited),))
        assert "Confirm within 5m" in text
        await pilot.press("y")
        text = await until(pilot, "done after 0.04s")
        assert "L-TRACK-REF" not in text
        command = link.commands()[-1]
        assert isinstance(command, ApplyConfig)
        assert command.confirm_s == 300
        assert command.text == edited
        assert "s3cret1" in command.text
        assert command.base == config_text().digest
        await pilot.press("escape")
        text = await until(pilot, "as it is on disk")
        assert editor(console).text.count("priority        150") == 1


async def test_nothing_changed_cannot_be_applied(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, "nothing is changed")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []


async def test_errors_forbid_applying(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        editor(console).load_text(CONFIG.replace("virtual_router_id       50", "virtual_router_id       500"))
        await until(pilot, "error")
        await pilot.press("ctrl+s")
        await until(pilot, "mend them first")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []


async def test_file_changed_on_disk_meanwhile_is_shown_and_never_overwritten(
    console: HatuiApp, link: StagedLink
) -> None:
    other = CONFIG.replace("advert_int      1", "advert_int      2")
    async with console.run_test(size=(80, 40), notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(other),))
        link.feed(EventLine(40, NOW, WALL, ConfigLoaded("ffff", "file")))
        await until(pilot, "disk differs by 1 line")
        assert "priority        150" in editor(console).text
        await pilot.press("ctrl+s")
        await until(pilot, "the file on disk has changed since it was read")
        await pilot.press("y")
        await settle(pilot)
        assert link.commands() == []
        await pilot.press("escape", "escape", "d")
        text = await until(pilot, "Changed on disk by somebody else since you read it:")
        assert "+        advert_int      2" in text
        assert "s3cret1" not in text
        await pilot.press("u")
        await until(pilot, "as it is on disk")
        assert "advert_int      2" in editor(console).text
        assert "priority        150" in console.clipboard


@pytest.mark.parametrize("dialog", [True, False])
async def test_keeping_mine_goes_on_over_the_text_on_disk(console: HatuiApp, link: StagedLink, dialog: bool) -> None:
    other = CONFIG.replace("advert_int      1", "advert_int      2")
    async with console.run_test(size=(80, 40), notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(other),))
        link.feed(EventLine(40, NOW, WALL, ConfigLoaded("ffff", "file")))
        await until(pilot, "disk differs by 1 line")
        if dialog:
            await pilot.press("escape", "d")
            await until(pilot, "Applying yours would make of the disk:")
        else:
            await until(pilot, "k keep mine")
            await pilot.press("escape")
        await settle(pilot)
        await pilot.press("k")
        await until(pilot, "candidate, 2 lines changed")
        await pilot.press("ctrl+s")
        text = await until(pilot, "Review keepalived.conf")
        assert "-        advert_int      2" in text
        await pilot.press("y")
        await until(pilot, "done after")
        command = link.commands()[-1]
        assert isinstance(command, ApplyConfig)
        assert command.base == config_text(other).digest
        assert "priority        150" in command.text


async def test_file_changed_on_disk_is_taken_when_nothing_was_typed(console: HatuiApp, link: StagedLink) -> None:
    other = CONFIG.replace("advert_int      1", "advert_int      2")
    async with console.run_test(size=(80, 40), notifications=True) as pilot:
        await opened(pilot)
        link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(other),))
        link.feed(EventLine(40, NOW, WALL, ConfigLoaded("ffff", "file")))
        await until(pilot, "advert_int      2")


async def test_refusal_of_the_engine_is_shown_with_its_problems(console: HatuiApp, link: StagedLink) -> None:
    link.answers[ApplyConfig] = Reply(
        0, Outcome.REFUSED, "E-CONFIG-CHANGED", "the file has changed since it was read", problems=("f:1:2: error: x",)
    )
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "Review")
        await pilot.press("y")
        text = await until(pilot, "refused [E-CONFIG-CHANGED]")
        assert "f:1:2: error: x" in text
        await pilot.press("escape")
        await until(pilot, "candidate, 1 line changed")


async def test_engine_lost_while_applying_makes_the_outcome_unknown_and_keeps_the_text(
    console: HatuiApp, link: StagedLink
) -> None:
    link.answers[ApplyConfig] = EngineLost("closed")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("ctrl+s")
        await until(pilot, "Review")
        await pilot.press("y")
        await until(pilot, "the outcome is unknown")
        await pilot.press("escape")
        await until(pilot, "candidate, 1 line changed")


async def test_engine_lost_before_the_file_came_says_so_and_tries_again(console: HatuiApp, link: StagedLink) -> None:
    good = link.answers[GetConfig]
    link.answers[GetConfig] = EngineLost("the engine closed the connection")
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "the engine closed the connection")
        link.answers[GetConfig] = good
        await until(pilot, "L-TRACK-REF")


async def test_viewer_sees_no_configuration_and_why(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        link.feed(VIEWER)
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "bob is a viewer")
        assert link.asked == []


async def test_read_only_console_may_read_but_not_type(console: HatuiApp, link: StagedLink) -> None:
    console.read_only = True
    async with console.run_test(size=(80, 40), notifications=True) as pilot:
        text = await opened(pilot)
        assert "read only: started with --read-only" in text
        await pilot.press("enter", *"xyz")
        await settle(pilot)
        assert "xyz" not in editor(console).text


async def test_typing_letters_in_the_editor_is_typing(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("enter", *"q12F:/")
        await settle(pilot)
        assert editor(console).text.startswith("q12F:/")
        assert isinstance(console.screen, ConfigScreen)
        await pilot.press("escape", "1")
        assert "INSTANCE" in await settle(pilot)


async def test_quit_with_text_that_is_not_applied_asks(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        await change_priority(pilot, console)
        await until(pilot, "priority 100 -> 150")
        await pilot.press("escape", "q")
        await until(pilot, "Quit with text that is not applied?")
        await pilot.press("escape")
        await until(pilot, "candidate")
        await pilot.press("q")
        await until(pilot, "Quit with text")
        await pilot.press("y")
    assert not console.is_running


async def test_hover_names_the_form_of_the_word_at_the_cursor(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        editor(console).goto(14, 12)
        await until(pilot, "- advert_int SECONDS")


async def test_reveal_asks_the_engine_so_that_the_audit_knows(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("colon", *"reveal", "enter")
        await until(pilot, "auth_pass       s3cret1")
        assert link.asked[-1] == (GetConfig(reveal=True), "reveal secrets in the console")
        assert "as it is on disk" in await settle(pilot)


async def test_long_file_is_checked_beside_the_loop(console: HatuiApp, link: StagedLink) -> None:
    block = CONFIG[CONFIG.index("vrrp_instance") :]
    many = CONFIG + "".join(block.replace("VI_1", f"VI_{n}").replace("50\n", f"{n}\n") for n in range(51, 120))
    assert len(many) > 20_000
    link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(config_text(many),))
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        screen = console.screen
        assert isinstance(screen, ConfigScreen)
        assert screen.judgement is not None


async def test_problem_in_an_included_file_is_shown_with_its_file(console: HatuiApp, link: StagedLink) -> None:
    other = ConfigText(
        "/etc/keepalived/one.conf", "vrrp_instance B {\n interface eth0\n virtual_router_id 900\n}\n", "x"
    )
    main = config_text("include one.conf\n" + CONFIG)
    link.answers[GetConfig] = Reply(0, Outcome.DONE, files=(main, other))
    async with console.run_test(size=(80, 40), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "one.conf:3")


async def test_answer_without_files_is_said(console: HatuiApp, link: StagedLink) -> None:
    def refuse(command: Command) -> Reply:
        return Reply(0, Outcome.REFUSED, "E-ROLE", "operators only")

    link.answers[GetConfig] = refuse
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "operators only [E-ROLE]")


def test_config_text_helper_has_the_digest_that_the_engine_gives() -> None:
    from engine.core.revisions import digest

    assert config_text().digest == digest(CONFIG.encode())
    assert msgspec.structs.replace(config_text(), text="") != config_text()


@pytest.fixture
def judging() -> StagedLink:
    """A staged engine that judges texts itself, and finds nothing."""
    can = msgspec.structs.replace(HELLO, capabilities=(*HELLO.capabilities, "judge"))
    link = StagedLink(tuple(can if isinstance(line, Hello) else line for line in SESSION))
    link.answers[JudgeConfig] = Reply(0, Outcome.DONE)
    return link


def found(code: str, what: str, line: int = 14, column: int = 25) -> Diagnostic:
    return Diagnostic(code, "warning", CONFIG_PATH, line, column, what)


def verdict(*told: Diagnostic) -> Reply:
    return Reply(0, Outcome.DONE, judged=told)


async def test_engines_verdict_takes_the_place_of_the_consoles_own(judging: StagedLink, tmp_path: Path) -> None:
    judging.answers[JudgeConfig] = verdict(found("L-INTERFACE", "there is no interface eth9 on this host"))
    console = HatuiApp(judging, user_files=tmp_path)
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        text = await until(pilot, "there is no interface eth9")
        assert "check_nginx is never run" not in text
        (asked,) = {command.text for command, _ in judging.asked if isinstance(command, JudgeConfig)}
        assert asked == CONFIG, "with its secrets, as it would be applied"


async def test_events_that_change_what_is_heard_bring_another_verdict(judging: StagedLink, tmp_path: Path) -> None:
    console = HatuiApp(judging, user_files=tmp_path)
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "no problems")
        judging.answers[JudgeConfig] = verdict(found("L-VERSION-PEER", "speaks version 2 here"))
        asked = len(judging.asked)
        last = console.store.last_seq
        judging.feed(EventLine(last + 1, NOW, WALL, AddressLost("VI_1", "10.211.55.50", "eth0", restored=True)))
        await settle(pilot)
        assert len(judging.asked) == asked, "an address has nothing to do with it"
        judging.feed(
            EventLine(last + 2, NOW, WALL, AdvertRejected("VI_1", "10.211.55.23", Verdict.VERSION, "version 3"))
        )
        await until(pilot, "speaks version 2 here")


async def test_text_that_the_engine_would_refuse_is_not_applied(judging: StagedLink, tmp_path: Path) -> None:
    refusal = msgspec.structs.replace(verdict(found("L-SCRIPT", "it cannot be run")), outcome=Outcome.REFUSED)
    judging.answers[JudgeConfig] = msgspec.structs.replace(refusal, code="E-CONFIG-BROKEN")
    console = HatuiApp(judging, user_files=tmp_path)
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await until(pilot, "it cannot be run")
        await change_priority(pilot, console)
        await pilot.press("ctrl+s")
        await until(pilot, "mend them first")


async def test_engine_that_does_not_answer_leaves_the_consoles_own_verdict(judging: StagedLink, tmp_path: Path) -> None:
    judging.answers[JudgeConfig] = EngineLost("gone")
    console = HatuiApp(judging, user_files=tmp_path)
    async with console.run_test(size=(80, 50), notifications=True) as pilot:
        assert "check_nginx is never run" in await opened(pilot)
