"""Commands that were offered with a button."""

from __future__ import annotations

import pytest

from bot.dispatch.offers import Offers
from commands.base import UsageError

WORDS = ("create", "id-1,id-2", "x")


def test_an_offer_is_the_command_as_often_as_it_is_pressed() -> None:
    offers = Offers()
    offer = offers.make("U0ADA", WORDS)
    assert [offers.words_of("U0ADA", offer) for _ in range(2)] == [WORDS, WORDS]


@pytest.mark.parametrize(("who", "id"), [("U0EVE", "1"), ("U0ADA", "2"), ("U0ADA", "")])
def test_what_was_not_offered_to_somebody_is_nothing_to_them(who: str, id: str) -> None:
    offers = Offers(new_id=lambda: "1")
    offers.make("U0ADA", WORDS)
    with pytest.raises(UsageError, match="too long ago"):
        offers.words_of(who, id)


def test_an_offer_ends() -> None:
    offers = Offers(0.0)
    with pytest.raises(UsageError):
        offers.words_of("U0ADA", offers.make("U0ADA", WORDS))
