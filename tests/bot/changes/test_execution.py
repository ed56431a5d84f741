"""The execution on one VM: what is written down, and how long a lost answer is looked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from backends.base import (
    AuthenticationFailed,
    CheckpointType,
    UnknownOutcome,
    VMInventory,
    VMState,
)
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.enums import ReplicationState
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import move
from bot.changes import attempt as attempts
from bot.changes.execution import Timeouts
from bot.changes.outcome import OUTCOME, Outcome, conclusion, outcomes
from bot.changes.verbs import apply, configure, create, export
from bot.ledger import ChangeState
from commands.base import Apply, Configure, Create, Export
from tests.support.steps import PlainSteps
from tests.support.workbench import Workbench

IN_USE = 0x80070020
"""ERROR_SHARING_VIOLATION: something else holds the VM's files for now."""


def test_what_is_about_to_be_sent_is_in_the_ledger_once(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    execution = bench.work(Create("x"), bench.target(seen))

    execution.sent.mark("create")
    execution.sent.mark("create")

    assert execution.sent.already("create")
    assert not execution.sent.already("configure")
    assert bench.events(execution.change.id).count("sent") == 1


def test_what_was_sent_to_one_vm_was_not_sent_to_another(bench: Workbench) -> None:
    first, second = bench.target(bench.add_vm("web01")), bench.target(bench.add_vm("web02"))
    execution = bench.work(Create("x"), first)
    execution.sent.mark("create")

    other = replace(execution, target=second)

    assert not other.sent.already("create")


def test_an_apply_whose_safety_checkpoint_took_its_time_does_not_go_on_once_everything_is_frozen(
    bench: Workbench,
) -> None:
    seen = bench.add_vm("web01", Past("old", DAY))
    bench.frozen = lambda: "All is frozen." if len(bench.vm("web01").checkpoints) > 1 else ""

    outcome = bench.perform(Apply(), bench.target(seen, "old"))

    assert outcome.state is ChangeState.FAILED
    assert "All is frozen. The safety checkpoint" in outcome.sentence
    assert bench.ran("Restore-VMSnapshot") == 0


class TestALostAnswer:
    def test_makes_the_change_unknown_until_the_host_shows_what_happened(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        steps = PlainSteps(on_sleep=lambda _: bench.host().faults.disarm())
        execution = bench.work(Create("x"), bench.target(seen), steps)
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")
        step = create.take(seen, "x", "create")

        after = execution.carry_out(bench.down_after(step), seen)

        assert [one.name for one in after.checkpoints] == ["x"]
        assert bench.row(execution.change.id).state is ChangeState.UNKNOWN
        assert bench.shown == [execution.change.id]
        assert steps.slept == [1.0]
        assert bench.ran("Checkpoint-VM") == 1

    def test_is_looked_for_as_long_as_the_timeouts_say_and_no_longer(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        steps = PlainSteps()
        execution = bench.work(Create("x"), bench.target(seen), steps)
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")
        step = create.take(seen, "x", "create")

        with pytest.raises(UnknownOutcome, match="Look at web01 by hand"):
            execution.carry_out(bench.down_after(step), seen)

        assert steps.slept == [1.0, 2.0]

    def test_is_not_looked_for_where_the_host_cannot_tell(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        steps = PlainSteps()
        execution = bench.work(Export("D:\\out"), bench.target(seen, "first"), steps)
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Export-VMSnapshot")

        with pytest.raises(attempts.Inconclusive):
            execution.carry_out(export.attempt(execution.checkpoint_id(), "D:\\out"), seen)

        assert steps.slept == []
        assert bench.row(execution.change.id).state is ChangeState.UNKNOWN

    def test_of_what_did_not_happen_fails_the_change(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        steps = PlainSteps(on_sleep=lambda _: bench.host().faults.disarm())
        execution = bench.work(Create("x"), bench.target(seen), steps)
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")
        bench.arm(FaultKind.CMDLET_ERROR, "Checkpoint-VM")
        step = create.take(seen, "x", "create")

        with pytest.raises(attempts.DidNotHappen, match="I looked again: it did not happen"):
            execution.carry_out(bench.down_after(step), seen)


class TestAVMThatIsMovedByHand:
    """To another host, while the answer of an action is lost."""

    def test_is_followed_for_what_became_of_it(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")

        def back_and_moved(_: float) -> None:
            bench.host().faults.disarm()
            if bench.host().vms:
                move(seen.vm.id, bench.hosts["hv01"], bench.hosts["hv02"])

        execution = bench.work(Create("x"), bench.target(seen), PlainSteps(on_sleep=back_and_moved))
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")

        after = execution.carry_out(bench.down_after(create.take(seen, "x", "create")), seen)

        assert (after.vm.host, [one.name for one in after.checkpoints]) == ("hv02", ["x"])
        assert bench.ran("Checkpoint-VM") == 1

    def test_is_not_taken_for_its_replica(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        execution = bench.work(Create("x"), bench.target(seen), PlainSteps(on_sleep=replica_alone(bench, seen)))
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")

        with pytest.raises(UnknownOutcome, match="Look at web01 by hand"):
            execution.carry_out(bench.down_after(create.take(seen, "x", "create")), seen)

    def test_is_set_right_where_it_is(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", state=VMState.OFF)
        move(seen.vm.id, bench.hosts["hv01"], bench.hosts["hv02"])
        execution = bench.work(Configure(), bench.target(seen), PlainSteps())

        after = execution.set_right(apply.start(seen.vm.id), seen)

        assert (after.vm.host, after.vm.state) == ("hv02", VMState.RUNNING)


def replica_alone(bench: Workbench, seen: VMInventory) -> Callable[[float], None]:
    """The host is back and does not show the VM, of which another one has a replica."""

    def act(_: float) -> None:
        bench.host().faults.disarm()
        if bench.host().vms:
            move(seen.vm.id, bench.hosts["hv01"], bench.hosts["hv02"])
            bench.hosts["hv02"].vms[seen.vm.id].replication = ReplicationState.REPLICATING  # as the replica's side

    return act


def test_a_host_is_looked_at_for_a_day() -> None:
    timeouts = Timeouts()

    assert timedelta(hours=23) < timedelta(seconds=sum(timeouts.retries)) < timedelta(hours=25)


class TestSettingAVMRight:
    """What must not be left undone: a type set back, a VM started again."""

    def test_is_tried_again_while_the_vm_is_busy(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", state=VMState.OFF)
        steps = PlainSteps()
        execution = bench.work(Configure(), bench.target(seen), steps)
        bench.host().faults.arm(Fault(FaultKind.CMDLET_ERROR, "Start-VM", code=IN_USE))

        assert execution.set_right(apply.start(seen.vm.id), seen).vm.state is VMState.RUNNING
        assert steps.slept == [1.0]

    def test_is_tried_again_when_it_was_lost_and_did_not_happen(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", state=VMState.OFF)
        steps = PlainSteps()
        execution = bench.work(Configure(), bench.target(seen), steps)
        bench.arm(FaultKind.CMDLET_ERROR, "Start-VM")
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Start-VM")

        assert execution.set_right(apply.start(seen.vm.id), seen).vm.state is VMState.RUNNING
        assert steps.slept == [1.0]

    def test_is_tried_once_more_after_the_last_pause(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", state=VMState.OFF)
        steps = PlainSteps()
        execution = bench.work(Configure(), bench.target(seen), steps)
        bench.host().faults.arm(Fault(FaultKind.CMDLET_ERROR, "Start-VM", times=2, code=IN_USE))

        assert execution.set_right(apply.start(seen.vm.id), seen).vm.state is VMState.RUNNING
        assert steps.slept == [1.0, 2.0]

    def test_is_not_tried_over_and_over_with_a_wrong_password(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", state=VMState.OFF)
        steps = PlainSteps()
        execution = bench.work(Configure(), bench.target(seen), steps)
        bench.host().faults.arm(Fault(FaultKind.HTTP_STATUS, "Start-VM", code=401))

        with pytest.raises(AuthenticationFailed):
            execution.set_right(apply.start(seen.vm.id), seen)

        assert steps.slept == []

    def test_is_tried_again_while_the_host_does_not_answer(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", state=VMState.OFF)
        steps = PlainSteps(on_sleep=lambda _: bench.host().faults.disarm())
        execution = bench.work(Configure(), bench.target(seen), steps)
        bench.arm(FaultKind.REFUSE_CONNECTION, times=None)

        after = execution.set_right(apply.start(seen.vm.id), seen)

        assert after.vm.state is VMState.RUNNING
        assert len(steps.slept) == 1

    def test_is_given_up_when_the_host_stays_away(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", checkpoint_type=CheckpointType.STANDARD)
        steps = PlainSteps()
        execution = bench.work(Configure(), bench.target(seen), steps)
        bench.arm(FaultKind.REFUSE_CONNECTION, times=None)

        with pytest.raises(UnknownOutcome, match="Look at web01 by hand"):
            execution.set_right(
                configure.attempt(seen.vm.id, "set back", checkpoint_type=CheckpointType.PRODUCTION), seen
            )

        assert bench.look_again(seen).vm.checkpoint_type is CheckpointType.STANDARD


def test_outcomes_are_read_back_as_they_were_written(bench: Workbench) -> None:
    change_id = bench.ask(Create("x"), bench.target(bench.add_vm("web01")))
    outcome = Outcome("id", "web01", ChangeState.SUCCEEDED, "Took x of web01.", checkpoint_id="cp", bytes_before=7)
    bench.ledger.changes.note(change_id, "sent", by="bot", detail={"step": "create"})
    bench.ledger.changes.note(change_id, OUTCOME, by="bot", detail=asdict(outcome))

    assert outcomes(bench.ledger.events.of(change_id)) == (outcome,)


def test_a_change_that_nobody_asked_for_is_a_defect(bench: Workbench) -> None:
    with pytest.raises(LookupError, match="no-such-change"):
        bench.ledger.changes.load("no-such-change")


def test_progress_is_passed_on_with_its_vm(bench: Workbench) -> None:
    seen = bench.add_vm("web01")

    bench.work(Create("x"), bench.target(seen)).on_progress(40)

    assert bench.progress == [(seen.vm.id, 40)]


def outcome(state: ChangeState) -> Outcome:
    return Outcome("id", "web01", state, f"It {state}.")


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (["succeeded"], "succeeded"),
        (["succeeded", "succeeded"], "succeeded"),
        (["succeeded", "failed"], "failed"),
        (["void", "void"], "void"),
        (["succeeded", "void"], "failed"),
        (["unknown", "failed"], "unknown"),
        (["cancelled"], "cancelled"),
    ],
)
def test_the_whole_succeeded_only_where_every_vm_did(states: list[str], whole: str) -> None:
    state, result = conclusion(tuple(outcome(ChangeState(one)) for one in states))

    assert state == whole
    assert result.splitlines() == [f"It {one}." for one in states]
