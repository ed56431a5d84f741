"""How long something is wanted, as people say it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.kit.dates import FOREVER, Period, count_words, parse, say_moment, since, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAY = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
"""17:00 in Berlin."""
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        *(("7d", 7 * DAY), ("36h", 1.5 * DAY), ("2w", 14 * DAY), ("1d12h", 1.5 * DAY), ("7 days", 7 * DAY)),
        *(("for 2 weeks", 14 * DAY), ("90 min", timedelta(minutes=90)), ("1 hour", timedelta(hours=1))),
    ],
)
def test_a_span_counts_from_now(text: str, span: timedelta) -> None:
    assert parse(text, WEDNESDAY, BERLIN) == Period(span)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("until friday 18:00", "2026-11-27 17:00"),
        ("Fri 6pm", "2026-11-27 17:00"),
        ("until friday", "2026-11-27 22:59"),
        ("mon 9:00", "2026-11-30 08:00"),
        ("wednesday 16:59", "2026-12-02 15:59"),
        ("tomorrow", "2026-11-26 22:59"),
        ("until tomorrow noon", "2026-11-26 11:00"),
        ("today", "2026-11-25 22:59"),
        ("18:30", "2026-11-25 17:30"),
        ("31.12.", "2026-12-31 22:59"),
        ("until 31.12. at 8:15", "2026-12-31 07:15"),
        ("31.12.2027", "2027-12-31 22:59"),
        ("1.1.", "2027-01-01 22:59"),
        ("29.2.", "2028-02-29 22:59"),
        ("2026-12-31", "2026-12-31 22:59"),
        ("2026-12-31 18:00", "2026-12-31 17:00"),
        ("31 dec", "2026-12-31 22:59"),
        ("dec 31, 2027", "2027-12-31 22:59"),
        ("2026-12-31T18:00Z", "2026-12-31 18:00"),
        ("1.7.2027 12:00", "2027-07-01 10:00"),  # summer time by then
        ("31.10.2027 02:30", "2027-10-31 01:30"),  # it comes twice, and is the later one
    ],
)
def test_a_date_is_meant_in_the_persons_zone_and_a_day_to_its_end(text: str, moment: str) -> None:
    found = parse(text, WEDNESDAY, BERLIN)
    assert found.until is not None
    assert f"{found.until.astimezone(UTC):%Y-%m-%d %H:%M}" == moment
    assert found.span == found.until - WEDNESDAY


def test_forever_is_a_word() -> None:
    assert parse(" Forever ", WEDNESDAY, BERLIN) == FOREVER
    assert FOREVER.forever


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a while", "is neither a span of time nor a date: type for example"),
        ("next friday", "may be two days: type 2026-11-27 or 2026-12-04"),
        ("next fri 9:00", "type 2026-11-27 09:00 or 2026-12-04 09:00"),
        ("wednesday", "may be two days: type today or 2026-12-02"),
        ("wed 18:00", "type today 18:00 or 2026-12-02 18:00"),
        ("3/4", "may be read in two ways"),
        ("midnight", "may be the day's beginning or its end"),
        ("20.11.", "is over this year: type 2027-11-20"),
        ("1.11.2026", "is over: that was Sunday 2026-11-01 23:59 (Europe/Berlin), 22:59 UTC"),
        ("today 9:00", "is over: that was Wednesday"),
        ("16:30", "is over today: type tomorrow 16:30"),
        ("30.2.", "is no day of the calendar"),
        ("2026-13-01", "is no day of the calendar"),
        ("friday 25:00", "has no time of day that there is"),
        ("13pm", "has no time of day that there is"),
        ("28.3.2027 02:30", "clocks are put forward"),
        ("0d", "longer than nothing"),
        ("2040-01-01", "more than ten years away"),
        ("31.12.9999", "more than ten years away"),
    ],
)
def test_what_is_wrong_over_or_ambiguous_says_what_to_type(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse(text, WEDNESDAY, BERLIN)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        *(("until friday 18:00", 3), ("friday 18:00 golden", 2), ("tomorrow before-upgrade", 1), ("7 days x", 2)),
        *(("7d 2w", 1), ("1d12h x", 1), ("golden", 0), ("", 0), ("until golden", 0), ("31 dec 2026 at 18:00 x", 5)),
    ],
)
def test_as_many_words_belong_together_as_are_one_span_or_date(words: str, count: int) -> None:
    assert count_words(words.split()) == count


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert {zone_of(name).key for name in ("", "Mars/Base", "../etc", "\0")} == {"UTC"}
    assert say_moment(WEDNESDAY.astimezone(zone_of(""))) == "Wednesday 2026-11-25 16:00 UTC"


@given(
    text=st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(
                ["until", "next", "friday", "31.12.", "9:00", "31", "feb", "2026-02-30", "7", "d", "noon", "at"]
            ),
            max_size=5,
        ).map(" ".join),
    ),
    days=st.integers(0, 30_000),
)
def test_whatever_is_typed_is_a_time_to_come_or_a_sentence(text: str, days: int) -> None:
    try:
        found = parse(text, WEDNESDAY + days * DAY, BERLIN)
    except ValueError as refused:
        assert len(str(refused)) > 10
    else:
        assert found.span > timedelta(0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        *(("7d", "2026-11-18 16:00"), ("36h", "2026-11-24 04:00"), ("2 weeks ago", "2026-11-11 16:00")),
        *(
            ("since yesterday", "2026-11-23 23:00"),
            ("today", "2026-11-24 23:00"),
            ("yesterday 18:00", "2026-11-24 17:00"),
        ),
        *(("friday", "2026-11-19 23:00"), ("since fri 6pm", "2026-11-20 17:00"), ("wednesday", "2026-11-24 23:00")),
        *(("31.12.", "2025-12-30 23:00"), ("1.11.", "2026-10-31 23:00"), ("25.11.", "2026-11-24 23:00")),
        *(("29.2.", "2024-02-28 23:00"), ("dec 31, 2024", "2024-12-30 23:00"), ("2026-11-01", "2026-10-31 23:00")),
        *(("8:15", "2026-11-25 07:15"), ("2026-11-20T17:00Z", "2026-11-20 17:00"), ("1.7. 12:00", "2026-07-01 10:00")),
    ],
)
def test_since_when_is_said_in_the_same_words_and_a_day_is_meant_from_its_beginning(text: str, moment: str) -> None:
    assert f"{since(text, WEDNESDAY, BERLIN):%Y-%m-%d %H:%M}" == moment


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(("tomorrow", "is to come"), ("18:30", "is to come"), ("2026-12-31", "is to come")),
        *(("next friday", "may be two days"), ("1/2", "two ways"), ("31.2.", "no day"), ("soon", "neither a span")),
        *(("forever", "neither a span"), ("0d", "longer than nothing"), ("", "neither a span")),
    ],
)
def test_since_when_that_is_to_come_or_says_nothing_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        since(text, WEDNESDAY, BERLIN)


@given(st.text(max_size=20) | st.from_regex(r"[0-9a-z .:/]{1,14}", fullmatch=True))
def test_whatever_is_said_of_the_past_has_a_moment_that_has_been_or_a_sentence(text: str) -> None:
    try:
        assert since(text, WEDNESDAY, BERLIN) <= WEDNESDAY
    except ValueError as error:
        assert str(error)
