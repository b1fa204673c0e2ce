"""A text in the operator's own editor, $VISUAL or $EDITOR, while the console steps aside.

Invariant: the copy is readable by its owner alone and is gone afterwards; a text that the editor left
unreadable, or an editor that failed, changes nothing.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from textual.app import SuspendNotSupported

FALLBACK = "vi"


class OutsideError(Exception):
    """Why there is no new text."""


def command() -> list[str]:
    """The editor, with its own arguments."""
    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or FALLBACK)
    return words or [FALLBACK]


def edit(aside: Callable[[], AbstractContextManager[None]], text: str, path: str) -> str:
    """The text as the editor left it.

    Raises: OutsideError with a sentence.
    """
    with tempfile.TemporaryDirectory(prefix="hatui-edit-") as directory:  # mode 0700
        copy = Path(directory) / (Path(path).name or "keepalived.conf")
        copy.write_text(text)
        words = command()
        try:
            with aside():
                done = subprocess.run([*words, str(copy)], check=False)
        except SuspendNotSupported as error:
            raise OutsideError("this terminal cannot be lent to an editor [E-IO]") from error
        except OSError as error:
            raise OutsideError(f"{words[0]} cannot be started: {error.strerror}; set $EDITOR [E-IO]") from error
        if done.returncode:
            raise OutsideError(f"{words[0]} ended with {done.returncode}: the text is as it was [E-IO]")
        try:
            return copy.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise OutsideError(f"what {words[0]} left cannot be read: {error} [E-IO]") from error
