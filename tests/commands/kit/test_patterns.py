"""The settings' patterns: a protection takes names for the same that a grant does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.kit.patterns import grants, protects

WIDE = "ｄｃ01"


def test_a_protection_covers_a_name_in_full_width_letters_and_a_grant_does_not() -> None:
    assert protects(("dc*",), WIDE) == "dc*"
    assert not grants(("dc*",), WIDE)
    assert grants(("ｄｃ*",), WIDE)


def test_case_and_composition_never_matter() -> None:
    assert protects(("Caf\u00e9",), "CAFE\u0301") == "Caf\u00e9"
    assert grants(("Caf\u00e9",), "CAFE\u0301")


def test_brackets_are_a_choice_unless_they_are_the_name() -> None:
    assert protects(("dc[12]",), "DC1") == "dc[12]"
    assert protects(("dc[12]",), "dc[12]") == "dc[12]"
    assert protects(("dc[12]", "sql*"), "dc3") is None


def test_a_pattern_of_a_host_or_cluster_covers_vms_of_it_alone() -> None:
    for covers in (grants, protects):
        assert covers(("prod/web*",), "web01", "PROD")
        assert not covers(("prod/web*",), "db01", "prod")
        assert not covers(("prod/*",), "web01", "lab")


def test_a_vm_that_is_called_like_a_pattern_of_a_host_gains_nothing_by_it() -> None:
    assert not grants(("prod/web01",), "prod/web01", "lab")
    assert not grants(("prod/*",), "prod/web01", "lab")
    assert grants(("prod[/]web01",), "prod/web01", "lab")


def test_where_nobody_knows_the_host_a_protection_holds_and_a_grant_does_not() -> None:
    assert protects(("prod/dc*",), "dc01") == "prod/dc*"
    assert not grants(("prod/dc*",), "dc01")


@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_a_grant_covers_a_protection_covers_too(pattern: str, name: str) -> None:
    assert not grants((pattern,), name) or protects((pattern,), name) is not None


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("web*", "WEB01", True),
        ("WEB*", "web01", True),
        ("web0?", "web01", True),
        ("web0?", "web010", False),
        ("web[12]", "web2", True),
        ("web[1]", "web[1]", True),
        ("web", "web01", False),
        ("STRASSE", "straße", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("db*", "my-db", False),
        ("*", "日本 01", True),
        ("a.c", "abc", False),
    ],
)
def test_patterns_fit_whole_names_in_any_case(pattern: str, name: str, fits: bool) -> None:
    assert grants([pattern], name) is fits
    assert (protects([pattern], name) is not None) is fits
