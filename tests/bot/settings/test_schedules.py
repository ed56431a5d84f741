"""Schedules in the settings: how they are written, and what is refused."""

from __future__ import annotations

from datetime import time

import pytest
from pydantic import ValidationError

from bot.settings import Settings
from bot.settings.problems import explain
from bot.settings.sources import parse
from tests.support.settings import NO_SLACK

WRITTEN = """
sets: {shop: ["web*", "sql01"]}
schedules:
  - {name: nightly, vms: ["@shop", "app*"], except: ["app-test*"], owner: U024BE7LH, channel: C0123, at: "02:00",
     keep: 7d, keep_last: null, label: daily}
  - {name: often, vms: ["build01"], owner: U024BE7LH, channel: C0123, every: 6h, weekdays: true, keep_last: 5,
     type: standard}
housekeeping: {between: "22:00-05:00", merges_per_host: 2}
"""


def load(text: str) -> Settings:
    return Settings.model_validate({"slack": NO_SLACK, **parse(text, "settings")})


def problems(*entries: str) -> list[str]:
    lines = "\n".join(f"  - {{{entry}}}" for entry in entries)
    with pytest.raises(ValidationError) as refused:
        load(f"sets: {{shop: [web01]}}\nschedules:\n{lines}\n")
    return explain(refused.value, Settings)


def test_they_are_written_as_people_type_them() -> None:
    settings = load(WRITTEN)

    nightly, often = (one.schedule("ada") for one in settings.schedules)
    assert (nightly.vms, nightly.excluded, nightly.at) == (("@shop", "app*"), ("app-test*",), time(2))
    assert (nightly.keep, nightly.keep_last, nightly.label, nightly.kind) == (7 * 86400, None, "daily", "production")
    assert (often.every, often.weekdays, often.keep_last, often.kind) == (6 * 3600, True, 5, "standard")
    assert nightly.from_settings
    assert str(settings.housekeeping.between) == "22:00-05:00"


BASE = "vms: [web01], owner: U024BE7LH, channel: C0123"


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([f"name: a, {BASE}"], "schedules.0: needs either at or every, and not both"),
        ([f"name: a, {BASE}, at: '02:00', every: 6h"], "schedules.0: needs either at or every, and not both"),
        ([f"name: a, {BASE}, every: 90m"], "schedules.0.every: must be whole hours up to a day, or whole days"),
        ([f"name: a, {BASE}, at: '02:00', except: ['@shpo']"], "schedules.0.excluded.0: there is no set @shpo"),
        ([f"name: a, {BASE}, at: '02:00'"] * 2, "schedules.1.name: a is the name of another schedule already"),
        ([f"name: a, {BASE}, at: '02:00', keep_last: 50"], "schedules.0.keep_last: must be between 1 and 49"),
        (["name: a, vms: [web01], channel: C0123, at: '02:00'"], "schedules.0.owner: is missing"),
    ],
)
def test_what_makes_no_sense_is_refused_in_its_place(entries: list[str], told: str) -> None:
    assert problems(*entries)[0].startswith(told)


@pytest.mark.parametrize("between", ["22:00", "22-05", "02:00-02:00", "25:00-05:00"])
def test_hours_that_are_none_are_refused(between: str) -> None:
    with pytest.raises(ValidationError):
        load(f"housekeeping: {{between: '{between}'}}\n")
