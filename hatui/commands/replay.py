"""`hatui replay`: the past on the console's screens, from a file, a bundle, or the engine's journal."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.errors import EngineLost, HatuiError, ProtocolMismatch, Refused
from engine.messages import ServerLine
from hatui.commands import session
from hatui.commands.terminal import complain, count, json_line, note, say, time_of_day
from hatui.link import load
from hatui.replay import JOURNAL, JournalLink, fetch, moment_of
from hatui.text import NS

EPILOG = (
    "exit codes: 0, 1 no terminal or no recording, 3 no engine, 4 the journal has nothing of that time.\n"
    "Keys: space plays, comma and point go from event to event."
)
EXIT_NOTHING = 4


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument(
        "file",
        nargs="*",
        metavar="FILE",
        help="a recording, or a bundle; several on one time; default: the journal of the engine, of each --host",
    )
    parser.add_argument(
        "--from",
        dest="since",
        type=time_of_day,
        metavar="T",
        help="begin at this time, such as 13:50 (default 1 h ago)",
    )
    parser.add_argument("--to", dest="until", type=time_of_day, metavar="T", help="end at this time (default now)")
    parser.add_argument("--save", metavar="OUT", help="write the recording to a file instead of showing it")
    parser.add_argument("--json", action="store_true", help="write the recording to standard output, a line each")
    parser.add_argument("--play", action="store_true", help="let it run at once")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Show it, or save it."""
    if len(chosen.file) > 1 or (not chosen.file and len(chosen.host or ()) > 1):
        return _several(chosen)
    lines = read(Path(chosen.file[0])) if chosen.file else session.run_for(_journal(chosen))
    if not lines:
        complain("there is nothing to replay" if chosen.file else "the engine's journal has nothing of that time")
        return EXIT_NOTHING
    if chosen.json:
        for line in lines:
            say(json_line(line))
    if chosen.save:
        octets = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        try:
            Path(chosen.save).write_bytes(octets)
        except OSError as failure:
            raise HatuiError(f"{chosen.save}: {failure.strerror} [E-IO]") from None
        note(f"{count(len(lines), 'line')} in {chosen.save}")
    if chosen.save or chosen.json:
        return 0
    _terminal()
    from hatui import app

    return app.review(JournalLink(lines, speed=1.0 if chosen.play else 0.0))


def _terminal() -> None:
    """Raises: HatuiError where the screens cannot be shown."""
    if not sys.stdin.isatty() or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        raise HatuiError(
            "a replay needs a terminal; `--save OUT` writes the recording to a file, `--json` prints it [E-TERMINAL]"
        )


def _several(chosen: argparse.Namespace) -> int:
    """Recordings of several nodes on one time; a node that has none is named, and the others are shown."""
    from hatui import app
    from hatui.replay_several import SeveralJournals, named, short

    if chosen.json or chosen.save:
        raise HatuiError("a recording is of one engine: name one --host or FILE to save or print it [E-ONE-ENGINE]")
    missing: dict[str, str] = {}
    if chosen.file:
        recordings = named((Path(file).stem, read(Path(file))) for file in chosen.file)
    else:
        recordings, missing = session.run_for(_journals(chosen))
        if missing and not any(recordings.values()):
            raise EngineLost("; ".join(f"{node}: {why}" for node, why in missing.items()))
    if not any(recordings.values()):
        complain("there is nothing to replay" if chosen.file else "no journal has anything of that time")
        return EXIT_NOTHING
    _terminal()
    link = SeveralJournals(recordings, missing=missing, speed=1.0 if chosen.play else 0.0)
    return app.review(link, said=short(link, recordings, "local"))


def read(path: Path) -> list[ServerLine]:
    """The lines of a recording, or of the one inside a bundle.

    Raises: HatuiError: it cannot be read, or is none.
    """
    try:
        if not tarfile.is_tarfile(path):
            return load(path)
        with tarfile.open(path) as bundle:
            for member in bundle:
                if member.isfile() and Path(member.name).name == JOURNAL:
                    inside = bundle.extractfile(member)
                    assert inside is not None
                    decode = msgspec.json.Decoder(ServerLine).decode
                    return [decode(line) for line in inside.read().splitlines() if line.strip()]
        raise HatuiError(f"{path}: this archive has no {JOURNAL}: it is no bundle [E-FORMAT]")
    except OSError as error:
        raise HatuiError(f"{path}: {error.strerror or error} [E-IO]") from None
    except (ValueError, msgspec.MsgspecError, tarfile.TarError) as error:
        words = f"{path}: {error}" if str(path) not in str(error) else str(error)
        raise HatuiError(f"{words} [E-FORMAT]") from None


async def _journals(chosen: argparse.Namespace) -> tuple[dict[str, Sequence[ServerLine]], dict[str, str]]:
    """The journals of all hosts that answer, and why the others have none."""
    from hatui.remote import target, targets

    missing: dict[str, str] = {}

    async def one(host: str) -> list[ServerLine]:
        try:
            return await _journal(argparse.Namespace(**{**vars(chosen), "host": [host]}))
        except (EngineLost, Refused, ProtocolMismatch) as error:
            missing[target(host).node] = str(error)
            return []

    names = [there.node for there in targets(chosen.host, by_node=True)]
    found = await asyncio.gather(*map(one, chosen.host))
    return dict(zip(names, found, strict=True)), missing


async def _journal(chosen: argparse.Namespace) -> list[ServerLine]:
    async with session.engine(chosen) as client:
        now = client.hello.wall_ns
        since = moment_of(chosen.since, now, end=False) if chosen.since else now - 3600 * NS
        until = moment_of(chosen.until, now) if chosen.until else now + 60 * NS
        return await session.within(chosen, fetch(client.request, client.hello, since, until))
