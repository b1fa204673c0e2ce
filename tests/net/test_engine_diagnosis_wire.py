"""What is wrong on the wire, planted by forged adverts: each on an instance of its own, beside one that hears the like
of it without the fault. One engine, one sample: what is named must be exactly what was planted."""

from __future__ import annotations

import time

from engine.protocol.packet import seal
from hatui.lab import Host, Lab, start_engine, wait_for
from tests.net.engine_talk import Talk, host_of
from tests.net.forging import Forger, again_and_again
from tests.scenarios.octets import message

OURS, PEER = "10.211.55.22", "10.211.55.77"
KEY = bytes(range(32))
HMAC = f"    auth_hmac {{\n        key 1 hex:{KEY.hex()}\n        active_key 1\n        mode enforce\n    }}\n"
UNICAST = f"    unicast_src_ip {OURS}\n    check_unicast_src\n    unicast_peer {{\n        {PEER}\n    }}\n"


def instance(name: str, vrid: int, more: str = "", priority: int = 200) -> str:
    """One that is master within 2 s and stays it."""
    return (
        f"vrrp_instance {name} {{\n    version 3\n    state BACKUP\n    interface eth0\n    virtual_router_id {vrid}\n"
        f"    priority {priority}\n    advert_int 0.5\n{more}    virtual_ipaddress {{\n        10.211.55.{vrid}\n"
        "    }\n}\n"
    )


CASES: dict[str, tuple[str, int, int]] = {
    # code: what the instances have besides, their priority, their first VRID (the second hears the harmless twin)
    "D-TTL": ("", 200, 101),
    "D-PACKET": ("", 200, 103),
    "D-OWN": ("", 200, 105),
    "D-OWNER": ("", 255, 107),
    "D-SOURCE": (UNICAST, 200, 109),
    "D-HMAC": (HMAC, 200, 111),
    "D-HMAC-CLOCK": (HMAC, 200, 113),
}


def forged(forger: Forger, a: Host) -> None:
    """One round: to the first of each pair what is wrong, to the second what is right."""

    def heard(vrid: int, priority: int = 100, **more: object) -> None:
        forger.advert(vrid=vrid, priority=priority, addresses=(f"10.211.55.{vrid}",), **more)  # type: ignore[arg-type]

    def sealed(vrid: int, ahead_s: float) -> bytes:
        address = f"10.211.55.{vrid}"
        body = message(version=3, interval=50, vrid=vrid, priority=100, addresses=(address,), source=PEER)
        source = bytes(int(one) for one in PEER.split("."))
        return seal(body, source, 1, KEY, int((time.time() + ahead_s) * 65536) << 16)  # noqa: TID251  keyed time stamp

    heard(101, ttl=64)
    heard(102, ttl=255)
    heard(103, count=3)
    heard(104)
    heard(105, source=OURS)
    heard(106, source="10.211.55.78")
    heard(107, priority=255)
    heard(108, priority=254)
    heard(109, source="10.211.55.78", destination=OURS, to=a.mac)
    heard(110, destination=OURS, to=a.mac)
    heard(111)
    heard(112, trailer=sealed(112, 0))
    heard(113, trailer=sealed(113, 4.2))
    heard(114, trailer=sealed(114, 1))


def test_each_fault_on_the_wire_is_named_where_it_was_planted_and_nowhere_else(lab: Lab) -> None:
    a, x = host_of(lab, "a", 22), host_of(lab, "x", 77)
    text = "".join(
        instance(f"{code}{number}", first + number, more, priority)
        for code, (more, priority, first) in CASES.items()
        for number in (0, 1)
    )
    engine = start_engine(a, "vrrp_garp_master_refresh 0\n" + text)

    def all_masters() -> bool:
        with Talk(engine) as talk:
            return {one["state"] for one in talk.statuses("instance-status")} == {"MASTER"}

    wait_for(all_masters, 10, "masters")
    with Forger(x) as forger, again_and_again(lambda: forged(forger, a)), Talk(engine, timeout_s=20) as talk:
        found = talk.ask("diagnose", listen_s=1.2)["findings"]
    told = sorted((one["instance"], one["code"]) for one in found)
    expected = sorted((f"{code}0", code.removesuffix("-CLOCK")) for code in CASES)
    assert told == expected, told
