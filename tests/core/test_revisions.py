"""The kept configurations and the way back survive death at every single word to the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core.archive import KEPT, Archive, FileChange, Journal, Stage
from engine.core.revisions import digest, remove_durably, sweep, write_atomically
from tests.core import power
from tests.core.test_change import ANNA, SECOND, World, engine
from tests.core.test_reloading import text

LIMIT = 400
"""Words to the disk that no work here needs."""


def deaths(work: Callable[[], None], tmp_path: Path, prepared: Path, *, lost: bool) -> Iterator[tuple[int, Path]]:
    """Do the work again and again on a fresh copy of `prepared` at tmp_path/"etc", dying one word later each time."""
    place = tmp_path / "etc"
    for point in range(1, LIMIT):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(prepared, place)
        if not power.run(work, point, power=lost):
            assert point > 6, "the work hardly wrote anything"
            return
        yield point, place
    raise AssertionError("the work never ends")


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """An engine has run on this directory before."""
    place = tmp_path / "etc"
    place.mkdir()
    (place / "keepalived.conf").write_text(text())
    asyncio.run(_started(place))
    kept = tmp_path / "prepared"
    shutil.copytree(place, kept)
    return kept


async def _started(place: Path) -> None:
    _, changes = await engine(place / "keepalived.conf")
    assert changes.archive.last is not None


def whole(place: Path) -> list[int]:
    """The numbers of the kept revisions, all texts of which can be read back."""
    archive = Archive(place / "state")
    archive.open()
    for one in archive.revisions:
        for file in one.files:
            assert digest(archive.text(file.digest)) == file.digest
    return [one.number for one in archive.revisions]


@pytest.mark.parametrize("lost", [False, True], ids=["kill", "power"])
def test_file_is_the_old_or_the_new_one_at_every_word(tmp_path: Path, prepared: Path, lost: bool) -> None:
    path = tmp_path / "etc" / "keepalived.conf"
    seen = set()
    for _point, _place in deaths(lambda: write_atomically(path, b"new" * 50_000), tmp_path, prepared, lost=lost):
        octets = path.read_bytes()
        assert octets in (text().encode(), b"new" * 50_000)
        seen.add(octets)
        sweep(path)
        assert [one.name for one in path.parent.iterdir() if one.suffix == ".new"] == []
    assert len(seen) == 2


@pytest.mark.parametrize("lost", [False, True], ids=["kill", "power"])
@pytest.mark.parametrize("confirm_s", [0, 60])
def test_apply_cut_short_leaves_the_old_or_the_new_configuration_and_a_whole_archive(
    tmp_path: Path, prepared: Path, confirm_s: float, lost: bool
) -> None:
    path = tmp_path / "etc" / "keepalived.conf"

    async def apply() -> None:
        _, changes = await engine(path)
        await changes.apply(text(150), "", ANNA, "", confirm_s)

    async def start_again() -> tuple[str, bool, int]:
        world, changes = await engine(path)
        running = path.read_text()
        if changes.pending is not None:  # it had come so far that its time runs: then that time ends it
            assert running == text(150)
            assert changes.pending.deadline == world.now + 60 * SECOND
            await world.pass_time(changes, 61, every=20)
            assert path.read_text() == text()
            return running, True, len(world.used)
        return running, False, len(world.used)

    ends = set()
    for _point, place in deaths(lambda: asyncio.run(apply()), tmp_path, prepared, lost=lost):
        assert path.read_text() in (text(), text(150))
        whole(place)
        running, waited, _used = asyncio.run(start_again())
        if confirm_s and not waited:
            assert running == text(), "neither confirmed nor waiting, and yet in use"
        numbers = whole(place)
        assert numbers == sorted(set(numbers))
        newest = Archive(place / "state")
        newest.open()
        assert newest.last is not None
        assert newest.text(newest.last.files[0].digest) == path.read_bytes()
        assert not newest.unfinished
        ends.add((running, waited))
    assert ends == ({(text(), False), (text(150), True)} if confirm_s else {(text(), False), (text(150), False)})


@pytest.mark.parametrize("lost", [False, True], ids=["kill", "power"])
def test_taking_back_cut_short_is_finished_by_the_next_start(tmp_path: Path, prepared: Path, lost: bool) -> None:
    path = tmp_path / "etc" / "keepalived.conf"

    async def apply() -> None:
        _, changes = await engine(path)
        await changes.apply(text(150), "", ANNA, "", 60)

    async def late_start() -> None:
        world = World()
        world.now += 61 * SECOND
        await engine(path, world)

    asyncio.run(apply())
    waiting = tmp_path / "waiting"
    shutil.copytree(path.parent, waiting)
    for _point, place in deaths(lambda: asyncio.run(late_start()), tmp_path, waiting, lost=lost):
        assert path.read_text() in (text(), text(150))
        asyncio.run(late_start())
        assert path.read_text() == text()
        assert not Archive(place / "state").unfinished
        whole(place)


@pytest.mark.parametrize("lost", [False, True], ids=["kill", "power"])
def test_confirmation_cut_short_is_either_not_said_or_for_good(tmp_path: Path, prepared: Path, lost: bool) -> None:
    path = tmp_path / "etc" / "keepalived.conf"

    async def apply() -> None:
        _, changes = await engine(path)
        await changes.apply(text(150), "", ANNA, "", 60)

    async def confirm() -> None:
        _, changes = await engine(path)
        await changes.confirm(ANNA, "")

    async def waits() -> bool:
        _, changes = await engine(path)
        return changes.pending is not None

    asyncio.run(apply())
    waiting = tmp_path / "waiting"
    shutil.copytree(path.parent, waiting)
    ends = set()
    for _point, _place in deaths(lambda: asyncio.run(confirm()), tmp_path, waiting, lost=lost):
        assert path.read_text() == text(150)
        ends.add(asyncio.run(waits()))
    assert ends == {True, False}


@pytest.mark.parametrize("lost", [False, True], ids=["kill", "power"])
def test_rollback_of_two_files_cut_short_ends_with_both_old_or_both_new(tmp_path: Path, lost: bool) -> None:
    place = tmp_path / "etc"
    place.mkdir()
    main, more = place / "keepalived.conf", place / "more.conf"
    main.write_text("include more.conf\n")
    more.write_text(text(100))

    async def prepare() -> None:
        await engine(main)
        main.write_text("# two\ninclude more.conf\n")
        more.write_text(text(120))
        await engine(main)

    async def rollback() -> None:
        _, changes = await engine(main)
        await changes.rollback(1, "", ANNA, "")

    asyncio.run(prepare())
    shutil.copytree(place, tmp_path / "prepared")
    ends = set()
    for _point, _place in deaths(lambda: asyncio.run(rollback()), tmp_path, tmp_path / "prepared", lost=lost):
        asyncio.run(_started(place))
        both = (main.read_text(), more.read_text())
        assert both in (("include more.conf\n", text(100)), ("# two\ninclude more.conf\n", text(120)))
        ends.add(both)
    assert len(ends) == 2


# ---- the judge itself


def test_judge_notices_a_writer_that_forgets_to_sync(tmp_path: Path, prepared: Path) -> None:
    path = tmp_path / "etc" / "keepalived.conf"

    def careless() -> None:
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"new" * 50)
        os.replace(name, path)
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)

    found = {path.read_bytes() for _ in deaths_of(careless, tmp_path, prepared)}
    assert b"new" * 25 in found


def deaths_of(work: Callable[[], None], tmp_path: Path, prepared: Path) -> Iterator[int]:
    for point in range(1, 12):
        shutil.rmtree(tmp_path / "etc", ignore_errors=True)
        shutil.copytree(prepared, tmp_path / "etc")
        if not power.run(work, point, power=True):
            return
        yield point


def test_judge_notices_a_removal_that_may_come_back(tmp_path: Path, prepared: Path) -> None:
    path = tmp_path / "etc" / "keepalived.conf"
    there = [path.exists() for _ in deaths_of(path.unlink, tmp_path, prepared)]
    assert there == [True, True]
    there = [path.exists() for _ in deaths_of(lambda: remove_durably(path), tmp_path, prepared)]
    assert there == [True, True, True, False]


# ---- the store by itself


def test_damaged_revision_and_damaged_text_are_left_out_and_never_returned(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    first = archive.add({"/a": b"one"}, by="x", comment="", fingerprint="f", wall_ns=1)
    archive.add({"/a": b"two"}, by="x", comment="", fingerprint="f", wall_ns=2)
    (tmp_path / "revisions" / "00000002.json").write_text("{")
    (tmp_path / "revisions" / "texts" / first.files[0].digest).write_bytes(b"onE")
    again = Archive(tmp_path)
    again.open()
    assert [one.number for one in again.revisions] == [1]
    with pytest.raises(OSError, match="damaged"):
        again.text(first.files[0].digest)
    again.keep(b"one")
    assert again.text(first.files[0].digest) == b"one"


def test_octets_that_are_no_text_are_kept_as_they_are(tmp_path: Path) -> None:
    octets = bytes(range(256))
    archive = Archive(tmp_path)
    made = archive.add({"/a": octets}, by="x", comment="", fingerprint="f", wall_ns=1)
    assert Archive(tmp_path).text(made.files[0].digest) == octets


def test_texts_that_the_way_back_names_are_never_pruned(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    old = archive.keep(b"old")
    archive.write_journal(
        Journal(
            stage=Stage.PENDING,
            revision=7,
            previous=1,
            by="x",
            comment="",
            path="/a",
            files=(FileChange("/a", old, digest(b"new")),),
        )
    )
    for number in range(KEPT + 3):
        archive.add({"/a": b"%d" % number}, by="x", comment="", fingerprint="f", wall_ns=1)
    assert archive.text(old) == b"old"
    assert archive.revisions[0].number > 7, "a number that the journal names is never used again"
