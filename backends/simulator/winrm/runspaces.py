"""PSRP on the server's side: the runspace pool of one shell, with one outbox a pipeline.

psrpcore negotiates the pool and writes the records; what every pipeline needs, its commands, output and state, is
read and written here, because psrpcore takes longer for it than the rest of a request together.
"""

from __future__ import annotations

import itertools
from threading import Lock
from typing import Any
from uuid import UUID

from psrpcore import (
    GetAvailableRunspacesEvent,
    PSRPEvent,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import PipelineState, PSInvocationState, PSObject, PSRPMessageType, PSVersion

from backends.simulator.shell import ErrorData
from backends.simulator.winrm import clixml_out, records
from backends.simulator.winrm.fragments import FRAGMENT, MessageType, to_client
from backends.simulator.winrm.outbox import Outbox
from backends.simulator.winrm.refusals import invalid_message

GATHER = 0.05
"""Seconds that a Receive waits for the rest of a pipeline's answer once there is something."""
_STATE = '<Obj RefId="0"><MS><I32 N="PipelineState">{}</I32></MS></Obj>'


class Runspaces:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._pool = ServerRunspacePool(application_private_data={"PSVersionTable": _version_table()})
        self._lock = Lock()
        self._object_ids = itertools.count(1)
        self._pool_outbox = Outbox()
        self._outboxes: dict[UUID, Outbox] = {}

    @property
    def limit(self) -> int:
        """How many pipelines run at the same time, as the client asked."""
        return max(1, self._pool.max_runspaces)

    def outbox(self, pipeline_id: UUID | None) -> Outbox:
        """What waits for a pipeline's client, or with None for the pool's. Raises `KeyError`."""
        return self._pool_outbox if pipeline_id is None else self._outboxes[pipeline_id]

    def attach(self, pipeline_id: UUID) -> None:
        """Make room for what a pipeline will write."""
        self._outboxes[pipeline_id] = Outbox(GATHER)

    def detach(self, pipeline_id: UUID) -> None:
        """What the pipeline still writes is dropped."""
        self._outboxes.pop(pipeline_id).close()

    def close(self) -> None:
        for outbox in (self._pool_outbox, *tuple(self._outboxes.values())):
            outbox.close()

    def receive(self, fragments: bytes) -> None:
        """Take in what a client sent for the pool. Raises `WSManFault` for what psrpcore cannot read."""
        with self._lock:
            try:
                self._pool.receive_data(PSRPPayload(fragments, StreamType.default, None))
                for event in iter(self._pool.next_event, None):
                    self._respond(event)
            except Exception as cause:
                # psrpcore gives bad input no error of its own: struct, XML, type and key errors come out as they are.
                raise invalid_message() from cause
            finally:
                self._post()

    def output(self, pipeline_id: UUID, value: object) -> None:
        self._write(pipeline_id, MessageType.PIPELINE_OUTPUT, clixml_out.serialize(value))

    def error(self, pipeline_id: UUID, error: ErrorData) -> None:
        self._record(pipeline_id, records.error_record(error), PSRPMessageType.ErrorRecord)

    def warning(self, pipeline_id: UUID, text: str) -> None:
        self._record(pipeline_id, records.warning_record(text), PSRPMessageType.WarningRecord)

    def progress(self, pipeline_id: UUID, activity: str, percent: int) -> None:
        self._record(pipeline_id, records.progress_record(activity, percent), PSRPMessageType.ProgressRecord)

    def end(self, pipeline_id: UUID, state: PSInvocationState, error: ErrorData | None = None) -> None:
        """Say how the pipeline ended. Nothing follows."""
        if error is None:
            self._write(pipeline_id, MessageType.PIPELINE_STATE, _STATE.format(state.value).encode())
        else:
            record = records.error_record(error)
            message = PipelineState(PipelineState=state.value, ExceptionAsErrorRecord=record)
            self._record(pipeline_id, message, PSRPMessageType.PipelineState)
        if outbox := self._outboxes.get(pipeline_id):
            outbox.finish()

    def _respond(self, event: PSRPEvent[Any, Any]) -> None:
        match event:
            case GetAvailableRunspacesEvent(ci=ci):
                running = sum(not outbox.finished for outbox in tuple(self._outboxes.values()))
                self._pool.runspace_availability_response(ci, max(0, self.limit - running))
            case SetMaxRunspacesEvent(ci=ci) | SetMinRunspacesEvent(ci=ci) | ResetRunspaceStateEvent(ci=ci):
                self._pool.runspace_availability_response(ci, True)

    def _record(self, pipeline_id: UUID, message: PSObject, kind: PSRPMessageType) -> None:
        with self._lock:
            self._pool.prepare_message(message, kind, pipeline_id)
            self._post()

    def _post(self) -> None:
        """Move what psrpcore has ready into the outboxes, with object ids of our own."""
        while payload := self._pool.data_to_send():
            rest = memoryview(payload.data)
            while rest:
                length = FRAGMENT.unpack_from(rest)[-1]
                self._put(payload.pipeline_id, bytes(rest[FRAGMENT.size : FRAGMENT.size + length]))
                rest = rest[FRAGMENT.size + length :]

    def _write(self, pipeline_id: UUID, kind: MessageType, data: bytes) -> None:
        self._put(pipeline_id, to_client(kind, self._pool.runspace_pool_id, pipeline_id, data))

    def _put(self, pipeline_id: UUID | None, message: bytes) -> None:
        outbox = self._pool_outbox if pipeline_id is None else self._outboxes.get(pipeline_id)
        if outbox is not None:
            outbox.put(next(self._object_ids), message)


def _version_table() -> dict[str, object]:
    """`$PSVersionTable` of Windows Server 2022, as a client gets it when it opens a pool."""
    return {
        "PSVersion": PSVersion("5.1.20348.2700"),
        "PSEdition": "Desktop",
        "PSCompatibleVersions": [PSVersion(v) for v in ("1.0", "2.0", "3.0", "4.0", "5.0", "5.1.20348.2700")],
        "CLRVersion": PSVersion("4.0.30319.42000"),
        "BuildVersion": PSVersion("10.0.20348.2700"),
        "WSManStackVersion": PSVersion("3.0"),
    }
