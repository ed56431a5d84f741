"""The digest on demand."""


def test_it_is_the_digest_of_this_channel(world):
    reply = world.run("digest")
    assert reply.text == "One stale checkpoint."
    assert not reply.shared


def test_it_may_be_put_in_the_channel(world):
    assert world.run("digest", "--share").shared
