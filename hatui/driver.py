"""The terminal may go away at any moment: a connection breaks, a window is closed.

Invariant: what is written to a terminal that is gone is lost and holds nobody up. Textual writes in a thread of its
own, which an error would end; whoever writes on would then wait for that thread for ever, and the console never end.
"""

from __future__ import annotations

import contextlib
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver as LinuxDriver


class Lasting:
    """A file that takes everything, whether anybody is there to read it or not."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """To the terminal, if it is there."""
        with contextlib.suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        """The same."""
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        """Of the terminal."""
        return self._file.fileno()


class LastingDriver(LinuxDriver):
    """Writes to a terminal that may go away."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._file: Any = Lasting(self._file)
