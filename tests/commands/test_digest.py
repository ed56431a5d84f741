"""The digest of a channel, made now."""

from dataclasses import replace

import commands
from commands.base import say


def test_it_is_for_the_person_alone_unless_shared_also_where_the_digest_is_posted(world):
    context = replace(world.context, digest=lambda: replace(say("One stale checkpoint."), shared=True))
    assert not commands.run(("digest",), context).shared
    assert commands.run(("digest", "--share"), context).shared
