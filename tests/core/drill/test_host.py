"""Ports in use, services bound to an address: from tables as the kernel writes them, and from a real listener."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.core.drill import host

HEAD = "  sl  local_address rem_address   st tx_queue\n"
TCP = HEAD + "\n".join(
    [
        "   0: 3237D30A:01BB 1837D30A:9C40 01 0",  # 10.211.55.50:443, established
        "   1: 3237D30A:0050 00000000:0000 0A 0",  # listens on the address itself
        "   2: 00000000:0016 00000000:0000 0A 0",
        "   3: 1637D30A:0016 1837D30A:9C41 01 0",  # another address
    ]
)
TCP6 = HEAD + "   0: 0000000000000000FFFF00003237D30A:1F90 0000000000000000FFFF00001837D30A:9C42 01 0\n"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "sys/net/ipv4").mkdir(parents=True)
    monkeypatch.setattr(host, "PROC", tmp_path)
    return tmp_path


def test_ports_of_connections_to_the_address_and_of_what_is_bound_to_it(proc: Path) -> None:
    (proc / "net/tcp").write_text(TCP)
    (proc / "net/tcp6").write_text(TCP6)
    (proc / "sys/net/ipv4/ip_nonlocal_bind").write_text("1\n")
    (proc / "cpuinfo").write_text("processor : 0\nflags : fpu hypervisor lm\n")
    found = host.read(("10.211.55.50",), 4)
    assert (found.ports, found.bound) == ((80, 443, 8080), (80,))
    assert (found.nonlocal_bind, found.virtual_machine, found.open) == (True, True, None)


def test_what_cannot_be_read_is_unknown(proc: Path) -> None:
    found = host.read(("10.211.55.50", "2001:db8::50"), 6)
    assert (found.ports, found.nonlocal_bind, found.virtual_machine) == ((), None, None)


async def test_a_port_answers_or_not() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await host.answering("127.0.0.1", "lo", (port,)) == (port,)
    assert await host.answering("127.0.0.1", "lo", (port,)) == ()
