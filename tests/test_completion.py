"""Shell completion: made from the parsers, valid in the shells that are here, and right where bash asks for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

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
    reader = shutil.which(shell) or (shutil.which("bash") if shell == "zsh" else None)
    if reader is None:
        assert script.read_text().count("\n") > 50
        return
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


@pytest.fixture(scope="module")
def completed(tree: completion.Node, tmp_path_factory: pytest.TempPathFactory) -> object:
    """Words that bash offers at the end of a line, asked of the function as bash asks it."""
    here = tmp_path_factory.mktemp("completion")
    (here / "script").write_text(completion.script("bash", tree))
    (here / "hatui").write_text('#!/bin/sh\ncase "$1" in status) printf "VI_1 MASTER\\nVI_2 BACKUP\\n";; esac\n')
    (here / "hatui").chmod(0o755)

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
