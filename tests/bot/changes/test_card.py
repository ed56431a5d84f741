"""The one message of a change, in each state that it passes through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.changes.card import OF_NO_USE, card, title
from bot.changes.merges import MERGED, STALLS
from bot.changes.outcome import OUTCOME, Outcome
from bot.changes.verbs import verbs
from bot.ledger import ChangeState
from bot.messages import MessageRef
from bot.slack.render.blocks import render
from bot.slack.render.newer import Form
from commands.base import (
    Action,
    Actions,
    Apply,
    Button,
    Create,
    Delete,
    Heading,
    Paragraph,
    Person,
    Plan,
    Reply,
    Target,
    Tree,
)
from tests.support.memory import World
from tests.support.workbench import ADA, ORIGIN, Workbench

FULL = "D: is full in about 9 days."
BOB = Person("U0BOB", "bob")
WAYS: dict[ChangeState, tuple[ChangeState, ...]] = {
    ChangeState.REQUESTED: (),
    ChangeState.AWAITING: (ChangeState.AWAITING,),
    ChangeState.DENIED: (ChangeState.DENIED,),
    ChangeState.REFUSED: (ChangeState.AWAITING, ChangeState.REFUSED),
    ChangeState.CANCELLED: (ChangeState.AWAITING, ChangeState.CANCELLED),
    ChangeState.EXPIRED: (ChangeState.AWAITING, ChangeState.EXPIRED),
    ChangeState.VOID: (ChangeState.QUEUED, ChangeState.VOID),
    ChangeState.QUEUED: (ChangeState.QUEUED,),
    ChangeState.RUNNING: (ChangeState.QUEUED, ChangeState.RUNNING),
    ChangeState.SUCCEEDED: (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.SUCCEEDED),
    ChangeState.FAILED: (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.FAILED),
    ChangeState.UNKNOWN: (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.UNKNOWN),
}


class Change:
    """A change in the ledger, brought along a way."""

    def __init__(
        self,
        bench: Workbench,
        *targets: Target,
        action: Action | None = None,
        each: tuple[str, ...] = (),
        stake: str = "",
        grave: bool = False,
        keepers: tuple[str, ...] = (),
    ) -> None:
        self.ledger, self.id = bench.ledger, f"change-{len(bench.ledger.history.find(limit=100))}"
        self.targets = targets
        self.waits: dict[str, str] = {}
        plan = Plan(
            action or Apply(),
            targets,
            "apply first to web01",
            consequences=("Everything written on web01 since first will be lost.", "web01 keeps its newer checkpoint."),
            cautions=("The settings ask for care with web01.",),
            each=each,
            stake=stake,
            grave=grave or bool(stake),
            keepers=keepers,
            outlook=(FULL,),
        )
        expires_at = datetime(2026, 11, 22, 14, 15, tzinfo=UTC)
        self.ledger.changes.request(self.id, plan, ADA, ORIGIN, expires_at=expires_at)

    def to(self, state: ChangeState, *, why: str = "", result: str = "", awaits: str = "confirmation") -> Change:
        way = WAYS[state]
        for step in way[:-1]:
            self.ledger.changes.move(self.id, step, by="bot", detail={"awaits": awaits})
        if way:
            self.ledger.changes.move(self.id, way[-1], by="bot", why=why, result=result, detail={"awaits": awaits})
        return self

    def ended(self, target: Target, state: ChangeState, sentence: str, **more: object) -> Change:
        outcome = replace(Outcome(target.vm_id, target.vm_name, state, sentence), **more)  # type: ignore[arg-type]
        self.ledger.changes.note(self.id, OUTCOME, by="bot", why=sentence, detail=asdict(outcome))
        return self

    def card(self, **progress: int) -> Reply:
        row = self.ledger.changes.get(self.id)
        assert row is not None
        by_id = {target.vm_id: progress[target.vm_name] for target in self.targets if target.vm_name in progress}
        return card(row, self.ledger.events.of(self.id), by_id, self.waits)


@pytest.fixture
def web01(bench: Workbench) -> Target:
    return replace(bench.target(bench.add_vm("web01")), checkpoint_id="cp-1", checkpoint_name="first")


@pytest.fixture
def web02(bench: Workbench) -> Target:
    return replace(bench.target(bench.add_vm("web02")), checkpoint_id="cp-2", checkpoint_name="first")


def buttons(message: Reply) -> list[tuple[str, str]]:
    """Labels and actions."""
    return [(b.label, b.action) for part in message.parts if isinstance(part, Actions) for b in part.buttons]


def values(message: Reply) -> list[Button]:
    return [b for part in message.parts if isinstance(part, Actions) for b in part.buttons]


def plan_in(message: Reply) -> dict[str, Any]:
    """The group as Slack gets it."""
    (drawn,) = (one for one in render(message, lambda: "id").blocks if one["type"] == "plan")
    return drawn


@pytest.mark.parametrize(
    ("state", "heading", "actions"),
    [
        (ChangeState.REQUESTED, "⏳ Apply first to web01", []),
        (ChangeState.AWAITING, "❓ Apply first to web01?", ["confirm", "cancel", "take_over"]),
        (ChangeState.DENIED, "⛔ Apply first to web01: denied", []),
        (ChangeState.REFUSED, "🚫 Apply first to web01: refused", []),
        (ChangeState.CANCELLED, "✖️ Apply first to web01: cancelled", []),
        (ChangeState.EXPIRED, "⌛ Apply first to web01: expired", ["again"]),
        (ChangeState.VOID, "⚠️ Apply first to web01: void", ["again"]),
        (ChangeState.QUEUED, "⏳ Apply first to web01: queued", ["cancel"]),
        (ChangeState.RUNNING, "⏳ Apply first to web01: running", []),
        (ChangeState.SUCCEEDED, "✅ Apply first to web01", []),
        (ChangeState.FAILED, "❌ Apply first to web01: failed", []),
        (ChangeState.UNKNOWN, "❔ Apply first to web01: outcome unknown", []),
    ],
)
def test_every_state_has_its_heading_and_its_buttons(
    bench: Workbench, web01: Target, state: ChangeState, heading: str, actions: list[str]
) -> None:
    message = Change(bench, web01).to(state, why="why", result="result").card()

    assert message.parts[0] == Heading(heading)
    assert [action for _, action in buttons(message)] == actions
    assert message.shared


def test_the_question_says_what_is_lost_and_what_a_careful_colleague_would_add(bench: Workbench, web01: Target) -> None:
    message = Change(bench, web01).to(ChangeState.AWAITING).card()

    assert "⚠️ The settings ask for care with web01." in message.text
    assert "Everything written on web01 since first will be lost." in message.text
    assert "web01 keeps its newer checkpoint." in message.text
    assert "asked by ada · open until 2026-11-22 14:15 UTC · change" in message.text


@pytest.mark.parametrize(
    ("action", "label", "style"),
    [(Apply(), "Apply", "danger"), (Delete(), "Delete", "danger"), (Create("x"), "Create", "primary")],
)
def test_the_button_says_what_it_does(bench: Workbench, web01: Target, action: Action, label: str, style: str) -> None:
    message = Change(bench, web01, action=action).to(ChangeState.AWAITING).card()

    (row,) = [part for part in message.parts if isinstance(part, Actions)]
    assert (row.buttons[0].label, row.buttons[0].style) == (label, style)
    assert row.buttons[1].label == "Cancel"


def test_an_approval_is_asked_of_a_second_person(bench: Workbench, web01: Target) -> None:
    message = Change(bench, web01).to(ChangeState.AWAITING, awaits="approval").card()

    assert buttons(message) == [
        *(("Approve", "approve"), ("Refuse", "refuse"), ("Withdraw", "cancel"), ("Take over", "take_over")),
    ]
    assert "needs a second person's approval" in message.text


def test_those_who_may_approve_are_mentioned(bench: Workbench, web01: Target) -> None:
    change = Change(bench, web01)
    detail = {"awaits": "approval", "approvers": ["S0ADMINS"]}
    change.ledger.changes.move(change.id, ChangeState.AWAITING, by="bot", detail=detail)
    assert [part.to for part in change.card().parts if isinstance(part, Paragraph) and part.to] == [("S0ADMINS",)]

    change.ledger.changes.take_over(change.id, BOB, why="taken over by bob", detail={"approvers": ["U0ADA", "U0EVE"]})

    assert [part.to for part in change.card().parts if isinstance(part, Paragraph) and part.to] == [("U0ADA", "U0EVE")]
    assert "asked by ada · taken over by bob · " in change.card().text


def test_an_approval_that_nobody_else_can_give_says_so(bench: Workbench, web01: Target) -> None:
    change = Change(bench, web01).to(ChangeState.AWAITING, awaits="approval")

    change.ledger.changes.set_message(change.id, MessageRef("C0OPS", "1.0"))
    assert "Nobody but you sees this message" not in change.card().text
    change.ledger.changes.set_message(change.id, MessageRef("D0ADA", "1.0"))
    assert "Nobody but you sees this message" in change.card().text


def test_a_question_about_several_vms_has_a_line_for_each(bench: Workbench, web01: Target, web02: Target) -> None:
    each = ("web01 is on hv01, running: first", "web02 is on hv01, off: first")
    change = Change(bench, web01, web02, each=each).to(ChangeState.AWAITING)

    assert Tree(each) in change.card().parts


def test_who_confirmed_stands_under_the_result(bench: Workbench, web01: Target) -> None:
    change = Change(bench, web01).to(ChangeState.AWAITING)
    change.ledger.changes.move(change.id, ChangeState.QUEUED, by=BOB.id, why="approved by bob")

    assert "asked by ada · approved by bob · change" in change.card().text


@pytest.mark.parametrize("state", [ChangeState.DENIED, ChangeState.CANCELLED, ChangeState.EXPIRED, ChangeState.VOID])
def test_what_ended_before_it_began_says_once_that_nothing_was_changed(
    bench: Workbench, web01: Target, state: ChangeState
) -> None:
    assert "By ada. Nothing was changed." in Change(bench, web01).to(state, why="by ada").card().text


def test_an_unknown_outcome_never_says_that_nothing_was_changed(bench: Workbench, web01: Target) -> None:
    looking = Change(bench, web01).to(ChangeState.UNKNOWN, why="no answer about web01: reset")
    assert "Nothing was changed" not in looking.card().text
    assert "I go on looking at the host" in looking.card().text

    given_up = looking.ended(web01, ChangeState.UNKNOWN, "hv01 has not answered for a day. Look at web01 by hand.")
    assert "Look at web01 by hand." in given_up.card().text
    assert "Nothing was changed" not in given_up.card().text


class TestProgress:
    def test_of_one_vm_is_a_bar(self, bench: Workbench, web01: Target) -> None:
        message = Change(bench, web01).to(ChangeState.RUNNING).card(web01=40)

        assert "⏳ web01 ████░░░░░░ 40 %" in message.text

    def test_of_one_vm_that_tells_none_is_a_word(self, bench: Workbench, web01: Target) -> None:
        assert "Under way …" in Change(bench, web01).to(ChangeState.RUNNING).card().text

    def test_of_several_vms_is_a_line_for_each(self, bench: Workbench, web01: Target, web02: Target) -> None:
        change = Change(bench, web01, web02).to(ChangeState.RUNNING)
        change.ended(web01, ChangeState.SUCCEEDED, "web01 is back at first.")

        text = change.card(web02=70).text

        assert "█████░░░░░ 1 of 2 done" in text
        assert "✅ web01: web01 is back at first." in text
        assert "⏳ web02 ███████░░░ 70 %" in text


class TestTheEnd:
    def test_of_several_vms_says_what_became_of_each(self, bench: Workbench, web01: Target, web02: Target) -> None:
        change = Change(bench, web01, web02)
        change.ended(web01, ChangeState.SUCCEEDED, "web01 is back at first.")
        change.ended(web02, ChangeState.FAILED, "hv01 is out of room.")

        text = change.to(ChangeState.FAILED, result="both").card().text

        assert "✅ web01: web01 is back at first." in text
        assert "❌ web02: hv01 is out of room." in text
        assert "1 succeeded, 1 failed." in text

    def test_of_two_hundred_vms_tells_first_what_went_wrong(self, bench: Workbench, web01: Target) -> None:
        group = [replace(web01, vm_id=f"vm-{n}", vm_name=f"web{n:03}") for n in range(200)]
        change = Change(bench, *group)
        for target in group[:-3]:
            back = f"{target.vm_name} is back at first, and is running. What it was before is kept as safety."
            change.ended(target, ChangeState.SUCCEEDED, back)
        for target in group[-3:-1]:
            change.ended(target, ChangeState.FAILED, "hv02 cannot be reached. Nothing was changed.")
        change.ended(group[-1], ChangeState.VOID, "web199 is not as it was.")

        reply = change.to(ChangeState.FAILED, result="all").card()

        plan = plan_in(reply)
        assert plan["title"] == "197 succeeded, 2 failed, 1 void."
        titles = [one["title"] for one in plan["tasks"]]
        assert titles[:4] == ["web197", "web198", "web199", "web000"]
        kept = len(titles) - 1
        assert titles[-1] == f"… and {200 - kept} more: {200 - kept} done"
        assert [one["status"] for one in plan["tasks"]] == [*["error"] * 3, *["complete"] * (kept - 2)]
        (drawn,) = (str(one) for one in render(reply, lambda: "id", Form.USUAL).blocks if "preformatted" in str(one))
        assert "❌ web197, web198: hv02 cannot be reached. Nothing was changed.\\n⚠️ web199: web199 is not" in drawn
        assert "more lines" in drawn
        assert [one.value for one in values(reply) if one.label == "Each VM"] == [
            f"/checkpoint history --change {change.id[:8]}"
        ]

    def test_of_several_vms_keeps_the_plan_with_a_task_a_vm(
        self, bench: Workbench, web01: Target, web02: Target
    ) -> None:
        change = Change(bench, web01, web02)
        change.ended(web01, ChangeState.SUCCEEDED, "web01 is back at first.")
        change.ended(web02, ChangeState.FAILED, "hv01 is out of room.", unchanged=True)

        reply = change.to(ChangeState.FAILED, result="both").card()

        assert [(one["title"], one["status"]) for one in plan_in(reply)["tasks"]] == [
            ("web01", "complete"),
            ("web02", "error"),
        ]
        assert "hv01 is out of room. Nothing was changed." in str(plan_in(reply))
        assert not [one for one in values(reply) if one.label == "Each VM"]

    def test_of_two_vms_of_one_name_says_where_each_is(self, bench: Workbench, web01: Target) -> None:
        other = replace(web01, vm_id="vm-2", host="hv02")
        change = Change(bench, web01, other)
        change.ended(web01, ChangeState.SUCCEEDED, "web01 is back at first.")
        change.ended(other, ChangeState.FAILED, "hv02 is out of room.")

        text = change.to(ChangeState.FAILED, result="both").card().text

        assert "✅ web01 on hv01: web01 is back at first." in text
        assert "❌ web01 on hv02: hv02 is out of room." in text

    def test_of_an_apply_offers_to_undo_it(self, bench: Workbench, web01: Target) -> None:
        change = Change(bench, web01).to(ChangeState.SUCCEEDED, result="web01 is back at first.")
        change.ended(web01, ChangeState.SUCCEEDED, "web01 is back at first.", safety_id="cp-9")

        assert buttons(change.card()) == [("Undo", "undo")]

    def test_of_a_delete_is_followed_by_the_merge(self, bench: Workbench, web01: Target) -> None:
        change = Change(bench, web01, action=Delete()).to(ChangeState.SUCCEEDED, result="Deleted first of web01.")
        change.ledger.changes.note(change.id, MERGED, by="bot", why="The disks of web01 are merged: 18.0 GB came back.")

        text = change.card().text

        assert text.index("Deleted first of web01.") < text.index("18.0 GB came back")

    def test_of_a_merge_says_how_it_stands_and_not_how_it_stood(self, bench: Workbench, web01: Target) -> None:
        change = Change(bench, web01, action=Delete())
        change.ended(web01, ChangeState.SUCCEEDED, "Deleted first of web01.", values={"merging": 1})
        change.to(ChangeState.SUCCEEDED, result="Deleted first of web01.")
        assert "The disks of web01 are still to be merged, in the background." in change.card().text

        for event, why in ((STALLS, "It stalls."), (MERGED, "The disks of web01 are merged.")):
            about = {"values": {"vm_id": web01.vm_id}}
            change.ledger.changes.note(change.id, event, by="bot", why=why, detail=about)

        text = change.card().text
        assert "The disks of web01 are merged." in text
        assert "It stalls." not in text
        assert "still to be merged" not in text

    def test_of_a_large_delete_counts_the_merges_that_went_well(self, bench: Workbench, web01: Target) -> None:
        change = Change(bench, web01, action=Delete()).to(ChangeState.SUCCEEDED, result="Deleted all.")
        for n in range(200):
            change.ledger.changes.note(change.id, MERGED, by="bot", why=f"The disks of web{n:03} are merged.")
        change.ledger.changes.note(change.id, STALLS, by="bot", why="The disks of web200 do not get on.")

        text = change.card().text

        assert "The disks of 200 VMs are merged." in text
        assert "web200 do not get on" in text
        assert "web100" not in text

    def test_of_a_group_in_which_one_moved_offers_to_ask_about_that_one(
        self, bench: Workbench, web01: Target, web02: Target
    ) -> None:
        change = Change(bench, web01, web02)
        change.ended(web01, ChangeState.SUCCEEDED, "web01 is back at first.", safety_id="cp-9")
        change.ended(web02, ChangeState.VOID, "web02 is not as it was when you asked.")

        assert buttons(change.to(ChangeState.FAILED).card()) == [("Undo", "undo"), ("Ask again", "again")]

    def test_of_a_group_that_was_cancelled_says_who_did_it(
        self, bench: Workbench, web01: Target, web02: Target
    ) -> None:
        change = Change(bench, web01, web02)
        for one in (web01, web02):
            change.ended(one, ChangeState.CANCELLED, "Cancelled before it began. Nothing was changed.")

        assert "By ada. Nothing was changed." in change.to(ChangeState.CANCELLED, why="by ada").card().text


def test_the_title_is_plain_where_the_state_is(bench: Workbench, web01: Target) -> None:
    row = bench.row(Change(bench, web01).to(ChangeState.SUCCEEDED).id)

    assert title(row) == "Apply first to web01"


def test_what_is_at_stake_comes_first_and_the_button_asks_again(bench: Workbench, web01: Target) -> None:
    asked = Change(bench, web01, stake="17 days and 140 GB").to(ChangeState.AWAITING).card()

    assert asked.text.splitlines()[1] == "🛑 17 days and 140 GB will be lost."
    for awaits in ("confirmation", "approval"):
        change = Change(bench, web01, stake="17 days and 140 GB").to(ChangeState.AWAITING, awaits=awaits)
        shown = render(change.card(), lambda: "id").blocks
        (yes,) = [b for block in shown for b in block.get("elements", ()) if isinstance(b, dict) and b.get("confirm")]
        assert yes["style"] == "danger"
        assert yes["confirm"]["text"]["text"] == "17 days and 140 GB will be lost. Is that meant?"


def test_where_much_is_at_stake_without_an_amount_the_first_caution_comes_first_and_is_asked_again(
    bench: Workbench, web01: Target
) -> None:
    card = Change(bench, web01, action=Delete(), grave=True).to(ChangeState.AWAITING).card()
    assert card.text.splitlines()[1] == "🛑 The settings ask for care with web01."
    assert card.text.count("ask for care") == 1
    assert (
        next(part for part in card.parts if isinstance(part, Actions)).buttons[0].confirm
        == "The settings ask for care with web01. Is that meant?"
    )


@pytest.fixture(scope="module")
def fleet() -> Iterator[World]:
    """Two VMs with an old checkpoint and a young one each."""
    world = World()
    for vm in (world.vm("web01"), world.vm("web02")):
        world.grown(vm, world.checkpoint(vm, "old", days=90), 90 * 1024**3)
        world.checkpoint(vm, "young")
    yield world
    world.inventory.close()


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("words", ["web01 young", "web01 old", "web01,web02 young", "web01,web02 old"])
@pytest.mark.parametrize("verb", [name for name, verb in verbs().items() if verb.destructive])
def test_every_question_about_a_destructive_change_begins_with_its_danger_in_red_and_has_a_red_button(
    bench: Workbench, fleet: World, verb: str, words: str, form: Form
) -> None:
    plan = fleet.run(verb, *words.split())
    assert isinstance(plan, Plan)
    for awaits in ("confirmation", "approval"):
        bench.ledger.changes.request(awaits, plan, ADA, ORIGIN, expires_at=datetime(2026, 11, 22, 14, 15, tzinfo=UTC))
        bench.ledger.changes.move(awaits, ChangeState.AWAITING, by="bot", detail={"awaits": awaits})

        asked = card(bench.row(awaits), bench.ledger.events.of(awaits), {})
        _, first, *rest = render(asked, lambda: "id", form).blocks

        assert [part["type"] for part in first["elements"]] == ["rich_text_section"]
        assert first["elements"][0]["elements"][0]["text"].startswith("🛑 ")
        assert not [block for block in rest if "🛑" in str(block)]
        assert asked.text.splitlines()[1].startswith("🛑 ")
        (buttons,) = (block["elements"] for block in rest if block["type"] == "actions")
        assert [one.get("style") for one in buttons] == ["danger", *[None] * (len(buttons) - 1)]


def test_whom_a_question_concerns_is_addressed_in_it(bench: Workbench, web01: Target) -> None:
    shown = render(Change(bench, web01, keepers=("U0BOB",)).to(ChangeState.AWAITING).card(), lambda: "id").blocks

    assert {"type": "user", "user_id": "U0BOB"} in [
        piece for block in shown if block["type"] == "rich_text" for piece in block["elements"][0]["elements"]
    ]


def test_of_a_checkpoint_that_was_taken_are_said_its_short_id_until_when_and_why(
    bench: Workbench, web01: Target
) -> None:
    change = Change(bench, web01, action=Create("x", keep=86400.0, note="kernel 6.12"))
    change.ended(web01, ChangeState.SUCCEEDED, "Took x of web01.", checkpoint_id="1a2b3c4d-0000")

    text = change.to(ChangeState.SUCCEEDED).card().text

    assert "1a2b3c4d · kept until " in text
    assert text.index("kept until") < text.index("kernel 6.12")


def test_what_was_done_otherwise_than_asked_is_no_plain_success(bench: Workbench, web01: Target) -> None:
    change = Change(bench, web01, action=Create("x"))
    change.ended(web01, ChangeState.SUCCEEDED, "Took x of web01 — as a standard checkpoint.", warning=True)  # type: ignore[arg-type]

    assert change.to(ChangeState.SUCCEEDED).card().text.startswith("⚠️")


def test_what_comes_by_itself_is_said_while_the_change_is_of_use(bench: Workbench, web01: Target) -> None:
    for state in WAYS:
        told = Change(bench, web01).to(state, result="result").card().text
        assert (FULL in told) == (state not in OF_NO_USE)


def test_what_keeps_a_vm_from_beginning_stands_on_the_card_until_it_is_done(
    bench: Workbench, web01: Target, web02: Target
) -> None:
    change = Change(bench, web01, web02).to(ChangeState.RUNNING)
    change.waits = {web01.vm_id: "web01 waits: hv01 is being drained.", "of another": "It waits too."}
    assert "⏸️ web01 waits: hv01 is being drained." in change.card().text
    assert "It waits too." not in change.card().text
    change.ended(web01, ChangeState.SUCCEEDED, "Applied.")
    assert "⏸️" not in change.card().text
    alone = Change(bench, web01).to(ChangeState.RUNNING)
    alone.waits = change.waits
    assert "Under way" not in alone.card().text
