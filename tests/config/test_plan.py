"""What a changed configuration is said to do, row by row of the table."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.config.model import (
    NS_PER_S,
    Address,
    Announce,
    Authentication,
    AuthHmac,
    Command,
    Config,
    Globals,
    HmacKey,
    Instance,
    Notify,
    Route,
    Rule,
    Script,
    SyncGroup,
    Track,
    Tracking,
    UnicastPeer,
    Vmac,
)
from engine.config.plan import FIELDS, Impact, Plan, master_down_time, plan, skew_time
from tests.config.reading import config, reading, with_lines

VI = Instance(
    name="VI_1",
    interface="eth0",
    vrid=50,
    priority=100,
    addresses=(Address(address="10.211.55.50", prefix=32), Address(address="10.211.55.51", prefix=24)),
)
CONFIG = Config(instances=(VI,))


def change(instance: Instance = VI, /, **fields: Any) -> Plan:
    return plan(Config(instances=(instance,)), Config(instances=(msgspec.structs.replace(instance, **fields),)))


SAMPLES: dict[str, Any] = {
    "name": "VI_NEW",
    "interface": "eth1",
    "vrid": 51,
    "family": 6,
    "version": 3,
    "initial_state": "MASTER",
    "priority": 150,
    "advert_interval": 2 * NS_PER_S,
    "preempt": False,
    "preempt_delay": 5 * NS_PER_S,
    "down_timer_adverts": 5,
    "addresses": VI.addresses[:1],
    "excluded_addresses": (Address(address="10.0.0.9", prefix=32),),
    "routes": (Route(destination="default", family=4, text="default via 10.0.0.1"),),
    "rules": (Rule(family=4, preference=100, text="from 10.0.0.1 table 5"),),
    "source": "10.211.55.22",
    "track_source": True,
    "group_address": "224.0.0.99",
    "unicast": True,
    "unicast_peers": (UnicastPeer(address="10.211.55.23"),),
    "unicast_fault_no_peer": True,
    "unicast_ttl": 64,
    "check_unicast_source": True,
    "old_unicast_checksum": "force",
    "v3_checksum_as_v2": True,
    "authentication": Authentication(kind="pass", key=b"hushhush"),
    "auth_hmac": AuthHmac(keys=(HmacKey(key_id=1, key=b"hushhush" * 4),), active_key=1),
    "tracking": Tracking(scripts=(Track(name="chk", weight=-60),)),
    "track_primary": False,
    "announce": Announce(master_repeat=2),
    "notify": Notify(master=Command(argv=("/bin/true",))),
    "vmac": Vmac(),
    "accept": False,
    "strict": True,
    "skip_check_adv_addr": True,
    "lower_prio_no_advert": True,
    "higher_prio_send_advert": True,
    "owner_ignore_adverts": True,
    "promote_secondaries": True,
    "sync_group": "VG",
    "file": "/etc/other.conf",
    "line": 12,
}


def test_every_field_of_an_instance_has_its_impact() -> None:
    assert set(FIELDS) == set(Instance.__struct_fields__) == set(SAMPLES)


@pytest.mark.parametrize("field", FIELDS)
def test_change_of_one_field_has_the_impact_of_the_table(field: str) -> None:
    (one,) = change(**{field: SAMPLES[field]}).instances
    assert one.impact is FIELDS[field]
    assert one.interruption == (master_down_time(msgspec.structs.replace(VI, **{field: SAMPLES[field]}))) * (
        FIELDS[field] is Impact.RESTART
    )
    if field not in ("file", "line"):
        assert [each.field for each in one.fields] == [field]
    assert "hush" not in repr(one)


@pytest.mark.parametrize("field", FIELDS)
def test_change_says_in_one_line_what_it_does_unless_it_does_nothing(field: str) -> None:
    lines = change(**{field: SAMPLES[field]}).lines
    if FIELDS[field] is Impact.NOTHING:
        assert lines == ()
    else:
        (line,) = lines
        assert line.startswith("VI_1: " if field != "name" else "VI_NEW: ")
        assert "\n" not in line


def test_equal_configurations_change_nothing() -> None:
    done = plan(CONFIG, CONFIG)
    assert done.impact is Impact.NOTHING
    assert done.lines == ()
    assert done.instances[0].text == "VI_1: unchanged"


def test_impact_is_the_greatest_of_the_fields() -> None:
    assert change(priority=150, vrid=9).impact is Impact.RESTART
    assert change(priority=150, addresses=()).impact is Impact.ADDRESSES


def test_new_priority_reads_as_one_sentence() -> None:
    assert change(priority=150).lines == (
        "VI_1: priority 100 -> 150: in place, no interruption. If a peer below 150 is master, this node takes over",
    )


def test_lower_priority_names_who_takes_over() -> None:
    assert "a peer above 50 with preempt takes over" in change(priority=50).lines[0]


def test_nopreempt_node_does_not_claim_to_take_over_at_a_higher_priority() -> None:
    quiet = msgspec.structs.replace(VI, preempt=False)
    assert change(quiet, priority=150).instances[0].peers == ""


def test_owner_takes_over_at_once() -> None:
    assert "takes over at once" in change(priority=255).lines[0]


def test_new_vrid_restarts_the_instance_of_the_same_name_for_a_master_down_time() -> None:
    (one,) = change(vrid=51).instances
    assert one.impact is Impact.RESTART
    assert one.interruption == 3 * NS_PER_S + 156 * NS_PER_S // 256
    assert "about 3.609 s without 10.211.55.50, 10.211.55.51 if this node is master" in one.text


def test_owner_that_restarts_serves_again_at_once() -> None:
    owner = msgspec.structs.replace(VI, priority=255)
    assert change(owner, vrid=51).interruption == 0


def test_renamed_instance_is_the_same_virtual_router() -> None:
    assert change(name="VI_WEB").impact is Impact.IN_PLACE


def test_instances_that_swap_their_names_stay_what_they_are_on_the_wire() -> None:
    other = msgspec.structs.replace(VI, name="VI_2", vrid=60)
    swapped = (msgspec.structs.replace(VI, name="VI_2"), msgspec.structs.replace(other, name="VI_1"))
    done = plan(Config(instances=(VI, other)), Config(instances=swapped))
    assert [one.impact for one in done.instances] == [Impact.IN_PLACE, Impact.IN_PLACE]


def test_name_that_moves_to_another_router_is_told_as_added_and_renamed() -> None:
    renamed = msgspec.structs.replace(VI, name="VI_2")
    fresh = msgspec.structs.replace(VI, vrid=60)
    done = plan(CONFIG, Config(instances=(renamed, fresh)))
    assert [(one.name, one.impact) for one in done.instances] == [("VI_2", Impact.IN_PLACE), ("VI_1", Impact.ADDED)]


def test_added_instance_says_when_it_becomes_master() -> None:
    (one,) = plan(Config(), CONFIG).instances
    assert one.impact is Impact.ADDED
    assert one.text == (
        "VI_1: added (VRID 50 on eth0, 10.211.55.50, 10.211.55.51): starts as backup, "
        "master after 3.609 s if nobody else is"
    )


def test_removed_instance_is_told_last_with_what_peers_do() -> None:
    (one,) = plan(CONFIG, Config()).instances
    assert one.impact is Impact.REMOVED
    assert "takes over within 1 s; if none has, nobody serves it" in one.text


def test_address_that_goes_and_one_that_comes_are_named_and_the_rest_stays() -> None:
    new = (VI.addresses[0], Address(address="10.211.55.60", prefix=24, interface="eth1"))
    (one,) = change(addresses=new).instances
    assert one.fields[0].text == "virtual_ipaddress +10.211.55.60/24 dev eth1 -10.211.55.51/24"
    assert "addresses that stay are not touched" in one.text
    assert "older keepalived ignores this node and becomes master" in one.peers


def test_address_with_another_label_is_set_anew_and_peers_notice_nothing() -> None:
    new = (msgspec.structs.replace(VI.addresses[0], label="eth0:1"), VI.addresses[1])
    (one,) = change(addresses=new).instances
    assert one.fields[0].text == "virtual_ipaddress 10.211.55.50/32 set anew"
    assert one.peers == ""


def test_other_order_of_addresses_is_told_as_such() -> None:
    assert "in another order" in change(addresses=VI.addresses[::-1]).lines[0]


def test_interval_of_version_2_splits_the_pair_and_of_version_3_does_not() -> None:
    assert "both sides become master" in change(advert_interval=2 * NS_PER_S).lines[0]
    v3 = msgspec.structs.replace(VI, version=3)
    assert "Backups adopt" in change(v3, advert_interval=NS_PER_S // 10).lines[0]
    assert "advert_int 1 s -> 0.1 s" in change(v3, advert_interval=NS_PER_S // 10).lines[0]


def test_another_version_keeps_the_state_here_and_splits_the_pair() -> None:
    (one,) = change(version=3).instances
    assert one.impact is Impact.IN_PLACE
    assert "no interruption" not in one.text
    assert "both sides become master" in one.text


def test_virtual_mac_moves_the_addresses_to_another_device() -> None:
    assert change(vmac=Vmac()).lines == (
        "VI_1: use_vmac on: the addresses move to another device and are announced anew",
    )


def test_peer_that_is_no_longer_listed_becomes_master() -> None:
    unicast = msgspec.structs.replace(VI, unicast=True, unicast_peers=(UnicastPeer(address="10.0.0.2"),))
    assert "hears nothing more" in change(unicast, unicast_peers=()).instances[0].peers
    more = (*unicast.unicast_peers, UnicastPeer(address="10.0.0.3"))
    assert change(unicast, unicast_peers=more).instances[0].peers == ""


def test_tracks_that_come_go_and_weigh_differently() -> None:
    old = Tracking(scripts=(Track(name="a", weight=2), Track(name="b")))
    new = Tracking(scripts=(Track(name="a", weight=-60, reverse=True),), interfaces=(Track(name="eth1"),))
    assert change(msgspec.structs.replace(VI, tracking=old), tracking=new).instances[0].fields[0].text == (
        "tracks -b a weight 2 -> -60 reverse +eth1"
    )


def test_restart_takes_the_sync_group_along() -> None:
    member = msgspec.structs.replace(VI, sync_group="VG")
    other = msgspec.structs.replace(member, name="VI_2", vrid=60)
    new = Config(instances=(msgspec.structs.replace(member, vrid=70), other))
    assert "its sync group VG moves with it" in plan(Config(instances=(member, other)), new).lines[0]


def test_other_things_that_change_are_named_without_their_values() -> None:
    script = Script(name="chk", command=Command(argv=("/bin/true",)))
    old = Config(scripts=(script,), groups=(SyncGroup(name="VG", members=("a", "b")),), globals=Globals(router_id="a"))
    new = Config(
        scripts=(
            msgspec.structs.replace(script, interval=2 * NS_PER_S),
            msgspec.structs.replace(script, name="more"),
        ),
        globals=Globals(router_id="b"),
        static_addresses=(Address(address="10.1.1.1", prefix=32),),
    )
    assert plan(old, new).others == (
        "script more: added",
        "script chk (interval): changed, its last result is kept",
        "sync group VG: removed",
        "static_ipaddress: +10.1.1.1/32",
        "global_defs (router_id): changed, in place",
    )
    assert plan(old, new).impact is Impact.IN_PLACE


def test_change_of_what_has_no_effect_is_named_with_its_code_and_changes_nothing() -> None:
    service = "virtual_server 10.0.0.1 80 {{\n lb_algo {algorithm}\n real_server 10.0.0.2 80 {{\n weight 1\n }}\n}}\n"
    group = "virtual_server_group G {\n 10.0.0.3 80\n}\n"
    settings = "global_defs {\n checker_priority 5\n}\n"
    old = config(reading(with_lines() + service.format(algorithm="rr") + group))
    new = config(reading(settings + with_lines() + service.format(algorithm="wlc")))
    done = plan(old, new)
    assert done.lines == (
        "global_defs checker_priority: added, which hatui reads without effect (C-NO-EFFECT)",
        "virtual_server 10.0.0.1 80: changed, which hatui reads without effect (C-NO-EFFECT)",
        "virtual_server_group G: removed, which hatui reads without effect (C-NO-EFFECT)",
    )
    assert (done.impact, done.others) == (Impact.NOTHING, ())
    assert old.fingerprint == new.fingerprint, "to hatui both mean the same"
    assert new.effective().without_effect == ()
    moved = config(
        reading(service.format(algorithm="wlc").replace(" lb", "   lb") + "# moved\n" + settings + with_lines())
    )
    assert plan(new, moved).lines == ()


def test_timing_of_both_versions() -> None:
    assert skew_time(VI) == 156 * NS_PER_S // 256
    fast = msgspec.structs.replace(VI, version=3, advert_interval=NS_PER_S // 100, priority=254)
    assert master_down_time(fast) == 30_000_000 + 2 * 10_000_000 // 256
