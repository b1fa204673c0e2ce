"""hatui-engine as a whole on a host of its own: start, reload, stop, and every way to die."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from engine.core import dumps
from hatui.lab import Host, Lab, LabError, start_engine, start_keepalived, wait_for
from hatui.lab.servers import own_command
from tests.net.engine_talk import (
    Talk,
    config,
    events,
    gone,
    has_address,
    host_of,
    master,
    pid_of,
    status,
)

RESPAWN_S = 0.3
"""Bound of the design for a vrrp process that is back."""


@pytest.fixture
def host(lab: Lab) -> Host:
    return host_of(lab)


def test_engine_starts_becomes_master_and_says_so_on_its_socket(host: Host) -> None:
    engine = master(host, config())
    with Talk(engine) as talk:
        assert talk.hello["type"] == "hello"
        assert talk.hello["role"] == "operator"
        (instance,) = talk.statuses("instance-status")
        assert (instance["state"], instance["priority"], instance["master"]) == ("MASTER", 100, "10.211.55.22")
        assert [one["present"] for one in instance["addresses"]] == [True]
        (own,) = talk.statuses("engine-status")
        assert own["router_id"] == "lab"
        assert 0 not in (own["pid"], own["vrrp_pid"], own["check_pid"])
        beat = talk.until(lambda one: one["type"] == "heartbeat")
        assert abs(beat["mono_ns"] - beat["vrrp_heard"]) < 1_500_000_000


def test_sigterm_without_a_peer_removes_the_address_and_leaves_nothing_behind(host: Host, tmp_path: Path) -> None:
    script = host.root / "notify.sh"
    script.write_text(f'#!/bin/sh\necho "$@" >> {host.root}/notified\n')
    script.chmod(0o755)
    engine = master(host, config(more=f'    notify "{script}" root'))
    began = time.monotonic()
    assert engine.program.stop() == 0
    assert time.monotonic() - began < 4
    assert not has_address(host)
    assert not engine.socket_outside.exists()
    assert not engine.socket_outside.with_suffix(".pid").exists()
    assert (host.root / "notified").read_text().splitlines() == [
        "INSTANCE VI_1 BACKUP 100",
        "INSTANCE VI_1 MASTER 100",
        "INSTANCE VI_1 STOP 100",
    ]


def test_history_survives_a_restart_and_numbers_go_on(host: Host) -> None:
    first = master(host, config())
    with Talk(first) as talk:
        last = talk.ask("get-events", limit=1)["events"][0]["seq"]
    first.program.stop()
    second = start_engine(host, config())
    with Talk(second) as talk:
        lines = talk.ask("get-events", limit=1000)["events"]
    assert lines[0]["seq"] == 1
    assert [one["seq"] for one in lines] == sorted({one["seq"] for one in lines})
    assert lines[-1]["seq"] > last
    assert [one["event"]["type"] for one in lines].count("engine-started") == 2


def test_sighup_takes_the_new_priority_over_and_the_address_never_leaves(host: Host) -> None:
    engine = master(host, config())
    since = status(engine)["since"]
    monitor = host.start(["ip", "monitor", "address"], log="monitor.log")
    Path(host.root / "engine.conf").write_text(config(150))
    engine.program.send_signal(signal.SIGHUP)
    wait_for(lambda: status(engine)["priority"] == 150, 5, "the new priority")
    assert status(engine)["since"] == since
    monitor.stop()
    assert monitor.output == ""
    (loaded,) = events(engine, "config-loaded")[-1:]
    assert any("priority 100 -> 150" in line for line in loaded["changes"])


def test_changed_file_is_noticed_written_or_renamed_and_a_broken_one_is_refused(host: Host) -> None:
    engine = master(host, config())
    path = host.root / "engine.conf"
    path.write_text(config(110))
    wait_for(lambda: status(engine)["priority"] == 110, 5, "a written file")
    other = host.root / "engine.conf.tmp"
    other.write_text(config(120))
    path.rename(host.root / "engine.conf~")
    other.rename(path)
    wait_for(lambda: status(engine)["priority"] == 120, 5, "a renamed file")
    path.write_text(config(130).replace("priority", "priorty"))
    wait_for(lambda: status(engine, "engine-status")["config_problem"], 5, "a refusal")
    assert "priorty" in status(engine, "engine-status")["config_problem"]
    assert f"{path}:9:5" in events(engine, "config-refused")[-1]["problems"][0]
    assert status(engine)["priority"] == 120
    assert has_address(host)
    path.write_text(config(140))
    wait_for(lambda: status(engine)["priority"] == 140, 5, "a mended file")
    assert status(engine, "engine-status")["config_problem"] == ""


def test_killed_vrrp_process_is_back_at_once_and_the_address_never_left(host: Host) -> None:
    engine = master(host, config())
    since = status(engine)["since"]
    monitor = host.start(["ip", "monitor", "address"], log="monitor.log")
    for _ in range(2):
        old = pid_of(engine, "hatui-vrrp")
        os.kill(old, signal.SIGKILL)
        began = time.monotonic()
        pid_of(engine, "hatui-vrrp", other_than=old)
        assert time.monotonic() - began < RESPAWN_S
        wait_for(lambda: status(engine)["state"] == "MASTER", 5, "MASTER again")
    assert status(engine)["since"] == since
    monitor.stop()
    assert "Deleted" not in monitor.output
    died = events(engine, "process-died")
    assert [(one["process"], one["reason"], one["respawned"]) for one in died] == [
        ("vrrp", "killed by SIGKILL", True),
    ] * 2


def test_vrrp_process_that_dies_while_removed_instances_hand_over_leaves_nothing_of_them(host: Host) -> None:
    """The next process takes the hand-over up again; what stays in the configuration stays on the host."""

    def block(name: str, vrid: int, more: str = "") -> str:
        text = config(255, more).replace("state BACKUP", "").replace("advert_int 0.1", "advert_int 1")
        text = text.replace("VI_1", name).replace("_id 50", f"_id {vrid}").replace("55.50", f"55.{vrid}")
        return text[text.index("vrrp_instance") :]

    def links() -> str:
        return host.run(["ip", "-o", "link"]).stdout

    stays, plain, virtual = block("VI_2", 60), block("VI_1", 50), block("VI_3", 70, "    use_vmac")
    engine = start_engine(host, stays + plain + virtual)
    wait_for(lambda: has_address(host) and has_address(host, "10.211.55.60"), 5, "the addresses")
    wait_for(lambda: has_address(host, "10.211.55.70") and "vrrp.70" in links(), 5, "the virtual MAC")
    (host.root / "engine.conf").write_text(stays)
    engine.program.send_signal(signal.SIGHUP)
    wait_for(lambda: len(events(engine, "hand-over-started")) == 2, 5, "both hand-overs")
    os.kill(old := pid_of(engine, "hatui-vrrp"), signal.SIGKILL)
    assert has_address(host, "10.211.55.50")
    assert has_address(host, "10.211.55.70")
    pid_of(engine, "hatui-vrrp", other_than=old)
    wait_for(lambda: not has_address(host, "10.211.55.50") and "vrrp.70" not in links(), 5, "nothing of them")
    assert has_address(host, "10.211.55.60")
    with Talk(engine) as talk:
        assert [one["name"] for one in talk.statuses("instance-status")] == ["VI_2"]


@pytest.mark.alone
def test_killed_vrrp_process_of_a_master_costs_no_failover_and_no_ping(lab: Lab) -> None:
    """The backup never stirs, so adverts resumed before its master-down; the client lost nothing at all."""
    a, b, client = host_of(lab), host_of(lab, "b", 23), host_of(lab, "client", 24)
    engine = master(a, config(100))
    other = start_engine(b, config(90))
    wait_for(lambda: status(other)["master"] == "10.211.55.22", 5, "b hears a")
    pinger = lab.pinger(client, "10.211.55.50")
    pinger.wait_for_owner("a")
    since = time.monotonic_ns()
    for _ in range(3):
        old = pid_of(engine, "hatui-vrrp")
        os.kill(old, signal.SIGKILL)
        pid_of(engine, "hatui-vrrp", other_than=old)
        time.sleep(0.6)
    report = pinger.report(since)
    pinger.stop()
    assert report.sent > 500
    assert (report.lost, report.owner) == (0, "a")
    assert [event["new"] for event in events(other, "state-changed")] == ["BACKUP"]
    assert lab.owners("10.211.55.50") == ["a"]


def test_killed_check_process_and_killed_fork_server_are_replaced(host: Host) -> None:
    engine = master(host, config())
    check = pid_of(engine, "hatui-check")
    os.kill(check, signal.SIGKILL)
    pid_of(engine, "hatui-check", other_than=check)
    old = pid_of(engine, "hatui-fork")
    os.kill(old, signal.SIGKILL)
    pid_of(engine, "hatui-fork", other_than=old)
    vrrp = pid_of(engine, "hatui-vrrp")
    os.kill(vrrp, signal.SIGKILL)
    pid_of(engine, "hatui-vrrp", other_than=vrrp)
    wait_for(lambda: status(engine)["state"] == "MASTER", 5, "MASTER again")
    assert has_address(host)
    began = time.monotonic()
    assert engine.program.stop() == 0
    assert time.monotonic() - began < 4, "nobody waits for what the dead fork server would have said"
    assert not has_address(host)


@pytest.mark.alone
def test_killed_core_hands_over_to_the_peer_and_a_new_engine_takes_its_place(lab: Lab) -> None:
    """The client loses no ping, and no address stays behind."""
    a, b, client = host_of(lab), host_of(lab, "b", 23), host_of(lab, "client", 24)
    engine = master(a, config(100))
    other = start_engine(b, config(90))
    wait_for(lambda: status(other)["master"] == "10.211.55.22", 5, "b hears a")
    pinger = lab.pinger(client, "10.211.55.50")
    pinger.wait_for_owner("a")
    since = time.monotonic_ns()
    left = [pid_of(engine, name) for name in ("hatui-vrrp", "hatui-check", "hatui-fork")]
    engine.program.kill()
    wait_for(lambda: has_address(b) and not has_address(a), 3, "the hand-over")
    assert events(other, "state-changed")[-1]["cause"] == "master-resigned"
    for pid in left:
        gone(pid)
    pinger.wait_for_owner("b")
    report = pinger.report(since)
    pinger.stop()
    assert (report.lost, report.owner) == (0, "b")
    again = start_engine(a, config(100))
    wait_for(lambda: status(again)["state"] == "MASTER", 5, "the new engine preempts")


def test_killed_core_without_a_peer_leaves_no_address_behind(host: Host) -> None:
    engine = master(host, config())
    vrrp = pid_of(engine, "hatui-vrrp")
    engine.program.kill()
    gone(vrrp)
    assert not has_address(host)


def test_address_left_behind_by_killed_processes_is_removed_by_release(host: Host) -> None:
    engine = master(host, config())
    release = [*own_command("hatui-engine", "engine.cli"), "--release", "-f", str(host.root / "engine.conf")]
    running = host.run([*release, "--socket", engine.socket], check=False)
    assert running.returncode == 1
    assert "E-RUNNING" in running.stderr
    assert has_address(host)
    vrrp, forks = pid_of(engine, "hatui-vrrp"), pid_of(engine, "hatui-fork")
    os.kill(vrrp, signal.SIGSTOP)  # it shall not clean up when core goes
    engine.program.kill()
    os.kill(vrrp, signal.SIGKILL)
    gone(forks)
    assert has_address(host)
    done = host.run([*release, "--socket", engine.socket])
    assert "VI_1: 10.211.55.50/32 removed from eth0" in done.stdout
    assert not has_address(host)


def test_missing_interface_is_fault_with_a_sentence_until_it_comes(host: Host) -> None:
    engine = start_engine(host, config().replace("eth0", "eth7"))
    wait_for(lambda: status(engine)["state"] == "FAULT", 5, "FAULT")
    assert "eth7" in status(engine)["faults"][0]
    host.run(["ip", "link", "add", "eth7", "type", "veth", "peer", "name", "eth8"])
    host.run(["ip", "address", "add", "10.211.55.77/24", "dev", "eth7"])
    for name in ("eth7", "eth8"):
        host.run(["ip", "link", "set", name, "up"])
    wait_for(lambda: status(engine)["state"] == "MASTER", 5, "MASTER")


def test_broken_configuration_starts_nothing_and_says_where(host: Host) -> None:
    with pytest.raises(LabError) as refused:
        start_engine(host, config().replace("virtual_router_id 50", ""))
    assert "engine.conf:4:1" in str(refused.value)
    assert "virtual_router_id is missing" in str(refused.value)
    assert not (host.root / "state" / "history.sqlite").exists()


def test_nobody_without_privileges_gets_a_sentence_and_status_4(host: Host) -> None:
    command = [*own_command("hatui-engine", "engine.cli"), "-n", "-f", str(host.root / "c.conf")]
    (host.root / "c.conf").write_text(config())
    for part in (host.root, host.root.parent):
        part.chmod(0o755)
    done = host.run(["setpriv", "--reuid", "65534", "--clear-groups", *command], check=False)
    assert done.returncode == 4
    assert "run it as root" in done.stderr
    assert "Traceback" not in done.stderr


def test_second_engine_is_refused_by_pid_file_socket_and_raw_socket(host: Host) -> None:
    engine = master(host, config())
    pid = engine.socket_outside.with_suffix(".pid").read_text().strip()
    command = [
        *own_command("hatui-engine", "engine.cli"),
        "-n",
        "-f",
        str(host.root / "engine.conf"),
        "--state-dir",
        "none",
    ]
    for more, sentence in (
        (["--socket", engine.socket], f"hatui-engine (pid {pid}) runs already"),
        (["--socket", "/run/hatui/other.sock"], "already speaks VRRP"),
        (["--socket", engine.socket, "-p", "/run/hatui/other.pid", "-C"], "listens on"),
    ):
        done = host.run([*command, *more], check=False)
        assert done.returncode == 1, more
        assert sentence in done.stderr
        assert "E-RUNNING" in done.stderr
    assert status(engine)["state"] == "MASTER"


def test_daemon_returns_when_it_is_up_and_ends_on_sigterm(host: Host) -> None:
    (host.root / "d.conf").write_text(config())
    command = [*own_command("hatui-engine", "engine.cli"), "-f", str(host.root / "d.conf"), "--state-dir", "none"]
    done = host.run(command)
    assert done.stdout == ""
    pid = host.run(["cat", "/run/hatui/engine.pid"]).stdout.strip()
    assert host.run(["cat", f"/proc/{pid}/comm"]).stdout == "hatui-engine\n"
    wait_for(lambda: has_address(host), 5, "the address")
    host.run(["kill", pid])
    wait_for(lambda: not has_address(host), 5, "the end")
    wait_for(lambda: host.run(["ls", "/run/hatui"]).stdout == "", 5, "nothing left in /run/hatui")


def test_signals_write_the_dumps_of_keepalived(host: Host) -> None:
    """The JSON beside keepalived's own for the same configuration: same keys, same order, same values."""
    engine = master(host, config())
    for number in dumps.SIGNALS:
        engine.program.send_signal(number)

    def said() -> list[str]:
        texts = [event["text"] for event in events(engine, "log-line")]
        return [text for text in texts if "written to" in text]

    wait_for(lambda: len(said()) >= len(dumps.SIGNALS), 5, "the dumps")
    paths = {Path(text.split(";")[0].rpartition(" ")[2]) for text in said()}
    assert {path.name for path in paths} == {"keepalived.data", "keepalived.stats", "keepalived.json"}
    texts = {path.suffix: path.read_text() for path in paths}
    for path in paths:
        path.unlink()
    assert status(engine)["state"] == "MASTER"
    assert "     10.211.55.50 dev eth0 scope global set" in texts[".data"].splitlines()
    assert texts[".stats"].startswith("VRRP Instance: VI_1\n  Advertisements:\n    Received: 0\n")
    assert "Became master: 1" in texts[".stats"]
    wait_for(lambda: status(engine)["counters"]["become_master"] == 0, 5, "the counters to begin anew")
    assert engine.program.stop() == 0

    theirs = start_keepalived(host, config())
    wait_for(lambda: has_address(host), 5, "keepalived to be master")
    file = next(path for path in paths if path.suffix == ".json")
    theirs.send_signal(dumps.JSON)
    wait_for(lambda: file.exists() and file.read_text().endswith("]\n"), 5, "keepalived's dump")
    (expected,), (found,) = json.loads(file.read_text()), json.loads(texts[".json"])
    file.unlink()
    for one in (expected, found):
        del one["data"]["last_transition"], one["stats"]["advert_sent"]
    assert list(found["data"].items()) == list(expected["data"].items())
    assert found["stats"] == expected["stats"]
