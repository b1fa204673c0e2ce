"""The global settings of virtual servers beside what keepalived's parent dumps about them, and by themselves."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config.build import load
from engine.config.keywords import table
from engine.config.lvs import load_balancing
from engine.config.model import NS_PER_S, Command, Fifo
from engine.config.model_lvs import LvsGlobals, SyncDaemon
from tests.config.reading import disk, reading
from tests.config.test_build_values import dump, namespace

__all__ = ["namespace"]
SESSION = "bfd_instance b {\n neighbor_ip 10.211.55.23\n}\n"
"""Without a VRRP instance: with a sync daemon its process ends where the kernel has no IPVS. The parent dumps too."""
ABOUT = re.compile(
    r"Default smtp_alert_checker|Checkers? |LVS |lvs_|no_checker_emails|SNMP checker",
)
SET = (
    "enable_script_security",
    "script_user daemon",
    "lvs_timeouts udp 99999999 tcp 10 junk tcpfin 120",
    "lvs_timeouts tcp 7200 udp 300",
    "lvs_flush",
    "lvs_flush_on_stop VS junk",
    "lvs_flush_on_stop other",
    "lvs_sync_daemon eth0 V id 9 inst W id 7 maxlen 1400 port 9999 port 70000 ttl 3 group 10.9.0.1 group 224.0.0.99",
    "lvs_sync_daemon eth1 W id 8",
    "lvs_process_name old",
    "checker_process_name shown more",
    "checker_priority -5",
    "checker_no_swap",
    "checker_rt_priority 100",
    "checker_cpu_affinity -1",
    "checker_cpu_affinity 1 junk",
    "checker_rlimit_rtime 5",
    "checker_rlimit_rttime 20000",
    "smtp_alert_checker off",
    "no_checker_emails",
    "checker_log_all_failures",
    "checker_log_all_failures junk",
    'lvs_notify_fifo_script "/bin/cat a b"',
    'lvs_notify_fifo_script "/bin/true" root',
    "script_user root",
    "lvs_notify_fifo FIFO daemon root",
    "lvs_notify_fifo OTHER",
    "lvs_netlink_cmd_rcv_bufs 100000",
    "lvs_netlink_cmd_rcv_bufs junk",
    "lvs_netlink_cmd_rcv_bufs_force",
    "lvs_netlink_monitor_rcv_bufs 200000",
    "lvs_netlink_monitor_rcv_bufs_force on",
    "enable_snmp_checker",
)
KNOWN = {
    "LVS UDP timeout = 300": "its dump calls this one TCP as well",
    "LVS TCP timeout = 300": "the same",
    "Checker CPU Affinity = 0 1": "its dump leaves out the number 0",
    "Checker CPU Affinity = 1": "the same",
}
"""Line of either side -> why it differs."""


def ids(user: str, group: str) -> str:
    """An account as keepalived dumps it."""
    found = pwd.getpwnam(user)
    return f"uid:gid {found.pw_uid}:{grp.getgrnam(group).gr_gid if group else found.pw_gid}"


def word(value: bool) -> str:
    return str(value).lower()


def written(ours: LvsGlobals) -> Iterator[str]:
    """The model as keepalived writes it; what has its default is left out where keepalived does so."""
    if ours.checker_process_name:
        yield f"LVS process name = {ours.checker_process_name}"
    yield f"Default smtp_alert_checker = { {None: 'unset', True: 'on', False: 'off'}[ours.smtp_alert_checker] }"
    yield f"Checkers log all failures = {word(ours.checker_log_all_failures)}"
    timeouts = (("TCP", ours.tcp_timeout), ("TCP FIN", ours.tcpfin_timeout), ("UDP", ours.udp_timeout))
    yield from (f"LVS {name} timeout = {timeout // NS_PER_S}" for name, timeout in timeouts if timeout)
    sync = ours.sync_daemon
    if sync is not None:
        yield f"LVS syncd vrrp name = {sync.instance}"
        yield f"LVS syncd interface = {sync.interface}"
        yield f"LVS syncd syncid = {sync.id}"
        yield f"LVS syncd maxlen = {sync.max_length}"
        yield f"LVS mcast group {sync.group}"
        yield f"LVS syncd mcast port = {sync.port}"
        yield f"LVS syncd mcast ttl = {sync.ttl}"
    yield f"LVS flush = {word(ours.flush)}"
    yield f"LVS flush on stop = { {'': 'disabled', 'all': 'full', 'VS': 'VS'}[ours.flush_on_stop] }"
    if ours.fifo is not None:
        yield f"LVS notify fifo = {ours.fifo.path}, {ids(ours.fifo.user, ours.fifo.group)}"
        script = ours.fifo.script
        if script is not None:
            command = " ".join(f"'{one}'" for one in script.argv)
            yield f"LVS notify fifo script = {command}, {ids(script.user, script.group)}"
    yield f"Checker process priority = {ours.checker_priority}"
    yield f"Checker don't swap = {word(ours.checker_no_swap)}"
    yield f"Checker realtime priority = {ours.checker_rt_priority}"
    if ours.checker_cpu_affinity:
        yield f"Checker CPU Affinity = {' '.join(map(str, ours.checker_cpu_affinity))}"
    yield f"Checker realtime limit = {ours.checker_rlimit_rttime // 1000}"
    yield f"SNMP checker {'enabled' if ours.enable_snmp_checker else 'disabled'}"
    yield f"lvs_netlink_cmd_rcv_bufs = {ours.netlink_cmd_rcv_bufs}"
    yield f"lvs_netlink_cmd_rcv_bufs_force = {int(ours.netlink_cmd_rcv_bufs_force)}"
    yield f"lvs_netlink_monitor_rcv_bufs = {ours.netlink_monitor_rcv_bufs}"
    yield f"lvs_netlink_monitor_rcv_bufs_force = {int(ours.netlink_monitor_rcv_bufs_force)}"
    yield f"no_checker_emails = {int(ours.no_checker_emails)}"


def compared(namespace: str, folder: Path, lines: tuple[str, ...]) -> tuple[LvsGlobals, set[str]]:
    """The model, and the lines that only one side has."""
    said = dump(namespace, folder, "\n".join(("global_defs {", *lines, "}", SESSION)), "parent")
    found = said.split("------< Global definitions >------")[1].split("------<")[0]
    theirs = [re.sub(r" +", " ", line.strip()) for line in found.splitlines() if ABOUT.match(line.strip())]
    ours = load_balancing(load(str(folder / "k.conf"), *disk()).statements).globals
    mine = list(written(ours))
    wrong = {line for line in {*mine, *theirs} if mine.count(line) != theirs.count(line)}
    return ours, wrong


def of(*lines: str) -> LvsGlobals:
    return load_balancing(reading("\n".join(("global_defs {", *lines, "}"))).statements).globals


@pytest.mark.net
@pytest.mark.timeout(300)
def test_what_is_set_is_that_of_keepalived(namespace: str, tmp_path: Path) -> None:
    lines = tuple(re.sub(r"FIFO|OTHER", lambda name: str(tmp_path / name[0].lower()), line) for line in SET)
    ours, wrong = compared(namespace, tmp_path, lines)
    assert wrong == set(KNOWN)
    usual = LvsGlobals()
    same = [name for name in ours.__struct_fields__ if getattr(ours, name) == getattr(usual, name)]
    assert not same, "set, and yet as if it were not"


@pytest.mark.net
@pytest.mark.timeout(300)
def test_defaults_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    ours, wrong = compared(namespace, tmp_path, ("enable_script_security", "script_user root"))
    assert ours == LvsGlobals()
    assert not wrong


def test_defaults_are_those_of_the_table() -> None:
    words, usual = table(), LvsGlobals()
    sync = SyncDaemon(interface="eth0")
    path = ("global_defs",)
    daemon = (*path, "lvs_sync_daemon")
    stated = {
        (path, "checker_priority"): usual.checker_priority,
        (path, "checker_rlimit_rttime"): usual.checker_rlimit_rttime // 1000,
        (daemon, "port"): sync.port,
        (daemon, "ttl"): sync.ttl,
        (daemon, "group"): sync.group,
    }
    for (block, name), value in stated.items():
        row = words.get(block, name)
        assert row is not None
        assert row.default == str(value), name


def test_the_comparison_has_every_word_for_virtual_servers() -> None:
    words = table()
    text = " ".join(SET).split()
    known = words.block(("global_defs",)).values()
    names = [row.name for row in known if re.match(r"(lvs|checker)_", row.name) and row.since == "2.2.7"]
    names += [
        row.name for one in ("timeouts", "sync_daemon") for row in words.block(("global_defs", f"lvs_{one}")).values()
    ]
    missing = {name for name in names if name not in text}
    assert missing == {"lvs_flush_onstop"}, "that one is another spelling, tested below"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("lvs_flush_onstop", "flush_on_stop", "all"),
        ("lvs_flush_on_stop", "flush_on_stop", "all"),
        ("smtp_alert_checker", "smtp_alert_checker", True),
        ("no_checker_emails off", "no_checker_emails", False),
        ("checker_priority 7\nchecker_priority", "checker_priority", 0),
        ("checker_cpu_affinity 1\nchecker_cpu_affinity", "checker_cpu_affinity", (1,)),
        ("checker_priority 7\nchecker_priority -21", "checker_priority", 0),
        ("checker_rt_priority 0", "checker_rt_priority", 1),
        ("checker_rt_priority junk", "checker_rt_priority", 1),
        ("checker_rlimit_rttime 0", "checker_rlimit_rttime", 0),
        ("checker_rlimit_rttime junk", "checker_rlimit_rttime", 0),
        ("checker_cpu_affinity 1\nchecker_cpu_affinity 0 -1", "checker_cpu_affinity", ()),
        ("lvs_netlink_cmd_rcv_bufs -5", "netlink_cmd_rcv_bufs", 0),
        ("lvs_timeouts tcpfin", "tcpfin_timeout", 0),
        ("lvs_notify_fifo_script /bin/true", "fifo", None),
        ("lvs_notify_fifo /run/f", "fifo", Fifo(path="/run/f")),
        ("lvs_sync_daemon eth0", "sync_daemon", SyncDaemon(interface="eth0")),
        ("lvs_sync_daemon eth0 id 300 ttl 0", "sync_daemon", SyncDaemon(interface="eth0")),
        ("lvs_sync_daemon eth0 group 224.0.0.9 group 10.9.0.1", "sync_daemon", SyncDaemon(interface="eth0")),
        ("lvs_sync_daemon eth0 group 224.0.0.9 group junk", "sync_daemon", SyncDaemon(interface="eth0")),
        ("lvs_sync_daemon eth0 id 7 id 300 id junk", "sync_daemon", SyncDaemon(interface="eth0", id=7)),
        ("lvs_sync_daemon eth0 inst V", "sync_daemon", SyncDaemon(interface="eth0", instance="V")),
    ],
)
def test_single_line_has_the_value_that_keepalived_takes(line: str, field: str, value: object) -> None:
    assert getattr(of(line), field) == value


def test_account_of_the_fifo_is_the_script_user_above_it() -> None:
    fifo = of(
        "lvs_notify_fifo_script /bin/true", "script_user daemon", "lvs_notify_fifo /run/f", "script_user root"
    ).fifo
    assert fifo == Fifo(path="/run/f", user="daemon", script=Command(argv=("/bin/true",)))
