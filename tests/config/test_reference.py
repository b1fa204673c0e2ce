"""The generated reference page."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.codes import CODES
from engine.config.keywords import table
from hatui.cli import main
from hatui.commands.reference import keywords_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_page_of_keywords_is_current() -> None:
    written = (DOCS / "keywords.md").read_text()
    assert written == keywords_page(), "run `make docs`"


def test_every_keyword_and_every_code_stands_in_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--page", "keywords"]) == 0
    page = capsys.readouterr().out
    words = table()
    for path in words.paths:
        assert f"## {' / '.join(path)}" in page or path in ((), ("preprocessor",))
        for row in words.block(path).values():
            assert f"| `{row.usage.replace('|', chr(92) + '|')}` |" in page
    assert main(["explain", "--page", "codes"]) == 0
    page = capsys.readouterr().out
    assert all(f"### {code.name}: {code.title}\n" in page for code in CODES.values())
