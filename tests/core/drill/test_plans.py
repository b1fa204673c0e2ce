"""Plans: what is built in can be run, what is in a file is understood whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.drill import plans
from engine.errors import Refused

SAMPLES = Path(__file__).resolve().parents[3] / "samples" / "drills"


@pytest.mark.parametrize("plan", plans.BUILT_IN, ids=lambda plan: plan.name)
def test_built_in_plan_is_in_range(plan: plans.DrillPlan) -> None:
    assert plans.checked(plan) is plan


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_sample_is_a_plan(path: Path) -> None:
    plan = plans.parse(path.read_text(), str(path))
    assert plan.name == path.stem
    assert plan.source == str(path)


def test_a_file_says_only_what_differs_from_the_plan_that_it_is_like() -> None:
    plan = plans.parse('like = "flap"\nrepeat = 7', "mine.toml")
    assert (plan.act, plan.repeat, plan.name) == ("link", 7, "mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('like = "nothing"', "no built-in plan"),
        ('act = "silent"\nbudget = 3', "not understood: budget"),
        ('act = "explode"', "is none of"),
        ('act = "silent"\nrepeat = 0', "repeat is 1 to"),
        ('act = "silent"\nbaseline_s = "long"', "Expected"),
        ('act = "silent"\nlimit_s = 1e9', "limit_s is 0 to"),
        ('act = "take-over"', "needs = 'backup'"),
        ("title = 'no act'", "act"),
        ("act = ", "Invalid value"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        plans.parse(text, "mine.toml")
    assert refusal.value.code == "E-PLAN"
    assert said in refusal.value.reason


def test_directory_gives_what_can_be_read_and_says_what_cannot(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text('like = "reload"')
    (tmp_path / "bad.toml").write_text("like = 3")
    found, wrong = plans.from_directory(tmp_path)
    assert [plan.source for plan in found] == [str(tmp_path / "good.toml")]
    assert len(wrong) == 1
    assert plans.from_directory(None) == ([], [])
