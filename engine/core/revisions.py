"""Writing the configuration file so that no moment exists at which it is half written.

Owns the invariant that after a loss of power at any instant the file holds either the old octets or the
new ones, with the owner, mode and extended attributes that it had; a symbolic link stays one.
"""

from __future__ import annotations

import contextlib
import glob
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


def write_atomically(path: Path, octets: bytes, mode: int = NEW_MODE) -> None:
    """Replace the file (the target of a symbolic link) by one with these octets. `mode` is for a new file.

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
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _sync_directory(target.parent)


def remove_durably(path: Path) -> None:
    """Remove a file so that no loss of power brings it back; it may be gone already.

    Raises:
        OSError: it is still there.
    """
    path.unlink(missing_ok=True)
    _sync_directory(path.parent)


def sweep(path: Path) -> None:
    """Remove what a write of this file left beside it when it was cut short."""
    target = Path(os.path.realpath(path))
    with contextlib.suppress(OSError):
        for one in target.parent.glob(f".{glob.escape(target.name)}.*.new"):
            with contextlib.suppress(OSError):
                one.unlink()


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
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
