"""What the doctor says of the receiver of the audit stream, and of a file that keeps the head of the chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.ledger import Ledger
from bot.operations.doctor.findings import Check, State
from bot.operations.doctor.stream import look
from bot.settings import AuditSettings, Settings
from tests.support.accounts import CAN_FORK, as_nobody, open_to_all
from tests.support.settings import NO_SLACK

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


@dataclass
class Place:
    """A ledger with a stream to a file, to which the events of one request are to go."""

    folder: Path
    at: datetime = NOW
    audit: AuditSettings = field(init=False)

    def __post_init__(self) -> None:
        self.audit = AuditSettings(stream=str(self.folder / "stream"), head="none")
        with Ledger(self.folder / "ledger.db", clock=lambda: self.at) as ledger:
            ledger.streams.begin(str(self.folder / "stream"))
            ledger.changes.record("c1", verb="reload", summary="read the settings anew", result="")

    def look(self, *, deep: bool = True) -> list[Check]:
        settings = Settings(slack=NO_SLACK, data_dir=self.folder, audit=self.audit)
        return list(look(settings, lambda: self.at, deep=deep))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_was_not_taken_within_minutes_is_waited_for(place: Place) -> None:
    place.at += timedelta(minutes=9)
    (check,) = place.look()

    assert check.state is State.WORKS
    assert "has not taken 4 events yet." in check.said


def test_what_was_not_taken_for_longer_is_told_with_since_when(place: Place) -> None:
    place.at += timedelta(minutes=11)
    (check,) = place.look()

    assert check.state is State.WARNING
    assert "has not taken 4 events yet, the oldest of 2026-11-28 09:00 UTC." in check.said
    assert "audit.token" in check.mend


def test_a_bot_that_has_just_started_has_to_catch_up(place: Place) -> None:
    place.at += timedelta(days=1)
    (check,) = place.look(deep=False)

    assert check.state is State.WORKS


def test_a_proxy_of_which_only_sending_tells_is_no_fault(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "https://proxy.example.net:3128")
    place.audit = AuditSettings(stream="https://collector.example.net/audit", head="none")
    (check,) = place.look()

    assert check.state is State.UNSEEN
    assert "is seen when something is sent" in check.said


def test_a_file_for_the_stream_is_told_what_files_need(place: Place) -> None:
    place.audit = AuditSettings(stream=str(place.folder / "no" / "stream"), head="none")
    (check,) = place.look()

    assert check.mend == "Make its folder, and let the bot's account write there."


@pytest.mark.parametrize(
    ("where", "state", "said"),
    [
        ("heads", State.WORKS, "can be written"),
        ("no/heads", State.BROKEN, "there is no folder"),
        ("", State.BROKEN, "it is a folder"),
    ],
)
def test_a_file_for_the_head_is_looked_at(place: Place, where: str, state: State, said: str) -> None:
    place.audit = AuditSettings(head=str(place.folder / where))
    (check,) = place.look()

    assert (check.about, check.state) == ("audit.head", state)
    assert said in check.said


@pytest.fixture
def open_folder() -> Iterator[Path]:
    yield from open_to_all()


@CAN_FORK
def test_a_ledger_that_may_not_be_read_keeps_nothing_else_from_being_looked_at(open_folder: Path) -> None:
    folder = open_folder / "data"
    folder.mkdir()
    place = Place(folder)
    place.audit = AuditSettings(stream="stdout", head=str(folder / "heads"))
    folder.chmod(0o600)

    def says_so() -> bool:
        stream, head = place.look()
        return stream.state is State.WORKS and "it cannot be looked at: Permission denied" in head.said

    assert as_nobody(says_so)
