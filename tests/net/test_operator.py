"""An operator in a real terminal, 80x24, by keys alone: watch, move, see, edit, apply, see it in use, leave."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hatui.demo import samples
from hatui.lab import Engine, Lab, wait_for
from hatui.lab.servers import own_command
from tests.net.pair import running_pair

PATIENCE_S = 30


class Terminal:
    """The console in tmux."""

    def __init__(self, engine: Engine) -> None:
        self._tmux = ["tmux", "-L", f"hatui-test-{time.monotonic_ns()}", "-f", "/dev/null"]
        console = engine.host.enter([*own_command("hatui", "hatui.cli"), "--socket", engine.socket])
        line = f"{shlex.join(console)}; echo left with $?; sleep 60"
        subprocess.run([*self._tmux, "new-session", "-d", "-x", "80", "-y", "24", line], check=True)

    @property
    def screen(self) -> str:
        """What an operator sees."""
        done = subprocess.run([*self._tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True)
        return done.stdout

    def keys(self, *keys: str) -> None:
        """Typed without a pause."""
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def see(self, *words: str) -> None:
        """Wait until all of it is on the screen."""
        try:
            wait_for(lambda: all(word in self.screen for word in words), PATIENCE_S, " and ".join(words))
        except Exception as error:
            raise AssertionError(f"{error}\n{self.screen}") from None

    def close(self) -> None:
        """End it."""
        subprocess.run([*self._tmux, "kill-server"], check=False)


@contextmanager
def terminal(engine: Engine) -> Iterator[Terminal]:
    one = Terminal(engine)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.programs("tmux")
def test_operator_moves_an_address_and_changes_a_priority_with_keys_alone(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "samples"  # they are written to
    shutil.copytree(samples(), own)
    monkeypatch.setattr("tests.net.pair.SAMPLES", own)
    with running_pair(lab, "hatui", "hatui") as pair:
        lab.wait_for_owner("serverA", PATIENCE_S)
        with terminal(pair.engine(pair.a)) as console:
            console.see("* VI_1       MASTER  100/100  this node", "10.211.55.50/32 set")
            console.keys("F")
            console.see("Fail over VI_1: serverA (MASTER 100) -> 10.211.55.23", "y Fail over now")
            console.keys("y")
            console.see(
                "10.211.55.23 (priority 50) took over after",
                "measured: 10.211.55.23 answered after",
                "pings from here lost",
            )
            console.keys("Escape")
            console.see("- VI_1       backup    1/100  10.211.55.23", "10.211.55.50/32 not here", "VI_1 is held")
            assert lab.owners() == ["serverB"]
            console.keys("U")
            console.see("Release VI_1?", "y Release")
            console.keys("y")
            console.see("VI_1 runs with priority 100 again")
            console.keys("Escape")
            console.see("* VI_1       MASTER  100/100  this node")

            console.keys("3")
            console.see("3[Config]", "L-TRACK-REF")
            lines = (own / "serverA.conf").read_text().splitlines()
            priority = next(at for at, line in enumerate(lines) if line.split()[:1] == ["priority"])
            console.keys("g", *["j"] * priority, "Enter", "End", *["BSpace"] * 3, "1", "2", "0")
            console.see("candidate, 1 line changed", "priority 100 -> 120")
            console.keys("C-s")
            console.see("-        priority        100", "+        priority        120", "y Apply and confirm")
            console.keys("y")
            console.see("done after", "C Confirm it now")
            console.keys("C")
            console.see("Keep config #", "Reverts in 4:5")
            console.keys("y")
            console.see("stays")
            console.keys("Escape")
            console.see("as it is on disk", "virtual_router_id", "enter Edit")  # no dialog, and nothing is typed
            console.keys("1")
            console.see("* VI_1       MASTER  120/120  this node")
            console.keys("q")
            console.see("left with 0")
        assert "priority        120" in (own / "serverA.conf").read_text()
        assert "auth_pass       1111" in (own / "serverA.conf").read_text()
        assert lab.owners() == ["serverA"]
