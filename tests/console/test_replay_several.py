"""The recordings of several nodes on one time: each node's own clocks, its own gaps, and no word of another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from engine.messages import EngineStatus, EventLine, Heartbeat, ServerLine, Snapshot, State, Status
from hatui import nodes
from hatui.cli import main
from hatui.replay import recording
from hatui.replay_several import SeveralJournals, named, short
from hatui.store import Rewound, Store
from tests.console.recording import ENGINE, EVENTS, HELLO, NOW, WALL, WEB, S

BACKUP = msgspec.structs.replace(WEB, state=State.BACKUP, master="10.0.0.12")
AWAY = -(NOW - 40 * S)
"""The other host was started 40 s before the first second of these tests."""


def shot(second: int, *statuses: Status, offset: int = 0) -> Snapshot:
    told: tuple[Status, ...] = statuses or (WEB,)
    return Snapshot(tuple(nodes.moved(one, offset) for one in told), 7, NOW + second * S + offset, WALL + second * S)


def happened(second: int, offset: int = 0) -> EventLine:
    return msgspec.structs.replace(
        EVENTS[0], seq=100 + second, mono_ns=NOW + second * S + offset, wall_ns=WALL + second * S
    )


def of(host: str) -> EngineStatus:
    return msgspec.structs.replace(ENGINE, host=host)


A = recording(
    msgspec.structs.replace(HELLO, host="lb-a"),
    [shot(0, WEB, of("lb-a")), shot(30, BACKUP, of("lb-a"))],
    [happened(25)],
)
B = recording(
    msgspec.structs.replace(HELLO, host="lb-b"),
    [shot(at, one, of("lb-b"), offset=AWAY) for at, one in ((5, BACKUP), (28, WEB), (60, WEB), (200, WEB), (220, WEB))],
    [happened(26, AWAY)],
)


class Shown:
    """A store that hears the recordings."""

    def __init__(self, recordings: dict[str, Sequence[ServerLine]], **options: object) -> None:
        self.store = Store()
        self.link = SeveralJournals(recordings, **options)  # type: ignore[arg-type]
        self._task: asyncio.Task[None] | None = None

    def _take(self, told: object) -> None:
        for one in told:  # type: ignore[attr-defined]
            self.store.apply(one)

    async def __aenter__(self) -> Shown:
        self._task = asyncio.get_running_loop().create_task(self.link.run(self._take))
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()

    def states(self, second: int) -> dict[str, str]:
        """At this second: the state of each instance, with ? where nothing is known of its node."""
        self.link.seek(WALL + second * S)
        now = self.link.now()
        return {
            name: "?" if self.store.silent(now, name) else str(status.state)
            for name, status in sorted(self.store.instances.items())
        }


async def test_one_time_for_all_nodes_whatever_their_clocks_count_from() -> None:
    async with Shown({"lb-a": A, "lb-b": B}) as shown:
        assert shown.states(6) == {"lb-a:VI_WEB": "MASTER", "lb-b:VI_WEB": "BACKUP"}
        assert shown.states(29) == {"lb-a:VI_WEB": "MASTER", "lb-b:VI_WEB": "MASTER"}
        assert shown.states(30) == {"lb-a:VI_WEB": "BACKUP", "lb-b:VI_WEB": "MASTER"}
        assert shown.states(2) == {"lb-a:VI_WEB": "MASTER"}, "lb-b has said nothing yet"
        assert shown.link.wall() == WALL + 2 * S
        age = shown.link.now() - shown.store.instances["lb-a:VI_WEB"].since
        assert age == NOW - WEB.since + 2 * S, "an age is what it was for that node"


async def test_gap_of_one_node_makes_its_own_rows_unknown_and_no_others() -> None:
    long = recording(HELLO, [shot(second) for second in range(0, 240, 30)], [])
    async with Shown({"lb-a": long, "lb-b": B}) as shown:
        assert shown.states(120) == {"lb-a:VI_WEB": "MASTER", "lb-b:VI_WEB": "?"}
        assert shown.states(205) == {"lb-a:VI_WEB": "MASTER", "lb-b:VI_WEB": "MASTER"}
        words = short(shown.link, {"lb-a": long, "lb-b": B}, "utc")
    assert len(words) == 1
    assert words[0].startswith("lb-b: nothing recorded from ")


async def test_node_without_a_recording_is_named_and_shows_nothing() -> None:
    missing = {"lb-b": "Permission denied"}
    async with Shown({"lb-a": A, "lb-b": []}, missing=missing) as shown:
        assert shown.states(6) == {"lb-a:VI_WEB": "MASTER"}
        assert shown.store.nodes["lb-b"].silent(shown.link.now())
        assert shown.store.nodes["lb-b"].link.detail == "Permission denied"
        assert short(shown.link, {"lb-a": A, "lb-b": []}, "utc")[-1] == "lb-b: Permission denied"


async def test_steps_go_through_the_events_of_all_nodes_in_their_order() -> None:
    async with Shown({"lb-a": A, "lb-b": B}) as shown:
        places = []
        for count in (1, 1, 1, -1):
            moved = shown.link.step(count)
            places.append(((shown.link.now() - WALL) // S, moved))
        assert places == [(25, True), (26, True), (26, False), (25, True)]
        assert [row.node for row in shown.store.events] == ["lb-a"]  # type: ignore[union-attr]


async def test_time_of_a_recording_is_no_jump_of_the_clock_before_it() -> None:
    store = Store()
    store.apply(Heartbeat(NOW, WALL, NOW, 1))
    store.apply(Rewound())
    store.apply(Heartbeat(WALL, WALL, WALL, 1))
    assert not store.events


async def test_chosen_node_is_the_one_whose_engine_is_shown() -> None:
    async with Shown({"lb-a": A, "lb-b": B}) as shown:
        shown.states(29)
        assert shown.store.engine is not None
        assert shown.store.engine.host == "lb-a"
        shown.link.choose("lb-b")
        assert shown.store.engine.host == "lb-b"
        shown.states(31)
        assert shown.store.engine.host == "lb-b", "what is told later is of the chosen one too"


def test_recordings_of_one_name_stay_apart() -> None:
    found = named([("one", A), ("two", B), ("three", A), ("four", A[1:])])
    assert list(found) == ["lb-a", "lb-b", "lb-a-2", "four"]


def test_command_wants_one_recording_to_save_and_a_terminal_to_show_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for name, lines in (("a", A), ("b", B)):
        path = tmp_path / name
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        files.append(str(path))
    assert main(["replay", *files, "--json"]) == 1
    assert "[E-ONE-ENGINE]" in capsys.readouterr().err
    assert main(["replay", *files]) == 1
    assert "[E-TERMINAL]" in capsys.readouterr().err
    monkeypatch.setenv("HATUI_SSH", "/nowhere/ssh")
    assert main(["--host", "lb-a", "--host", "lb-b", "replay"]) == 3
    err = capsys.readouterr().err
    assert "lb-a" in err
    assert "lb-b" in err
