"""A full disk costs the history, and with it commits; never an advertisement."""

from __future__ import annotations

from typing import Any

from engine.core.audit import verify
from hatui.lab import Engine, Lab, start_engine, wait_for
from tests.net.engine_talk import Talk, config, has_address, host_of, status


def problem(engine: Engine) -> str:
    """What the engine says of its history, after something to write down."""
    with Talk(engine) as talk:
        talk.ask("announce-now", reason="something to write down")
    found: str = status(engine, "engine-status")["history_problem"]
    return found


def adverts(engine: Engine) -> int:
    counters: dict[str, Any] = status(engine)["counters"]
    return int(counters["advert_sent"])


def test_full_disk_refuses_commits_says_so_and_delays_no_advert(lab: Lab) -> None:
    host = host_of(lab)
    state = host.root / "state"
    state.mkdir()
    host.run(["mount", "-t", "tmpfs", "-o", "size=1m", "dg-disk", str(state)])
    engine = start_engine(host, config(), state_dir=str(state))
    wait_for(lambda: has_address(host), 5, "the address")
    assert status(engine, "engine-status")["history_problem"] == ""
    host.run(["sh", "-c", f"head -c 2000000 /dev/zero > {state}/fill || true"])
    before = adverts(engine)
    wait_for(lambda: "history is off" in problem(engine), 10, "the full disk")
    with Talk(engine) as talk:
        refused = talk.ask("apply-config", text=config(150), reason="a commit")
        assert (refused["outcome"], refused["code"]) == ("refused", "E-HISTORY-OFF")
        assert "full" in refused["text"]
        drill = talk.ask("run-drill", plan="hand-over", instance="VI_1")
        assert (drill["outcome"], drill["code"]) == ("refused", "E-HISTORY-OFF")
        tried = talk.ask("apply-config", text=config(150), dry_run=True)
        assert tried["outcome"] == "done"
        said = [one["event"] for one in talk.ask("get-events", limit=50)["events"]]
    assert [one for one in said if one["type"] == "log-line" and "history is off" in one["text"]]
    wait_for(lambda: adverts(engine) >= before + 20, 5, "twenty adverts more")
    own = status(engine, "engine-status")
    assert own["worst_late"] < 90_000_000, "an advert was nearly an interval late"
    assert (status(engine)["state"], status(engine)["transitions"]) == ("MASTER", 2)
    host.run(["rm", str(state / "fill")])
    wait_for(lambda: not problem(engine), 10, "the history is written again")
    with Talk(engine) as talk:
        assert talk.ask("apply-config", text=config(150), reason="a commit")["outcome"] == "done"
    engine.program.stop()
    copied = host.root / "copied"
    host.run(["sh", "-c", f"mkdir {copied} && cp {state}/history.sqlite* {copied}/"])
    assert verify(copied / "history.sqlite") == []
