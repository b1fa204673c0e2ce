"""The lab as a fixture: real hosts, real programs. Every test here is marked `net`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hatui.lab import Lab, obstacle

HERE = Path(__file__).parent


NEEDS = {
    "test_two_hosts": ("tshark", "tcpdump"),
    "test_watchers": ("tshark", "tmux"),
    "test_web_server": ("nginx",),
    "test_vrrp_process": ("tshark", "tcpdump"),
    "test_vrrp_process_settings": ("tcpdump", "nft"),
    "test_engine_clients": ("nft",),
}
"""Module -> programs that its tests run; more by the mark `programs`."""
ALONE = {
    "test_change",
    "test_drill_console",
    "test_drills",
    "test_failovers",
    "test_kill",
    "test_maintenance",
    "test_two_hosts",
    "test_vrrp_process_settings",
    "test_web_server",
}
"""Modules that count pings or judge times closely; more by the mark `alone`."""
ROOT_ALONE = ("test_vrrp_process", "test_engine")
"""Beginnings of the names of modules that enter a host from the test itself, or change users."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.net)
        if item.path.stem in ALONE:
            item.add_marker(pytest.mark.alone)
        item.add_marker(pytest.mark.programs(*NEEDS.get(item.path.stem, ())))
        if os.geteuid() != 0 and item.path.stem.startswith(ROOT_ALONE):
            item.add_marker(pytest.mark.skip(reason="needs root: the test itself enters a host or changes users"))


@pytest.fixture(scope="session")
def namespaces() -> None:
    reason = obstacle()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def lab(namespaces: None) -> Iterator[Lab]:
    with Lab() as one:
        yield one
