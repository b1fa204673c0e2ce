"""Run something as an ordinary user, whoever may read our files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def as_nobody(code: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Python code as an ordinary user, with this interpreter shown at a path that everybody may read."""
    shown = {"python": sys.base_prefix, "repo": str(ROOT), "site": str(Path(pytest.__file__).parent.parent)}
    lines = ["set -e", "mount -t tmpfs tmpfs /mnt", "chmod 755 /mnt"]
    for name, real in shown.items():
        lines += [f"mkdir /mnt/{name}", f'mount --bind "{real}" /mnt/{name}']
    interpreter = f"/mnt/python/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    lines.append(f'exec setpriv --reuid 65534 --regid 65534 --clear-groups {interpreter} -c "$CODE"')
    # The interpreter finds its own shared library by a path that this user may not read: say the other one.
    library = "/mnt/python/lib"
    env = {
        **os.environ,
        "CODE": code,
        "LD_LIBRARY_PATH": library,
        "PYTHONPATH": "/mnt/repo:/mnt/site",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", "\n".join(lines)],
        env={**env, "HOME": "/", "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
