"""The wheel: what `pip install .` gives works in an empty environment, away from the sources."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("packaging")  # one wheel for all

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = """
import json, pathlib, engine, hatui
from hatui import theming, demo
from engine.config.keywords import table
found, wrong = theming.themes(theming.shipped_directory())
print(json.dumps({
    "hatui": hatui.__file__, "engine": engine.__file__, "wrong": wrong,
    "themes": sorted(theme.name for theme in found),
    "samples": sorted(path.name for path in demo.samples().iterdir()),
    "style": (pathlib.Path(hatui.__file__).parent / "hatui.tcss").is_file(),
    "words": len(table()),
}))
"""


def run(*argv: str | Path, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, cwd=cwd, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what git knows, so that nothing left in the tree can slip in."""
    copy = tmp_path_factory.mktemp("sources")
    listed = run(
        "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT
    )
    for name in filter(None, listed.split("\0")):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", out, copy, cwd=copy)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; the libraries it needs are lent by this one."""
    place = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", place, cwd=place)
    run(place / "bin/pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", wheel, cwd=place)
    (packages,) = (place / "lib").glob("python3*/site-packages")
    lent = tmp_path_factory.mktemp("lent")
    for entry in Path(pytest.__file__).parent.parent.iterdir():
        if "hatui" not in entry.name and "__editable__" not in entry.name:
            (lent / entry.name).symlink_to(entry)
    (packages / "lent.pth").write_text(f"{lent}\n")
    return place


def test_wheel_holds_what_is_no_python(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    themes = {f"hatui/themes/{path.name}" for path in (ROOT / "themes").glob("*.toml")}
    samples = {f"hatui/samples/{path.name}" for path in (ROOT / "samples").iterdir() if path.suffix in (".conf", ".sh")}
    assert len(themes) >= 4
    assert len(samples) >= 8
    assert themes | samples | {"hatui/hatui.tcss", "engine/config/keywords.tsv"} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_installed_programs_work_away_from_the_sources(environment: Path, tmp_path: Path) -> None:
    told = json.loads(run(environment / "bin/python", "-c", CODE, cwd=tmp_path))
    assert Path(told["hatui"]).is_relative_to(environment)
    assert Path(told["engine"]).is_relative_to(environment)
    assert told["wrong"] == []
    assert "hatui-dark" in told["themes"]
    assert told["style"]
    assert told["words"] > 800
    assert run(environment / "bin/hatui", "--version", cwd=tmp_path).startswith("hatui ")
    assert "L-WEIGHT" in run(environment / "bin/hatui", "explain", "L-WEIGHT", cwd=tmp_path)
    assert run(environment / "bin/hatui", "demo", "--simulate", cwd=tmp_path).startswith("SIMULATION")
    assert "hatui" in run(environment / "bin/hatui-engine", "--help", cwd=tmp_path)
    sample = Path(told["hatui"]).parent / "samples" / "serverA-tracked.conf"
    done = subprocess.run(
        [environment / "bin/hatui-engine", "-t", "-f", sample],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode in (0, 6), done.stderr  # 6: a script without enable_script_security, as keepalived says
