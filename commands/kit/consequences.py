"""What follows from a checkpoint's age and from what a VM is, each with its source. Functions of values.

What a VM is comes from its host (it is replicated, it shares a disk) and from the settings (`access.production_only`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backends.base import Checkpoint, ReplicationMode, VMInventory
from commands.base import Policy
from commands.kit.finding import Found
from commands.kit.patterns import protects
from commands.kit.words import say_names, say_span

PASSWORD_AGE = timedelta(days=30)
"""How often a Windows machine changes its password in the domain, by default."""

LONG_CHAIN = 3
"""More checkpoints in a row than this are told."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact is from: a few words for a card, and the address for the README."""

    words: str
    address: str


_LEARN = "https://learn.microsoft.com/"

PASSWORD = Source(
    "Microsoft on machine account passwords",
    f"{_LEARN}windows/security/threat-protection/security-policy-settings/"
    "domain-member-maximum-machine-account-password-age",
)
CONTROLLER = Source(
    "Microsoft on virtual domain controllers",
    f"{_LEARN}windows-server/identity/ad-ds/get-started/virtual-dc/virtualized-domain-controllers-hyper-v",
)
CHECKPOINTS = Source(
    "Microsoft on checkpoints and differencing disks",
    f"{_LEARN}troubleshoot/windows-server/virtualization/hyper-v-snapshots-checkpoints-differencing-disks",
)
CHAIN = Source(
    "Microsoft on Hyper-V storage performance",
    f"{_LEARN}windows-server/administration/performance-tuning/role/hyper-v-server/storage-io-performance",
)
BACKUP = Source("Dell on backups beside checkpoints", "https://www.dell.com/support/kbdoc/000218333")
REPLICA = Source(
    "Microsoft on Hyper-V Replica",
    f"{_LEARN}windows-server/virtualization/hyper-v/manage/set-up-hyper-v-replica",
)

SOURCES = (PASSWORD, CONTROLLER, CHECKPOINTS, CHAIN, BACKUP, REPLICA)


def of_apply(found: Sequence[Found], policy: Policy, now: datetime) -> Iterator[str]:
    """What may break when these VMs are put back, a sentence for each kind of it."""
    if old := [(seen.vm.name, now - one.created) for seen, one in found if now - one.created > PASSWORD_AGE]:
        oldest, names = say_span(max(age for _, age in old)), say_names([one for one, _ in old])
        yield _from(
            PASSWORD,
            f"What {names} would be put back to is up to {oldest} old, and Windows changes its password in the domain "
            "every 30 days: the domain may not know it any more. A local administrator mends that with "
            "Test-ComputerSecureChannel -Repair",
        )
    if delicate := [seen.vm.name for seen, _ in found if protects(policy.production_only, seen.vm.name, seen.vm.host)]:
        yield _from(
            CONTROLLER,
            f"The settings ask for care with {say_names(delicate)}: a domain controller that is put back drops its RID "
            "pool and takes SYSVOL from another one, and a database may disagree with what it shares with others",
        )
    if shared := [seen.vm.name for seen, _ in found if _shares_a_disk(seen)]:
        yield _from(
            CHECKPOINTS,
            f"{say_names(shared)} shares a disk with other VMs, as guest clusters do: what they wrote since does not "
            "go back with it",
        )
    if replicated := [seen.vm.name for seen, _ in found if seen.vm.replication_mode is ReplicationMode.PRIMARY]:
        yield _from(
            REPLICA,
            f"Hyper-V Replica copies {say_names(replicated)} to another host: the copy may have to be made anew "
            "afterwards",
        )


def of_create(seen: Sequence[VMInventory]) -> Iterator[str]:
    """What one more checkpoint comes to."""
    if long := [one.vm.name for one in seen if len(_row(one)) >= LONG_CHAIN]:
        more = f"more than {LONG_CHAIN} checkpoints stand in a row"
        yield _from(CHAIN, f"With this one {more} on {say_names(long)}: each makes reading the disks slower")


def while_it_stands(seen: VMInventory, checkpoint: Checkpoint, policy: Policy, now: datetime) -> Iterator[str]:
    """What is so as long as it is there."""
    yield _from(CHECKPOINTS, "No disk of the VM can be made larger while a checkpoint stands")
    if len(_row(seen)) > LONG_CHAIN:
        many = f"{len(_row(seen))} checkpoints stand in a row"
        yield _from(CHAIN, f"{many}: each makes reading the VM's disks slower")
    if checkpoint.managed_by is None and is_older_than_the_last_backup(seen, checkpoint, policy, now):
        yield _from(
            BACKUP,
            "It is older than the last backup: some products fail beside a checkpoint, others restore without it",
        )


def is_older_than_the_last_backup(seen: VMInventory, checkpoint: Checkpoint, policy: Policy, now: datetime) -> bool:
    """By the hours that the settings give, and by the points that backups left on the VM."""
    begun = [one.created for one in seen.checkpoints if one.managed_by == "a backup"]
    begun += [now] if seen.vm.backing_up else []
    begun += [policy.last_backup(now)] if policy.backup_at else []
    return any(checkpoint.created < one for one in begun)


def _row(seen: VMInventory) -> list[Checkpoint]:
    """The checkpoints from where the VM is down to the first; all of them where that is not known."""
    found: list[Checkpoint] = []
    at = seen.checkpoint(seen.vm.current_id) if seen.vm.current_id else None
    if at is None:
        return list(seen.checkpoints)
    while at is not None and at not in found:
        found.append(at)
        at = seen.checkpoint(at.parent_id) if at.parent_id else None
    return found


def _shares_a_disk(seen: VMInventory) -> bool:
    """A VHD set, which is made for several VMs."""
    paths = (*(disk.path for disk in seen.disks or ()), *(disk.path for disk in seen.unread_disks))
    return any(path.casefold().endswith(".vhds") for path in paths)


def _from(source: Source, sentence: str) -> str:
    return f"{sentence} ({source.words})."
