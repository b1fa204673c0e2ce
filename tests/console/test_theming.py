"""Palettes: complete, loadable, and as contrasting as they promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from hatui import theming

THEMES = {theme.name: theme for theme in theming.themes(theming.shipped_directory())[0]}
UNDER = ("background", "surface", "panel", "cursor", "cursor-far", "marked")
ON_ALARM = ("alarm-text",)


def colour(theme: Theme, name: str) -> Color:
    value = theme.variables.get(f"hatui-{name}") or getattr(theme, name)
    assert value is not None, name
    return Color.parse(value)


def test_the_four_themes_are_there_and_whole() -> None:
    assert set(THEMES) == {"hatui-dark", "hatui-light", "hatui-contrast", "hatui-mono"}
    for theme in THEMES.values():
        assert set(theme.variables) == {f"hatui-{name}" for name in theming.DOMAIN}, theme.name


def contrast(one: Color, other: Color) -> float:
    """Source: WCAG 2.2, contrast ratio."""

    def luminance(colour: Color) -> float:
        parts = [part / 255 for part in colour.rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    ("name", "least"), [("hatui-contrast", 7.0), ("hatui-dark", 4.5), ("hatui-light", 4.5), ("hatui-mono", 4.5)]
)
def test_text_stands_out_from_everything_it_lies_on(name: str, least: float) -> None:
    theme = THEMES[name]
    texts = [word for word in theming.DOMAIN if word not in (*UNDER, "alarm", *ON_ALARM)]
    for text in (*texts, "foreground"):
        for under in UNDER:
            ratio = contrast(colour(theme, text), colour(theme, under))
            assert ratio >= least, f"{name}: {text} on {under} has {ratio:.2f}"
    for under in ("alarm", "key"):
        assert contrast(colour(theme, "alarm-text"), colour(theme, under)) >= least


def test_mono_has_no_colour() -> None:
    theme = THEMES["hatui-mono"]
    for name in (*theming.DOMAIN, *theming.BASE):
        red, green, blue = colour(theme, name).rgb
        assert red == green == blue, name


def test_style_sheet_uses_names_only() -> None:
    sheet = (Path(theming.__file__).parent / "hatui.tcss").read_text()
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b\s*[;%]", sheet)
    used = set(re.findall(r"\$(hatui-[a-z-]+)", sheet))
    assert used <= {f"hatui-{name}" for name in theming.DOMAIN}


def test_user_theme_replaces_one_of_ours_and_a_broken_one_is_said(tmp_path: Path) -> None:
    own = (theming.shipped_directory() / "hatui-dark.toml").read_text().replace("#7aa2d6", "#123456")
    (tmp_path / "mine.toml").write_text(own)
    (tmp_path / "broken.toml").write_text("name = 'x'\n[colors]\nprimary = '#fff'\nmoonlight = '#fff'\n")
    found, wrong = theming.themes(theming.shipped_directory(), tmp_path)
    assert {theme.name: theme.primary for theme in found}["hatui-dark"] == "#123456"
    assert len(wrong) == 1
    assert "moonlight" in wrong[0]


def test_default_of_a_name_may_be_another_colour() -> None:
    resolved = theming.resolved(
        {"success": "#00ff00", "foreground": "#ffffff", "hatui-x": "$success", "hatui-y": "$foreground 60%"}
    )
    assert resolved["hatui-x"] == "#00ff00"
    assert resolved["hatui-y"] == "#ffffff 60%"
