"""The console ends when its terminal goes away, whatever it is about to write."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from pathlib import Path

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from hatui.driver import Lasting
from hatui.lab.servers import own_command


class Gone(io.StringIO):
    """A terminal that nobody reads any more."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error", text)

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def test_nobody_waits_for_a_terminal_that_is_gone() -> None:
    thread = WriterThread(Lasting(Gone()))  # type: ignore[arg-type]
    thread.start()

    def write() -> None:
        for _ in range(3 * MAX_QUEUED_WRITES):
            thread.write("a line")
        thread.stop()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(10)
    assert not writer.is_alive()


def test_what_is_written_arrives_while_the_terminal_is_there() -> None:
    file = io.StringIO()
    lasting = Lasting(file)
    lasting.write("one")
    lasting.write(" two")
    lasting.flush()
    assert file.getvalue() == "one two"


def test_console_ends_when_its_terminal_is_closed(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    console = subprocess.Popen(
        [*own_command("hatui", "hatui.cli"), "--socket", str(tmp_path / "engine.sock")],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    try:
        said, end = b"", time.monotonic() + 20
        while b"No engine" not in said and time.monotonic() < end:
            if select.select([master], [], [], 0.2)[0]:
                said += os.read(master, 1 << 16)
        assert b"No engine" in said
        os.close(master)  # the kernel sends SIGHUP
        assert console.wait(15) == 128 + signal.SIGHUP
    finally:
        console.kill()
        console.wait()
