"""Engines on other hosts: `hatui relay`, the way through ssh (here a script that runs the relay), the merged view."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from engine.errors import EngineLost, HatuiError
from engine.messages import Failover, Outcome, Reload, Reply, Snapshot, State
from hatui.app import HatuiApp, link_to
from hatui.cli import main
from hatui.commands import relay
from hatui.link import EngineLink
from hatui.merging import MergedLink
from hatui.remote import RemoteClient, target, targets
from hatui.sentences import problems
from hatui.store import Connection, LinkState, Store, Told
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import DNS, ENGINE, HELLO, NOW, WEB, S, heartbeat
from tests.fake_engine import FakeEngine, engine_status, instance

ROOT = Path(__file__).resolve().parents[2]
SIZE = (100, 30)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in place of ssh: it runs what the other host would run, in a shell, as sshd does; "broken" cannot."""
    script = tmp_path / "ssh"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/asked\n'
        'case "$1" in *broken) echo "ssh: connect to host broken: No route to host" >&2; exit 255;; esac\n'
        f'cd {ROOT}\nhatui() {{ exec {sys.executable} -m hatui.cli "$@"; }}\neval "$2"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("HATUI_SSH", str(script))
    return tmp_path / "asked"


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[dict[str, FakeEngine]]:
    """MASTER on lb-a, backup on lb-b."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name, state in (("lb-a", State.MASTER), ("lb-b", State.BACKUP)):
            statuses = (instance(state=state), engine_status(host=name))
            found[name] = stack.enter_context(FakeEngine(tmp_path / name, *statuses))
        yield found


@pytest.mark.parametrize(
    ("text", "user", "node", "socket"),
    [
        ("lb-b", "", "lb-b", "/run/hatui/engine.sock"),
        ("anna@lb-b", "anna", "lb-b", "/run/hatui/engine.sock"),
        ("anna@lb-b:/tmp/x.sock", "anna", "lb-b", "/tmp/x.sock"),
        ("local", "", "local", "/run/hatui/engine.sock"),
    ],
)
def test_target_names_user_node_and_socket(text: str, user: str, node: str, socket: str) -> None:
    there = target(text)
    assert (there.user, there.node, there.socket) == (user, node, socket)
    assert there.local == (text == "local")


@pytest.mark.parametrize("text", ["", "anna@", "-oProxyCommand=x", "anna@-x", "two words"])
def test_what_is_no_host_never_reaches_ssh(text: str) -> None:
    with pytest.raises(HatuiError, match="--host"):
        target(text)


def test_ssh_asks_nothing_and_runs_the_relay_there() -> None:
    assert target("anna@lb-b").command({}) == [
        *("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"),
        *("-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=2", "anna@lb-b", "hatui relay"),
    ]
    assert target("lb-b:/x;y").command({"HATUI_SSH": "rsh -4"}) == ["rsh", "-4", "lb-b", "hatui --socket '/x;y' relay"]


def test_relay_passes_the_socket_through(tmp_path: Path) -> None:
    with FakeEngine(tmp_path / "s") as engine:
        argv = [sys.executable, "-m", "hatui.cli", "--socket", str(engine.path), "relay"]
        asked = b'{"id":1,"command":{"type":"reload"},"v":1}\n'
        done = subprocess.run(argv, input=asked, capture_output=True, timeout=60, cwd=ROOT)
        types = [msgspec.json.decode(line)["type"] for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, b"")
    assert types == ["hello", "snapshot", "reply"]
    assert isinstance(engine.requests[0].command, Reload)


def test_relay_without_an_engine_says_so_to_the_console_and_to_people(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatui.cli", "--socket", str(tmp_path / "none"), "relay"]
    done = subprocess.run(argv, input=b"", capture_output=True, timeout=60, cwd=ROOT, text=False)
    assert done.returncode == 3
    assert msgspec.json.decode(done.stdout)["code"] == "E-NO-ENGINE"
    assert b"No such file or directory [E-NO-ENGINE]" in done.stderr


async def test_client_through_ssh_is_a_client_like_any_other(
    ssh: Path, tmp_path: Path, engines: dict[str, FakeEngine]
) -> None:
    async with RemoteClient(target(f"anna@lb-a:{tmp_path}/lb-a")) as client:
        assert client.hello.host == "serverA"
        assert (await client.request(Reload(), "why not")).outcome is Outcome.DONE
    assert engines["lb-a"].requests[-1].reason == "why not"
    assert ssh.read_text().split() == ["anna@lb-a", "hatui", "--socket", f"{tmp_path}/lb-a", "relay"]


async def test_what_ssh_complains_of_is_the_reason(ssh: Path) -> None:
    with pytest.raises(EngineLost, match="anna@broken: connect to host broken: No route to host") as lost:
        async with RemoteClient(target("anna@broken")):
            pass
    assert lost.value.advice == "is broken up, and does no firewall on the way drop ssh? Try `ssh anna@broken`"


async def test_no_engine_over_there_is_said_with_its_code(ssh: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineLost, match=r"^lb-c:.*: no engine runs there: .* \[E-NO-ENGINE\]$") as lost:
        async with RemoteClient(target(f"lb-c:{tmp_path}/none")):
            pass
    assert "sudo systemctl start hatui-engine" in lost.value.advice


async def test_no_ssh_program_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATUI_SSH", "/nowhere/ssh")
    with pytest.raises(EngineLost, match="/nowhere/ssh cannot be run"):
        async with RemoteClient(target("lb-a")):
            pass


def test_commands_ask_the_engine_on_another_host(
    ssh: Path, tmp_path: Path, engines: dict[str, FakeEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--brief", "--host", f"anna@lb-b:{tmp_path}/lb-b"]) in (0, 1, 2)
    assert capsys.readouterr().out.startswith("VI_1 BACKUP 100/100")
    assert main(["--host", f"lb-a:{tmp_path}/lb-a", "reload"]) == 0
    assert isinstance(engines["lb-a"].requests[-1].command, Reload)
    assert main(["--host", "broken", "status"]) == 3
    assert "No route to host [E-SSH]" in capsys.readouterr().err
    assert main(["--host", "broken", "doctor"]) == 1
    told = capsys.readouterr().out
    assert "No route to host" in told
    assert "is broken up, and does no firewall" in told
    assert main(["--host", f"lb-c:{tmp_path}/none", "status"]) == 3
    assert "[E-NO-ENGINE]" in capsys.readouterr().err
    assert main(["--host", "a", "--host", "b", "status"]) == 3, "1 would say that the node is degraded"
    assert "[E-ONE-ENGINE]" in capsys.readouterr().err


def test_stranger_over_there_is_told_the_group_and_the_command(
    ssh: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    assert relay._absent("/run/hatui/engine.sock", refused) == 3
    (tmp_path / "said").write_text(capfd.readouterr().out)
    (tmp_path / "ssh").write_text(f"#!/bin/sh\ncat {tmp_path}/said\n")
    assert main(["--host", "anna@lb-a", "status"]) == 3
    told = capfd.readouterr().err
    assert "anna@lb-a: /run/hatui/engine.sock: Permission denied: " in told
    assert " is not in group hatui; there: `sudo usermod -aG hatui anna` [E-PERMISSION]" in told


async def test_account_that_prints_something_first_is_said(ssh: Path, tmp_path: Path) -> None:
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\necho Welcome to lb-a\n")
    with pytest.raises(EngineLost, match=r"^lb-a: something else than hatui speaks there.*\[E-SSH\]$"):
        async with RemoteClient(target("lb-a")):
            pass


async def test_ssh_whose_child_keeps_standard_error_open_ends_in_time(ssh: Path, tmp_path: Path) -> None:
    script = tmp_path / "ssh"
    script.write_text(
        f"#!/bin/sh\nsleep 30 </dev/null >/dev/null &\necho $! >{tmp_path}/master\necho 'ssh: gone' >&2\nexit 255\n"
    )
    try:
        async with asyncio.timeout(20):
            with pytest.raises(EngineLost, match="gone"):
                async with RemoteClient(target("lb-a")):
                    pass
    finally:
        os.kill(int((tmp_path / "master").read_text()), signal.SIGKILL)


async def test_what_ssh_says_at_the_end_is_why_the_connection_was_lost(
    ssh: Path, tmp_path: Path, engines: dict[str, FakeEngine]
) -> None:
    script = tmp_path / "ssh"
    words = "Timeout, server lb-a not responding."
    relay = f"cd {ROOT}; {sys.executable} -m hatui.cli --socket {tmp_path}/lb-a relay"
    script.write_text(f"#!/bin/sh\n{relay}\necho '{words}' >&2\nexit 255\n")
    async with RemoteClient(target("anna@lb-a")) as client:
        engines["lb-a"].answer = lambda _: []
        asked = asyncio.get_running_loop().create_task(client.ask(Reload()))
        async with asyncio.timeout(10):
            while not engines["lb-a"].requests:
                await asyncio.sleep(0.005)
        engines["lb-a"].hang_up()
        with pytest.raises(
            EngineLost, match=r"no answer any more; whether the command took effect is unknown \[E-SSH\]"
        ):
            await asked
        with pytest.raises(EngineLost, match=r"anna@lb-a: ssh gets no answer any more \[E-SSH\]"):
            async for _ in client.lines():
                pass


def test_one_engine_by_two_names_is_refused(
    ssh: Path, tmp_path: Path, engines: dict[str, FakeEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    one, again = f"lb-a:{tmp_path}/lb-a", f"root@10.0.0.11:{tmp_path}/lb-a"
    asked = ["failover", "VI_1", "--yes", "--host", one, "--host", again]
    assert main(asked) == 1
    assert f"--host {again}: that is the engine of --host {one} again [E-HOST]" in capsys.readouterr().err
    assert main([*asked, "--host", one]) == 1
    assert "lb-a is named twice [E-HOST]" in capsys.readouterr().err
    assert not [one for one in engines["lb-a"].requests if isinstance(one.command, Failover)]


def test_one_host_may_run_several_engines() -> None:
    assert [there.socket for there in targets(["local:/a", "local:/b"])] == ["/a", "/b"]
    with pytest.raises(HatuiError, match="named twice"):
        targets(["local:/a", "local:/a"])
    with pytest.raises(HatuiError, match="named twice"):
        targets(["local:/a", "local:/b"], by_node=True)


# one view of several -----------------------------------------------------------------------------


def test_hosts_become_one_link_each_and_one_of_all() -> None:
    assert isinstance(link_to("/x", ()), EngineLink)
    one = link_to("/x", ["anna@lb-b"])
    assert isinstance(one, EngineLink)
    assert one.arguments() == ["--host", "anna@lb-b"]
    both = link_to("/x", ["local", "anna@lb-b"])
    assert isinstance(both, MergedLink)
    assert both.arguments("lb-b:VI_1") == ["--host", "anna@lb-b"]
    assert both.arguments() == ["--host", "local"]
    with pytest.raises(HatuiError, match="named twice"):
        link_to("/x", ["anna@lb-b", "bob@lb-b"])


class Seen:
    """A store that a link fills."""

    def __init__(self) -> None:
        self.store = Store()
        self.news = asyncio.Event()

    def hear(self, told: Sequence[Told]) -> None:
        for line in told:
            self.store.apply(line)
        self.news.set()

    async def until(self, what: object) -> None:
        assert callable(what)
        async with asyncio.timeout(20):
            while not what():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def watching(link: MergedLink) -> AsyncIterator[Seen]:
    seen = Seen()
    task = asyncio.get_running_loop().create_task(link.run(seen.hear))
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_two_engines_through_ssh_in_one_view(ssh: Path, tmp_path: Path, engines: dict[str, FakeEngine]) -> None:
    both = link_to("", [f"lb-a:{tmp_path}/lb-a", f"lb-b:{tmp_path}/lb-b"])
    assert isinstance(both, MergedLink)
    async with watching(both) as seen:
        store = seen.store
        await seen.until(lambda: len(store.instances) == 2)
        states = {name: status.state for name, status in store.instances.items()}
        assert states == {"lb-a:VI_1": State.MASTER, "lb-b:VI_1": State.BACKUP}
        assert store.nodes["lb-b"].engine is not None
        assert store.nodes["lb-b"].engine.host == "lb-b"
        reply = await both.perform(Failover("lb-b:VI_1", "take-over"), "because")
        assert reply.outcome is Outcome.DONE
        asked = [one.command for one in engines["lb-b"].requests if isinstance(one.command, Failover)]
        assert asked == [Failover("VI_1", "take-over")]
        assert not any(isinstance(one.command, Failover) for one in engines["lb-a"].requests)
        engines["lb-b"].mute = True
        engines["lb-b"].hang_up()
        await seen.until(lambda: store.nodes["lb-b"].link.connection is Connection.LOST)
        now = both.now()
        assert store.silent(now, "lb-b:VI_1")
        assert not store.silent(now, "lb-a:VI_1")


def staged(status: object, host: str, offset: int) -> StagedLink:
    """An engine that says one instance; its clock stands `offset` beside the other's."""
    from hatui import nodes

    engine = msgspec.structs.replace(ENGINE, host=host)
    lines = (HELLO, Snapshot((status, engine), 0, NOW), heartbeat())  # type: ignore[arg-type]
    moved = tuple(nodes.moved(line, offset) for line in lines)
    link = StagedLink(moved)
    link._now = NOW + offset
    return link


async def test_ages_of_engines_with_other_clocks_are_right() -> None:
    a, b = staged(WEB, "lb-a", 0), staged(WEB, "lb-b", 7_000_000 * S)
    both = MergedLink({"lb-a": a, "lb-b": b}, clock=lambda: NOW + 5, gathering_s=0)  # type: ignore[dict-item]
    async with watching(both) as seen:
        await seen.until(lambda: len(seen.store.instances) == 2)
        one, other = seen.store.instances["lb-a:VI_WEB"], seen.store.instances["lb-b:VI_WEB"]
        assert both.now() - one.since == both.now() - other.since == NOW - WEB.since


async def test_node_that_comes_back_with_less_loses_the_rest() -> None:
    a, b = staged(WEB, "lb-a", 0), staged(DNS, "lb-b", 0)
    both = MergedLink({"lb-a": a, "lb-b": b}, clock=lambda: NOW, gathering_s=0)  # type: ignore[dict-item]
    async with watching(both) as seen:
        await seen.until(lambda: len(seen.store.instances) == 2)
        b.feed(Snapshot((msgspec.structs.replace(ENGINE, host="lb-b"),), 0, NOW))
        await seen.until(lambda: len(seen.store.instances) == 1)
        assert list(seen.store.instances) == ["lb-a:VI_WEB"]


async def test_one_engine_by_two_names_is_shown_once_and_the_second_name_says_so(tmp_path: Path) -> None:
    a, again = staged(WEB, "lb-a", 0), staged(WEB, "lb-a", 0)
    both = MergedLink({"local": a, "10.0.0.11": again}, clock=lambda: NOW, gathering_s=0)  # type: ignore[dict-item]
    console = HatuiApp(both, user_files=tmp_path)
    async with console.run_test(size=SIZE) as pilot:
        text = await until(pilot, "1 of 2 engines live")
        assert "10.0.0.11: that is the engine of local again, by a second name: leave one of them out" in text
        assert "TWO MASTERS" not in text
        assert list(console.store.instances) == ["local:VI_WEB"]
        again.feed(Snapshot((DNS, msgspec.structs.replace(ENGINE, host="lb-a")), 0, NOW))
        await settle(pilot)
        assert list(console.store.instances) == ["local:VI_WEB"]
        assert problems(console.store, NOW)[0].code == "E-HOST"


async def test_all_problems_tell_what_to_do_about_a_host_that_is_not_reached(tmp_path: Path) -> None:
    a, b = staged(WEB, "lb-a", 0), staged(WEB, "lb-b", 0)
    console = HatuiApp(MergedLink({"lb-a": a, "lb-b": b}, clock=lambda: NOW, gathering_s=0), user_files=tmp_path)  # type: ignore[dict-item]
    async with console.run_test(size=SIZE) as pilot:
        await until(pilot, "2 of 2 engines live")
        words = "connect to host lb-b port 22: No route to host [E-SSH]"
        b.feed(LinkState(Connection.LOST, NOW, words, advice="is lb-b up?"))
        await until(pilot, "lb-b: connection lost 0.0s ago; reconnecting; connect to host lb-b port 22: No route")
        await pilot.press("exclamation_mark")
        text = await until(pilot, "hatui explain E-SSH")
        assert "is lb-b up?" in text


async def test_console_shows_acts_and_copies_by_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    a, b = staged(WEB, "lb-a", 0), staged(WEB, "lb-b", 100 * S)
    a.answers[Failover] = b.answers[Failover] = Reply(0, Outcome.DONE, text="moved")
    monkeypatch.setattr(b, "arguments", lambda *_: ["--host", "anna@lb-b"])
    both = MergedLink({"lb-a": a, "lb-b": b}, clock=lambda: NOW, gathering_s=0)  # type: ignore[dict-item]
    console = HatuiApp(both, user_files=tmp_path)
    async with console.run_test(size=SIZE) as pilot:
        text = await until(pilot, "lb-b:VI_WEB")
        assert ">* lb-a:VI_WEB" in text
        assert "2 of 2 engines live" in text
        assert "on lb-a  READ-WRITE" in text
        await pilot.press("j", "F")
        await until(pilot, "hatui --host anna@lb-b failover VI_WEB --step-down")
        await pilot.press("escape")
        await settle(pilot)
        b.feed(LinkState(Connection.LOST, NOW + 100 * S, "gone"))
        text = await until(pilot, "1 of 2 engines live")
        here, there = text.splitlines()[4:6]
        assert here.lstrip(" >*").split()[0] == "lb-a:VI_WEB"
        assert " MASTER " in here
        assert "lb-b:VI_WEB" in there
        assert " UNKNOWN " in there
        await pilot.press("colon", *"node lb-b", "enter")
        await until(pilot, "on lb-b  READ-WRITE")
        assert both.bare(Reload())[0] == "lb-b"


async def test_host_that_cannot_be_reached_has_a_card_of_its_own(
    ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = HatuiApp(link_to("", ["anna@broken"]), user_files=tmp_path)
    async with console.run_test(size=SIZE) as pilot:
        text = await until(pilot, "No engine answers on anna@broken.")
        assert "No route to host [E-SSH]" in text
        assert "To do: is broken up, and does no firewall" in text


async def test_events_say_their_node(tmp_path: Path) -> None:
    from hatui import journal, nodes
    from tests.console.recording import EVENTS

    started, change = nodes.event_of(EVENTS[0], "lb-a", 1), nodes.event_of(EVENTS[2], "lb-b", 2)
    assert journal.text(started).startswith("lb-a:engine  started")
    assert journal.text(change).startswith("lb-b:VI_API  backup -> MASTER")
    assert journal.text(EVENTS[2]).startswith("VI_API  ")
