"""PSRP on the server's side: psrpcore's runspace pool made safe for many threads, with one outbox a pipeline.

psrpcore reads what clients send and writes records and states; output, which is most of the bytes, is written by
`clixml`. Messages leave whole, and are cut to the client's size when they are received.
"""

from __future__ import annotations

import itertools
import struct
from threading import RLock
from typing import Any
from uuid import UUID

from psrpcore import (
    CreatePipelineEvent,
    GetAvailableRunspacesEvent,
    GetCommandMetadataEvent,
    PowerShell,
    PSRPEvent,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerPipeline,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import PipelineState, PSInvocationState, PSObject, PSRPMessageType, PSVersion

from backends.simulator.shell import ErrorData, Statement
from backends.simulator.winrm import clixml, records
from backends.simulator.winrm.commands import read_statements
from backends.simulator.winrm.outbox import FRAGMENT, Outbox
from backends.simulator.winrm.refusals import invalid_message

GATHER = 0.05
"""Seconds that a Receive waits for the rest of a pipeline's answer once there is something."""
TO_CLIENT = 1
_HEADER = struct.Struct("<II16s16s")
"""Destination, message type, runspace pool, pipeline: MS-PSRP 2.2.1."""


class Runspaces:
    """The runspace pool of one shell."""

    def __init__(self) -> None:
        self._pool = ServerRunspacePool(application_private_data={"PSVersionTable": _version_table()})
        self._lock = RLock()
        self._object_ids = itertools.count(1)
        self._outboxes: dict[UUID | None, Outbox] = {None: Outbox()}

    @property
    def limit(self) -> int:
        """How many pipelines run at the same time, as the client asked."""
        return max(1, self._pool.max_runspaces)

    def outbox(self, pipeline_id: UUID | None = None) -> Outbox:
        """What waits for a pipeline's client, or with None for the pool's."""
        return self._outboxes[pipeline_id]

    def attach(self, pipeline_id: UUID) -> None:
        """Make room for a pipeline, before its first fragment."""
        with self._lock:
            ServerPipeline(self._pool, pipeline_id)
            self._outboxes[pipeline_id] = Outbox(GATHER)

    def detach(self, pipeline_id: UUID) -> None:
        with self._lock:
            self._pool.pipeline_table.pop(pipeline_id, None)
            self._outboxes.pop(pipeline_id).close()

    def close(self) -> None:
        with self._lock:
            for outbox in self._outboxes.values():
                outbox.close()

    def receive(self, fragments: bytes, pipeline_id: UUID | None = None) -> list[tuple[Statement, ...] | None]:
        """Take in what a client sent. Gives the statements of each pipeline that has come whole, and None for a
        request for command metadata. Raises `WSManFault` for fragments that are none."""
        with self._lock:
            try:
                self._pool.receive_data(PSRPPayload(fragments, StreamType.default, pipeline_id))
                found = [self._read(event) for event in iter(self._pool.next_event, None)]
            except Exception as cause:
                # psrpcore gives bad input no error of its own: struct, XML, type and key errors come out as they are.
                raise invalid_message() from cause
            finally:
                self._post()
        return [pipeline for pipeline in found if not isinstance(pipeline, PSRPEvent)]

    def output(self, pipeline_id: UUID, value: object) -> None:
        kind = PSRPMessageType.PipelineOutput.value
        header = _HEADER.pack(TO_CLIENT, kind, self._pool.runspace_pool_id.bytes_le, pipeline_id.bytes_le)
        self._put(pipeline_id, header + clixml.serialize(value))

    def error(self, pipeline_id: UUID, error: ErrorData) -> None:
        self._send(pipeline_id, records.error_record(error), PSRPMessageType.ErrorRecord)

    def warning(self, pipeline_id: UUID, text: str) -> None:
        self._send(pipeline_id, records.warning_record(text), PSRPMessageType.WarningRecord)

    def progress(self, pipeline_id: UUID, activity: str, percent: int) -> None:
        self._send(pipeline_id, records.progress_record(activity, percent), PSRPMessageType.ProgressRecord)

    def end(self, pipeline_id: UUID, state: PSInvocationState, error: ErrorData | None = None) -> None:
        """Say how the pipeline ended. Nothing follows."""
        message = PipelineState(PipelineState=state.value)
        if error is not None:
            message.ExceptionAsErrorRecord = records.error_record(error)
        self._send(pipeline_id, message, PSRPMessageType.PipelineState)
        if outbox := self._outboxes.get(pipeline_id):
            outbox.finish()

    def _read(self, event: PSRPEvent[Any, Any]) -> tuple[Statement, ...] | PSRPEvent[Any, Any] | None:
        match event:
            case CreatePipelineEvent(pipeline=PowerShell() as pipeline):
                return read_statements(pipeline)
            case CreatePipelineEvent() | GetCommandMetadataEvent():
                return None
            case GetAvailableRunspacesEvent(ci=ci):
                self._pool.runspace_availability_response(ci, self.limit - len(self._pool.pipeline_table))
            case SetMaxRunspacesEvent(ci=ci) | SetMinRunspacesEvent(ci=ci) | ResetRunspaceStateEvent(ci=ci):
                self._pool.runspace_availability_response(ci, True)
        return event

    def _send(self, pipeline_id: UUID, message: PSObject, kind: PSRPMessageType) -> None:
        with self._lock:
            self._pool.prepare_message(message, kind, pipeline_id)
            self._post()

    def _post(self) -> None:
        """Move what psrpcore has ready into the outboxes."""
        while payload := self._pool.data_to_send():
            rest = memoryview(payload.data)
            while rest:
                length = FRAGMENT.unpack_from(rest)[-1]
                self._put(payload.pipeline_id, bytes(rest[FRAGMENT.size : FRAGMENT.size + length]))
                rest = rest[FRAGMENT.size + length :]

    def _put(self, pipeline_id: UUID | None, message: bytes) -> None:
        if outbox := self._outboxes.get(pipeline_id):
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
