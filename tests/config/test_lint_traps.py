"""Traps of real files, most frequent first: each is told, by lint or by reading, and by one code."""

from __future__ import annotations

import pytest

from engine.config.lint import findings
from tests.config.lint_case import instance, read, script
from tests.config.test_lint_instance import OWNER, STRICT, auth, uni
from tests.config.test_lint_text import REAL, defs, server
from tests.config.test_lint_track import TRACKED

CHECKED = script() + instance(TRACKED)
TRAPS = [
    ("VIP without a prefix length", "L-PREFIX", instance(vip="10.0.0.100")),
    ("scripts without script_user", "L-SCRIPT-USER", CHECKED),
    ("scripts without enable_script_security", "L-SCRIPT-SECURITY", CHECKED),
    ("VRID 51", "L-VRID-SAMPLE", instance(vrid=51)),
    ("sample password", "L-AUTH-SAMPLE", instance(auth("1111"))),
    ("password longer than 8", "L-AUTH-LEN", instance(auth("tulipbeds"))),
    ("check asks for a process", "L-PROCESS-CHECK", script(command='"killall -0 nginx"')),
    ("router_id of the sample", "L-ROUTER-ID", defs("router_id LVS_DEVEL")),
    ("script without an absolute path", "L-SCRIPT-PATH", script(command='"check web"')),
    ("weight 1 or 2", "L-WEIGHT", script("weight 2") + instance(TRACKED)),
    ("nb_get_retry", "L-RETIRED", server(REAL.replace("CHECK {", "CHECK {\n nb_get_retry 3"))),
    ("script without weight", "L-WEIGHT-ZERO", script("rise 1") + instance(TRACKED)),
    ("placeholder", "L-PLACEHOLDER", instance("interface __NIC__")),
    ("priority 255", "L-OWNER", instance(start=OWNER)),
    ("own interface tracked", "L-TRACK-SELF", instance("track_interface {\n eth0\n}")),
    ("no VIP", "L-NO-VIP", instance(vip="")),
    ("mail settings of the sample", "L-EMAIL-SAMPLE", defs("notification_email_from a@firewall.loc")),
    ("sync group of one", "L-SYNC-SINGLE", "vrrp_sync_group G {\n group {\n VI_1\n }\n}\n" + instance()),
    ("nat_mask", "L-RETIRED", server("nat_mask 255.255.255.0\n    " + REAL)),
    ("another state", "L-STATE", instance(start="    state SLAVE\n    priority 100\n")),
    ("255 with weights", "L-OWNER-TRACK", script() + instance(TRACKED, start=OWNER)),
    ("undefined script tracked", "L-TRACK-REF", instance(TRACKED)),
    ("host address beside a network", "L-PREFIX-HOST", instance(vip="10.0.0.1/24\n 10.0.0.2/32")),
    ("no interface", "C-FATAL", instance().replace("interface eth0", "")),
    ("no priority", "L-PRIO-DEFAULT", instance(start="    state BACKUP\n")),
    ("real server without checker", "L-NO-CHECKER", server("real_server 10.0.0.1 80 {\n    weight 1\n    }")),
    ("MASTER with nopreempt", "L-NOPREEMPT", instance("nopreempt", start="    state MASTER\n    priority 9\n")),
    ("no VRID", "C-FATAL", instance().replace("virtual_router_id 60", "")),
    ("VRID that is no number", "C-VALUE", instance().replace("virtual_router_id 60", "virtual_router_id sixty")),
    ("script never tracked", "L-TRACK-REF", script() + instance()),
    ("AH", "L-AUTH-AH", instance(auth(kind="AH"))),
    ("shell syntax", "L-SCRIPT-SHELL", script(command='"/bin/a || exit 1"')),
    ("merge markers", "L-MERGE", "<<<<<<< HEAD\n" + instance()),
    ("instance name twice", "C-DUPLICATE", instance() + instance(vrid=61, vip="10.0.1.1/24")),
    ("unicast without a source", "L-UNICAST", instance(uni("", "10.0.0.2"))),
    ("brace too few", "C-UNCLOSED", instance().removesuffix("}\n")),
    ("brace too many", "C-BRACE", instance() + "}\n"),
    ("script name twice", "C-DUPLICATE", script() + script() + instance(TRACKED)),
    ("authentication with version 3", "L-AUTH-V3", instance("version 3\n" + auth())),
    ("strict with authentication", "L-STRICT", STRICT + instance(auth(), start=OWNER)),
    ("source outside the network", "L-SUBNET", instance("mcast_src_ip 10.1.0.1")),
    ("weights beyond 254", "L-WEIGHT-CLAMP", script("weight 200") + instance(TRACKED)),
    ("value after a switch", "L-FLAG-ARG", instance("nopreempt 1")),
    ("timeout longer than interval", "L-TIMEOUT", script("timeout 3")),
    ("another port behind DR", "L-REAL-PORT", server("lb_kind DR\n    " + REAL, "10.0.0.9 443")),
    ("semicolon", "L-SEMICOLON", instance("advert_int 1;")),
    ("shell prompt", "L-PASTE", "[root@lb1 ~]# vi keepalived.conf\n" + instance()),
    ("unquoted notify arguments", "L-NOTIFY", instance("notify_master /bin/x MASTER")),
    ("own address as peer", "L-UNICAST", instance(uni("10.0.0.1", "10.0.0.1", "10.0.0.2"))),
    ("one VIP in two instances", "L-VIP-TWICE", instance() + instance(name="VI_2", vrid=61)),
    ("fractional interval in version 2", "L-ADVINT", instance("advert_int 0.5")),
    (
        "more than 20 VIPs",
        "L-VIP-MANY",
        instance(vip="\n ".join(f"10.0.2.{last}/24" for last in range(1, 23))),
    ),
    ("unknown group member", "L-SYNC-REF", "vrrp_sync_group G {\n group {\n VI_1\n VI_9\n }\n}\n" + instance()),
    ("no real server", "L-NO-SERVER", server("delay_loop 6")),
    ("unquoted script arguments", "L-SCRIPT-ARGS", script(command="/bin/check web")),
    ("one VRID twice", "C-FATAL", instance() + instance(name="VI_2", vip="10.0.1.1/24")),
    ("both families in one list", "C-MEANING", instance(vip="10.0.0.1/24\n 2001:db8::1/64")),
    ("nopreempt with preempt_delay", "L-NOPREEMPT", instance("nopreempt\npreempt_delay 5")),
    (
        "group of different priorities",
        "L-SYNC-PRIO",
        "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n"
        + instance()
        + instance(name="VI_2", vrid=61, vip="10.0.1.1/24", start="    priority 90\n"),
    ),
    ("interface written as a label", "L-ALIAS", instance("interface eth0:1")),
    ("priority out of range", "C-RANGE", instance(start="    priority 300\n")),
    ("interval 0 of the sample", "L-GARP-ZERO", defs("vrrp_garp_interval 0")),
    ("off that means on", "C-OFF-MEANS-ON", defs("vrrp_strict off")),
]


@pytest.mark.parametrize(("trap", "code", "text"), TRAPS, ids=[trap for trap, _, _ in TRAPS])
def test_trap_is_told(trap: str, code: str, text: str) -> None:
    assert code in [one.code for one in findings(read(text))], trap


def test_traps_that_half_of_all_files_have_are_hints() -> None:
    for trap, code, text in TRAPS[:9]:
        (severity,) = {one.severity for one in findings(read(text)) if one.code == code}
        assert severity == ("warning" if code == "L-AUTH-LEN" else "info"), trap
