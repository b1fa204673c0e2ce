"""Notify scripts and FIFOs with real programs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import programs
from engine.config.model import Command, Config, Fifo, Globals, Instance, Notify, SyncGroup
from engine.core import notify
from engine.core.notify import Notifier
from engine.messages import Cause, Event, LogLine, LowerPriorityHeard, PriorityChanged, ScriptRan, State, StateChanged


def change(new: State, name: str = "VI_1", cause: Cause = Cause.PEER_HIGHER, priority: int = 100) -> StateChanged:
    return StateChanged(name, State.INIT, new, cause, priority=priority)


class Said(list[Event]):
    """What the notifier reports."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.append(event)
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while sum(isinstance(one, ScriptRan) for one in self) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Said, Notifier]]:
    said = Said()
    notifier = Notifier(said)
    yield said, notifier
    await notifier.close(5)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "notify.sh"
    path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/log\n')
    path.chmod(0o755)
    return path


def lines(script: Path) -> list[str]:
    return (script.parent / "log").read_text().splitlines()


def instance(notices: Notify, name: str = "VI_1", group: str = "") -> Instance:
    return Instance(name=name, interface="eth0", vrid=50, notify=notices, sync_group=group)


def run_as_us(*argv: str) -> Command:
    return Command(tuple(argv), programs.account(os.environ.get("USER") or "root").user)


async def test_own_script_runs_as_written_then_notify_with_four_arguments(
    pair: tuple[Said, Notifier], script: Path
) -> None:
    said, notifier = pair
    master, general = run_as_us(str(script), "up", "now"), run_as_us(str(script))
    notifier.use(Config(instances=(instance(Notify(master=master, any=general)),)))
    notifier.happened(change(State.BACKUP))
    notifier.happened(change(State.MASTER, priority=98))
    await said.until(3)
    assert lines(script) == ["INSTANCE VI_1 BACKUP 100", "up now", "INSTANCE VI_1 MASTER 98"]
    assert [one.exit_status for one in said if isinstance(one, ScriptRan)] == [0, 0, 0]


async def test_scripts_of_one_instance_run_in_order_though_the_first_is_slow(
    pair: tuple[Said, Notifier], tmp_path: Path
) -> None:
    said, notifier = pair
    slow = tmp_path / "slow.sh"
    slow.write_text(f'#!/bin/sh\nread line < {tmp_path}/gate\necho "$3" >> {tmp_path}/log\n')
    slow.chmod(0o755)
    os.mkfifo(tmp_path / "gate")
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    notifier.use(Config(instances=(instance(Notify(any=run_as_us(str(slow)))), instance(Notify(), "VI_2"))))
    for state in (State.BACKUP, State.MASTER, State.FAULT):
        notifier.happened(change(state))
    for count in (1, 2, 3):
        os.write(gate, b"go\n")
        await said.until(count)
    os.close(gate)
    assert (tmp_path / "log").read_text().split() == ["BACKUP", "MASTER", "FAULT"]


async def test_same_state_twice_is_told_once_and_stop_and_deleted_have_their_words(
    pair: tuple[Said, Notifier], script: Path
) -> None:
    said, notifier = pair
    notices = Notify(any=run_as_us(str(script)), deleted_reported=True)
    notifier.use(Config(instances=(instance(notices), instance(notices, "VI_2"))))
    notifier.happened(change(State.BACKUP))
    notifier.happened(change(State.BACKUP))
    notifier.happened(change(State.INIT, cause=Cause.SHUTDOWN))
    notifier.happened(change(State.INIT, "VI_2", Cause.CONFIG))
    await said.until(3)
    assert sorted(lines(script)) == sorted(
        ["INSTANCE VI_1 BACKUP 100", "INSTANCE VI_1 STOP 100", "INSTANCE VI_2 DELETED 100"]
    )


async def test_removed_instance_without_notify_deleted_runs_its_fault_scripts(
    pair: tuple[Said, Notifier], script: Path
) -> None:
    said, notifier = pair
    notifier.use(Config(instances=(instance(Notify(any=run_as_us(str(script)))),)))
    notifier.use(Config())  # the reload comes before the Router's last word about it
    notifier.happened(change(State.INIT, cause=Cause.CONFIG))
    await said.until(1)
    assert lines(script) == ["INSTANCE VI_1 FAULT 100"]


async def test_group_is_told_once_per_state_with_priority_zero(pair: tuple[Said, Notifier], script: Path) -> None:
    said, notifier = pair
    group = SyncGroup(name="G", members=("VI_1", "VI_2"), notify=Notify(any=run_as_us(str(script))))
    notifier.use(Config(instances=(instance(Notify()), instance(Notify(), "VI_2")), groups=(group,)))
    for state in (State.BACKUP, State.MASTER, State.FAULT):
        for name in ("VI_1", "VI_2"):
            notifier.happened(change(state, name))
    await said.until(3)
    assert lines(script) == ["GROUP G BACKUP 0", "GROUP G MASTER 0", "GROUP G FAULT 0"]


async def test_script_that_cannot_run_is_said_and_holds_nothing_up(pair: tuple[Said, Notifier], script: Path) -> None:
    said, notifier = pair
    missing, stranger = run_as_us("/does/not/exist"), Command((str(script),), "nobody-of-that-name")
    notifier.use(Config(instances=(instance(Notify(master=missing, backup=stranger, any=run_as_us(str(script)))),)))
    notifier.happened(change(State.BACKUP))
    notifier.happened(change(State.MASTER))
    await said.until(4)
    ran = [(one.exit_status, one.output) for one in said if isinstance(one, ScriptRan)]
    assert [status for status, _ in ran] == [programs.COULD_NOT_START, 0, programs.COULD_NOT_START, 0]
    assert "nobody-of-that-name" in ran[0][1]
    assert "No such file" in ran[2][1]


@pytest.mark.skipif(os.geteuid() != 0, reason="script security is about scripts that run as root")
async def test_script_security_names_the_part_that_others_may_write(pair: tuple[Said, Notifier], script: Path) -> None:
    said, notifier = pair
    script.parent.chmod(0o777)
    settings = Globals(script_security=True, script_user="root")
    notifier.use(Config(globals=settings, instances=(instance(Notify(any=Command((str(script),)))),)))
    notifier.happened(change(State.MASTER))
    await said.until(1)
    (ran,) = said
    assert isinstance(ran, ScriptRan)
    assert ran.exit_status == programs.COULD_NOT_START
    assert "enable_script_security" in ran.output
    assert not (script.parent / "log").exists()


async def test_script_that_never_ends_is_passed_by(
    pair: tuple[Said, Notifier], script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, notifier = pair
    monkeypatch.setattr(notify, "PATIENCE_S", 0.1)
    notices = Notify(master=run_as_us("/bin/sleep", "3"), any=run_as_us(str(script)))
    notifier.use(Config(instances=(instance(notices),)))
    notifier.happened(change(State.MASTER))
    await said.until(1)
    assert lines(script) == ["INSTANCE VI_1 MASTER 100"]
    assert any(isinstance(one, LogLine) and "still runs" in one.text for one in said)
    await said.until(2)


async def test_fifo_gets_keepalived_lines_and_is_removed_at_the_end(
    pair: tuple[Said, Notifier], tmp_path: Path
) -> None:
    said, notifier = pair
    path = tmp_path / "fifo"
    group = SyncGroup(name="G", members=("VI_1",))
    one = instance(Notify(priority_changes=True))
    notifier.use(Config(globals=Globals(fifo=Fifo(path=str(path))), instances=(one,), groups=(group,)))
    assert path.stat().st_mode & 0o777 == 0o600
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    notifier.happened(change(State.MASTER))
    notifier.happened(PriorityChanged("VI_1", 100, 98))
    assert os.read(reader, 4096).decode().splitlines() == [
        'INSTANCE "VI_1" MASTER 100',
        'GROUP "G" MASTER 0',
        'INSTANCE "VI_1" MASTER_PRIORITY 98',
    ]
    os.close(reader)
    await notifier.close(1)
    assert not path.exists()
    assert not said


async def test_full_fifo_loses_lines_and_is_said_once(pair: tuple[Said, Notifier], tmp_path: Path) -> None:
    said, notifier = pair
    notifier.use(Config(globals=Globals(fifo=Fifo(path=str(tmp_path / "fifo"))), instances=(instance(Notify()),)))
    for _ in range(3000):
        notifier.happened(change(State.MASTER))
        notifier.happened(change(State.BACKUP))
    assert [type(one) for one in said] == [LogLine]


async def test_file_in_the_place_of_the_fifo_is_left_alone(pair: tuple[Said, Notifier], tmp_path: Path) -> None:
    said, notifier = pair
    path = tmp_path / "fifo"
    path.write_text("precious")
    notifier.use(Config(globals=Globals(fifo=Fifo(path=str(path))), instances=(instance(Notify()),)))
    notifier.happened(change(State.MASTER))
    await notifier.close(1)
    assert path.read_text() == "precious"
    assert [type(one) for one in said] == [LogLine]


async def test_fifo_script_gets_the_path_and_reads_the_lines(pair: tuple[Said, Notifier], tmp_path: Path) -> None:
    _said, notifier = pair
    reader = tmp_path / "reader.sh"
    reader.write_text(
        f'#!/bin/sh\nread line < "$2"\necho "$1 $line" > {tmp_path}/got.new\nmv {tmp_path}/got.new {tmp_path}/got\n'
    )
    reader.chmod(0o755)
    fifo = Fifo(path=str(tmp_path / "fifo"), script=run_as_us(str(reader), "first"))
    notifier.use(Config(globals=Globals(vrrp_fifo=fifo), instances=(instance(Notify()),)))
    notifier.happened(change(State.MASTER))
    async with asyncio.timeout(20):
        while not (tmp_path / "got").exists():
            await asyncio.sleep(0)
    assert (tmp_path / "got").read_text() == 'first INSTANCE "VI_1" MASTER 100\n'


async def test_master_that_hears_a_lower_priority_runs_its_script(pair: tuple[Said, Notifier], script: Path) -> None:
    said, notifier = pair
    own, general = Command(argv=(str(script), "rival")), Command(argv=(str(script),))
    told = Notify(master_rx_lower_pri=own, any=general)
    notifier.use(Config(instances=(Instance(name="VI_1", interface="eth0", vrid=1, notify=told),)))
    notifier.happened(change(State.MASTER))
    notifier.happened(LowerPriorityHeard("VI_1", "10.211.55.23", 50))
    await said.until(3)
    assert lines(script) == ["INSTANCE VI_1 MASTER 100", "rival", "INSTANCE VI_1 MASTER_RX_LOWER_PRI 100"]
