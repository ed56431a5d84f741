"""One warm shell on a host: a pypsrp RunspacePool with one runspace, and pipelines run on it one at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from enum import Enum
from typing import Final, Self

from pypsrp.complex_objects import Command, GenericComplexObject, PSInvocationState
from pypsrp.messages import ErrorRecordMessage
from pypsrp.powershell import DEFAULT_CONFIGURATION_NAME, PowerShell, RunspacePool

from backends.hyperv.connection import HostConnection, transport
from backends.hyperv.wire import Wire
from backends.remoting import ErrorRecord, Pipeline, Result

IDLE_TIMEOUT: Final = 15 * 60
"""Seconds after which the host ends a shell that nobody uses. Its own default is two hours, too long for the shells
that a cut connection leaves behind: an account may have 30."""


CLOSE_TIMEOUT: Final = 5
"""Seconds to wait for a host to end a shell. It would end it by itself later."""


class Phase(Enum):
    """How far a pipeline has come on its way."""

    READY = "not sent yet"
    SENDING = "being sent"
    RUNNING = "taken by the host"


class Shell:
    """A shell that is opened, used by one thread at a time, and closed or cut. `cut` alone is safe from any thread.

    The methods raise whatever pypsrp, requests and spnego raise; `backends.hyperv.faults` says what it means.
    """

    def __init__(self, connection: HostConnection) -> None:
        wsman = transport(connection)
        self._transport = wsman.transport
        # Built now rather than with the first request, so that its connections can be watched from the start.
        self._transport.session = self._transport._build_session()
        self._transport.session.trust_env = False
        self._wire = Wire(self._transport.session)
        self._pool = RunspacePool(
            wsman,
            configuration_name=connection.configuration_name or DEFAULT_CONFIGURATION_NAME,
            idle_timeout=IDLE_TIMEOUT,
        )
        self.phase = Phase.READY
        self.opened = False

    def open(self) -> None:
        """Start the shell on the host: a second or two there."""
        self._pool.open()
        self.opened = True

    def alive(self, timeout: int) -> bool:
        """Whether the host still has the shell and the connection to it stands. May raise, which is as good as no."""
        return self._pool.is_alive(timeout=timeout)

    def run(self, pipeline: Pipeline, on_progress: Callable[[int], None], on_result: Callable[[Result], None]) -> None:
        """Run a pipeline and end it on the host, so that it does not count against the host's 1,000 for a shell. The
        result is handed over before the pipeline is ended: what is known is not lost if that fails."""
        shell = PowerShell(self._pool)
        for cmdlet in pipeline:
            shell.add_command(_Command(cmdlet.name, self._pool.protocol_version or ""))
            for name, value in cmdlet.parameters.items():
                shell.add_parameter(name, list(value) if isinstance(value, tuple) else value)
        self.phase = Phase.SENDING
        with self._wire.held() if self._transport.wrap_required else nullcontext():
            # A message is encrypted for the connection that it was meant for: on another the host cannot read it.
            shell.begin_invoke()
        self.phase = Phase.RUNNING
        told = 0
        while shell.state == PSInvocationState.RUNNING:
            shell.poll_invoke()
            for record in shell.streams.progress[told:]:
                on_progress(record.percent_complete)
            told = len(shell.streams.progress)
        on_result(_result(shell))
        shell.close()

    def close(self) -> None:
        """End the shell on the host and hang up."""
        self._transport.connection_timeout = self._transport.read_timeout = CLOSE_TIMEOUT
        try:
            if self.opened:
                self._pool.close()
        finally:
            self._transport.close()

    def cut(self) -> None:
        """Hang up at once, whatever is going on. The host ends the shell when its idle time is over."""
        self._wire.cut()


class _Command(Command):
    """pypsrp copies every command of a pipeline in depth, a fifth of what a call costs; none of ours is shared."""

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _result(shell: PowerShell) -> Result:
    streams = shell.streams
    return Result(
        output=tuple(shell.output),
        errors=tuple(error_record(record) for record in streams.error),
        warnings=tuple(str(record.message) for record in streams.warning),
        progress=tuple(r.percent_complete for r in streams.progress if r.percent_complete >= 0),
        terminated=shell.state == PSInvocationState.FAILED,
    )


def error_record(record: ErrorRecordMessage) -> ErrorRecord:
    """pypsrp's error record in the bot's form."""
    identity, _, command = (record.fq_error or "").partition(",")
    exception = record.exception
    properties = exception.adapted_properties if isinstance(exception, GenericComplexObject) else {}
    hresult = properties.get("HResult")
    return ErrorRecord(
        error_id=identity,
        category=_category(record.category),
        message=str(properties.get("Message") or exception or record),
        command=command,
        hresult=hresult & 0xFFFFFFFF if isinstance(hresult, int) else None,
    )


def _category(number: int | None) -> str:
    return _CATEGORIES[number] if number is not None and 0 <= number < len(_CATEGORIES) else "NotSpecified"


_CATEGORIES: Final = (
    "NotSpecified",
    "OpenError",
    "CloseError",
    "DeviceError",
    "DeadlockDetected",
    "InvalidArgument",
    "InvalidData",
    "InvalidOperation",
    "InvalidResult",
    "InvalidType",
    "MetadataError",
    "NotImplemented",
    "NotInstalled",
    "ObjectNotFound",
    "OperationStopped",
    "OperationTimeout",
    "SyntaxError",
    "ParserError",
    "PermissionDenied",
    "ResourceBusy",
    "ResourceExists",
    "ResourceUnavailable",
    "ReadError",
    "WriteError",
    "FromStdErr",
    "SecurityError",
    "ProtocolError",
    "ConnectionError",
    "AuthenticationError",
    "LimitsExceeded",
    "QuotaExceeded",
    "NotEnabled",
)
"""`System.Management.Automation.ErrorCategory` in the order of its numbers."""
