"""Records what keepalived 2.2.7 says about the virtual servers of `corpus_lvs`: `python -m tests.config.record_lvs`.

Invariant: a recorded dump is what keepalived wrote on SIGUSR1 into keepalived_check.data, right after its start,
from "LVS Topology" on; only lines about the present state of servers and checks are left out. Its first line
holds the digest of the configuration, so that a dump of another one is noticed.

Needs root, keepalived 2.2.7 and a kernel with IPVS: without it keepalived's checker process does not start.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.config import corpus_lvs

DUMPS = Path(__file__).with_name("lvs_dumps")
STATE = re.compile(
    r"\s*(Alive:|alive = |quorum_state_up|reloaded = |num failed|RS set|effective weight|previous effective|Has run|"
    r"Up = |Enabled = |Current weight|Retries iterations|Default delay|last |Last )"
)


def digest(text: str) -> str:
    """What tells one configuration from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def path_of(name: str) -> Path:
    """Where the dump of a file of the corpus is kept."""
    return DUMPS / f"{re.sub(r'[^a-z0-9]+', '_', name)}.dump.gz"


def recorded(name: str) -> str:
    """The dump that is kept for a file of the corpus."""
    return gzip.decompress(path_of(name).read_bytes()).decode()


def dumped(namespace: str, folder: Path, text: str) -> str:
    """keepalived's dump for a configuration, in a network namespace."""
    config, log, pid = folder / "k.conf", folder / "log", folder / "check.pid"
    data = folder / "keepalived_check.data"
    data.unlink(missing_ok=True)
    config.write_text(text)
    command = ["ip", "netns", "exec", namespace, "keepalived", "-n", "-l", "-D", "-G", "-C", "-f", str(config)]
    command += ["-p", str(folder / "parent.pid"), "-c", str(pid), "-b", str(folder / "bfd.pid")]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(folder)}
        )
    try:
        _wait(lambda: "Startup complete" in log.read_text() or process.poll() is not None, log)
        if process.poll() is not None:
            raise RuntimeError(log.read_text()[-3000:])
        os.kill(int(pid.read_text()), signal.SIGUSR1)
        seen: list[str] = []

        def whole() -> bool:
            seen.append(data.read_text("utf-8", "replace") if data.exists() else "")
            return (
                len(seen) > 5
                and "------< LVS Topology" in seen[-1]
                and seen[-1].endswith("\n")
                and seen[-1] == seen[-5]
            )

        _wait(whole, log)
    finally:
        process.terminate()
        process.wait(timeout=60)
    said = seen[-1].partition("------< LVS Topology >------\n")[2]
    return "".join(f"{line}\n" for line in said.splitlines() if not STATE.match(line))


def _wait(done: object, log: Path) -> None:
    end = time.monotonic() + 60
    while not done():  # type: ignore[operator]
        if time.monotonic() > end:
            raise RuntimeError(log.read_text()[-3000:])
        time.sleep(0.05)


def record(name: str, text: str, namespace: str, folder: Path) -> str:
    """The whole content of a recorded dump."""
    head = f"keepalived 2.2.7, SIGUSR1, of the configuration {name!r} with SHA-256 {digest(text)}\n"
    return head + dumped(namespace, folder, text)


@contextmanager
def place() -> Iterator[tuple[str, Path]]:
    """A network namespace with eth0 and eth1, and a directory; both are gone afterwards."""
    namespace = f"lvs-record-{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="hatui-lvs-"))
    try:
        for words in (
            ("netns", "add", namespace),
            ("-n", namespace, "link", "set", "lo", "up"),
            ("-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1"),
        ):
            subprocess.run(["ip", *words], check=True)
        yield namespace, folder
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
        shutil.rmtree(folder)


def main() -> int:
    """Record all, or the named ones."""
    wanted = set(sys.argv[1:])
    with place() as (namespace, folder):
        for name, text in corpus_lvs.files().items():
            if not wanted or name in wanted:
                path_of(name).write_bytes(gzip.compress(record(name, text, namespace, folder).encode(), mtime=0))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
