"""Who the bot takes a person for."""

from commands.base import Grant, Paragraph
from tests.support.memory import EVERYTHING


def test_it_shows_the_id_the_groups_and_the_grants(world):
    told = world.run("whoami").text
    assert "ada (U024BE7LH)" in told
    assert "S0615G0KT" in told
    assert f"1 | owner | S0615G0KT | {', '.join(EVERYTHING)} | * | every channel" in told


def test_it_says_which_grant_gives_what(world):
    world.grants = (
        Grant("viewer", ("view",), ("*",), number=2, to="everyone"),
        Grant("operator", ("view", "create"), ("web*",), ("C0123",), 5, "U024BE7LH"),
    )
    told = world.run("whoami").text
    assert "5 | operator | you | view, create | web* | C0123" in told
    assert "view | *, web* | 2 (viewer), 5 (operator)" in told
    assert "create | web* | 5 (operator)" in told


def test_without_a_grant_it_says_whom_to_ask(world):
    world.grants = ()
    assert "may do nothing. Ask whoever keeps" in world.run("whoami").text
    world.ask = ("S0ADMINS",)
    assert Paragraph("The settings name whom to ask for a grant.", to=("S0ADMINS",)) in world.run("whoami").parts
