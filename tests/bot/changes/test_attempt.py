"""One change on a host, at most once: what is sent, what is not sent again, and what nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from backends.base import (
    Backend,
    CheckpointType,
    OperationalStatus,
    UnknownOutcome,
    VMInventory,
    VMState,
)
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.changes import attempt as attempts
from bot.changes.attempt import Attempt
from bot.changes.verbs import apply, configure, create, delete, export, rename
from tests.support.workbench import Workbench

QUICK = 0.3
"""Seconds of patience."""


class Remembered:
    """What was sent, in memory."""

    def __init__(self, *before: str) -> None:
        self.sent = list(before)

    def already(self, step: str) -> bool:
        return step in self.sent

    def mark(self, step: str) -> None:
        self.sent.append(step)


class Hesitant:
    """A host that was sent a call by a program that is gone, and begins it right after the next look at the VM."""

    def __init__(self, host: Backend, call: Callable[[Backend], object]) -> None:
        self._host = host
        self._calls = [call]

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        seen = self._host.vm(vm_id, disks=disks)
        while self._calls:
            self._calls.pop()(self._host)
        return seen

    def end_lost_calls(self) -> None:
        self._calls.clear()

    def __getattr__(self, name: str) -> object:
        return getattr(self._host, name)


CHANGES: dict[str, tuple[str, Callable[[VMInventory], Attempt]]] = {
    "take": ("Checkpoint-VM", lambda seen: create.take(seen, "x", "create")),
    "apply": ("Restore-VMSnapshot", lambda seen: apply.attempt(seen, seen.checkpoints[0].id)),
    "apply where it is already": ("Restore-VMSnapshot", lambda seen: apply.attempt(seen, seen.checkpoints[1].id)),
    "delete": ("Remove-VMSnapshot", lambda seen: delete.attempt(seen.checkpoints[0].id, subtree=False)),
    "rename": ("Rename-VMSnapshot", lambda seen: rename.attempt(seen.checkpoints[0].id, "second")),
    "set the type": (
        "Set-VM",
        lambda seen: configure.attempt(seen.vm.id, "configure", checkpoint_type=CheckpointType.STANDARD),
    ),
    "set automatic": ("Set-VM", lambda seen: configure.attempt(seen.vm.id, "configure", automatic=True)),
    "start": ("Start-VM", lambda seen: apply.start(seen.vm.id)),
}
"""Every step that leaves a trace on its VM, and its cmdlet. The VM is off and has the checkpoints `first`, `second`."""


def carry_out(bench: Workbench, step: Attempt, seen: VMInventory, sent: Remembered | None = None) -> VMInventory:
    return attempts.run(step, bench.backends["hv01"], seen, sent or Remembered(), unknown_after=QUICK)


def test_a_step_gives_the_vm_as_it_is_afterwards(bench: Workbench) -> None:
    seen = bench.add_vm("web01")

    after = carry_out(bench, create.take(seen, "before-upgrade", "create"), seen)

    assert [one.name for one in after.checkpoints] == ["before-upgrade"]


def test_what_is_so_already_is_not_sent(bench: Workbench) -> None:
    seen = bench.add_vm("web01", checkpoint_type=CheckpointType.STANDARD)

    carry_out(bench, configure.attempt(seen.vm.id, "configure", checkpoint_type=CheckpointType.STANDARD), seen)

    assert bench.ran("Set-VM") == 0


def test_a_step_is_marked_as_sent_before_it_is_sent(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    ran_when_marked: list[int] = []

    class Noting(Remembered):
        def mark(self, step: str) -> None:
            ran_when_marked.append(bench.ran("Checkpoint-VM"))

    carry_out(bench, create.take(seen, "x", "create"), seen, Noting())

    assert ran_when_marked == [0]
    assert bench.ran("Checkpoint-VM") == 1


@pytest.mark.parametrize(("cmdlet", "make"), CHANGES.values(), ids=CHANGES)
class TestEveryStep:
    @pytest.fixture
    def seen(self, bench: Workbench) -> VMInventory:
        return bench.add_vm("web01", Past("first", 2 * DAY), Past("second", DAY), state=VMState.OFF)

    def test_is_sent_once(
        self, bench: Workbench, seen: VMInventory, cmdlet: str, make: Callable[[VMInventory], Attempt]
    ) -> None:
        step = make(seen)

        assert step.happened(carry_out(bench, step, seen))
        assert bench.ran(cmdlet) == 1

    def test_counts_as_done_when_it_has_happened_and_its_answer_is_lost(
        self, bench: Workbench, seen: VMInventory, cmdlet: str, make: Callable[[VMInventory], Attempt]
    ) -> None:
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, cmdlet)

        carry_out(bench, make(seen), seen)

        assert bench.ran(cmdlet) == 1

    def test_did_not_happen_when_it_failed_and_its_answer_is_lost(
        self, bench: Workbench, seen: VMInventory, cmdlet: str, make: Callable[[VMInventory], Attempt]
    ) -> None:
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, cmdlet)
        bench.arm(FaultKind.CMDLET_ERROR, cmdlet)

        with pytest.raises(attempts.DidNotHappen):
            carry_out(bench, make(seen), seen)

        assert bench.ran(cmdlet) == 1

    def test_is_not_sent_again_after_a_crash_when_it_has_happened(
        self, bench: Workbench, seen: VMInventory, cmdlet: str, make: Callable[[VMInventory], Attempt]
    ) -> None:
        step = make(seen)
        step.act(bench.backends["hv01"])

        carry_out(bench, step, seen, Remembered(step.name))

        assert bench.ran(cmdlet) == 1


class TestWhenTheAnswerIsLost:
    def test_what_has_happened_counts_as_done(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")

        after = carry_out(bench, create.take(seen, "x", "create"), seen)

        assert [one.name for one in after.checkpoints] == ["x"]
        assert bench.ran("Checkpoint-VM") == 1

    def test_what_has_not_happened_fails_and_is_not_sent_again(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")
        bench.arm(FaultKind.CMDLET_ERROR, "Checkpoint-VM")

        with pytest.raises(attempts.DidNotHappen, match="I looked: it did not happen"):
            carry_out(bench, create.take(seen, "x", "create"), seen)

        assert bench.ran("Checkpoint-VM") == 1

    def test_a_host_that_is_down_by_then_leaves_it_unknown(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM")
        step = create.take(seen, "x", "create")

        with pytest.raises(UnknownOutcome, match="hv01 has not shown yet whether the action took hold"):
            carry_out(bench, bench.down_after(step), seen)

    def test_so_does_one_that_goes_down_right_after_its_answer(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        step = create.take(seen, "x", "create")

        with pytest.raises(UnknownOutcome, match="took the action and then stopped answering"):
            carry_out(bench, bench.down_after(step), seen)

    def test_an_export_leaves_no_trace_to_tell_it_by(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Export-VMSnapshot")

        with pytest.raises(attempts.Inconclusive, match="does not show whether the action took hold"):
            carry_out(bench, export.attempt(seen.checkpoints[0].id, "D:\\out"), seen)


class TestAfterACrash:
    """The step is marked as sent, and nobody knows what became of it."""

    def test_what_has_happened_is_not_done_twice(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.backends["hv01"].create(seen.vm.id, "x")

        after = carry_out(bench, create.take(seen, "x", "create"), seen, Remembered("create"))

        assert len(after.checkpoints) == 1
        assert bench.ran("Checkpoint-VM") == 1

    def test_what_never_reached_the_host_is_sent_now(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")

        after = carry_out(bench, create.take(seen, "x", "create"), seen, Remembered("create"))

        assert [one.name for one in after.checkpoints] == ["x"]

    def test_what_a_dead_program_had_sent_does_not_begin_behind_the_look(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        step = create.take(seen, "x", "create")
        host = Hesitant(bench.backends["hv01"], step.act)

        after = attempts.run(step, host, seen, Remembered("create"), unknown_after=QUICK)  # type: ignore[arg-type]

        assert [one.name for one in after.checkpoints] == ["x"]
        assert bench.ran("Checkpoint-VM") == 1

    def test_an_export_is_not_sent_a_second_time(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))

        with pytest.raises(attempts.Inconclusive):
            carry_out(bench, export.attempt(seen.checkpoints[0].id, "D:\\out"), seen, Remembered("export"))

        assert bench.ran("Export-VMSnapshot") == 0

    def test_a_vm_that_is_still_busy_is_waited_for(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        vm = bench.host().vm(seen.vm.id)
        vm.busy_with = OperationalStatus.CREATING_SNAPSHOT

        with pytest.raises(UnknownOutcome, match="has not shown yet"):
            carry_out(bench, create.take(seen, "x", "create"), seen, Remembered("create"))

        assert bench.ran("Checkpoint-VM") == 0

    def test_a_vm_that_the_host_does_not_show_may_be_there_again(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        del bench.host().vms[seen.vm.id]

        with pytest.raises(UnknownOutcome, match="has not shown yet"):
            carry_out(bench, create.take(seen, "x", "create"), seen, Remembered("create"))


class TestHowAnApplyIsRecognised:
    def test_by_the_place_that_the_vm_goes_on_from(self, bench: Workbench) -> None:
        before = bench.add_vm("web01", Past("first", 2 * DAY), Past("second", DAY))
        first, second = before.checkpoints
        step = apply.attempt(before, first.id)

        assert before.vm.current_id == second.id
        assert step.happened(before) is False
        bench.backends["hv01"].apply(first.id)
        assert step.happened(bench.look(before.vm.id)) is True

    def test_by_a_new_file_where_the_vm_was_at_that_checkpoint_before(self, bench: Workbench) -> None:
        before = bench.add_vm("web01", Past("first", DAY))
        step = apply.attempt(before, before.checkpoints[0].id)

        assert step.happened(before) is False
        bench.backends["hv01"].apply(before.checkpoints[0].id)
        assert step.happened(bench.look(before.vm.id)) is True

    def test_not_at_all_where_the_disks_cannot_be_seen(self, bench: Workbench) -> None:
        before = replace(bench.add_vm("web01", Past("first", DAY)), disks=None)

        assert apply.attempt(before, before.checkpoints[0].id).happened(before) is None

    def test_not_at_all_where_somebody_has_deleted_the_checkpoint_since(self, bench: Workbench) -> None:
        before = bench.add_vm("web01", Past("first", 2 * DAY), Past("second", DAY))
        step = apply.attempt(before, before.checkpoints[0].id)
        bench.backends["hv01"].apply(before.checkpoints[0].id)
        bench.backends["hv01"].delete(before.checkpoints[0].id)

        assert step.happened(bench.look(before.vm.id)) is None


class TestWhichCheckpointIsTheNewOne:
    def test_the_one_of_that_name(self, bench: Workbench) -> None:
        before = bench.add_vm("web01", Past("old", DAY))
        bench.backends["hv01"].create(before.vm.id, "by somebody else")
        bench.backends["hv01"].create(before.vm.id, "mine")
        bench.backends["hv01"].create(before.vm.id, "by somebody else again")

        found = create.new_checkpoint(before, bench.look(before.vm.id), "mine")

        assert found is not None
        assert found.name == "mine"

    def test_one_that_kept_its_default_name_because_naming_failed(self, bench: Workbench) -> None:
        before = bench.add_vm("web01")
        bench.arm(FaultKind.NAMING, "Checkpoint-VM")
        with pytest.raises(Exception, match="hv01"):
            bench.backends["hv01"].create(before.vm.id, "mine")

        found = create.new_checkpoint(before, bench.look(before.vm.id), "mine")

        assert found is not None
        assert found.name != "mine"

    def test_none_that_was_there_before(self, bench: Workbench) -> None:
        before = bench.add_vm("web01", Past("mine", DAY))

        assert create.new_checkpoint(before, before, "mine") is None

    def test_none_that_hyper_v_takes_by_itself(self, bench: Workbench) -> None:
        before = bench.add_vm("web01")
        after = bench.add_vm("web02", Past("Automatic Checkpoint", DAY, automatic=True))

        assert create.new_checkpoint(before, after, "mine") is None


@pytest.mark.parametrize(
    "state", [VMState.STARTING, VMState.SAVING, VMState.STOPPING, VMState.PAUSING, VMState.RESUMING]
)
def test_a_vm_on_its_way_to_another_state_is_busy(bench: Workbench, state: VMState) -> None:
    seen = bench.add_vm("web01")

    assert attempts.is_busy(replace(seen.vm, state=state))
    assert not attempts.is_busy(seen.vm)


@pytest.mark.parametrize(
    "status",
    [
        OperationalStatus.CREATING_SNAPSHOT,
        OperationalStatus.APPLYING_SNAPSHOT,
        OperationalStatus.APPLYING,
        OperationalStatus.DELETING_SNAPSHOT,
        OperationalStatus.EXPORTING,
    ],
)
def test_a_vm_that_an_action_is_under_way_on_is_busy(bench: Workbench, status: OperationalStatus) -> None:
    seen = bench.add_vm("web01")

    assert attempts.is_busy(replace(seen.vm, operational_status=(OperationalStatus.OK, status)))


def test_a_vm_whose_disks_are_being_merged_is_not_busy(bench: Workbench) -> None:
    seen = bench.add_vm("web01")

    assert not attempts.is_busy(replace(seen.vm, operational_status=(OperationalStatus.MERGING_DISKS,)))
