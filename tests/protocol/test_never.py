"""What the engine never does, whatever it is told: forward, advertise routes, order addresses anew, touch the host."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

import engine
from engine import messages as m
from engine.config.model import NS_PER_S
from engine.messages.effects import Effect
from tests.protocol.test_property_receive import conf, packet
from tests.scenarios.build import config, instance
from tests.scenarios.rig import Rig, of

S = NS_PER_S


@pytest.mark.parametrize("kind", ["v2", "v3", "v6"])
@pytest.mark.parametrize("priority", [0, 1, 99, 100, 200, 255])
def test_received_advert_is_never_sent_on(kind: str, priority: int) -> None:
    """V3-5.1.1.2-02, V3-5.1.2.2-02, V2-5.2.2-02: a backup is silent, a master sends its own words only."""
    backup = Rig(conf(kind))
    heard = packet(kind, priority=priority)
    assert not of(m.SendAdvert, backup.give(heard))
    master = Rig(conf(kind))
    master.become_master()
    for one in of(m.SendAdvert, master.give(heard)):
        assert isinstance(one, m.SendAdvert)
        assert one.source == ("fe80::1" if kind == "v6" else "10.0.0.1")
        assert one.data not in heard.data


def test_engine_has_no_wish_that_advertises_routes() -> None:
    """V3-6.4.2-03: router advertisements are another daemon's; a backup of ours can send none."""
    wishes = {kind.__name__ for kind in get_args(Effect)}
    assert wishes == {
        "SendAdvert",
        "AddAddresses",
        "RemoveAddresses",
        "AddRoutes",
        "RemoveRoutes",
        "SendAnnouncements",
        "Exit",
    }


def test_engine_leaves_the_hosts_neighbour_settings_alone() -> None:
    """V3-8.2.4-01: unsolicited advertisements of others are taken or dropped as the operator has set it."""
    root = Path(engine.__file__).parent
    texts = {path: path.read_text() for path in root.rglob("*.py")}
    assert len(texts) > 50
    assert [path for path, text in texts.items() if "drop_unsolicited_na" in text] == []


def listed(effect: m.Message) -> list[str]:
    """The addresses in an IPv4 advert of version 3, in order."""
    assert isinstance(effect, m.SendAdvert)
    octets = effect.data[28:]
    return [".".join(str(octet) for octet in octets[at : at + 4]) for at in range(0, len(octets), 4)]


def test_addresses_are_sent_in_configured_order_also_after_a_reload() -> None:
    """V3-5.2.9-04: so that lists of different routers compare."""
    order = ["10.0.0.77", "10.0.0.5", "10.0.0.200", "10.0.0.6"]
    rig = Rig(config(instance(version=3, address=" ".join(f"{one}/24" for one in order))))
    rig.become_master()
    assert listed(of(m.SendAdvert, rig.outputs)[-1]) == order
    order.insert(1, "10.0.0.2")
    rig.give(m.Configure(config=config(instance(version=3, address=" ".join(f"{one}/24" for one in order)))))
    rig.pass_time(2 * S)
    assert listed(of(m.SendAdvert, rig.outputs)[-1]) == order
