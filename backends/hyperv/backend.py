"""`Backend` for a Hyper-V host: each call is a few cmdlet pipelines over one session."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Final, TypeVar

from backends.base import (
    BackendError,
    Checkpoint,
    CheckpointType,
    Disk,
    HostInventory,
    NotFound,
    OperationFailed,
    Progress,
    Refused,
    UnknownOutcome,
    VMInventory,
    Volume,
)
from backends.hyperv import errors, records
from backends.hyperv.disks import disks_by_vm, missing_parents, volumes_under
from backends.hyperv.pipelines import ENDPOINT_VERSION, Endpoint, Pipelines, Plain
from backends.remoting import Pipeline, Result, Session

LONGEST_CHAIN: Final = 8
"""How often files are asked for that only another file names: each time goes one step down a chain."""

_log = logging.getLogger(__name__)

Record = TypeVar("Record")
Parser = Callable[[Iterable[object]], list[Record]]
_Chains = Mapping[str, tuple[Disk, ...]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each call may take, in seconds, waiting for a session included."""

    read: float = 60.0
    """A person waits for it. Look-ups by id take a second or two on a busy host."""
    scan: float = 180.0
    """A host with hundreds of VMs takes a minute, and opening each disk file adds to it."""
    volumes: float = 20.0
    """WMI asks every volume, and one that does not answer must not spoil the rest."""
    create: float = 600.0
    """A standard checkpoint writes the VM's memory to disk; VSS in the guest alone may take two minutes."""
    apply: float = 1800.0
    """A running VM is saved first, and memory is read back afterwards."""
    delete: float = 600.0
    """Seconds as a rule, since the merge goes on in the background; a subtree takes longer."""
    export: float = 4 * 3600.0
    """Copies every disk of the VM."""
    change: float = 120.0
    """Rename, settings."""
    power: float = 600.0
    """Starting a VM reads its saved memory back."""


class HyperVBackend:
    """Acts on one host through `session`. Safe to use from many threads.

    With `find_endpoint` the first call asks whether the session has come to the bot's own JEA endpoint, and uses its
    functions if so; without, the host is taken to offer the Hyper-V cmdlets themselves.
    """

    def __init__(
        self,
        host: str,
        session: Session,
        *,
        find_endpoint: bool = False,
        deadlines: Deadlines | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._host = host
        self._session = session
        self._deadlines = deadlines or Deadlines()
        self._now = now
        self._found: Pipelines | None = None if find_endpoint else Plain()
        self._finding = Lock()

    @property
    def host(self) -> str:
        return self._host

    # ------------------------------------------------------------ questions

    def inventory(self, *, disks: bool = False) -> HostInventory:
        """All VMs with their checkpoints: two pipelines, and five more for disks and volumes (three on a JEA endpoint).
        A checkpoint whose VM appeared in between is left out, and so is what the host reported an error for."""
        ask, limit, taken_at = self._pipelines, self._deadlines.scan, self._now()
        vms = self._scan(lambda output: records.vms(output, self._host), ask.vms(), limit)
        found = self._scan(records.checkpoints, ask.checkpoints(), limit)
        of_vm: defaultdict[str, list[Checkpoint]] = defaultdict(list)
        for checkpoint in found:
            of_vm[checkpoint.vm_id].append(checkpoint)
        chains = self._disks(found) if disks else None
        return HostInventory(
            host=self._host,
            taken_at=taken_at,
            vms=tuple(VMInventory(vm, tuple(of_vm[vm.id]), _chain(chains, vm.id)) for vm in vms),
            volumes=self._volumes() if disks else None,
        )

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        ask, limit = self._pipelines, self._deadlines.read
        found = self._read(lambda output: records.vms(output, self._host), ask.vms(vm_id), limit)
        vm = next((vm for vm in found if vm.id == vm_id.lower()), None)
        if vm is None:
            raise self._gone(f"no VM {vm_id}")
        checkpoints = tuple(self._read(records.checkpoints, ask.checkpoints(vm_id), limit))
        chains = self._disks(checkpoints, vm_id) if disks else None
        return VMInventory(vm, checkpoints, _chain(chains, vm.id))

    def volumes_of(self, vm_id: str) -> tuple[Volume, ...] | None:
        volumes = self._volumes()
        if volumes is None:
            return None
        limit = self._deadlines.read
        try:
            asked = [self._scan(records.drives, pipeline, limit) for pipeline in self._pipelines.drives(vm_id)]
        except Refused as error:
            _log.info("%s shows no disks: %s", self._host, error.cause)
            return None
        return volumes_under((drive.path for drives in asked for drive in drives), volumes)

    # ------------------------------------------------------------ changes

    def create(self, vm_id: str, name: str, *, on_progress: Progress | None = None) -> Checkpoint:
        result = self._send(self._pipelines.create(vm_id, name), self._deadlines.create, on_progress)
        try:
            errors.raise_for(result, self._host, change=True)
        except OperationFailed as error:
            raise self._explained(error, vm_id, errors.for_create) from error
        return self._shown(result) or self._look_for(vm_id, name)

    def apply(self, checkpoint_id: str, *, on_progress: Progress | None = None) -> None:
        self._change_checkpoint(
            checkpoint_id, self._pipelines.apply(checkpoint_id), self._deadlines.apply, on_progress=on_progress
        )

    def delete(self, checkpoint_id: str, *, subtree: bool = False, on_progress: Progress | None = None) -> None:
        pipeline = self._pipelines.delete(checkpoint_id, subtree=subtree)
        self._change_checkpoint(checkpoint_id, pipeline, self._deadlines.delete, on_progress=on_progress, stays=False)

    def rename(self, checkpoint_id: str, name: str) -> None:
        self._change_checkpoint(checkpoint_id, self._pipelines.rename(checkpoint_id, name), self._deadlines.change)

    def export(self, checkpoint_id: str, path: str, *, on_progress: Progress | None = None) -> None:
        self._change_checkpoint(
            checkpoint_id, self._pipelines.export(checkpoint_id, path), self._deadlines.export, on_progress=on_progress
        )

    def configure(
        self, vm_id: str, *, checkpoint_type: CheckpointType | None = None, automatic: bool | None = None
    ) -> None:
        if checkpoint_type is None and automatic is None:
            return
        pipeline = self._pipelines.configure(vm_id, checkpoint_type, automatic)
        self._change_vm(vm_id, pipeline, self._deadlines.change)

    def start(self, vm_id: str) -> None:
        self._change_vm(vm_id, self._pipelines.start(vm_id), self._deadlines.power)

    def end_lost_calls(self) -> None:
        self._session.end_lost_calls()

    def close(self) -> None:
        self._session.close()

    # ------------------------------------------------------------ how a change is carried out

    def _change_checkpoint(
        self,
        checkpoint_id: str,
        pipeline: Pipeline,
        deadline: float,
        *,
        on_progress: Progress | None = None,
        stays: bool = True,
    ) -> None:
        """Send a change of one checkpoint. A host that says nothing at all is looked at: whether `Get-VMSnapshot -Id`
        complains of an id that it does not know is not documented."""
        result = self._send(pipeline, deadline, on_progress)
        try:
            errors.raise_for(result, self._host, change=True)
        except OperationFailed as error:
            raise self._explained_for_checkpoint(error, checkpoint_id) from error
        if result.output:
            return
        there = self._checkpoint(checkpoint_id) is not None
        if stays and not there:
            raise self._gone(f"no checkpoint {checkpoint_id}")
        if there and not stays:
            raise OperationFailed(
                f"{self._host} reported nothing, and the checkpoint is still there. Try again.",
                f"{self._host}: delete of {checkpoint_id} gave no output and no error",
            )

    def _change_vm(self, vm_id: str, pipeline: Pipeline, deadline: float) -> None:
        result = self._send(pipeline, deadline, None)
        errors.raise_for(result, self._host, change=True)
        if not result.output:
            self.vm(vm_id)

    def _shown(self, result: Result) -> Checkpoint | None:
        """The checkpoint in the output of a create. The change is done, so an answer that cannot be read counts as
        none."""
        try:
            made = records.checkpoints(result.output)
        except records.Malformed as error:
            _log.warning("%s answered a create with %s", self._host, error)
            return None
        return made[-1] if made else None

    def _look_for(self, vm_id: str, name: str) -> Checkpoint:
        """The checkpoint that a host took without showing it: what the VM now descends from, if it has the name.
        Names are not unique, so the newest of that name is only the second choice."""
        seen = self.vm(vm_id)
        current = seen.checkpoint(seen.vm.current_id or "")
        named = [checkpoint for checkpoint in seen.checkpoints if checkpoint.name == name]
        if current is not None and current.name == name:
            return current
        if named and seen.vm.current_id is None:
            return named[-1]
        raise UnknownOutcome(
            f"{self._host} reported no error, but shows no new checkpoint of that name. Look at the VM before you try "
            "again.",
            f"{self._host}: Checkpoint-VM on {vm_id} gave neither output nor error",
        )

    def _explained(
        self, error: OperationFailed, vm_id: str, explain: Callable[[OperationFailed, VMInventory, str], BackendError]
    ) -> BackendError:
        """What the failure means in the state that the VM is in now. It stays as it is when that cannot be seen."""
        try:
            return explain(error, self.vm(vm_id), self._host)
        except NotFound as gone:
            return gone
        except BackendError as unseen:
            _log.warning("could not look at %s after a failure: %s", vm_id, unseen.cause)
            return error

    def _explained_for_checkpoint(self, error: OperationFailed, checkpoint_id: str) -> BackendError:
        try:
            checkpoint = self._checkpoint(checkpoint_id)
        except BackendError as unseen:
            _log.warning("could not look at %s after a failure: %s", checkpoint_id, unseen.cause)
            return error
        if checkpoint is None:
            return self._gone(error.cause)
        return self._explained(error, checkpoint.vm_id, errors.for_checkpoint)

    def _send(self, pipeline: Pipeline, deadline: float, on_progress: Progress | None) -> Result:
        return self._session.invoke(pipeline, deadline=deadline, change=True, on_progress=on_progress)

    def _gone(self, cause: str) -> NotFound:
        return NotFound(
            f"{self._host} does not have that VM or checkpoint any more. Nothing was changed.", f"{self._host}: {cause}"
        )

    # ------------------------------------------------------------ how a question is asked

    def _checkpoint(self, checkpoint_id: str) -> Checkpoint | None:
        try:
            found = self._read(records.checkpoints, self._pipelines.checkpoint(checkpoint_id), self._deadlines.read)
        except NotFound:
            return None
        return next((checkpoint for checkpoint in found if checkpoint.id == checkpoint_id.lower()), None)

    def _disks(self, checkpoints: Sequence[Checkpoint], vm_id: str | None = None) -> _Chains | None:
        """Disks by VM; None where the endpoint has no commands for them or the account no right to: sizes are unknown
        then, and all else goes on."""
        try:
            return self._disks_shown(checkpoints, vm_id)
        except Refused as error:
            _log.info("%s shows no disks: %s", self._host, error.cause)
            return None

    def _disks_shown(self, checkpoints: Sequence[Checkpoint], vm_id: str | None) -> _Chains:
        """A file that the host cannot open (a pass-through disk, one that another node holds) is an error record beside
        the others, not the end of the scan."""
        ask, limit = self._pipelines, self._deadlines.scan
        drives = [drive for pipeline in ask.drives(vm_id) for drive in self._scan(records.drives, pipeline, limit)]
        files = [file for pipeline in ask.files(vm_id) for file in self._scan(records.files, pipeline, limit)]
        missing = missing_parents(files)
        for _ in range(LONGEST_CHAIN):
            if not missing:
                break
            below = self._scan(records.files, ask.files_at(missing), limit)
            files += below
            missing = missing_parents(below)
        return disks_by_vm(checkpoints, drives, files)

    def _volumes(self) -> tuple[Volume, ...] | None:
        """None where WMI is not to be had: an endpoint without it, an account without the right, no answer."""
        try:
            return tuple(self._read(records.volumes, self._pipelines.volumes(), self._deadlines.volumes))
        except BackendError as error:
            _log.info("%s shows no volumes: %s", self._host, error.cause)
            return None

    def _read(self, parse: Parser[Record], pipeline: Pipeline, deadline: float) -> list[Record]:
        """Ask about one thing: any error record is an error."""
        result = self._session.invoke(pipeline, deadline=deadline)
        errors.raise_for(result, self._host, change=False)
        return self._parsed(parse, result)

    def _scan(self, parse: Parser[Record], pipeline: Pipeline, deadline: float) -> list[Record]:
        """Ask about many things: one that went away or cannot be read must not hide the others. Refused is refused."""
        result = self._session.invoke(pipeline, deadline=deadline)
        first = errors.error_for(result.errors[0], self._host, change=False) if result.errors else None
        if result.terminated or isinstance(first, Refused):
            errors.raise_for(result, self._host, change=False)
        if first is not None:
            _log.warning("%d errors in a scan of %s, the first: %s", len(result.errors), self._host, first.cause)
        return self._parsed(parse, result)

    def _parsed(self, parse: Parser[Record], result: Result) -> list[Record]:
        try:
            return parse(result.output)
        except records.Malformed as error:
            raise OperationFailed(
                f"{self._host} gave an answer that the bot does not understand. Nothing was changed. "
                "Ask whoever runs the bot to look at its log.",
                f"{self._host}: {error}",
            ) from error

    @property
    def _pipelines(self) -> Pipelines:
        with self._finding:
            if self._found is None:
                self._found = self._find()
            return self._found

    def _find(self) -> Pipelines:
        endpoint = Endpoint()
        result = self._session.invoke(endpoint.version(), deadline=self._deadlines.read)
        if errors.is_missing_command(result.errors):
            return Plain()
        errors.raise_for(result, self._host, change=False)
        version = next((one.get("Version") for one in records.objects(result.output)), None)
        if version != ENDPOINT_VERSION:
            raise Refused(
                f"The endpoint on {self._host} is of version {version}, and this bot needs {ENDPOINT_VERSION}. Nothing "
                "was changed. Run Register-CheckpointBotEndpoint.ps1 of this bot on the host.",
                f"{self._host}: endpoint version {version}",
            )
        return endpoint


def _chain(chains: _Chains | None, vm_id: str) -> tuple[Disk, ...] | None:
    return None if chains is None else chains.get(vm_id, ())
