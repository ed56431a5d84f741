"""The schedules as a person sees and changes them: what a command reads, and what becomes of what it wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backends.base import VM
from bot.changes.permission import Permission
from bot.fleet.inventory import Inventory
from bot.ledger import Ledger, VMRef
from bot.messages import Origin
from bot.people import access
from bot.people.identity import Refusal
from bot.schedules import due
from bot.schedules.picking import Picker, name_of, rehearsal
from bot.schedules.recurring import Recurring
from bot.settings import Settings
from commands.base import LastRun, Person, Rehearsal, Reply, Schedule, SchedulePlan, UsageError, name, say
from commands.kit.words import say_names, say_time, typed, which_role

MOST = 200
"""Schedules that there are at once."""


@dataclass(frozen=True, slots=True)
class Book:
    """Safe to use from many threads."""

    settings: Settings
    permission: Permission
    picker: Picker
    recurring: Recurring
    inventory: Inventory
    ledger: Ledger
    clock: Callable[[], datetime]

    # ------------------------------------------------------------ to read

    def all(self) -> tuple[Schedule, ...]:
        return self.ledger.schedules.all()

    def next_run(self, schedule: Schedule) -> datetime:
        return due.next_run(schedule, self.clock(), self.settings.digest.timezone)

    def last_run(self, schedule: Schedule) -> LastRun | None:
        run = self.ledger.schedules.last_run(schedule.id)
        return None if run is None else LastRun(run.claimed_at, run.outcome or "under way", run.failed)

    def covers(self, schedule: Schedule, vms: Sequence[VM]) -> tuple[VM, ...]:
        return self.picker.covered(schedule, vms)

    def rehearse(self, schedule: Schedule) -> Rehearsal:
        try:
            picks = self.picker.pick(schedule, by_hand=True)
        except Refusal as refusal:
            return Rehearsal(refused=refusal.sentence)
        return rehearsal(picks, name_of(schedule, self.next_run(schedule), self.settings))

    # ------------------------------------------------------------ to change

    def carry_out(self, change_id: str, plan: SchedulePlan, person: Person, origin: Origin) -> Reply:
        """Do it, and say so. Raises `Refusal`, and `UsageError` for what makes no sense by now."""
        self.permission.check_not_frozen()
        self.permission.gate.admit_change(person, origin.channel)
        named = self._named(plan.schedule)
        rules, channel = self.settings.access, origin.channel
        vms = tuple(vm for vm in named if access.may(rules, person, "view", vm.name, channel, host=vm.host))
        try:
            self._check(plan, person, vms, hidden=len(vms) < len(named))
        except Refusal as refusal:
            refs = [VMRef.of(vm) for vm in vms]
            self.ledger.schedules.refuse(change_id, plan, person, origin, refs, why=refusal.cause)
            refusal.recorded = True
            raise
        self._check_that_it_fits(plan)
        if self.ledger.schedules.carry_out(change_id, plan, person, origin, [VMRef.of(vm) for vm in vms]):
            if plan.what == "run":
                self.recurring.run_now(plan.schedule, plan.only, change_id)
            elif plan.what in ("add", "resume"):
                self.recurring.look()
        return self._said(plan, person)

    def _named(self, schedule: Schedule) -> tuple[VM, ...]:
        if not self.inventory.seen():  # the bot has just started
            self.inventory.renew()
        return self.picker.covered(schedule, [seen.vm for seen in self.inventory.seen()])

    def _check(self, plan: SchedulePlan, person: Person, vms: Sequence[VM], *, hidden: bool) -> None:
        """Its owner may do anything with it but what they have no rights for; somebody else needs on all of its VMs
        the rights that it has, also on those that they do not see."""
        schedule = plan.schedule
        own = person.id == schedule.owner
        if own and plan.what in ("pause", "remove"):
            return
        refused = [vm.name for vm in vms if not self.picker.may(person, schedule, vm)]
        if refused or not vms or (hidden and not own):
            of = say_names(refused) if refused else "all of its VMs" if vms else "any VM of it"
            raise Refusal(
                f"No grant lets you take {'and delete ' if schedule.retains else ''}checkpoints of {of} in this "
                f"channel, and whoever wants to {plan.what} this schedule needs that. "
                f"{which_role(access.roles_with(self.settings.access, *schedule.actions))} Type {typed('whoami')} to "
                "see what you may do.",
                f"no grant for {' and '.join(schedule.actions)} on {', '.join(refused) or of}",
                lacks_grant=True,
            )
        if plan.what in ("add", "resume", "run"):
            self.permission.admit(schedule.owner, schedule.channel)

    def _check_that_it_fits(self, plan: SchedulePlan) -> None:
        known = self.ledger.schedules.all()
        now = next((one for one in known if one.name.casefold() == plan.schedule.name.casefold()), None)
        if plan.what == "add":
            if now is not None:
                raise UsageError(
                    f"There is a schedule called {name(now.name)} already.", "Give this one another --name."
                )
            if len(known) >= MOST:
                raise UsageError(f"There are {len(known)} schedules, and no more fit.", "Remove one first.")
        elif now is None or now.id != plan.schedule.id:
            raise UsageError(f"The schedule {name(plan.schedule.name)} is gone.", f"{typed('schedule')} shows them.")

    def _said(self, plan: SchedulePlan, person: Person) -> Reply:
        schedule, who = plan.schedule, name(person.name)
        called = f"the schedule {name(schedule.name)}"
        match plan.what:
            case "add":
                following = say_time(self.next_run(schedule))
                what = f"✅ {who} added {called}. It runs with their rights, first at {following}"
            case "resume":
                what = f"▶️ {who} resumed {called}. It runs next at {say_time(self.next_run(schedule))}"
            case "pause":
                what = f"⏸️ {who} paused {called}. It deletes nothing meanwhile, either"
            case "run":
                what = f"✅ {who} runs {called} now. What becomes of it is said in its channel"
            case _:
                what = f"✅ {who} removed {called}. What it took stays"
        said = say(f"{what}.")
        return Reply(said.parts, shared=True)
