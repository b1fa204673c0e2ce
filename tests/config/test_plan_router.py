"""What the plan says of a change is what the Router does to a master at the same change."""

from __future__ import annotations

import msgspec
import pytest

from engine.config.model import Address, Config, Instance
from engine.config.plan import FIELDS, Impact, plan
from engine.messages import (
    AddAddresses,
    AddRoutes,
    Configure,
    InstanceStatus,
    InterfaceChanged,
    RemoveAddresses,
    RemoveRoutes,
    State,
    StateChanged,
)
from engine.protocol.router import Router
from engine.vrrp.devices import placed
from tests.config.test_plan import SAMPLES, VI

START = msgspec.structs.replace(VI, source="10.211.55.21")
ADDRESSES = ("10.211.55.21/24", "10.211.55.22/24", "fe80::21/64")


def master() -> tuple[Router, int]:
    """A Router that has become master by silence, and the time."""
    router, now = Router(), 1
    for index, name in enumerate(("eth0", "eth1", "vrrp.50"), 1):
        router.handle(
            InterfaceChanged(name, index, exists=True, up=True, mac="02:00:00:00:00:01", addresses=ADDRESSES), now
        )
    router.handle(Configure(Config(instances=(START,))), now)
    for _ in range(20):
        if state(router) is State.MASTER:
            return router, now
        assert router.deadline is not None
        now = router.deadline
        router.tick(now)
    raise AssertionError("never became master")


def state(router: Router) -> State:
    (status,) = [one for one in router.statuses() if isinstance(one, InstanceStatus)]
    return status.state


def changed(field: str) -> Instance:
    value = SAMPLES[field]
    new = msgspec.structs.replace(START, **{field: value if field != "source" else "10.211.55.22"})
    if field == "unicast":
        new = msgspec.structs.replace(new, unicast_peers=SAMPLES["unicast_peers"])
    if field == "family":
        new = msgspec.structs.replace(new, addresses=(Address(address="fe80::50", prefix=64),), source="fe80::21")
    return new


@pytest.mark.parametrize("field", FIELDS)
def test_router_does_to_a_master_what_the_plan_says(field: str) -> None:
    router, now = master()
    old, new = Config(instances=(START,)), Config(instances=(changed(field),))
    impact = plan(old, new).instances[0].impact
    out = router.handle(Configure(placed(new)), now + 1)
    moved = [one for one in out if isinstance(one, AddAddresses | RemoveAddresses | AddRoutes | RemoveRoutes)]
    left = [one for one in out if isinstance(one, StateChanged)]
    if impact is Impact.RESTART:
        assert state(router) is State.BACKUP
        gone = {str(each) for one in moved if isinstance(one, RemoveAddresses) for each in one.addresses}
        assert gone == {str(one) for one in START.addresses}
    elif impact is Impact.ADDRESSES:
        assert state(router) is State.MASTER
        assert moved
    else:
        assert state(router) is State.MASTER
        assert moved == []
        assert left == []
