"""What a client does beside a drill that an engine runs: fetch its packets.

Invariant: the drill is the engine's; nothing here changes its outcome, and what could not be done is said.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.errors import HatuiError, Refused
from engine.messages import Command, GetDrillPackets, Outcome, Reply

Ask = Callable[[Command], Awaitable[Reply]]


async def packets(ask: Ask, number: int) -> bytes:
    """The pcapng of a drill, piece by piece.

    Raises: Refused E-NO-PACKETS; EngineLost.
    """
    found = b""
    while True:
        reply = await ask(GetDrillPackets(number, len(found)))
        if reply.outcome is not Outcome.DONE:
            raise Refused(reply.code, reply.text)
        found += reply.octets
        if not reply.octets or len(found) >= reply.size:
            return found


def write_packets(path: str, octets: bytes) -> None:
    """Write a file for its owner alone; one that exists stays.

    Raises: HatuiError.
    """
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(Path(path).expanduser(), how, 0o600), "wb") as file:
            file.write(octets)
    except FileExistsError:
        raise HatuiError(f"{path} exists: name another file [E-EXISTS]") from None
    except OSError as failure:
        raise HatuiError(f"{path}: {failure.strerror} [E-IO]") from None
