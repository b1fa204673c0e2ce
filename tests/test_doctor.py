"""`hatui doctor`: each check on a staged host, and the command as people and programs see it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.codes import known
from engine.messages import AddressStatus, Diagnose, FindingStatus, Message, Outcome, Reply, Request
from hatui import checkup
from hatui.checkup import Host
from hatui.cli import main
from tests.fake_engine import FakeEngine, engine_status, instance


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with both groups, an engine with all rights in a network namespace, and no keepalived."""
    put(tmp_path, "etc/group", "root:x:0:\nhatui:x:990:anna\nhatui-admin:x:991:\n")
    process(tmp_path, 101, "hatui-engine", "net:[1]", "000001ffffffffff")
    return Host(tmp_path)


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def process(root: Path, pid: int, name: str, net: str, capabilities: str = "0") -> None:
    put(root, f"proc/{pid}/comm", name + "\n")
    put(root, f"proc/{pid}/status", f"Name:\t{name}\nCapEff:\t{capabilities}\n")
    (root / f"proc/{pid}/ns").mkdir()
    os.symlink(net, root / f"proc/{pid}/ns/net")


def results(checks: object) -> dict[str, str]:
    return {check.name: check.result for check in checks}  # type: ignore[attr-defined]


def test_fit_host_passes(host: Host) -> None:
    assert results(checkup.groups(host, "anna")) == {"groups": "pass"}
    assert results(checkup.engine(host, engine_status(), "0.1.0")) == {
        "version": "pass",
        "alone": "pass",
        "rights": "pass",
    }
    assert results(checkup.settings(host, {"VI_1": instance()})) == {"kernel": "pass"}
    assert results(checkup.programs((3, 12, 0)))["python"] == "pass"


def test_missing_group_is_made_by_the_command_that_is_shown(host: Host) -> None:
    put(host.root, "etc/group", "root:x:0:\nhatui:x:990:\n")
    (check,) = checkup.groups(host, "anna")
    assert (check.result, check.fix) == ("warn", "sudo groupadd --system hatui-admin")


@pytest.mark.parametrize(
    ("capabilities", "result", "word"),
    [
        ("0000000000000000", "fail", "NET_ADMIN"),
        (f"{1 << 12:x}", "fail", "NET_RAW"),
        (f"{1 << 12 | 1 << 13:x}", "warn", "SYS_NICE"),
    ],
)
def test_missing_right_is_named_with_what_is_lost(host: Host, capabilities: str, result: str, word: str) -> None:
    put(host.root, "proc/101/status", f"CapEff:\t{capabilities}\n")
    check = checkup.rights(host, engine_status())
    assert check.result == result
    assert word in check.text
    assert check.fix


def test_right_that_cannot_be_seen_is_unknown_not_a_pass(tmp_path: Path) -> None:
    assert checkup.rights(Host(tmp_path), engine_status()).result == "unknown"
    assert results(checkup.engine(Host(tmp_path), engine_status(), "0.1.0"))["alone"] == "unknown"


def test_keepalived_counts_only_in_the_same_network(host: Host) -> None:
    process(host.root, 300, "keepalived", "net:[2]")
    assert results(checkup.engine(host, engine_status(), "0.1.0"))["alone"] == "pass"
    process(host.root, 301, "keepalived", "net:[1]")
    found = {check.name: check for check in checkup.engine(host, engine_status(), "0.1.0")}
    assert (found["alone"].result, found["alone"].code) == ("fail", "D-TWO-ENGINES")
    assert "301" in found["alone"].text
    assert results(checkup.engine(host, engine_status(observe=True), "0.1.0"))["alone"] == "pass"


def test_other_version_and_old_python_are_said(host: Host) -> None:
    assert results(checkup.engine(host, engine_status(version="0.0.9"), "0.1.0"))["version"] == "warn"
    assert results(checkup.programs((3, 10, 4)))["python"] == "fail"


def test_kernel_settings_in_the_way_are_named_with_the_sysctl(host: Host) -> None:
    two = (AddressStatus("10.0.0.1", 24, "eth0", present=True), AddressStatus("10.0.0.2", 24, "eth0", present=True))
    put(host.root, "proc/sys/net/ipv4/conf/eth0/promote_secondaries", "0\n")
    put(host.root, "proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1\n")
    put(host.root, "proc/sys/net/ipv4/conf/vrrp.50/rp_filter", "1\n")
    found = list(
        checkup.settings(
            host,
            {"A": instance("A", addresses=two), "B": instance("B", family=6), "C": instance("C", vmac="vrrp.50")},
        )
    )
    assert [check.result for check in found] == ["warn", "fail", "warn"]
    assert [check.fix.split()[-1] for check in found] == [
        "net.ipv4.conf.eth0.promote_secondaries=1",
        "net.ipv6.conf.eth0.disable_ipv6=0",
        "net.ipv4.conf.vrrp.50.rp_filter=0",
    ]


def test_terminal_and_room() -> None:
    assert checkup.terminal({"TERM": "xterm"}, 80, 24, interactive=True).result == "pass"
    assert checkup.terminal({"TERM": "xterm"}, 79, 24, interactive=True).result == "warn"
    assert checkup.terminal({"TERM": "dumb"}, 80, 24, interactive=True).result == "warn"
    assert checkup.terminal({}, 80, 24, interactive=False).result == "unknown"
    assert checkup.room(Path("/nowhere/at/all")).result == "unknown"


def test_history_that_is_off_is_said_with_the_directory_of_the_engine() -> None:
    off = checkup.history(engine_status(history_problem="history is off: No space left", state_directory="/srv/state"))
    assert (off.result, off.code, off.fix) == ("fail", "E-HISTORY-OFF", "df -h /srv/state")
    assert "No space left" in off.text
    assert checkup.history(engine_status(state_directory="none")).result == "warn"
    good = checkup.history(engine_status(state_directory="/srv/state"))
    assert (good.result, good.text[-10:]) == ("pass", "/srv/state")


def test_command_looks_where_the_engine_keeps_its_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: Request) -> list[Message]:
        return [Reply(request.id, Outcome.DONE)]

    for told, room in ((str(tmp_path), f" MiB are free in {tmp_path}"), ("none", "")):
        with FakeEngine(tmp_path / "s", engine_status(state_directory=told), answer=answer):
            main(["--socket", str(tmp_path / "s"), "doctor", "--json"])
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert [one["text"].lstrip("0123456789") for one in checks if one["name"] == "room"] == ([room] if room else [])


def test_every_code_is_one_that_explain_knows(host: Host) -> None:
    process(host.root, 301, "keepalived", "net:[1]")
    checks = [*checkup.engine(host, engine_status(), "x"), *checkup.engine(host, None, "x")]
    checks += checkup.groups(Host(host.root / "etc"), "x")
    checks += [checkup.history(engine_status(history_problem="full")), checkup.history(engine_status())]
    assert all(known(check.code) for check in checks if check.code)


def test_command_says_what_the_engine_found_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finding = FindingStatus("D-AUTH VI_1", "D-AUTH", "error", "VI_1", "10.0.0.9 uses another password", fix="agree")

    def answer(request: Request) -> list[Message]:
        assert isinstance(request.command, Diagnose)
        return [Reply(request.id, Outcome.DONE, findings=(finding,))]

    with FakeEngine(tmp_path / "s", instance(), engine_status(), answer=answer):
        assert main(["--socket", str(tmp_path / "s"), "doctor", "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert main(["--socket", str(tmp_path / "s"), "doctor", "--quiet"]) == 1
        text = capsys.readouterr().out
    found = {check["name"]: check for check in told["checks"]}
    assert told["v"] == 1
    assert found["engine"]["result"] == "pass"
    assert (found["found"]["result"], found["found"]["code"], found["found"]["fix"]) == ("fail", "D-AUTH", "agree")
    assert "10.0.0.9 uses another password [D-AUTH]" in text
    assert "pass " not in text


def test_command_without_an_engine_says_how_to_start_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--socket", str(tmp_path / "none"), "doctor"]) == 1
    text = capsys.readouterr().out
    assert "[E-NO-ENGINE]" in text
    assert "sudo systemctl start hatui-engine" in text
