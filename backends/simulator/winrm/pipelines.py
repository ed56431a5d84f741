"""One pipeline of a shell: it runs its statements and is the sink of their streams."""

from __future__ import annotations

import logging
from threading import Event
from uuid import UUID

from psrpcore import PowerShell
from psrpcore.types import PipelineState, ProgressRecordType, PSInvocationState, PSRPMessageType

from backends.simulator.model.errors import ErrorData
from backends.simulator.powershell.shell import Interpreter, Statement, Terminated
from backends.simulator.winrm import records, values
from backends.simulator.winrm.commands import read_statements
from backends.simulator.winrm.outbox import Outbox
from backends.simulator.winrm.runspaces import Runspaces

log = logging.getLogger(__name__)

GATHER = 0.05
"""Seconds that a Receive waits for the rest of a pipeline's answer once there is something."""


class Pipeline:
    """A `Sink` that writes to the client. It lives until the client signals `terminate`."""

    def __init__(self, pipeline_id: UUID, runspaces: Runspaces) -> None:
        self.id = pipeline_id
        self.statements: tuple[Statement, ...] = ()
        """None of them until they have come whole."""
        self.stop = Event()
        self.outbox = Outbox(GATHER)
        self._runspaces = runspaces
        self._server = runspaces.attach(pipeline_id, self.outbox)

    @property
    def cmdlets(self) -> tuple[str, ...]:
        return tuple(command.name for statement in self.statements for command in statement)

    def receive(self, fragments: bytes) -> bool:
        """Take in what a client sent; says whether the statements have come whole with it. Input for the commands is
        taken and not used. Raises `WSManFault`."""
        self._runspaces.receive(fragments)
        if self._server.metadata is None or self._server.state != PSInvocationState.NotStarted:
            return False
        # `start` would send the state to the client, which a host does only when a pipeline ends.
        self._server.state = PSInvocationState.Running
        if not isinstance(self._server.metadata, PowerShell):
            self._end(records.no_command_metadata())
            return False
        self.statements = read_statements(self._server.metadata)
        return True

    def run(self, interpreter: Interpreter, configuration: str) -> None:
        """Run to the end, and say how it ended."""
        error = None
        try:
            if not self.stop.is_set():
                interpreter.run(self.statements, self, self.stop, configuration=configuration)
        except Terminated as ended:
            error = ended.error
        except Exception as cause:
            log.exception("The interpreter broke down")
            error = records.internal_error(cause)
        self._end(error)

    def output(self, value: object) -> None:
        made = values.outgoing(value)
        with self._runspaces.writing():
            self._server.write_output(made)

    def error(self, error: ErrorData) -> None:
        made = records.error_record(error)
        with self._runspaces.writing():
            # `write_error` would make a record of its own, with a text that is not escaped.
            self._server.prepare_message(made, PSRPMessageType.ErrorRecord)

    def warning(self, text: str) -> None:
        with self._runspaces.writing():
            self._server.write_warning(values.text(text))

    def progress(self, activity: str, percent: int) -> None:
        state = ProgressRecordType.Completed if percent >= 100 else ProgressRecordType.Processing
        with self._runspaces.writing():
            self._server.write_progress(
                values.text(activity), 0, f"{percent}%", percent_complete=percent, record_type=state
            )

    def _end(self, error: ErrorData | None) -> None:
        """Say how it ended. Nothing follows."""
        with self._runspaces.writing():
            if self.stop.is_set():
                self._server.stop()
            elif error is None:
                self._server.complete()
            else:
                self._fail(error)
        self.outbox.finish()

    def _fail(self, error: ErrorData) -> None:
        """psrpcore's pipeline has no call for it."""
        self._server.state = PSInvocationState.Failed
        record = records.error_record(error)
        self._server.prepare_message(
            PipelineState(PipelineState=PSInvocationState.Failed.value, ExceptionAsErrorRecord=record)
        )
