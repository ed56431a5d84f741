from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bot.ledger.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db-arrivals"


Open = Callable[..., Journal]


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """What opens it; several are open at once where one stands for a bot that died."""
    with ExitStack() as opened:

        def another(**more: int) -> Journal:
            return opened.enter_context(closing(Journal(path, **more)))

        yield another


def files(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*"))


def test_a_row_is_there_after_a_death_until_it_is_dropped(opened: Open) -> None:
    before = opened()
    before.add("1", {"text": "list"})
    before.add("2", {"text": "whoami"})
    before.drop(["1", "unknown"])

    assert opened().rows() == {"2": {"text": "whoami"}}  # the one before was never closed


def test_a_row_that_is_there_stays_as_it_is(opened: Open) -> None:
    journal = opened()
    journal.add("1", {"text": "list"})
    journal.add("1", {"text": "whoami"})

    assert journal.rows() == opened().rows() == {"1": {"text": "list"}}


def test_one_that_was_dropped_may_come_again(opened: Open) -> None:
    journal = opened()
    for _ in range(2):
        journal.add("1", {"text": "list"})
        journal.drop(["1"])
    journal.add("1", {"text": "list"})

    assert list(opened().rows()) == ["1"]


@pytest.mark.parametrize("end", [b'{"version":1,"id":"2","ro', b'\n{"version":2,"id":"2","row":{}}\n', b"\xff\n"])
def test_a_line_that_cannot_be_read_takes_no_other_with_it(opened: Open, path: Path, end: bytes) -> None:
    before = opened()
    before.add("1", {"text": "list"})
    with files(path)[0].open("ab") as file:
        file.write(end)
    before.add("3", {"text": "whoami"})

    assert list(opened().rows()) == ["1", "3"]


def test_a_file_that_has_grown_is_begun_anew_while_others_write(opened: Open, path: Path) -> None:
    journal = opened(largest=2_000)

    def come_and_go(who: int) -> None:
        for number in range(100):
            journal.add(f"{who}-{number}", {"text": "list"})
            if number % 10:
                journal.drop([f"{who}-{number}"])

    threads = [threading.Thread(target=come_and_go, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    left = {f"{who}-{number}" for who in range(4) for number in range(0, 100, 10)}
    assert set(journal.rows()) == set(opened().rows()) == left
    assert sum(file.stat().st_size for file in files(path)) < 20_000


def test_nothing_is_kept_any_more_once_it_is_closed(opened: Open) -> None:
    journal = opened()
    journal.add("1", {"text": "list"})
    journal.close()

    with pytest.raises(OSError, match="is closed"):
        journal.add("2", {"text": "whoami"})
