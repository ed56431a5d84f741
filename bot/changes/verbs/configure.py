"""Sets how a VM takes checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from backends.base import CheckpointType, VMInventory
from bot.changes.attempt import Attempt
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words, vms_of
from commands.base import Configure, Target
from commands.base.names import name as called


def perform(execution: Execution, seen: VMInventory, action: Configure) -> Outcome:
    wanted = attempt(seen.vm.id, "configure", checkpoint_type=action.checkpoint_type, automatic=action.automatic)
    vm = execution.carry_out(wanted, seen).vm
    automatic = "on" if vm.automatic_checkpoints else "off"
    return execution.done(
        "configured",
        f"{called(vm.name)} takes {vm.checkpoint_type.label} checkpoints; automatic ones are {automatic}.",
        {"type": vm.checkpoint_type.label, "automatic": automatic},
    )


def again(action: Configure, targets: Sequence[Target]) -> Words:
    kind, automatic = action.checkpoint_type, action.automatic
    switch = () if automatic is None else (f"--automatic={'on' if automatic else 'off'}",)
    return ("settings", *([f"--type={kind.label.replace(' ', '-')}"] if kind else []), *switch, vms_of(targets))


def attempt(
    vm_id: str, key: str, *, checkpoint_type: CheckpointType | None = None, automatic: bool | None = None
) -> Attempt:
    def happened(now: VMInventory) -> bool:
        vm = now.vm
        return (checkpoint_type is None or vm.checkpoint_type == checkpoint_type) and (
            automatic is None or vm.automatic_checkpoints == automatic
        )

    return Attempt(
        key, lambda host: host.configure(vm_id, checkpoint_type=checkpoint_type, automatic=automatic), happened
    )


verb = Verb(Configure, "change the checkpoint settings of", perform, again)
