"""Who the bot takes a person for."""


def test_it_shows_the_id_the_groups_and_the_grants(world):
    told = world.run("whoami").text
    assert "ada (U024BE7LH)" in told
    assert "S0615G0KT" in told
    assert "owner | view, create, apply | * | every channel" in told


def test_without_a_grant_it_says_whom_to_ask(world):
    world.grants = ()
    assert "may do nothing" in world.run("whoami").text
