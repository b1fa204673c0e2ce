"""hatui's verdict beside that of keepalived 2.2.7 (`-t`), over every keyword and a corpus of whole files."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.config import corpus, corpus_lines, corpus_lvs, fuzz_config
from tests.config import verdicts as verdict_texts
from tests.config.reading import reading

pytestmark = pytest.mark.net
NAMESPACE = f"cfg-diff-{os.getpid()}"
KNOWN: dict[str, str] = {
    "script closed with security": "keepalived tells only when it runs it that nobody may; hatui tells at once",
    "script nowhere without security": "a program that is not there yet still runs as root one day",
    "notify nowhere without security": "the same",
    "script nowhere no defs": "the same",
    "notify nowhere no defs": "the same",
    "preprocessor|${_ENV NAME}|0": "a word of newer versions, which 2.2.7 takes apart at its blank",
    "same VRID, other group": "a virtual router is known by interface, family and VRID, as its virtual MAC is",
}
"""Differences, each with its reason."""


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    if shutil.which("keepalived") is None or os.geteuid() != 0:
        pytest.skip("needs root and keepalived")

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", NAMESPACE)
    try:
        ip("-n", NAMESPACE, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        for name, address in (("eth0", "10.211.55.22/24"), ("eth1", "10.9.0.2/24")):
            ip("-n", NAMESPACE, "link", "set", name, "up")
            ip("-n", NAMESPACE, "addr", "add", address, "dev", name)
        yield NAMESPACE
    finally:
        ip("netns", "del", NAMESPACE)


def verdict(namespace: str, path: Path) -> tuple[int, str]:
    """keepalived's exit code (negative when it crashed or never ended) and its words for a file."""
    command = ["ip", "netns", "exec", namespace, "keepalived", "-t", "-i", "node", "-f", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, errors="replace")
    except subprocess.TimeoutExpired:
        return -9, ""
    return done.returncode, done.stderr


def verdicts(namespace: str, folder: Path, cases: list[tuple[str, str]]) -> list[str]:
    """The cases on which the two differ and that are not known, as lines to read."""

    def theirs(numbered: tuple[int, tuple[str, str]]) -> tuple[int, str]:
        path = folder / f"{numbered[0]}.conf"
        path.write_text(numbered[1][1])
        return verdict(namespace, path)

    wrong = []
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(theirs, enumerate(cases)))
    paths = [folder / f"{number}.conf" for number in range(len(cases))]
    for (name, _), path, (code, their_words), ours in zip(cases, paths, found, own(namespace, paths), strict=True):
        # where keepalived crashes, all that can be asked is that hatui objects
        agree = ours == code if code >= 0 else ours > 0
        if not agree and name not in KNOWN:
            wrong.append(
                f"{name}: keepalived {code}, hatui {ours}\n  {their_words[:200]!r}\n  {verdict_texts.said(path)[:600]}"
            )
        elif agree and name in KNOWN:
            wrong.append(f"{name}: known as a difference, but there is none")
    return wrong


def own(namespace: str, paths: list[Path]) -> list[int]:
    """The exit codes of hatui-engine -t."""
    command = ["ip", "netns", "exec", namespace, sys.executable, "-m", "tests.config.verdicts"]
    done = subprocess.run(
        command, input="".join(f"{path}\n" for path in paths), capture_output=True, text=True, timeout=300, check=True
    )
    return [int(line) for line in done.stdout.split()]


PARTS = 8
DAMAGED = 500
HOST: tuple[str, ...] = (
    "doesn't exist",
    "does not exist",
    "Non-existent",
    "not found/accessible",
    "Unable to set",
    "Error setting",
)
HOST += (
    "Failed to set",
    "SECURITY",
    "insecure",
    "Invalid smtp",
    "Invalid startup",
    "Invalid shutdown",
    "malformed neighbor",
)
"""What keepalived says about interfaces, accounts, files and names of the host, which reading alone cannot know."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_keyword_gets_the_verdict_of_keepalived(namespace: str, tmp_path: Path, part: int) -> None:
    cases = list(corpus.generated())
    assert len(cases) > 2500
    wrong = verdicts(namespace, tmp_path, cases[part::PARTS])
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(4))
def test_every_word_inside_a_line_gets_the_verdict_of_keepalived(namespace: str, tmp_path: Path, part: int) -> None:
    wrong = verdicts(namespace, tmp_path, list(corpus_lines.inside())[part::4])
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(600)
def test_every_word_of_the_preprocessor_gets_the_verdict_of_keepalived(namespace: str, tmp_path: Path) -> None:
    (tmp_path / "part.conf").write_text("# nothing\n")
    wrong = verdicts(namespace, tmp_path, list(corpus_lines.preprocessor(str(tmp_path))))
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(600)
def test_every_whole_file_gets_the_verdict_of_keepalived(namespace: str, tmp_path: Path) -> None:
    wrong = verdicts(namespace, tmp_path, list(corpus.written()))
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(600)
def test_damaged_files_get_the_verdict_of_keepalived(namespace: str, tmp_path: Path) -> None:
    chance = random.Random(3)
    whole = [text for _, text in corpus.written()]
    words = [word for word in fuzz_config.words() if not word.startswith("net_namespace")]
    wrong: list[str] = []
    compared: dict[Path, tuple[int, str]] = {}
    for number in range(DAMAGED):
        text = chance.choice(whole)
        for _ in range(chance.choice((1, 1, 2, 3))):
            text = fuzz_config.damaged(text, words, chance)
        path = tmp_path / f"{number}.conf"
        path.write_text(text.replace("\ud800", "").replace("\x00", ""))
        code, said = verdict(namespace, path)
        if not 0 <= code <= 6 or any(word in said for word in HOST):
            continue
        compared[path] = (code, said)
    for path, ours in zip(compared, own(namespace, list(compared)), strict=True):
        code, said = compared[path]
        if ours != code:
            told = verdict_texts.said(path)
            wrong.append(f"keepalived {code}, hatui {ours}: {said[:200]!r}\n{told}\n{path.read_text()[:2000]}")
    assert len(compared) > DAMAGED // 2
    assert len(wrong) <= len(compared) // 100, "\n".join(wrong)  # odd cases of two errors at once remain


@pytest.mark.timeout(600)
def test_virtual_servers_get_the_verdict_of_keepalived(namespace: str, tmp_path: Path) -> None:
    wrong = verdicts(namespace, tmp_path, list(corpus_lvs.verdicts()))
    assert not wrong, "\n".join(wrong)


def runs(namespace: str, folder: Path, text: str) -> bool:
    """Whether keepalived starts with a configuration and stays."""
    (folder / "k.conf").write_text(text)
    log = folder / "log"
    pids = [f"-{flag}{folder}/{flag}.pid" for flag in "prcb"]
    command = [
        "ip",
        "netns",
        "exec",
        namespace,
        "keepalived",
        "-n",
        "-l",
        "-G",
        "-P",
        "-f",
        str(folder / "k.conf"),
        *pids,
    ]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        end = time.monotonic() + 30
        while process.poll() is None and "Startup complete" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.02)
        ended = process.poll() is not None
        process.terminate()
    return not ended


@pytest.mark.timeout(600)
def test_what_keepalived_refuses_has_no_model_and_what_it_runs_on_has_one(namespace: str, tmp_path: Path) -> None:
    wrong = []
    refused = 0
    for name, text in corpus.written():
        model = reading(text).config
        refused += model is None
        if name == "same VRID, other group":
            continue  # in KNOWN, with its reason
        if name == "group of servers with two names":
            continue  # -t refuses it; with -P, as keepalived runs here, nobody reads virtual servers
        if model is not None and not name.startswith(("no ", "IPv6", "same", "vrrp_instance w", "unknown block")):
            continue
        if runs(namespace, tmp_path, text) != (model is not None):
            wrong.append(f"{name}: {'refused' if model is None else 'has a model'} here, and not in keepalived")
    assert refused > 10
    assert not wrong, "\n".join(wrong)


def on_host(folder: Path) -> list[tuple[str, str]]:
    """Cases whose verdict hangs on the accounts, files and interfaces of the host."""
    programs = {"good": 0o755, "closed": 0o644, "loose": 0o777}
    for name, mode in programs.items():
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(mode)
    security = corpus.SECURE
    no_security = "global_defs {\n script_user root\n}\n"
    missing = corpus.instance("track_interface {\n eth9\n}")
    cases = [
        ("account that does not exist", "global_defs {\n script_user nosuch\n}\n" + corpus.instance()),
        ("group that does not exist", "global_defs {\n script_user root nosuch\n}\n" + corpus.instance()),
        ("interface that does not exist", corpus.instance().replace("eth0", "eth9")),
        ("tracked interface that does not exist", missing),
        ("dynamic interfaces", "global_defs {\n dynamic_interfaces\n}\n" + missing),
        ("device of an address", corpus.instance(vip="10.9.9.9/24 dev eth9")),
        ("device of a route", corpus.instance("virtual_routes {\n 10.1.0.0/16 dev eth9\n}")),
        ("device of a rule", corpus.instance("virtual_rules {\n iif eth9 table 5\n}")),
        ("device of a static address", "static_ipaddress {\n 10.8.8.8/24 dev eth9\n}\n" + corpus.instance()),
    ]
    for words, defs in (("with security", security), ("without security", no_security), ("no defs", "")):
        for name in (*programs, "nowhere"):
            for kind in ("script", "notify"):
                script = f'vrrp_script chk {{\n script "{folder / name}"\n}}\n' if kind == "script" else ""
                line = "track_script {\n chk\n}" if script else f'notify_master "{folder / name}"'
                cases.append((f"{kind} {name} {words}", defs + script + corpus.instance(line)))
    return cases


@pytest.mark.timeout(600)
def test_what_hangs_on_the_host_gets_the_verdict_of_keepalived(namespace: str) -> None:
    folder = Path("/usr/local") / NAMESPACE  # root's alone, unlike the directories for tests
    folder.mkdir()
    try:
        cases = on_host(folder)
        wrong = verdicts(namespace, folder, cases)
        assert not wrong, "\n".join(wrong)
    finally:
        shutil.rmtree(folder)
