"""What a host answers becomes an inventory: what is there, and what of it could not be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from backends.base import (
    VM,
    BackendError,
    Checkpoint,
    DiskFault,
    HostInventory,
    NotReady,
    Part,
    Refused,
    Unseen,
    VMInventory,
    Volume,
)
from backends.hyperv import errors, records
from backends.hyperv.disks import Chain, Drive, File, chains_by_vm, missing_parents, volumes_under
from backends.hyperv.questions import Questions, Record, Scan
from backends.remoting import ErrorRecord, Pipeline

LONGEST_CHAIN: Final = 8
"""How often files are asked for that only another file names: each time goes one step down a chain."""


@dataclass(slots=True)
class Missing:
    """What could not be seen, as it is found out."""

    host: str
    vms: Sequence[VM]
    unreadable: list[Unseen] = field(default_factory=list)
    cannot_show: list[Unseen] = field(default_factory=list)
    faults: dict[str, DiskFault] = field(default_factory=dict)
    """Files that gave an error, by their path in lower case."""

    def beside(self, part: Part, found: Scan[Record]) -> list[Record]:
        """What was found; the errors beside it, and what had no id, are taken down."""
        for record in found.errors:
            vm = named_in(record, self.vms)
            self.unreadable.append(self._unseen(part, self._error(record), vm.id if vm else None))
        if found.nameless:
            self.unreadable.append(Unseen(part, _nameless(self.host, found.nameless)))
        return found.records

    def all_of(self, part: Part, error: BackendError) -> None:
        self.cannot_show.append(self._unseen(part, error))

    def of(self, part: Part) -> tuple[frozenset[str], bool]:
        """The VMs of which something of this part could not be read, and whether there are others, unnamed."""
        ids = [one.vm_id for one in self.unreadable if one.part is part and one.path is None]
        return frozenset(one for one in ids if one), None in ids

    def unread(self, chains: Mapping[str, Chain], beside: Sequence[ErrorRecord]) -> None:
        """Take down the files that could not be read, each with the error in which its path stands. Where it stands in
        none, the first one says why."""
        said = [(f"{one.target}\n{one.message}".casefold(), one) for one in beside]
        for vm_id, chain in chains.items():
            unread = {disk.path for disk in chain.unread}
            for path in chain.wanting:
                error = next((one for text, one in said if path.casefold() in text), None)
                if error:
                    self.faults[path.casefold()] = DiskFault(path, errors.hresult_of(error))
                if path in unread:
                    why = next((self._error(one) for one in (error, *beside) if one), None)
                    shown = why or BackendError("", f"{self.host}: not shown")
                    self.unreadable.append(self._unseen(Part.DISKS, shown, vm_id, path))

    def _error(self, record: ErrorRecord) -> BackendError:
        return errors.error_for(record, self.host, change=False)

    def _unseen(self, part: Part, error: BackendError, vm_id: str | None = None, path: str | None = None) -> Unseen:
        return Unseen(part, error.cause, vm_id, path, isinstance(error, Refused))


def _nameless(host: str, many: int) -> str:
    return f"{host}: {many} objects without an id"


def of_host(ask: Questions, taken_at: datetime, *, disks: bool) -> HostInventory:
    """All VMs of a host with their checkpoints, and with `disks` their files and the volumes. Raises `BackendError`."""
    scan = ask.deadlines.scan
    shown = ask.vms(scan)
    missing = Missing(ask.host, shown.records)
    vms = missing.beside(Part.VMS, shown)
    old = f"{ask.host}: its endpoint is too old"
    missing.cannot_show += [Unseen(part, old, refused=True) for part in ask.pipelines.lacks]
    found = _checkpoints(ask, missing)
    chains = _disks(ask, found, missing) if disks else None
    return HostInventory(
        host=ask.host,
        taken_at=taken_at,
        vms=_by_vm(vms, found, missing, chains),
        volumes=_volumes(ask, missing) if disks else None,
        unreadable=tuple(missing.unreadable),
        cannot_show=tuple(missing.cannot_show),
    )


def of_vm(ask: Questions, vm_id: str, *, disks: bool) -> VMInventory:
    """One VM. Raises `NotFound` when the host shows that it is not there, and other `BackendError`s."""
    vm = ask.vm(vm_id)
    missing = Missing(ask.host, (vm,))
    shown = ask.checkpoints(vm_id)
    if shown.nameless:
        missing.unreadable.append(Unseen(Part.CHECKPOINTS, _nameless(ask.host, shown.nameless), vm.id))
    chains = _disks(ask, shown.records, missing, vm_id) if disks else None
    return _by_vm((vm,), shown.records, missing, chains)[0]


def volumes_of(ask: Questions, vm_id: str) -> tuple[Volume, ...] | None:
    """The volumes that the VM's disks are on; None where not all of them can be seen."""
    missing = Missing(ask.host, ())
    volumes = _volumes(ask, missing)
    if volumes is None:
        return None
    try:
        drives = _drives(ask, missing, vm_id)
    except Refused:
        return None
    if any(one.part is Part.DISKS for one in missing.unreadable):
        return None
    return volumes_under((drive.path for drive in drives), volumes)


def named_in(record: ErrorRecord, vms: Iterable[VM]) -> VM | None:
    """The VM that an error record is about: the one whose id or name stands in it, if it is only one."""
    said = f"{record.target}\n{record.message}".casefold()
    found = [vm for vm in vms if vm.id in said] or [vm for vm in vms if vm.name and _quoted(vm.name.casefold(), said)]
    longest = max((len(vm.name) for vm in found), default=0)
    best = [vm for vm in found if len(vm.name) == longest]
    return best[0] if len(best) == 1 else None


def _quoted(name: str, said: str) -> bool:
    """The name stands there as a word of its own: `web1` is not in `web10`."""
    place = said.find(name)
    while place >= 0:
        around = said[place - 1 : place] + said[place + len(name) : place + len(name) + 1]
        if not any(one.isalnum() or one in "-_" for one in around):
            return True
        place = said.find(name, place + 1)
    return False


def _by_vm(
    vms: Sequence[VM], checkpoints: Iterable[Checkpoint], missing: Missing, chains: Mapping[str, Chain] | None
) -> tuple[VMInventory, ...]:
    of_vm: dict[str, list[Checkpoint]] = {vm.id: [] for vm in vms}
    for checkpoint in checkpoints:
        of_vm.setdefault(checkpoint.vm_id, []).append(checkpoint)
    doubtful, others = missing.of(Part.CHECKPOINTS)
    diskless, more = missing.of(Part.DISKS)
    found = []
    for vm in vms:
        own = tuple(of_vm[vm.id])
        one = VMInventory(vm, own, checkpoints_known=not (vm.id in doubtful or (others and not own)))
        chain = chains.get(vm.id, Chain()) if chains is not None else None
        unsure = vm.id in diskless or (more and chain is not None and not {None, *(c.id for c in own)} <= chain.users)
        if chain is not None and not unsure:
            faults = tuple(fault for path in chain.wanting if (fault := missing.faults.get(path.casefold())))
            one = replace(one, disks=chain.disks, unread_disks=chain.unread, faults=faults)
        found.append(one)
    return tuple(found)


def _checkpoints(ask: Questions, missing: Missing) -> list[Checkpoint]:
    """Those of all VMs. A host that shows VMs and gives errors for checkpoints alone shows the VMs still."""
    nameless: list[records.Json] = []
    shown = ask.scan(lambda out: records.checkpoints(out, nameless), ask.pipelines.checkpoints(), ask.deadlines.scan)
    return missing.beside(Part.CHECKPOINTS, replace(_unless_barred(shown, ask.host), nameless=len(nameless)))


def _unless_barred(shown: Scan[Record], host: str) -> Scan[Record]:
    """Raises for a host that shows nothing, and says that it lets nothing be seen or is not ready."""
    if shown.errors and not shown.records:
        first = errors.error_for(shown.errors[0], host, change=False)
        if isinstance(first, Refused | NotReady):
            raise first
    return shown


# ---------------------------------------------------------------- disks and volumes


def _disks(
    ask: Questions, checkpoints: Sequence[Checkpoint], missing: Missing, vm_id: str | None = None
) -> Mapping[str, Chain] | None:
    """Disks by VM; None where the endpoint has no commands for them or the account no right to: sizes are unknown then,
    and all else goes on."""
    try:
        drives = _drives(ask, missing, vm_id)
        files, beside = _files(ask, vm_id)
        if any(drive.is_file for drive in drives):
            _unless_barred(Scan(files, tuple(beside)), ask.host)
    except Refused as error:
        missing.all_of(Part.DISKS, error)
        return None
    chains = chains_by_vm(checkpoints, drives, files)
    missing.unread(chains, beside)
    return chains


def _drives(ask: Questions, missing: Missing, vm_id: str | None) -> list[Drive]:
    limit = ask.deadlines.read if vm_id else ask.deadlines.scan
    shown = [ask.scan(records.drives, pipeline, limit) for pipeline in ask.pipelines.drives(vm_id)]
    together = Scan([one for scan in shown for one in scan.records], tuple(e for scan in shown for e in scan.errors))
    return missing.beside(Part.DISKS, _unless_barred(together, ask.host))


def _files(ask: Questions, vm_id: str | None) -> tuple[list[File], list[ErrorRecord]]:
    """The files that could be read, down to the base of every chain, and the errors of those that could not: one that
    another node holds, one that the account may not read."""
    limit, found, beside = ask.deadlines.scan, list[File](), list[ErrorRecord]()

    def add(pipeline: Pipeline) -> list[File]:
        shown = ask.scan(records.files, pipeline, limit)
        found.extend(shown.records)
        beside.extend(shown.errors)
        return shown.records

    for pipeline in ask.pipelines.files(vm_id):
        add(pipeline)
    lost = missing_parents(found)
    for _ in range(LONGEST_CHAIN):
        if not lost:
            break
        lost = missing_parents(add(ask.pipelines.files_at(lost)))
    return found, beside


def _volumes(ask: Questions, missing: Missing) -> tuple[Volume, ...] | None:
    """None where WMI is not to be had: an endpoint without it, an account without the right, no answer."""
    try:
        shown = ask.scan(records.volumes, ask.pipelines.volumes(), ask.deadlines.volumes)
        if shown.errors and not shown.records:
            raise errors.error_for(shown.errors[0], ask.host, change=False)
    except BackendError as error:
        missing.all_of(Part.VOLUMES, error)
        return None
    if not shown.records:
        missing.cannot_show.append(Unseen(Part.VOLUMES, f"{ask.host}: Win32_Volume gave nothing"))
        return None
    return tuple(missing.beside(Part.VOLUMES, shown))
