"""The runspace pool of one shell: psrpcore's, made safe for many threads, with one outbox a pipeline."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any, Final
from uuid import UUID
from xml.etree import ElementTree

from psrpcore import (
    CreatePipelineEvent,
    GetAvailableRunspacesEvent,
    PSRPEvent,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerPipeline,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import (
    PSCryptoProvider,
    PSInvocationState,
    PSRPMessageType,
    PSVersion,
    add_note_property,
    deserialize,
)

from backends.simulator.winrm.outbox import Outbox
from backends.simulator.winrm.refusals import invalid_message

_HEADER = struct.Struct(">17xI")
"""The length in the header of a fragment (MS-PSRP 2.2.4)."""


REMEMBERED: Final = 256
SECRET: Final = b"<SS"
"""What begins a text that only this pool can read, by MS-PSRP 2.2.5.1.24."""


class _Pool(ServerRunspacePool):
    """Reads the identifier of a call as clients of both spellings send it, `ci` and `CI`: PowerShell takes either. It
    reads a pipeline once for all calls that are the same: psrpcore takes longer for that than the host to run it.

    psrpcore finds its methods by the names of messages.
    """

    def _process_message(self, message: Any) -> PSRPEvent[Any, Any]:
        if message.message_type != PSRPMessageType.CreatePipeline or SECRET in message.data:
            return super()._process_message(message)
        read = _read(bytes(message.data))
        event = CreatePipelineEvent(message.message_type, read, message.runspace_pool_id, message.pipeline_id)
        self._process_CreatePipeline(event)
        return event

    def _process_SetMaxRunspaces(self, event: SetMaxRunspacesEvent) -> None:  # noqa: N802
        _name_call(event)
        super()._process_SetMaxRunspaces(event)

    def _process_SetMinRunspaces(self, event: SetMinRunspacesEvent) -> None:  # noqa: N802
        _name_call(event)
        super()._process_SetMinRunspaces(event)


@lru_cache(REMEMBERED)
def _read(pipeline: bytes) -> Any:
    return deserialize(ElementTree.fromstring(pipeline), PSCryptoProvider())  # noqa: S314 - as psrpcore reads it


def _name_call(event: SetMaxRunspacesEvent | SetMinRunspacesEvent) -> None:
    message = event._ps_object
    if (call := getattr(message, "CI", None)) is not None:
        add_note_property(message, "ci", call, force=True)


class Runspaces:
    """`fragment_bytes` is the size of the largest fragment that is sent."""

    def __init__(self, fragment_bytes: int) -> None:
        self._pool = _Pool(application_private_data={"PSVersionTable": _version_table()})
        self._fragment_bytes = fragment_bytes
        self._lock = Lock()
        self.outbox = Outbox()
        """What waits for the client beside the pipelines."""
        self._outboxes: dict[UUID | None, Outbox] = {None: self.outbox}

    @property
    def limit(self) -> int:
        """How many pipelines run at the same time, as the client asked."""
        return max(1, self._pool.max_runspaces)

    def attach(self, pipeline_id: UUID, outbox: Outbox) -> ServerPipeline:
        """A new pipeline, which is to be written to inside `writing`."""
        with self._lock:
            self._outboxes[pipeline_id] = outbox
            return ServerPipeline(self._pool, pipeline_id)

    def detach(self, pipeline_id: UUID) -> None:
        """What the pipeline still writes is dropped."""
        with self._lock:
            self._pool.pipeline_table.pop(pipeline_id, None)
            self._outboxes.pop(pipeline_id).close()

    def close(self) -> None:
        with self._lock:
            for outbox in self._outboxes.values():
                outbox.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written to pipelines within goes to their outboxes."""
        with self._lock:
            yield
            while payload := self._pool.data_to_send(self._fragment_bytes):
                if outbox := self._outboxes.get(payload.pipeline_id):
                    outbox.put(payload.data)

    def receive(self, fragments: bytes) -> None:
        """Take in what a client sent, for the pool or a pipeline. Raises `WSManFault` for what psrpcore cannot read;
        the pool goes on with what comes next."""
        if not _are_whole(fragments):
            raise invalid_message()
        unreadable: Exception | None = None
        with self.writing():
            self._pool.receive_data(PSRPPayload(fragments, StreamType.default, None))
            while True:
                try:
                    event = self._pool.next_event()
                except Exception as cause:
                    # psrpcore gives bad input no error of its own: struct, XML, type and key errors come as they are.
                    unreadable = cause
                    continue
                if event is None:
                    break
                self._respond(event)
        if unreadable is not None:
            raise invalid_message() from unreadable

    def _respond(self, event: PSRPEvent[Any, Any]) -> None:
        match event:
            case GetAvailableRunspacesEvent(ci=ci):
                pipelines = self._pool.pipeline_table.values()
                running = sum(pipeline.state == PSInvocationState.Running for pipeline in pipelines)
                self._pool.runspace_availability_response(ci, max(0, self.limit - running))
            case SetMaxRunspacesEvent(ci=ci) | SetMinRunspacesEvent(ci=ci) | ResetRunspaceStateEvent(ci=ci):
                self._pool.runspace_availability_response(ci, True)


def _are_whole(fragments: bytes) -> bool:
    """psrpcore keeps less than a header for good, and reads everything that comes later as its continuation."""
    rest = memoryview(fragments)
    while len(rest) >= _HEADER.size:
        rest = rest[_HEADER.size + _HEADER.unpack_from(rest)[0] :]
    return not rest


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
