"""Running programs that are not ours: timeouts, groups, output, accounts."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from engine import programs
from engine.programs import COULD_NOT_START, TIMED_OUT, Account, account, insecure_part, run, start

SECOND = 1_000_000_000


def shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def until(what: object, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.01)


async def test_exit_status_duration_and_output_are_told() -> None:
    done = await run(shell("echo hello; echo there >&2; exit 3"))
    assert (done.exit_status, done.output, done.good) == (3, "hello\nthere", False)
    assert 0 < done.duration < 5 * SECOND
    assert (await run(["/bin/true"])).good


async def test_death_by_signal_is_negative() -> None:
    assert (await run(shell("kill -9 $$"))).exit_status == -signal.SIGKILL


async def test_timeout_terminates_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job = start(shell(f"sleep 1000 & echo $! > {pids}; echo begun; sleep 1000"), timeout=SECOND // 2)
    done = await job.result
    assert (done.exit_status, done.output) == (TIMED_OUT, "begun")
    await job.gone
    await until(lambda: not alive(int(pids.read_text())))


async def test_result_comes_at_the_timeout_and_kill_two_seconds_later() -> None:
    job = start(shell("trap '' TERM; while :; do sleep 0.05; done"), timeout=SECOND // 5)
    began = time.monotonic()
    assert (await job.result).exit_status == TIMED_OUT
    assert time.monotonic() - began < programs.KILL_AFTER_S
    assert not job.gone.done()
    await job.gone
    assert programs.KILL_AFTER_S < time.monotonic() - began < programs.KILL_AFTER_S + 5


async def test_program_that_cannot_start_says_why(tmp_path: Path) -> None:
    done = await run([str(tmp_path / "absent")])
    assert done.exit_status == COULD_NOT_START
    assert done.output.endswith("absent: No such file or directory")
    (tmp_path / "plain").write_text("text")
    assert "Permission denied" in (await run([str(tmp_path / "plain")])).output


async def test_output_keeps_the_end_and_never_blocks_the_program() -> None:
    done = await run(
        shell(
            "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; echo end"
        )
    )
    assert done.good
    assert len(done.output) <= programs.OUTPUT_LIMIT
    assert done.output.endswith("end")


async def test_daemon_left_behind_lives_on_and_may_write(tmp_path: Path) -> None:
    note = tmp_path / "note"
    script = f"(sleep 0.3; echo late && echo late && echo survived > {note}) & exit 0"
    done = await run(shell(script), timeout=5 * SECOND)
    assert done.good
    await until(note.exists)


async def test_environment_is_clean_and_group_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    done = await run(shell("env; ps -o pgid= -p $$; echo pid $$"), more_environment={"STATE": "MASTER"})
    assert "SECRET" not in done.output
    assert "STATE=MASTER" in done.output
    assert f"PATH={programs.SEARCH_PATH}" in done.output
    group, pid = done.output.splitlines()[-2:]
    assert group.strip() == pid.removeprefix("pid ")


async def test_program_runs_as_the_account(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        done = await run(["/usr/bin/id"], who=Account("other", os.geteuid() + 1, os.getegid()))
        assert done.exit_status == COULD_NOT_START
        assert "does not run as root" in done.output
        return
    who = account("nobody")
    done = await run(shell("id -u; id -g; id -G; echo $HOME $USER"), who=who)
    groups = " ".join(str(one) for one in os.getgrouplist("nobody", who.gid))
    assert done.output.splitlines() == [str(who.uid), str(who.gid), groups, f"{who.home} nobody"]


def test_account_is_own_else_script_user_else_ourselves() -> None:
    assert account("nobody").user == "nobody"
    assert account("", "", "nobody").uid == account("nobody").uid
    assert account("root", "", "nobody").uid == 0
    assert account("root", "daemon").gid != account("root").gid
    assert account("root", "", "nobody", "daemon").gid == account("root").gid
    if programs.DEFAULT_ACCOUNT not in Path("/etc/passwd").read_text():
        assert account().uid == os.geteuid()


def test_unknown_account_is_named() -> None:
    with pytest.raises(LookupError, match="user nobody-at-all does not exist"):
        account("nobody-at-all")
    with pytest.raises(LookupError, match="group no-group-at-all does not exist"):
        account("root", "no-group-at-all")


def test_secure_path_belongs_to_root_alone(tmp_path: Path) -> None:
    assert insecure_part("/bin/sh") == ""
    assert insecure_part("/nowhere/at/all").startswith("/nowhere")
    assert insecure_part("/tmp/some-absent") == "/tmp/some-absent: No such file or directory"
    ours = tmp_path / "check.sh"
    ours.write_text("#!/bin/sh\n")
    if os.geteuid() == 0:
        ours.chmod(0o755)
        assert insecure_part(str(ours)) == ""
        ours.chmod(0o757)
        assert insecure_part(str(ours)) == f"{ours} is writable by everybody"


def test_first_insecure_part_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modes as root would see them: `stat` answers for a tree that need not exist."""
    modes = {"/": 0o755, "/usr": 0o755, "/usr/own": 0o775, "/usr/own/check.sh": 0o755}
    owners = {"/usr/own/check.sh": 1000}
    monkeypatch.setattr(os.path, "realpath", lambda path: str(path))
    monkeypatch.setattr(
        Path,
        "stat",
        lambda self: os.stat_result((modes[str(self)], 0, 0, 1, owners.get(str(self), 0), 7, 0, 0, 0, 0)),
    )
    assert insecure_part("/usr/own/check.sh") == "/usr/own is writable by group 7"
    modes["/usr/own"] = 0o755
    assert insecure_part("/usr/own/check.sh") == "/usr/own/check.sh belongs to user 1000, not to root"
