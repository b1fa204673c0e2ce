"""The dumps of SIGUSR1, SIGUSR2 and SIGJSON, word for word where tools read them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest

from engine.config.model import (
    NS_PER_S,
    Authentication,
    Command,
    Globals,
    Notify,
    Route,
    SyncGroup,
    TrackedProcess,
    UnicastPeer,
    Vmac,
)
from engine.core import dumps
from engine.messages import ClearCounters, InterfaceStatus
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface

KEYS = [
    "iname",
    "dont_track_primary",
    "skip_check_adv_addr",
    "strict_mode",
    "vmac_ifname",
    "ifp_ifname",
    "master_priority",
    "last_transition",
    "garp_delay",
    "garp_refresh",
    "garp_rep",
    "garp_refresh_rep",
    "garp_lower_prio_delay",
    "garp_lower_prio_rep",
    "lower_prio_no_advert",
    "higher_prio_send_advert",
    "vrid",
    "base_priority",
    "effective_priority",
    "vipset",
    "promote_secondaries",
    "adver_int",
    "master_adver_int",
    "accept",
    "nopreempt",
    "preempt_delay",
    "state",
    "wantstate",
    "version",
    "smtp_alert",
    "notify_deleted",
    "vips",
    "auth_type",
]
"""keepalived 2.2.7, in its order, for an instance with nothing but addresses."""
COUNTERS = [
    "advert_rcvd",
    "advert_sent",
    "become_master",
    "release_master",
    "packet_len_err",
    "advert_interval_err",
    "ip_ttl_err",
    "invalid_type_rcvd",
    "addr_list_err",
    "invalid_authtype",
    "authtype_mismatch",
    "auth_failure",
    "pri_zero_rcvd",
    "pri_zero_sent",
]
STATISTICS = """\
VRRP Instance: VI_1
  Advertisements:
    Received: 1
    Sent: 3
  Became master: 1
  Released master: 0
  Packet Errors:
    Length: 0
    TTL: 2
    Invalid Type: 0
    Advertisement Interval: 0
    Address List: 0
  Authentication Errors:
    Invalid Type: 0
    Type Mismatch: 0
    Failure: 0
  Priority Zero:
    Received: 1
    Sent: 0
"""


def wall(at: int) -> float:
    return 1_700_000_000 + at / NS_PER_S


def master() -> Rig:
    """A master that was told of a farewell and of two adverts that crossed a router."""
    rig = Rig(config(instance()), start=NS_PER_S)
    rig.give(interface())
    rig.give(advert(priority=0))
    for _ in range(2):
        rig.give(advert(ttl=3))
    rig.pass_time(3 * NS_PER_S)
    return rig


def written(rig: Rig, number: int, directory: Path) -> str:
    return dumps.write(number, rig.config, rig.router.statuses(), wall, directory).read_text()


def test_statistics_have_keepalived_s_words(tmp_path: Path) -> None:
    assert written(master(), dumps.STATS, tmp_path) == STATISTICS
    assert (tmp_path / "keepalived.stats").exists()


def test_json_has_keepalived_s_keys_in_its_order(tmp_path: Path) -> None:
    rig = master()
    rig.give(interface())
    (one,) = json.loads(written(rig, dumps.JSON, tmp_path))
    assert (list(one), list(one["data"]), list(one["stats"])) == (["data", "stats"], KEYS, COUNTERS)
    data = one["data"]
    assert (data["iname"], data["state"], data["version"], data["vrid"]) == ("VI_1", 2, 2, 50)
    assert (data["adver_int"], data["accept"], data["nopreempt"], data["master_priority"]) == (1, 1, False, 0)
    assert data["last_transition"] == pytest.approx(wall(rig.status().since), abs=1e-5)
    assert data["vips"] == ["10.0.0.50/24 dev eth0 scope global"]
    assert one["stats"]["ip_ttl_err"] == 2


def test_json_of_version_2_names_the_instances_and_adds_the_track_processes(tmp_path: Path) -> None:
    processes = (
        TrackedProcess(name="web", argv=("nginx",), quorum=2, weight=-20),
        TrackedProcess(name="one", argv=("sh", "-c"), quorum_max=1, fork_delay=NS_PER_S // 2, full_command=True),
    )
    version_2 = msgspec.structs.replace(
        config(instance()), globals=Globals(json_version=2, json_dump_file="state.json"), processes=processes
    )
    rig = Rig(version_2)
    path = dumps.write(dumps.JSON, version_2, rig.router.statuses(), wall, tmp_path, {"web": 3, "one": 4})
    found = json.loads(path.read_text())
    assert path == tmp_path / "state.json"
    assert list(found) == ["vrrp", "track_process"]
    assert [list(one) for one in found["vrrp"]] == [["data", "stats"]]
    web, one = found["track_process"]
    assert (web["process"], web["param_match"], web["min_processes"], web["weight"]) == ("web", "none", 2, -20)
    assert (web["current_processes"], web["have_quorum"], web["full_command"]) == (3, True, False)
    assert (one["param_match"], one["max_processes"], one["have_quorum"]) == ("exact", 1, False)
    assert (one["fork_delay"], one["terminate_delay"], one["full_command"]) == (0.5, 0, True)


def test_each_dump_goes_where_the_configuration_wants_it(tmp_path: Path) -> None:
    wished = Globals(
        state_dump_file=str(tmp_path / "a"), stats_dump_file=str(tmp_path / "b"), json_dump_file=str(tmp_path / "c")
    )
    elsewhere = tmp_path / "nowhere"
    names = [dumps.path_of(number, wished, elsewhere).name for number in dumps.SIGNALS]
    assert names == ["a", "b", "c", "b"]
    assert {dumps.path_of(number, wished, elsewhere).parent for number in dumps.SIGNALS} == {tmp_path}
    assert dumps.path_of(dumps.JSON, Globals(), elsewhere) == elsewhere / "keepalived.json"


def test_counters_that_were_dumped_begin_anew_and_what_came_meanwhile_counts_on(tmp_path: Path) -> None:
    rig = master()
    told = rig.router.statuses()
    assert written(rig, dumps.STATS_CLEAR, tmp_path) == STATISTICS
    rig.give(advert(ttl=3))
    rig.give(dumps.counted(told))
    counters = rig.status().counters
    assert (counters.ip_ttl_err, counters.become_master, counters.advert_rcvd, counters.advert_sent) == (1, 0, 0, 0)
    assert rig.status().counting_since == rig.now
    rig.give(ClearCounters((("nobody", counters),)))
    rig.give(dumps.counted(told))
    assert rig.status().counters.ip_ttl_err == 0


def test_json_lists_what_there_is_and_never_a_password(tmp_path: Path) -> None:
    notify = Notify(any=Command(argv=("/bin/n", "x")), master=Command(argv=("/bin/m",)))
    rig = Rig(
        config(
            instance(
                version=2,
                notify=notify,
                authentication=Authentication(kind="pass", key=b"geheim\0\0"),
                scripts=(("s", -5),),
                routes=(Route(text="10.9.0.0/16 via 10.0.0.254", family=4, destination="10.9.0.0/16"),),
                preempt_delay=1_500_000_000,
            )
        )
    )
    (one,) = json.loads(text := written(rig, dumps.JSON, tmp_path))
    data = one["data"]
    assert (data["script"], data["script_master"], data["auth_type"]) == ("/bin/n x", "/bin/m", 1)
    assert (data["vroutes"], data["track_script"]) == (["10.9.0.0/16 via 10.0.0.254"], ["s"])
    assert (data["state"], data["preempt_delay"]) == (1, 1.5)
    assert "geheim" not in text + written(rig, dumps.DATA, tmp_path)


def test_data_has_the_lines_that_exporters_look_for(tmp_path: Path) -> None:
    lines = written(master(), dumps.DATA, tmp_path).splitlines()
    for line in (
        "------< VRRP Topology >------",
        " VRRP Instance = VI_1",
        "   VRRP Version = 2",
        "   State = MASTER",
        "   Interface = eth0",
        "   Using src_ip = 10.0.0.1",
        "   Multicast address 224.0.0.18",
        "   Virtual Router ID = 50",
        "   Priority = 100",
        "   Effective priority = 100",
        "   Advert interval = 1 sec",
        "   Accept = enabled",
        "   Preempt = enabled",
        "   Virtual IP (1):",
        "     10.0.0.50/24 dev eth0 scope global",
        " Name = eth0",
        "   State = UP, RUNNING",
    ):
        assert line in lines, line


def test_data_of_unicast_groups_virtual_macs_and_a_dead_interface(tmp_path: Path) -> None:
    peers = (UnicastPeer(address="10.0.0.9"),)
    one = instance(version=3, unicast=True, unicast_peers=peers, source="10.0.0.1", vmac=Vmac(), preempt_delay=NS_PER_S)
    rig = Rig(config(one, groups=(SyncGroup(name="G", members=("VI_1",)),)))
    rig.give(interface(up=False))
    lines = written(rig, dumps.DATA, tmp_path).splitlines()
    assert "   Unicast Peer = 10.0.0.9" in lines
    assert "   Advert interval = 1000 milli-sec" in lines
    assert "   Preempt delay = 1 secs" in lines
    assert " VRRP Sync Group = G" in lines
    assert "   State = DOWN" in lines
    gone = dumps.data_dump(rig.config, [], {"eth9": InterfaceStatus("eth9", exists=False, up=False)}, wall)
    assert "   State = NO INTERFACE" in gone.splitlines()


def test_link_at_the_path_is_replaced_not_followed_and_the_file_is_the_owners(tmp_path: Path) -> None:
    """The directory is open to everybody."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "keepalived.stats").symlink_to(victim)
    written(master(), dumps.STATS_CLEAR, tmp_path)
    path = tmp_path / "keepalived.stats"
    assert victim.read_text() == "precious"
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_directory_that_is_not_there_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        written(master(), dumps.STATS, tmp_path / "nowhere")
    (tmp_path / "keepalived.stats").mkdir()
    with pytest.raises(OSError, match="stats"):
        written(master(), dumps.STATS, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["keepalived.stats"]


def test_instance_without_a_status_yet_is_left_out(tmp_path: Path) -> None:
    assert dumps.write(dumps.JSON, config(instance()), (), wall, tmp_path).read_text() == "[]\n"
