"""The steps of a drill on a site that the test plays: refused, run, aborted, cut short by its limit, crashed."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.config.model import Config
from engine.core.drill import plans
from engine.core.drill.forecast import forecast
from engine.core.drill.measure import Series
from engine.core.drill.packets import Packets
from engine.core.drill.preflight import Known
from engine.core.drill.runner import Runner
from engine.core.drill.running import Running, beyond
from engine.core.drill.store import Journal
from engine.errors import Refused
from engine.messages import (
    AddressStatus,
    Check,
    CommandFinished,
    DrillFinished,
    DrillReport,
    Event,
    Failover,
    Impair,
    InstanceStatus,
    OtherRouter,
    Outcome,
    PacketLine,
    ProbeSample,
    ProbeSeen,
    Release,
    Relieve,
    RunDrill,
    State,
    Verdict,
)
from hatui.moves import Move
from hatui.reports import FORMATS, rendered, text
from hatui.screens.simulated import simulation_of
from tests.fake_engine import instance
from tests.scenarios.build import VIP, config
from tests.scenarios.build import instance as configured
from tests.scenarios.octets import advert

CONFIG = config(configured())
MOVE = Move("VI_1", "step-down", "", "", 0, (), (), "", "", ())
FAST = 'like = "{}"\nbaseline_s = 0\nsettle_s = 0\nlimit_s = {}\nbudget_s = 1'


class Site:
    """Core and the other router."""

    def __init__(self) -> None:
        self.before = instance(
            peer="10.0.0.9", heard_at=1, advert_interval=10_000_000, master_down_interval=40_000_000, interface="eth0"
        )
        self.now: InstanceStatus = self.before
        self.events: list[Event] = []
        self.orders: list[Any] = []
        self.on_disk_at_act = False
        self.answers = True
        """The other router takes over."""
        self.runner: Runner
        self.directory: Path | None = None
        self.waits = ""
        self.elsewhere = ""

    @property
    def config(self) -> Config:
        return CONFIG

    def clock(self) -> int:
        return time.monotonic_ns()

    def record(self, event: Event, at: int | None = None) -> None:
        self.events.append(event)

    def own_status_changed(self) -> None:
        return

    async def instances(self) -> list[InstanceStatus]:
        return [self.now]

    async def order(self, command: Failover | Release | Impair | Relieve, by: str, reason: str) -> CommandFinished:
        self.orders.append(command)
        if isinstance(command, Impair | Failover):
            self.on_disk_at_act = self.directory is not None and (self.directory / "drills" / "running.json").exists()
            self.now = msgspec.structs.replace(self.before, state=State.FAULT)
            if self.answers:
                self._speaks()
        else:
            self.now = self.before
        return CommandFinished(1, Outcome.DONE, "", "done")

    def _speaks(self) -> None:
        """An advert of the other router comes by the wire."""
        packet = advert(priority=50).data
        frame = bytes(12) + b"\x08\0" + packet
        line = PacketLine(1, 0, time.time_ns() + 1, "eth0", "in", "advert", frame, "VI_1", Verdict.OK)
        self.runner.packet(line)

    def stall(self, duration: int) -> bool:
        return True

    def kill_vrrp(self) -> bool:
        return True

    def vrrp_pid(self) -> int:
        return 7

    async def reload(self, by: str) -> None:
        return

    def watch_wire(self) -> None:
        return

    def reserved(self) -> str:
        return self.elsewhere

    async def known(self, status: InstanceStatus, nodes: tuple[Check, ...]) -> Known:
        return Known(pending=self.waits, nodes=nodes)

    async def impact(self) -> Check:
        return Check("pass", "P-RELOAD-IMPACT", "no change")

    def about(self) -> tuple[str, str, str]:
        return "lb-a", "0.1.0", "abcdef"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr("engine.core.drill.runner.PATIENCE_S", 0.01)
    monkeypatch.setattr("engine.core.drill.runner.BACK_S", 0.2)
    monkeypatch.setattr("engine.core.drill.runner.LOOK_S", 0.005)
    monkeypatch.setattr("engine.core.drill.probing.PROGRAM", tmp_path / "no such program")
    made = Site()
    made.directory = tmp_path
    made.runner = Runner(made, tmp_path)
    return made


async def drill(site: Site, like: str = "silent-master", limit_s: float = 2, **more: Any) -> DrillReport:
    command = RunDrill("mine", "VI_1", FAST.format(like, limit_s), **more)
    return await site.runner.run(command, "anna", "Q4", lambda _: None)


async def refused(site: Site, command: RunDrill) -> str:
    with pytest.raises(Refused) as refusal:
        await site.runner.run(command, "anna", "", lambda _: None)
    return refusal.value.code


async def test_it_breaks_observes_restores_and_keeps_a_report(site: Site) -> None:
    report = await drill(site)
    assert (report.outcome, report.restored, report.by, report.reason) == ("pass", True, "anna", "Q4")
    assert [type(one) for one in site.orders] == [Impair, Relieve]
    assert site.on_disk_at_act, "the journal is there before anything is broken"
    assert not (site.runner.drills.directory / "running.json").exists()  # type: ignore[operator]
    assert {step.state for step in report.steps} == {"done"}
    assert report.takeover >= 0
    assert (await site.runner.reports())[-1] == report
    assert Runner(site, site.directory).obstacle == ""
    again = Runner(site, site.directory)
    assert await again.reports() == (report,)
    assert Path(report.packets).name == "00000001.pcapng"
    assert report.packets_kept >= 1
    assert all(report.packets in rendered(report, form) for form in FORMATS), "named in every form"
    octets, size = again.drills.packets(report.number, 0)
    assert len(octets) == size == Path(report.packets).stat().st_size


async def test_an_impairment_ends_by_itself_later_than_the_drill_but_it_does_end(site: Site) -> None:
    before = time.monotonic_ns()
    await drill(site)
    until = site.orders[0].until - before
    assert 2e9 < until < 60e9


async def test_hand_over_is_released_by_the_drill(site: Site) -> None:
    await drill(site, "hand-over")
    assert [type(one) for one in site.orders] == [Failover, Release]
    assert site.orders[0].hold_s > 0, "a dead engine leaves no hold for ever"


async def test_it_is_repeated_as_often_as_it_says(site: Site) -> None:
    report = await drill(site, "flap", repeat=3)
    assert [type(one) for one in site.orders] == [Impair, Relieve] * 3
    assert report.outcome == "pass"


async def test_abort_restores_at_once(site: Site) -> None:
    site.answers = False
    task = asyncio.ensure_future(drill(site, limit_s=30))
    while not site.orders:
        await asyncio.sleep(0)
    with pytest.raises(Refused):
        await drill(site)
    assert "drill 1" in site.runner.obstacle
    site.runner.abort("ben")
    report = await task
    assert (report.outcome, report.text, report.restored) == ("aborted", "aborted by ben", True)
    assert isinstance(site.orders[-1], Relieve)
    assert site.now is site.before
    with pytest.raises(Refused):
        site.runner.abort("ben")


async def test_its_limit_aborts_it(site: Site) -> None:
    site.answers = False
    report = await drill(site, limit_s=0.05)
    assert report.outcome == "aborted"
    assert "not seen within" in report.text
    assert isinstance(site.orders[-1], Relieve)


@pytest.mark.parametrize("how", ["abort", "limit"])
async def test_a_hand_over_that_nobody_answers_is_taken_back(site: Site, how: str) -> None:
    asked = asyncio.Event()

    async def unanswered(command: Any, by: str, reason: str) -> CommandFinished:
        if isinstance(command, Failover):
            asked.set()
            await asyncio.get_running_loop().create_future()
        return await Site.order(site, command, by, reason)

    site.order = unanswered  # type: ignore[method-assign]
    task = asyncio.ensure_future(drill(site, "hand-over", limit_s=30 if how == "abort" else 0.05))
    await asked.wait()
    if how == "abort":
        site.runner.abort("ben")
    report = await task
    assert report.outcome == "aborted"
    assert report.text == ("aborted by ben" if how == "abort" else "nobody has taken over within 0.1 s")
    assert isinstance(site.orders[-1], Release)


async def test_what_is_not_as_before_is_a_failure(site: Site) -> None:
    async def never(command: Any, by: str, reason: str) -> CommandFinished:
        if isinstance(command, Impair):
            return await Site.order(site, command, by, reason)
        return CommandFinished(1, Outcome.DONE, "", "said, not done")

    site.order = never  # type: ignore[method-assign]
    report = await drill(site)
    assert (report.outcome, report.restored) == ("failed", False)
    assert "not as before" in report.text
    assert (site.directory / "drills" / "running.json").exists()  # type: ignore[operator]


class Cable:
    """A real link, as far as the runner handles it."""

    def __init__(self, site: Site, *lost: tuple[str, ...]) -> None:
        self.site, self.lost, self.said = site, list(lost), list[str]()

    async def sever(self, interface: str, _ours: Any, seconds: float) -> str:
        assert 0 < seconds < 60, "its guard has an end of its own"
        self.said.append(f"sever {interface}")
        self.site.now = msgspec.structs.replace(self.site.before, state=State.FAULT)
        return "down"

    async def mend(self) -> str:
        self.said.append("mend")
        self.site.now = self.site.before
        return "up"

    async def missing(self) -> tuple[str, ...]:
        return self.lost.pop(0) if self.lost else ()

    async def finish(self) -> None:
        self.said.append("finish")


async def real(site: Site, *lost: tuple[str, ...], **more: Any) -> tuple[DrillReport, Cable]:
    cable = Cable(site, *lost)
    site.runner.cable = cable  # type: ignore[assignment]
    return await drill(site, "link-down", real_link=True, **more), cable


async def test_real_link_is_severed_and_mended_and_no_impairment_is_ordered(site: Site) -> None:
    report, cable = await real(site, ("route 192.0.2.0/24 table 254",))
    assert (report.outcome, report.restored, report.real_link, site.orders) == ("pass", True, True, [])
    assert cable.said == ["sever eth0", "mend", "finish"]
    assert not cable.lost, "asked again until nothing is missing"
    assert report.title.startswith("REAL: ")
    assert "nothing is heard here" in report.steps[3].text
    assert "all of the link as before" in report.steps[5].text
    assert all("really taken down" in rendered(report, form) for form in FORMATS if form not in ("json", "junit"))


async def test_real_link_that_lost_something_for_good_has_failed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.core.drill.forecast.REAL_S", 0.1)
    report, _ = await real(site, *[("address 2001:db8::1/64",)] * 1000)
    assert (report.outcome, report.restored) == ("failed", False)
    assert "lost: address 2001:db8::1/64" in report.text


async def test_real_link_waits_for_probes_elsewhere_to_have_answers_again(site: Site) -> None:
    task = asyncio.ensure_future(real(site, limit_s=30))
    while site.runner.running is None:
        await asyncio.sleep(0)
    running = site.runner.running
    told = [ProbeSample(time.time_ns(), ok=True)]
    site.runner.seen(ProbeSeen("c9 icmp", 10_000_000, tuple(told)))
    while not running.acted:
        await asyncio.sleep(0)
    lost = ProbeSample(running.acted + 1, ok=False)
    site.runner.seen(ProbeSeen("c9 icmp", 10_000_000, (lost, ProbeSample(running.acted + 200_000_000, ok=True))))
    report, _ = await task
    assert report.outcome == "pass", report.text
    assert "probes elsewhere have answers again, after 0.200 s" in report.steps[3].text
    assert report.measured >= 200_000_000


async def test_reload_says_before_what_it_does_to_the_instances(site: Site) -> None:
    for like, wanted in (("reload", True), ("hand-over", False)):
        report = await drill(site, like, dry_run=True)
        assert ("P-RELOAD-IMPACT" in {one.code for one in report.checks}) == wanted


def test_progress_tells_the_outage_so_far_of_the_probes_that_count() -> None:
    status = instance(peer="10.0.0.9")
    plan = next(one for one in plans.BUILT_IN if one.name == "silent-master")
    running = Running(1, plan, status, "anna", "", forecast(plan, status), Packets(None, ("VI_1",)))
    running.host = "lb-a"
    assert running.progress().outage == -1
    assert all(step.text for step in running.steps[3:]), "what is still to come is told, too"
    running.act(1_000)
    own, other = Series("lb-a icmp", 50), Series("c9 icmp", 50)
    running.series = {"lb-a icmp": own, "c9 icmp": other}
    other.samples.extend([ProbeSample(900, ok=True), ProbeSample(1_100, ok=False), ProbeSample(1_700, ok=False)])
    own.samples.extend([ProbeSample(900, ok=True), ProbeSample(9_000, ok=False)])
    assert running.progress().outage == 800, "it goes on"
    other.samples.append(ProbeSample(1_800, ok=True, rtt=5))
    assert running.progress().outage == 905
    del running.series["c9 icmp"]
    assert running.progress().outage == 8_100, "without another host its own counts"


async def probed(site: Site, *samples: tuple[str, bool], **more: Any) -> DrillReport:
    """A drill during whose baseline these probes are heard, five times each."""
    text = FAST.format("silent-master", 2).replace("baseline_s = 0", "baseline_s = 0.2")
    command = RunDrill("mine", "VI_1", text, **more)
    task = asyncio.ensure_future(site.runner.run(command, "anna", "Q4", lambda _: None))
    while site.runner.running is None or site.runner.running.steps[1].state != "now":
        await asyncio.sleep(0)
    for name, good in samples:
        site.runner.seen(ProbeSeen(name, 1_000, tuple(ProbeSample(time.time_ns(), ok=good) for _ in range(5))))
    return await task


async def test_nothing_is_broken_when_no_probe_elsewhere_reaches_the_address(site: Site) -> None:
    report = await probed(site, ("c9#1 tcp:443", False), ("c9#1 icmp", False))
    assert (report.outcome, report.restored, site.orders) == ("aborted", True, [])
    assert report.text == "no probe elsewhere reaches the address, so nothing was broken: c9#1 tcp:443, c9#1 icmp"


async def test_probe_that_never_answered_is_named_and_not_judged(site: Site) -> None:
    report = await probed(site, ("c9#1 tcp:443", True), ("c9#1 icmp", False))
    assert report.outcome == "pass", report.text
    assert "never answered, not even before: c9#1 icmp" in report.text


def observed(expect: str = "moves", **samples: list[ProbeSample]) -> Running:
    status = instance(peer="10.0.0.9", advert_interval=10_000_000, master_down_interval=40_000_000)
    plan = plans.parse(f'like = "silent-master"\nbudget_s = 0.1\nexpect = "{expect}"', "mine")
    running = Running(1, plan, status, "anna", "", forecast(plan, status), Packets(None, ("VI_1",)))
    running.act(time.time_ns())
    for name, found in samples.items():
        series = running.series.setdefault(name.replace("_", " "), Series(name.replace("_", " "), 100_000_000))
        series.samples.extend(found)
    return running


def test_outage_beyond_twice_the_budget_and_two_owners_beyond_the_limit_end_it() -> None:
    now = time.time_ns()
    good, lost = ProbeSample(now - 1_100_000_000, ok=True), ProbeSample(now, ok=False)
    assert beyond(observed(c9_icmp=[good, lost])) == ""
    late = msgspec.structs.replace(good, sent=now - 1_300_000_000)
    assert "more than twice the budget" in beyond(observed(c9_icmp=[late, lost]))
    assert beyond(observed(c9_icmp=[late, lost, good])) == "", "it answers again"
    both = [ProbeSample(now, ok=True, macs=("02:00:00:00:00:01", "02:00:00:00:00:02"))] * 60
    assert "two machines have answered for 6.0 s" in beyond(observed(c9_arp=both))
    assert beyond(observed("splits", c9_arp=both)) == "", "that is what it rehearses"


async def test_only_a_drill_of_the_link_takes_it_really_down(site: Site) -> None:
    command = RunDrill("hand-over", "VI_1", real_link=True)
    assert await refused(site, command) == "E-PLAN"
    bad = (Check("fail", "P-SECOND-PATH", "by which way you reach this host is not known"),)
    command = RunDrill("link-down", "VI_1", real_link=True, override="I want it")
    with pytest.raises(Refused, match="cannot be overridden: by which way") as refusal:
        await site.runner.run(command, "anna", "", lambda _: None, bad)
    assert refusal.value.code == "E-PREFLIGHT"


async def test_refusals_have_codes_and_do_nothing(site: Site) -> None:
    assert await refused(site, RunDrill("nothing", "VI_1")) == "E-PLAN"
    assert await refused(site, RunDrill("silent-master", "VI_9")) == "E-UNKNOWN-INSTANCE"
    assert await refused(site, RunDrill("silent-master", "VI_1", repeat=99)) == "E-PLAN"
    assert await refused(site, RunDrill("peer-deaf", "VI_1")) == "E-PREFLIGHT"
    site.waits = "revision 7 waits"
    assert await refused(site, RunDrill("silent-master", "VI_1")) == "E-PREFLIGHT"
    site.waits = ""
    site.now = msgspec.structs.replace(site.before, peer="")
    assert await refused(site, RunDrill("silent-master", "VI_1")) == "E-PREFLIGHT"
    assert site.orders == []
    assert await site.runner.reports() == ()


async def test_a_disk_that_takes_nothing_refuses_the_drill(site: Site) -> None:
    (site.directory / "drills").write_text("not a directory")  # type: ignore[operator]
    with pytest.raises(Refused, match=f"{site.directory}/drills: ") as refusal:
        await drill(site)
    assert refusal.value.code == "E-HISTORY-OFF"
    assert site.orders == []
    assert await site.runner.reports() == ()
    assert (await drill(site, dry_run=True)).outcome == "preflight"


async def test_a_disk_that_filled_up_refuses_the_drill_and_keeps_nothing_of_the_trial(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, octets: bytes, mode: int = 0) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr("engine.core.drill.store.write_atomically", full)
        with pytest.raises(Refused, match="No space left on device"):
            await drill(site)
    assert site.orders == []
    assert (await drill(site)).outcome == "pass"
    assert not (site.directory / "drills" / "trial").exists()  # type: ignore[operator]


async def test_a_disk_that_takes_nothing_any_more_when_the_act_begins_breaks_nothing(site: Site) -> None:
    site.runner.drills.check_room = lambda: None  # type: ignore[method-assign]
    (site.directory / "drills").write_text("not a directory")  # type: ignore[operator]
    report = await drill(site)
    assert report.outcome == "failed"
    assert "nothing was broken, because the journal cannot be written" in report.text
    assert f"{site.directory}/drills" in report.text
    assert "[E-IO]" in report.text
    assert site.orders == []


async def test_a_dry_run_only_looks(site: Site) -> None:
    report = await drill(site, dry_run=True)
    assert report.outcome == "preflight"
    assert site.orders == []
    assert {"P-PEER-HEARD", "P-PENDING", "P-CLOCK", "P-SERVICE"} <= {one.code for one in report.checks}
    assert report.lasts > 0


async def test_a_dry_run_shows_what_would_fail(site: Site) -> None:
    site.waits = "revision 7 waits"
    report = await drill(site, dry_run=True)
    assert [one.code for one in report.checks if one.result == "fail"] == ["P-PENDING"]


async def test_a_failed_preflight_is_overridden_with_a_reason_that_the_report_keeps(site: Site) -> None:
    site.waits = "revision 7 waits"
    report = await drill(site, override="change window, anna knows")
    assert (report.override, report.overridden) == ("change window, anna knows", ("P-PENDING",))
    assert any('P-PENDING: "change window, anna knows"' in line for line in text(report))
    site.waits = ""
    assert (await drill(site, override="not needed")).overridden == ()


async def test_nobody_overrides_the_loss_of_the_last_owner(site: Site) -> None:
    site.now = site.before = msgspec.structs.replace(site.before, peer="")
    with pytest.raises(Refused, match=r"cannot be overridden.*P-PEER-HEARD"):
        await drill(site, override="I want it")
    assert site.orders == []


async def test_what_a_client_found_on_a_linked_node_counts_and_is_kept(site: Site) -> None:
    told = (Check("pass", "P-CLOCK", "lb-b: 3 ms apart"), Check("fail", "P-VIP-MATCH", "lb-b lacks 10.0.0.51"))
    assert await refused(site, RunDrill("silent-master", "VI_1", checks=told)) == "E-PREFLIGHT"
    report = await drill(site, checks=told, override="it is being added")
    assert report.overridden == ("P-VIP-MATCH",)
    assert [one.text for one in report.checks if one.code == "P-CLOCK"] == ["lb-b: 3 ms apart"]


async def test_a_drill_elsewhere_in_the_site_is_in_the_way_of_a_real_one(site: Site) -> None:
    site.elsewhere = "lb-b drills VI_1"
    with pytest.raises(Refused, match="lb-b drills VI_1") as refusal:
        await drill(site)
    assert refusal.value.code == "E-DRILL"
    assert (await drill(site, dry_run=True)).outcome == "preflight"
    assert (await drill(site, simulate=True)).simulation


async def test_a_crashed_drill_is_told_by_the_next_engine(site: Site) -> None:
    journal = Journal(number=4, plan="hand-over", title="t", instance="VI_1", members=("VI_1",), act="hand-over",
                      by="anna", reason="Q4", started=1)  # fmt: skip
    site.runner.drills.begin(journal)
    again = Runner(site, site.directory)
    found = again.unfinished()
    assert found == journal
    await again.recover(journal)
    assert [one.outcome for one in await again.reports()] == ["crashed"]
    assert [one.outcome for one in site.events if isinstance(one, DrillFinished)] == ["crashed"]
    assert Runner(site, site.directory).unfinished() is None
    assert again.drills.next_number == 5


@pytest.mark.parametrize("name", ["hand-over", "silent-master", "link-down", "engine-crash", "engine-stall", "reload"])
async def test_simulation_gives_the_same_report_and_sends_nothing(site: Site, name: str) -> None:
    site.now = instance(
        version=2, peer="10.0.0.9", heard_at=1, addresses=(AddressStatus(VIP, 24, "eth0", present=True),)
    )
    report = await site.runner.run(RunDrill(name, "VI_1", simulate=True), "anna", "", lambda _: None)
    assert report.simulation
    assert report.title.startswith("SIMULATION")
    assert report.outcome == "pass", (report.text, report.ladder)
    assert site.orders == []
    assert await site.runner.reports() == ()
    if name in ("silent-master", "link-down"):
        assert 2.5e9 < report.measured < 4e9
    elif name in ("hand-over", "engine-crash", "reload"):
        assert report.measured == 0


async def test_simulation_takes_the_other_router_as_it_is_told(site: Site) -> None:
    slow = OtherRouter("lb-b", 77, 3_000_000_000, preempt=False)
    told = await drill(site, simulate=True, other=slow)
    assert "lb-b: priority 77, interval 3 s, nopreempt (said by its engine); the rest like this one" in told.peer
    site.now = site.before = msgspec.structs.replace(site.before, peer_priority=66)
    assert "priority 66" in (await drill(site, simulate=True)).peer
    site.now = site.before = msgspec.structs.replace(site.before, peer_priority=0)
    assert "never heard: assumed" in (await drill(site, simulate=True)).peer


THERE = """
vrrp_script chk_there {
    script "/bin/true"
    fall 2
}
vrrp_instance VI_B {
    state BACKUP
    interface ens9
    virtual_router_id 50
    priority 90
    advert_int 1
    virtual_ipaddress {
        %s
    }
    track_script {
        chk_there
    }
}
"""


@pytest.mark.parametrize("bad", [False, True], ids=["all is well there", "its script fails"])
async def test_simulation_takes_the_other_routers_own_configuration(site: Site, bad: bool) -> None:
    site.now = instance(
        version=2, source="10.0.0.1", addresses=(AddressStatus(VIP, 24, "eth0", present=True),), interface="eth0"
    )
    other = OtherRouter(
        "lb-b", 90, 1_000_000_000, instance="VI_B", source="10.0.0.9", failing=(("script", "chk_there"),) * bad
    )
    other = msgspec.structs.replace(other, files=(("/etc/keepalived/keepalived.conf", THERE % VIP),))
    command = RunDrill("silent-master", "VI_1", simulate=True, other=other)
    report = await site.runner.run(command, "anna", "", lambda _: None)
    assert "lb-b: priority 90, interval 1 s, preempt, addresses 1 (from its own configuration" in report.peer
    assert ("script chk_there fails" in report.peer) == bad
    if bad:
        assert report.takeover == -1, "who is in FAULT takes nothing over"
        assert report.outcome == "over-budget"
    else:
        assert 3.0e9 < report.takeover < 3.8e9, "its own timers: 3 s and the skew of 90"
        assert report.outcome == "pass", (report.text, report.ladder)


async def test_simulation_tells_when_the_other_router_has_other_addresses_or_cannot_be_read(site: Site) -> None:
    site.now = instance(version=2, addresses=(AddressStatus(VIP, 24, "eth0", present=True),), interface="eth0")
    other = OtherRouter("lb-b", 90, 1_000_000_000, instance="VI_B", source="10.0.0.9")
    strange = msgspec.structs.replace(other, files=(("/a.conf", THERE % "10.0.0.51"),))
    command = RunDrill("hand-over", "VI_1", simulate=True, other=strange)
    report = await site.runner.run(command, "anna", "", lambda _: None)
    assert report.measured > 1_000_000_000, "nobody there has the address"
    unread = msgspec.structs.replace(other, files=(("/a.conf", "vrrp_instance {"),))
    command = RunDrill("hand-over", "VI_1", simulate=True, other=unread)
    report = await site.runner.run(command, "anna", "", lambda _: None)
    assert "(said by its engine); the rest like this one, assumed" in report.peer


async def test_a_take_over_is_simulated_from_the_words_of_the_failover_dialog(site: Site) -> None:
    site.now = instance(
        version=2,
        state=State.BACKUP,
        master="10.0.0.9",
        master_priority=200,
        peer="10.0.0.9",
        peer_priority=200,
        addresses=(AddressStatus(VIP, 24, "eth0", present=False),),
    )
    move = msgspec.structs.replace(MOVE, method="take-over")
    report = await site.runner.run(simulation_of(move), "anna", "", lambda _: None)
    assert report.simulation
    assert report.title.startswith("SIMULATION")
    assert (report.outcome, report.takeover >= 0) == ("pass", True), (report.text, report.ladder)
    assert site.orders == []
