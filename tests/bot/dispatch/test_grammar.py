"""Slash text: the words that people mean by what Slack, phones and Windows make of their typing."""

from __future__ import annotations

import contextlib
import shlex
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.dispatch.grammar import LONGEST, normalise_name, split
from commands.base import UsageError, unmarked
from commands.kit.words import typed


def as_slack_sends(text: str) -> str:
    """Slack replaces these three in every text that a person types, and only these (Slack's formatting reference)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web01 before-upgrade", ["web01", "before-upgrade"]),
        ("  web01\t\r\n before-upgrade \r\n", ["web01", "before-upgrade"]),
        ("web01\u00a0before\u3000upgrade", ["web01", "before", "upgrade"]),
        ("", []),
        (" \u200b\ufeff\u2060 ", []),
    ],
)
def test_any_white_space_parts_words(text: str, words: list[str]) -> None:
    assert list(split(text)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('web01 "before upgrade"', ["web01", "before upgrade"]),
        ("web01 'before upgrade'", ["web01", "before upgrade"]),
        ("web01 “before upgrade”", ["web01", "before upgrade"]),
        ("web01 „before upgrade“", ["web01", "before upgrade"]),
        ("web01 ‘before upgrade’", ["web01", "before upgrade"]),
        ('web01 “before upgrade"', ["web01", "before upgrade"]),
        ('"web 01","web 02" x', ["web 01,web 02", "x"]),
        ('--note="a b" --keep 7d', ["--note=a b", "--keep", "7d"]),
        ("—note=“a b”", ["--note=a b"]),
        ('""', [""]),
        ('"say ""hi"" now"', ['say "hi" now']),
        ('"a b"c', ["a bc"]),
    ],
)
def test_quotes_of_every_kind_keep_words_together(text: str, words: list[str]) -> None:
    assert list(split(text)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--note it's", ["--note", "it's"]),
        ("--note it’s", ["--note", "it’s"]),
        ("l’hôte01 ‘l’hôte 01’", ["l’hôte01", "l’hôte 01"]),
    ],
)
def test_an_apostrophe_is_itself(text: str, words: list[str]) -> None:
    assert list(split(text)) == words


@pytest.mark.parametrize(
    "text",
    [
        'web01 "before upgrade',
        "web01 “before",
        '"',
        '"""',
        '--note="x',
        'a,"b',
        "web01 'before upgrade",
        "web01 before upgrade'",
        'web01 before"',
        '24"',
        'a"b',
        "'90s",
        "the boys' night",
    ],
)
def test_a_quote_that_is_not_closed_says_what_to_type(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        split(text)
    assert refused.value.sentence == "A quote is opened and not closed."
    assert "Put one at each end" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("—no-safety", ["--no-safety"]),
        ("–keep 7d", ["--keep", "7d"]),
        ("––keep=7d", ["--keep=7d"]),
        ("−−no–safety", ["--no-safety"]),
        ("--k\u200beep", ["--keep"]),
        ("--keep -k", ["--keep", "-k"]),
        ("create — -x", ["create", "--", "-x"]),
        ("–5", ["–5"]),
        ('"—note"', ["—note"]),
        ('"—"', ["—"]),
    ],
)
def test_dashes_at_the_start_of_an_option_are_hyphens(text: str, words: list[str]) -> None:
    assert list(split(text)) == words


@pytest.mark.parametrize(
    "name", ["DB–01", "web—01", "a−b", "web\u200b01", "👨‍👩‍👧", "שרת-01", "日本", "e\u0301", "web[1]", "*"]
)
def test_inside_a_word_every_character_stays_as_it_was_typed(name: str) -> None:
    assert split(f"show {name} x") == ("show", name, "x")


def test_invisible_characters_around_a_word_are_no_part_of_it() -> None:
    assert split("\u200eweb01\u200b \ufeff“web 02”\u200f") == ("web01", "web 02")


@pytest.mark.parametrize("path", ["C:\\exports\\web01", "\\\\server\\share\\", "D:\\new\\table"])
def test_backslashes_are_themselves(path: str) -> None:
    assert split(f'export web01 x {path} "{path}"') == ("export", "web01", "x", path, path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<@U024BE7LH>", ["U024BE7LH"]),
        ("--by <@U024BE7LH|ada lovelace>", ["--by", "U024BE7LH"]),
        ("<#C0123|ops>", ["C0123"]),
        ("<!subteam^S0615|@ops>", ["S0615"]),
        ("<!here> <!channel|channel>", ["@here", "channel"]),
        ("<http://web01.example.net|web01.example.net>", ["web01.example.net"]),
        ("<https://wiki/?a=1&amp;b=2>", ["https://wiki/?a=1&b=2"]),
        ("<mailto:ada@example.net|ada@example.net> <mailto:bob@example.net>", ["ada@example.net", "bob@example.net"]),
        ("<tel:0123|0123>", ["0123"]),
        ('--note "see <https://wiki/x|the wiki>"', ["--note", "see the wiki"]),
        ("r&amp;d01 &lt;vm&gt;", ["r&d01", "<vm>"]),
        ("<vm> a<b", ["<vm>", "a<b"]),
        ("&amp;lt;", ["&lt;"]),
        ("R&D", ["R&D"]),
    ],
)
def test_what_slack_encodes_is_undone_once(text: str, words: list[str]) -> None:
    assert list(split(text)) == words


def test_a_text_that_is_too_long_says_how_long_it_may_be() -> None:
    assert split("x" * LONGEST) == ("x" * LONGEST,)
    with pytest.raises(UsageError) as refused:
        split("x" * (LONGEST + 1))
    assert refused.value.sentence == "That is 3,001 characters long, and I read 3,000 at the most."


# ---------------------------------------------------------------- names in comparison


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DB–01", "db-01"),
        ("web—01", "web--01"),
        ("ｗｅｂ０１", "web01"),
        ("web\u200b01", "web01"),
        ("before\u00a0 upgrade", "Before upgrade"),
        ("it’s", "it's"),
        ("“x”", '"x"'),
        ("Straße", "STRASSE"),
        ("cafe\u0301", "CAFÉ"),
        ("❤\ufe0f", "❤"),
        ("\u202eweb01\u202c", "web01"),
    ],
)
def test_names_that_look_alike_compare_alike(one: str, other: str) -> None:
    assert normalise_name(one) == normalise_name(other)


def test_names_that_differ_stay_different() -> None:
    names = ["web01", "web02", "web-01", "web_01", "web 01", "вeb01"]
    assert len({normalise_name(name) for name in names}) == len(names)


# ---------------------------------------------------------------- whatever the text

awkward = st.text(
    st.sampled_from(list("ab ,=\"'-\\<>&|@#!;*[]\t\n\r\u00a0\u200b\u200d\u200f\ufeff—–−“”‘’„👩שrß")) | st.characters(),
    max_size=60,
)


@given(awkward)
@example("<@U1|")
@example("<!subteam^>")
@example("&amp;amp;")
def test_any_text_gives_words_or_a_usage_error(text: str) -> None:
    try:
        words = split(text)
    except UsageError as refused:
        assert refused.sentence
        assert refused.hint
    else:
        assert all(isinstance(word, str) for word in words)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1))
@example("a\"b'c")
@example("--note")
@example("&lt;")
@example("web 01")
def test_what_is_shown_to_be_typed_comes_back_as_the_words_it_was_made_of(name: str) -> None:
    shown = unmarked(typed("show", name, name, "last")).removeprefix("/checkpoint ")
    assert [word for word in split(as_slack_sends(shown)) if word != "--" or name == "--"][-3:] == [name, name, "last"]


@given(
    st.lists(
        st.text(st.sampled_from("abcXYZ0189._/:@%+-"), min_size=1).filter(lambda w: not w.startswith("-")), max_size=6
    )
)
def test_plain_words_are_split_as_a_shell_splits_them(words: list[str]) -> None:
    text = " ".join(words)
    assert list(split(text)) == shlex.split(text)


@given(awkward)
def test_comparing_forms_are_stable(name: str) -> None:
    assert normalise_name(normalise_name(name)) == normalise_name(name)
    assert normalise_name(f" {name.upper()} ") == normalise_name(name.upper())


@pytest.mark.parametrize(
    "unit", ['"', "'", "“", "\u200b", "-", "—", ",", "=", "<", "&", '""', "\u200bx", "<http:", "' "]
)
def test_the_longest_text_of_one_awkward_thing_is_dealt_with(unit: str) -> None:
    text = (unit * LONGEST)[:LONGEST]
    try:
        split(text)
        split(f"x{text[:-2]}y")
    except UsageError as refused:
        assert refused.sentence == "A quote is opened and not closed."


@pytest.mark.parametrize("unit", ["'a ", '"a" ', "\u200b", "a' ", "'", '"', "'a"])
def test_a_text_three_times_as_long_takes_about_three_times_as_long(unit: str) -> None:
    """Counted in the calls and the characters of the expressions' work: least of several runs."""

    def least(many: int) -> float:
        text, times = (unit * LONGEST)[:many], []
        for _ in range(7):
            begun = time.process_time_ns()
            for _ in range(4):
                with contextlib.suppress(UsageError):
                    split(text)
            times.append(time.process_time_ns() - begun)
        return min(times)

    assert least(LONGEST) < 3 * 2.2 * least(LONGEST // 3) + 200_000


@given(st.text("aZ0_. -'\"", max_size=12))
def test_a_name_of_plain_letters_is_compared_as_any_other(name: str) -> None:
    assert normalise_name(name) == normalise_name(f"{name}\u200b")
