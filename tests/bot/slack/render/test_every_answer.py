"""What the bot says, with the worst of names in every field: Slack takes all of it, in new blocks and in older ones."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from bot.changes.card import card
from bot.changes.outcome import OUTCOME, Outcome
from bot.fleet.digest import compose
from bot.fleet.message import as_reply
from bot.ledger import ChangeState, Ledger
from bot.messages import Origin
from bot.slack.render.blocks import render
from bot.slack.render.limits import refused_content
from bot.slack.render.newer import Form
from commands.base import Person, Plan, Reply, UsageError, say
from tests.support.hostile import HOSTILE, NAMES
from tests.support.markup import stray
from tests.support.memory import World

WAYS = (
    (),
    (ChangeState.AWAITING,),
    *((ChangeState.AWAITING, end) for end in (ChangeState.REFUSED, ChangeState.CANCELLED, ChangeState.EXPIRED)),
    (ChangeState.QUEUED,),
    (ChangeState.QUEUED, ChangeState.RUNNING),
    *((ChangeState.QUEUED, ChangeState.RUNNING, end) for end in (ChangeState.SUCCEEDED, ChangeState.FAILED)),
)
ids = map(str, itertools.count())


def taken_by_slack(reply: Reply) -> None:
    """In every form, with nothing in it that Slack would parse but moments and bold names."""
    for form in Form:
        drawn = render(reply, lambda: next(ids), form)
        assert refused_content(drawn.text, drawn.blocks, None) is None, form
        assert not set("<>") & set(drawn.text)
        assert not stray(drawn.blocks)


@pytest.mark.parametrize(
    "words",
    [
        *(["list"], ["list", "--page=2"], ["list", "--stale"], ["list", "--stale", "--page=25"], ["list", "--mine"]),
        *(["list", "--unclaimed"], ["history"], ["history", "--page=2"], ["hosts"], ["whoami"], ["help"]),
        *(["health"], ["schedule"], ["digest", "--mine"], ["list", "ONE"], ["show", "ONE", "CP"], ["apply", "ONE"]),
    ],
    ids=" ".join,
)
def test_every_answer_is_taken(crowded: World, words: list[str]) -> None:
    seen = next(iter(crowded.hosts["hv01"].vms.values()))
    meant = {"ONE": seen.vm.id, "CP": seen.checkpoints[0].id}
    answer = crowded.run(*(meant.get(word, word) for word in words))
    assert isinstance(answer, Reply)
    taken_by_slack(answer)


@pytest.mark.parametrize("verb", ["create", "apply", "delete", "keep", "rename", "claim", "export"])
def test_every_card_is_taken_in_every_state(crowded: World, tmp_path: Path, verb: str) -> None:
    vms = list(crowded.hosts["hv02"].vms.values())
    (one, cp), more = (
        (vms[0].vm.id, vms[0].checkpoints[3].id),
        {"keep": ["7d"], "rename": [NAMES[1]], "export": ["D:\\x"]},
    )
    plans = [crowded.run(verb, one, *([cp] if verb != "create" else []), *more.get(verb, []))]
    if verb == "create":
        plans.append(crowded.run(verb, ",".join(each.vm.id for each in vms), NAMES[2]))
    with Ledger(tmp_path / "ledger.db", clock=lambda: crowded.now) as ledger:
        for number, (plan, way) in enumerate(itertools.product(plans, WAYS)):
            assert isinstance(plan, Plan)
            id, person = str(number), Person("U024BE7LH", NAMES[0])
            until = crowded.now + timedelta(hours=4)
            ledger.changes.request(id, plan, person, Origin("C1", person.id), expires_at=until)
            for state in way:
                detail = {"awaits": "approval", "approvers": ["S0ADMINS"]}
                ledger.changes.move(id, state, by=person.id, why=NAMES[number % 10] * 9, detail=detail)
                if state is ChangeState.RUNNING:
                    for target in plan.targets[1:]:
                        outcome = Outcome(target.vm_id, target.vm_name, ChangeState.FAILED, NAMES[3] * 5)
                        ledger.changes.note(id, OUTCOME, by="bot", why=NAMES[3], detail=asdict(outcome))
                row = ledger.changes.get(id)
                assert row is not None
                taken_by_slack(card(row, ledger.events.of(id), {plan.targets[0].vm_id: 40}))


def test_the_digest_is_taken(crowded: World) -> None:
    crowded.inventory.renew(disks=True)
    hosts = crowded.inventory.hosts()
    seen = crowded.inventory.inventories(disks=True)
    made = compose(seen, crowded.book.known, hosts, policy=crowded.policy, now=crowded.now, verdicts={})
    assert len(made.stale) == 540
    taken_by_slack(as_reply(made))


def test_what_is_refused_is_taken(crowded: World) -> None:
    for name in HOSTILE:
        with pytest.raises(UsageError) as refused:
            crowded.run("show", name * 20, name)
        taken_by_slack(say(refused.value.sentence, refused.value.hint))
