"""Before a change is carried out on a VM: is it still allowed, and is the VM still as it was shown."""

from __future__ import annotations

import pytest

from backends.base import CheckpointType
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.fleet import move
from bot.changes.execution import Timeouts
from bot.changes.perform import Performer
from bot.changes.permission import plan_of
from bot.ledger import ChangeRow, ChangeState
from bot.people.identity import Refusal
from commands.base import Action, Apply, Configure, Create, Delete, Export, Keep, Rename, unmarked
from tests.support.steps import PlainSteps
from tests.support.workbench import ADA, HASTY, ORIGIN, Workbench


def test_a_change_that_is_performed_is_running_from_its_first_step_on(bench: Workbench) -> None:
    target = bench.target(bench.add_vm("web01"))
    change_id = bench.ask(Create("x"), target)

    outcome = bench.performer.perform(PlainSteps(), bench.row(change_id), target)

    assert (outcome.state, outcome.vm_name) == (ChangeState.SUCCEEDED, "web01")
    assert bench.row(change_id).state is ChangeState.RUNNING


def test_permission_that_was_taken_away_meanwhile_denies_it(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    bench.denial = Refusal("No grant lets you any more. Nothing was changed.")

    outcome = bench.perform(Create("x"), bench.target(seen))

    assert outcome.state is ChangeState.DENIED
    assert unmarked(outcome.sentence) == "No grant lets you any more. Nothing was changed."
    assert bench.look(seen.vm.id).checkpoints == ()


def test_a_workspace_that_does_not_say_whether_it_may_be_done_is_asked_again_for_an_hour(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    bench.denial = Refusal("Slack did not tell me who you are.", passing=True)
    later = PlainSteps(on_sleep=lambda _: setattr(bench, "denial", None))

    assert bench.perform(Create("x"), bench.target(seen), later).state is ChangeState.SUCCEEDED
    assert len(later.slept) == 1
    bench.denial = Refusal("Slack did not tell me who you are.", passing=True)
    never = PlainSteps()
    outcome = bench.perform(Create("y"), bench.target(seen), never)

    assert (outcome.state, outcome.unchanged) == (ChangeState.DENIED, True)
    assert tuple(never.slept) == HASTY.untold
    assert sum(Timeouts().untold) == 3600


def test_what_is_cancelled_while_the_workspace_does_not_answer_is_not_done(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    bench.denial = Refusal("Slack did not tell me who you are.", passing=True)
    change_id = bench.ask(Create("x"), bench.target(seen))

    def cancel(_: float) -> None:
        bench.ledger.changes.move(change_id, ChangeState.CANCELLED, by=ADA.id)

    steps = PlainSteps(on_sleep=cancel)
    outcome = bench.performer.perform(steps, bench.row(change_id), bench.target(seen))

    assert outcome.state is ChangeState.CANCELLED
    assert len(steps.slept) == 1


def test_what_was_cancelled_before_its_turn_is_not_done(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    change_id = bench.ask(Create("x"), bench.target(seen))
    bench.ledger.changes.move(change_id, ChangeState.CANCELLED, by=ADA.id)

    outcome = bench.performer.perform(PlainSteps(), bench.row(change_id), bench.target(seen))

    assert outcome.state is ChangeState.CANCELLED
    assert bench.look(seen.vm.id).checkpoints == ()


def test_what_is_cancelled_while_its_turn_comes_is_not_done(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    change_id = bench.ask(Create("x"), bench.target(seen))

    def cancelled_meanwhile(row: ChangeRow) -> None:
        bench.ledger.changes.move(row.id, ChangeState.CANCELLED, by=ADA.id)

    outcome = Performer(bench.env, cancelled_meanwhile).perform(PlainSteps(), bench.row(change_id), bench.target(seen))

    assert outcome.state is ChangeState.CANCELLED
    assert bench.look(seen.vm.id).checkpoints == ()


def test_a_vm_of_a_group_begins_though_another_one_is_unknown_by_then(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    change_id = bench.ask(Create("x"), bench.target(seen))

    def unknown_meanwhile(row: ChangeRow) -> None:
        for state in (ChangeState.RUNNING, ChangeState.UNKNOWN):
            bench.ledger.changes.move(row.id, state, by="bot")

    outcome = Performer(bench.env, unknown_meanwhile).perform(PlainSteps(), bench.row(change_id), bench.target(seen))

    assert outcome.state is ChangeState.SUCCEEDED


def test_what_failed_before_its_turn_is_not_done(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    change_id = bench.ask(Create("x"), bench.target(seen))
    bench.ledger.changes.move(change_id, ChangeState.FAILED, by="bot")

    outcome = bench.performer.perform(PlainSteps(), bench.row(change_id), bench.target(seen))

    assert outcome.state is ChangeState.FAILED
    assert bench.look(seen.vm.id).checkpoints == ()


@pytest.mark.parametrize("action", [Apply(), Delete()])
def test_an_apply_or_a_delete_is_done_only_on_what_was_confirmed(bench: Workbench, action: Action) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))
    target = bench.target(seen, "first")
    bench.backends["hv01"].create(seen.vm.id, "by somebody else")
    before = bench.look(seen.vm.id)

    outcome = bench.perform(action, target)

    assert outcome.state is ChangeState.VOID
    assert "there is a new checkpoint by somebody else" in unmarked(outcome.sentence)
    assert bench.look(seen.vm.id).checkpoints == before.checkpoints


@pytest.mark.parametrize("action", [Create("x"), Configure(CheckpointType.STANDARD)])
def test_other_changes_do_not_mind_what_moved(bench: Workbench, action: Action) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))
    bench.backends["hv01"].create(seen.vm.id, "by somebody else")

    assert bench.perform(action, bench.target(seen)).state is ChangeState.SUCCEEDED


@pytest.mark.parametrize("action", [Rename("second"), Keep(None)])
def test_a_checkpoint_that_has_gone_is_not_looked_for_by_its_name(bench: Workbench, action: Action) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))
    bench.backends["hv01"].delete(seen.checkpoints[0].id)
    bench.backends["hv01"].create(seen.vm.id, "first")

    outcome = bench.perform(action, bench.target(seen, "first"))

    assert outcome.state is ChangeState.VOID
    assert "the checkpoint first has gone" in unmarked(outcome.sentence)


@pytest.mark.parametrize("action", [Create("x"), Configure(CheckpointType.STANDARD)])
def test_what_somebody_confirmed_is_done_only_on_what_their_card_showed(bench: Workbench, action: Action) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))
    change_id = bench.ask(action, bench.target(seen), decided_by=ADA.id)
    bench.backends["hv01"].create(seen.vm.id, "by somebody else")

    outcome = bench.performer.perform(PlainSteps(), bench.row(change_id), bench.target(seen))

    assert outcome.state is ChangeState.VOID
    assert outcome.cause == outcome.sentence
    assert "there is a new checkpoint by somebody else" in unmarked(outcome.sentence)


@pytest.mark.parametrize("action", [Create("x"), Apply(), Rename("second")])
def test_a_vm_that_got_another_name_is_not_touched_since_grants_go_by_names(bench: Workbench, action: Action) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))
    target = bench.target(seen, None if action.verb == "create" else "first")
    with bench.host().moment():
        bench.host().vms[seen.vm.id].name = "dc01"

    outcome = bench.perform(action, target)

    assert outcome.state is ChangeState.VOID
    assert "it is called dc01 now" in unmarked(outcome.sentence)
    assert [one.name for one in bench.look(seen.vm.id).checkpoints] == ["first"]


def test_a_vm_that_is_nowhere_any_more_makes_it_void(bench: Workbench) -> None:
    target = bench.target(bench.add_vm("web01"))
    with bench.host().moment():
        del bench.host().vms[target.vm_id]

    outcome = bench.perform(Create("x"), target)

    assert outcome.state is ChangeState.VOID
    assert "web01 is not on hv01 any more" in unmarked(outcome.sentence)


@pytest.mark.parametrize(("decided_by", "state"), [(ADA.id, ChangeState.DENIED), ("U0BOB", ChangeState.SUCCEEDED)])
def test_what_needs_an_approval_by_now_is_not_done_on_the_word_of_who_asked(
    bench: Workbench, decided_by: str, state: ChangeState
) -> None:
    target = bench.target(bench.add_vm("web01", Past("first", DAY)), "first")
    bench.awaits = "approval"
    change_id = bench.ask(Apply(), target, decided_by=decided_by)

    assert bench.performer.perform(PlainSteps(), bench.row(change_id), target).state is state


def test_a_vm_that_moved_to_another_host_is_found_there(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    bench.inventory.refresh()
    move(seen.vm.id, bench.host("hv01"), bench.host("hv02"))

    outcome = bench.perform(Create("x"), bench.target(seen))

    assert outcome.state is ChangeState.SUCCEEDED
    assert [one.name for one in bench.look(seen.vm.id, "hv02").checkpoints] == ["x"]


def test_what_a_host_refuses_is_an_outcome_and_no_error(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    bench.arm(FaultKind.CMDLET_ERROR, "Checkpoint-VM")

    outcome = bench.perform(Create("x"), bench.target(seen))

    assert outcome.state is ChangeState.FAILED
    assert outcome.sentence
    assert outcome.cause


def test_a_host_that_is_down_fails_the_change_before_it_began(bench: Workbench) -> None:
    target = bench.target(bench.add_vm("web01"))
    change_id = bench.ask(Create("x"), target)
    bench.arm(FaultKind.REFUSE_CONNECTION, times=None)

    outcome = bench.performer.perform(PlainSteps(), bench.row(change_id), target)

    assert outcome.state is ChangeState.FAILED
    assert bench.row(change_id).state is ChangeState.QUEUED


def test_what_nobody_can_tell_is_an_unknown_outcome(bench: Workbench) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))
    bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Export-VMSnapshot")

    outcome = bench.perform(Export("D:\\out"), bench.target(seen, "first"))

    assert outcome.state is ChangeState.UNKNOWN
    assert "Nothing was changed" not in unmarked(outcome.sentence)


def test_a_refusal_has_no_plan_to_perform(bench: Workbench) -> None:
    bench.ledger.changes.deny(
        "id", person_id=ADA.id, person_name=ADA.name, origin=ORIGIN, summary="web01 x", why="guest"
    )

    with pytest.raises(LookupError, match="has no plan"):
        plan_of(bench.row("id"))
