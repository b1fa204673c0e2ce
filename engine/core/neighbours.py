"""Who answers for an address on a link, asked by ARP or neighbour discovery: is a host alive, does another hold ours?

Invariant: it asks, a few frames and no more, and changes nothing: no entry of a neighbour's cache that was not there
already, because a question about an address of our own is sent without a sender (RFC 5227 2.1.1). It waits up to a
second: it runs in a thread. What cannot be asked has no answer that could be mistaken for one.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Sequence

import msgspec

from engine.probe import Owner, Pending

NOBODY = "0.0.0.0"
ROUNDS, EVERY_S = 3, 0.25


class Question(msgspec.Struct, frozen=True):
    """Who has this address?"""

    interface: str
    address: str
    source: str = NOBODY
    """Our address that is shown as the sender's; IPv6 needs one."""


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    question: Question
    macs: tuple[str, ...]
    """Of other hosts; empty: nobody answered."""
    took: int = 0
    """ns to the first answer."""


def who_has(questions: Sequence[Question], *, patient: bool = True) -> list[Answer]:
    """Ask them all at once; a question that could not be sent is not among the answers.

    `patient`: wait to the end, for a second host that answers; else a round ends with the first answer to everything.
    """
    asked: list[tuple[Question, Owner, Pending, list[dict[str, object]]]] = []
    with contextlib.ExitStack() as stack:
        for question in questions:
            family = socket.AF_INET6 if ":" in question.address else socket.AF_INET
            lines: list[dict[str, object]] = []
            pending = Pending("owner", lines.append, int(ROUNDS * EVERY_S * 1e9))
            with contextlib.suppress(OSError):  # no such interface, or no right to a packet socket
                owner = Owner(family, question.address, question.interface, question.source, pending)
                stack.callback(owner.sock.close)
                asked.append((question, owner, pending, lines))
        _ask([(owner, pending) for _, owner, pending, _ in asked], patient=patient)
        answers = []
        for question, _, pending, lines in asked:
            pending.flush(time.monotonic_ns(), end=True)
            if not lines or any("text" in line for line in lines):
                continue  # it could not be sent
            good = [line for line in lines if line["ok"]]
            macs = {str(mac): None for line in good for mac in line.get("macs", ())}  # type: ignore[attr-defined]
            answers.append(Answer(question, tuple(macs), _first(good)))
        return answers


def _ask(asked: Sequence[tuple[Owner, Pending]], *, patient: bool) -> None:
    clock = time.monotonic_ns
    for number in range(ROUNDS if asked else 0):
        for owner, _ in asked:
            owner.send(number, clock())
        end = time.monotonic() + EVERY_S
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([owner.sock for owner, _ in asked], [], [], left)
            for owner, _ in asked:
                if owner.sock in ready:
                    owner.read(clock)
            if not patient and all(one.macs for _, pending in asked for one in pending.waiting.values()):
                return


def _first(good: Sequence[dict[str, object]]) -> int:
    return next((rtt for line in good if isinstance(rtt := line.get("rtt"), int)), 0)
