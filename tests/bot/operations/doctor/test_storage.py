"""What the doctor says of the data folder where it, or a file in it, is not this account's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ledger import Ledger
from bot.operations.doctor import storage
from bot.operations.doctor.findings import Check, State
from bot.settings import Settings
from tests.support.accounts import CAN_FORK, NOBODY, as_nobody, open_to_all
from tests.support.settings import NO_SLACK

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    yield from open_to_all()


def looked(folder: Path) -> dict[str, list[Check]]:
    """What is said, by what it is about."""
    found: dict[str, list[Check]] = {}
    for one in storage.look(Settings(slack=NO_SLACK, data_dir=folder), lambda: NOW):
        found.setdefault(one.about, []).append(one)
    return found


def folder_with_a_ledger(outside: Path) -> Path:
    folder = outside / "data"
    folder.mkdir(mode=0o700)
    Ledger(folder / "ledger.db", clock=lambda: NOW).close()
    return folder


def states(found: dict[str, list[Check]]) -> list[tuple[str, State]]:
    return [(one.about, one.state) for some in found.values() for one in some]


@CAN_FORK
def test_a_folder_of_another_account_is_a_fault_and_what_is_in_it_is_not_looked_at(open_folder: Path) -> None:
    folder = folder_with_a_ledger(open_folder)
    if os.getuid():
        folder.chmod(0)

    def says_so() -> bool:
        found = looked(folder)
        said = [("data_dir", State.BROKEN), ("ledger.db", State.UNSEEN), ("jobs.db", State.UNSEEN)]
        return states(found) == said and "the account that the bot runs as" in found["data_dir"][0].mend

    assert as_nobody(says_so)


@CAN_FORK
def test_a_folder_in_one_that_may_not_be_entered_is_a_fault(open_folder: Path) -> None:
    inner = folder_with_a_ledger(open_folder) / "inner"
    if os.getuid():
        inner.parent.chmod(0)

    assert as_nobody(lambda: "cannot be looked at: Permission denied" in looked(inner)["data_dir"][0].said)


@CAN_FORK
def test_a_folder_that_cannot_be_made_is_to_be_given_to_the_bot_and_nothing_above_it(open_folder: Path) -> None:
    def says_so() -> bool:
        (check,) = looked(open_folder / "data")["data_dir"]
        return check.mend.startswith(f"Make {open_folder / 'data'}, and give it")

    open_folder.chmod(0o555)
    assert as_nobody(says_so)


@CAN_FORK
def test_a_ledger_that_may_be_read_and_not_written_is_a_fault(open_folder: Path) -> None:
    folder = folder_with_a_ledger(open_folder)
    folder.chmod(0o777)
    (folder / "ledger.db").chmod(0o444)

    assert as_nobody(lambda: [one.state for one in looked(folder)["ledger.db"]] == [State.BROKEN])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_root_is_told_of_a_file_that_is_not_of_the_account_of_its_folder(tmp_path: Path) -> None:
    folder = folder_with_a_ledger(tmp_path)
    assert not any(one.is_fault for one in looked(folder)["ledger.db"])

    os.chown(folder, NOBODY, NOBODY)

    (warned, whole) = looked(folder)["ledger.db"]
    assert "belongs to another account than the folder" in warned.said
    assert "Its chain is whole" in whole.said


def test_a_windows_that_tells_no_rights_is_not_said_to_give_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "IS_POSIX", False)

    room, rights = looked(folder_with_a_ledger(tmp_path))["data_dir"]

    assert "can be written" not in room.said
    assert rights.state is State.UNSEEN
