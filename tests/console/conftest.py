"""What console tests share: UTC, no files of the developer, a staged engine, an app on it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from engine.messages import (
    ApplyConfig,
    Command,
    ConfigText,
    Failover,
    GetConfig,
    GetDrills,
    GetEvents,
    GetTrackerRuns,
    Outcome,
    Reply,
    ServerLine,
)
from hatui.app import HatuiApp
from hatui.counting import Count
from hatui.link import ReplayLink
from hatui.resident import Resident
from tests.console.picturing import Pictures
from tests.console.recording import NOW, RUNS, SESSION
from tests.console.rehearsed import PLANS, REPORTS

CONFIG = """\
global_defs {
        router_id       master
}
vrrp_script check_nginx {
        script  "/usr/local/keepalived/check_nginx.sh"
        interval        2
        weight  2
}
vrrp_instance VI_1 {
        state   MASTER
        interface       eth0
        mcast_src_ip    10.211.55.22
        virtual_router_id       50
        priority        100
        advert_int      1
        authentication  {
                auth_type       PASS
                auth_pass       s3cret1
        }
        virtual_ipaddress {
                10.211.55.50
        }
}
"""
CONFIG_PATH = "/etc/keepalived/keepalived.conf"


def config_text(text: str = CONFIG) -> ConfigText:
    """The configuration file as the engine tells it."""
    return ConfigText(CONFIG_PATH, text, hashlib.sha256(text.encode()).hexdigest())


class StagedLink(ReplayLink):
    """A recording that takes commands: each is kept, and answered from `answers` by its type."""

    recorded = False

    def __init__(self, lines: tuple[ServerLine, ...] = SESSION) -> None:
        super().__init__(lines, answer=self._reply)
        self.advance(max(0, NOW - self.now()))
        self.asked: list[tuple[Command, str]] = []
        self.trials: list[Failover] = []
        """Failovers whose preflight was asked for; they are no commands that do anything."""
        self.preflight = Reply(0, Outcome.DONE)
        self.answers: dict[type[Command], Reply | Exception | Callable[[Command], Reply]] = {
            GetConfig: Reply(0, Outcome.DONE, files=(config_text(),)),
            GetDrills: Reply(0, Outcome.DONE, drills=REPORTS, plans=PLANS),
            GetEvents: Reply(0, Outcome.DONE),
            GetTrackerRuns: Reply(0, Outcome.DONE, runs=RUNS),
            ApplyConfig: Reply(0, Outcome.DONE, text="VI_1: priority 100 -> 150: in place", duration=40_000_000),
        }

    async def _reply(self, command: Command, reason: str) -> Reply:
        if isinstance(command, Failover) and command.dry_run:
            self.trials.append(command)
            return self.preflight
        self.asked.append((command, reason))
        answer = self.answers[type(command)]
        if isinstance(answer, Exception):
            raise answer
        return answer(command) if callable(answer) else answer

    def commands(self) -> list[Command]:
        """What was asked, without what only reads."""
        return [command for command, _ in self.asked if not isinstance(command, GetConfig | GetEvents | GetTrackerRuns)]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC; colours are not switched off from outside."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keepalived of the developer's machine is seen."""
    monkeypatch.setattr("hatui.resident.at", lambda _link: Resident())


@asynccontextmanager
async def _no_ping(_address: str) -> AsyncIterator[Count]:
    yield Count()


@pytest.fixture(autouse=True)
def pingless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failover on the stage sends nothing from this machine."""
    monkeypatch.setattr("hatui.counting.counted", _no_ping)


@pytest.fixture
def link() -> StagedLink:
    """The recorded session on a staged engine."""
    return StagedLink()


@pytest.fixture
def console(link: StagedLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HatuiApp:
    """The app on that link, without the developer's own files."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return HatuiApp(link, user_files=tmp_path)


class StoredPicture(SingleFileSnapshotExtension):
    """One file per picture, which any browser shows."""

    file_extension = "svg"
    _file_extension = "svg"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def pictures(snapshot: SnapshotAssertion, tmp_path: Path) -> Pictures:
    """Compares a scene in every theme with what is stored."""
    return Pictures(snapshot.use_extension(StoredPicture), tmp_path)


def screen_text(app: HatuiApp) -> str:
    """What stands on the screen."""
    return app.screen_text()
