"""Answers that are kept."""

from __future__ import annotations

import threading

import pytest

from bot.messages import WorkspaceError
from bot.slack.cache import Cache
from tests.support.waiting import DEADLINE


def test_an_answer_is_as_old_as_its_question() -> None:
    time = [0.0]
    cache: Cache[str] = Cache(60, lambda: time[0])

    def slow() -> str:
        time[0] += 59
        return "yes"

    assert cache.get("k", slow) == "yes"
    time[0] += 1
    assert cache.get("k", lambda: "no") == "no"


def test_a_failure_is_not_kept() -> None:
    cache: Cache[int] = Cache(60, lambda: 0.0)
    with pytest.raises(ZeroDivisionError):
        cache.get("k", lambda: 1 // 0)
    assert cache.get("k", lambda: 1) == 1


def test_a_failure_in_passing_leaves_the_answer_of_before_and_one_that_lasts_takes_it_away() -> None:
    cache: Cache[str] = Cache(60, lambda: 0.0)

    def fails(*, lasting: bool) -> str:
        raise WorkspaceError("no answer", lasting=lasting)

    cache.get("k", lambda: "yes")
    with pytest.raises(WorkspaceError):
        cache.get("k", lambda: fails(lasting=False), max_age=0)
    assert cache.get("k", lambda: "asked again") == "yes"
    with pytest.raises(WorkspaceError):
        cache.get("k", lambda: fails(lasting=True), max_age=0)
    assert cache.get("k", lambda: "asked again") == "asked again"


def test_a_fresh_question_does_not_take_the_answer_to_an_older_one() -> None:
    cache: Cache[str] = Cache(60, lambda: 0.0)
    asked, may_answer = threading.Event(), threading.Event()

    def old() -> str:
        asked.set()
        may_answer.wait(DEADLINE)
        return "allowed"

    thread = threading.Thread(target=cache.get, args=("k", old))
    thread.start()
    assert asked.wait(DEADLINE)
    assert cache.get("k", lambda: "refused", max_age=0) == "refused"
    may_answer.set()
    thread.join(DEADLINE)
    assert cache.get("k", lambda: "asked again") == "refused", "the older answer came later and was not kept"


def test_it_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.cache.MAX_ENTRIES", 2)
    cache: Cache[int] = Cache(60, lambda: 0.0)
    for key in range(5):
        cache.get(key, lambda key=key: key)  # type: ignore[misc]
    assert cache.get(4, lambda: -1) == 4
    assert cache.get(0, lambda: -1) == -1


def test_who_wants_a_recent_answer_shares_it_with_those_who_do() -> None:
    time = [0.0]
    cache: Cache[str] = Cache(60, lambda: time[0])
    assert cache.get("k", lambda: "old") == "old"
    time[0] = 6.0
    assert cache.get("k", lambda: "new", max_age=5.0) == "new"
    time[0] = 10.0
    assert cache.get("k", lambda: "newer", max_age=5.0) == "new"
    time[0] = 11.0
    assert cache.get("k", lambda: "newest", max_age=5.0) == "newest"
