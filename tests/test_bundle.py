"""Bundles carry what happened and no secret; replay reads them, recordings, and the engine's journal."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import msgspec
import pytest

from engine.errors import HatuiError
from engine.messages import (
    Cause,
    CommandLogged,
    ConfigText,
    Diagnose,
    Event,
    EventLine,
    FindingStatus,
    GetConfig,
    GetEvents,
    GetJournal,
    Hello,
    LogLine,
    Message,
    Outcome,
    Reply,
    Request,
    ScriptRan,
    Snapshot,
    State,
    StateChanged,
    TrackerStatus,
)
from hatui.bundling import cleaned, packed
from hatui.cli import main
from hatui.commands.replay import read
from hatui.link import load
from tests.fake_engine import NOW, SECOND, WALL, FakeEngine, engine_status, instance

PASSWORD, KEY = "hunter2x", "0x" + "ab" * 32
CONFIG = f"""\
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 50
    authentication {{
        auth_type PASS
        auth_pass {PASSWORD}
    }}
    auth_hmac {{
        key 1 {KEY}
        active_key 1
    }}
    virtual_ipaddress {{
        10.211.55.50
    }}
}}
"""
EVENTS: tuple[Event, ...] = (
    StateChanged("VI_1", State.BACKUP, State.MASTER, Cause.MASTER_NO_RESPONSE, f"said {PASSWORD}", 100),
    CommandLogged("anna", "pid 7", "failover VI_1", f"the password is {PASSWORD}", Outcome.DONE),
    ScriptRan("VI_1", ("/bin/notify", KEY), 0, 1, "printed-by-a-script"),
    LogLine("info", f'key "{KEY}" in quotes'),
)
ROWS = tuple(
    EventLine(11 + at, NOW - (9 - at) * SECOND, WALL - (9 - at) * SECOND, event) for at, event in enumerate(EVENTS)
)
TRACKER = TrackerStatus("script", "chk", good=True, output="printed-by-a-script")
SHOT = Snapshot((instance(), TRACKER, engine_status()), 10, NOW - 10 * SECOND, WALL - 10 * SECOND)


def answer(request: Request) -> list[Message]:
    match request.command:
        case GetConfig():
            text = ConfigText("/etc/keepalived/keepalived.conf", CONFIG, "d")
            return [Reply(request.id, Outcome.DONE, files=(text,))]
        case GetEvents():
            return [Reply(request.id, Outcome.DONE, events=ROWS)]
        case GetJournal():
            return [Reply(request.id, Outcome.DONE, snapshots=(SHOT,))]
        case Diagnose():
            finding = FindingStatus("D-X", "D-AUTH", "error", "VI_1", f"not {PASSWORD}")
            return [Reply(request.id, Outcome.DONE, findings=(finding,))]
    return [Reply(request.id, Outcome.DONE)]


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as bundle:
        return {
            one.name.partition("/")[2]: found.read() for one in bundle if (found := bundle.extractfile(one)) is not None
        }


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "b.tar.gz"
    with FakeEngine(tmp_path / "s", instance(), TRACKER, engine_status(), answer=answer):
        assert main(["--socket", str(tmp_path / "s"), "bundle", "--last", "1h", "-o", str(path)]) == 0
    return path


def test_no_secret_stands_anywhere_in_a_bundle(bundle: Path) -> None:
    files = members(bundle)
    assert set(files) == {
        "manifest.json",
        "statuses.json",
        "findings.json",
        "events.jsonl",
        "journal.jsonl",
        "why.txt",
        "config/0-keepalived.conf",
    }
    for name, octets in files.items():
        for secret in (PASSWORD, KEY, "printed-by-a-script"):
            assert secret.encode() not in octets, f"{secret} in {name}"
    assert b"auth_pass <secret " in files["config/0-keepalived.conf"]
    assert b"(left out)" in files["events.jsonl"]
    assert bundle.stat().st_mode & 0o077 == 0


def test_bundle_says_what_happened(bundle: Path) -> None:
    files = members(bundle)
    assert json.loads(files["manifest.json"])["events"] == len(EVENTS)
    assert [json.loads(line)["seq"] for line in files["events.jsonl"].splitlines()] == [11, 12, 13, 14]
    assert b"Why did VI_1 change?" in files["why.txt"]
    assert json.loads(files["findings.json"])[0]["code"] == "D-AUTH"


def test_bundle_can_be_replayed(bundle: Path) -> None:
    lines = read(bundle)
    assert isinstance(lines[0], Hello)
    assert sum(isinstance(line, EventLine) for line in lines) == len(EVENTS)
    assert sum(isinstance(line, Snapshot) for line in lines) == 1


def test_viewer_gets_a_bundle_without_configuration(tmp_path: Path) -> None:
    def refusing(request: Request) -> list[Message]:
        if isinstance(request.command, GetConfig):
            return [Reply(request.id, Outcome.REFUSED, "E-ROLE", "Your role is viewer: it may look, not act.")]
        return answer(request)

    path = tmp_path / "b.tar.gz"
    with FakeEngine(tmp_path / "s", answer=refusing):
        assert main(["--socket", str(tmp_path / "s"), "bundle", "-o", str(path)]) == 0
    files = members(path)
    assert not [name for name in files if name.startswith("config/")]
    assert "viewer" in json.loads(files["manifest.json"])["configuration"]


def test_secret_is_struck_out_as_json_writes_it() -> None:
    config = "vrrp_instance V {\n authentication {\n auth_type PASS\n auth_pass ab\\c1\n }\n}\n"
    text = msgspec.json.encode({"said": "the ab\\c1"}).decode()
    assert "ab" not in cleaned({"x": text}, [config])["x"]


def test_short_password_strikes_out_nothing_else() -> None:
    config = "vrrp_instance V {\n authentication {\n auth_type PASS\n auth_pass e\n }\n}\n"
    assert cleaned({"x": "event"}, [config]) == {"x": "event"}


def test_journal_of_the_engine_is_saved_as_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.jsonl"
    with FakeEngine(tmp_path / "s", answer=answer) as engine:
        assert main(["--socket", str(tmp_path / "s"), "replay", "--from", "22:00", "--save", str(path)]) == 0
        engine.answer = lambda request: [Reply(request.id, Outcome.DONE)]
        assert main(["--socket", str(tmp_path / "s"), "replay", "--save", str(path)]) == 4
    assert sum(isinstance(line, EventLine) for line in load(path)) == len(EVENTS)
    assert main(["replay", str(path)]) == 1
    assert "needs a terminal" in capsys.readouterr().err


@pytest.mark.parametrize(
    "octets", [b"no recording", packed("x", {"other": "file"}), b""], ids=["text", "another archive", "empty"]
)
def test_what_is_no_recording_is_said(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(octets)
    if octets:
        with pytest.raises(HatuiError):
            read(path)
    else:
        assert main(["replay", str(path)]) == 4
