"""The head of the ledger, kept elsewhere once a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.ledger import Head, Ledger
from bot.messages import MessageRef, Origin
from bot.schedules.heads import Heads
from bot.settings import DigestChannelSettings, DigestSettings
from commands.base import Reply
from tests.support.board import Board
from tests.support.clock import StoppedClock
from tests.support.ledger import carry

PARIS = ZoneInfo("Europe/Paris")
DIGEST = DigestSettings(
    at=time(9, 0), timezone=PARIS, channels=(DigestChannelSettings(channel="C1"), DigestChannelSettings(channel="C2"))
)


class World:
    """A ledger in which something has happened, at nine in Paris."""

    def __init__(self, path: Path) -> None:
        self.clock, self.board = StoppedClock(), Board()
        self.clock.now = self.clock.now.replace(hour=8)
        self.ledger = Ledger(path, clock=self.clock)
        carry(self.ledger, "one")

    def heads(self, place: str, digest: DigestSettings = DIGEST, *, shared: bool = False) -> Heads:
        return Heads(place, digest, self.ledger, self.board, self.clock, lambda _channel: not shared)

    def digest(self, occurrence: str) -> MessageRef:
        """Today's was posted."""
        ref = MessageRef("C1", f"1700000000.{len(occurrence):06}")
        self.ledger.digests.claim(occurrence, "C1")
        self.ledger.digests.posted(occurrence, ref, "All is well.")
        return ref

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(ref.channel, message.text) for ref, message in self.board.shown.items()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "ledger.db")
    yield made
    made.ledger.close()


def test_it_goes_once_a_day_into_the_thread_of_the_days_digest(world: World) -> None:
    beside = world.digest("C1 today")
    heads = world.heads("digest")
    heads.look()
    assert world.board.replies == []
    world.clock.forward(minutes=10)
    heads.look()
    heads.look()
    world.heads("digest").look()

    ((ref, message),) = world.board.replies
    assert ref == beside
    assert f"The ledger ends today with event 6. Its head: {world.ledger.audit.head()}" in message.text
    world.clock.forward(days=1)
    carry(world.ledger, "two")
    world.heads("digest").look()
    assert len(world.board.replies) == 1, "there is no digest of that day yet"
    world.digest("C1 tomorrow")
    world.heads("digest").look()
    assert "event 12" in world.board.replies[-1][1].text
    assert world.said == []


def test_a_day_on_which_nothing_happened_has_none(world: World) -> None:
    world.clock.forward(hours=1)
    for _ in range(3):
        world.clock.forward(days=1)
        world.heads("C0AUDIT").look()

    assert len(world.said) == 1


def test_another_channel_or_a_file_can_be_the_place(world: World, tmp_path: Path) -> None:
    world.clock.forward(hours=1)
    world.heads("C0AUDIT").look()
    for _ in range(2):
        world.heads(str(tmp_path / "heads")).look()

    assert [channel for channel, _ in world.said] == ["C0AUDIT"]
    (line,) = (tmp_path / "heads").read_text().splitlines()
    day, head = line.split()
    assert (day, Head.parse(head)) == ("2026-11-20", world.ledger.audit.head())


@pytest.mark.parametrize("place", ["none", "digest"])
def test_there_may_be_no_place(world: World, place: str) -> None:
    world.clock.forward(hours=1)
    world.heads(place, DIGEST.model_copy(update={"channels": ()})).look()
    world.heads("C0AUDIT", shared=True).look()

    assert world.said == []


def test_a_place_that_cannot_be_written_to_is_tried_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    heads = world.heads("C0AUDIT")
    world.clock.forward(hours=1)
    world.board.refuses = 1
    heads.look()
    heads.look()
    assert "could not be kept at C0AUDIT" in caplog.text
    assert world.said == []

    world.clock.forward(hours=1)
    heads.look()

    assert len(world.said) == 1


class Killed(BaseException):
    """Stands for the end of the process."""


class Dying(Board):
    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        raise Killed


def test_a_bot_that_dies_before_the_head_is_kept_keeps_it_at_its_next_start(world: World) -> None:
    world.clock.forward(hours=1)
    world.board = Dying()
    with pytest.raises(Killed):
        world.heads("C0AUDIT").look()

    world.board = Board()
    for _ in range(2):
        world.heads("C0AUDIT").look()

    assert len(world.said) == 1


def test_a_place_to_which_nothing_can_be_posted_is_not_tried_again_for_the_same_head(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.board.archived.add("C0AUDIT")
    for _ in range(3):
        world.clock.forward(hours=2)
        world.heads("C0AUDIT").look()

    assert caplog.text.count("could not be kept at C0AUDIT") == 1
