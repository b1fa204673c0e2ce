"""What stands on the screen when there is no engine, no permission, another version, no terminal to speak of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.messages import Snapshot
from hatui.app import HatuiApp
from hatui.checkup import Host
from hatui.resident import Resident, look
from hatui.store import Connection, LinkState
from tests.console.conftest import StagedLink
from tests.console.piloting import settle, until
from tests.console.recording import ENGINE, HELLO, NOW, S, heartbeat

SIZE = (80, 24)


@pytest.fixture
def link() -> StagedLink:
    """A link that has said nothing yet."""
    link = StagedLink(())
    link._now = NOW
    return link


@pytest.mark.parametrize(
    ("connection", "detail", "words"),
    [
        (
            Connection.ABSENT,
            "no engine: the socket /run/hatui/engine.sock does not exist",
            ("No engine on this host", "sudo systemctl start hatui-engine", "hatui demo"),
        ),
        (
            Connection.DENIED,
            "permission denied: you are not in group hatui",
            ("The engine does not let you in.", "sudo usermod -aG hatui", "hatui-admin"),
        ),
        (
            Connection.MISMATCH,
            "the engine speaks version 9 of the protocol, this program speaks 1",
            ("speaks another version", "version 9", "sudo systemctl restart hatui-engine"),
        ),
    ],
)
async def test_card_says_what_why_and_the_next_command(
    console: HatuiApp, link: StagedLink, connection: Connection, detail: str, words: tuple[str, ...]
) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(LinkState(connection, NOW, detail))
        text = await settle(pilot)
        for word in words:
            assert word in text
        assert "INSTANCE" not in text
        link.feed(LinkState(Connection.LIVE, NOW), HELLO, Snapshot((ENGINE,), 0, NOW), heartbeat())
        await until(pilot, "no VRRP instance is configured")


async def test_connecting_is_said_and_nothing_claimed(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        text = await until(pilot, "connecting to the engine")
        assert "0 MASTER" in text


async def test_screens_can_be_changed_without_an_engine(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(LinkState(Connection.ABSENT, NOW, "no engine"))
        for key, tab in (("2", "2[Packets]"), ("3", "3[Config]"), ("1", "1[Dashboard]")):
            await pilot.press(key)
            text = await until(pilot, tab)
            assert "No engine on this host" in text
        await pilot.press("F", "A", "R", "U")
        await settle(pilot)
        assert link.commands() == []


async def test_engine_that_never_showed_vrrp_is_unknown_not_green(console: HatuiApp, link: StagedLink) -> None:
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(LinkState(Connection.LIVE, NOW), HELLO)
        link._now = NOW + 10 * S
        text = await settle(pilot)
        assert "0 MASTER" in text
        assert "engine SILENT" in text


async def test_lost_and_absent_afterwards_keeps_the_frame(console: HatuiApp) -> None:
    link = StagedLink()
    console.link = link
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(LinkState(Connection.LOST, NOW, "gone", NOW + S))
        text = await settle(pilot)
        assert "? VI_WEB" in text
        assert "No engine on this host" not in text


@pytest.mark.parametrize(
    ("found", "said", "steps"),
    [
        (
            Resident(812, config=True),
            "No engine on this host, but keepalived runs here (pid 812).",
            ("hatui check /etc/keepalived/keepalived.conf", "hatui-engine --observe", "disable --now keepalived"),
        ),
        (
            Resident(0, config=True),
            "No engine on this host, but keepalived's file is here.",
            ("hatui check /etc/keepalived/keepalived.conf", "sudo systemctl enable --now hatui-engine"),
        ),
    ],
)
async def test_keepalived_that_is_here_is_named_with_the_steps_to_take_it_over(
    console: HatuiApp,
    link: StagedLink,
    monkeypatch: pytest.MonkeyPatch,
    found: Resident,
    said: str,
    steps: tuple[str, ...],
) -> None:
    monkeypatch.setattr("hatui.resident.at", lambda _link: found)
    async with console.run_test(size=SIZE) as pilot:
        await settle(pilot)
        link.feed(LinkState(Connection.ABSENT, NOW, "the socket /run/hatui/engine.sock does not exist"))
        text = await until(pilot, "No engine on this host")
        assert said in " ".join(text.split())
        for step in steps:
            assert step in text
        assert ("[D-TWO-ENGINES]" in text) == bool(found.pid)


def test_keepalived_of_another_network_namespace_is_not_here(tmp_path: Path) -> None:
    for pid, name, net in (
        (7, "keepalived", "net:[2]"),
        (9, "keepalived", "net:[1]"),
        (os.getpid(), "hatui", "net:[1]"),
    ):
        place = tmp_path / "proc" / str(pid)
        (place / "ns").mkdir(parents=True)
        (place / "comm").write_text(name + "\n")
        (place / "ns" / "net").symlink_to(net)
    assert look(Host(tmp_path)) == Resident(9, config=False)
    (tmp_path / "etc/keepalived").mkdir(parents=True)
    (tmp_path / "etc/keepalived/keepalived.conf").write_text("")
    assert look(Host(tmp_path)) == Resident(9, config=True)
    (tmp_path / "proc/9/comm").write_text("other\n")
    assert look(Host(tmp_path)) == Resident(0, config=True)
