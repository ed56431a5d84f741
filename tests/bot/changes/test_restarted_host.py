"""A host that restarts in mid-change: WinRM answers again before Hyper-V's service does, and finds no object at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backends.base import CheckpointType, VMState
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.ledger import ChangeState
from commands.base import Action, Apply, Create, Delete
from tests.support.steps import PlainSteps
from tests.support.workbench import Workbench


def _restart_at(bench: Workbench, cmdlet: str) -> PlainSteps:
    """The cmdlet has run and its answer is lost; from then on nothing is found, until the first pause is over."""
    bench.arm(FaultKind.RESET_BEFORE_ANSWER, cmdlet)
    host = bench.host()
    begin = host.begin

    def restart(*arguments: object) -> object:
        bench.arm(FaultKind.SERVICE_DOWN, times=None)
        return begin(*arguments)  # type: ignore[arg-type]

    host.begin = restart  # type: ignore[method-assign, assignment]

    def up(_: float) -> None:
        host.begin = begin  # type: ignore[method-assign]
        host.faults.disarm()

    return PlainSteps(on_sleep=up)


@pytest.mark.parametrize(
    ("cmdlet", "action", "done"),
    [
        ("Checkpoint-VM", Create("x"), lambda vm: [c.name for c in vm.checkpoints.values()] == ["old", "x"]),
        ("Remove-VMSnapshot", Delete(), lambda vm: not vm.checkpoints),
        ("Restore-VMSnapshot", Apply(safety=False), lambda vm: vm.state is VMState.RUNNING),
    ],
)
def test_a_change_whose_answer_is_lost_then_is_looked_at_again_and_done_once(
    bench: Workbench, cmdlet: str, action: Action, done: Callable[[object], bool]
) -> None:
    seen = bench.add_vm("web01", Past("old", DAY), checkpoint_type=CheckpointType.PRODUCTION)
    steps = _restart_at(bench, cmdlet)

    outcome = bench.perform(action, bench.target(seen, "old"), steps)

    assert outcome.state is ChangeState.SUCCEEDED, outcome
    assert done(bench.host().vms[seen.vm.id])
    assert bench.ran(cmdlet) == 1
    assert steps.slept
