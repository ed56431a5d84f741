"""What a run of a schedule would do now: which VMs it takes, which it leaves out, and what goes after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from backends.base import VM, CheckpointType, VMInventory
from bot.changes.permission import Permission
from bot.changes.quota import Holdings
from bot.fleet import space
from bot.fleet.growth import KnownGrowth
from bot.fleet.inventory import Inventory
from bot.ledger import Ledger
from bot.people import access
from bot.people.identity import Refusal
from bot.schedules import retention, skips
from bot.settings import Settings
from bot.settings.sets import expanded
from commands.base import Going, Holding, Left, Person, Rehearsal, Schedule, name
from commands.kit import patterns, room
from commands.kit.quota import Allowance

TIMEOUT = timedelta(minutes=3)
"""A scan with all disks takes a busy host a while, and a schedule can wait."""


UNSEEN = "one VM out of sight"
"""What a VM is called that a schedule's owner may not even see."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A VM that is taken."""

    seen: VMInventory
    checkpoint_type: CheckpointType | None
    """None leaves the VM's own."""


@dataclass(frozen=True, slots=True)
class Picks:
    """What a run would do."""

    taken: tuple[Pick, ...] = ()
    left: tuple[Left, ...] = ()
    going: tuple[Going, ...] = ()
    stays: tuple[Left, ...] = ()
    unseen: tuple[str, ...] = ()
    """Hosts that do not answer."""
    unknown: tuple[str, ...] = ()
    """Those of them that have shown nothing since the bot was started: what VMs they have is not known."""


@dataclass(frozen=True, slots=True)
class Picker:
    """Looks at the fleet as it is now."""

    settings: Settings
    permission: Permission
    inventory: Inventory
    ledger: Ledger
    clock: Callable[[], datetime]
    hold: Callable[[VMInventory], str] = lambda _seen: ""
    """Why a VM's checkpoints are not to be touched; empty where they may be."""

    def covered(self, schedule: Schedule, vms: Sequence[VM]) -> tuple[VM, ...]:
        """Those of the VMs that the schedule names."""
        wanted, without = (expanded(some, self.settings.sets) for some in (schedule.vms, schedule.excluded))
        named = (vm for vm in vms if patterns.grants(wanted, vm.name, vm.host))
        return tuple(vm for vm in named if not patterns.protects(without, vm.name, vm.host))

    def may(self, person: Person, schedule: Schedule, vm: VM) -> bool:
        """Whether somebody has the rights that the schedule needs on a VM."""
        rules = self.settings.access
        channel = schedule.channel
        return all(access.may(rules, person, action, vm.name, channel, host=vm.host) for action in schedule.actions)

    def pick(self, schedule: Schedule, only: Sequence[str] | None = None, *, by_hand: bool = False) -> Picks:
        """Of all VMs that it names, or of these, whose hosts are asked anew whenever they were asked last, as a run by
        the clock or `by_hand`. Raises `Refusal` where its owner may not do it any more, or on no VM that there is."""
        owner = self.permission.admit(schedule.owner, schedule.channel)
        if only is None:
            self.inventory.renew(disks=True, timeout=TIMEOUT)
        else:
            hosts = {one.vm.host for one in self._known().values() if one.vm.id in only}
            self.inventory.refresh(hosts, disks=True, timeout=TIMEOUT)
        everyone = self._known()
        named = self.covered(schedule, [seen.vm for seen in everyone.values()])
        allowed = [vm for vm in named if self.may(owner, schedule, vm)]
        if named and not allowed:
            raise Refusal(
                f"No grant lets {schedule.owner_name} do this any more.",
                f"no grant for {' and '.join(schedule.actions)} on any of its VMs in {schedule.channel}",
            )
        wanted = [vm for vm in named if only is None or vm.id in only]
        ids = {vm.id for vm in allowed}
        chosen = [everyone[vm.id] for vm in wanted if vm.id in ids]
        found = self._sorted(
            schedule, sorted(chosen, key=lambda seen: (seen.vm.name.casefold(), seen.vm.host)), by_hand
        )
        lost = [self._lost(owner, schedule, vm) for vm in wanted if vm.id not in ids]
        return replace(found, left=(*found.left, *lost))

    def _known(self) -> dict[str, VMInventory]:
        """Every VM by its id, also those of a host that has shown them, and does not answer when its disks are asked
        for."""
        away = [host.name for host in self.inventory.hosts(disks=True) if not host.reachable]
        known = {one.vm.id: one for one in self.inventory.seen(away)}
        return known | {one.vm.id: one for one in self.inventory.seen(disks=True)}

    def _lost(self, owner: Person, schedule: Schedule, vm: VM) -> Left:
        """A VM of which the owner has not all the rights that it takes. What they may not see is not named."""
        rules = self.settings.access
        can = partial(access.may, rules, owner, vm_name=vm.name, channel=schedule.channel, host=vm.host)
        missing = [one for one in schedule.actions if not can(action=one)]
        seen = can(action="view")
        why = f"{name(owner.name)} may not {' and '.join(missing)} checkpoints of it any more"
        return Left(vm.id, vm.name if seen else UNSEEN, "rights", why)

    def type_of(self, schedule: Schedule, vm: VM) -> CheckpointType | None:
        """The type to take of a VM. Production is the VM's own where that is one, and nothing else where the settings
        allow no other."""
        if patterns.protects(self.settings.access.production_only, vm.name, vm.host):
            wanted = CheckpointType.PRODUCTION_ONLY
        elif schedule.kind == "standard":
            wanted = CheckpointType.STANDARD
        elif vm.checkpoint_type is CheckpointType.PRODUCTION_ONLY:
            return None
        else:
            wanted = CheckpointType.PRODUCTION
        return None if vm.checkpoint_type is wanted else wanted

    def asked_about(self) -> frozenset[str]:
        """The checkpoints that somebody's request is about which is not over."""
        plans = (row.readable_plan for row in self.ledger.changes.unfinished())
        targets = (target for plan in plans if plan is not None and not plan.clock for target in plan.targets)
        return frozenset(target.checkpoint_id for target in targets if target.checkpoint_id)

    def retain(
        self, schedule: Schedule, seen: VMInventory, asked_about: frozenset[str], *, taking: retention.Taking = ""
    ) -> retention.Retention:
        """Which of its checkpoints of a VM go now, or when it has taken one more."""
        own = self.ledger.schedules.made_by(schedule.id, seen.vm.id)
        return retention.decide(seen, own, schedule, self.clock(), asked_about, taking=taking)

    def _sorted(self, schedule: Schedule, chosen: Sequence[VMInventory], by_hand: bool) -> Picks:
        hosts = {host.name: host for host in self.inventory.hosts(disks=True)}
        volumes = {one.host: one.volumes for one in self.inventory.inventories(disks=True)}
        ids = [seen.vm.id for seen in chosen]
        last = self.ledger.schedules.last_taken(schedule.id, ids)
        growth = KnownGrowth(self.ledger, self.clock).of_vms(ids)
        quota = self._quota(schedule)
        how: retention.Taking = "by hand" if by_hand else "by the clock"
        asked_about = self.asked_about() if schedule.retains else frozenset()
        taken: list[Pick] = []
        left: list[Left] = []
        going: list[Going] = []
        stays: list[Left] = []
        for seen in chosen:
            vm, wanted = seen.vm, self.type_of(schedule, seen.vm)
            after = self.retain(schedule, seen, asked_about, taking=how) if schedule.retains else retention.Retention()
            volumes_here = space.volumes_of(seen, volumes.get(vm.host))
            facts = skips.Facts(
                checkpoint_type=wanted or vm.checkpoint_type,
                away=hosts[vm.host].problem,
                hold=self.hold(seen),
                volumes=volumes_here,
                growth_per_day=growth[vm.id].per_day if vm.id in growth else None,
                last=last.get(vm.id),
                merges=[need for one, _ in after.going for need in room.of(seen, [one.id], volumes_here)],
                quota=quota.why_not(one.id for one, _ in after.going),
            )
            if reason := skips.left_out(seen, facts):
                left.append(reason)
            else:
                taken.append(Pick(seen, wanted))
                quota.took(one.id for one, _ in after.going)
                going += [one for _, one in after.going]
                stays += after.stays
        unseen = tuple(host.name for host in hosts.values() if not host.reachable)
        of_host = self.inventory.of_host
        unknown = tuple(host for host in unseen if not (of_host(host) or of_host(host, disks=True)))
        return Picks(tuple(taken), tuple(left), tuple(going), tuple(stays), unseen, unknown)

    def _quota(self, schedule: Schedule) -> Allowance:
        """What the schedule's owner may take yet. What goes after the run does not count."""
        policy = self.settings.policy
        if not policy.has_quota:
            return Allowance(policy, Holding())
        return Allowance(policy, Holdings(self.inventory, self.ledger).seen(schedule.owner, disks=True))


def name_of(schedule: Schedule, at: datetime, settings: Settings, *, exact: bool = False) -> str:
    """What the checkpoints of a run are called: by the schedule and the time, which has no colon, since names become
    those of files. `nightly 2026-11-27 02.00`."""
    zone = settings.digest.timezone
    written = "%Y-%m-%d %H.%M.%S" if exact else "%Y-%m-%d %H.%M"
    return f"{schedule.label or schedule.name} {at.astimezone(UTC).astimezone(zone):{written}}"


def rehearsal(picks: Picks, called: str) -> Rehearsal:
    return Rehearsal(
        tuple(pick.seen.vm.name for pick in picks.taken), called, picks.going, (*picks.left, *picks.stays), picks.unseen
    )
