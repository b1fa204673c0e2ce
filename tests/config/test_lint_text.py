"""Leftovers in the text, and virtual servers: failing and passing samples."""

from __future__ import annotations

import pytest

from tests.config.lint_case import instance, mended, only, script, told


def defs(body: str) -> str:
    return f"global_defs {{\n    {body}\n}}\n"


def server(body: str, head: str = "10.0.0.9 80") -> str:
    return f"virtual_server {head} {{\n    {body}\n}}\n"


REAL = "real_server 10.0.0.1 80 {\n        TCP_CHECK {\n        }\n    }"
CASES = [
    # code, fails, passes
    ("L-MERGE", "<<<<<<< HEAD\n" + instance(), "# <<<<<<< HEAD\n" + instance()),
    ("L-MERGE", "=======\n" + instance(), "# =======\n" + instance()),
    ("L-MERGE", ">>>>>>> branch\n" + instance(), instance()),
    ("L-PASTE", "[root@lb1 ~]# cat keepalived.conf\n" + instance(), "# root@lb1 wrote this\n" + instance()),
    ("L-PASTE", "anna@lb1:~$ cat keepalived.conf\n" + instance(), defs("notification_email_from anna@lb1")),
    ("L-SEMICOLON", instance("advert_int 1;"), instance("advert_int 1")),
    ("L-SEMICOLON", instance("advert_int 1;"), script(command='"/bin/sh -c a;"')),
    ("L-PLACEHOLDER", instance("mcast_src_ip <IP>"), instance("mcast_src_ip 10.0.0.1")),
    ("L-PLACEHOLDER", instance("mcast_src_ip x.x.x.x"), instance("interface eth0.100")),
    ("L-PLACEHOLDER", instance("interface __NETWORK_NIC__"), instance("interface br__lan")),
    ("L-PLACEHOLDER", instance("mcast_src_ip {{ address }}"), instance("# mcast_src_ip {{ address }}")),
    ("L-PLACEHOLDER", instance("priority CHANGEME"), instance("priority 90")),
    ("L-PLACEHOLDER", instance(vip="192.168.x.x"), instance()),
    ("L-PLACEHOLDER", instance("mcast_src_ip YOUR_IP"), instance(name="YOUR_INSTANCE")),
    ("L-PLACEHOLDER", instance(vip="<--VIP-->"), instance()),
    ("L-PLACEHOLDER", instance("mcast_src_ip IP_GOES_HERE"), instance("interface lan_goes_out")),
    ("L-PLACEHOLDER", instance(name="<your_name>"), instance(name="IP_GOES_HERE")),
    ("L-FLAG-ARG", instance("nopreempt 1"), instance("nopreempt")),
    ("L-FLAG-ARG", instance("track_src_ip off"), instance("notify_priority_changes off")),
    ("L-VARIABLE", instance("advert_int $SECONDS"), "$SECONDS=2\n" + instance("advert_int $SECONDS")),
    ("L-VARIABLE", instance("mcast_src_ip 10.0.$X.1"), "$X=1\n" + instance("mcast_src_ip 10.0.${X}.1")),
    ("L-VARIABLE", instance("advert_int $SECONDS"), "include defs.conf\n" + instance("advert_int $SECONDS")),
    (
        "L-CONDITION",
        instance("@one track_interface {\n    eth1\n}"),
        instance("@one track_interface {\n@one eth1\n@one }"),
    ),
    ("L-CONDITION", "@one " + instance(), instance("@one advert_int 2")),
    ("L-RETIRED", server(REAL.replace("TCP_CHECK {", "TCP_CHECK {\n nb_get_retry 3")), server(REAL)),
    ("L-RETIRED", server("nat_mask 255.255.255.0\n    " + REAL), server(REAL)),
    ("L-ROUTER-ID", defs("router_id LVS_DEVEL"), defs("router_id lb1")),
    (
        "L-EMAIL-SAMPLE",
        defs("notification_email {\n        acassen@firewall.loc\n        failover@firewall.loc\n    }"),
        defs("notification_email {\n        anna@example.net\n    }"),
    ),
    ("L-EMAIL-SAMPLE", defs("notification_email_from Alexandre.Cassen@firewall.loc"), defs("router_id firewall.loc")),
    ("L-GARP-ZERO", defs("vrrp_garp_interval 0"), defs("vrrp_garp_interval 0.001")),
    ("L-GARP-ZERO", defs("vrrp_gna_interval 0"), defs("vrrp_garp_master_refresh 0")),
    ("L-GARP-ORDER", instance() + defs("vrrp_garp_master_repeat 2"), defs("vrrp_garp_master_repeat 2") + instance()),
    ("L-GARP-ORDER", instance() + defs("vrrp_garp_master_repeat 2"), instance() + defs("router_id a")),
    ("L-NO-CHECKER", server("real_server 10.0.0.1 80 {\n    weight 1\n    }"), server(REAL)),
    ("L-NO-SERVER", server("delay_loop 6"), server(REAL)),
    ("L-NO-SERVER", server("delay_loop 6"), server("sorry_server 10.0.0.7 80")),
    ("L-REAL-PORT", server("lb_kind DR\n    " + REAL, "10.0.0.9 443"), server("lb_kind DR\n    " + REAL)),
    ("L-REAL-PORT", server("lvs_method TUN\n    " + REAL, "10.0.0.9 443"), server(REAL, "10.0.0.9 443")),
    ("L-REAL-PORT", server("lb_kind DR\n    " + REAL, "10.0.0.9 443"), server("lb_kind DR\n    " + REAL, "fwmark 443")),
]  # fmt: skip


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
        ("L-SEMICOLON", instance("advert_int 1; # note"), instance("advert_int 1 # note")),
        ("L-FLAG-ARG", instance("nopreempt 1"), instance("nopreempt")),
        ("L-RETIRED", server("nat_mask 255.255.255.0\n    " + REAL), server(REAL)),
        (
            "L-RETIRED",
            server(REAL.replace("TCP_CHECK {", "TCP_CHECK {\n nb_get_retry 3")),
            server(REAL.replace("TCP_CHECK {", "TCP_CHECK {\n retry 3")),
        ),
        ("L-GARP-ZERO", defs("router_id a\n    vrrp_garp_interval 0"), defs("router_id a")),
        (
            "L-REAL-PORT",
            server("lb_kind DR\n    " + REAL, "10.0.0.9 443"),
            server("lb_kind DR\n    " + REAL.replace(" 80 ", " 443 "), "10.0.0.9 443"),
        ),
    ],
)
def test_fix_mends_the_sample(code: str, before: str, after: str) -> None:
    assert mended(before, code) == after
    assert mended(after, code) == after


def test_switch_that_is_meant_to_be_off_is_not_mended_by_guessing() -> None:
    one = only(instance("nopreempt off"), "L-FLAG-ARG")
    assert one.fix is None
    assert one.todo == "Remove the line to have nopreempt off."


def test_condition_is_found_whichever_node_reads_the_file() -> None:
    text = instance("@one track_interface {\n    eth1\n}")
    assert told(text, "L-CONDITION", config_id="one")
    assert told(text, "L-CONDITION", config_id="two")
