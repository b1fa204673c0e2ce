"""Beside a real keepalived: its states are told, nothing leaves this host, and nothing on it is changed."""

from __future__ import annotations

import pytest

from hatui.lab import Engine, Lab, start_engine, start_keepalived, wait_for
from tests.net.engine_talk import Talk, events, has_address, host_of, status

CONFIG = """\
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 50
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        10.211.55.50
    }}
}}
"""


@pytest.mark.programs("keepalived", "tcpdump")
def test_observer_tells_the_states_of_keepalived_sends_nothing_and_changes_nothing(lab: Lab) -> None:
    a, b = host_of(lab, "a", 22), host_of(lab, "b", 23)
    text = CONFIG.format(priority=100)
    start_keepalived(a, text)
    start_keepalived(b, CONFIG.format(priority=150))
    wait_for(lambda: has_address(b), 15, "the master")
    sniff = a.start(
        ["tcpdump", "-n", "-l", "--immediate-mode", "-i", "eth0", "-p", "-Q", "out", "not icmp6"], log="sniff.log"
    )
    wait_for(lambda: "listening" in sniff.output, 5, "tcpdump to listen")
    monitor = a.start(["ip", "monitor", "address", "link", "route"], log="monitor.log")
    engine = start_engine(a, text, "--observe")
    wait_for(lambda: status(engine)["master"] == "10.211.55.23", 10, "the master to be seen")
    assert (status(engine)["state"], status(engine)["master_priority"]) == ("BACKUP", 150)
    assert status(engine, "engine-status")["observe"] is True
    with Talk(engine) as talk:
        for kind, words in (
            ("failover", {"instance": "VI_1"}),
            ("apply-config", {"text": text}),
            ("announce-now", {}),
            ("maintenance", {"action": "on"}),
        ):
            reply = talk.ask(kind, **words)
            assert (reply["outcome"], reply["code"]) == ("refused", "E-OBSERVE"), kind
        assert talk.ask("diagnose", listen_s=1.5)["findings"] == []
    left = [line for line in sniff.output.splitlines() if " > " in line]
    assert left == []
    assert monitor.output == ""
    b.run(["ip", "link", "set", "eth0", "down"])
    wait_for(lambda: status(engine)["state"] == "MASTER", 15, "the take-over to be seen")
    change = events(engine, "state-changed")[-1]
    assert (change["cause"], change["peer"]) == ("master-no-response", "10.211.55.23")
    assert has_address(a)
    wait_for(lambda: status(engine)["counters"]["advert_sent"] >= 3, 10, "three adverts of keepalived")
    sent = [line for line in sniff.output.splitlines() if "VRRP" in line]
    assert len(sent) <= status(engine)["counters"]["advert_sent"] + 1, "somebody else advertises too"
    engine.program.stop()
    assert has_address(a), "the end of the observer is nobody's business"


def test_without_another_engine_the_observer_claims_nothing(lab: Lab) -> None:
    a = host_of(lab, "a", 22)
    engine: Engine = start_engine(a, CONFIG.format(priority=100), "--observe")
    wait_for(lambda: status(engine)["state"] == "INIT", 5, "INIT")
    assert not has_address(a)
    assert status(engine)["master"] == ""
