"""References, weights and sync groups: each rule with a sample that fails and one that passes."""

from __future__ import annotations

import pytest

from engine.config.lint import findings
from tests.config.lint_case import FILE, instance, mended, only, read, script, told

TRACKED = "track_script {\n chk\n}"
SERVER_A = """\
global_defs {
        router_id       master
}
vrrp_script check_nginx {
        script  "/usr/local/keepalived/check_nginx.sh"
        interval        2
        weight  2
}
vrrp_instance VI_1 {
        state   MASTER
        interface       eth0
        mcast_src_ip    10.211.55.22
        virtual_router_id       50
        priority        100
        advert_int      1
        authentication  {
                auth_type       PASS
                auth_pass       1111
        }
        virtual_ipaddress {
                10.211.55.50
        }
}
"""


def pair(body: str = "", group: str = "", other: str = "", first: str = "") -> str:
    return (
        f"vrrp_sync_group VG {{\n    group {{\n        VI_1\n        VI_2\n    }}\n    {group}\n}}\n"
        + instance(body, start=first)
        + instance(other, name="VI_2", vrid=61, vip="10.0.1.100/24")
    )


CASES = [
    # code, fails, passes
    ("L-TRACK-REF", script() + instance(), script() + instance(TRACKED)),
    (
        "L-TRACK-REF",
        "track_file f {\n file /f\n}\n" + instance(),
        "track_file f {\n file /f\n}\n" + instance("track_file {\n f\n}"),
    ),
    (
        "L-TRACK-REF",
        'vrrp_track_process p {\n process "nginx"\n}\n' + instance(),
        'vrrp_track_process p {\n process "nginx"\n}\n' + instance("track_process {\n p\n}"),
    ),
    ("L-TRACK-REF", instance(TRACKED), script() + instance(TRACKED)),
    ("L-TRACK-REF", instance(TRACKED) + script(), script() + instance(TRACKED)),
    ("L-TRACK-REF", script() + pair(), script() + pair(group=TRACKED)),
    ("L-WEIGHT", script("weight 2") + instance(TRACKED), script("weight 60") + instance(TRACKED)),
    ("L-WEIGHT", script("weight -1") + instance(TRACKED), script("weight 0") + instance(TRACKED)),
    ("L-WEIGHT", script() + instance("track_script {\n chk weight 1\n}"), script() + instance(TRACKED)),
    ("L-WEIGHT", script("weight 2") + instance(), script("weight 20") + instance()),
    ("L-WEIGHT-ZERO", script("rise 1") + instance(TRACKED), script("weight 0") + instance(TRACKED)),
    (
        "L-WEIGHT-ZERO",
        script("rise 1") + instance(TRACKED),
        script("rise 1") + instance("track_script {\n chk weight -9\n}"),
    ),
    ("L-WEIGHT-CLAMP", script("weight 200") + instance(TRACKED), script("weight 154") + instance(TRACKED)),
    (
        "L-WEIGHT-CLAMP",
        script("weight -50") + script("weight -50", name="two") + instance("track_script {\n chk\n two\n}"),
        script("weight -50") + script("weight -49", name="two") + instance("track_script {\n chk\n two\n}"),
    ),
    ("L-WEIGHT-CLAMP", script("weight 155") + instance(TRACKED), script("weight -200") + instance(TRACKED)),
    (
        "L-WEIGHT-CLAMP",
        script("weight -155 reverse") + instance(TRACKED),
        script("weight 155 reverse") + instance(TRACKED),
    ),
    (
        "L-OWNER-TRACK",
        script() + instance(TRACKED, start="priority 255\n"),
        script("weight 0") + instance(TRACKED, start="priority 255\n"),
    ),
    ("L-TRACK-SELF", instance("track_interface {\n eth0\n}"), instance("track_interface {\n eth1\n}")),
    (
        "L-NOPREEMPT-WEIGHT",
        script() + instance("nopreempt\n" + TRACKED),
        script("weight 0") + instance("nopreempt\n" + TRACKED),
    ),
    ("L-NOPREEMPT-WEIGHT", script() + instance("nopreempt\n" + TRACKED), script() + instance(TRACKED)),
    (
        "L-SYNC-SINGLE",
        "vrrp_sync_group VG {\n group {\n VI_1\n }\n}\n" + instance(),
        pair(),
    ),
    ("L-SYNC-REF", pair() .replace("VI_2\n    }", "VI_9\n    }"), pair()),
    ("L-SYNC-PRIO", pair(first="priority 90\n"), pair()),
    ("L-SYNC-WEIGHT", script() + pair(TRACKED), script() + pair(TRACKED, "sync_group_tracking_weight")),
    ("L-SYNC-WEIGHT", script() + pair(group=TRACKED), script("weight 0") + pair(group=TRACKED)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fails", "passes"), CASES, ids=[case[0] for case in CASES])
def test_rule_finds_the_failing_sample_and_spares_the_passing_one(code: str, fails: str, passes: str) -> None:
    found = told(fails, code)
    assert len(found) == 1
    assert found[0].why
    assert found[0].todo
    assert told(passes, code) == []


def test_untracked_script_of_the_sample_is_never_run() -> None:
    one = only(SERVER_A, "L-TRACK-REF")
    assert (one.severity, one.line, one.column, one.end_column) == ("warning", 4, 13, 24)
    assert one.what == "script check_nginx is never run: no instance or sync group lists it in track_script"
    assert one.todo == "List it in track_script of vrrp_instance VI_1."


def test_fix_of_the_sample_inserts_the_block_with_the_file_s_own_indentation() -> None:
    text = mended(SERVER_A, "L-TRACK-REF")
    added = "        track_script {\n                check_nginx\n        }\n"
    assert text == SERVER_A.removesuffix("}\n") + added + "}\n"
    assert mended(text, "L-TRACK-REF") == text


def test_weight_of_the_sample_is_told_as_a_condition() -> None:
    one = only(SERVER_A, "L-WEIGHT")
    assert (one.severity, one.line) == ("info", 7)
    assert one.what == (
        "weight 2 moves the address of VI_1 only if the other node's priority differs by less than 2 from 100"
    )


def test_fix_uses_the_track_block_that_is_there() -> None:
    text = script(name="old") + script(name="chk") + instance("track_script {\n    old\n}")
    assert "    track_script {\n        old\n        chk\n    }\n}\n" in mended(text, "L-TRACK-REF")


def test_two_untracked_scripts_end_up_in_one_block() -> None:
    text = mended(script(name="one") + script(name="two") + instance(), "L-TRACK-REF")
    assert text.endswith("    track_script {\n        one\n        two\n    }\n}\n")


def test_fix_goes_into_the_sync_group_of_all_instances() -> None:
    text = mended(script() + pair(), "L-TRACK-REF")
    assert "    track_script {\n        chk\n    }\n}\nvrrp_instance VI_1" in text


def test_fix_keeps_tabs_and_carriage_returns() -> None:
    text = (script() + instance()).replace("    ", "\t").replace("\n", "\r\n")
    assert mended(text, "L-TRACK-REF").endswith("\ttrack_script {\r\n\t\tchk\r\n\t}\r\n}\r\n")


def test_with_two_instances_the_choice_is_left_to_the_operator() -> None:
    assert only(script() + instance() + instance(name="VI_2", vrid=61), "L-TRACK-REF").fix is None


def test_script_below_its_only_instance_is_not_mended_into_a_reference_that_would_be_ignored() -> None:
    one = only(instance() + script(), "L-TRACK-REF")
    assert one.fix is None
    assert one.todo == "Move vrrp_script chk above the instance, and list it in the track_script block there."


def test_misspelt_reference_is_mended() -> None:
    text = script(name="check_nginx") + instance("track_script {\n    check_ngnix weight -5\n}")
    assert "check_nginx weight -5" in mended(text, "L-TRACK-REF")
    assert any("nearest: check_nginx" in one.what for one in told(text, "L-TRACK-REF"))


@pytest.mark.parametrize(
    "text",
    [
        script() + "include more.conf\n" + instance(),
        script() + instance("@other track_script {\n@other chk\n@other }"),
        script() + instance("$TRACKS"),
        script(name="$NAME") + instance(),
        instance("include tracks.conf"),
        script() + instance("mcast_src_ip {{ address }}\n" + TRACKED),
        script() + instance("unknown_block {\n" + TRACKED),
    ],
)
def test_what_may_stand_elsewhere_is_not_called_missing(text: str) -> None:
    assert told(text, "L-TRACK-REF") == []
    assert "C-UNUSED" not in {one.code for one in findings(read(text))}


def test_reference_in_an_included_file_counts() -> None:
    texts = {FILE: script() + "include vi.conf\n", "/etc/keepalived/vi.conf": instance(TRACKED)}
    assert told(texts, "L-TRACK-REF") == []


def test_finding_in_an_included_file_is_placed_there() -> None:
    texts = {FILE: "include chk.conf\n" + instance(), "/etc/keepalived/chk.conf": script()}
    one = only(texts, "L-TRACK-REF")
    assert one.file == "/etc/keepalived/chk.conf"
    assert one.fix is not None
    assert one.fix.edits[0].file == FILE


def test_weight_on_the_tracking_line_counts_instead_of_the_script_s() -> None:
    text = script("weight 2") + instance("track_script {\n    chk weight -50\n}")
    assert told(text, "L-WEIGHT") == []


def test_small_weight_of_several_instances_is_told_once() -> None:
    two = instance(TRACKED) + instance(TRACKED, name="VI_2", vrid=61, vip="10.0.1.100/24")
    assert only(script("weight 2") + two, "L-WEIGHT").what == (
        "weight 2 moves the address of VI_1, VI_2 only if the other node's priority differs by less than 2 from 100"
    )


def test_unknown_weight_or_priority_is_not_judged() -> None:
    assert told(script("weight $W") + instance(TRACKED), "L-WEIGHT") == []
    assert told(script("weight 2") + instance(TRACKED, start="priority $P\n"), "L-WEIGHT") == []
    assert told(script("weight 200") + instance(TRACKED, start="priority $P\n"), "L-WEIGHT-CLAMP") == []


def test_own_interface_is_taken_out_of_a_list_and_an_only_one_with_its_block() -> None:
    two = instance("track_interface {\n    eth0\n    eth1\n}")
    assert mended(two, "L-TRACK-SELF") == two.replace("        eth0\n", "")
    assert mended(instance("track_interface {\n    eth0\n}"), "L-TRACK-SELF") == instance()


def test_interface_that_comes_from_a_parameter_is_compared_by_its_value() -> None:
    text = "$IF=eth0\n" + instance("track_interface {\n    $IF\n}")
    assert only(text, "L-TRACK-SELF").column == 9


def test_nopreempt_with_state_master_has_no_effect_and_so_no_such_trap() -> None:
    text = script() + instance("nopreempt\n" + TRACKED, start="state MASTER\npriority 100\n")
    assert told(text, "L-NOPREEMPT-WEIGHT") == []


def test_unknown_member_of_a_group_is_mended_when_it_is_misspelt() -> None:
    text = pair().replace("VI_2\n    }", "Vi_2\n    }")
    assert mended(text, "L-SYNC-REF") == pair()
