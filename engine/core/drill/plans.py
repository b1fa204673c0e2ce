"""The plans: nine that are built in, and files of one's own.

Invariant: a plan that is returned can be run: every value lies in its range; a file with anything unknown in it is
refused with the name of what is not understood.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import Refused
from engine.messages import DrillPlan

ACTS = ("hand-over", "take-over", "silent", "link", "tracker", "deaf", "crash", "stall", "reload")
LONGEST_S = 300.0
MOST = 50
"""Repetitions."""

BUILT_IN = (
    DrillPlan(name="hand-over", title="planned move to the other router and back", act="hand-over"),
    DrillPlan(name="silent-master", title="the master falls silent as after a loss of power", act="silent"),
    DrillPlan(name="tracker-fail", title="a tracked script fails here", act="tracker", expect="any"),
    DrillPlan(name="link-down", title="the interface loses its carrier (simulated)", act="link"),
    DrillPlan(
        name="peer-deaf",
        title="this backup hears nothing: two masters, then the repair",
        act="deaf",
        needs="backup",
        expect="splits",
    ),
    DrillPlan(name="engine-crash", title="the vrrp process is killed", act="crash", expect="stays"),
    DrillPlan(name="engine-stall", title="the engine stands still longer than the master-down time", act="stall"),
    DrillPlan(name="reload", title="the configuration is read again", act="reload", needs="any", expect="stays"),
    DrillPlan(name="flap", title="carrier lost and found, again and again", act="link", repeat=3, settle_s=1.0),
)


def parse(text: str, source: str) -> DrillPlan:
    """A plan in TOML; its `name` is the file's unless it is said.

    Raises:
        Refused: E-PLAN, with what is wrong.
    """
    try:
        found: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused("E-PLAN", f"{source}: {error}") from None
    like = found.pop("like", None)
    base = next((one for one in BUILT_IN if one.name == like), None)
    if like is not None and base is None:
        raise Refused("E-PLAN", f"{source}: like = {like!r} is no built-in plan")
    found.setdefault("name", Path(source).stem)
    if base is not None:
        found = {**msgspec.structs.asdict(base), **found}
    found.setdefault("title", found["name"])
    found["source"] = source
    unknown = sorted(found.keys() - set(DrillPlan.__struct_fields__))
    if unknown:
        raise Refused("E-PLAN", f"{source}: not understood: {', '.join(unknown)}")
    try:
        plan = msgspec.convert(found, DrillPlan)
    except msgspec.ValidationError as error:
        raise Refused("E-PLAN", f"{source}: {error}") from None
    return checked(plan)


def checked(plan: DrillPlan) -> DrillPlan:
    """The plan, if every value lies in its range.

    Raises:
        Refused: E-PLAN.
    """

    def must(good: bool, text: str) -> None:
        if not good:
            raise Refused("E-PLAN", f"{plan.source}: {text}")

    must(plan.act in ACTS, f"act = {plan.act!r} is none of {' '.join(ACTS)}")
    must(plan.needs in ("master", "backup", "any"), "needs is master, backup or any")
    must(plan.expect in ("moves", "stays", "splits", "any"), "expect is moves, stays, splits or any")
    must(1 <= plan.repeat <= MOST, f"repeat is 1 to {MOST}")
    for name in ("baseline_s", "settle_s", "hold_s", "budget_s", "limit_s"):
        must(0 <= getattr(plan, name) <= LONGEST_S, f"{name} is 0 to {LONGEST_S:g}")
    must(10 <= plan.every_ms <= 1000, "every_ms is 10 to 1000")
    must(plan.act != "take-over" or plan.needs == "backup", "take-over needs = 'backup'")
    return plan


def from_directory(directory: Path | None) -> tuple[list[DrillPlan], list[str]]:
    """The plans in a directory's `*.toml`, and what is wrong with the others."""
    found: list[DrillPlan] = []
    wrong: list[str] = []
    for path in sorted(directory.glob("*.toml")) if directory is not None and directory.is_dir() else ():
        try:
            found.append(parse(path.read_text(), str(path)))
        except Refused as refusal:
            wrong.append(refusal.reason)
        except (OSError, UnicodeError) as error:
            wrong.append(f"{path}: {error}")
    return found, wrong
