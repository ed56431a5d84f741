"""Keeps people from the step that loses a VM's data: its verdict, when a change is asked for and before it acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from backends.base import VM, VMInventory
from bot.changes import verbs
from bot.people.identity import Refusal
from commands.base import Plan
from commands.base.health import Verdict, VMHealth
from commands.kit import soundness


class Verdicts(Protocol):
    """Where verdicts come from."""

    def of(self, vm_ids: Iterable[str]) -> Mapping[str, VMHealth]:
        """As last judged, by id; a VM that never was is left out."""

    def before_touching(self, vm: VM) -> VMHealth:
        """As it is now."""


@dataclass(frozen=True, slots=True)
class Soundness:
    """The gate by verdict. Without `verdicts` it is open."""

    verdicts: Verdicts | None = None

    def admit(self, plan: Plan) -> Plan:
        """The plan with the warnings that its card needs. Raises `Refusal` for one that touches a VM on Hold, and for
        one by the clock that takes something from a VM which a person should look at first."""
        if self.verdicts is None or not verbs.of(plan.verb).held:
            return plan
        known = self.verdicts.of([target.vm_id for target in plan.targets])
        held = {id for id, health in known.items() if health.verdict is Verdict.HOLD}
        if first := next((target for target in plan.targets if target.vm_id in held), None):
            rest = tuple(target.vm_name for target in plan.targets if target.vm_id not in held)
            sentence = soundness.on_hold(known[first.vm_id], first.vm_name)
            raise Refusal(sentence, f"{first.vm_name} is on Hold", rest=rest)
        cautions = soundness.cautions(known[t.vm_id] for t in plan.targets if t.vm_id in known)
        if not cautions:
            return plan
        if plan.clock:
            if verbs.of(plan.verb).destructive:
                raise Refusal(f"Somebody has to look first. {cautions[0]}", "somebody has to look at it first")
            return plan
        return replace(plan, cautions=(*cautions, *plan.cautions), ask=True, grave=True)

    def known_hold(self, seen: VMInventory) -> str:
        """Why a VM is on Hold, as last judged; empty for any other."""
        known = {} if self.verdicts is None else self.verdicts.of([seen.vm.id])
        health = known.get(seen.vm.id)
        held = health is not None and health.verdict is Verdict.HOLD
        return " ".join(reason.sentence for reason in health.why) if health and held else ""

    def held(self, vm: VM) -> str:
        """Right before a VM is touched: why it may not be; empty when it may."""
        if self.verdicts is None:
            return ""
        health = self.verdicts.before_touching(vm)
        return soundness.on_hold(health, vm.name) if health.verdict is Verdict.HOLD else ""
