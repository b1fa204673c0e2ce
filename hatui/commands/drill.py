"""`hatui drill list | plan | run | report | compare | abort`: failovers rehearsed on purpose.

Invariant: a drill runs in the engine: whoever starts it may leave. Probes of other hosts are started from here and
only bring figures. What is reported is the engine's report.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import structs

from engine.client import EngineClient
from engine.errors import Refused
from engine.messages import (
    AbortDrill,
    Command,
    DrillReport,
    GetDrills,
    Outcome,
    Reply,
    ReserveDrill,
    RunDrill,
)
from hatui import drilling, linked, reports
from hatui.commands import session
from hatui.commands.figures import whole
from hatui.commands.linking import linked_checks, linked_other, others
from hatui.commands.terminal import agreed, complain, note, say, say_json
from hatui.text import NS, clock, plain

EXIT_OVER, EXIT_ABORTED, EXIT_REFUSED = 1, 2, 5
EPILOG = """exit codes: 0 pass, 1 over budget or failed, 2 aborted, 3 no engine, 5 refused, or wrong use

  hatui drill run silent-master VI_WEB --simulate         the same on the model: nothing is sent
  hatui drill run silent-master VI_WEB --from 'ssh ops@c9' --tcp 443 --reason 'Q4 test'
  hatui drill run link-down VI_WEB --real-link            the interface taken down; only with a second path
  hatui drill report 17 --format md"""
LONGEST_S = 3 * 3600.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import Parser, socket_option

    known = parser.add_subparsers(dest="what", metavar="WHAT", required=True, parser_class=Parser)
    listing = known.add_parser("list", help="plans, reports, and who was never drilled")
    plan = known.add_parser("plan", help="what a plan does here: preflight and forecast, nothing else")
    running = known.add_parser("run", help="run a plan")
    for one in (plan, running):
        one.add_argument("plan", help="a name from the list, or a file.toml")
        one.add_argument("instance", metavar="VI")
        drilling.add_limits(one)
    drilling.add_more(running)
    running.add_argument("--simulate", action="store_true", help="on the model only: nothing is sent")
    running.add_argument("--reason", default="", metavar="TEXT", help="for the report and the audit")
    running.add_argument(
        "--override", default="", metavar="REASON", help="run it although a check failed; never the last owner's"
    )
    running.add_argument("--yes", action="store_true", help="do not ask")
    report = known.add_parser("report", help="a report")
    report.add_argument("number", type=whole(1), metavar="N")
    report.add_argument("--packets", default="", metavar="FILE", help="write the packets of the drill there (pcapng)")
    comparing = known.add_parser("compare", help="two reports beside each other")
    comparing.add_argument("old", type=whole(1), metavar="A")
    comparing.add_argument("new", type=whole(1), metavar="B")
    abort = known.add_parser("abort", help="restore at once what the running drill has changed")
    for one in (running, report):
        one.add_argument("--format", choices=reports.FORMATS, default="text")
        one.add_argument("--output", default="", metavar="FILE", help="write the report there")
    for one in (listing, plan, running, report, comparing, abort):
        one.add_argument("--json", action="store_true", help="as JSON")
        socket_option(one)


def run(chosen: argparse.Namespace) -> int:
    """Do it."""
    match chosen.what:
        case "list":
            return session.run(_list(chosen))
        case "report":
            return session.run(_report(chosen))
        case "compare":
            return session.run(_compare(chosen))
        case "abort":
            return session.run(_abort(chosen))
        case _:
            return session.run(_run(chosen))


async def _asked(chosen: argparse.Namespace, command: Command) -> Reply:
    async with session.engine(chosen) as client:
        reply = await session.within(chosen, client.ask(command))
    if reply.outcome is not Outcome.DONE:
        raise Refused(reply.code, reply.text)
    return reply


async def _list(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        names = list(session.instances(client.snapshot))
        reply = await session.within(chosen, client.ask(GetDrills()))
    if chosen.json:
        say_json({"v": 1, "plans": reply.plans, "drills": reply.drills})
        return 0
    say("PLANS")
    for plan in reply.plans:
        own = "" if plan.source == "built in" else f"  ({plain(plan.source)})"
        say(f"  {plan.name:<15} {plan.title}, needs {plan.needs}{own}")
    for wrong in reply.problems:
        say(f"  !  {plain(wrong)}")
    say("INSTANCES")
    oldest_first = tuple(reversed(reply.drills))
    for name in names:
        marks = reports.trend(oldest_first, name)
        say(f"  {plain(name):<15} {reports.last_words(oldest_first, name)}" + (f"   [{marks}]" if marks else ""))
    if reply.drills:
        say("REPORTS")
    for one in reply.drills:
        head = f"  #{one.number:<4} {clock(one.started)} {one.plan:<14} {plain(one.instance):<12}"
        say(f"{head} {one.outcome:<11} {reports.figure(one.measured)}")
    return 0


async def _report(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        reply = await session.within(chosen, client.ask(GetDrills(chosen.number)))
        if reply.outcome is not Outcome.DONE or reply.drill is None:
            words = reply.text or f"the engine has no report {chosen.number}"
            raise Refused(reply.code or "E-NO-DRILL", words)
        octets = await drilling.packets(client.ask, chosen.number) if chosen.packets else b""
    if chosen.packets:
        drilling.write_packets(chosen.packets, octets)
    _show(chosen, reply.drill)
    if chosen.packets:
        note(f"packets written to {chosen.packets}: `hatui decode {shlex.quote(chosen.packets)}` reads them")
    return 0


async def _compare(chosen: argparse.Namespace) -> int:
    old = (await _asked(chosen, GetDrills(chosen.old))).drill
    new = (await _asked(chosen, GetDrills(chosen.new))).drill
    if old is None or new is None:
        raise Refused("E-NO-DRILL", f"the engine has no report {chosen.old if old is None else chosen.new}")
    if chosen.json:
        say_json({"v": 1, "old": old, "new": new})
        return 0
    for line in reports.compared(old, new):
        say(line)
    return 0


async def _abort(chosen: argparse.Namespace) -> int:
    reply = await _asked(chosen, AbortDrill())
    if chosen.json:
        say_json(reply)
    else:
        say(reply.text)
    return 0


def _show(chosen: argparse.Namespace, report: DrillReport) -> None:
    form = "json" if chosen.json else chosen.format
    text = reports.rendered(report, form)
    if chosen.output and _written(chosen.output, text):
        say(f"{reports.title_of(report)}: {report.outcome}: {plain(report.text)}")
        say(f"written to {chosen.output}")
    else:
        say(text.rstrip("\n"))


def _written(path: str, text: str) -> bool:
    """False, with the reason, where it cannot be written: how the drill went is not lost with it."""
    try:
        Path(path).write_text(text + ("" if text.endswith("\n") else "\n"))
    except OSError as failure:
        complain(f"{path}: {failure.strerror} [E-IO]")
        return False
    return True


async def _run(chosen: argparse.Namespace) -> int:
    try:
        text = Path(chosen.plan).read_text() if chosen.plan.endswith(".toml") else ""
        command = RunDrill(
            chosen.plan,
            chosen.instance,
            text,
            simulate=getattr(chosen, "simulate", False),
            dry_run=True,
            override=getattr(chosen, "override", ""),
        )
        command = drilling.with_limits(command, chosen)
    except OSError as failure:
        complain(f"{chosen.plan}: {failure.strerror} [E-IO]")
        return EXIT_REFUSED
    except ValueError as error:
        complain(str(error))
        return EXIT_REFUSED
    async with session.engine(chosen, several=True) as client, others(chosen, client) as further:
        found = linked_checks(client, further, command.instance)
        other = linked_other(client, further, command.instance) if command.simulate else None
        there = further.get(other.node) if other is not None else None
        if isinstance(there, EngineClient):
            other = await drilling.with_configuration(there.ask, other)
        command = structs.replace(command, checks=found, other=other)
        lasts = 0
        if not command.simulate:
            trial = await session.within(chosen, client.ask(command), 2.0)
            if trial.outcome is not Outcome.DONE or trial.drill is None:
                return _refused(chosen, trial)
            if chosen.what == "plan" or not chosen.json:
                _forecast(chosen, trial.drill)
            failed = linked.failed(trial.drill.checks)
            if chosen.what == "plan":
                return EXIT_REFUSED if failed else 0
            if failed and not command.override:
                words = f"refused: the preflight failed: {' '.join(failed)} [E-PREFLIGHT]"
                complain(words, "--override REASON runs it all the same, where that may be")
                return EXIT_REFUSED
            if not chosen.yes and not agreed("Run this drill now?"):
                complain("nothing was done", "say yes, or add --yes where nobody can be asked")
                return EXIT_REFUSED
            lasts = trial.drill.lasts
        command = structs.replace(command, dry_run=False)
        asks = {node: one.ask for node, one in further.items() if isinstance(one, EngineClient)}
        wish = ReserveDrill(client.hello.host, command.plan, command.instance, lasts / NS)
        async with drilling.held({} if command.simulate else asks, wish), _probes(chosen, client, command):
            try:
                reply = await session.within(chosen, client.ask(command, chosen.reason, progress=note), LONGEST_S)
            except asyncio.CancelledError:
                complain("the drill goes on in the engine", "`hatui drill abort` restores at once")
                raise
    if reply.outcome is not Outcome.DONE or reply.drill is None:
        return _refused(chosen, reply)
    _show(chosen, reply.drill)
    outcomes = {"pass": 0, "aborted": EXIT_ABORTED, "crashed": EXIT_ABORTED}
    return outcomes.get(reply.drill.outcome, EXIT_OVER)


@asynccontextmanager
async def _probes(chosen: argparse.Namespace, client: EngineClient, command: RunDrill) -> AsyncIterator[None]:
    """The probes elsewhere, as long as the drill runs."""
    if command.simulate or not chosen.places:
        yield
        return
    status = session.named(session.instances(client.snapshot), command.instance)
    async with drilling.probing(client.ask, status.addresses[0].address, drilling.wished(chosen), note):
        yield


def _refused(chosen: argparse.Namespace, reply: Reply) -> int:
    if chosen.json:
        say_json(reply)
    code = f" [{reply.code}]" if reply.code else ""
    complain(f"{reply.outcome.value}: {plain(reply.text)}{code}", f"`hatui explain {reply.code}`" if reply.code else "")
    return EXIT_REFUSED


def _forecast(chosen: argparse.Namespace, trial: DrillReport) -> None:
    if chosen.json:
        say_json(trial)
        return
    say(f"Drill {trial.plan} {plain(trial.instance)} on {plain(trial.host)}: {trial.title}")
    for one in trial.checks:
        say(f"  {one.result:<8} {plain(one.text)} [{one.code}]")
    takeover = reports.figure(trial.takeover_expected) if trial.takeover_expected >= 0 else "none"
    words = f"expected outage at most {reports.figure(trial.expected)}, takeover {takeover}"
    say(f"  {words}, budget {reports.figure(trial.budget)}")
