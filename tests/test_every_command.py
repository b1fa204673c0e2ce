"""Every command takes the options that all have, speaks JSON of a recorded shape, and ends badly with a sentence."""

from __future__ import annotations

import argparse
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.messages import Failover, Message, Outcome, Reply, Request, State, StatusLine
from hatui import completion
from hatui.cli import main, whole_parser
from tests import every_command
from tests.every_command import leaves, objects, outcomes, runs, shapes
from tests.fake_engine import NOW, FakeEngine, instance

NODES = {" ".join(node.words): node for node in leaves()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    return outcomes(tmp_path_factory.mktemp("every"))


def test_no_command_is_forgotten_here(tmp_path: Path) -> None:
    assert set(runs(tmp_path, 1)) == set(NODES)


def test_every_command_takes_json_host_and_timeout() -> None:
    for words, node in NODES.items():
        names = {name for option in node.options for name in option.names}
        assert {"--json", "--host", "--timeout"} <= names, words


def test_json_of_every_command_begins_with_its_version(found: dict[str, tuple[int, str]]) -> None:
    for name, (status, text) in found.items():
        told = objects(text)
        assert told, name
        assert all(next(iter(one.items())) == ("v", 1) for one in told), name
        assert status == {"doctor": 1, "config diff": 1, "config fmt": 1}.get(name, 0), name


def test_no_key_that_was_promised_is_gone_or_holds_something_else(found: dict[str, tuple[int, str]]) -> None:
    """New keys are for `make docs`; a key that goes, or changes, is for another version."""
    promised = every_command.promised()
    now = shapes(found)
    assert promised.keys() == now.keys()
    for name, keys in promised.items():
        assert keys.items() <= now[name].items(), name


# what goes wrong ---------------------------------------------------------------------------------------

Ended = tuple[int, str, str]
OWN_WAY = {"doctor"}
"""Finds instead of failing: no engine is one of its findings."""


def asks(node: completion.Node) -> bool:
    """Whether a command cannot do without an engine in the runs here."""
    return node.words[0] not in ("probe", "check", "replay", "explain", "completion", "keys", "decode") and (
        node.words != ("config", "fmt")
    )


ASKING = [name for name, node in NODES.items() if asks(node) and name not in OWN_WAY]


@pytest.fixture(scope="module")
def statuses() -> dict[str, set[int]]:
    """The exit statuses that the help of each command names, with those of every program."""
    found = {}
    for name in NODES:
        parser = whole_parser()
        for word in name.split():
            (sub,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
            epilog, parser = parser.epilog or "", sub.choices[word]
        told = (parser.epilog or epilog).partition("exit codes: ")[2].partition("\n\n")[0]
        found[name] = {int(one) for one in re.findall(r"(?:^|,\s+)(\d+)\b", told)}
    return found


@pytest.fixture
def end(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run a command as it is, or with other arguments; it must end with a documented status, and say why."""
    monkeypatch.chdir(tmp_path)
    for name in ("other.conf", "recorded", "some.pcapng"):
        (tmp_path / name).write_bytes(b"")

    def run(name: str, *instead: str, socket: str = "", more: tuple[str, ...] = (), bare: bool = False) -> Ended:
        arguments = list(instead) if instead or bare else runs(tmp_path, 9)[name]
        status = main(["--socket", socket or str(tmp_path / "s"), *name.split(), *arguments, *more])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        assert "\x1b" not in err
        return status, out, err

    return run


@pytest.mark.parametrize("name", ASKING)
def test_no_engine_a_dead_one_and_a_silent_one_are_sentences(
    end: Callable[..., Ended], statuses: dict[str, set[int]], tmp_path: Path, name: str
) -> None:
    dead = tmp_path / "dead"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(dead))
    for path in (tmp_path / "absent", dead, tmp_path):
        status, out, err = end(name, socket=str(path), more=("--json",))
        assert (status, str(path) in err) == (3, True), err
        (told,) = objects(out)
        if name != "metrics":  # says that keepalived is down
            assert (told["v"], told["outcome"], str(path) in told["text"]) == (1, "failed", True)
    with FakeEngine(tmp_path / "s") as engine:
        engine.mute = True
        status, _, err = end(name, more=("--timeout", "0.03"))
    assert (status, "did not answer within 0.03 s" in err) == (3, True), err
    assert 3 in statuses[name]


def turned_down(request: Request) -> list[Message]:
    return [Reply(request.id, Outcome.REFUSED, "E-ROLE", "you may look, not act\x1b[31m")]


def mumbled(request: Request) -> list[Message]:
    moved = StatusLine(instance(state=State.BACKUP, addresses=()), NOW)  # a failover waits for it
    return [Reply(request.id, Outcome.DONE), *([moved] if isinstance(request.command, Failover) else [])]


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("answer", [turned_down, mumbled], ids=lambda answer: answer.__name__)
def test_engine_that_refuses_or_says_little_ends_with_a_documented_status(
    end: Callable[..., Ended],
    statuses: dict[str, set[int]],
    tmp_path: Path,
    name: str,
    answer: Callable[[Request], list[Message]],
) -> None:
    if name in ("watch", "capture"):  # wait for what is told; nothing of it is asked for
        return
    with FakeEngine(tmp_path / "s", answer=answer):
        status, out, err = end(name)
    assert status in statuses[name], (status, out, err)
    assert "\x1b" not in out
    assert status == 0 or err or out


WRONG_FILES = {"absent": "No such file", "directory": "Is a directory", "unreadable": "/output error"}


@pytest.mark.parametrize("what", WRONG_FILES)
@pytest.mark.parametrize(
    "name", ["check", "config diff", "config apply", "config fmt", "decode", "replay", "drill run"]
)
def test_file_that_cannot_be_read_is_named_with_the_reason(
    end: Callable[..., Ended], statuses: dict[str, set[int]], tmp_path: Path, name: str, what: str
) -> None:
    path = tmp_path / f"{what}.toml"
    if what == "directory":
        path.mkdir()
    elif what == "unreadable":
        path.symlink_to("/proc/self/mem")  # for root too
    status, out, err = end(name, str(path), *(["VI_1"] if name == "drill run" else []))
    assert (status in statuses[name] - {0, 3}, out) == (True, ""), status
    assert err.startswith(f"hatui: {path}: ")
    assert WRONG_FILES[what] in err
    assert "[E-IO]" in err


@pytest.mark.parametrize("name", ["check", "decode", "replay", "config fmt"])
def test_file_that_is_something_else_is_no_traceback(
    end: Callable[..., Ended], statuses: dict[str, set[int]], tmp_path: Path, name: str
) -> None:
    for at, octets in enumerate((b"", bytes(range(256)) * 20, b"\x1b[31m{" * 50, b'{"v":1}\n' * 3)):
        path = tmp_path / str(at)
        path.write_bytes(octets)
        status, out, err = end(name, *(["--check"] if name == "config fmt" else []), str(path))
        assert status in statuses[name], (status, err)
        assert name == "config fmt" or "\x1b" not in out


def test_file_without_an_end_is_no_configuration(end: Callable[..., Ended]) -> None:
    status, _, err = end("check", "/dev/zero")
    assert (status, "more than 16 MiB" in err) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        "status --watch 0",
        "status --timeout nan",
        "status --timeout 0",
        "watch --last -1",
        "watch --count x",
        "why --last 0",
        "why --at 25:99",
        "failover VI_1 --hold soon",
        "maintenance on --for 5parsecs",
        "drill report first",
        "drill run hand-over VI_1 --budget much",
        "probe 127.0.0.1 --every 0",
        "probe 127.0.0.1 --every often",
        "probe 127.0.0.1 --for nan",
        "probe 127.0.0.1 --tcp 99999",
        "probe 127.0.0.1 --http http://127.0.0.1:99999/",
        "probe 127.0.0.1 --http ftp://127.0.0.1/",
        "probe 1.2.3.4.5",
        "vrids eth0 --listen -1",
        "doctor --listen inf",
        "capture -c 0",
        "capture -f vrid==",
        "bundle --last soon",
        "bundle --json -o -",
        "completion tcsh",
        "completion",
        "config rollback -1",
        "config history second",
        "config apply some --confirm soon",
        "config apply",
        "config diff --include some",
    ],
)
def test_wrong_value_is_said_before_anything_is_asked(
    end: Callable[..., Ended], statuses: dict[str, set[int]], tmp_path: Path, words: str
) -> None:
    name = next(one for one in sorted(NODES, key=len, reverse=True) if words.startswith(one))
    with FakeEngine(tmp_path / "s") as engine:
        status, out, err = end(name, *words.removeprefix(name).split(), bare=True)
        assert engine.requests == []
    assert status == {"status": 3, "drill report": 5, "drill run": 5}.get(name, 2)
    assert err
    assert '"ok"' not in out
