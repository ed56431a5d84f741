"""Looks at every pattern of the settings, against the VMs that the hosts have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backends.base import VM
from bot.operations.doctor.findings import Check, unseen, warning, works
from bot.operations.doctor.seen import Seen
from bot.settings import Settings
from bot.settings.kinds import Pattern
from bot.settings.sets import SET
from bot.settings.walk import values
from commands.kit import patterns
from commands.kit.words import say_names


def vms_of(seen: Sequence[Seen]) -> list[VM]:
    found = [one.vm for host in seen if host.inventory for one in host.inventory.vms]
    return sorted(found, key=lambda vm: (vm.name, vm.host))


def look(settings: Settings, seen: Sequence[Seen]) -> Iterator[Check]:
    """What a set holds is looked at where it is made."""
    vms, hiding = vms_of(seen), [one.host for one in seen if one.hides_vms]
    for place, pattern in values(settings, Pattern):
        if pattern == "*" or pattern.startswith(SET):
            continue
        of_host = patterns.parts(pattern)[0].casefold()
        silent = [host for host in hiding if of_host in ("", host.casefold())]
        count = len({vm.name for vm in vms if patterns.protects([pattern], vm.name, vm.host)})
        if count:
            yield works(place, f"{pattern} names {count} {'VM' if count == 1 else 'VMs'}.")
        elif silent or not seen:
            yield unseen(place, f"{pattern} may name VMs on {say_names(silent) or 'hosts that are not set'}.")
        else:
            yield warning(place, f"{pattern} names no VM of any host.", "Correct it, or take it out.")
