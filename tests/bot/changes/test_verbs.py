"""What each verb does on a VM, what it says afterwards, and that a crash at any step does nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from backends.base import Checkpoint, CheckpointType, VMState
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model import power
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.machines import Vss
from bot.changes.verbs.create import kind_of
from bot.ledger import ChangeState
from commands.base import Action, Apply, Configure, Create, Delete, Export, Keep, Rename, unmarked
from commands.kit.words import safety_name
from tests.support.steps import PlainSteps
from tests.support.workbench import ADA, Workbench

T = TypeVar("T")

ASKED_AT = datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)


@dataclass
class Meddling(PlainSteps):
    """Something happens to the host between two steps."""

    after: str = ""
    meddle: Callable[[], object] = lambda: None

    def step(self, name: str, act: Callable[[], T]) -> T:
        try:
            return super().step(name, act)
        finally:
            if name == self.after:
                self.after = ""
                self.meddle()


def away_after(bench: Workbench, step: str) -> Meddling:
    """From that step on the host takes no connection for two tries."""
    return Meddling(after=step, meddle=lambda: bench.arm(FaultKind.REFUSE_CONNECTION, times=2))


def names(bench: Workbench, vm_id: str) -> list[str]:
    return [one.name for one in bench.look(vm_id).checkpoints]


class TestCreate:
    def test_takes_a_checkpoint_and_remembers_why(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")

        outcome = bench.perform(Create("x", keep=3600.0, note="kernel 6.12"), bench.target(seen))

        assert unmarked(outcome.sentence) == "Took x of web01 (production)."
        assert names(bench, seen.vm.id) == ["x"]
        assert outcome.checkpoint_id is not None
        note = bench.ledger.checkpoints.notes([outcome.checkpoint_id])[outcome.checkpoint_id]
        assert (note.owner, note.reason, note.kind) == (ADA.id, "kernel 6.12", "production")
        assert note.keep_until is not None
        assert timedelta(minutes=59) < note.keep_until - bench.clock() <= timedelta(hours=1)

    def test_that_was_taken_but_not_named_tells_what_is_there(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.arm(FaultKind.NAMING, "Checkpoint-VM")

        outcome = bench.perform(Create("x"), bench.target(seen))

        (left,) = names(bench, seen.vm.id)
        assert outcome.state is ChangeState.FAILED
        assert f"There is a new checkpoint {left}" in unmarked(outcome.sentence)

    def test_that_failed_is_looked_after_until_the_host_answers(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.arm(FaultKind.NAMING, "Checkpoint-VM")

        outcome = bench.perform(Create("x"), bench.target(seen), away_after(bench, "create"))

        (left,) = names(bench, seen.vm.id)
        assert f"There is a new checkpoint {left}" in unmarked(outcome.sentence)

    def test_of_a_vm_that_is_off_claims_no_kind(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", state=VMState.OFF)

        assert unmarked(bench.perform(Create("x"), bench.target(seen)).sentence) == "Took x of web01 (the VM was off)."

    def test_of_another_type_sets_the_policy_for_the_time_and_back(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", checkpoint_type=CheckpointType.PRODUCTION)

        outcome = bench.perform(Create("x", CheckpointType.STANDARD), bench.target(seen))

        after = bench.look(seen.vm.id)
        assert unmarked(outcome.sentence) == "Took x of web01 (standard)."
        assert after.checkpoints[0].has_memory
        assert after.vm.checkpoint_type is CheckpointType.PRODUCTION

    def test_that_fails_sets_the_policy_back_all_the_same(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", checkpoint_type=CheckpointType.PRODUCTION)
        bench.arm(FaultKind.CMDLET_ERROR, "Checkpoint-VM")

        outcome = bench.perform(Create("x", CheckpointType.STANDARD), bench.target(seen))

        assert outcome.state is ChangeState.FAILED
        assert bench.look(seen.vm.id).vm.checkpoint_type is CheckpointType.PRODUCTION

    def test_whose_host_goes_away_in_between_sets_the_policy_back_when_it_answers(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", checkpoint_type=CheckpointType.PRODUCTION)

        outcome = bench.perform(Create("x", CheckpointType.STANDARD), bench.target(seen), away_after(bench, "create"))

        assert outcome.state is ChangeState.SUCCEEDED
        assert bench.look(seen.vm.id).vm.checkpoint_type is CheckpointType.PRODUCTION

    def test_whose_policy_cannot_be_set_back_says_so(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", checkpoint_type=CheckpointType.PRODUCTION)
        steps = Meddling(after="create", meddle=lambda: bench.arm(FaultKind.CMDLET_ERROR, "Set-VM", times=None))

        outcome = bench.perform(Create("x", CheckpointType.STANDARD), bench.target(seen), steps)

        assert outcome.state is ChangeState.FAILED
        assert "is standard now and could not be set back to production" in unmarked(outcome.sentence)
        assert "Nothing was changed" not in unmarked(outcome.sentence)

    def test_that_fell_back_to_standard_says_so(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.host().vm(seen.vm.id).vss = Vss.FAILING

        outcome = bench.perform(Create("x"), bench.target(seen))

        assert "as a standard checkpoint" in unmarked(outcome.sentence)
        assert "fell back without an error" in unmarked(outcome.sentence)

    def test_where_there_is_no_room_is_not_tried(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        volume = bench.host().storage.volume(bench.host().vm(seen.vm.id).folder)
        volume.other += volume.free - 1024**2

        outcome = bench.perform(Create("x"), bench.target(seen))

        assert outcome.state is ChangeState.FAILED
        assert "too little room" in unmarked(outcome.sentence)
        assert bench.ran("Checkpoint-VM") == 0


class TestApply:
    def test_keeps_the_present_state_and_starts_the_vm_again(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))

        outcome = bench.perform(Apply(keep_safety=86400.0), bench.target(seen, "first"))

        after = bench.look(seen.vm.id)
        _, safety = after.checkpoints
        assert unmarked(outcome.sentence) == (
            f"web01 is back at first, and is running. What it was before is kept as {safety.name}."
        )
        assert (after.vm.state, after.vm.current_id) == (VMState.RUNNING, seen.checkpoints[0].id)
        assert outcome.safety_id == safety.id
        note = bench.ledger.checkpoints.notes([safety.id])[safety.id]
        assert (note.safety, note.reason) == (True, "before applying first")
        assert note.keep_until is not None
        assert timedelta(hours=23) < note.keep_until - bench.clock() <= timedelta(hours=24)

    @pytest.mark.parametrize("state", [VMState.OFF, VMState.SAVED, VMState.PAUSED])
    def test_leaves_a_vm_off_that_did_not_run(self, bench: Workbench, state: VMState) -> None:
        seen = bench.add_vm("web01", Past("first", DAY), state=state)

        outcome = bench.perform(Apply(safety=False), bench.target(seen, "first"))

        assert unmarked(outcome.sentence) == "web01 is back at first, and is off."

    def test_starts_a_vm_that_ran_and_was_left_saved(self, bench: Workbench) -> None:
        """Somebody turned it off in the middle, and the checkpoint has memory."""
        seen = bench.add_vm("web01", Past("first", DAY, has_memory=True))
        steps = Meddling(after="check", meddle=lambda: power.stop(bench.host(), seen.vm.id))

        outcome = bench.perform(Apply(safety=False), bench.target(seen, "first"), steps)

        assert unmarked(outcome.sentence) == "web01 is back at first, and is running."
        assert bench.ran("Start-VM") == 1

    def test_whose_host_goes_away_in_between_starts_the_vm_when_it_answers(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))

        outcome = bench.perform(Apply(safety=False), bench.target(seen, "first"), away_after(bench, "apply"))

        assert outcome.state is ChangeState.SUCCEEDED
        assert bench.look(seen.vm.id).vm.state is VMState.RUNNING

    def test_of_where_the_vm_is_already_is_recognised_by_its_files(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Restore-VMSnapshot")

        outcome = bench.perform(Apply(safety=False), bench.target(seen, "first"))

        assert outcome.state is ChangeState.SUCCEEDED
        assert bench.ran("Restore-VMSnapshot") == 1

    def test_leaves_it_off_where_that_was_asked_for(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))

        outcome = bench.perform(Apply(safety=False, start=False), bench.target(seen, "first"))

        assert unmarked(outcome.sentence) == "web01 is back at first, and is off."
        assert bench.ran("Start-VM") == 0

    def test_without_its_safety_checkpoint_is_not_done(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.CMDLET_ERROR, "Checkpoint-VM")

        outcome = bench.perform(Apply(), bench.target(seen, "first"))

        assert outcome.state is ChangeState.FAILED
        assert "so nothing was applied" in unmarked(outcome.sentence)
        assert bench.ran("Restore-VMSnapshot") == 0

    def test_that_fails_tells_of_the_safety_checkpoint_that_stays(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.CMDLET_ERROR, "Restore-VMSnapshot")

        outcome = bench.perform(Apply(), bench.target(seen, "first"))

        assert unmarked(outcome.sentence).startswith("web01 was not put back to first:")
        assert unmarked(outcome.sentence).endswith("had been taken, and stays.")
        assert "Nothing was changed" not in unmarked(outcome.sentence)

    def test_whose_start_fails_says_that_the_vm_is_off(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.CMDLET_ERROR, "Start-VM", times=None)

        outcome = bench.perform(Apply(safety=False), bench.target(seen, "first"))

        assert outcome.state is ChangeState.FAILED
        assert "could not be started again and is off" in unmarked(outcome.sentence)
        assert "Nothing was changed" not in unmarked(outcome.sentence)

    def test_whose_start_fails_can_be_undone(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.CMDLET_ERROR, "Start-VM", times=None)

        outcome = bench.perform(Apply(), bench.target(seen, "first"))

        safety = bench.look(seen.vm.id).checkpoints[-1]
        assert outcome.state is ChangeState.FAILED
        assert outcome.safety_id == safety.id
        assert unmarked(outcome.sentence).endswith(f"What it was before is kept as {safety.name}.")

    def test_whose_host_stays_away_tells_of_the_safety_checkpoint(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.RESET_BEFORE_ANSWER, "Restore-VMSnapshot")
        blind = Meddling(after="look before", meddle=lambda: bench.arm(FaultKind.CMDLET_ERROR, "Get-VM", times=None))

        outcome = bench.perform(Apply(), bench.target(seen, "first"), blind)

        assert outcome.state is ChangeState.UNKNOWN
        assert "The safety checkpoint safety" in unmarked(outcome.sentence)


class TestTheRest:
    def test_delete_counts_what_goes_with_it(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", 3 * DAY), Past("second", 2 * DAY), Past("third", DAY))

        outcome = bench.perform(Delete(subtree=True), bench.target(seen, "second"))

        assert unmarked(outcome.sentence).startswith("Deleted second and 1 under it of web01.")
        assert names(bench, seen.vm.id) == ["first"]
        assert outcome.bytes_before

    def test_rename(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))

        outcome = bench.perform(Rename("better"), bench.target(seen, "first"))

        assert unmarked(outcome.sentence) == "first of web01 is called better now."
        assert names(bench, seen.vm.id) == ["better"]

    def test_configure(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")

        outcome = bench.perform(Configure(CheckpointType.STANDARD, automatic=True), bench.target(seen))

        assert unmarked(outcome.sentence) == "web01 takes standard checkpoints; automatic ones are on."

    def test_keep_asks_nothing_of_the_host(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        ran = len(bench.shells["hv01"].log.seen())

        outcome = bench.perform(Keep(datetime(2027, 1, 1, tzinfo=UTC)), bench.target(seen, "first"))

        assert unmarked(outcome.sentence) == "first of web01 is kept until 2027-01-01 00:00 UTC."
        note = bench.ledger.checkpoints.notes([seen.checkpoints[0].id])[seen.checkpoints[0].id]
        assert (note.keep_until, note.pinned) == (datetime(2027, 1, 1, tzinfo=UTC), False)
        looks = {one.command for one in bench.shells["hv01"].log.seen()[ran:]}
        assert looks <= {"Get-VM", "Get-VMSnapshot", "Select-Object", "ConvertTo-Json"}

    def test_export_goes_to_a_folder_on_the_host(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))

        outcome = bench.perform(Export("D:\\out"), bench.target(seen, "first"))

        assert unmarked(outcome.sentence) == "Exported first of web01 to D:\\out on hv01."


@pytest.mark.parametrize(
    "action",
    [
        Create("x"),
        Create("x", CheckpointType.STANDARD, keep=60.0),
        Apply(),
        Delete(),
        Rename("y"),
        Configure(CheckpointType.STANDARD),
        Keep(None),
    ],
    ids=["create", "create of another type", "apply", "delete", "rename", "configure", "keep"],
)
def test_a_crash_at_any_step_leaves_the_same_behind_as_none(bench: Workbench, action: Action) -> None:
    counter = iter(range(1000))

    def run(steps: PlainSteps) -> tuple[object, ...]:
        seen = bench.add_vm(f"web{next(counter)}", Past("first", 2 * DAY), Past("second", DAY))
        checkpoint = None if isinstance(action, Create | Configure) else "first"
        outcome = bench.perform(action, bench.target(seen, checkpoint), steps)
        after = bench.look(seen.vm.id)
        kinds = [one.name.partition(" ")[0] for one in after.checkpoints]
        return outcome.state, kinds, after.vm.state, after.vm.checkpoint_type

    quiet = PlainSteps()
    expected = run(quiet)
    assert expected[0] is ChangeState.SUCCEEDED
    for step in quiet.names:
        assert run(PlainSteps(crash_before=step)) == expected, f"crash before {step}"
        assert run(PlainSteps(crash_after=step)) == expected, f"crash after {step}"


@pytest.mark.parametrize(
    ("state", "has_memory", "kind"),
    [
        (VMState.RUNNING, True, "standard"),
        (VMState.RUNNING, False, "production"),
        (VMState.OFF, False, "unknown"),
        (VMState.SAVED, True, "standard"),
        (VMState.PAUSED, False, "unknown"),
    ],
)
def test_the_kind_is_told_by_the_state_before(state: VMState, has_memory: bool, kind: str) -> None:
    assert kind_of(state, Checkpoint("id", "x", "vm", ASKED_AT, has_memory=has_memory)) == kind


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("first", "safety 2026-11-22 14:05:09 before first"),
        ("x" * 100, "safety 2026-11-22 14:05:09"),
        ("😀" * 60, "safety 2026-11-22 14:05:09"),
        ("safety 2026-11-21 09:00:00 before first", "safety 2026-11-22 14:05:09"),
    ],
)
def test_the_name_of_a_safety_checkpoint_is_short_and_whole_and_names_no_other_one(name: str, made: str) -> None:
    assert safety_name(ASKED_AT, name) == made
