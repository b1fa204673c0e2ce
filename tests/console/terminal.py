"""A real terminal for tests: a tmux server of its own, in which `hatui` runs as a person would see it."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType

from hatui.lab.servers import own_command


class Terminal:
    """One tmux session; `with Terminal(["hatui", ...]) as terminal`."""

    def __init__(
        self,
        arguments: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        term: str = "tmux-256color",
        *,
        shell: bool = False,
    ) -> None:
        """With `shell` the program is started from an interactive shell, as people do."""
        self._name = f"hatui-console-{os.getpid()}-{id(self):x}"
        command = shlex.join([*own_command("hatui", "hatui.cli"), *arguments])
        environment = {**os.environ, "TZ": "UTC", "TERM": term, "LANG": "C.UTF-8"}
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sleep 3600", env=environment
        )
        self._tmux("set-option", "-s", "escape-time", "0")
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("set-option", "-g", "default-terminal", term)
        self._tmux("new-window", "-k", "-t", ":0", "bash --norc --noprofile" if shell else command)
        if shell:
            self.type(command)
            self.send("Enter")

    def _tmux(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(["tmux", "-L", self._name, *arguments], capture_output=True, text=True, env=env)
        if done.returncode:
            raise AssertionError(f"tmux {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-L", self._name, "kill-server"], capture_output=True)

    def screen(self, *, escapes: bool = False) -> str:
        """What stands on it; with the escapes that colour it."""
        return self._tmux("capture-pane", "-p", *(("-e",) if escapes else ()))

    def send(self, *keys: str) -> None:
        """Keys by tmux's names; anything else is typed."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Typed as it stands."""
        self._tmux("send-keys", "-l", "--", text)

    def line(self) -> str:
        """The line in which the cursor stands: that of the field that has the focus."""
        return self.screen().splitlines()[int(self._tmux("display-message", "-p", "#{cursor_y}"))]

    def resize(self, columns: int, rows: int) -> None:
        """Another size, as when a window is dragged."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def child(self) -> int:
        """The process that the shell runs; 0 when there is none."""
        pid = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        done = subprocess.run(["ps", "-o", "pid=", "--ppid", pid], capture_output=True, text=True)
        return int((done.stdout.split() or ["0"])[0])

    def ended(self) -> bool:
        """The program has ended."""
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def wait_for(self, *words: str, without: str = "", seconds: float = 30) -> str:
        """Until all these words stand on the screen; fails with the screen when they never do."""
        end = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if all(word in screen for word in words) and (not without or without not in screen):
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"never seen: {words}\n{screen}")
            time.sleep(0.05)

    def wait_for_end(self, seconds: float = 20) -> str:
        """Until the program has ended."""
        end = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > end:
                raise AssertionError(f"it did not end\n{self.screen()}")
            time.sleep(0.05)
        return self.screen()
