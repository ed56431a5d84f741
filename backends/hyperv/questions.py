"""How a host is asked: one thing or many, on which endpoint, and what "not there" means."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Generic, TypeVar

from backends.base import VM, Checkpoint, Cluster, NotFound, NotReady, OperationFailed, Refused, name
from backends.hyperv import errors, records
from backends.hyperv.deadlines import Deadlines
from backends.hyperv.pipelines import ENDPOINT_VERSION, OLDEST_ENDPOINT, Endpoint, Pipelines, Plain
from backends.remoting import ErrorRecord, Pipeline, Result, Session

_log = logging.getLogger(__name__)

Record = TypeVar("Record")
Parser = Callable[[Iterable[object]], list[Record]]


@dataclass(frozen=True, slots=True)
class Scan(Generic[Record]):
    """What a host shows of many things, and the errors that stand beside."""

    records: list[Record]
    errors: tuple[ErrorRecord, ...] = ()
    nameless: int = 0
    """Objects without an id, which are not among the records."""


class Questions:
    """Asks one host through `session`; with `find_endpoint` the first of all is whether it offers the bot's own."""

    def __init__(self, host: str, session: Session, deadlines: Deadlines, *, find_endpoint: bool) -> None:
        self._host = host
        self._session = session
        self.deadlines = deadlines
        self._found: Pipelines | None = None if find_endpoint else Plain()
        self._finding = Lock()

    @property
    def host(self) -> str:
        return self._host

    def vms(self, deadline: float) -> Scan[VM]:
        """All VMs. Raises for a host that gives errors in their place."""
        nameless: list[records.Json] = []
        shown = self.scan(lambda out: records.vms(out, self._host, nameless), self.pipelines.vms(), deadline)
        if shown.errors and not shown.records:
            raise errors.error_for(shown.errors[0], self._host, change=False)
        return replace(shown, nameless=len(nameless))

    def vm(self, vm_id: str) -> VM:
        """One VM. Raises `NotFound` when the host shows that it is not there, and `NotReady` when it does not."""
        try:
            found = self._vm(vm_id)
        except NotReady as doubt:
            found = self._vm_now(vm_id, doubt)
        vm = next((vm for vm in found if vm.id == vm_id.lower()), None)
        if vm is None:
            raise errors.gone(self._host, f"{self._host}: no VM {vm_id}")
        return vm

    def checkpoints(self, vm_id: str) -> Scan[Checkpoint]:
        """Those of one VM."""
        nameless: list[records.Json] = []
        pipeline = self.pipelines.checkpoints(vm_id)
        shown = self.read(lambda out: records.checkpoints(out, nameless), pipeline, self.deadlines.read)
        return Scan(shown, nameless=len(nameless))

    def checkpoint(self, checkpoint_id: str) -> Checkpoint | None:
        """None when the host shows that it is not there. Raises `NotReady` when it does not."""
        try:
            found = self._checkpoint(checkpoint_id)
        except NotFound:
            # A host whose service is down says so of everything: only one that shows its VMs is believed.
            self.vms(self.deadlines.read)
            try:
                found = self._checkpoint(checkpoint_id)
            except NotFound:
                return None
        return next((one for one in found if one.id == checkpoint_id.lower()), None)

    def language(self) -> str | None:
        """That of the host's messages; None where its endpoint does not tell."""
        pipeline = self.pipelines.culture()
        shown = self.read(lambda said: list(records.objects(said)), pipeline, self.deadlines.read) if pipeline else []
        return next((str(one["Name"]) for one in shown if one.get("Name")), None)

    def cluster(self) -> Cluster:
        """The cluster that the host is a node of. Raises `Refused` where it cannot be seen, and `OperationFailed`
        where there is none."""
        pipelines = self.pipelines.cluster()
        if pipelines is None:
            raise errors.too_old(self._host)
        output: list[object] = []
        for pipeline in pipelines:
            result = self._session.invoke(pipeline, deadline=self.deadlines.read)
            if result.errors or result.terminated:
                raise errors.no_cluster(result, self._host)
            output += result.output
        found = Result(tuple(output))
        return Cluster(
            tuple(self._parsed(records.nodes, found)),
            dict(self._parsed(records.owners, found)),
            tuple(self._parsed(records.shared_volumes, found)),
            tuple(self._parsed(records.trouble_of_shared_volumes, found)),
        )

    def read(self, parse: Parser[Record], pipeline: Pipeline, deadline: float) -> list[Record]:
        """Ask about one thing: any error record is an error."""
        result = self._session.invoke(pipeline, deadline=deadline)
        errors.raise_for(result, self._host, change=False)
        return self._parsed(parse, result)

    def scan(self, parse: Parser[Record], pipeline: Pipeline, deadline: float, *, usual: str = "") -> Scan[Record]:
        """Ask about many things: one that went away or cannot be read must not hide the others. An error of the id
        `usual` is nothing for the log. Raises for a pipeline that broke off."""
        result = self._session.invoke(pipeline, deadline=deadline)
        if result.terminated:
            errors.raise_for(result, self._host, change=False)
        if unusual := [error for error in result.errors if error.error_id != usual]:
            first = errors.error_for(unusual[0], self._host, change=False)
            _log.warning("%d errors in a scan of %s, the first: %s", len(unusual), self._host, first.cause)
        return Scan(self._parsed(parse, result), result.errors)

    @property
    def pipelines(self) -> Pipelines:
        """How this host is asked. Raises `BackendError` while that is not known."""
        with self._finding:
            if self._found is None:
                self._found = self._find()
            return self._found

    # ------------------------------------------------------------ what "not there" means

    def _vm(self, vm_id: str) -> list[VM]:
        return self.read(self._vms, self.pipelines.vms(vm_id), self.deadlines.read)

    def _vm_now(self, vm_id: str, doubt: NotReady) -> list[VM]:
        """The same once more, of a host that shows its VMs: what is not among them is not there."""
        shown = self.vms(self.deadlines.read)
        if any(vm.id == vm_id.lower() for vm in shown.records):
            return self._vm(vm_id)
        if shown.errors or shown.nameless:
            raise doubt
        raise errors.gone(self._host, doubt.cause) from doubt

    def _checkpoint(self, checkpoint_id: str) -> list[Checkpoint]:
        return self.read(records.checkpoints, self.pipelines.checkpoint(checkpoint_id), self.deadlines.read)

    def _vms(self, output: Iterable[object]) -> list[VM]:
        return records.vms(output, self._host)

    # ------------------------------------------------------------ answers, and which endpoint gives them

    def _parsed(self, parse: Parser[Record], result: Result) -> list[Record]:
        try:
            return parse(result.output)
        except records.Malformed as error:
            raise OperationFailed(
                f"{name(self._host)} gave an answer that the bot does not understand. Ask whoever runs the bot to "
                "look at its log.",
                f"{self._host}: {error}",
                unchanged=True,
            ) from error

    def _find(self) -> Pipelines:
        result = self._session.invoke(Endpoint().version_of(), deadline=self.deadlines.read)
        if errors.is_missing_command(result.errors):
            return Plain()
        errors.raise_for(result, self._host, change=False)
        version = next((one.get("Version") for one in records.objects(result.output)), None)
        if not isinstance(version, int) or not OLDEST_ENDPOINT <= version <= ENDPOINT_VERSION:
            raise Refused(
                f"The endpoint on {name(self._host)} is of version {version}, and this bot needs "
                f"{ENDPOINT_VERSION}. Run Register-CheckpointBotEndpoint.ps1 of this bot on the host.",
                f"{self._host}: endpoint version {version}",
                unchanged=True,
            )
        return Endpoint(version)
