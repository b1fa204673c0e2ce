"""The lab as a fixture: real hosts, real programs. Every test here is marked `net`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hatui.lab import Lab, obstacle

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.net)


@pytest.fixture(scope="session")
def namespaces() -> None:
    reason = obstacle()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def lab(namespaces: None) -> Iterator[Lab]:
    with Lab() as one:
        yield one
