"""hatui-engine's command line without starting anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine import cli
from engine.config.model import Authentication, AuthHmac, Config, HmacKey, Instance
from tests.core.test_reloading import text


def options(*words: str) -> cli.Options:
    return cli.options_of(cli.parser().parse_args(words))


def test_defaults_are_those_of_the_documentation() -> None:
    made = options()
    assert made.config_file == "/etc/keepalived/keepalived.conf"
    assert made.socket_path == Path("/run/hatui/engine.sock")
    assert made.pid_file == Path("/run/hatui/engine.pid")
    assert made.state_dir == Path("/var/lib/hatui")
    assert not made.foreground
    assert made.release_addresses


def test_keepalived_flags_short_and_long() -> None:
    short = options("-n", "-l", "-D", "-f", "/x", "-i", "id", "-V", "-P", "-p", "/run/p")
    long = options(
        "--dont-fork",
        "--log-console",
        "--log-detail",
        "--use-file=/x",
        "--config-id=id",
        "--dont-release-vrrp",
        "--vrrp",
        "--pid=/run/p",
    )
    assert short == long
    assert (short.run_vrrp, short.config_id, short.release_addresses) == (True, "id", False)
    assert not options("-C").run_vrrp
    assert options("-C", "-P").run_vrrp


def test_pid_file_lies_beside_another_socket(tmp_path: Path) -> None:
    assert options("--socket", str(tmp_path / "a.sock")).pid_file == tmp_path / "a.pid"
    assert options("--state-dir", "none").state_dir is None


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-v"]) == 0
    assert capsys.readouterr().out.startswith("hatui-engine ")


def test_observing_is_an_option_of_the_engine() -> None:
    assert cli.options_of(cli.parser().parse_args(["--observe"])).observe
    assert not cli.options_of(cli.parser().parse_args([])).observe


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (text(), 0),
        (text().replace("priority", "priorty"), 5),
        (text().replace("virtual_router_id 50", ""), 5),
        (text().replace("priority 100", "priority"), 2),
        (None, 4),
    ],
)
def test_config_test_says_where_and_returns_as_keepalived(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, code: int
) -> None:
    path = tmp_path / "k.conf"
    if content is not None:
        path.write_text(content)
    assert cli.main(["-t", "-f", str(path)]) == code
    said = capsys.readouterr().err
    assert (f"{path}:" in said) if code else ("no findings" in said)
    assert cli.main(["-f", str(path), "-t", str(tmp_path / "log")]) == code
    assert (tmp_path / "log").read_text() == said


def test_broken_configuration_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    path.write_text("vrrp_instance X {\n")
    assert cli.main(["-n", "-f", str(path), "--socket", str(tmp_path / "s"), "--state-dir", str(tmp_path / "st")]) == 2
    assert "nothing was started" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["k.conf"]


def test_dump_shows_no_secret() -> None:
    one = Instance(
        name="VI_1",
        interface="eth0",
        vrid=50,
        authentication=Authentication(kind="pass", key=b"secret99"),
        auth_hmac=AuthHmac(keys=(HmacKey(key_id=1, key=b"k" * 32),)),
    )
    dumped = cli.dump_of(Config(instances=(one,)))
    assert '"name":"VI_1"' in dumped
    assert dumped.count("<secret>") == 2
    assert "c2VjcmV0OTk=" not in dumped
    assert "a2tr" not in dumped
