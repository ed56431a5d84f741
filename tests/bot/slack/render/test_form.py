"""Forms as modals."""

from __future__ import annotations

import pytest

from bot.dispatch.shortcuts import MOST_OF_A_NOTE
from bot.dispatch.views import Form
from bot.slack.render.form import memory_of, modal
from bot.slack.render.limits import refused_view
from commands.base import Paragraph


@pytest.mark.parametrize("letter", ["点", '"', "\n", "\x01"])
def test_a_note_in_any_script_fits_into_what_a_form_brings_back(letter: str) -> None:
    memory = {"channel": "C0OPS", "note": letter * MOST_OF_A_NOTE}

    view = modal(Form("create", "Take a checkpoint", "Take it", (Paragraph("web01"),), memory))

    assert refused_view(view) is None
    brought = memory_of(view["private_metadata"]) or {}
    assert brought["channel"] == "C0OPS"
    assert memory["note"].startswith(brought["note"])
    assert len(brought["note"]) == MOST_OF_A_NOTE or letter == "\x01"
