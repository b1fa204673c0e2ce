"""Every flow of the console by keys alone, in one real terminal of 80x24 on two real engines; screens as text.

What differs from run to run is masked or left out: times, durations, figures that count, rows of events and packets.
The rest of a screen has to be what `flows.txt` says, line by line. `HATUI_FLOWS=write` writes that file anew, to be
read before it is committed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from hatui.lab import Engine, Lab, obstacle, start_engine
from tests.console.terminal import Terminal

pytestmark = [pytest.mark.net, pytest.mark.alone, pytest.mark.programs("tmux")]
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
EXPECTED = Path(__file__).with_name("flows.txt")
SETTLED_S = 0.5
"""Seconds until the console has left a field; until then a key would be typed into it."""
WRITE = os.environ.get("HATUI_FLOWS") == "write"
PATIENCE_S = 20
MASKS = (
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"/proc/\d+/root", "HOST"),
    (r"\b\d+ s ago", "SPAN ago"),
    (r"/tmp/[^ |]*", "PATH"),
    (r"\b[0-9a-f]{8,}\b", "HASH"),
    (r"\b\d+(\.\d+)?(ms|s|m|h|d)(\d+(s|m|h))?\b", "SPAN"),
    (r"\b\d+\.\d{2,3} s\b", "SPAN"),
    (r"\+/- SPAN", "+/-"),
    (r"pid \d+", "pid N"),
    (r"\b\d+ packets", "N packets"),
    (r"\b\d+ of \d+\b", "N of N"),
    (r"\b\d+ new\b", "N new"),
    (r"[+-]\d+\.\d{3}\b", "+N"),
    (r"\b[0-9a-f]{4}  ([0-9a-f.]{2} ){7}[0-9a-f.]{2}", "OCTETS"),
    (r"223\d{3}\.pcapng", "N.pcapng"),
    (r"(adv|down) +SPAN[ .:!x]*$", r"\1 SPAN"),
    (r" *~?\|$", "|"),
)
"""Pattern -> what stands for it."""


class Flow:
    """The terminal, and the steps that were taken."""

    def __init__(self, terminal: Terminal, expected: dict[str, str]) -> None:
        self.terminal, self.expected = terminal, expected
        self.seen: dict[str, str] = {}

    def step(self, name: str, keys: str, *words: str, text: str = "", without: str = "", compare: bool = True) -> None:
        """Press keys (then type `text` and enter), wait for the words, and compare the whole screen."""
        for key in keys.split():
            self.terminal.send(key)
        if text:
            self.terminal.type(text)
            self.terminal.send("Enter")
            time.sleep(SETTLED_S)
        self.terminal.wait_for(*(words or ("",)), without=without, seconds=PATIENCE_S)
        if compare and name:
            self._compare(name)

    def out(self, *gone: str) -> None:
        """Escape, until this is gone: a key right behind an escape would be alt and that key."""
        self.terminal.send("Escape")
        for words in gone:
            self.terminal.wait_for("", without=words, seconds=PATIENCE_S)

    def _compare(self, name: str) -> None:
        end = time.monotonic() + (0.4 if WRITE else PATIENCE_S)
        wanted = self.expected.get(name, "")
        while (found := masked(self.terminal.screen())) != wanted and time.monotonic() < end:
            time.sleep(0.05)
        self.seen[name] = found
        if not WRITE and found != wanted:
            diff = unified_diff(wanted.splitlines(), found.splitlines(), "expected", "seen", lineterm="")
            raise AssertionError(f"{name}:\n" + "\n".join(diff) + f"\n{self.terminal.screen()}")


def masked(screen: str) -> str:
    """What has to be the same in every run: no times, no counts, blanks and rules folded."""
    lines: list[str] = []
    for line in screen.splitlines():
        text = line.rstrip()
        if inside := re.match(r"^.{0,3}(\|.*\|).{0,2}$", text):
            text = inside[1]
        if re.match(r"^[> ]*[-+.x!~]? ?\d\d:\d\d:\d\d", text):  # events and packets: how many there are differs
            continue
        if re.match(r"^\+-+\+", text):
            text = text[:80].rstrip("~- ")
        for pattern, word in MASKS:
            text = re.sub(pattern, word, text)
        folded = re.sub(r"-{3,}", "---", re.sub(r"(?<=\S) {2,}", "  ", text)).rstrip()
        if folded.strip(" |") and folded not in lines[-1:]:
            lines.append(folded)
    return "\n".join(lines)


def read(path: Path) -> dict[str, str]:
    """The expected screens by their names."""
    parts = re.split(r"^=== (.+)$", path.read_text(), flags=re.MULTILINE) if path.exists() else [""]
    return {name: text.strip("\n") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[Lab, Engine]]:
    """serverA, MASTER, beside serverB; the first one's file may be edited."""
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    with Lab() as lab:
        found = []
        for name, address in (("serverA", "10.211.55.22/24"), ("serverB", "10.211.55.23/24")):
            host = lab.add_host(name, address)
            host.run(["cp", str(SAMPLES / f"{name}.conf"), "/run/keepalived.conf"])
            found.append(start_engine(host, Path("/run/keepalived.conf")))
        lab.wait_for_owner("serverA", 15)
        yield lab, found[0]


@pytest.mark.timeout(240)
def test_every_flow_by_keys_alone(engine: tuple[Lab, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, a = engine
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with Terminal(["--socket", str(a.socket_outside)]) as terminal:
        flow = Flow(terminal, {} if WRITE else read(EXPECTED))
        try:
            every_flow(flow, lab)
        finally:
            if WRITE:
                EXPECTED.write_text("".join(f"=== {name}\n{text}\n" for name, text in flow.seen.items()))


def every_flow(flow: Flow, lab: Lab) -> None:
    """As an operator goes through them."""
    flow.step("dashboard", "", ">* VI_1       MASTER  100/100", "10.211.55.50/32 set", "backup -> MASTER")
    begun = re.findall(r"\d\d:\d\d:\d\d", flow.terminal.screen())[0]
    flow.step("help", "?", "Keys: Dashboard")
    flow.out("Keys: Dashboard")
    flow.step("completion", ": r e p l a y", "The past on these screens")
    flow.out("The past on these screens")
    flow.step("palette", "C-p P e e r", "The nodes beside each other")
    flow.step("peers", "Enter", "6[Peers]")

    flow.step("failover asks", "1 F", "Fail over VI_1: serverA (MASTER 100)", "y Fail over now")
    flow.step("", "y", "took over after", "measured:")
    assert lab.owners() == ["serverB"]
    flow.out("Fail over VI_1")
    flow.step("", "", "VI_1 is held", "1/100")
    flow.step("release asks", "U", "y Release")
    flow.step("", "y", "runs with priority 100 again")
    flow.step("", "Escape", ">* VI_1       MASTER  100/100", without="Release VI_1?")
    flow.step("", "w", "we-preempted", "advert prio 50")
    flow.step("", "[", "operator: an operator asked for it", "hand-over begun")
    flow.step("", "Escape", "ADVERTS", without="Why did")

    flow.step("maintenance asks", "M", "write a reason", "priority 50, heard")
    flow.step("maintenance", "Tab Tab Tab", "y Maintenance on", text="new power supply")
    flow.step("", "y", "done after", "esc Close")
    flow.step("", "Escape", "# VI_1", without="Maintenance of")
    flow.step("maintenance ends", "M", "End the maintenance of VI_1?")
    flow.step("", "y", "done after")
    flow.step("", "Escape", ">* VI_1       MASTER  100/100", without="End the maintenance")

    flow.step("drill asks", "D", "Drill hand-over of VI_1", "y Run the drill")
    flow.step("", "y", "DRILL ON", "esc closes this window")
    flow.step("", "", "PASS", "outage")
    flow.out("Drill hand-over")
    flow.step("drills", "4", "#1 hand-over pass")
    flow.step("", "Enter", "Drill #1", "PASS")

    flow.out("Drill #1")
    flow.step("", "2", "2[Packets]", "FOLLOW", "sent by VI_1")
    flow.step("", "p", "paused")
    flow.step("", "l", "|-- ")
    flow.step("", "l s", "Save packets", "enter Save")
    flow.step("", "Enter", "saved ", without="Save packets")
    flow.step("", ":", "OFFLINE hatui-packets", "esc closes it", text=f"open {next(Path.cwd().glob('*.pcapng')).name}")
    flow.out("OFFLINE")
    flow.step("", "f", "2[Packets]", "FOLLOW")

    flow.step("", "3", "3[Config]", "vrrp_instance VI_1", "L-TRACK-REF")
    flow.step("", "!", "All problems")
    flow.out("All problems")
    flow.step("", "C-n", ">~ 4:13")
    flow.step("", "C-t", "candidate")
    flow.step("", "C-s", "Review", "y Apply")
    flow.step("", "y", "done after", "C Confirm it now")
    flow.step("", "C", "Keep config #2", "Reverts in 4:")
    flow.step("", "y", "stays")
    flow.out("Keep config")
    flow.step("", "r", "- Revisions -", "startup")
    flow.step("", "j l", "candidate")
    flow.step("", "C-s", "Review", "y Apply")
    flow.step("", "y", "done after", "C Confirm it now")
    flow.step("", "C", "Keep config #3")
    flow.step("", "T", "done after")

    flow.out("Keep config")
    flow.step("", "5", "5[Events]")
    flow.step("", "a", "kind==operator")
    flow.step("", "s", "Save events")
    flow.step("", "Enter", "saved ")
    flow.step("", "1 :", " REPLAY", text=f"replay {begun}")
    flow.step("", "Escape", "READ-WRITE")
    flow.terminal.resize(160, 45)
    flow.step("", "", "Priority ladder", "Live adverts", "FLAPS")
    flow.terminal.resize(70, 20)
    flow.step("", "", "hatui needs 80x24, this is 70x20.")
    flow.terminal.resize(80, 24)
    flow.step("", "", "* VI_1       MASTER  100/100")
    flow.terminal.send("q")
    flow.terminal.wait_for_end()
