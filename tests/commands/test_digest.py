"""The digest of a channel, made now."""

from dataclasses import replace

import pytest

import commands
from commands.base import CheckpointNote, Pick, Reply, say
from tests.support.memory import World


def test_it_is_for_the_person_alone_unless_shared_also_where_the_digest_is_posted(world):
    context = replace(world.context, digest=lambda: replace(say("One stale checkpoint."), shared=True))
    assert not commands.run(("digest",), context).shared
    assert commands.run(("digest", "--share"), context).shared


class TestAllOfMine:
    @pytest.fixture
    def mine(self, world: World) -> World:
        for n, (owner, days) in enumerate((("U024BE7LH", 30), ("U024BE7LH", 9), ("U0BOB", 30), ("U024BE7LH", 1))):
            vm = world.vm(f"web{n}")
            one = world.checkpoint(vm, "before", days=days)
            world.grown(vm, one, (n + 1) * 1024**3)
            world.book.known[one.id] = CheckpointNote(owner)
        return world

    def test_are_a_choice_of_several_that_they_alone_see(self, mine: World) -> None:
        told = mine.run("digest", "--mine")
        assert isinstance(told, Reply)
        (pick,) = (part for part in told.parts if isinstance(part, Pick))
        assert not told.shared
        assert [name for name, _ in pick.options] == ["web1: before (9 days, 2.0 GB)", "web0: before (30 days, 1.0 GB)"]
        assert [(button.action, button.value) for button in pick.buttons] == [("keep", ""), ("pin", ""), ("delete", "")]

    def test_are_said_to_be_none_where_none_is_stale(self, world: World) -> None:
        told = world.run("digest", "--mine")
        assert isinstance(told, Reply)
        assert told.text == "Nothing of yours is stale, as far as I see."
