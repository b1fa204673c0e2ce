"""The lab does what it says: hosts, power, cables, loss, exact measurement, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hatui.commands.decode import frames
from hatui.lab import Host, Lab, LabError, start_web_server, wait_for
from hatui.lab.host import which
from tests.net.ordinary import as_nobody

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICE = "10.211.55.50"

ANNOUNCE = """
import socket
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind(("eth0", 0x0806))
mac, address = bytes.fromhex("{mac}"), socket.inet_aton("10.211.55.50")
arp = bytes.fromhex("08060001080006040001")
sender.send(b"\\xff" * 6 + mac + arp + mac + address + b"\\0" * 6 + address)
"""


def take(host: Host) -> None:
    host.ip(f"addr add {SERVICE}/32 dev eth0")
    host.run([sys.executable, "-S", "-c", ANNOUNCE.format(mac=host.mac.replace(":", ""))])


def pair(lab: Lab) -> tuple[Host, Host, Host]:
    return (
        lab.add_host("serverA", "10.211.55.22/24"),
        lab.add_host("serverB", "10.211.55.23/24"),
        lab.add_host("client", "10.211.55.24/24"),
    )


def test_hosts_reach_each_other_and_keep_names_processes_and_run_to_themselves(lab: Lab) -> None:
    a, b, _ = pair(lab)
    assert a.run(["hostname"]).stdout.strip() == "serverA"
    a.run(["sh", "-c", "echo mine > /run/note"])
    assert b.run(["cat", "/run/note"], check=False).returncode != 0
    sleeper = a.start(["sleep", "1000"])
    listing = ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]
    wait_for(lambda: "sleep 1000" in a.run(listing).stdout, 5, "sleep among the processes of its host")
    assert "sleep 1000" not in b.run(listing).stdout
    b.run(["ping", "-c", "1", "-W", "2", "10.211.55.22"])
    sleeper.stop()
    assert sleeper.returncode == -signal.SIGTERM


def test_mounted_path_exists_on_the_host_alone(lab: Lab) -> None:
    target = "/usr/local/hatui-lab-test/deep"
    a = lab.add_host("serverA", "10.211.55.22/24", mounts={target: "disk"})
    (a.root / "disk" / "note").write_text("hello")
    assert a.run(["cat", f"{target}/note"]).stdout == "hello"
    assert a.run(["ls", "/usr/local"]).stdout.split() == sorted([*os.listdir("/usr/local"), "hatui-lab-test"])
    assert not Path(target).exists()


def test_power_cut_silences_host_at_once_and_power_on_brings_it_back_empty(lab: Lab) -> None:
    a, _, client = pair(lab)
    take(a)
    a.run(["sh", "-c", "echo old > /run/note"])
    sleeper = a.start(["sleep", "1000"])
    pinger = lab.pinger(client)
    assert pinger.wait_for_answer() == "serverA"
    cut = lab.power_off(a)
    assert not sleeper.running
    assert not a.on
    with pytest.raises(LabError, match="serverA is off"):
        a.run(["true"])
    time.sleep(0.2)
    dead = time.monotonic_ns()
    time.sleep(0.1)
    after = pinger.report(dead - 100_000_000, dead, patience=50_000_000)
    assert after.sent > 10
    assert after.lost == after.sent
    assert pinger.report(cut, dead, patience=50_000_000).outages[-1].end == 0
    lab.power_on(a)
    assert a.addresses()[0] == "10.211.55.22/24"
    assert not a.has_address(SERVICE)
    assert a.run(["ls", "/run"]).stdout == ""


def test_pinger_counts_losses_outage_and_owner_exactly(lab: Lab) -> None:
    a, b, client = pair(lab)
    take(a)
    pinger = lab.pinger(client)
    pinger.wait_for_owner("serverA")
    start = time.monotonic_ns()
    lab.cut_link(a)
    time.sleep(0.3)
    take(b)
    pinger.wait_for_owner("serverB")
    end = time.monotonic_ns()
    lab.restore_link(a)
    report = pinger.report(start, end, patience=250_000_000)
    assert len(report.outages) == 1
    assert report.over
    assert 0.3e9 < report.outage < end - start
    assert report.lost == report.outages[0].lost
    assert [report.names[mac] for _, mac in report.owners][-1] == "serverB"
    final = pinger.stop()
    assert final.lost >= report.lost
    assert not pinger.program.running


def test_carrier_stays_when_only_the_switch_is_broken(lab: Lab) -> None:
    a, b, _ = pair(lab)
    lab.cut_link(a, carrier=True)
    assert a.run(["cat", "/sys/class/net/eth0/carrier"]).stdout.strip() == "1"
    assert b.run(["ping", "-c", "1", "-W", "1", "10.211.55.22"], check=False).returncode != 0
    lab.restore_link(a)
    b.run(["ping", "-c", "1", "-W", "2", "10.211.55.22"])
    lab.cut_link(a)
    assert a.run(["cat", "/sys/class/net/eth0/carrier"]).stdout.strip() == "0"


def test_loss_is_random_one_sided_or_total_and_ends(lab: Lab) -> None:
    if not which("nft"):
        pytest.skip("nftables is not installed")
    a, _, client = pair(lab)
    take(a)
    pinger = lab.pinger(client)
    pinger.wait_for_owner("serverA")

    def span(seconds: float) -> tuple[int, int]:
        start = time.monotonic_ns()
        time.sleep(seconds)
        end = time.monotonic_ns()
        time.sleep(0.15)
        report = pinger.report(start, end, patience=100_000_000)
        return report.sent, report.lost

    lab.loss_in(a, 30)
    sent, lost = span(1.0)
    assert 0.1 * sent < lost < 0.6 * sent
    lab.loss_in(a, 100, "ip protocol icmp")
    sent, lost = span(0.2)
    assert lost == sent
    lab.loss(a, 0)
    sent, lost = span(0.3)
    assert lost < sent / 10


def test_tap_records_every_frame_on_the_switch_with_its_time(lab: Lab, tmp_path: Path) -> None:
    a, b, _ = pair(lab)
    file = tmp_path / "wire.pcap"
    before = time.clock_gettime_ns(time.CLOCK_REALTIME)
    with lab.tap(file):
        b.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "10.211.55.22"])
    after = time.clock_gettime_ns(time.CLOCK_REALTIME)
    pings = [(at, frame) for at, frame in frames(str(file)) if frame[12:14] == b"\x08\0" and frame[23] == 1]
    assert len(pings) == 6
    assert {frame[6:12].hex(":") for _, frame in pings} == {a.mac, b.mac}
    assert all(before <= at <= after for at, _ in pings)


def test_web_servers_answer_with_their_own_address(lab: Lab) -> None:
    a, b, client = pair(lab)
    servers = [start_web_server(a, nginx=False)]
    if which("nginx"):
        servers.append(start_web_server(b, nginx=True))
        assert lab.fetch(client, "http://10.211.55.23/") == "serverB 10.211.55.23"
    assert lab.fetch(client, "http://10.211.55.22/") == "serverA 10.211.55.22"
    reader = lab.reader(client, "http://10.211.55.22/")
    reader.wait_for_page("serverA")
    servers[0].kill()
    wait_for(lambda: any(not status for _, status, _ in reader.pages()), 5, "a failed read")
    with pytest.raises(LabError, match="client cannot read"):
        lab.fetch(client, "http://10.211.55.22/", timeout_s=1)


CRASH = """
import os, signal, sys
from hatui.lab import Lab
lab = Lab()
lab.open()
a = lab.add_host("serverA", "10.211.55.22/24")
print(lab.switch.pid, a.pid, a.start(["sleep", "1000"]).pid, lab.directory, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_lives_on_when_the_lab_itself_is_killed(namespaces: None) -> None:
    done = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, check=False, cwd=ROOT)
    *pids, directory = done.stdout.split()
    assert done.returncode == -signal.SIGKILL
    assert len(pids) == 3
    shutil.rmtree(directory)

    def gone() -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in pids)

    wait_for(gone, 5, "the end of all processes of the lab")


def test_failure_inside_the_block_removes_everything(namespaces: None) -> None:
    lab = Lab()

    def fail_inside() -> None:
        with lab:
            host = lab.add_host("serverA", "10.211.55.22/24")
            made.append((host.start(["sleep", "1000"]).pid, lab.directory))
            raise RuntimeError("a test failed")

    made: list[tuple[int, Path]] = []
    with pytest.raises(RuntimeError):
        fail_inside()
    pid, directory = made[0]
    assert not Path(f"/proc/{pid}").exists()
    assert not directory.exists()
    assert not lab.hosts


def test_broken_commands_say_who_what_and_why(lab: Lab) -> None:
    a = lab.add_host("serverA", "10.211.55.22/24")
    with pytest.raises(LabError, match=r"serverA: sh -c echo no >&2; exit 3: exit 3: no"):
        a.run(["sh", "-c", "echo no >&2; exit 3"])
    with pytest.raises(LabError, match="serverA: ip: "):
        a.ip("link set nothing up")
    with pytest.raises(LabError, match=r"waited 0\.05 s in vain: rain"):
        wait_for(lambda: False, 0.05, "rain")


UNPRIVILEGED = """
import sys
from hatui.lab import Lab, obstacle, start_web_server
assert not obstacle(), obstacle()
with Lab() as lab:
    a = lab.add_host("serverA", "10.211.55.22/24", mounts={"/usr/local/hatui-lab-test": "disk"})
    client = lab.add_host("client", "10.211.55.24/24")
    a.ip("addr add 10.211.55.50/32 dev eth0")
    start_web_server(a)
    print(lab.fetch(client))
    pinger = lab.pinger(client)
    print(pinger.wait_for_answer())
    lab.power_off(a)
    print(lab.owners())
"""


def test_ordinary_user_gets_the_same_lab(namespaces: None) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests already run as an ordinary user")
    done = as_nobody(UNPRIVILEGED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["serverA 10.211.55.22", "serverA", "[]"]


def test_program_on_our_terminal_begins_in_our_directory(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a console saves its files where it was started."""
    monkeypatch.chdir(tmp_path)
    host = lab.add_host("serverA", "10.211.55.22/24")
    assert host.start(["touch", "saved"], terminal=True).wait() == 0
    assert (tmp_path / "saved").exists()
