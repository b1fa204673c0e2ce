"""Fuzzing of the configuration language: parse, expand, build, lint, format, plan never raise, lose text, or crawl.

    python -m tests.config.fuzz_config [SECONDS [SEED]]

Texts are made from the words of the keyword table, real lines, and damage. A failing text is shrunk by
lines and printed with its seed. The short form runs with the tests.
"""

from __future__ import annotations

import functools
import random
import sys
import time
import traceback
from collections.abc import Iterator

from engine.codes import CODES
from engine.config.fmt import format_text
from engine.config.keywords import table
from engine.config.lint import findings
from engine.config.lvs import load_balancing
from engine.config.model import Config
from engine.config.plan import plan
from engine.config.syntax import apply_edits, parse, replace
from tests.config import corpus
from tests.config.reading import MAIN, reading

SLOW_S = 10.0
"""CPU seconds for one text; the largest that repetitions may make takes about three."""
PIECES = (
    *(
        "{",
        "}",
        '"',
        "#",
        "!",
        "$X",
        "${X}",
        "$X=",
        "\\",
        "\n",
        "\t",
        " ",
        "@node ",
        "@^node ",
        "~SEQ(x,1,3) ",
        "~SEQ(",
    ),
    *("~LST(x,a,b) ", "include *.conf", "include keepalived.conf", "include_check", "10.0.0.1", "fe80::1/64", "1e9"),
    *(
        "-1",
        "255",
        "256",
        "99999999999999999999",
        "0.5",
        ".",
        "..",
        "eth0",
        "%",
        "\x00",
        "\x85",
        "\ud800",
        "é",
        ";",
        "=",
    ),
)


def words() -> list[str]:
    """Every word of the table."""
    rows = table()
    return sorted({row.name for path in rows.paths for row in rows.block(path).values() if not row.is_head})


def texts(chance: random.Random) -> Iterator[str]:
    """Endless texts, each more or less like a configuration."""
    cases = [text for _, text in (*corpus.written(), *corpus.generated())]
    known = words()
    while True:
        text = "".join(chance.choice(cases) for _ in range(chance.choice((1, 1, 1, 2, 5))))
        for _ in range(chance.choice((0, 1, 1, 3, 20))):
            text = damaged(text, known, chance)
        yield text


def damaged(text: str, known: list[str], chance: random.Random) -> str:
    """One change at a random place."""
    at = chance.randrange(len(text) + 1)
    piece = chance.choice((chance.choice(PIECES), chance.choice(known), f" {chance.choice(known)} "))
    match chance.randrange(6):
        case 0:
            return text[:at] + piece + text[at:]
        case 1:
            return text[:at] + text[at + chance.randrange(1, 20) :]
        case 2:
            return text[:at] + piece * chance.randrange(1, 200) + text[at:]
        case 3:
            lines = text.split("\n")
            chance.shuffle(lines)
            return "\n".join(lines)
        case 4:
            end = at + chance.randrange(200)
            return text[:end] + text[at:end] + text[end:]
        case _:
            return text.replace(chance.choice(known), piece)


@functools.cache
def running() -> Config:
    """What plans lead away from and back to."""
    found = reading(corpus.instance("priority 7", "nopreempt") + corpus.instance(name="W", vrid=6, vip="10.0.0.9"))
    assert found.config is not None
    return found.config


def check(text: str) -> None:
    """All that must hold for every text.

    Raises:
        AssertionError: something does not.
    """
    start = time.process_time()
    tree = parse(text, MAIN)
    assert str(tree) == text, "text lost"
    tokens = [token for line in tree.lines for token in line.tokens]
    assert apply_edits(text, [replace(MAIN, token, token.text) for token in tokens]) == text, "edits lose text"
    others = {"/etc/keepalived/a.conf": "priority 5\n", "/etc/keepalived/b.conf": "}\n"}
    loaded = reading(text, others, "node")
    for one in findings(loaded, [loaded]):
        assert one.what, one
        assert one.code in CODES, one
        assert one.line >= 1, one
        assert one.column >= 1, one
        assert one.exit_code in (0, 2, 4, 5, 6), one
        if one.fix and one.fix.edits[0].file == MAIN:
            apply_edits(text, one.fix.edits)
    if loaded.config:
        for instance in loaded.config.instances:
            assert 1 <= instance.vrid <= 255
            assert 1 <= instance.priority <= 255
            assert instance.advert_interval > 0
            assert instance.version in (2, 3)
            assert all(address.family == instance.family for address in instance.addresses)
        there, back = plan(running(), loaded.config), plan(loaded.config, running())
        assert bool(there.lines) == bool(back.lines)
        assert not plan(loaded.config, loaded.config).lines
    load_balancing(loaded.statements)
    neat = format_text(text)
    assert format_text(neat) == neat, "formatting twice is not formatting once"
    spent = time.process_time() - start
    assert spent < SLOW_S, f"{spent:.1f} s for {len(text)} characters"


def shrunk(text: str) -> str:
    """A shorter text that fails as well."""
    lines = text.split("\n")
    size = max(1, len(lines) // 2)
    while size:
        at = 0
        while at < len(lines):
            fewer = lines[:at] + lines[at + size :]
            try:
                check("\n".join(fewer))
                at += size
            except Exception:
                lines = fewer
        size //= 2
    return "\n".join(lines)


def fuzz(seconds: float, seed: int) -> tuple[int, str]:
    """How many texts were tried, and the first that failed (shrunk) or ""."""
    end = time.monotonic() + seconds
    for count, text in enumerate(texts(random.Random(seed))):
        if time.monotonic() > end:
            return count, ""
        try:
            check(text)
        except Exception:
            traceback.print_exc()
            return count, shrunk(text)
    raise AssertionError("texts are endless")


def main(arguments: list[str]) -> int:
    """The command line."""
    seconds = float(arguments[0]) if arguments else 60.0
    seed = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"configuration language: {seconds:g} s, seed {seed}\n")
    count, failing = fuzz(seconds, seed)
    sys.stdout.write(f"{count} texts" + (f", the last fails:\n{failing!r}\n" if failing else ", none fails\n"))
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
