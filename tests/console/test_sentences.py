"""Events, problems and readiness in words."""

from __future__ import annotations

import typing

import msgspec
import pytest

from engine.codes import known
from engine.messages import (
    AddressLost,
    Cause,
    CommandLogged,
    ConfigRefused,
    Event,
    FindingStatus,
    HandOverFinished,
    HoldChanged,
    InstanceStatus,
    Outcome,
    State,
    StateChanged,
    StatusGone,
)
from hatui import sentences
from hatui.store import Connection, LinkState, Store
from hatui.text import ROLES
from tests.console.recording import API, DB, DNS, ENGINE, HELLO, NOW, SNAPSHOT, WEB, S

SAMPLES: dict[type, object] = {str: "x", int: 1, bool: True}


def sample(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """A value of a message type with something in every field."""
    values = {}
    for field in msgspec.structs.fields(kind):
        annotation = field.type
        if annotation in SAMPLES:
            values[field.name] = SAMPLES[annotation]
        elif isinstance(annotation, type) and issubclass(annotation, str):
            values[field.name] = next(iter(annotation))  # type: ignore[call-overload]
        elif field.required:
            values[field.name] = ()
    return kind(**values)


@pytest.mark.parametrize("kind", typing.get_args(Event), ids=lambda kind: kind.__name__)
def test_every_event_has_words(kind: type[msgspec.Struct]) -> None:
    told = sentences.event(sample(kind))  # type: ignore[arg-type]
    assert told.what
    assert told.what != kind.__name__, "an event without words of its own"
    assert told.severity in ("info", "good", "warn", "bad")


def test_hostile_text_in_an_event_is_made_harmless() -> None:
    told = sentences.event(CommandLogged("eve\x1b[2J", "x", "failover\r", "\n", Outcome.DONE))
    assert told.detail.isprintable()


WORDS: list[tuple[Event, str, str]] = [
    (
        StateChanged("V", State.BACKUP, State.MASTER, Cause.MASTER_RESIGNED, "by 10.0.0.1"),
        "backup -> MASTER",
        "master-resigned: by 10.0.0.1",
    ),
    (
        HandOverFinished("V", "10.0.0.2", 613_000_000, released=True),
        "handed to 10.0.0.2",
        "after 0.61s, addresses removed",
    ),
    (
        HandOverFinished("V", "", 1_250_000_000, released=False),
        "hand-over: nobody came",
        "after 1.25s; addresses kept here",
    ),
    (
        AddressLost("V", "10.0.0.9", "eth0", restored=True),
        "10.0.0.9 was removed",
        "by somebody else, from eth0; put back",
    ),
    (HoldChanged("V", "step-down", by="anna", reason="patch"), "hold: step-down", 'by anna "patch"'),
    (ConfigRefused("file", ("a:1:2: x", "b")), "config REFUSED", "by file: a:1:2: x (and 1 more)"),
]


@pytest.mark.parametrize(("happened", "what", "detail"), WORDS)
def test_events_in_words(happened: Event, what: str, detail: str) -> None:
    told = sentences.event(happened)
    assert (told.what, told.detail) == (what, detail)


def store_of(*instances: InstanceStatus) -> Store:
    store = Store()
    for line in (LinkState(Connection.LIVE, NOW), HELLO, msgspec.structs.replace(SNAPSHOT, statuses=tuple(instances))):
        store.apply(line)
    return store


def test_worst_problem_comes_first() -> None:
    gone = msgspec.structs.replace(WEB, addresses=(msgspec.structs.replace(WEB.addresses[0], present=False),))
    lonely = msgspec.structs.replace(DNS, master="")
    held = msgspec.structs.replace(API, hold_kind="step-down", hold_by="anna")
    found = sentences.problems(store_of(DB, held, gone, lonely), NOW)
    assert [problem.instance for problem in found] == ["VI_DNS", "VI_WEB", "VI_DB", "VI_API"]
    assert [problem.code for problem in found] == ["D-NO-MASTER", "D-VIP-GONE", "", "E-HELD"]
    assert found[0].text == "VI_DNS BACKUP 3d04h: no master is heard"
    assert found[3].text == "VI_API is held (step-down) until released by anna: U releases it"


def test_backup_that_still_has_an_address_is_a_problem() -> None:
    left = msgspec.structs.replace(DNS, addresses=(msgspec.structs.replace(DNS.addresses[0], present=True),))
    assert [problem.code for problem in sentences.problems(store_of(left), NOW)] == ["D-VIP-ORPHAN"]


def test_backup_without_a_master_is_given_time_to_elect() -> None:
    fresh = msgspec.structs.replace(DNS, master="", since=NOW - S)
    assert sentences.problems(store_of(fresh), NOW) == []


def test_silence_is_the_only_problem_while_it_lasts() -> None:
    found = sentences.problems(store_of(DB), NOW + 4 * S)
    assert [problem.code for problem in found] == ["D-STALL"]
    assert found[0].role == "alarm"


def test_every_code_of_a_problem_is_known_to_explain() -> None:
    for code in ("D-STALL", "E-NO-ENGINE", "D-NO-MASTER", "D-VIP-GONE", "D-VIP-ORPHAN", "E-HELD", "E-CONFIG-BROKEN"):
        assert known(code), code


def test_readiness_is_unknown_for_a_master_and_a_pass_only_for_a_backup_that_hears() -> None:
    assert sentences.readiness(WEB, NOW)[0] == "unknown"
    assert sentences.readiness(API, NOW)[0] == "DEGRADED"
    assert sentences.readiness(DNS, NOW)[0] == "READY"
    assert sentences.readiness(DB, NOW)[0] == "NOT READY"
    assert sentences.readiness(msgspec.structs.replace(DNS, hold_kind="step-down"), NOW)[0] == "HELD"
    for status in (WEB, API, DNS, DB):
        assert sentences.readiness(status, NOW)[1] in ROLES


def test_forecast_of_a_loss_uses_the_peers_priority_or_says_unknown() -> None:
    assert sentences.if_lost(API) == "silent crash 3.65s   hand-over: no loss, in 0.65s"
    assert sentences.if_lost(msgspec.structs.replace(WEB, peer="", peer_priority=0)).startswith("unknown")
    assert "takes over after 3.41s" in sentences.if_lost(DNS)


def test_findings_of_the_engine_stand_among_the_problems_and_for_what_statuses_alone_say() -> None:
    store = Store()
    store.apply(LinkState(Connection.LIVE, NOW))
    store.apply(HELLO)
    gone = msgspec.structs.replace(WEB.addresses[0], present=False)
    finding = FindingStatus("D-VIP-GONE VI_WEB x", "D-VIP-GONE", "error", "VI_WEB", "told by the engine", (), "do this")
    other = FindingStatus("D-FW-IN VI_DNS y", "D-FW-IN", "error", "VI_DNS", "a firewall", (), "let it in")
    web = msgspec.structs.replace(WEB, addresses=(gone,))
    store.apply(msgspec.structs.replace(SNAPSHOT, statuses=(web, DNS, finding, other)))
    found = [(one.code, one.text, one.fix) for one in sentences.problems(store, NOW)]
    assert found == [("D-VIP-GONE", "told by the engine", "do this"), ("D-FW-IN", "a firewall", "let it in")]
    store.apply(StatusGone("finding-status", finding.name))
    texts = [one.text for one in sentences.problems(store, NOW)]
    assert "told by the engine" not in texts
    assert any("not on the interface: 10.0.0.100" in one for one in texts)


def test_history_that_is_off_is_a_problem_with_its_consequence() -> None:
    store = Store()
    store.apply(LinkState(Connection.LIVE, NOW))
    engine = msgspec.structs.replace(ENGINE, history_problem="history is off: /x: disk is full")
    store.apply(msgspec.structs.replace(SNAPSHOT, statuses=(engine,)))
    (problem,) = sentences.problems(store, NOW)
    assert (problem.code, problem.role) == ("E-HISTORY-OFF", "alarm")
    assert "drills and commits are refused" in problem.text
