"""Whose checkpoints are."""

from bot.fleet.ownership import Ownership
from commands.base import CheckpointNote


def test_whose_owner_has_left_is_marked_and_each_owner_is_looked_up_once() -> None:
    asked: list[str] = []

    def has_left(who: str) -> bool:
        asked.append(who)
        return who == "U2"

    notes = {"a": CheckpointNote("U1"), "b": CheckpointNote("U2"), "c": CheckpointNote("U2"), "d": CheckpointNote()}
    marked = Ownership(has_left).of(notes)

    assert {id for id, note in marked.items() if note.left} == {"b", "c"}
    assert sorted(asked) == ["U1", "U2"]


def test_where_nobody_owns_anything_nobody_is_looked_up() -> None:
    assert Ownership(lambda _who: True).of({"a": CheckpointNote()}) == {"a": CheckpointNote()}
