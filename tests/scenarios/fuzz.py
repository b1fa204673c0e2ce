"""`make fuzz`: hostile octets and hostile histories with fresh seeds, for minutes, until something breaks.

    python -m tests.scenarios.fuzz --minutes 10 [--seed N]

Four kinds in turn: mutated packets against one Router in every state (nothing raises, a refused packet moves
nothing), pure noise, random histories, planned lives. Prints the seed of all that fails; exit status 1 then.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable

from engine import messages as m
from engine.config.model import NS_PER_S
from tests.protocol.test_property_receive import conf, packet
from tests.protocol.test_property_router import CONFIGS, check, replace_counters
from tests.scenarios.histories import play
from tests.scenarios.planned import planned
from tests.scenarios.rig import QUIET, Rig, of

KINDS = ("v2", "v3", "v6", "pass", "unicast3")


def mutate(chance: random.Random, octets: bytes) -> bytes:
    """Flip, cut, insert, repeat: one to four times."""
    made = bytearray(octets)
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(made) + 1)
        match chance.randrange(5):
            case 0 if made:
                made[place % len(made)] ^= 1 << chance.randrange(8)
            case 1 if made:
                made[place % len(made)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 2:
                del made[place : place + chance.randrange(1, 12)]
            case 3:
                made[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 30)))
            case _:
                made += made[place:]
    return bytes(made[:70_000])


def feed(rig: Rig, datagram: m.DatagramReceived) -> None:
    """One datagram: a verdict, and nothing but a counter moved when it is refused."""
    before = rig.all_status()
    outputs = rig.give(datagram)
    judged = of(m.PacketJudged, outputs)
    assert len(judged) == 1, "one verdict for one datagram"
    assert isinstance(judged[0], m.PacketJudged)
    if judged[0].verdict is m.Verdict.OK:
        check(rig)
        return
    assert all(isinstance(one, QUIET) for one in outputs), f"{judged[0].verdict} caused {outputs}"
    for name, status in rig.all_status().items():
        assert replace_counters(status) == replace_counters(before[name]), f"{judged[0].verdict} moved {name}"


def mutated(seed: int) -> None:
    """300 mutated packets against one Router that lives through all states meanwhile."""
    chance = random.Random(seed)
    kind = chance.choice(KINDS)
    rig = Rig(conf(kind))
    for _ in range(300):
        if chance.random() < 0.1:
            rig.pass_time(chance.choice((1, NS_PER_S // 3, 4 * NS_PER_S)))
        base = packet(kind, priority=chance.choice((0, 1, 99, 100, 101, 255)))
        octets = mutate(chance, base.data) if chance.random() < 0.9 else base.data
        feed(rig, m.DatagramReceived("eth0", base.family, octets, base.source, base.destination, base.ttl))


def noise(seed: int) -> None:
    """300 strings of octets that never were packets, some with the beginning of one."""
    chance = random.Random(seed)
    rig = Rig(chance.choice(list(CONFIGS.values()))())
    for _ in range(300):
        octets = chance.randbytes(chance.choice((0, 1, 7, 8, 19, 20, 28, 36, 60, 1500, 65_535)))
        head = chance.choice((b"", b"\x45", b"\x4f\xc0", b"\x31\x32", b"\x21\x32"))
        family = chance.choice((4, 6))
        source = chance.choice((None, chance.randbytes(16))) if family == 6 else None
        feed(
            rig,
            m.DatagramReceived("eth0", family, head + octets[len(head) :], source, source, chance.choice((None, 255))),
        )


def history(seed: int) -> None:
    """A random history."""
    lived = play(seed)
    assert not lived.problems, lived.report()


def life(seed: int) -> None:
    """A planned life."""
    lived = planned(seed)
    assert not lived.problems, lived.report()


FUZZERS: tuple[Callable[[int], None], ...] = (mutated, noise, history, life)


def main(arguments: list[str]) -> int:
    """Run until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="where to begin; by default a fresh place each time")
    options = parser.parse_args(arguments)
    begin = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    end = time.monotonic() + options.minutes * 60
    done, failed, seed = dict.fromkeys((one.__name__ for one in FUZZERS), 0), 0, begin
    while time.monotonic() < end and failed < 20:
        for fuzzer in FUZZERS:
            done[fuzzer.__name__] += 1
            try:
                fuzzer(seed)
            except Exception as error:
                failed += 1
                sys.stdout.write(f"{fuzzer.__name__} {seed}: {type(error).__name__}: {error}\n")
        seed += 1
    counts = ", ".join(f"{count} {name}" for name, count in done.items())
    sys.stdout.write(f"seeds {begin} to {seed - 1}: {counts}; {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
