"""Reading, judging, writing and watching real files; the engine is a list of what it was told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.config.model import Config
from engine.core.loading import read_config
from engine.core.reloading import Reloading
from engine.core.revisions import digest, write_atomically
from engine.errors import Refused
from engine.messages import ConfigLoaded, ConfigRefused, Event

TEXT = """\
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 50
    priority {priority}
    virtual_ipaddress {{
        10.0.0.50
    }}
}}
"""


def text(priority: int = 100) -> str:
    return TEXT.format(priority=priority)


class User:
    """Runs on whatever it is told."""

    def __init__(self) -> None:
        self.used: list[Config] = []
        self.events: list[Event] = []
        self.changed = asyncio.Event()

    def use(self, old: Config, new: Config) -> None:
        self.used.append(new)

    def record(self, event: Event, at: int | None = None) -> None:
        self.events.append(event)
        self.changed.set()

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not what():
                self.changed.clear()
                await self.changed.wait()


def reloading(path: Path) -> tuple[User, Reloading]:
    user = User()
    reading = read_config(str(path))
    assert reading.config is not None
    return user, Reloading(user, reading, "", time.monotonic_ns)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keepalived.conf"
    path.write_text(text())
    return path


async def test_reload_uses_the_new_file_and_says_what_changed(file: Path) -> None:
    user, running = reloading(file)
    file.write_text(text(150))
    lines = await running.reload("signal")
    assert [one.instances[0].priority for one in user.used] == [150]
    assert any("priority 100 -> 150" in line for line in lines)
    (event,) = user.events
    assert isinstance(event, ConfigLoaded)
    assert (event.by, event.changes) == ("signal", lines)


@pytest.mark.parametrize(
    "broken", ["vrrp_instance X {\n", text().replace("priority", "priorty"), "", "vrrp_instance X {\n interface e\n}\n"]
)
async def test_broken_file_is_refused_and_the_running_one_stays(file: Path, broken: str) -> None:
    user, running = reloading(file)
    file.write_text(broken)
    with pytest.raises(Refused, match="E-CONFIG-BROKEN"):
        await running.reload("signal")
    assert user.used == []
    assert running.config.instances[0].priority == 100
    assert running.problem
    (event,) = user.events
    assert isinstance(event, ConfigRefused)
    assert event.problems[0].startswith(str(file))
    file.write_text(text())
    await running.reload("signal")
    assert running.problem == ""


async def test_missing_file_and_directory_in_its_place_are_refused(file: Path) -> None:
    _user, running = reloading(file)
    file.unlink()
    with pytest.raises(Refused):
        await running.reload("signal")
    file.mkdir()
    with pytest.raises(Refused):
        await running.reload("signal")


async def test_judging_writes_nothing(file: Path) -> None:
    user, running = reloading(file)
    good = await running.judge(text(150), digest(file.read_bytes()))
    assert good.errors == ()
    assert any("150" in line for line in good.plan)
    bad = await running.judge("vrrp_instance X {\n", "")
    assert bad.errors
    assert file.read_text() == text()
    assert user.used == []


async def test_edit_of_a_file_that_changed_meanwhile_is_refused(file: Path) -> None:
    _user, running = reloading(file)
    base = digest(file.read_bytes())
    file.write_text(text(101))
    with pytest.raises(Refused, match="E-CONFIG-CHANGED"):
        await running.judge(text(150), base)
    assert file.read_text() == text(101)


async def test_file_that_is_not_utf8_is_not_edited_through_the_socket(file: Path) -> None:
    file.write_bytes("# café\n".encode("latin-1") + text().encode())
    _user, running = reloading(file)
    with pytest.raises(Refused, match="not UTF-8"):
        await running.judge(text(150), "")


# ---- watching


@asynccontextmanager
async def watched(path: Path) -> AsyncIterator[tuple[User, Reloading]]:
    user, running = reloading(path)
    stop = asyncio.Event()
    task = asyncio.get_running_loop().create_task(running.watch(stop))
    try:
        yield user, running
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def by_rename(path: Path, new: str) -> None:
    other = path.with_name(".keepalived.conf.new")
    other.write_text(new)
    other.rename(path)


def by_backup(path: Path, new: str) -> None:
    path.rename(path.with_name("keepalived.conf~"))
    path.write_text(new)


def in_place(path: Path, new: str) -> None:
    path.write_text(new)


def in_pieces(path: Path, new: str) -> None:
    with path.open("w") as out:
        for line in new.splitlines(keepends=True):
            out.write(line)
            out.flush()


@pytest.mark.parametrize("save", [by_rename, by_backup, in_place, in_pieces])
async def test_watcher_notices_however_an_editor_saves(file: Path, save: Callable[[Path, str], None]) -> None:
    async with watched(file) as (user, _):
        save(file, text(130))
        await user.until(lambda: bool(user.used))
        assert user.used[-1].instances[0].priority == 130
        assert [event.by for event in user.events if isinstance(event, ConfigLoaded)] == ["file"]


async def test_watcher_follows_a_symbolic_link_and_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "etc").mkdir()
    target, link = tmp_path / "real" / "v1.conf", tmp_path / "etc" / "keepalived.conf"
    target.write_text(text(100))
    link.symlink_to(target)
    async with watched(link) as (user, _):
        target.write_text(text(110))
        await user.until(lambda: len(user.used) == 1)
        (tmp_path / "real" / "v2.conf").write_text(text(120))
        other = tmp_path / "etc" / "link.new"
        other.symlink_to(tmp_path / "real" / "v2.conf")
        other.rename(link)
        await user.until(lambda: len(user.used) == 2)
        assert [one.instances[0].priority for one in user.used] == [110, 120]


async def test_watcher_notices_files_that_an_include_takes_in(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    main = tmp_path / "keepalived.conf"
    main.write_text("include conf.d/*.conf\n")
    (tmp_path / "conf.d" / "a.conf").write_text(text(100))
    async with watched(main) as (user, _):
        (tmp_path / "conf.d" / "a.conf").write_text(text(110))
        await user.until(lambda: len(user.used) == 1)
        second = text(90).replace("VI_1", "VI_2").replace("50", "51")
        (tmp_path / "conf.d" / "b.conf").write_text(second)
        await user.until(lambda: len(user.used) == 2)
        assert [one.name for one in user.used[-1].instances] == ["VI_1", "VI_2"]
        (tmp_path / "conf.d" / "b.conf").unlink()
        await user.until(lambda: len(user.used) == 3)
        assert [one.name for one in user.used[-1].instances] == ["VI_1"]


@pytest.mark.parametrize("way", ["link", "link above", "directory"])
async def test_watcher_notices_a_directory_that_is_exchanged(tmp_path: Path, way: str) -> None:
    """A link is set to another directory, or another directory takes its name, as deployments do."""
    (tmp_path / "etc").mkdir()
    main, place = tmp_path / "etc" / "keepalived.conf", tmp_path / "srv"
    for number, name in ((100, "one"), (110, "two"), (120, "three")):
        (place / name / "conf.d").mkdir(parents=True)
        (place / name / "conf.d" / "a.conf").write_text(text(number))
    at = place / "now"

    def become(name: str) -> None:
        if way == "directory":
            if at.exists():
                at.rename(place / "gone" / str(at.stat().st_ino))
            (place / name / "conf.d").rename(at)
            return
        new = place / "new"
        new.symlink_to(place / name if way == "link above" else place / name / "conf.d")
        new.rename(at)

    (place / "gone").mkdir()
    become("one")
    main.write_text(f"include {at}/{'conf.d/' if way == 'link above' else ''}*.conf\n")
    async with watched(main) as (user, _):
        become("two")
        await user.until(lambda: len(user.used) == 1)
        become("three")
        await user.until(lambda: len(user.used) == 2)
        (at / ("conf.d" if way == "link above" else "") / "a.conf").write_text(text(130))
        await user.until(lambda: len(user.used) == 3)
    assert [one.instances[0].priority for one in user.used] == [110, 120, 130]


def test_what_changes_beside_a_directory_of_includes_concerns_nobody(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "srv" / "conf.d").mkdir(parents=True)
    main = tmp_path / "etc" / "keepalived.conf"
    main.write_text(f"include {tmp_path}/srv/conf.d/*.conf\n" + text(100))
    reading = read_config(str(main))
    assert reading.concerns({str(tmp_path / "srv" / "conf.d" / "new.conf")})
    assert reading.concerns({str(tmp_path / "srv" / "conf.d")})
    assert not reading.concerns({str(tmp_path / "srv" / "some.log")})
    assert str(tmp_path / "srv") in reading.directories


@pytest.mark.parametrize("there", ["empty", "absent"])
@pytest.mark.parametrize("pattern", ["conf.d/*.conf", "conf.d/more.conf", "conf.d/{more,other}.conf", "c*.d/*.conf"])
async def test_watcher_notices_the_first_file_that_an_include_finds(tmp_path: Path, there: str, pattern: str) -> None:
    main = tmp_path / "keepalived.conf"
    main.write_text(f"include {pattern}\n" + text(100))
    if there == "empty":
        (tmp_path / "conf.d").mkdir()
    async with watched(main) as (user, _):
        if there == "absent":
            (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d" / "more.conf").write_text(text(90).replace("VI_1", "VI_2").replace("50", "51"))
        await user.until(lambda: len(user.used) == 1)
        assert {one.name for one in user.used[-1].instances} == {"VI_1", "VI_2"}
        (tmp_path / "conf.d" / "more.conf").unlink()
        await user.until(lambda: len(user.used) == 2)


async def test_watcher_refuses_a_broken_file_with_the_reason_and_takes_the_mended_one(file: Path) -> None:
    async with watched(file) as (user, running):
        file.write_text(text(130) + "vrrp_instance {\n")
        await user.until(lambda: any(isinstance(event, ConfigRefused) for event in user.events))
        assert user.used == []
        assert running.config.instances[0].priority == 100
        assert f"{file}:" in running.problem
        file.write_text(text(130))
        await user.until(lambda: len(user.used) == 1)
        assert running.problem == ""


async def test_watcher_is_silent_about_comments_and_about_our_own_writing(file: Path) -> None:
    async with watched(file) as (user, running):
        file.write_text("# a comment\n" + text(100))
        async with running.lock:
            write_atomically(file, text(120).encode())
            await running.load("operator x", "")
        file.write_text(text(140))
        await user.until(lambda: len(user.used) == 2)
        assert [event.by for event in user.events if isinstance(event, ConfigLoaded)] == ["operator x", "file"]


async def test_change_in_a_virtual_server_is_told_to_have_no_effect(file: Path) -> None:
    service = "virtual_server 10.0.0.1 80 {\n lb_algo rr\n real_server 10.0.0.2 80 {\n weight 1\n }\n}\n"
    user, running = reloading(file)
    file.write_text(text(100) + service)
    told = ("virtual_server 10.0.0.1 80: added, which hatui reads without effect (C-NO-EFFECT)",)
    assert await running.reload("operator x") == told
    assert user.used == [running.config]
    judged = await running.judge(text(100), digest(file.read_bytes()))
    assert judged.plan == ("virtual_server 10.0.0.1 80: removed, which hatui reads without effect (C-NO-EFFECT)",)


# ---- writing


def test_writing_keeps_mode_owner_and_link(tmp_path: Path) -> None:
    target, link = tmp_path / "real.conf", tmp_path / "link.conf"
    target.write_text("old")
    target.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(target, 1234, 2345)
    before = target.stat()
    link.symlink_to(target)
    write_atomically(link, b"new")
    after = target.stat()
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert sorted(os.listdir(tmp_path)) == ["link.conf", "real.conf"]


def test_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new.conf", b"x")
    assert (tmp_path / "new.conf").stat().st_mode & 0o777 == 0o640
