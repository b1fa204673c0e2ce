"""How the command line is used: what is wrong is said with the right usage, and the lines under `watch --inline`."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pexpect
import pyte
import pytest

from engine.messages import Cause, EventLine, State, StateChanged, StatusLine
from hatui import theming
from hatui.cli import main
from hatui.commands import below, doctor
from hatui.store import Connection, LinkState, Store
from hatui.text import width
from tests.fake_engine import NOW, SECOND, WALL, FakeEngine, engine_status, instance

ROOT = Path(__file__).resolve().parent.parent
Hatui = Callable[..., tuple[int, str, str]]
MASTER = instance()
OTHER = msgspec.structs.replace(MASTER, name="VI_2", vrid=61, priority=90, base_priority=90)


@pytest.fixture
def hatui(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Hatui:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["--socket", str(tmp_path / "s"), *arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


@pytest.mark.parametrize(
    ("arguments", "status", "usage"),
    [
        (("why", "--bogus"), 2, "usage: hatui why "),
        (("config", "diff", "--bogus"), 2, "usage: hatui config diff "),
        (("status", "--bogus"), 3, "usage: hatui status "),
        (("failover",), 2, "usage: hatui failover "),
        (("--bogus", "why"), 2, "usage: hatui why "),
        (("no-such-command",), 2, "usage: hatui "),
        (("replay", "--from", "yesterday"), 2, "usage: hatui replay "),
        (("why", "--at", "half past"), 2, "usage: hatui why "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_use_is_told_with_the_usage_of_its_subcommand(
    hatui: Hatui, arguments: tuple[str, ...], status: int, usage: str
) -> None:
    found, out, err = hatui(*arguments)
    assert (found, out) == (status, "")
    assert err.startswith(usage)


def test_wrong_time_names_its_code(hatui: Hatui) -> None:
    assert "[E-TIME]" in hatui("replay", "--from", "yesterday")[2]


def test_status_compares_two_instances(hatui: Hatui, tmp_path: Path) -> None:
    with FakeEngine(tmp_path / "s", MASTER, OTHER, engine_status()):
        status, out, _ = hatui("status", "--compare", "VI_1", "VI_2")
        assert status in (0, 1)
        assert "<> vrid" in out
        assert "facts are the same" in out
        assert hatui("status", "--compare", "VI_1", "VI_9")[0] == 5


def test_lines_below_are_no_longer_than_the_terminal_and_name_what_is_left_out() -> None:
    store = Store()
    store.apply(LinkState(Connection.LIVE, NOW))
    for number in range(5):
        store.apply(StatusLine(msgspec.structs.replace(MASTER, name=f"VI_{number}" + "x" * 30), NOW))
    found = below.lines(store, NOW, 60, most=3)
    assert [width(line) <= 60 for line in found] == [True] * 5
    assert "and 2 more" in found[-1][0][0]
    later = below.lines(store, NOW + 60 * SECOND, 60, most=3)
    assert "UNKNOWN" in "".join(text for text, _ in later[1])


def test_watch_inline_keeps_the_instances_below_the_events(tmp_path: Path) -> None:
    env = {**os.environ, "TERM": "xterm", "TZ": "UTC", "NO_COLOR": "1"}
    argv = ["-m", "hatui.cli", "--socket", str(tmp_path / "s"), "watch", "--inline", "--count", "2"]
    screen = pyte.Screen(100, 24)
    stream = pyte.Stream(screen)
    with FakeEngine(tmp_path / "s", MASTER, OTHER, engine_status()) as engine:
        watch = pexpect.spawn(
            sys.executable, argv, env=env, encoding="utf-8", timeout=60, dimensions=(24, 100), cwd=str(ROOT)
        )
        watch.expect("VI_2")
        stream.feed(watch.before + watch.after)
        for seq, state in ((11, State.BACKUP), (12, State.MASTER)):
            engine.tell(StatusLine(msgspec.structs.replace(MASTER, state=state), NOW))
            engine.tell(EventLine(seq, NOW, WALL, StateChanged("VI_1", State.INIT, state, Cause.WE_PREEMPTED)))
        watch.expect(pexpect.EOF)
        stream.feed(watch.before)
        watch.close()
    lines = [line.rstrip() for line in screen.display if line.strip()]
    assert watch.exitstatus == 0
    assert [("-> BACKUP" in line or "-> backup" in line) for line in lines[:2]] == [True, False]
    assert sum("vi_1" in line.lower() and "->" not in line for line in lines) == 1, lines
    assert sum("VI_2" in line for line in lines) == 1, lines


def test_watch_inline_without_a_terminal_is_refused_with_its_code(hatui: Hatui) -> None:
    status, _, err = hatui("watch", "--inline")
    assert status == 1
    assert "[E-TERMINAL]" in err


def console(tmp_path: Path, shell: str, **env: str) -> pexpect.spawn[str]:
    """The console without an engine, as a shell starts it: `shell` stands behind its command line."""
    command = f"{sys.executable} -m hatui.cli --socket {tmp_path / 's'} {shell}"
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", **env}
    return pexpect.spawn(
        "/bin/sh", ["-c", command], env=environment, encoding="utf-8", timeout=60, dimensions=(24, 80), cwd=str(ROOT)
    )


def test_console_is_shown_on_the_terminal_where_standard_error_leads_into_a_file(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    shown = console(tmp_path, f"2>{errors}; echo ended with $?", HOME="/proc")
    shown.expect("No engine on this host")
    shown.send("q")
    shown.expect("ended with 0")
    shown.expect(pexpect.EOF)
    shown.close()
    assert errors.read_text() == ""


@pytest.mark.parametrize(
    ("shell", "status", "words"),
    [
        ("explain --list >/dev/full", 1, "hatui: standard output: No space left on device [E-IO]"),
        ("explain L-WEIGHT 2>&- <&-", 0, "L-WEIGHT  "),
        ("status >&-", 3, "hatui: no engine: "),
        ("--replay some.jsonl", 1, "[E-TERMINAL]"),
    ],
)
def test_streams_that_are_closed_full_or_no_terminal_end_well(
    tmp_path: Path, shell: str, status: int, words: str
) -> None:
    command = f"{sys.executable} -m hatui.cli --socket {tmp_path / 's'} {shell}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, words in done.stdout + done.stderr) == (status, True), done
    assert "Traceback" not in done.stderr


def test_whoever_has_no_home_and_no_account_gets_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> None:
        raise KeyError("no such uid")

    for name in ("HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert theming.user_directory() == Path("/nonexistent/hatui")
    assert doctor._user() == str(os.getuid())
