"""State, priority, preemption, addresses, timing, authentication, unicast: failing and passing samples."""

from __future__ import annotations

import pytest

from tests.config.lint_case import instance, mended, only, told


def auth(secret: str = "tulipbed", kind: str = "PASS") -> str:
    return f"authentication {{\n auth_type {kind}\n auth_pass {secret}\n}}"


def uni(own: str, *peers: str) -> str:
    lines = "".join(f"    {peer}\n" for peer in peers)
    return (f"unicast_src_ip {own}\n" if own else "") + (f"unicast_peer {{\n{lines}}}" if peers else "")


def hmac(body: str) -> str:
    return f"auth_hmac {{\n{body}\n}}"


KEY = "0123456789abcdef" * 2
STRICT = "global_defs {\n    vrrp_strict\n}\n"
MASTER = "    state MASTER\n    priority 100\n"
OWNER = "    priority 255\n"
MANY = "\n".join(f"        10.0.1.{last}/24" for last in range(1, 22)).strip()

CASES = [
    # code, fails, passes
    ("L-STATE", instance(start="    state SLAVE\n    priority 100\n"), instance()),
    ("L-STATE", instance(start="    state master\n    priority 100\n"), instance(start=MASTER)),
    ("L-PRIO-DEFAULT", instance(start="    state BACKUP\n"), instance()),
    ("L-OWNER", instance(start=OWNER), instance("mcast_src_ip 10.0.0.100", start=OWNER)),
    ("L-OWNER", instance(start="    state MASTER\n"), instance(start=MASTER)),
    ("L-NOPREEMPT", instance("nopreempt", start=MASTER), instance("nopreempt")),
    ("L-NOPREEMPT", instance("nopreempt", start=OWNER), instance("nopreempt")),
    ("L-NOPREEMPT", instance("preempt_delay 5", start=MASTER), instance("preempt_delay 5")),
    ("L-NOPREEMPT", instance("nopreempt\npreempt_delay 5"), instance("nopreempt\npreempt_delay 0")),
    ("L-STRICT", STRICT + instance(), instance()),
    ("L-STRICT", instance("strict_mode on"), instance("strict_mode off")),
    ("L-STRICT", STRICT + instance("version 3\naccept\npreempt_delay 5"), STRICT + instance("version 3\naccept")),
    ("L-STRICT", STRICT + instance(auth(), start=OWNER), STRICT + instance(start=OWNER)),
    ("L-ADVINT", instance("advert_int 0.5"), instance("advert_int 0.5\nversion 3")),
    ("L-ADVINT", instance("advert_int 1.5"), instance("advert_int 2")),
    ("L-ADVINT", instance("advert_int 0.125\nversion 3"), instance("advert_int 0.12\nversion 3")),
    ("L-ADVINT", instance("advert_int 41\nversion 3"), instance("advert_int 41")),
    ("L-VRID-SAMPLE", instance(vrid=51), instance(vrid=52)),
    ("L-ALIAS", instance("interface eth0:1"), instance("interface eth0.1")),
    ("L-NO-VIP", instance(vip=""), instance()),
    ("L-VIP-TWICE", instance(vip="10.0.0.100/24\n 10.0.0.100/24"), instance(vip="10.0.0.100/24\n 10.0.0.101/24")),
    (
        "L-VIP-TWICE",
        instance() + instance(name="VI_2", vrid=61),
        instance() + instance("interface eth1", name="VI_2", vrid=61),
    ),
    ("L-VIP-TWICE", instance("virtual_ipaddress_excluded {\n 10.0.0.100/32\n}"), instance()),
    ("L-VIP-MANY", instance(vip=MANY), instance(vip=MANY.rpartition("\n")[0])),
    ("L-PREFIX", instance(vip="10.0.0.100"), instance(vip="10.0.0.100/32")),
    ("L-PREFIX", instance(vip="2001:db8::1"), instance(vip="2001:db8::1/64")),
    ("L-PREFIX-HOST", instance(vip="10.0.0.100/24\n 10.0.0.101/32"), instance(vip="10.0.0.100/32\n 10.0.0.101/32")),
    ("L-SUBNET", instance("mcast_src_ip 10.1.0.1"), instance("mcast_src_ip 10.0.0.1")),
    (
        "L-SUBNET",
        instance("unicast_src_ip 10.1.0.1"),
        instance("unicast_src_ip 10.1.0.1", vip="10.0.0.100/24 dev eth1"),
    ),
    ("L-AUTH-LEN", instance(auth("tulipbeds")), instance(auth("tulipbed"))),
    ("L-AUTH-SAMPLE", instance(auth("1111")), instance(auth("t1l7p"))),
    ("L-AUTH-SAMPLE", instance(auth("PASSWORD")), instance(auth("pasword9"))),
    ("L-AUTH-SAMPLE", instance(auth("2345")), instance(auth("2435"))),
    ("L-AUTH-AH", instance(auth(kind="AH")), instance(auth())),
    ("L-AUTH-V3", instance("version 3\n" + auth()), instance(auth())),
    ("L-AUTH-V3", instance(auth(), vip="2001:db8::1/64"), instance("version 2\n" + auth())),
    ("L-AUTH-V3", instance(auth(), vip="2001:db8::1/64"), STRICT + instance(auth(), start=OWNER)),
    ("L-AUTH-V3", instance(auth('""')), instance(auth())),
    ("L-HMAC", instance(hmac(f"key 1 {KEY}\nactive_key 2")), instance(hmac(f"key 1 {KEY}\nactive_key 1"))),
    ("L-HMAC", instance(hmac("key 1 short\nactive_key 1")), instance(hmac("key 1 file:/k\nactive_key 1"))),
    ("L-HMAC", instance(hmac(f"key 1 hex:{KEY}\nactive_key 1")), instance(hmac(f"key 1 hex:{KEY * 2}\nactive_key 1"))),
    (
        "L-HMAC",
        instance(hmac(f"key 1 {KEY}\nactive_key 1\ntime_window 301")),
        instance(hmac(f"key 1 {KEY}\nactive_key 1\ntime_window 300")),
    ),
    ("L-HMAC", instance(auth() + "\n" + hmac(f"key 1 {KEY}\nactive_key 1")), instance(auth())),
    ("L-UNICAST", instance(uni("10.0.0.1")), instance(uni("10.0.0.1", "10.0.0.2"))),
    ("L-UNICAST", instance(uni("", "10.0.0.2")), instance(uni("10.0.0.1", "10.0.0.2"))),
    ("L-UNICAST", instance(uni("10.0.0.1", "10.0.0.2", "10.0.0.1")), instance(uni("10.0.0.1", "10.0.0.2", "10.0.0.3"))),
    ("L-UNICAST", instance(uni("10.0.0.1")), instance(uni("10.0.0.1") + "unicast_fault_no_peer")),
]


@pytest.mark.parametrize(("code", "fails", "passes"), CASES, ids=[case[0] for case in CASES])
def test_rule_finds_the_failing_sample_and_spares_the_passing_one(code: str, fails: str, passes: str) -> None:
    found = told(fails, code)
    assert len(found) == 1
    assert found[0].why
    assert found[0].todo
    assert told(passes, code) == []


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("L-STATE", instance(start="    state SLAVE\n    priority 100\n"), instance()),
        ("L-STATE", instance(start="    state Master\n    priority 100\n"), instance(start=MASTER)),
        ("L-NOPREEMPT", instance("nopreempt", start=MASTER), instance("nopreempt")),
        ("L-NOPREEMPT", instance("nopreempt\npreempt_delay 5"), instance("nopreempt")),
        ("L-STRICT", STRICT + instance(), "global_defs {\n}\n" + instance()),
        ("L-ALIAS", instance("interface eth0:1"), instance("interface eth0")),
        ("L-AUTH-LEN", instance(auth("tulipbeds4")), instance(auth("tulipbed"))),
        ("L-AUTH-V3", instance("version 3\n" + auth()), instance("version 3")),
        ("L-UNICAST", instance(uni("10.0.0.1", "10.0.0.2", "10.0.0.1")), instance(uni("10.0.0.1", "10.0.0.2"))),
    ],
)
def test_fix_mends_the_sample(code: str, before: str, after: str) -> None:
    assert mended(before, code) == after
    assert mended(after, code) == after


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("L-STATE", instance(start="    state $STATE\n    priority 100\n")),
        ("L-PRIO-DEFAULT", instance("@one priority 100", start="    state BACKUP\n")),
        ("L-PRIO-DEFAULT", "include more.conf\n" + instance(start="    state BACKUP\n")),
        ("L-OWNER", instance(start="    priority $P\n")),
        ("L-NO-VIP", instance("$VIPS", vip="")),
        ("L-NO-VIP", instance("@one virtual_ipaddress {\n@one 10.0.0.1/24\n@one }", vip="")),
        ("L-NO-VIP", instance("no_virtual_ipaddress", vip="")),
        ("L-VIP-TWICE", instance("interface $IF") + instance("interface $OTHER", name="VI_2", vrid=61)),
        ("L-ADVINT", instance("advert_int $SECONDS")),
        ("L-ADVINT", instance("advert_int 0.5\nversion $V")),
        ("L-AUTH-LEN", instance(auth("$PASSWORD_OF_MINE"))),
        ("L-UNICAST", instance("unicast_src_ip 10.0.0.1\n@one unicast_peer {\n@one 10.0.0.2\n@one }")),
        ("L-SUBNET", instance("mcast_src_ip 10.1.0.1", vip="10.0.0.100")),
        ("L-SUBNET", instance("mcast_src_ip 10.1.0.1", vip="10.0.0.100/24\n $MORE")),
    ],
)
def test_what_is_not_known_is_not_judged(code: str, text: str) -> None:
    assert told(text, code) == []


def test_password_is_cut_by_a_fix_that_does_not_hold_it() -> None:
    one = only(instance(auth("tulipbeds")), "L-AUTH-LEN")
    assert "tulip" not in repr(one)
    assert one.what == "the password has 9 characters; only the first 8 count"


def test_interval_of_version_2_is_told_with_both_failover_times() -> None:
    assert only(instance("advert_int 0.5"), "L-ADVINT").what == (
        "advert_int 0.5 needs version 3; as version 2 it runs at 1 s, so a failover takes 3.6 s, not 1.8 s"
    )


def test_global_version_counts_where_the_instance_has_none() -> None:
    assert told("global_defs {\n vrrp_version 3\n}\n" + instance("advert_int 0.5"), "L-ADVINT") == []


def test_addresses_without_prefix_are_told_once_for_each_instance() -> None:
    one = only(instance(vip="10.0.0.1\n 10.0.0.2\n 10.0.0.3/24"), "L-PREFIX")
    assert one.severity == "info"
    assert one.what == "10.0.0.1 (and 1 more) has no prefix length and becomes /32"


def test_strict_mode_of_the_whole_file_is_told_once() -> None:
    two = instance() + instance(name="VI_2", vrid=61, vip="10.0.1.1/24")
    assert only(STRICT + two, "L-STRICT").line == 2
