"""Changes that wait for their confirmation: a fake world with a clock of its own, real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.core.archive import KEPT, Archive
from engine.core.change import Changes
from engine.core.living import untouched
from engine.core.loading import read_config
from engine.core.reloading import Reloading
from engine.core.revisions import digest, write_atomically
from engine.core.takeback import settle
from engine.errors import Refused
from engine.messages import (
    AddressStatus,
    ConfigConfirmed,
    ConfigLoaded,
    ConfigReverted,
    ConfigRevertRefused,
    HeardAdvert,
    IncludedText,
    InstanceStatus,
    State,
)
from tests.config import lint_case
from tests.core.test_reloading import User, text

SECOND = 1_000_000_000
ANNA = "operator anna"


def status(state: State = State.MASTER, master: str = "10.0.0.1", *, present: bool = True) -> InstanceStatus:
    return InstanceStatus(
        name="VI_1",
        interface="eth0",
        vrid=50,
        version=2,
        family=4,
        state=state,
        since=1,
        base_priority=100,
        priority=100,
        master=master,
        addresses=(AddressStatus("10.0.0.50", 32, "eth0", present),),
    )


class World(User):
    """Core, as far as changes see it."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self.now = 1_000 * SECOND
        self.silent_since = 0
        self.statuses: list[InstanceStatus] | None = [status()]

    def clock(self) -> int:
        return self.now

    def owners(self) -> list[InstanceStatus] | None:
        return self.statuses

    async def fresh_owners(self) -> list[InstanceStatus] | None:
        return self.statuses

    def vrrp_heard(self) -> int:
        return self.silent_since or self.now

    def ask_sign_of_life(self) -> None:
        self.changed.set()

    def own_status_changed(self) -> None:
        self.changed.set()

    def told(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]

    async def pass_time(self, changes: Changes, seconds: float, every: float = 0.25) -> None:
        """Let the clock run, with a look at each step."""
        end = self.now + int(seconds * SECOND)
        while self.now < end:
            self.now = min(end, self.now + int(every * SECOND))
            await changes.turn()


Made = tuple[World, Changes]


async def engine(path: Path, world: World | None = None, boot: str = "boot 1") -> Made:
    """An engine's start on this file."""
    world = world or World()
    settle(path.parent / "state", str(path), world.now, boot)
    reading = read_config(str(path))
    running = Reloading(world, reading, "", world.clock, Archive(path.parent / "state"))
    changes = Changes(world, running, boot)
    await changes.resume()
    return world, changes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keepalived.conf"
    path.write_text(text())
    return path


@pytest.fixture
async def made(file: Path) -> Made:
    return await engine(file)


def tracked(priority: int) -> str:
    """The file with one more reason for FAULT."""
    return text(priority).replace("priority", "track_interface {\n        eth7\n    }\n    priority")


def untouched_by(changes: Changes) -> tuple[str, ...]:
    assert changes.pending is not None
    return changes.pending.untouched


def priorities(world: World) -> list[int]:
    return [one.instances[0].priority for one in world.used]


# ---- applying


async def test_change_for_good_is_written_used_and_kept_with_author_and_comment(file: Path, made: Made) -> None:
    world, changes = made
    lines, number = await changes.apply(text(150), digest(text().encode()), ANNA, "more")
    assert any("priority 100 -> 150" in line for line in lines)
    assert (file.read_text(), priorities(world), number, changes.pending) == (text(150), [150], 2, None)
    assert not changes.archive.unfinished
    newest, first = changes.archive.infos(10)
    assert (newest.by, newest.comment, newest.parent, newest.changed) == (ANNA, "more", 1, (str(file),))
    assert (first.number, first.by, first.parent) == (1, "startup", 0)


async def test_text_that_turns_out_broken_after_writing_is_put_back(file: Path, made: Made) -> None:
    world, changes = made
    for confirm_s in (0, 60):
        with pytest.raises(Refused, match="E-CONFIG-BROKEN"):
            await changes.apply("vrrp_instance X {\n", "", ANNA, "", confirm_s)
        assert file.read_text() == text()
        assert (changes.pending, changes.archive.unfinished, world.used) == (None, False, [])
        assert len(changes.archive.revisions) == 1


@pytest.mark.parametrize("confirm_s", [0, 60])
async def test_write_failure_changes_nothing(
    file: Path, made: Made, monkeypatch: pytest.MonkeyPatch, confirm_s: float
) -> None:
    world, changes = made

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        await changes.apply(text(150), "", ANNA, "", confirm_s)
    monkeypatch.undo()
    assert file.read_text() == text()
    assert [name for name in os.listdir(file.parent) if name.endswith(".new")] == []
    assert (world.used, changes.pending, changes.archive.unfinished) == ([], None, False)


async def test_edit_of_a_file_that_changed_meanwhile_is_refused(file: Path, made: Made) -> None:
    _world, changes = made
    base = digest(file.read_bytes())
    file.write_text(text(101))
    with pytest.raises(Refused, match="E-CONFIG-CHANGED"):
        await changes.apply(text(150), base, ANNA, "")
    assert file.read_text() == text(101)


@pytest.mark.parametrize("confirm_s", [0, 60])
async def test_file_that_changes_while_the_change_is_being_made_is_refused(
    file: Path, made: Made, monkeypatch: pytest.MonkeyPatch, confirm_s: float
) -> None:
    world, changes = made
    compare = changes._reloading.compare_base

    def and_then_somebody_writes(base: str) -> bytes | None:
        octets = compare(base)
        file.write_text(text(101))
        return octets

    monkeypatch.setattr(changes._reloading, "compare_base", and_then_somebody_writes)
    with pytest.raises(Refused, match="E-CONFIG-CHANGED"):
        await changes.apply(text(150), digest(text().encode()), ANNA, "", confirm_s)
    assert file.read_text() == text(101)
    assert (changes.pending, changes.archive.unfinished, world.used) == (None, False, [])


@pytest.mark.parametrize("on_disk", [None, "a draft {\n"])
async def test_way_back_leads_to_what_ran_though_the_file_was_gone_or_broken(
    file: Path, made: Made, on_disk: str | None
) -> None:
    world, changes = made
    await changes.apply(text(110), "", ANNA, "")
    file.unlink()
    if on_disk is not None:
        file.write_text(on_disk)
    with pytest.raises(Refused, match="E-CONFIG-CHANGED"):
        await changes.rollback(1, "", ANNA, "")
    await changes.apply(text(120), "", ANNA, "", 60)
    assert file.read_text() == text(120)
    await world.pass_time(changes, 61, every=1)
    assert file.read_text() == text(110)
    assert priorities(world) == [110, 120, 110]


@pytest.mark.parametrize("confirm_s", [-1, 0.5, 7 * 86_400.5, float("nan"), float("inf")])
async def test_time_to_confirm_outside_its_range_is_refused(made: Made, confirm_s: float) -> None:
    with pytest.raises(Refused, match="E-RANGE"):
        await made[1].apply(text(150), "", ANNA, "", confirm_s)


async def test_without_a_state_directory_a_change_for_good_works_and_one_to_confirm_is_refused(file: Path) -> None:
    world = World()
    running = Reloading(world, read_config(str(file)), "", world.clock)
    changes = Changes(world, running, "boot")
    await changes.resume()
    with pytest.raises(OSError, match="without a state directory"):
        await changes.apply(text(150), "", ANNA, "", 60)
    assert file.read_text() == text()
    assert (await changes.apply(text(150), "", ANNA, ""))[1] == 0
    assert priorities(world) == [150]


# ---- confirming, and the end of the time


async def test_unconfirmed_change_is_taken_back_at_its_deadline_and_not_before(file: Path, made: Made) -> None:
    world, changes = made
    _, number = await changes.apply(text(150), "", ANNA, "try", 60)
    waiting = changes.pending
    assert waiting is not None
    assert (waiting.revision, waiting.previous, waiting.by) == (number, 1, ANNA)
    assert waiting.deadline == world.now + 60 * SECOND
    (loaded,) = world.told(ConfigLoaded)
    assert isinstance(loaded, ConfigLoaded)
    assert loaded.confirm_s == 60
    await world.pass_time(changes, 59.9)
    assert file.read_text() == text(150)
    await world.pass_time(changes, 0.1)
    assert file.read_text() == text()
    assert (priorities(world), changes.pending, changes.archive.unfinished) == ([150, 100], None, False)
    assert world.told(ConfigReverted) == [ConfigReverted(2, 1, "nobody confirmed it in time")]
    newest = changes.archive.infos(1)[0]
    assert (newest.number, newest.by, newest.parent) == (3, "engine", 2)


async def test_confirmed_change_stays_and_the_next_may_come(file: Path, made: Made) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "", 60)
    with pytest.raises(Refused, match="E-UNCONFIRMED"):
        await changes.apply(text(160), "", "operator bert", "")
    with pytest.raises(Refused, match="E-NOT-PENDING"):
        await changes.confirm(ANNA, "", 7)
    assert await changes.confirm("operator bert", "fine") == 2
    await world.pass_time(changes, 100, every=10)
    assert file.read_text() == text(150)
    assert world.told(ConfigConfirmed) == [ConfigConfirmed(2, "operator bert", "fine")]
    with pytest.raises(Refused, match="E-NOT-PENDING"):
        await changes.confirm(ANNA, "")
    assert (await changes.apply(text(160), "", ANNA, ""))[1] == 3


async def test_file_changed_by_somebody_else_meanwhile_is_never_overwritten(file: Path, made: Made) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "", 60)
    file.write_text(text(120))
    await world.pass_time(changes, 61, every=1)
    assert file.read_text() == text(120)
    (refused,) = world.told(ConfigRevertRefused)
    assert isinstance(refused, ConfigRevertRefused)
    assert str(file) in refused.obstacle
    assert str(file) in changes.problem
    assert (changes.pending, changes.archive.unfinished, world.told(ConfigReverted)) == (None, False, [])


async def test_old_text_that_has_errors_beside_a_new_include_is_not_put_back(tmp_path: Path) -> None:
    main, more = tmp_path / "keepalived.conf", tmp_path / "more.conf"
    main.write_text(text() + "include more.conf\n")
    more.write_text("# nothing\n")
    world, changes = await engine(main)
    await changes.apply(text(150), "", ANNA, "", 60)
    more.write_text("vrrp_instance X {\n")
    await world.pass_time(changes, 61, every=1)
    assert main.read_text() == text(150)
    assert len(world.told(ConfigRevertRefused)) == 1
    assert priorities(world) == [150]


# ---- a living owner


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (status(State.FAULT, ""), "FAULT here"),
        (status(State.BACKUP, ""), "no master is heard"),
        (status(present=False), "not on the interface"),
    ],
)
async def test_address_without_a_living_owner_for_twice_the_expected_time_takes_the_change_back(
    file: Path, made: Made, lost: InstanceStatus, words: str
) -> None:
    world, changes = made
    await changes.apply(tracked(150), "", ANNA, "", 600)
    await world.pass_time(changes, 20)
    assert changes.pending is not None
    world.statuses = [lost]
    expected = 3 + (256 - 150) / 256  # Source: RFC 3768 6.1
    await world.pass_time(changes, 2 * expected - 0.5)
    assert changes.pending is not None
    await world.pass_time(changes, 1)
    assert file.read_text() == text()
    (reverted,) = world.told(ConfigReverted)
    assert isinstance(reverted, ConfigReverted)
    assert "10.0.0.50" in reverted.reason
    assert words in reverted.reason


async def test_fault_that_comes_from_outside_waits_for_the_deadline_and_one_of_the_change_does_not(
    file: Path, made: Made
) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "", 300)
    assert untouched_by(changes) == ("VI_1",)
    world.statuses = [status(State.FAULT, "")]  # somebody has pulled the cable
    await world.pass_time(changes, 290)
    assert changes.pending is not None
    world.statuses = [status()]
    await changes.confirm(ANNA, "")
    await changes.apply(tracked(150), "", ANNA, "", 300)
    assert untouched_by(changes) == ()
    world.statuses = [status(State.FAULT, "")]
    await world.pass_time(changes, 20)
    assert file.read_text() == text(150)


async def test_fault_of_a_sync_group_or_of_a_script_is_the_change_s_when_any_part_of_it_changed() -> None:
    scripted = 'vrrp_script chk {\n script "/bin/check"\n}\n' + lint_case.instance("track_script {\n chk\n}")
    other = lint_case.instance(name="VI_2", vrid=61, vip="10.0.0.101/24")
    group = "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n"

    def names(old: str, new: str) -> tuple[str, ...]:
        before, after = lint_case.read(old).config, lint_case.read(new).config
        assert before is not None
        assert after is not None
        return untouched(before, after)

    whole = scripted + other
    assert names(whole, whole.replace("priority 100", "priority 90")) == ("VI_1", "VI_2")
    assert names(whole, whole.replace("/bin/check", "/bin/other")) == ("VI_2",)
    assert names(whole + group, whole.replace("/bin/check", "/bin/other") + group) == ()
    assert names(whole, whole + group) == ()
    assert names(whole, "global_defs {\n script_user root\n}\n" + whole) == ()
    assert names(other, whole) == ("VI_2",)


async def test_editor_is_told_what_the_adverts_of_the_other_node_say(made: Made) -> None:
    running = made[1]._reloading

    async def heard() -> tuple[HeardAdvert, ...]:
        return (HeardAdvert("10.0.0.2", "eth0", 50, 4, 100),)

    running.heard = heard
    judged = await running.judge(text(100), "")
    assert "L-PRIO-EQUAL" in {each.code for each in judged.findings}
    judged = await running.judge(text(150), "")
    assert "L-PRIO-EQUAL" not in {each.code for each in judged.findings}


async def test_silent_vrrp_process_counts_as_no_owner(file: Path, made: Made) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "", 600)
    world.silent_since = world.now
    await world.pass_time(changes, 12)
    assert file.read_text() == text()


@pytest.mark.parametrize("fine", [status(State.BACKUP, "10.0.0.2"), None])
async def test_backup_that_hears_a_master_or_an_engine_without_vrrp_waits_for_the_deadline(
    made: Made, fine: InstanceStatus | None
) -> None:
    world, changes = made
    world.statuses = None if fine is None else [fine]
    await changes.apply(text(150), "", ANNA, "", 600)
    await world.pass_time(changes, 500, every=1)
    assert changes.pending is not None


async def test_address_that_nobody_served_before_is_excused_until_somebody_does(made: Made) -> None:
    world, changes = made
    world.statuses = [status(State.FAULT, "")]
    await changes.apply(text(150), "", ANNA, "", 600)
    await world.pass_time(changes, 60)
    assert changes.pending is not None
    world.statuses = [status()]
    await world.pass_time(changes, 5)
    world.statuses = [status(State.BACKUP, "")]
    await world.pass_time(changes, 60)
    assert changes.pending is None


async def test_stopping_engine_whose_addresses_go_takes_nothing_back(file: Path, made: Made) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "", 600)
    world.stopping, world.statuses = True, []
    await world.pass_time(changes, 60)
    assert file.read_text() == text(150)


# ---- restarts


async def test_restart_goes_on_waiting_until_the_same_instant(file: Path, made: Made) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "try", 60)
    world.now += 20 * SECOND
    later, resumed = await engine(file, world)
    assert resumed.pending == changes.pending
    assert file.read_text() == text(150)
    await later.pass_time(resumed, 41, every=1)
    assert file.read_text() == text()


@pytest.mark.parametrize(
    ("passed", "boot", "why"), [(61, "boot 1", "nobody confirmed"), (1, "boot 2", "the machine started anew")]
)
async def test_engine_that_starts_after_the_deadline_or_on_another_boot_begins_with_the_old_text(
    file: Path, made: Made, passed: int, boot: str, why: str
) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "try", 60)
    world.now += passed * SECOND
    later = World()
    later.now = world.now
    _, resumed = await engine(file, later, boot)
    assert file.read_text() == text()
    assert resumed.pending is None
    (reverted,) = later.told(ConfigReverted)
    assert isinstance(reverted, ConfigReverted)
    assert (reverted.revision, reverted.previous) == (2, 1)
    assert why in reverted.reason
    again = World()
    await engine(file, again, boot)
    assert again.events == []


async def test_engine_that_starts_after_the_deadline_leaves_the_file_of_somebody_else_alone(
    file: Path, made: Made
) -> None:
    world, changes = made
    await changes.apply(text(150), "", ANNA, "try", 60)
    file.write_text(text(120))
    later = World()
    later.now = world.now + 61 * SECOND
    _, resumed = await engine(file, later)
    assert file.read_text() == text(120)
    assert len(later.told(ConfigRevertRefused)) == 1
    assert str(file) in resumed.problem


async def test_damaged_journal_is_said_and_put_aside(file: Path, made: Made) -> None:
    _world, changes = made
    await changes.apply(text(150), "", ANNA, "try", 60)
    journal = file.parent / "state" / "revisions" / "pending.json"
    journal.write_text("{")
    world = World()
    running = Reloading(world, read_config(str(file)), "", world.clock, Archive(file.parent / "state"))
    resumed = Changes(world, running, "boot 1")
    await resumed.resume()
    assert len(world.events) == 1
    assert not journal.exists()
    assert journal.with_suffix(".broken").exists()


# ---- rolling back


async def test_rollback_restores_the_octets_of_any_kept_revision(file: Path, made: Made) -> None:
    world, changes = made
    for priority in (110, 120, 130):
        await changes.apply(text(priority), "", ANNA, "")
    judged = await changes.judge_rollback(2, "")
    assert any("130 -> 110" in line for line in judged.plan)
    _, number = await changes.rollback(2, "", ANNA, "")
    assert (file.read_text(), number) == (text(110), 5)
    assert changes.archive.infos(1)[0].comment == "back to revision 2"
    with pytest.raises(Refused, match="E-NO-REVISION"):
        await changes.rollback(99, "", ANNA, "")
    assert priorities(world)[-1] == 110


async def test_rollback_of_a_change_that_waits_undoes_it_at_once(file: Path, made: Made) -> None:
    world, changes = made
    await changes.apply(text(110), "", ANNA, "")
    await changes.apply(text(120), "", ANNA, "", 60)
    with pytest.raises(Refused, match="E-UNCONFIRMED"):
        await changes.rollback(1, "", ANNA, "")
    await changes.rollback(0, "", ANNA, "")
    assert file.read_text() == text(110)
    (reverted,) = world.told(ConfigReverted)
    assert isinstance(reverted, ConfigReverted)
    assert (reverted.revision, reverted.previous, reverted.by) == (3, 2, ANNA)


async def test_rollback_never_overwrites_unseen_what_was_never_in_use(file: Path, made: Made) -> None:
    _world, changes = made
    await changes.apply(text(110), "", ANNA, "")
    file.write_text("a draft of somebody {\n")
    with pytest.raises(Refused, match="E-CONFIG-CHANGED"):
        await changes.rollback(1, "", ANNA, "")
    assert file.read_text() == "a draft of somebody {\n"
    await changes.rollback(1, digest(file.read_bytes()), ANNA, "")  # its text was seen
    assert file.read_text() == text()


async def test_rollback_brings_included_files_back_all_or_none(tmp_path: Path) -> None:
    main, more = tmp_path / "keepalived.conf", tmp_path / "more.conf"
    main.write_text("include more.conf\n")
    more.write_text(text(100))
    world, changes = await engine(main)
    more.write_text(text(110))
    await changes._reloading.reload("signal")
    main.write_text("# two\ninclude more.conf\n")
    more.write_text(text(120))
    await changes._reloading.reload("signal")
    assert changes.archive.infos(1)[0].changed == (str(main), str(more))
    await changes.rollback(1, "", ANNA, "", 60)
    assert (main.read_text(), more.read_text()) == ("include more.conf\n", text(100))
    await world.pass_time(changes, 61, every=1)
    assert (main.read_text(), more.read_text()) == ("# two\ninclude more.conf\n", text(120))
    assert priorities(world) == [110, 120, 100, 120]


async def test_fifty_revisions_are_kept_and_numbers_go_on(file: Path, made: Made) -> None:
    _world, changes = made
    for number in range(KEPT + 5):
        await changes.apply(text(1 + number), "", ANNA, "")
    kept = [one.number for one in changes.archive.revisions]
    assert kept == list(range(7, KEPT + 7))
    texts = file.parent / "state" / "revisions" / "texts"
    assert len(list(texts.iterdir())) == KEPT
    assert (await changes.files_of(7))[0].text == text(6)
    assert {path.stat().st_mode & 0o777 for path in texts.iterdir()} == {0o600}
    _, again = await engine(file)
    assert [one.number for one in again.archive.revisions] == kept


# ---- included files


INCLUDING = "include more.conf\n"


async def including(tmp_path: Path) -> tuple[Path, Path, World, Changes]:
    """A main file with one included file, in use."""
    main, more = tmp_path / "keepalived.conf", tmp_path / "more.conf"
    main.write_text(INCLUDING)
    more.write_text(text(100))
    world, changes = await engine(main)
    return main, more, world, changes


def edited(path: Path, new: str, old: str = "") -> IncludedText:
    return IncludedText(str(path), new, digest((old or path.read_text()).encode()))


async def test_main_and_included_file_change_together_and_are_one_revision(tmp_path: Path) -> None:
    main, more, world, changes = await including(tmp_path)
    _, number = await changes.apply(
        "# two\n" + INCLUDING, digest(INCLUDING.encode()), ANNA, "both", files=(edited(more, text(150)),)
    )
    assert (main.read_text(), more.read_text()) == ("# two\n" + INCLUDING, text(150))
    assert priorities(world) == [150]
    assert changes.archive.infos(1)[0].changed == (str(main), str(more))
    assert changes.archive.journal() is None, "what is in use for good needs no way back"
    await changes.rollback(number - 1, "", ANNA, "")
    assert (main.read_text(), more.read_text()) == (INCLUDING, text(100))


async def test_unconfirmed_change_of_included_files_is_taken_back_whole(tmp_path: Path) -> None:
    main, more, world, changes = await including(tmp_path)
    await changes.apply("# two\n" + INCLUDING, digest(INCLUDING.encode()), ANNA, "", 60, (edited(more, text(150)),))
    await world.pass_time(changes, 61, every=1)
    assert (main.read_text(), more.read_text()) == (INCLUDING, text(100))
    assert priorities(world) == [150, 100]


async def test_engine_that_dies_between_two_files_begins_with_the_old_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, more, _, changes = await including(tmp_path)

    class Died(BaseException):
        """The machine is gone: nothing is tidied up."""

    written: list[Path] = []
    whole = write_atomically

    def first_only(path: Path, octets: bytes) -> None:
        if written:
            raise Died
        written.append(path)
        whole(path, octets)

    monkeypatch.setattr("engine.core.takeback.write_atomically", first_only)
    with pytest.raises(Died):
        await changes.apply(
            "# two\n" + INCLUDING, digest(INCLUDING.encode()), ANNA, "", files=(edited(more, text(150)),)
        )
    assert (main.read_text(), more.read_text()) == ("# two\n" + INCLUDING, text(100)), "half of it stands on disk"
    monkeypatch.undo()
    world, _ = await engine(main)
    assert (main.read_text(), more.read_text()) == (INCLUDING, text(100))
    assert world.told(ConfigReverted)


@pytest.mark.parametrize(
    ("path", "base", "why"),
    [
        ("more.conf", "old", "more.conf has changed since it was read"),
        ("other.conf", "", "other.conf is not included any more"),
        ("keepalived.conf", "", "keepalived.conf is not included any more"),
    ],
)
async def test_included_file_that_was_not_seen_so_is_never_written(
    tmp_path: Path, path: str, base: str, why: str
) -> None:
    main, more, _, changes = await including(tmp_path)
    (tmp_path / "other.conf").write_text("# not ours\n")
    wanted = edited(tmp_path / path, text(150), base)
    for act in (
        changes.apply("# two\n" + INCLUDING, "", ANNA, "", files=(wanted,)),
        changes._reloading.judge("# two\n" + INCLUDING, "", (wanted,)),
    ):
        with pytest.raises(Refused, match=why) as refusal:
            await act
        assert refusal.value.code == "E-CONFIG-CHANGED"
    assert (main.read_text(), more.read_text()) == (INCLUDING, text(100))
    assert (tmp_path / "other.conf").read_text() == "# not ours\n"


async def test_broken_included_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    _, more, _, changes = await including(tmp_path)
    judged = await changes._reloading.judge(INCLUDING, "", (edited(more, text(100).replace("priority", "prio")),))
    assert any(one.file == str(more) for one in judged.findings)
    assert more.read_text() == text(100)
