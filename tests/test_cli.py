"""`hatui` on the command line: what it prints, what it asks of the engine, how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import probe
from engine.messages import (
    AddressStatus,
    AnnounceNow,
    ApplyConfig,
    Cause,
    Check,
    ConfigText,
    EventLine,
    Evidence,
    Failover,
    Farewell,
    Gap,
    GetEvents,
    HandOverFinished,
    Message,
    Outcome,
    Release,
    Reload,
    Reply,
    Request,
    RunTracker,
    State,
    StateChanged,
    StatusLine,
    Subscribe,
    TrackerRun,
    TrackerStatus,
)
from hatui.cli import main
from hatui.replay import moment_of
from tests.fake_engine import NOW, SECOND, WALL, FakeEngine, engine_status, instance

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


Hatui = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hatui(capsys: pytest.CaptureFixture[str], socket_path: Path) -> Hatui:
    """Run a command; exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["--socket", str(socket_path), *arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def change(seq: int, old: State, new: State, cause: Cause, **more: object) -> EventLine:
    event = StateChanged("VI_1", old, new, cause, **more)  # type: ignore[arg-type]
    return EventLine(seq, NOW - 10 * SECOND + seq, WALL, event)


# status ----------------------------------------------------------------------------------------


def test_status_shows_state_priorities_master_and_whether_addresses_are_there(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path):
        status, out, err = hatui("status")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "serverA  engine 0.1.0 up 1h00m  /etc/keepalived/keepalived.conf",
        "",
        "  INSTANCE  IF    VRID  STATE   PRIO     MASTER     SINCE  TIMER",
        "* VI_1      eth0  50    MASTER  100/100  this node  1m00s  adv  0.5s",
        "",
        "  VI_1  10.211.55.50/32 on eth0  set",
    ]


def test_status_never_cuts_a_line_however_long_a_name_is(hatui: Hatui, socket_path: Path) -> None:
    name = "VI_" + "LONG_" * 20
    broken = "/etc/keepalived/keepalived.conf:7:1: error: unknown keyword in the top level " + "x" * 60
    with FakeEngine(socket_path, instance(name), engine_status(config_problem=broken)):
        out = hatui("status")[1]
    (line,) = [line for line in out.splitlines() if line.startswith(f"* {name}")]
    assert "MASTER" in line
    assert "100/100" in line
    assert f"{broken} [E-CONFIG-BROKEN]" in out


@pytest.mark.parametrize(
    ("state", "more", "expected", "health"),
    [
        (State.MASTER, {}, 0, "healthy"),
        (State.BACKUP, {}, 0, "healthy"),
        (State.MASTER, {"hold_kind": "step-down"}, 1, "degraded"),
        (State.FAULT, {"faults": ("eth0 has no carrier",)}, 2, "critical"),
        (State.MASTER, {"addresses": (AddressStatus("10.211.55.50", 32, "eth0", present=False),)}, 2, "critical"),
        (State.BACKUP, {"master": ""}, 2, "critical"),
    ],
)
def test_status_exit_code_is_the_health(
    hatui: Hatui, socket_path: Path, state: State, more: dict[str, object], expected: int, health: str
) -> None:
    with FakeEngine(socket_path, instance(state=state, **more), engine_status()):
        assert hatui("status")[0] == expected
        assert json.loads(hatui("status", "--json")[1])["health"] == health


def test_status_without_instances_is_unknown(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, engine_status()):
        status, out, _ = hatui("status")
    assert status == 3
    assert "no vrrp_instance" in out


def test_status_as_json_brief_and_one_line(hatui: Hatui, socket_path: Path) -> None:
    tracker = TrackerStatus("script", "check_nginx", good=False, tracked_by=("VI_1",), exit_status=1)
    with FakeEngine(socket_path, instance(), engine_status(), tracker):
        told = json.loads(hatui("status", "--json")[1])
        assert hatui("status", "--brief")[1] == "VI_1 MASTER 100/100 10.211.55.22\n"
        status, line, _ = hatui("status", "--oneline")
    assert (told["v"], told["host"], told["mono_ns"]) == (1, "serverA", NOW)
    assert told["instances"][0]["state"] == "MASTER"
    assert told["instances"][0]["addresses"][0]["present"] is True
    assert told["trackers"][0]["name"] == "check_nginx"
    assert told["problems"][0]["text"] == "script check_nginx fails (exit 1); tracked by VI_1"
    assert status == 1
    expected = "HATUI WARNING - script check_nginx fails (exit 1); tracked by VI_1 | master=1 backup=0 fault=0 init=0\n"
    assert line == expected


def test_status_of_one_instance_shows_its_detail(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, instance(), instance("VI_2", State.BACKUP, vrid=51), engine_status()):
        status, out, _ = hatui("status", "vi_2")
        assert status == 0
        assert "10.211.55.23" in out
        assert json.loads(hatui("status", "VI_2", "--json")[1])["instances"][0]["name"] == "VI_2"
        status, _, err = hatui("status", "VI_9")
    assert status == 5
    assert "no instance is named VI_9; the engine runs: VI_1, VI_2 [E-UNKNOWN-INSTANCE]" in err


def test_control_characters_from_the_engine_never_reach_the_terminal(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, instance("VI\x1b[31m_1"), engine_status()):
        for how in ([], ["--brief"], ["--oneline"]):
            assert "\x1b" not in hatui("status", *how)[1]


# no engine -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [["status"], ["watch"], ["why"], ["failover", "VI_1", "--yes"], ["release", "VI_1"]]
)
def test_no_engine_is_one_sentence_and_what_to_do(hatui: Hatui, socket_path: Path, command: list[str]) -> None:
    status, out, err = hatui(*command)
    assert (status, out) == (3, "")
    assert err.splitlines() == [
        f"hatui: no engine: the socket {socket_path} does not exist [E-NO-ENGINE]",
        "       start it with `sudo systemctl start hatui-engine`, or name its socket with --socket PATH",
    ]


def test_silent_engine_is_given_up_after_the_timeout(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path) as engine:
        engine.mute = True
        status, _, err = hatui("--timeout", "0.2", "status")
    assert status == 3
    assert "did not answer within 0.2 s" in err


def test_refused_at_the_door_says_how_to_be_let_in(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path) as engine:
        engine.mute = True

        def doorkeeper() -> None:
            engine.wait_for(lambda: engine.connections)
            engine.tell(Farewell("E-PERMISSION", "You are not in group hatui."))
            engine.hang_up()

        thread = threading.Thread(target=doorkeeper)
        thread.start()
        status, _, err = hatui("status")
        thread.join()
    assert status == 3
    assert err.splitlines()[0] == "hatui: You are not in group hatui. [E-PERMISSION]"


def test_wrong_use_exits_2_and_for_monitoring_3(hatui: Hatui) -> None:
    assert hatui("failover")[0] == 2
    assert hatui("no-such-command")[0] == 2
    assert hatui("status", "--no-such-option")[0] == 3


def test_help_of_every_command_names_its_exit_codes(hatui: Hatui) -> None:
    from hatui.commands import COMMANDS

    listing = hatui("--help")[1]
    for command in COMMANDS:
        assert command in listing
        status, out, _ = hatui(command, "--help")
        assert status == 0
        assert "exit codes: 0" in out


# watch and why ---------------------------------------------------------------------------------

MASTER_NOW = change(11, State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE, detail="silent for 3.609 s")


def says(*lines: Message) -> Callable[[Request], list[Message]]:
    """Answer everything, and after a Subscribe say these lines."""

    def answer(request: Request) -> list[Message]:
        done: list[Message] = [Reply(request.id, Outcome.DONE)]
        return [*done, *lines] if isinstance(request.command, Subscribe) else done

    return answer


def test_watch_prints_one_line_an_event(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, answer=says(MASTER_NOW, Gap(events=3))):
        status, out, _ = hatui("watch", "--count", "1")
    assert status == 0
    (line,) = out.splitlines()
    assert " ".join(line.split()[1:]) == "VI_1 backup -> MASTER master-no-response: silent for 3.609 s"


def test_trackers_with_their_last_runs_and_a_run_at_once(hatui: Hatui, socket_path: Path) -> None:
    tracker = TrackerStatus("script", "chk_web", good=False, streak=3, exit_status=1, tracked_by=("VI_1",))
    ended = TrackerRun("chk_web", 1, 1, 210_000_000, "no process found")

    def answer(request: Request) -> list[Message]:
        if isinstance(request.command, RunTracker):
            if request.command.name != "chk_web":
                return [Reply(request.id, Outcome.REFUSED, "E-UNKNOWN-TRACKER", "no such script")]
            return [Reply(request.id, Outcome.DONE, text="chk_web runs now")]
        return [Reply(request.id, Outcome.DONE, runs=(ended,))]

    with FakeEngine(socket_path, instance(), engine_status(), tracker, answer=answer):
        status, out, _ = hatui("trackers", "vi_1")
        assert status == 0
        assert "script chk_web" in out
        assert "exit 1            0.21s  no process found" in out
        told = json.loads(hatui("trackers", "--json")[1])
        assert told["runs"][0]["output"] == "no process found"
        assert hatui("trackers", "--run", "chk_web")[:2] == (0, "chk_web runs now\n")
        status, _, wrong = hatui("trackers", "--run", "other")
        assert status == 5
        assert "E-UNKNOWN-TRACKER" in wrong


def test_watch_plain_speaks_in_sentences_and_jsonl_repeats_the_engine(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, answer=says(MASTER_NOW)):
        plain = hatui("watch", "--plain", "--count", "1")[1]
        lines = hatui("watch", "--jsonl", "--count", "1")[1]
    assert plain[9:] == "VI_1: backup -> MASTER, master-no-response: silent for 3.609 s.\n"
    told = json.loads(lines)
    assert (told["type"], told["seq"], told["event"]["new"]) == ("event-line", 11, "MASTER")


def test_watch_filters_and_begins_with_the_last_events(hatui: Hatui, socket_path: Path) -> None:
    old = change(9, State.INIT, State.BACKUP, Cause.STARTUP)

    def answer(request: Request) -> list[Message]:
        if isinstance(request.command, GetEvents):
            return [Reply(request.id, Outcome.DONE, events=(old,)), MASTER_NOW]
        return [Reply(request.id, Outcome.DONE)]

    with FakeEngine(socket_path, answer=answer) as engine:
        out = hatui("watch", "--last", "5", "--count", "2")[1]
        assert [line.split()[4] for line in out.splitlines()] == ["backup", "MASTER"]
        assert [one.command for one in engine.requests if isinstance(one.command, GetEvents)] == [GetEvents(limit=5)]
        out = hatui("watch", "--last", "5", "--count", "1", "--filter", "!startup")[1]
    assert "master-no-response" in out


def test_watch_goes_on_after_the_connection_was_lost_and_misses_nothing(socket_path: Path, tmp_path: Path) -> None:
    with FakeEngine(socket_path, answer=says(MASTER_NOW)) as engine:
        argv = [sys.executable, "-m", "hatui.cli", "--socket", str(socket_path), "watch", "--jsonl", "--count", "2"]
        watching = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        engine.wait_for(lambda: any(isinstance(one.command, Subscribe) for one in engine.requests))
        engine.seq = 12
        engine.answer = says(change(12, State.MASTER, State.BACKUP, Cause.PEER_HIGHER))
        engine.hang_up()
        out, err = watching.communicate(timeout=30)
        resumed = [one.command.since for one in engine.requests if isinstance(one.command, Subscribe)]
    assert watching.returncode == 0
    assert [json.loads(line)["seq"] for line in out.splitlines()] == [11, 12]
    assert resumed == [0, 11]
    assert "trying again" in err


def test_watch_ended_by_ctrl_c_exits_130(socket_path: Path) -> None:
    with FakeEngine(socket_path) as engine:
        # what starts the tests in the background may have them ignore ctrl-c
        hatui = [sys.executable, "-m", "hatui.cli", "--socket", str(socket_path), "watch"]
        argv = ["env", "--default-signal=INT", *hatui]
        watching = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        engine.wait_for(lambda: engine.requests)
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out, err) == (130, "", "")


def test_watch_records_what_the_console_can_replay(hatui: Hatui, socket_path: Path, tmp_path: Path) -> None:
    from hatui.link import load

    record = tmp_path / "some.jsonl"
    with FakeEngine(socket_path, answer=says(MASTER_NOW)):
        assert hatui("watch", "--count", "1", "--record", str(record))[0] == 0
    assert [type(line).__name__ for line in load(record)] == ["Hello", "Snapshot", "EventLine"]


def test_why_explains_the_last_change_with_its_evidence(hatui: Hatui, socket_path: Path) -> None:
    evidence = (Evidence(NOW - 11 * SECOND, "advert", "10.211.55.23 priority 150"),)
    first = change(10, State.INIT, State.BACKUP, Cause.STARTUP)
    last = change(11, State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE, evidence=evidence)

    def answer(request: Request) -> list[Message]:
        return [Reply(request.id, Outcome.DONE, events=(first, last))]

    with FakeEngine(socket_path, answer=answer):
        status, out, _ = hatui("why")
        assert status == 0
        assert "Why did VI_1 change?" in out
        assert "master-no-response" in out
        assert "10.211.55.23   | advert prio 150 -->| this node" in out
        assert "startup" in hatui("why", "VI_1", "--last", "2")[1]
        told = json.loads(hatui("why", "--json")[1])
        assert told["event"]["cause"] == "master-no-response"
        assert told["explanation"]["grade"] == "unknown"
        assert hatui("why", "--last", "3")[0] == 4


def test_why_asks_for_the_last_change_at_or_before_a_time(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path) as engine:
        assert hatui("why", "VI_1", "--at", "2023-11-14 22:13")[0] == 4
        assert hatui("why", "--at", "yesterday")[0] == 2
    asked = [one.command for one in engine.requests if isinstance(one.command, GetEvents)]
    assert [(one.instance, one.kinds) for one in asked] == [("VI_1", ("state-changed",))]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("22:13:20", 0), ("22:13:19", -1), ("22:14", 99 - 86400), ("22:13", 39), ("2023-11-14 22:00:00", -800)],
)
def test_time_of_day_is_the_last_such_time(text: str, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's clock stands at 22:13:20 UTC; a second or minute that is named is meant whole."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert moment_of(text, WALL) == WALL + (seconds + 1) * SECOND - 1
    monkeypatch.undo()
    time.tzset()


# failover, release -----------------------------------------------------------------------------

BACKUP_NOW = instance(state=State.BACKUP, master="10.211.55.23", priority=1, hold_kind="step-down")


def hands_over(request: Request) -> list[Message]:
    done: list[Message] = [Reply(request.id, Outcome.DONE)]
    if isinstance(request.command, Failover):
        finished = HandOverFinished("VI_1", "10.211.55.23", 650_000_000, released=True)
        return [
            EventLine(11, NOW, WALL, finished),
            *done,
            StatusLine(BACKUP_NOW, NOW + SECOND),
        ]
    return done


def test_failover_tells_before_and_after_and_the_measured_time(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, answer=hands_over) as engine:
        status, out, _ = hatui(
            "failover", "VI_1", "--step-down", "--hold", "30m", "--yes", "--reason", "patch", "--wait"
        )
        asked = [one for one in engine.requests if isinstance(one.command, Failover)]
    assert status == 0
    assert asked.pop(0).command == Failover("VI_1", "step-down", 1800, dry_run=True), "its preflight is shown first"
    assert [(one.command, one.reason) for one in asked] == [(Failover("VI_1", "step-down", 1800), "patch")]
    assert "same as: hatui failover VI_1 --step-down --hold 30m" in out
    before, after = (line.split() for line in out.splitlines() if line.startswith(("before", "after")))
    assert before[1:5] == ["MASTER", "100/100", "this", "node"]
    assert after[1:4] == ["backup", "1/100", "10.211.55.23/150"]
    assert out.splitlines()[-1] == "done: moved to 10.211.55.23, in 0.650s"


def test_failover_of_a_backup_takes_over(hatui: Hatui, socket_path: Path) -> None:
    def answer(request: Request) -> list[Message]:
        done: list[Message] = [Reply(request.id, Outcome.DONE, duration=5_000_000)]
        return [*done, StatusLine(instance(priority=254), NOW)] if isinstance(request.command, Failover) else done

    with FakeEngine(socket_path, instance(state=State.BACKUP), engine_status(), answer=answer) as engine:
        status, out, _ = hatui("failover", "VI_1", "--yes", "--wait")
        asked = [one.command for one in engine.requests if isinstance(one.command, Failover)]
    assert (status, [(one.method, one.dry_run) for one in asked]) == (0, [("take-over", True), ("take-over", False)])
    assert out.splitlines()[-1] == "done: moved, in 0.005s"


def test_nothing_is_done_without_a_yes(hatui: Hatui, socket_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with FakeEngine(socket_path, answer=hands_over) as engine:
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        status, _, err = hatui("failover", "VI_1")
        assert status == 5
        assert "add --yes where nobody can be asked" in err
        monkeypatch.setattr(sys, "stdin", Terminal("\n"))
        assert hatui("failover", "VI_1")[0] == 5
        assert all(one.command.dry_run for one in engine.requests if isinstance(one.command, Failover))
        monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
        assert hatui("failover", "VI_1", "--wait")[0] == 0


@pytest.mark.parametrize(
    ("outcome", "code", "expected"),
    [(Outcome.REFUSED, "E-NOT-MASTER", 5), (Outcome.UNDONE, "E-NO-SUCCESSOR", 6)],
)
def test_failover_that_is_refused_or_undone_says_so(
    hatui: Hatui, socket_path: Path, outcome: Outcome, code: str, expected: int
) -> None:
    def answer(request: Request) -> list[Message]:
        if isinstance(request.command, Failover):
            return [Reply(request.id, outcome, code, "no backup took over; the address stays here")]
        return [Reply(request.id, Outcome.DONE)]

    with FakeEngine(socket_path, answer=answer):
        status, _, err = hatui("failover", "VI_1", "--yes")
    assert status == expected
    assert err.splitlines() == [
        f"hatui: {outcome.value}: no backup took over; the address stays here [{code}]",
        f"       `hatui explain {code}`",
    ]


def test_failover_that_is_not_seen_in_time_exits_6(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path):
        status, _, err = hatui("--timeout", "0.3", "failover", "VI_1", "--yes", "--wait")
    assert status == 6
    assert "not verified within 0.3 s: VI_1 is MASTER here" in err


def refusing(request: Request) -> list[Message]:
    """A preflight with a failure; nothing is refused by this engine itself."""
    checks = (Check("fail", "P-PENDING", "revision 7 waits"), Check("pass", "P-TRACKERS", "good"))
    return [Reply(request.id, Outcome.DONE, text="moved", checks=checks)]


def test_a_failed_preflight_refuses_unless_it_is_overridden_with_a_reason(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, answer=refusing) as engine:
        status, out, err = hatui("failover", "VI_1", "--yes")
        assert status == 5
        assert "fail     revision 7 waits [P-PENDING]" in out
        assert "--override REASON" in err
        assert hatui("failover", "VI_1", "--yes", "--override", "anna knows")[0] == 0
        really = [
            one.command for one in engine.requests if isinstance(one.command, Failover) and not one.command.dry_run
        ]
    assert really == [Failover("VI_1", "step-down", override="anna knows")]


def test_dry_run_changes_nothing_and_asks_nothing(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path) as engine:
        status, out, _ = hatui("failover", "VI_1", "--dry-run")
        asked = [one.command for one in engine.requests if isinstance(one.command, Failover)]
    assert status == 0
    assert asked == [Failover("VI_1", "step-down", 0, dry_run=True)]
    assert "undone by itself if nobody answers" in out


def test_priority_of_a_router_that_has_resigned_is_not_told_as_zero(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, instance(peer="10.211.55.23", peer_priority=0), engine_status()):
        out = hatui("failover", "VI_1", "--dry-run")[1]
    assert "master 10.211.55.23 (?)" in out


def test_connection_lost_in_the_middle_says_that_the_result_is_unknown(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path) as engine:

        def answer(request: Request) -> list[Message]:
            if isinstance(request.command, Failover):
                engine.hang_up()
                return []
            return [Reply(request.id, Outcome.DONE)]

        engine.answer = answer
        status, _, err = hatui("failover", "VI_1", "--yes")
    assert status == 3
    assert "whether the command took effect is unknown" in err


def test_release_announce_and_reload_are_asked_by_name(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path) as engine:
        assert hatui("release", "vi_1", "--reason", "over")[0] == 0
        assert hatui("announce")[0] == 0
        assert hatui("announce", "VI_1")[0] == 0
        assert hatui("reload")[0] == 0
        assert hatui("release", "VI_7")[0] == 5
        asked = [(one.command, one.reason) for one in engine.requests]
    assert asked == [(Release("VI_1"), "over"), (AnnounceNow(), ""), (AnnounceNow("VI_1"), ""), (Reload(), "")]


# config ----------------------------------------------------------------------------------------

RUNNING = "vrrp_instance VI_1 {\n    priority 100\n    authentication {\n        auth_pass secret\n    }\n}\n"


def serves_config(request: Request) -> list[Message]:
    files = (ConfigText("/etc/keepalived/keepalived.conf", RUNNING, "digest"),)
    return [Reply(request.id, Outcome.DONE, files=files)]


def test_config_show_masks_secrets_unless_asked(hatui: Hatui, socket_path: Path) -> None:
    with FakeEngine(socket_path, answer=serves_config):
        assert hatui("config", "show")[1] == RUNNING.replace("secret", "<secret>")
        assert hatui("config", "show", "--secrets")[1] == RUNNING
        told = json.loads(hatui("config", "show", "--json")[1])
    assert told["files"][0]["path"] == "/etc/keepalived/keepalived.conf"


def test_config_diff_shows_changed_lines_and_hides_secrets(hatui: Hatui, socket_path: Path, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate.conf"
    candidate.write_text(RUNNING.replace("100", "120").replace("secret", "other"))
    with FakeEngine(socket_path, answer=serves_config):
        status, out, _ = hatui("config", "diff", str(candidate))
        assert status == 1
        assert "-    priority 100" in out
        assert "+    priority 120" in out
        assert "other" not in out
        candidate.write_text(RUNNING)
        assert hatui("config", "diff", str(candidate)) == (0, "", "")


def test_config_apply_tries_first_then_asks_with_the_digest_it_read(
    hatui: Hatui, socket_path: Path, tmp_path: Path
) -> None:
    candidate = tmp_path / "candidate.conf"
    candidate.write_text(RUNNING.replace("100", "120"))
    with FakeEngine(socket_path, answer=serves_config) as engine:
        status, _, _ = hatui("config", "apply", str(candidate), "--yes", "--comment", "more")
        asked = [one.command for one in engine.requests if isinstance(one.command, ApplyConfig)]
    assert status == 0
    text = candidate.read_text()
    assert asked == [ApplyConfig(text, "digest", dry_run=True), ApplyConfig(text, "digest", "more")]


def test_config_apply_that_is_refused_lists_the_problems(hatui: Hatui, socket_path: Path, tmp_path: Path) -> None:
    def answer(request: Request) -> list[Message]:
        if isinstance(request.command, ApplyConfig):
            problems = ("candidate.conf:2:14: error: priority",)
            return [Reply(request.id, Outcome.REFUSED, "E-CONFIG-BROKEN", "1 error", problems=problems)]
        return serves_config(request)

    candidate = tmp_path / "candidate.conf"
    candidate.write_text(RUNNING.replace("100", "1000"))
    with FakeEngine(socket_path, answer=answer):
        status, _, err = hatui("config", "apply", str(candidate), "--yes")
    assert status == 5
    assert "candidate.conf:2:14: error: priority" in err
    assert "refused: 1 error [E-CONFIG-BROKEN]" in err


def test_config_fmt_writes_checks_and_filters(hatui: Hatui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.conf"
    path.write_text("vrrp_instance  VI_1   {\n priority 100 # mine\n}\n")
    path.chmod(0o640)
    assert hatui("config", "fmt", "--check", str(path)) == (1, f"{path}\n", "")
    assert hatui("config", "fmt", str(path))[0] == 0
    assert path.read_text() == "vrrp_instance VI_1 {\n    priority 100  # mine\n}\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert hatui("config", "fmt", "--check", str(path)) == (0, "", "")


# without an engine -----------------------------------------------------------------------------


def test_check_finds_both_mistakes_of_the_sample_and_fixes_them(hatui: Hatui, tmp_path: Path) -> None:
    a, b = (tmp_path / name for name in ("serverA.conf", "serverB.conf"))
    for path in (a, b):
        path.write_text((ROOT / "samples" / path.name).read_text())
    status, out, _ = hatui("check", str(a), "--peer", str(b))
    assert status == 4
    assert "[L-TRACK-REF]" in out
    assert "[L-WEIGHT]" in out
    found = json.loads(hatui("check", str(a), "--peer", str(b), "--format", "json")[1])
    assert {one["code"]: one["line"] for one in found["findings"] if one["severity"] != "info"} == {
        "L-TRACK-REF": 4,
        "L-WEIGHT": 7,
    }
    status, out, err = hatui("check", str(a), "--peer", str(b), "--fix")
    assert "mended" in err
    assert "track_script" in a.read_text()
    assert "L-TRACK-REF" not in out
    assert "L-WEIGHT]" not in out
    assert status in (0, 5)


def test_check_names_the_file_that_cannot_be_read(hatui: Hatui, tmp_path: Path) -> None:
    status, _, err = hatui("check", str(tmp_path / "absent.conf"))
    assert status == 1
    assert err == f"hatui: {tmp_path / 'absent.conf'}: No such file or directory [E-IO]\n"


def test_replay_and_probe_name_what_is_not_there(
    hatui: Hatui, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = hatui("replay", str(tmp_path / "absent"))
    assert (status, err) == (1, f"hatui: {tmp_path / 'absent'}: No such file or directory [E-IO]\n")
    assert probe.main(["10.0.0.300.1"]) == 2
    assert capsys.readouterr().err.startswith("hatui probe: 10.0.0.300.1: ")


def test_check_of_a_broken_file_tells_the_place(hatui: Hatui, tmp_path: Path) -> None:
    path = tmp_path / "broken.conf"
    path.write_text("vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 999\n}\n")
    status, out, _ = hatui("check", str(path))
    assert status in (3, 4)
    assert f"{path}:3:" in out


def test_explain_knows_codes_keywords_and_neighbours(hatui: Hatui) -> None:
    assert hatui("explain", "l-weight")[1].startswith("L-WEIGHT  ")
    status, out, _ = hatui("explain", "advert_int")
    assert status == 0
    assert out.splitlines()[0].startswith("advert_int ")
    meanings = hatui("explain", "delay_before_retry")[1]
    assert [line.split(None, 1)[1] for line in meanings.splitlines() if line.startswith("  Default")] == [
        *("by checker", "of the service", "of the server, else 3", "of the server, else 1"),
        "of the server, else delay_loop",
    ]
    assert "HTTP_GET, SSL_GET" in meanings
    assert hatui("explain", "include")[1].startswith("include PATH")
    status, _, err = hatui("explain", "prioritty")
    assert status == 1
    assert "did you mean priority" in err
    assert len(hatui("explain", "--list")[1].splitlines()) > 50


def test_decode_reads_adverts_and_finds_the_broken_one(hatui: Hatui, tmp_path: Path) -> None:
    from scapy.layers.l2 import ARP, Ether
    from scapy.utils import PcapNgWriter, wrpcap

    from engine.protocol.packet import codec

    source, group = bytes([10, 211, 55, 22]), bytes([224, 0, 0, 18])
    advert = codec.Advert(2, 50, 100, 100, (bytes([10, 211, 55, 50]),), 1, b"1111\0\0\0\0")
    message = codec.encode(advert, source, group)
    header = codec.ipv4_header(source, group, len(message))
    ethernet = bytes.fromhex("01005e00001202000ad337160800")
    arp = Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(
        op=1, psrc="10.211.55.50", pdst="10.211.55.50", hwsrc="02:00:0a:d3:37:16"
    )
    good, broken = ethernet + header + message, ethernet + header + message[:6] + b"\0\0" + message[8:]
    other = ethernet[:12] + b"\x88\xcc" + b"\0" * 46
    path = tmp_path / "some.pcap"
    wrpcap(str(path), [Ether(good), Ether(broken), arp, Ether(other)])
    status, out, err = hatui("decode", str(path))
    assert status == 1
    lines = out.splitlines()
    assert lines[0].endswith("10.211.55.22 > 224.0.0.18  v2 vrid 50 prio 100 adv 1s auth pw  10.211.55.50  ok")
    assert "BAD: checksum 0000, it should be" in lines[1]
    assert lines[2].endswith("ARP gratuitous request: 10.211.55.50 is at 02:00:0a:d3:37:16")
    assert err == "3 packets, 1 malformed, 1 of other protocols\n"
    assert "1111" not in hatui("decode", "--fields", str(path))[1]
    records = [json.loads(line) for line in hatui("decode", "--json", str(path))[1].splitlines()]
    assert [one["kind"] for one in records] == ["advert", "advert", "arp"]
    assert records[0]["addresses"] == ["10.211.55.50"]
    modern = PcapNgWriter(str(tmp_path / "some.pcapng"))
    modern.write(Ether(good))
    modern.close()
    assert hatui("decode", str(tmp_path / "some.pcapng"))[0] == 0
    (tmp_path / "text").write_text("no capture at all, but long enough to be read as the head of one")
    status, _, err = hatui("decode", str(tmp_path / "text"))
    assert status == 1
    assert err.startswith(f"hatui: {tmp_path / 'text'}: ")


# the program -----------------------------------------------------------------------------------


def test_closed_pipe_is_no_traceback() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m hatui.cli explain --list | head -1"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_commands_start_without_textual_and_scapy() -> None:
    code = (
        "import sys; from hatui.cli import main; main(['explain', 'L-WEIGHT']); main(['status']);"
        "sys.stderr.write(str([m for m in ('textual', 'scapy', 'pyroute2') if m in sys.modules]))"
    )
    env = {**os.environ, "HATUI_SOCKET": "/nowhere/engine.sock"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, env=env)
    assert done.stderr.splitlines()[-1] == "[]"


def test_without_a_terminal_the_console_becomes_the_plain_event_stream(hatui: Hatui, socket_path: Path) -> None:
    status, _, err = hatui()
    assert status == 3
    assert err.startswith("hatui: no terminal that can show the console: this is `hatui watch --plain`\n")


def test_version_is_that_of_the_package(hatui: Hatui) -> None:
    from importlib.metadata import version

    assert hatui("--version") == (0, f"hatui {version('hatui')}\n", "")
