"""hatui and keepalived 2.2.7 agree on the master through a whole life, in either place, for each kind of VRRP.

The lives are mostly waiting, so a few run beside each other, each in a lab of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.net.interop import FLAVOURS, MIXES, Flavour, live

pytestmark = pytest.mark.xdist_group("interop")
AT_ONCE = 4
Lives = dict[tuple[str, tuple[str, str]], "Future[None]"]


@pytest.fixture(scope="module")
def lives(namespaces: None) -> Iterator[Lives]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {(flavour.name, mix): pool.submit(live, flavour, mix, print) for flavour in FLAVOURS for mix in MIXES}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mix", MIXES, ids="-".join)
@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: flavour.name)
def test_both_agree_on_the_master(flavour: Flavour, mix: tuple[str, str], lives: Lives) -> None:
    lives[flavour.name, mix].result()
