"""Names, short ids and GUIDs."""

import uuid
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from commands.kit.finding import fits, named, nearest, plain, tell_apart


@dataclass(frozen=True)
class Thing:
    id: str
    name: str


names = st.text(min_size=1, max_size=20)
guids = st.uuids().map(str)
things = st.lists(st.builds(Thing, guids, names), max_size=8, unique_by=lambda thing: thing.id)


@given(things, things.flatmap(lambda some: st.sampled_from(some) if some else st.builds(Thing, guids, names)))
def test_whatever_is_called_by_its_name_is_found_with_all_its_namesakes(others, one):
    everything = [*others, one]
    found = named(one.name, everything)
    if plain(one.name):
        assert one in found
        assert all(plain(thing.name) == plain(one.name) for thing in found)


@given(things)
def test_a_whole_guid_finds_one_thing_whatever_names_there_are(some):
    for one in some:
        squatter = Thing(str(uuid.uuid4()), one.id)
        assert named(one.id, [squatter, *some]) == (one,)


@given(things, st.text(max_size=12))
def test_nothing_is_found_that_was_not_named(some, text):
    for thing in named(text, some):
        assert plain(thing.name) == plain(text) or thing.id.startswith(text.strip().casefold().strip("{}"))


def test_a_name_wins_over_the_beginning_of_a_guid():
    beef = Thing(str(uuid.uuid4()), "beef")
    other = Thing("beef0000-0000-4000-8000-000000000000", "other")
    assert named("beef", [other, beef]) == (beef,)
    assert named("beef0", [other, beef]) == (other,)


def test_fewer_than_four_digits_are_no_id():
    other = Thing("beef0000-0000-4000-8000-000000000000", "other")
    assert named("bee", [other]) == ()
    assert named("{BEEF0000-0000-4000-8000-000000000000}", [other]) == (other,)


def test_composed_and_decomposed_letters_are_one_name():
    assert named("cafe\u0301", [Thing("1", "Café")])


@given(st.text(st.characters(exclude_characters="*?"), max_size=20))
def test_a_pattern_without_stars_fits_only_itself(text):
    assert fits(text, text)
    assert not fits(text + "x", text)


def test_brackets_in_what_is_typed_mean_themselves():
    assert fits("web[1]", "WEB[1]")
    assert not fits("web1", "web[1]")
    assert fits("web[1]x", "web[1]*")


def test_ids_that_begin_alike_are_shown_as_long_as_they_must_be():
    assert tell_apart(["12345678-a", "22345678-a"]) == ("12345678", "22345678")
    assert tell_apart(["12345678-aa", "12345678-ab"]) == ("12345678-aa", "12345678-ab")


def test_the_nearest_names_keep_their_own_spelling():
    assert nearest("WEB1", ["Web01", "db01"]) == ("Web01",)
