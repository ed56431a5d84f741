"""Every form and the Home tab, with the worst of names and whatever was entered: Slack takes all of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.base import BackendError
from bot.dispatch.forms import ABOUT, kinds
from bot.dispatch.forms.base import Kind, Mistake
from bot.dispatch.home import Home
from bot.dispatch.requests import Sheet
from bot.dispatch.shortcuts import MOST_OF_A_NOTE
from bot.ledger import ChangeState, Ledger
from bot.messages import Origin
from bot.settings import AccessSettings
from bot.slack.render.form import MAX_MEMORY, memory_of, modal, options
from bot.slack.render.home import home_view
from bot.slack.render.limits import refused_blocks, refused_view
from bot.slack.render.newer import Block
from bot.slack.render.newer import Form as Blocks
from commands.base import Context, Person, Plan, UsageError
from tests.support.hostile import NAMES
from tests.support.markup import stray
from tests.support.memory import ADA, ToBeLookedAt, World
from tests.support.settings import owners

EVERY = kinds(UTC, lambda change: f"You refuse {change}.")
KINDS = {kind.name: kind for kind in EVERY}
ids = map(str, itertools.count())

said = st.sampled_from(
    [*NAMES, "", " ", "\x00", "\ud800", "\u202e", "7d", "yes", "no", "2026-12-31", "0001-01-01", "x" * 3000]
)
words = said | st.text(max_size=200)
FIELDS = (
    "vm",
    "name",
    "kind",
    "keep",
    "note",
    "period",
    "subtree",
    "no_safety",
    "code",
    "channel",
    "checkpoints",
    "what",
    "reason",
)
KEPT = ("note", "channel", "suggested", "vm", "change", "word")


@pytest.fixture(scope="module")
def context(crowded: World) -> Context:
    """Of somebody who owns 540 stale checkpoints, and of whose VMs something is to be told."""
    crowded.inventory.refresh(disks=True)
    return replace(crowded.context, health=ToBeLookedAt())


def taken(view: Block) -> None:
    refused = refused_view(view)
    assert refused is None, refused
    json.dumps(view).encode("utf-8")
    assert "mrkdwn" not in {one.get("type") for one in objects(view)}, "nothing is left for Slack to parse"
    assert len(str(view.get("private_metadata", ""))) <= MAX_MEMORY


def objects(value: object) -> Iterator[Block]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def drawn(kind: Kind, sheet: Sheet, context: Context) -> None:
    """As it is opened or drawn anew: of a form that makes no sense the sentence is told instead."""
    try:
        form = kind.draw(sheet, context)
    except UsageError as error:
        assert error.sentence
        return
    for alerts in (True, False):
        view = modal(form, alerts=alerts)
        taken(view)
        assert set(memory_of(str(view["private_metadata"])) or {}) == set(form.memory)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(KINDS)))
def test_a_form_is_taken_whatever_it_is_about_and_whatever_was_entered(
    context: Context, data: st.DataObject, name: str
) -> None:
    every = context.fleet.known()
    seen = every[data.draw(st.integers(0, 19)) % len(every)]
    one = seen.checkpoints[data.draw(st.integers(0, 49)) % len(seen.checkpoints)]
    memory = data.draw(st.dictionaries(st.sampled_from(KEPT), words))
    values = data.draw(st.dictionaries(st.sampled_from(FIELDS), words))
    about = data.draw(st.sampled_from([one.id, "gone"]))
    vm = data.draw(st.sampled_from([seen.vm.id, "gone"]))
    note = {"note": memory["note"][:MOST_OF_A_NOTE]} if "note" in memory else {}
    sheet = Sheet(name, {**memory, **note, ABOUT: about}, {**values, "vm": vm}, FIELDS)
    drawn(KINDS[name], sheet, context)
    try:
        KINDS[name].says(sheet, context)
    except Mistake as mistake:
        assert all(text.strip() and len(text) < 2000 for text in mistake.fields.values())
    except (UsageError, BackendError) as error:
        assert error.sentence


def test_a_form_is_taken_for_every_vm_and_every_hundredth_checkpoint(context: Context) -> None:
    every = [(seen, one) for seen in context.fleet.known() for one in seen.checkpoints]
    assert len(every) > 500
    for (seen, one), name in itertools.product(every[::100], KINDS):
        values = {"vm": seen.vm.id, "name": NAMES[0], "note": NAMES[1] * 20}
        drawn(KINDS[name], Sheet(name, {ABOUT: one.id, "channel": "C1"}, values), context)
    assert len(EVERY) == len(KINDS) == 8, "a new kind is drawn here too: give it its fields"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=words)
def test_what_a_search_finds_is_taken(context: Context, text: str) -> None:
    for kind in KINDS.values():
        found = options(kind.options(Sheet(kind.name), context, text))
        assert len(found) <= 100
        if found:
            menu = {"type": "static_select", "action_id": "a", "options": found}
            assert refused_blocks([{"type": "actions", "elements": [menu]}]) is None


@pytest.mark.parametrize("waiting", [0, 12])
def test_the_home_tab_is_taken_in_every_form(context: Context, crowded: World, tmp_path: Path, waiting: int) -> None:
    vms = [one for one in context.fleet.known() if len(one.checkpoints) > 4]
    with Ledger(tmp_path / "ledger.db", clock=lambda: crowded.now) as ledger:
        for number in range(waiting):
            seen = vms[number % len(vms)]
            plan = crowded.run("delete", seen.vm.id, seen.checkpoints[0].id, "--subtree")
            assert isinstance(plan, Plan)
            until = crowded.now + timedelta(hours=4)
            asker = Person(ADA.id if number % 2 else "U0BOB", NAMES[number % 10])
            ledger.changes.request(str(number), plan, asker, Origin("C1", asker.id), expires_at=until)
            ledger.changes.move(str(number), ChangeState.AWAITING, by=asker.id, detail={"awaits": "confirmation"})
        home = Home(AccessSettings(grants=(owners("everyone"),)), ledger).of(context)
        for form in Blocks:
            view = home_view(home, lambda: next(ids), form)
            refused = refused_view(view)
            assert refused is None, refused
            assert not stray(view)
