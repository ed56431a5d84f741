"""The colours of the page: what is read stands out from what it stands on, in light and in dark."""

from __future__ import annotations

import re

import pytest

from bot.sandbox.routes import PAGE

READ = [
    ("ink", "ground"),
    ("soft", "ground"),
    ("soft", "raised"),
    ("ink", "ephemeral"),
    ("soft", "ephemeral"),
    ("ink", "hover"),
    ("soft", "hover"),
    ("side-ink", "side"),
    ("side-soft", "side"),
    ("side-soft", "side-hover"),
    ("side-on-ink", "side-on"),
    ("link", "ground"),
    ("link", "hover"),
    ("accent-ink", "accent"),
    ("danger-ink", "danger"),
    ("wrong", "ground"),
    ("wrong", "hover"),
    ("code", "code-ground"),
    ("mention", "mention-ground"),
    ("alarm", "alarm-ground"),
]
"""Text and what it stands on, buttons and the badge of unread messages among them."""

LEAST = 4.5
"""WCAG 2, AA, for text."""


def palettes() -> dict[str, dict[str, str]]:
    """The variables of the style sheet; those of the dark one over those of the light one."""
    text = (PAGE / "style.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\n *\}", text, re.S)
    )
    return {"light": light, "dark": light | dark}


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), READ)
def test_text_stands_out_from_its_ground(scheme: str, text: str, ground: str) -> None:
    palette = palettes()[scheme]
    bright, dim = sorted((luminance(palette[text]), luminance(palette[ground])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= LEAST


def test_nothing_changes_the_colour_of_a_button_under_the_pointer() -> None:
    assert "filter:" not in (PAGE / "style.css").read_text(encoding="utf-8")
