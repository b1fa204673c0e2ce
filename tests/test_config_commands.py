"""`hatui config apply --confirm`, `confirm`, `rollback` and `history` against an engine that says what it is told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.messages import (
    ApplyConfig,
    Check,
    ConfigText,
    ConfirmConfig,
    GetConfig,
    GetRevisions,
    IncludedText,
    Message,
    Outcome,
    Reply,
    Request,
    RevisionInfo,
    RollbackConfig,
)
from hatui.cli import main
from tests.fake_engine import NOW, SECOND, WALL, FakeEngine, engine_status, instance

OLD, NEW = "priority 100\nauth_pass first\n", "priority 150\nauth_pass second\n"
PATH = "/etc/keepalived/keepalived.conf"


def text(content: str) -> ConfigText:
    return ConfigText(PATH, content, hashlib.sha256(content.encode()).hexdigest())


REVISIONS = (
    RevisionInfo(42, 41, WALL, "operator anna", "more", text(NEW).digest, "f", (PATH,)),
    RevisionInfo(41, 0, WALL - 60 * SECOND, "startup", "", text(OLD).digest, "e", (PATH,)),
)
TEXTS = {42: NEW, 41: OLD}


def answer(request: Request) -> list[Message]:
    match request.command:
        case GetConfig():
            return [Reply(request.id, Outcome.DONE, files=(text(NEW),))]
        case GetRevisions(limit=limit, revision=number):
            files = (text(TEXTS[number]),) if number else ()
            return [Reply(request.id, Outcome.DONE, files=files, revisions=REVISIONS[:limit])]
        case ConfirmConfig(revision=7):
            return [Reply(request.id, Outcome.REFUSED, "E-NOT-PENDING", "revision 7 does not wait")]
    return [Reply(request.id, Outcome.DONE, text="VI_1: priority 150 -> 100")]


Hatui = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


@pytest.fixture
def hatui(capsys: pytest.CaptureFixture[str], path: Path) -> Hatui:
    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(["--socket", str(path), "config", *arguments])
        except SystemExit as ended:
            status = int(ended.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run


def waiting(path: Path) -> FakeEngine:
    own = engine_status(
        confirm_revision=42, confirm_deadline=NOW + 252 * SECOND, confirm_previous=41, confirm_by="operator anna"
    )
    return FakeEngine(path, instance(), own, answer=answer)


def test_apply_with_a_time_says_what_must_follow(hatui: Hatui, path: Path, tmp_path: Path) -> None:
    candidate = tmp_path / "new.conf"
    candidate.write_text(OLD)
    with FakeEngine(path, answer=answer) as engine:
        status, out, _ = hatui("apply", str(candidate), "--yes", "--confirm", "5m", "--comment", "try")
        orders = [one.command for one in engine.requests if isinstance(one.command, ApplyConfig)]
    assert status == 0
    assert orders[-1] == ApplyConfig(OLD, text(NEW).digest, "try", confirm_s=300)
    assert [one.dry_run for one in orders] == [True, False]
    assert "`hatui config confirm` within 5m" in out


def test_time_that_is_none_is_refused_before_anything_is_asked(hatui: Hatui, path: Path) -> None:
    with FakeEngine(path, answer=answer) as engine:
        status, _, err = hatui("apply", "x", "--confirm", "soon")
        assert engine.requests == []
    assert status == 2
    assert "soon" in err


def test_confirm_ends_with_0_and_with_5_when_nothing_waits(hatui: Hatui, path: Path) -> None:
    with waiting(path) as engine:
        assert hatui("confirm", "--comment", "fine")[0] == 0
        assert engine.requests[-1].command == ConfirmConfig(0, "fine")
        status, _, err = hatui("confirm", "7")
    assert status == 5
    assert "E-NOT-PENDING" in err


def test_confirm_without_an_engine_ends_with_3(hatui: Hatui) -> None:
    assert hatui("confirm")[0] == 3


def test_rollback_shows_the_difference_and_names_the_text_that_it_overwrites(hatui: Hatui, path: Path) -> None:
    with FakeEngine(path, answer=answer) as engine:
        status, out, _ = hatui("rollback", "41", "--yes")
        orders = [one.command for one in engine.requests if isinstance(one.command, RollbackConfig)]
    assert status == 0
    assert "-priority 150" in out
    assert "+priority 100" in out
    assert "first" not in out
    assert orders == [
        RollbackConfig(41, text(NEW).digest, dry_run=True),
        RollbackConfig(41, text(NEW).digest),
    ]


def test_a_trial_and_a_difference_tell_the_impact_on_instances_with_its_code(
    hatui: Hatui, path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.conf"
    other.write_text(OLD)
    impact = Check("warn", "P-RELOAD-IMPACT", "restart: VI_1 (up to 3.6 s unserved)")

    def told(request: Request) -> list[Message]:
        if not isinstance(request.command, ApplyConfig):
            return answer(request)
        assert request.command.dry_run
        return [Reply(request.id, Outcome.DONE, text="VI_1 starts anew", checks=(impact,))]

    with FakeEngine(path, answer=told):
        for words in (("diff", str(other)), ("apply", str(other), "--dry-run")):
            assert "warn     restart: VI_1 (up to 3.6 s unserved) [P-RELOAD-IMPACT]" in hatui(*words)[1]
            found = json.loads(hatui(*words, "--json")[1])
            assert [one["code"] for one in found["checks"]] == ["P-RELOAD-IMPACT"]


def test_rollback_without_a_yes_does_nothing(hatui: Hatui, path: Path) -> None:
    with FakeEngine(path, answer=answer) as engine:
        assert hatui("rollback", "41")[0] == 5
        assert hatui("rollback", "41", "--dry-run")[0] == 0
        assert hatui("rollback")[0] == 5
        orders = [one.command for one in engine.requests if isinstance(one.command, RollbackConfig)]
    assert all(one.dry_run for one in orders)
    assert len(orders) == 2


def test_rollback_without_a_number_undoes_the_change_that_waits(hatui: Hatui, path: Path) -> None:
    with waiting(path) as engine:
        assert hatui("rollback", "--yes")[0] == 0
        assert engine.requests[-1].command == RollbackConfig(0)


def test_history_lists_revisions_and_which_one_waits(hatui: Hatui, path: Path) -> None:
    with waiting(path):
        status, out, _ = hatui("history")
        told = json.loads(hatui("history", "--json")[1])
    head, first, second = out.splitlines()
    assert status == 0
    assert head.split() == ["REV", "WHEN", "BY", "FILES", "COMMENT"]
    assert first.startswith("42")
    assert "operator anna" in first
    assert "NOT CONFIRMED, taken back in 4m12s. more" in first
    assert second.startswith("41")
    assert (told["waiting"], [one["number"] for one in told["revisions"]]) == (42, [42, 41])


def test_history_of_one_revision_is_the_difference_it_made_without_secrets(hatui: Hatui, path: Path) -> None:
    with FakeEngine(path, answer=answer):
        status, out, _ = hatui("history", "42")
    assert status == 0
    assert "+priority 150" in out
    assert "-priority 100" in out
    assert "second" not in out


def test_every_part_has_its_json_twin_with_the_same_exit_code(hatui: Hatui, path: Path, tmp_path: Path) -> None:
    same, other = tmp_path / "same.conf", tmp_path / "other.conf"
    same.write_text(NEW)
    other.write_text(OLD)
    cases: list[tuple[tuple[str, ...], int, str]] = [
        (("diff", str(same)), 0, "equal"),
        (("diff", str(other)), 1, "different"),
        (("apply", str(same)), 0, "unchanged"),
        (("apply", str(other)), 5, "refused"),
        (("apply", str(other), "--dry-run"), 0, "dry-run"),
        (("apply", str(other), "--yes", "--confirm", "5m"), 0, "done"),
        (("confirm",), 0, "done"),
        (("confirm", "7"), 5, "refused"),
        (("rollback",), 5, "refused"),
        (("rollback", "41", "--yes"), 0, "done"),
    ]
    for arguments, code, outcome in cases:
        with FakeEngine(path, answer=answer):
            status, out, _ = hatui(*arguments, "--json")
        with FakeEngine(path, answer=answer):
            assert hatui(*arguments)[0] == status, arguments
        found = json.loads(out)
        assert (status, found["outcome"], found["v"]) == (code, outcome, 1), arguments
        assert "second" not in out
        if arguments[0] in ("apply", "rollback") and outcome in ("done", "dry-run"):
            assert found["plan"] == ["VI_1: priority 150 -> 100"]
            assert "-priority 150" in found["difference"]
    with FakeEngine(path, answer=answer):
        found = json.loads(hatui("history", "42", "--json")[1])
    assert "+priority 150" in found["difference"]


def test_formatting_tells_in_json_which_files_it_changed(hatui: Hatui, tmp_path: Path) -> None:
    neat, ugly = tmp_path / "neat.conf", tmp_path / "ugly.conf"
    neat.write_text("a {\n    b\n}\n")
    ugly.write_text("a {\nb\n}\n")
    expected = [{"path": str(neat), "changed": False}, {"path": str(ugly), "changed": True}]
    status, out, _ = hatui("fmt", "--check", "--json", str(neat), str(ugly))
    assert (status, json.loads(out)) == (1, {"v": 1, "written": False, "files": expected})
    status, out, _ = hatui("fmt", "--json", str(neat), str(ugly))
    assert (status, json.loads(out)) == (0, {"v": 1, "written": True, "files": expected})
    assert ugly.read_text() == neat.read_text()


WEB = "/etc/keepalived/conf.d/web.conf"
WEB_TEXT = "vrrp_instance VI_2 {\n}\n"


def answer_with_included(request: Request) -> list[Message]:
    if isinstance(request.command, GetConfig):
        included = ConfigText(WEB, WEB_TEXT, "w"), ConfigText("/etc/other/web.conf", "", "o")
        return [Reply(request.id, Outcome.DONE, files=(text(NEW), *included))]
    return answer(request)


def engine_with_included(path: Path) -> FakeEngine:
    return FakeEngine(path, answer=answer_with_included, capabilities=("config", "includes"))


def test_apply_carries_included_files_with_the_main_one(hatui: Hatui, path: Path, tmp_path: Path) -> None:
    candidate, web = tmp_path / "new.conf", tmp_path / "new-web.conf"
    candidate.write_text(OLD)
    web.write_text("vrrp_instance VI_2 {\n    priority 90\n}\n")
    with engine_with_included(path) as engine:
        status, out, _ = hatui("apply", str(candidate), "--include", f"{WEB}={web}", "--yes")
        orders = [one.command for one in engine.requests if isinstance(one.command, ApplyConfig)]
    included = (IncludedText(WEB, web.read_text(), "w"),)
    assert status == 0
    assert "-priority 150" in out
    assert "+    priority 90" in out
    assert orders == [
        ApplyConfig(OLD, text(NEW).digest, dry_run=True, files=included),
        ApplyConfig(OLD, text(NEW).digest, files=included),
    ]


def test_apply_of_an_included_file_alone_leaves_the_main_one_as_it_is(hatui: Hatui, path: Path, tmp_path: Path) -> None:
    web = tmp_path / "new-web.conf"
    web.write_text("# nothing\n")
    with engine_with_included(path) as engine:
        assert hatui("diff", "--include", f"conf.d/web.conf={web}")[0] == 1
        assert hatui("apply", "--include", f"conf.d/web.conf={web}", "--yes")[0] == 0
        last = engine.requests[-1].command
        web.write_text(WEB_TEXT)
        assert hatui("diff", "--include", f"conf.d/web.conf={web}")[0] == 0
        assert hatui("apply", "--include", f"conf.d/web.conf={web}", "--yes")[0] == 0
        assert last == ApplyConfig(NEW, text(NEW).digest, files=(IncludedText(WEB, "# nothing\n", "w"),))
        assert not isinstance(engine.requests[-1].command, ApplyConfig)


def test_included_file_must_be_one_that_runs_and_have_one_candidate(hatui: Hatui, path: Path, tmp_path: Path) -> None:
    web = tmp_path / "w"
    web.write_text("# new\n")
    with engine_with_included(path):
        for wrong, words in (
            ("web.conf", "2 of the files that the engine runs on"),
            ("absent.conf", f"none of the files that the engine runs on: {PATH}, {WEB}"),
            (PATH, "has two candidates"),
        ):
            status, _, err = hatui("apply", str(web), "--include", f"{wrong}={web}", "--yes")
            assert (status, words in err, "[E-NOTHING]" in err) == (2, True, True), err
        assert hatui("apply", "--yes")[0] == 2
        assert hatui("apply", "--include", "web.conf", "--yes")[0] == 2
    with FakeEngine(path, answer=answer_with_included) as older:
        status, _, err = hatui("apply", "--include", f"{WEB}={web}", "--yes")
        assert not any(isinstance(one.command, ApplyConfig) for one in older.requests)
    assert (status, "[E-PROTOCOL]" in err) == (2, True)
