"""Spans, sizes and names as people type and read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from commands.base import name, unmarked
from commands.kit.words import (
    parse_size,
    parse_span,
    say_count,
    say_names,
    say_size,
    say_span,
    say_time,
    short_id,
    typed,
)


@pytest.mark.parametrize(
    ("text", "span"),
    [("10m", timedelta(minutes=10)), ("1d12h", timedelta(hours=36)), ("2W", timedelta(weeks=2)), ("7 d", timedelta(7))],
)
def test_spans_are_read(text, span):
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "7", "soon", "-7d", "0d", "9999999d", "5000w", "7d!"])
def test_what_is_no_span_says_what_to_type(text):
    with pytest.raises(ValueError, match="type"):
        parse_span(text)


@pytest.mark.parametrize(("text", "size"), [("500MB", 500 * 1024**2), ("1.5 tb", 1536 * 1024**3)])
def test_sizes_are_read_in_the_powers_that_they_are_shown_in(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "7", "-1GB", "0GB", "1.5.5GB", "much"])
def test_what_is_no_size_says_what_to_type(text):
    with pytest.raises(ValueError, match="type for example"):
        parse_size(text)


def test_spans_and_sizes_are_said_in_their_largest_unit():
    assert say_span(timedelta(days=3, hours=5)) == "3 days"
    assert say_span(timedelta(hours=1)) == "1 hour"
    assert say_span(timedelta(seconds=-5)) == "0 seconds"
    assert (say_size(512), say_size(1536 * 1024**2), say_size(200 * 1024**3)) == ("512 B", "1.5 GB", "200 GB")


def test_times_are_said_in_utc():
    there = timezone(timedelta(hours=2))
    assert say_time(datetime(2026, 11, 22, 16, 5, tzinfo=there)) == "2026-11-22 14:05 UTC"
    assert say_time(datetime(2026, 11, 22, 14, 5, tzinfo=UTC)) == "2026-11-22 14:05 UTC"


def test_names_are_joined_as_people_say_them():
    assert say_names([]) == ""
    assert unmarked(say_names(["a"])) == "a"
    assert unmarked(say_names(["a", "b", "c"])) == "a, b and c"
    assert say_names(["a", "b", "c", "d"], most=2) == f"{name('a')}, {name('b')} and 2 more"
    assert say_names([f"{name('a')} on {name('hv01')}"]) == f"{name('a')} on {name('hv01')}"
    assert (say_count(1, "VM"), say_count(0, "VM")) == ("1 VM", "0 VMs")
    assert short_id("12345678-aaaa") == "12345678"


def test_what_to_type_is_quoted_where_it_must_be():
    assert unmarked(typed("show", "web 01", 'a"b')) == '/checkpoint show "web 01" "a""b"'
    assert unmarked(typed("show", "-x", "y")) == "/checkpoint show -- -x y"
    assert unmarked(typed("list", "--stale")) == "/checkpoint list --stale"
    assert unmarked(typed("show", "")) == '/checkpoint show ""'
