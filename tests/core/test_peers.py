"""Who is at the other end of the socket: here, where a person's ssh connection arrived."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.peers import Peer, peer_of

CONNECT = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)"


def met(path: Path, environment: dict[str, str]) -> Peer:
    """The peer that a client with this environment is."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(30)
        client = subprocess.Popen([sys.executable, "-c", CONNECT, str(path)], env=environment)
        try:
            with listener.accept()[0] as connection:
                return peer_of(connection)
        finally:
            client.wait(30)


@pytest.mark.parametrize(
    ("ssh", "arrived", "origin"),
    [
        ("192.0.2.7 50022 10.0.0.100 22", "10.0.0.100", "from 192.0.2.7"),
        ("fe80::1%eth0 50022 fe80::2%eth0 22", "fe80::2", "from fe80::1%eth0"),
        ("2001:db8:0::7 50022 2001:DB8:0:0::9 22", "2001:db8::9", "from 2001:db8:0::7"),
        ("192.0.2.7 50022", "", "from 192.0.2.7"),
        ("192.0.2.7 50022 $(reboot) 22", "", "from 192.0.2.7"),
    ],
)
def test_address_at_which_a_persons_ssh_connection_arrives_is_known(
    tmp_path: Path, ssh: str, arrived: str, origin: str
) -> None:
    peer = met(tmp_path / "s", {**os.environ, "SSH_CONNECTION": ssh})
    assert (peer.arrived, peer.origin.endswith(origin)) == (arrived, True)


def test_who_came_without_ssh_arrived_nowhere(tmp_path: Path) -> None:
    peer = met(tmp_path / "s", {name: value for name, value in os.environ.items() if name != "SSH_CONNECTION"})
    assert peer.arrived == ""
    assert "from" not in peer.origin
