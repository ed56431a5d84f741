"""Tables a page at a time: nothing is on no page, and every page is shown whole."""

from __future__ import annotations

import json
from uuid import uuid4

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.render.blocks import render
from bot.slack.render.limits import refused_content
from bot.slack.render.newer import Form
from commands.base import Button, Figure, Footnote, Paragraph, Pick, Reply
from commands.kit import pages
from commands.kit.pages import PAGE, ROOM, Row

names = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
    st.sampled_from(["<!channel>", "🎉" * 60, "שרת־דואר", "a" * 1_500, "", "*bold* `code` <https://evil.example|x>"]),
)
cells = st.one_of(names, st.builds(Figure, st.integers(0, 10**12), names))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10), st.lists(st.tuples(*[cells] * 9), max_size=70), names)
def test_every_row_of_any_table_is_drawn_whole_on_one_page(width: int, cells: list[tuple], words: str) -> None:
    rows = [Row((f"«{n}»", *made[: width - 1]), f"{n} {made[-1]}", str(uuid4())) for n, made in enumerate(cells)]
    columns = tuple(f"Column {n}" for n in range(width))
    count = -(-len(rows) // PAGE)
    seen: dict[Form, list[int]] = {form: [] for form in Form}
    for page in range(1, count + 1):
        shown = pages.of_page(rows, page)
        parts = (
            Paragraph(words * 40),
            pages.table("Title", columns, shown),
            *pages.turn(("list", words), page, more=page < count),
            *pages.menu("Choose", shown, (Button("Show", "show", ""), Button("Delete", "delete", ""))),
            *[Footnote(words * 10)] * 30,
        )
        for form in Form:
            drawn = render(Reply(parts), lambda: str(uuid4()), form)
            assert refused_content(drawn.text, drawn.blocks, None) is None
            told = json.dumps(drawn.blocks, ensure_ascii=False)
            seen[form] += [n for n in range(len(rows)) if f"«{n}»" in told]
    assert all(found == list(range(len(rows))) for found in seen.values())


def test_cells_are_shortened_in_the_middle_and_only_where_they_must_be() -> None:
    assert pages.table("T", ("A",), [Row(("a" * 200,))]).rows == (("a" * 200,),)
    (row, *_) = pages.table("T", ("A", "B"), [Row((f"begin{'a' * 290}end", Figure(1, "1")))] * PAGE).rows
    first = row[0]
    assert isinstance(first, str) and first.startswith("begin") and "…" in first and first.endswith("end")
    assert len(first) * PAGE < ROOM


def test_a_command_too_long_for_a_button_can_still_be_typed() -> None:
    (note,) = pages.turn(("list", "x" * 2_000), 1, more=True)
    assert isinstance(note, Footnote) and "--page 2" in note.text


def test_of_rows_that_say_the_same_one_is_in_the_menu_and_none_where_nothing_can_be_done() -> None:
    rows = [Row(("a",), "a", "1"), Row(("b",), "b", "1"), Row(("c",))]
    (pick,) = pages.menu("Choose", rows, (Button("Show", "show", ""),))
    assert isinstance(pick, Pick) and pick.options == (("b", "1"),)
    assert [*pages.menu("Choose", rows, ())] == [*pages.menu("Choose", rows[2:], (Button("Show", "show", ""),))] == []


@pytest.mark.parametrize("text", ["0", "x", "-1"])
def test_what_is_no_page_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a page"):
        pages._page_number(click.Context(click.Command("list")), click.Option(["--page"]), text)
