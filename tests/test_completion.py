"""Shell completion: made from the parsers, valid in the shells that are here, and right where bash asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from hatui import completion
from hatui.cli import main, whole_parser
from hatui.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def tree() -> completion.Node:
    return completion.tree(whole_parser())


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_script_is_valid_in_its_shell(shell: str, tree: completion.Node, tmp_path: Path) -> None:
    script = tmp_path / shell
    script.write_text(completion.script(shell, tree))
    reader = shutil.which(shell)
    if reader is None:
        pytest.skip(f"{shell} is not installed")
    argv = [reader, "--no-execute", str(script)] if shell == "fish" else [reader, "-n", str(script)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_and_option_is_in_every_script(tree: completion.Node) -> None:
    texts = {shell: completion.script(shell, tree) for shell in completion.SHELLS}
    assert {node.words[0] for node in tree.children} == set(COMMANDS)
    for node in tree.walk():
        for option in node.options:
            for name in option.names:
                assert name in texts["bash"]
                assert name in texts["zsh"]
                assert f"-l {name[2:]}" in texts["fish"] if name.startswith("--") else f"-s {name[1:]}" in texts["fish"]


def stand_in(here: Path) -> None:
    """A `hatui` in this directory that knows two instances."""
    (here / "hatui").write_text('#!/bin/sh\ncase "$1" in status) printf "VI_1 MASTER\\nVI_2 BACKUP\\n";; esac\n')
    (here / "hatui").chmod(0o755)


@pytest.fixture(scope="module")
def completed(tree: completion.Node, tmp_path_factory: pytest.TempPathFactory) -> object:
    """Words that bash offers at the end of a line, asked of the function as bash asks it."""
    here = tmp_path_factory.mktemp("completion")
    (here / "script").write_text(completion.script("bash", tree))
    stand_in(here)

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        code = (
            f'PATH="{here}:$PATH"; source {here}/script; COMP_WORDS=({" ".join(repr(word) for word in words)}); '
            f'COMP_CWORD={len(words) - 1}; _hatui; printf "%s\\n" "${{COMPREPLY[@]}}"'
        )
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60, cwd=here)
        assert done.stderr == ""
        return done.stdout.split()

    return ask


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hatui fai", ["failover"]),
        ("hatui config ro", ["rollback"]),
        ("hatui failover VI_", ["VI_1", "VI_2"]),
        ("hatui failover VI_1 --st", ["--step-down"]),
        ("hatui --socket /x status --br", ["--brief"]),
        ("hatui maintenance o", ["on", "off"]),
        ("hatui maintenance on VI_", ["VI_1", "VI_2"]),
        ("hatui completion ", ["bash", "zsh", "fish"]),
        ("hatui check --format s", ["sarif"]),
        ("hatui vrids lo", ["lo"]),
        ("hatui --socket scr", ["script"]),
        ("hatui check scr", ["script"]),
        ("hatui nonsense", []),
    ],
)
def test_bash_offers(completed: object, line: str, expected: list[str]) -> None:
    assert callable(completed)
    assert completed(line) == expected


def test_command_prints_it() -> None:
    argv = [sys.executable, "-m", "hatui.cli", "completion", "bash"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# hatui completion bash")
    assert main(["completion", "tcsh"]) == 2


ZSHRC = """\
PS1="ready> "
setopt no_beep
bindkey -e
fpath=({here} $fpath)
autoload -Uz compinit
compinit -u -d {here}/dump
PATH={here}:$PATH
"""
COMPLETED = {
    "hatui fai": "hatui failover ",
    "hatui config ro": "hatui config rollback ",
    "hatui failover VI_1 --st": "hatui failover VI_1 --step-down ",
    "hatui --socket /x status --br": "hatui --socket /x status --brief ",
    "hatui check --format s": "hatui check --format sarif ",
    "hatui failover VI": "hatui failover VI_",
}
"""A line -> what one key makes of it."""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_from_the_first_key_on(tree: completion.Node, tmp_path: Path) -> None:
    (tmp_path / "_hatui").write_text(completion.script("zsh", tree))
    (tmp_path / ".zshrc").write_text(ZSHRC.format(here=tmp_path))
    stand_in(tmp_path)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path), "TERM": "dumb", "LC_ALL": "C"}
    shell = pexpect.spawn("zsh -i", env=env, encoding="utf-8", timeout=60, dimensions=(40, 200), cwd=str(tmp_path))
    try:
        shell.expect_exact("ready> ")
        for line, whole in COMPLETED.items():
            shell.send("\x15" + line + "\t")  # ctrl+u: the line before is gone
            shell.expect_exact(whole)
    finally:
        shell.close(force=True)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("hatui fai", "failover"),
        ("hatui config ro", "rollback"),
        ("hatui failover VI_1 --st", "--step-down"),
        ("hatui failover VI_", "VI_1 VI_2"),
        ("hatui completion ", "bash fish zsh"),
        ("hatui check --format s", "sarif"),
        ("hatui maintenance o", "off on"),
    ],
)
def test_fish_offers(tree: completion.Node, tmp_path: Path, line: str, offered: str) -> None:
    script = tmp_path / "hatui.fish"
    script.write_text(completion.script("fish", tree))
    stand_in(tmp_path)
    code = f"source {script}; complete -C {line!r}"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C"}
    done = subprocess.run(["fish", "-N", "-c", code], capture_output=True, text=True, timeout=60, env=env, cwd=tmp_path)
    assert done.stderr == ""
    words = [one.split("\t")[0] for one in done.stdout.splitlines()]
    assert " ".join(sorted(word for word in words if word.startswith(line.split(" ")[-1]))) == offered
