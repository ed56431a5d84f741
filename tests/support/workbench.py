"""What the work on a VM needs, in one process: simulated hosts without a wire, a ledger, a steps that can crash."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from backends.base import VM, Backend, CheckpointType, VMInventory, VMState
from backends.simulator.fleets.seed import Past
from backends.simulator.model.faults import FaultKind
from bot.changes.attempt import Attempt
from bot.changes.execution import Environment, Execution, Timeouts
from bot.changes.outcome import Outcome
from bot.changes.perform import Performer
from bot.changes.permission import Awaits
from bot.fleet.inventory import Inventory
from bot.ledger import ChangeRow, ChangeState, Ledger
from bot.messages import Origin
from commands.base import Action, Plan, Target
from tests.support import people
from tests.support.clock import Clock
from tests.support.hosts import Hosts, empty_hosts
from tests.support.steps import (
    Crash,
    PlainSteps,
)

ADA = people.People().person(people.ADA)
ORIGIN = Origin(people.CHANNEL, ADA.id, "https://hooks.slack.com/commands/T0/1/secret")
HASTY = Timeouts(unknown_after=0.3, retries=(1.0, 2.0), untold=(0.2,) * 300)
"""Real seconds for the first wait; the pauses go to the steps, which does not sleep."""


class Workbench(Hosts):
    """`hv01` and `hv02` with no VMs yet, and everything that carries a change out on them."""

    def __init__(self, folder: Path, *, timeouts: Timeouts = HASTY) -> None:
        super().__init__(empty_hosts())
        self.clock = Clock()
        self.backends = self.in_process()
        self.folder = folder
        self.ledger = Ledger(folder / "ledger.db", clock=self.clock)
        self.inventory = Inventory(self.backends, self.clock, fresh_for=timedelta(0))
        self.shown: list[str] = []
        """Ids of changes whose message was brought up to date."""
        self.progress: list[tuple[str, int]] = []
        self.denial: Exception | None = None
        """What the permission check raises now."""
        self.awaits: Awaits | None = None
        """Whose answer it asks for now."""
        self.held: Callable[[VM], str] = lambda _: ""
        """Why a VM may not be touched now."""
        self.frozen: Callable[[], str] = lambda: ""
        """Why nothing may be changed now."""
        self.env = Environment(
            backends=self.backends,
            fleet=self.inventory,
            ledger=self.ledger,
            clock=self.clock,
            show=self.shown.append,
            show_soon=lambda _change_id: None,
            progress=lambda _change_id, vm_id, percent: self.progress.append((vm_id, percent)),
            timeouts=timeouts,
            held=self._held,
            frozen=self._frozen,
        )
        self.performer = Performer(self.env, self._authorise)

    def close(self) -> None:
        self.inventory.close()
        self.ledger.close()

    def _held(self, vm: VM) -> str:
        return self.held(vm)

    def _frozen(self) -> str:
        return self.frozen()

    def _authorise(self, row: ChangeRow) -> Awaits | None:
        if self.denial is not None:
            raise self.denial
        return self.awaits

    # ---------------------------------------------------------------- hosts

    def add_vm(
        self,
        name: str,
        *past: Past,
        host: str = "hv01",
        state: VMState = VMState.RUNNING,
        checkpoint_type: CheckpointType = CheckpointType.PRODUCTION,
    ) -> VMInventory:
        """A VM, as its host shows it."""
        made = self.put(name, *past, host=host, state=state, checkpoint_type=checkpoint_type)
        return self.look(made.id, host)

    def look_again(self, seen: VMInventory) -> VMInventory:
        """The VM as it is now, on a host that is well again."""
        self.hosts[seen.vm.host].faults.disarm()
        return self.look(seen.vm.id, seen.vm.host)

    def down_after(self, step: Attempt) -> Attempt:
        """The same step on `hv01`, which answers nobody from the moment that it has acted."""

        def act(host: Backend) -> None:
            try:
                step.act(host)
            finally:
                self.arm(FaultKind.REFUSE_CONNECTION, times=None)

        return replace(step, act=act)

    # ---------------------------------------------------------------- changes

    def target(self, seen: VMInventory, checkpoint: str | None = None) -> Target:
        """The VM, and its checkpoint of that name."""
        return Target.of(seen, next((c for c in seen.checkpoints if c.name == checkpoint), None))

    def ask(
        self, action: Action, *targets: Target, state: ChangeState = ChangeState.QUEUED, decided_by: str = "bot"
    ) -> str:
        """A change that was asked for and allowed: its id."""
        change_id = str(uuid.uuid4())
        plan = Plan(action, targets, f"{action.verb} {', '.join(t.vm_name for t in targets)}")
        self.ledger.changes.request(change_id, plan, ADA, ORIGIN)
        for step in (ChangeState.QUEUED, ChangeState.RUNNING):
            self.ledger.changes.move(change_id, step, by=decided_by)
            if step is state:
                break
        return change_id

    def work(self, action: Action, target: Target, steps: PlainSteps | None = None) -> Execution:
        """The work of a change that has begun."""
        change_id = self.ask(action, target, state=ChangeState.RUNNING)
        return Execution(self.env, steps or PlainSteps(), self.row(change_id), target)

    def perform(self, action: Action, target: Target, steps: PlainSteps | None = None) -> Outcome:
        """Ask for a change on one VM, and carry it out. Where the steps crashes, it is taken up again."""
        steps = steps or PlainSteps()
        change_id = self.ask(action, target)
        try:
            return self.performer.perform(steps, self.row(change_id), target)
        except Crash:
            steps.begin_again()
            return self.performer.perform(steps, self.row(change_id), target)

    def row(self, change_id: str) -> ChangeRow:
        row = self.ledger.changes.get(change_id)
        assert row is not None
        return row

    def events(self, change_id: str) -> list[str]:
        return [event.event for event in self.ledger.events.of(change_id)]
