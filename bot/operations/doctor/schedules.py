"""Looks at the schedules of the settings: whether the owner of each may do on its VMs what it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backends.base import VM
from bot.operations.doctor.findings import Check, broken, unseen, warning, works
from bot.people import access
from bot.people.directory import LookupFailed
from bot.people.identity import Gate, Refusal
from bot.settings import ScheduleSettings, Settings
from bot.settings.sets import expanded
from commands.base import Person
from commands.kit import patterns
from commands.kit.words import say_names

MEND = "Give them a role with that for these VMs in its channel, or name another owner."


def look(settings: Settings, gate: Gate, vms: Sequence[VM], wrong: frozenset[str]) -> Iterator[Check]:
    """`wrong` are the places whose ids are at fault already."""
    for number, one in enumerate(settings.schedules):
        place = f"schedules.{number}.owner"
        if place in wrong:
            continue
        try:
            person = gate.admit(one.owner, "", "")
        except Refusal as refusal:
            if isinstance(refusal.__cause__, LookupFailed):
                yield unseen(place, f"Slack did not say: {refusal.__cause__}.")
            else:
                yield broken(place, f"The bot lets {gate.name_of(one.owner)} do nothing: {refusal.cause}.", MEND)
            continue
        yield _owner(place, settings, one, person, vms)


def _owner(place: str, settings: Settings, one: ScheduleSettings, person: Person, vms: Sequence[VM]) -> Check:
    schedule = one.schedule(person.name)
    wanted, without = (expanded(some, settings.sets) for some in (schedule.vms, schedule.excluded))
    covered = [
        vm
        for vm in vms
        if patterns.grants(wanted, vm.name, vm.host) and not patterns.protects(without, vm.name, vm.host)
    ]

    def may(vm: VM) -> bool:
        rules, channel = settings.access, schedule.channel
        return all(access.may(rules, person, action, vm.name, channel, host=vm.host) for action in schedule.actions)

    actions = " and ".join(schedule.actions)
    barred = [vm.name for vm in covered if not may(vm)]
    if not covered:
        return unseen(place, "None of its VMs was seen.")
    if len(barred) == len(covered):
        return broken(place, f"No grant lets {person.name} {actions} on any of its VMs in {schedule.channel}.", MEND)
    if barred:
        said = f"No grant lets {person.name} {actions} on {say_names(barred)} in {schedule.channel}: they are left out."
        return warning(place, said, MEND)
    return works(place, f"{person.name} may {actions} on its VMs.")
