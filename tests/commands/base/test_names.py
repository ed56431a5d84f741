"""Names in sentences stay apart from the words around them, whatever they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commands.base import Heading, Item, Paragraph, Reply, Table, name, runs, unmarked
from commands.base.names import command


def test_a_name_is_a_piece_of_its_own_in_a_sentence() -> None:
    sentence = f"Took {name('note')} of {name('test02')}."
    assert list(runs(sentence)) == [("Took ", ""), ("note", "name"), (" of ", ""), ("test02", "name"), (".", "")]
    assert unmarked(sentence) == "Took note of test02."


def test_what_to_type_is_told_from_a_name() -> None:
    assert list(runs(f"Type {command('/checkpoint help')}.")) == [
        ("Type ", ""),
        ("/checkpoint help", "command"),
        (".", ""),
    ]


def test_a_name_with_a_line_break_is_one_line_and_a_blank_one_is_in_quotes() -> None:
    assert unmarked(name("two\r\nlines")) == "two lines"
    assert unmarked(name("  ")) == '"  "'
    assert unmarked(name("\u2068\u202e")) == '""'


@given(st.text())
def test_no_name_ends_its_own_piece_or_begins_another(text: str) -> None:
    pieces = list(runs(f"a {name(text)} b"))
    assert [kind for _, kind in pieces] == ["", "name", ""]
    assert "\n" not in pieces[1][0]


@given(st.text(alphabet="a\u2066\u2068\u2069 "))
def test_pieces_are_the_whole_text_without_the_marks(text: str) -> None:
    assert "".join(piece for piece, _ in runs(text)) == unmarked(text)


def test_plain_text_of_a_reply_has_no_marks() -> None:
    said = name("web01")
    reply = Reply((Heading(said), Paragraph(said), Table((said,), ((said,),)), Item(said, said)))
    assert reply.text == "web01\nweb01\nweb01\nweb01\nweb01 web01"
