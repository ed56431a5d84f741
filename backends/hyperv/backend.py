"""`Backend` for a Hyper-V host: each call is a few cmdlet pipelines over one session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from backends.base import (
    VM,
    BackendError,
    Checkpoint,
    CheckpointType,
    Cluster,
    FolderFiles,
    HostEvents,
    HostFacts,
    HostInventory,
    NotFound,
    NotReady,
    OperationFailed,
    Progress,
    UnknownOutcome,
    VMInventory,
    VMState,
    Volume,
)
from backends.base import name as called
from backends.hyperv import errors, events, inventory, records
from backends.hyperv.deadlines import Deadlines
from backends.hyperv.pipelines import ENDPOINT_VERSION, Endpoint, Pipelines
from backends.hyperv.questions import Questions
from backends.remoting import Pipeline, Result, Session

_log = logging.getLogger(__name__)


_STARTED = frozenset({VMState.RUNNING, VMState.STARTING, VMState.RESUMING})


def _is_gone(checkpoint: Checkpoint | None) -> bool:
    return checkpoint is None


def _utc_now() -> datetime:
    return datetime.now(UTC)


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
        self._questions = Questions(host, session, self._deadlines, find_endpoint=find_endpoint)

    @property
    def host(self) -> str:
        return self._host

    # ------------------------------------------------------------ questions

    def facts(self) -> HostFacts:
        language = self._questions.language()
        found = self._pipelines
        version = found.version if isinstance(found, Endpoint) else None
        return HostFacts(self._session.greeting(), version, ENDPOINT_VERSION, language)

    def inventory(self, *, disks: bool = False) -> HostInventory:
        """All VMs with their checkpoints: two pipelines, and five more for disks and volumes (three on a JEA endpoint).
        A checkpoint whose VM appeared in between is left out; what the host reported an error for is `unreadable`."""
        return inventory.of_host(self._questions, self._now(), disks=disks)

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        return inventory.of_vm(self._questions, vm_id, disks=disks)

    def volumes_of(self, vm_id: str) -> tuple[Volume, ...] | None:
        return inventory.volumes_of(self._questions, vm_id)

    def events(self, since: datetime) -> HostEvents:
        """Two pipelines on the bot's endpoint and six on a plain one, however many VMs there are."""
        return events.of_host(self._questions, since)

    def cluster(self) -> Cluster:
        """Three pipelines, and one on the bot's endpoint."""
        return self._questions.cluster()

    def folder_files(self, folders: Sequence[str]) -> FolderFiles:
        return events.folder_files(self._questions, folders)

    # ------------------------------------------------------------ changes

    def create(self, vm_id: str, name: str, *, on_progress: Progress | None = None) -> Checkpoint:
        result = self._send(self._pipelines.create(vm_id, name), self._deadlines.create, on_progress)
        try:
            errors.raise_for(result, self._host, change=True)
        except NotReady as error:
            raise self._there_after_all(error, lambda: self._questions.vm(vm_id)) from error
        except OperationFailed as error:
            raise self._explained(error, vm_id, errors.for_create) from error
        return self._shown(result) or self._look_for(vm_id, name)

    def apply(self, checkpoint_id: str, *, on_progress: Progress | None = None) -> None:
        """A running VM is saved before it is put back, so what fails may have done half."""
        pipeline = self._pipelines.apply(checkpoint_id)
        self._change_checkpoint(checkpoint_id, pipeline, self._deadlines.apply, on_progress=on_progress, whole=False)

    def delete(self, checkpoint_id: str, *, subtree: bool = False, on_progress: Progress | None = None) -> None:
        pipeline = self._pipelines.delete(checkpoint_id, subtree=subtree)
        self._change_checkpoint(checkpoint_id, pipeline, self._deadlines.delete, on_progress=on_progress, done=_is_gone)

    def rename(self, checkpoint_id: str, name: str) -> None:
        pipeline, limit = self._pipelines.rename(checkpoint_id, name), self._deadlines.change
        self._change_checkpoint(checkpoint_id, pipeline, limit, done=lambda one: one is None or one.name == name)

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

        def done(vm: VM) -> bool:
            return (checkpoint_type in (None, vm.checkpoint_type)) and automatic in (None, vm.automatic_checkpoints)

        self._change_vm(vm_id, pipeline, self._deadlines.change, done)

    def start(self, vm_id: str) -> None:
        self._change_vm(vm_id, self._pipelines.start(vm_id), self._deadlines.power, lambda vm: vm.state in _STARTED)

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
        done: Callable[[Checkpoint | None], bool] = lambda _: True,
        whole: bool = True,
    ) -> None:
        """Send a change of one checkpoint. A host that says nothing at all is looked at, and has to show that it is
        `done`: whether `Get-VMSnapshot -Id` complains of an id that it does not know is not documented."""
        result = self._send(pipeline, deadline, on_progress)
        try:
            errors.raise_for(result, self._host, change=True, whole=whole)
        except (NotFound, NotReady) as error:
            raise self._there_after_all(error, lambda: self._found(checkpoint_id)) from error
        except OperationFailed as error:
            raise self._explained_for_checkpoint(error, checkpoint_id) from error
        if result.output:
            return
        found = self._questions.checkpoint(checkpoint_id)
        if found is None and done is not _is_gone:
            raise errors.gone(self._host, f"{self._host}: no checkpoint {checkpoint_id}")
        if not done(found):
            raise self._nothing_said(f"change of checkpoint {checkpoint_id}")

    def _change_vm(self, vm_id: str, pipeline: Pipeline, deadline: float, done: Callable[[VM], bool]) -> None:
        result = self._send(pipeline, deadline, None)
        try:
            errors.raise_for(result, self._host, change=True)
        except NotReady as error:
            raise self._there_after_all(error, lambda: self._questions.vm(vm_id)) from error
        if not result.output and not done(self._questions.vm(vm_id)):
            raise self._nothing_said(f"change of VM {vm_id}")

    def _nothing_said(self, what: str) -> OperationFailed:
        return OperationFailed(
            f"{called(self._host)} reported nothing, and shows everything as it was. Try again.",
            f"{self._host}: {what} gave no output and no error, and is not seen to be done",
        )

    def _there_after_all(self, error: NotFound | NotReady, look: Callable[[], object]) -> BackendError:
        """What it means that the look-up before a change found nothing: that may be said of everything while the host's
        service is not up, so only a look tells what is gone. Nothing was run."""
        try:
            look()
        except NotFound as gone:
            return gone
        except BackendError as unseen:
            return errors.not_ready(self._host, f"{error.cause}; then {unseen.cause}")
        return errors.not_ready(self._host, error.cause)

    def _found(self, checkpoint_id: str) -> Checkpoint:
        found = self._questions.checkpoint(checkpoint_id)
        if found is None:
            raise errors.gone(self._host, f"{self._host}: no checkpoint {checkpoint_id}")
        return found

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
            f"{called(self._host)} reported no error, but shows no new checkpoint of that name. Look at the VM "
            "before you try again.",
            f"{self._host}: Checkpoint-VM on {vm_id} gave neither output nor error",
        )

    def _explained(
        self, error: OperationFailed, vm_id: str, explain: Callable[[OperationFailed, VMInventory, str], BackendError]
    ) -> BackendError:
        """What the failure means in the state that the VM is in now. It stays as it is when that cannot be seen."""
        try:
            return explain(error, self.vm(vm_id), self._host)
        except NotFound:
            return errors.gone(self._host, error.cause, unchanged=False)
        except BackendError as unseen:
            _log.warning("could not look at %s after a failure: %s", vm_id, unseen.cause)
            return error

    def _explained_for_checkpoint(self, error: OperationFailed, checkpoint_id: str) -> BackendError:
        try:
            checkpoint = self._questions.checkpoint(checkpoint_id)
        except BackendError as unseen:
            _log.warning("could not look at %s after a failure: %s", checkpoint_id, unseen.cause)
            return error
        if checkpoint is None:
            return errors.gone(self._host, error.cause, unchanged=False)
        return self._explained(error, checkpoint.vm_id, errors.for_checkpoint)

    def _send(self, pipeline: Pipeline, deadline: float, on_progress: Progress | None) -> Result:
        return self._session.invoke(pipeline, deadline=deadline, change=True, on_progress=on_progress)

    @property
    def _pipelines(self) -> Pipelines:
        return self._questions.pipelines
