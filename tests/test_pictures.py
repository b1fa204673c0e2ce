"""The documents show only pictures that are there, and none that `make pictures` does not make."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pictures import SHOTS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_every_picture_that_is_shown_is_there_and_none_is_drawn_by_hand() -> None:
    shown = set(re.findall(r"\(pictures/([\w-]+)\.svg\)", (DOCS / "screens.md").read_text()))
    made = {path.stem for path in (DOCS / "pictures").glob("*.svg")}
    assert shown <= made
    assert made <= set(SHOTS)


def test_pictures_show_no_secret_and_nothing_of_the_machine_they_were_made_on() -> None:
    for path in (DOCS / "pictures").glob("*.svg"):
        text = path.read_text()
        assert "s3cret" not in text
        assert "/tmp/" not in text
