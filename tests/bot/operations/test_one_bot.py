"""Two bots on one database: the second does nothing, and says which one runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Event

import psycopg
import pytest

from bot.demo.postgres import Postgres
from bot.operations.one_bot import OneBot, Taken
from tests.support.waiting import DEADLINE, wait_until

SOON = 0.05


@pytest.fixture
def lost() -> Event:
    return Event()


@pytest.fixture
def first(database_url: str, lost: Event) -> Iterator[OneBot]:
    made = OneBot(database_url, lost.set, look=SOON)
    made.take(Event())
    yield made
    made.give_back()


def another(url: str) -> None:
    """A bot that is started, and ends."""
    second = OneBot(url, lambda: None)
    second.take(Event())
    second.give_back()


def test_the_second_one_is_refused_with_a_word_on_the_first(first: OneBot, database_url: str) -> None:
    with pytest.raises(
        Taken, match=rf"is running on the database.*: checkpointbot {os.getpid()} on .*, since 20"
    ) as no:
        another(database_url)

    assert "Nothing was changed" in str(no.value)
    first.give_back()
    wait_until(lambda: _free(database_url))


def _free(url: str) -> bool:
    try:
        another(url)
    except Taken:
        return False
    return True


def test_it_is_held_again_once_the_database_is_back(
    first: OneBot, database_url: str, postgres: Postgres, lost: Event, caplog: pytest.LogCaptureFixture
) -> None:
    postgres.stop()
    postgres.start()

    wait_until(lambda: "The database of the jobs is back" in caplog.text)
    with pytest.raises(Taken):
        another(database_url)
    assert not lost.is_set()


def test_a_bot_ends_whose_place_another_one_took(first: OneBot, database_url: str, lost: Event) -> None:
    """As when its network was away for longer than the other one's start."""
    with first._using:  # so that it does not take it back meanwhile
        assert first._connection is not None
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", (first._connection.info.backend_pid,))
        second = OneBot(database_url, lambda: None)
        wait_until(lambda: _takes(second))

    assert lost.wait(DEADLINE)
    second.give_back()


def _takes(one: OneBot) -> bool:
    try:
        one.take(Event())
    except Taken:
        return False
    return True


def test_a_database_that_is_away_is_waited_for_until_the_bot_is_to_stop(database_url: str, postgres: Postgres) -> None:
    stopping, one = Event(), OneBot(database_url, lambda: None)
    postgres.stop()
    try:
        stopping.set()
        one.take(stopping)
    finally:
        postgres.start()
    one.take(Event())
    one.give_back()
