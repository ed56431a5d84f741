"""Wildcards: what Hyper-V's cmdlets make of a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.simulator.powershell.wildcards import BadPattern, escape, has_wildcards, matches


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        ("web01", "WEB01", True),
        ("web*", "web01", True),
        ("*", "", True),
        ("web0?", "web01", True),
        ("web0?", "web0", False),
        ("web[12]", "web1", True),
        ("web[1-3]", "web2", True),
        ("web[1-3]", "web4", False),
        ("web`[1`]", "web[1]", True),
        ("lab[1]", "lab[1]", False),
        ("a.c", "abc", False),
        ("a^b|c&&d~", "a^b|c&&d~", True),
        ("line*end", "line\nbreak end", True),
        ("テスト*", "テスト環境", True),
    ],
)
def test_a_pattern_hits_what_it_hits_in_powershell(pattern: str, text: str, hit: bool) -> None:
    assert matches(pattern, text) is hit


def test_a_bracket_that_is_never_closed_is_no_pattern() -> None:
    with pytest.raises(BadPattern):
        matches("web[1", "web1")


@given(st.text(max_size=100))
def test_an_escaped_name_hits_itself_and_nothing_longer(name: str) -> None:
    assert matches(escape(name), name)
    assert not matches(escape(name), name + "x")


@given(st.text(max_size=40))
def test_an_escaped_name_has_no_wildcards(name: str) -> None:
    assert not has_wildcards(escape(name))


@given(st.text(alphabet="ab]^-\\&~|[.*?`", max_size=12), st.text(max_size=12))
def test_any_text_is_either_a_pattern_or_refused(pattern: str, text: str) -> None:
    try:
        assert matches(pattern, text) in (True, False)
    except BadPattern:
        assert "[" in pattern
