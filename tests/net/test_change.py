"""Changes of the configuration in the lab: what a client with a ping every 2 ms notices, and what survives a death."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import Any

import pytest

from engine.config.model import Config
from engine.config.plan import FIELDS, Impact
from hatui.lab import Engine, Host, Lab, start_engine, wait_for
from hatui.lab.servers import own_command
from tests.config.reading import reading
from tests.net.engine_talk import SERVICE, Talk, config, events, gone, has_address, host_of, master, status


@pytest.fixture
def host(lab: Lab) -> Host:
    return host_of(lab, "serverA")


def apply(engine: Engine, text: str, **words: Any) -> dict[str, Any]:
    with Talk(engine) as talk:
        return talk.ask("apply-config", reason="a test", text=text, **words)


def disk(host: Host) -> str:
    return (host.root / "engine.conf").read_text()


def own(engine: Engine) -> dict[str, Any]:
    return status(engine, "engine-status")


SCRIPT = 'vrrp_script fine {\n    script "/bin/true"\n    interval 1\n    user root\n}\n'
UNICAST = "    unicast_src_ip 10.211.55.22\n    unicast_peer {\n        10.211.55.23\n    }"
IN_PLACE = {
    "priority up": config(150),
    "priority down": config(60),
    "advert_int": config().replace("advert_int 0.1", "advert_int 0.2"),
    "nopreempt": config(more="    nopreempt"),
    "preempt_delay": config(more="    preempt_delay 3"),
    "garp settings": config(more="    garp_master_refresh 1\n    garp_master_repeat 2"),
    "notify": config(more='    notify "/bin/true" root'),
    "name": config().replace("VI_1", "VI_SERVICE"),
    "track_interface": config(more="    track_interface {\n        lo weight 5\n    }"),
    "down_timer_adverts": config(more="    down_timer_adverts 5"),
    "router_id": config().replace("router_id lab", "router_id other"),
    "skip_check_adv_addr": config(more="    skip_check_adv_addr"),
    "multicast group": config(more="    mcast_dst_ip 224.0.0.77"),
    "unicast": config(more="    unicast_src_ip 10.211.55.22\n    unicast_peer {\n        10.211.55.23\n    }"),
    "version": config().replace("version 3", "version 2").replace("advert_int 0.1", "advert_int 1"),
    "source": config(more="    mcast_src_ip 10.211.55.22"),
    "track_src_ip": config(more="    mcast_src_ip 10.211.55.22\n    track_src_ip"),
    "adverts to lower": config(more="    lower_prio_no_advert\n    higher_prio_send_advert"),
    "promote_secondaries": config(more="    promote_secondaries"),
    "owner": config(255),
    "authentication": config(more="    authentication {\n        auth_type PASS\n        auth_pass secret99\n    }")
    .replace("version 3", "version 2")
    .replace("advert_int 0.1", "advert_int 1"),
    "track_file": "vrrp_track_file level {\n    file /dev/null\n}\n"
    + config(more="    track_file {\n        level weight 1\n    }"),
    "track_process": "vrrp_track_process engine {\n    process hatui-engine\n}\n"
    + config(more="    track_process {\n        engine weight 3\n    }"),
    "unicast_ttl": config(more=f"    unicast_ttl 200\n{UNICAST}"),
    "check_unicast_src": config(more=f"    check_unicast_src\n{UNICAST}"),
    "old_unicast_checksum": config(more=f"    old_unicast_checksum never\n{UNICAST}"),
    "unicast_fault_no_peer": config(more=f"    unicast_fault_no_peer\n{UNICAST}"),
    "v3_checksum_as_v2": config(more="    v3_checksum_as_v2"),
    "dont_track_primary": config(more="    dont_track_primary"),
    "strict but accepting": config(more="    strict_mode\n    accept"),
    "owner_ignore_adverts": config(more="    owner_ignore_adverts"),
    "auth_hmac": config(
        more=f"    auth_hmac {{\n        key 1 hex:{'5a' * 32}\n        active_key 1\n        mode permissive\n    }}"
    ),
    "sync_group": "vrrp_sync_group G {\n    group {\n        VI_1\n    }\n}\n" + config(),
    "track_script": SCRIPT + config(more="    track_script {\n        fine weight 5\n    }"),
}
ADDRESSES = {
    "address more": config().replace("10.211.55.50\n", "10.211.55.50\n        10.211.55.51\n"),
    "address before": config().replace("10.211.55.50\n", "10.211.55.49\n        10.211.55.50\n"),
    "excluded address": config(more="    virtual_ipaddress_excluded {\n        10.211.55.52\n    }"),
    "route": config(more="    virtual_routes {\n        192.0.2.0/24 via 10.211.55.24 dev eth0\n    }"),
    "address on another device": config(more="    virtual_ipaddress_excluded {\n        10.211.55.53 dev lo\n    }"),
    "virtual mac": config(more="    use_vmac\n    vmac_xmit_base"),
    "rule": config(more="    virtual_rules {\n        from 192.0.2.1 table 100\n    }"),
}


NOT_PINGED = {"accept"}
"""Fields of the plan that no ping can tell: without accept nobody answers it."""


def test_list_of_changes_has_every_field_that_the_plan_calls_in_place_or_addresses() -> None:
    def model(text: str) -> Config:
        found = reading(text).config
        assert found is not None
        return found

    running = model(config()).instances[0]
    changed = set()
    for text in (*IN_PLACE.values(), *ADDRESSES.values()):
        new = model(text).instances[0]
        changed |= {field for field in FIELDS if getattr(running, field) != getattr(new, field)}
    promised = {field for field, impact in FIELDS.items() if impact in (Impact.IN_PLACE, Impact.ADDRESSES)}
    assert promised - changed == NOT_PINGED


@pytest.mark.parametrize("group", ["in place", "addresses"])
def test_client_loses_no_ping_for_any_change_in_place_or_of_addresses(lab: Lab, host: Host, group: str) -> None:
    client = host_of(lab, "client", 24)
    engine = master(host, config())
    pinger = lab.pinger(client)
    pinger.wait_for_owner("serverA")
    since = status(engine)["since"]
    began = time.monotonic_ns()
    for name, text in (IN_PLACE if group == "in place" else ADDRESSES).items():
        for there_and_back in (text, config()):
            before = time.monotonic_ns()
            with Talk(engine) as talk:
                plan = talk.ask("apply-config", text=there_and_back, dry_run=True)
                assert plan["outcome"] == "done", (name, plan["text"])
                assert plan["text"] != "nothing changes", name
                assert "restart" not in plan["text"]
                done = talk.ask("apply-config", text=there_and_back)
                assert done["outcome"] == "done", done
            time.sleep(0.25)
            report = pinger.report(before)
            assert report.sent > 20
            assert (name, report.lost, report.doubled) == (name, 0, 0)
    report = pinger.report(began)
    assert (report.lost, report.doubled, len(report.owners)) == (0, 0, 1)
    instance = status(engine)
    assert (instance["state"], instance["since"]) == ("MASTER", since)


def loaded_more(engine: Engine, than: int) -> bool:
    return len(events(engine, "config-loaded")) > than


def test_reload_by_signal_of_each_class_loses_no_ping(lab: Lab, host: Host) -> None:
    client = host_of(lab, "client", 24)
    engine = master(host, config())
    pinger = lab.pinger(client)
    pinger.wait_for_owner("serverA")
    began = time.monotonic_ns()
    for text in (IN_PLACE["priority up"], ADDRESSES["address more"], config()):
        loaded = len(events(engine, "config-loaded"))
        (host.root / "engine.conf").write_text(text)
        engine.program.send_signal(signal.SIGHUP)
        wait_for(partial(loaded_more, engine, loaded), 5, "the reload")
        time.sleep(0.2)
    report = pinger.report(began)
    assert report.sent > 100
    assert (report.lost, len(report.owners)) == (0, 1)


def test_change_that_moves_the_address_away_comes_back_when_nobody_confirms(lab: Lab, host: Host) -> None:
    other = host_of(lab, "serverB", 23)
    engine = master(host, config(200))
    peer = start_engine(other, config(100))
    wait_for(lambda: status(peer)["master"] == "10.211.55.22", 5, "b hears a")
    with Talk(engine) as watcher:
        watcher.ask("subscribe", topics=["events", "status"], rate_hz=10)
        done = apply(engine, config(50), confirm_s=2, comment="try")
        assert done["outcome"] == "done", done
        waiting = watcher.until(lambda one: one["type"] == "status-line" and one["status"].get("confirm_revision"))
        assert waiting["status"]["confirm_by"] == "operator root"
        assert waiting["status"]["confirm_comment"] == "try"
        assert 0 < waiting["status"]["confirm_deadline"] - waiting["mono_ns"] < 2_000_000_000
        lab.wait_for_owner("serverB", 5)
        reverted = watcher.until(lambda one: one["type"] == "event-line" and one["event"]["type"] == "config-reverted")
    assert reverted["event"]["reason"] == "nobody confirmed it in time"
    assert disk(host) == config(200)
    lab.wait_for_owner("serverA", 5)
    mine = own(engine)
    assert (mine["confirm_revision"], mine["confirm_deadline"], mine["config_by"]) == (0, 0, "engine")
    with Talk(engine) as talk:
        kept = talk.ask("get-revisions")["revisions"]
    assert [one["by"] for one in kept] == ["engine", "operator root", "startup"]


def test_confirmed_change_outlives_its_time_and_a_rollback_undoes_it(host: Host) -> None:
    engine = master(host, config(100))
    assert apply(engine, config(150), confirm_s=1.5)["outcome"] == "done"
    assert apply(engine, config(160))["code"] == "E-UNCONFIRMED"
    with Talk(engine) as talk:
        assert talk.ask("confirm-config")["outcome"] == "done"
        assert talk.ask("confirm-config")["code"] == "E-NOT-PENDING"
    time.sleep(2)
    assert disk(host) == config(150)
    with Talk(engine) as talk:
        assert talk.ask("rollback-config", revision=9)["code"] == "E-NO-REVISION"
        assert talk.ask("rollback-config", revision=1)["outcome"] == "done"
        assert talk.ask("get-revisions", revision=2)["files"][0]["text"] == config(150)
    assert disk(host) == config(100)
    wait_for(lambda: status(engine)["priority"] == 100, 5, "the old priority")


def test_change_that_leaves_the_address_without_an_owner_is_taken_back_long_before_its_time(host: Host) -> None:
    engine = master(host, config())
    began = time.monotonic()
    bad = config(more="    track_interface {\n        nowhere0\n    }")
    assert apply(engine, bad, confirm_s=300)["outcome"] == "done"
    wait_for(lambda: disk(host) == config(), 10, "the old text")
    assert time.monotonic() - began < 10
    wait_for(lambda: has_address(host), 5, "the address")
    (reverted,) = events(engine, "config-reverted")
    assert SERVICE in reverted["reason"]


def test_cable_pulled_while_a_change_waits_is_not_held_against_the_change(host: Host) -> None:
    engine = master(host, config())
    assert apply(engine, config(150), confirm_s=300)["outcome"] == "done"
    host.run(["ip", "link", "set", "eth0", "down"])
    wait_for(lambda: status(engine)["state"] == "FAULT", 5, "FAULT")
    time.sleep(4)  # more than twice the expected time
    assert own(engine)["confirm_revision"] == 2
    assert disk(host) == config(150)


@pytest.mark.parametrize("when", ["within its time", "after its time"])
def test_core_killed_while_a_change_waits_still_takes_it_back(host: Host, when: str) -> None:
    engine = master(host, config())
    assert apply(engine, config(150), confirm_s=4)["outcome"] == "done"
    pid = engine.program.pid
    engine.program.kill()
    gone(pid)
    assert disk(host) == config(150)
    if when == "after its time":
        time.sleep(4)
    again = start_engine(host, host.root / "engine.conf", wait=False)
    wait_for(lambda: disk(host) == config(), 15, "the old text")
    wait_for(lambda: status(again)["priority"] == 100, 10, "the old priority")
    (reverted,) = wait_for(lambda: events(again, "config-reverted"), 5, "the event")
    assert "in time" in reverted["reason"]


def test_file_changed_on_disk_while_a_change_waits_is_not_overwritten(host: Host) -> None:
    engine = master(host, config())
    assert apply(engine, config(150), confirm_s=3)["outcome"] == "done"
    (host.root / "engine.conf").write_text(config(120))
    (refused,) = wait_for(lambda: events(engine, "config-revert-refused"), 10, "the refusal")
    assert "engine.conf" in refused["obstacle"]
    assert disk(host) == config(120)
    wait_for(lambda: status(engine)["priority"] == 120, 5, "the priority of the file")
    assert "engine.conf" in own(engine)["confirm_problem"]


def test_operator_applies_confirms_looks_back_and_rolls_back_on_the_command_line(host: Host) -> None:
    engine = master(host, config())
    candidate = host.root / "candidate.conf"
    candidate.write_text(config(150))

    def hatui(*arguments: str) -> tuple[int, str]:
        part, *rest = arguments
        argv = [*own_command("hatui", "hatui.cli"), "config", part, "--socket", engine.socket, *rest]
        done = host.run(argv, check=False)
        return done.returncode, done.stdout + done.stderr

    assert hatui("apply", str(candidate), "--yes", "--confirm", "5m", "--comment", "more")[0] == 0
    status_, out = hatui("history")
    assert status_ == 0
    assert "NOT CONFIRMED, taken back in 4m" in out
    assert hatui("confirm")[0] == 0
    status_, out = hatui("confirm")
    assert (status_, "E-NOT-PENDING" in out) == (5, True)
    assert "+    priority 150" in hatui("history", "2")[1]
    assert hatui("rollback", "1", "--yes")[0] == 0
    assert disk(host) == config()
    assert hatui("apply", str(candidate), "--yes", "--confirm", "5m")[0] == 0
    assert hatui("rollback", "--yes")[0] == 0
    assert disk(host) == config()
    (reverted,) = events(engine, "config-reverted")
    assert reverted["by"] == "operator root"
    engine.program.stop()
    assert hatui("history")[0] == 3
