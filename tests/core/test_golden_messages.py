"""The wire names are a promise: programs of other people read them.

golden_messages.json holds every message, its fields and the fixed words. Adding a message, a field with a
default or a word is compatible: write the file anew with `python -m tests.core.test_golden_messages`.
Removing or renaming fails here, and so does a new field without a default, which old writers do not send.
"""

from __future__ import annotations

import json
import sys
from enum import EnumType
from pathlib import Path
from typing import Any, get_args

import msgspec

from engine.messages import Cause, Command, Event, Outcome, Request, ServerLine, State, Status, Verdict

GOLDEN = Path(__file__).with_name("golden_messages.json")
UNIONS: dict[str, Any] = {"server": ServerLine, "client": Request, "command": Command, "event": Event, "status": Status}
WORDS: dict[str, EnumType] = {"state": State, "cause": Cause, "verdict": Verdict, "outcome": Outcome}


def members(union: Any) -> tuple[Any, ...]:
    return get_args(union) or (union,)


def described(kind: Any) -> dict[str, Any]:
    fields = msgspec.structs.fields(kind)
    return {
        "fields": [one.encode_name for one in fields],
        "required": [one.encode_name for one in fields if one.required],
    }


def inner(found: dict[str, Any]) -> None:
    """The structs that stand inside others, such as a ledger line."""
    from engine.messages import (
        AddressStatus,
        ConfigText,
        Counters,
        Evidence,
        HeardAdvert,
        IncludedText,
        LedgerLine,
        MaintenanceInfo,
        RevisionInfo,
        TrackerRun,
    )
    from engine.messages import drills as d

    ours = (AddressStatus, ConfigText, Counters, Evidence, HeardAdvert, LedgerLine, MaintenanceInfo, RevisionInfo)
    reports = (d.Check, d.DrillPlan, d.DrillProgress, d.DrillReport, d.DrillStep, d.Phase, d.ProbeResult, d.ProbeRow)
    for kind in (*ours, IncludedText, TrackerRun, *reports, d.OtherRouter, d.ProbeSample, d.Turn):
        found[str(kind.__struct_config__.tag)] = described(kind)


def now() -> dict[str, Any]:
    messages: dict[str, Any] = {}
    unions = {}
    for name, union in UNIONS.items():
        unions[name] = sorted(str(kind.__struct_config__.tag) for kind in members(union))
        for kind in members(union):
            messages[str(kind.__struct_config__.tag)] = described(kind)
    inner(messages)
    words = {name: [one.value for one in enum] for name, enum in WORDS.items()}
    return {"unions": unions, "messages": dict(sorted(messages.items())), "words": words}


def broken(golden: dict[str, Any], present: dict[str, Any]) -> list[str]:
    """What an old reader or writer would no longer understand."""
    found = []
    for union, names in golden["unions"].items():
        found += [f"{union}: {name} is gone" for name in names if name not in present["unions"].get(union, ())]
    for name, was in golden["messages"].items():
        has = present["messages"].get(name)
        if has is None:
            found.append(f"{name} is gone")
            continue
        found += [f"{name}.{field} is gone" for field in was["fields"] if field not in has["fields"]]
        found += [f"{name}.{field} is required now" for field in has["required"] if field not in was["required"]]
    for kind, words in golden["words"].items():
        found += [f"{kind}: {word} is gone" for word in words if word not in present["words"].get(kind, ())]
    return found


def test_no_wire_name_was_removed_or_renamed() -> None:
    assert broken(json.loads(GOLDEN.read_text()), now()) == []


def test_golden_file_lists_everything_there_is() -> None:
    assert json.loads(GOLDEN.read_text()) == now(), "write it anew: python -m tests.core.test_golden_messages"


def test_comparison_finds_each_kind_of_break() -> None:
    golden = now()
    changed = json.loads(json.dumps(golden))
    changed["unions"]["event"].remove("state-changed")
    changed["messages"]["state-changed"]["fields"].remove("cause")
    changed["messages"]["hello"]["required"].append("v")
    del changed["messages"]["gap"]
    changed["words"]["cause"].remove("operator")
    assert broken(golden, changed) == [
        "event: state-changed is gone",
        "gap is gone",
        "hello.v is required now",
        "state-changed.cause is gone",
        "cause: operator is gone",
    ]


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(now(), indent=1) + "\n")
    sys.stdout.write(f"{GOLDEN} written\n")
