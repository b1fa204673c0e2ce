"""Writing the configuration file so that no moment exists at which it is half written.

Owns the invariant that after a loss of power at any instant the file holds either the old octets or the
new ones, with the owner, mode and extended attributes that it had; a symbolic link stays one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

NEW_MODE = 0o640
"""Mode of a file that did not exist: it may hold passwords."""


def digest(octets: bytes) -> str:
    """SHA-256 in hex, as in ConfigText.digest."""
    return hashlib.sha256(octets).hexdigest()


def write_atomically(path: Path, octets: bytes) -> None:
    """Replace the file (the target of a symbolic link) by one with these octets.

    Raises:
        OSError: nothing was changed.
    """
    target = Path(os.path.realpath(path))
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            if before is not None:
                with contextlib.suppress(PermissionError):  # not root: then it is ours anyway
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
                _copy_attributes(target, file.fileno())
            else:
                os.fchmod(file.fileno(), NEW_MODE)
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _copy_attributes(source: Path, descriptor: int) -> None:
    """Access lists and security labels; a file system without them is none the worse."""
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            with contextlib.suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(source, name))
