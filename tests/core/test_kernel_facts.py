"""What is read from the kernel's tables, from tables as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core import kernel_facts

IGMP = """\
Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
1\tlo        :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
2\teth0      :     2      V3
\t\t\t\t120000E0     1 0:00000000\t\t0
\t\t\t\t010000E0     1 0:00000000\t\t0
"""
IGMP6 = "2    eth0            ff020000000000000000000000000012     1 00000004 0\n"
RAW = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  112: 00000000:0070 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 00000000 0
    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 00000000 0
"""
ARP = """\
IP address       HW type     Flags       HW address            Mask     Device
10.0.0.12        0x1         0x2         52:54:00:12:aa:0c     *        eth0
10.0.0.13        0x1         0x0         00:00:00:00:00:00     *        eth0
"""


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kernel_facts, "PROC", tmp_path)
    net = tmp_path / "net"
    net.mkdir()
    for name, text in (("igmp", IGMP), ("igmp6", IGMP6), ("raw", RAW), ("arp", ARP)):
        (net / name).write_text(text)
    for pid, comm, inode in ((812, "keepalived", 4711), (900, "ping", 4712)):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "comm").write_text(f"{comm}\n")
        (tmp_path / str(pid) / "fd" / "5").symlink_to(f"socket:[{inode}]")
    return tmp_path


@pytest.mark.usefixtures("proc")
def test_groups_of_both_families() -> None:
    assert kernel_facts.groups() == {
        "lo": frozenset({"224.0.0.1"}),
        "eth0": frozenset({"224.0.0.18", "224.0.0.1", "ff02::12"}),
    }


@pytest.mark.usefixtures("proc")
def test_other_engine_is_named_and_our_own_is_not() -> None:
    assert kernel_facts.other_engines(()) == ("keepalived (pid 812)",)
    assert kernel_facts.other_engines((812,)) == ()


@pytest.mark.parametrize(
    ("comm", "namespace", "named"),
    [("keepalived", "net:[1]", True), ("bash", "net:[1]", False), ("keepalived", "net:[2]", False), ("", "", False)],
)
def test_keepalived_that_waits_without_a_socket_is_named_by_its_pid_file_while_it_lives_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comm: str, namespace: str, named: bool
) -> None:
    monkeypatch.setattr(kernel_facts, "PROC", tmp_path)
    monkeypatch.setattr(kernel_facts, "_PID_FILES", (tmp_path / "vrrp.pid",))
    (tmp_path / "vrrp.pid").write_text("77\n")
    for pid, network in (("self", "net:[1]"), *([("77", namespace)] if comm else [])):
        (tmp_path / pid / "ns").mkdir(parents=True)
        (tmp_path / pid / "ns" / "net").symlink_to(network)
    if comm:
        (tmp_path / "77" / "comm").write_text(f"{comm}\n")
    assert kernel_facts.other_engines(()) == (("keepalived (pid 77)",) if named else ())
    assert kernel_facts.other_engines((77,)) == ()


@pytest.mark.usefixtures("proc")
def test_neighbours_that_answered() -> None:
    assert kernel_facts.alive() == frozenset({"10.0.0.12"})


def test_what_cannot_be_read_is_unknown(proc: Path) -> None:
    for name in ("igmp", "raw", "arp"):
        (proc / "net" / name).unlink()
    assert kernel_facts.groups() is None
    assert kernel_facts.other_engines(()) == ()
    assert kernel_facts.alive() == frozenset()


def test_ticks_of_the_processors_and_those_that_were_stolen(proc: Path) -> None:
    assert kernel_facts.processor() is None
    (proc / "stat").write_text("cpu  100 1 20 800 5 0 4 70 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    assert kernel_facts.processor() == (1000, 70)


ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def test_peer_is_on_the_link_only_where_no_router_lies_between(proc: Path) -> None:
    assert not kernel_facts.on_link("eth0", "10.0.0.9")
    (proc / "net" / "route").write_text(ROUTES)
    assert kernel_facts.on_link("eth0", "10.0.0.9")
    assert not kernel_facts.on_link("eth1", "10.0.0.9")
    assert not kernel_facts.on_link("eth0", "10.9.0.9")
    assert kernel_facts.on_link("eth0", "fe80::9")
    assert not kernel_facts.on_link("eth0", "2001:db8::9")


def test_link_local_address_of_an_interface(proc: Path) -> None:
    assert kernel_facts.link_local("eth0") == ""
    (proc / "net" / "if_inet6").write_text(
        "20010db8000000000000000000000022 02 40 00 80     eth0\nfe80000000000000000000fffe000022 02 40 20 80     eth0\n"
    )
    assert kernel_facts.link_local("eth0") == "fe80::ff:fe00:22"
    assert kernel_facts.link_local("eth1") == ""
