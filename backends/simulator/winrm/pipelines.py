"""One pipeline of a shell: it runs its statements and is the sink of their streams."""

from __future__ import annotations

import logging
from threading import Event
from uuid import UUID

from psrpcore.types import PSInvocationState

from backends.simulator.shell import ErrorData, Interpreter, Statement, Terminated
from backends.simulator.winrm import records
from backends.simulator.winrm.commands import read_statements
from backends.simulator.winrm.fragments import Defragmenter, Message, MessageType
from backends.simulator.winrm.refusals import invalid_message
from backends.simulator.winrm.runspaces import Runspaces

log = logging.getLogger(__name__)


class Pipeline:
    """A `Sink` that writes to the client. It lives until the client signals `terminate`."""

    def __init__(self, pipeline_id: UUID, runspaces: Runspaces) -> None:
        self.id = pipeline_id
        self.statements: tuple[Statement, ...] = ()
        """None of them until they have come whole."""
        self.stop = Event()
        self._runspaces = runspaces
        self._incoming = Defragmenter()

    @property
    def cmdlets(self) -> tuple[str, ...]:
        return tuple(command.name for statement in self.statements for command in statement)

    def run(self, interpreter: Interpreter, configuration: str) -> None:
        """Run to the end, and say how it ended."""
        state, error = PSInvocationState.Completed, None
        try:
            if not self.stop.is_set():
                interpreter.run(self.statements, self, self.stop, configuration=configuration)
        except Terminated as ended:
            state, error = PSInvocationState.Failed, ended.error
        except Exception as cause:
            log.exception("The interpreter broke down")
            state, error = PSInvocationState.Failed, records.internal_error(cause)
        if self.stop.is_set():
            state, error = PSInvocationState.Stopped, records.stopped()
        self._runspaces.end(self.id, state, error)

    def receive(self, fragments: bytes) -> bool:
        """Take in what a client sent; says whether the statements have come whole with it. Input for the commands is
        taken and not used. Raises `WSManFault`."""
        try:
            messages = self._incoming.feed(fragments)
            for message in messages:
                self._read(message)
        except ValueError as cause:
            raise invalid_message() from cause
        return any(message.kind == MessageType.CREATE_PIPELINE for message in messages)

    def output(self, value: object) -> None:
        self._runspaces.output(self.id, value)

    def error(self, error: ErrorData) -> None:
        self._runspaces.error(self.id, error)

    def warning(self, text: str) -> None:
        self._runspaces.warning(self.id, text)

    def progress(self, activity: str, percent: int) -> None:
        self._runspaces.progress(self.id, activity, percent)

    def _read(self, message: Message) -> None:
        if message.kind == MessageType.CREATE_PIPELINE:
            self.statements = read_statements(message.data)
        elif message.kind == MessageType.GET_COMMAND_METADATA:
            self._runspaces.end(self.id, PSInvocationState.Failed, records.no_command_metadata())
