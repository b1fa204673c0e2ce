"""What takes two nodes' files to see."""

from __future__ import annotations

import pytest

from engine.config.lint import lint
from tests.config.lint_case import FILE, instance, mended, only, read, script, told
from tests.config.test_lint_track import SERVER_A, TRACKED

SERVER_B = (
    SERVER_A.replace("MASTER", "BACKUP")
    .replace("       master", "       backup")
    .replace("55.22", "55.23")
    .replace("priority        100", "priority        50")
)


def node(priority: int, body: str = "", state: str = "BACKUP", vip: str = "10.0.0.100/24", vrid: int = 60) -> str:
    return instance(body, start=f"    state {state}\n    priority {priority}\n", vip=vip, vrid=vrid)


def auth(secret: str, kind: str = "PASS") -> str:
    return f"authentication {{\n auth_type {kind}\n auth_pass {secret}\n}}"


def uni(own: str, peer: str) -> str:
    return f"unicast_src_ip {own}\nunicast_peer {{\n {peer}\n}}"


def hmac(active: int, *others: int, mode: str = "enforce", secret: str = "a" * 32) -> str:
    keys = "".join(f" key {number} {secret}\n" for number in (active, *others))
    return f"auth_hmac {{\n{keys} active_key {active}\n mode {mode}\n}}"


A, B = node(100), node(50)
HEX = "hex:" + "61" * 32
CASES = [
    # code, ours, theirs that fails, theirs that passes
    ("L-PRIO-EQUAL", A, node(100), B),
    ("L-STATE-BOTH", node(100, state="MASTER"), node(50, state="MASTER"), B),
    ("L-NOPREEMPT", A, node(50, "nopreempt"), B),
    ("L-NOPREEMPT", node(50, "nopreempt"), A, node(100, "nopreempt")),
    ("L-NOPREEMPT", node(50, "nopreempt"), node(100, "nopreempt", state="MASTER"), node(100, "nopreempt")),
    ("L-NOPREEMPT-WEIGHT", script("weight -60") + node(100, TRACKED), node(50, "nopreempt"), B),
    ("L-WEIGHT", script("weight -50") + node(100, TRACKED), B, node(51)),
    ("L-WEIGHT", script("weight 20") + node(100, TRACKED), script("weight 20") + node(80, TRACKED),
     script("weight 20") + node(81, TRACKED)),
    ("L-WEIGHT", script("weight 20") + node(100, TRACKED), script("weight 20") + node(90),
     script("weight 20") + node(90, TRACKED)),
    ("L-ADVINT-PEER", node(100, "advert_int 2"), B, node(50, "advert_int 2")),
    ("L-ADVINT-PEER", node(100, "version 3\nadvert_int 0.1"), node(50, "version 3"),
     node(50, "version 3\nadvert_int 0.10")),
    ("L-DOWN-TIMER-PEER", A, node(50, "down_timer_adverts 5"), "global_defs {\n vrrp_down_timer_adverts 3\n}\n" + B),
    ("L-VERSION-PEER", A, node(50, "version 3"), "global_defs {\n vrrp_version 2\n}\n" + B),
    ("L-AUTH-PEER", node(100, auth("tulip")), node(50, auth("rose")), node(50, auth("tulip"))),
    ("L-AUTH-PEER", node(100, auth("tulip")), B, node(50, auth("tulip"))),
    ("L-AUTH-PEER", node(100, auth("tulip")), node(50, auth("tulip", "AH")), node(50, auth("tulip"))),
    ("L-AUTH-PEER", node(100, auth("tulipfields")), node(50, auth("tulips")), node(50, auth("tulipfieldx"))),
    ("L-AUTH-PEER", node(100, hmac(1)), B, node(50, hmac(1))),
    ("L-AUTH-PEER", A, node(50, hmac(1)), node(50, hmac(1, mode="receive-only"))),
    ("L-AUTH-PEER", node(100, hmac(1)), node(50, hmac(2)), node(50, hmac(1, 2))),
    ("L-AUTH-PEER", node(100, hmac(1)), node(50, hmac(1, secret="b" * 32)), node(50, hmac(1, secret=HEX))),
    ("L-AUTH-PEER", node(100, hmac(1)), node(50, hmac(1, mode="receive-only")), node(50, hmac(1, mode="permissive"))),
    ("L-AUTH-PEER", node(100, hmac(1)), node(50, hmac(1, secret="b" * 32)), node(50, hmac(1, secret="file:/etc/key"))),
    ("L-UNICAST-PEER", node(100, uni("10.0.0.1", "10.0.0.2")), B, node(50, uni("10.0.0.2", "10.0.0.1"))),
    ("L-UNICAST-PEER", A, node(50, uni("10.0.0.2", "10.0.0.1")), B),
    ("L-UNICAST-PEER", node(100, uni("10.0.0.1", "10.0.0.2")), node(50, uni("10.0.0.2", "10.0.0.9")),
     node(50, uni("10.0.0.2", "10.0.0.1"))),
    ("L-VIP-PEER", A, node(50, vip="10.0.0.101/24"), node(50, vip="10.0.0.100/32")),
    ("L-VRID-PEER", A, node(50, vrid=61), B),
]  # fmt: skip


@pytest.mark.parametrize(("code", "ours", "fails", "passes"), CASES, ids=[case[0] for case in CASES])
def test_rule_finds_the_failing_pair_and_spares_the_passing_one(code: str, ours: str, fails: str, passes: str) -> None:
    one = only(ours, code, fails)
    assert one.why
    assert one.todo
    assert told(ours, code, passes) == []
    if code not in ("L-WEIGHT", "L-NOPREEMPT-WEIGHT"):
        assert told(ours, code) == []


def test_pair_of_two_good_files_has_nothing_to_say() -> None:
    assert [one.code for one in lint(read(A), [read(B)])] == [one.code for one in lint(read(A))]


def test_weight_of_the_sample_pair_is_certain_and_its_fix_moves_the_address() -> None:
    tracked = mended(SERVER_A, "L-TRACK-REF")
    peer = mended(SERVER_B, "L-TRACK-REF")
    one = only(tracked, "L-WEIGHT", peer)
    assert (one.severity, one.line) == ("error", 7)
    assert one.what == (
        "if check_nginx fails here, the priority of VI_1 goes 102 -> 100, and the other node has 52: "
        "the address stays here"
    )
    text = mended(tracked, "L-WEIGHT", peer)
    assert "        weight  -60\n" in text
    assert told(text, "L-WEIGHT", peer) == []


def test_weight_of_the_untouched_sample_pair_is_told_as_what_would_be() -> None:
    one = only(SERVER_A, "L-WEIGHT", SERVER_B)
    assert one.what.startswith("even if check_nginx were tracked, when it fails here, the priority of VI_1")
    assert told(SERVER_B, "L-WEIGHT", SERVER_A) == []


def test_equal_priorities_after_a_failure_do_not_move_the_address() -> None:
    assert told(script("weight -50") + node(100, TRACKED), "L-WEIGHT", B)
    assert not told(script("weight -51") + node(100, TRACKED), "L-WEIGHT", B)


def test_weight_that_cannot_be_large_enough_gets_no_fix() -> None:
    one = only(script("weight -2") + node(20, TRACKED), "L-WEIGHT", node(3))
    assert one.fix is None
    assert one.todo == "Use no weight: a failure is then FAULT."


def test_address_moves_when_any_of_several_peers_is_higher() -> None:
    ours = script("weight -20") + node(100, TRACKED)
    assert told(ours, "L-WEIGHT", B)
    assert told(ours, "L-WEIGHT", B, node(90)) == []


def test_owner_and_unknown_values_are_not_judged() -> None:
    assert told(script("weight -2") + node(255, TRACKED), "L-WEIGHT", B) == []
    assert told(script("weight -2") + instance(TRACKED, start="priority $P\n"), "L-WEIGHT", B) == []
    assert told(script("weight -2") + node(100, TRACKED), "L-WEIGHT", instance(start="priority $P\n")) == []


def test_half_written_key_of_auth_hmac_is_left_to_other_rules() -> None:
    half = node(100, "auth_hmac {\n key\n}")
    assert told(half, "L-AUTH-PEER", half) == []


def test_password_is_never_told() -> None:
    one = only(node(100, auth("tulip")), "L-AUTH-PEER", node(50, auth("rose")))
    assert "tulip" not in repr(one)
    assert "rose" not in repr(one)
    assert one.what == "VI_1 has another password in the other node"


def test_version_3_ignores_the_interval_of_the_other_less_badly() -> None:
    one = only(node(100, "version 3\nadvert_int 0.1"), "L-ADVINT-PEER", node(50, "version 3"))
    assert one.severity == "warning"
    assert one.what == "VI_1 advertises every 0.1 s here and every 1 s in the other node"


def test_addresses_from_parameters_or_unread_files_are_not_compared() -> None:
    assert told(A, "L-VIP-PEER", node(50, vip="$VIP")) == []
    assert told(A, "L-VIP-PEER", "include more.conf\n" + node(50, vip="10.0.0.7/24")) == []


def test_other_file_is_called_by_its_name_where_that_tells_them_apart() -> None:
    def called(path: str) -> str:
        return lint(read(A), [read({path: node(100)})])[-1].what.rpartition(" in ")[2]

    assert called("/etc/keepalived/b.conf") == "b.conf"
    assert called("/srv/b/keepalived.conf") == "/srv/b/keepalived.conf"


def test_one_vrid_on_two_interfaces_is_compared_with_the_same_interface() -> None:
    other = instance("interface eth1", name="VI_2", vip="10.9.0.1/24", start="priority 100\n")
    assert told(A + other, "L-PRIO-EQUAL", B + other.replace("100", "70")) == []
    assert len(told(A + other, "L-PRIO-EQUAL", B + other)) == 1


def test_interface_of_another_name_is_found_by_the_address() -> None:
    other = instance("interface eth1", name="VI_2", vip="10.9.0.1/24", start="priority 100\n")
    renamed = (node(100) + other).replace("eth0", "ens3").replace("eth1", "ens4")
    assert len(told(A + other, "L-PRIO-EQUAL", renamed)) == 2


def test_findings_are_about_the_file_that_is_checked() -> None:
    assert {one.file for one in lint(read(A), [read({"/etc/other/b.conf": node(100)})])} == {FILE}
