"""Where the armed faults of the wire strike a server."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event

from backends.simulator.model.faults import Fault, FaultKind, Faults
from backends.simulator.winrm.outbox import Outbox
from backends.simulator.winrm.refusals import numbered


class BareStatus(Exception):
    """A request is answered with this HTTP status and nothing else."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Severed(Exception):
    """The connection is reset after a part of `answer`, which is empty when nothing of it leaves."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__("reset")
        self.answer = answer


class Wire:
    """Asks the armed faults at each moment where one may strike. Every wait ends when the server stops."""

    def __init__(self, faults: Faults, stopping: Event) -> None:
        self._faults = faults
        self._stopping = stopping

    def refuses_connection(self) -> bool:
        return self._faults.take(FaultKind.REFUSE_CONNECTION) is not None

    @property
    def skew(self) -> float:
        """Seconds that the host's clock is ahead."""
        wrong = self._faults.armed(FaultKind.CLOCK_SKEW)
        return wrong.seconds if wrong else 0.0

    def at_request(self) -> None:
        """A request has come, whoever sent it. Raises `BareStatus`."""
        self._delay(self._faults.take(FaultKind.LATENCY))
        self._status(self._faults.take(FaultKind.HTTP_STATUS))

    def at_message(self) -> None:
        """A message of an authenticated user has come. Raises `WSManFault`."""
        self._refuse(self._faults.take(FaultKind.WSMAN_FAULT))

    def at_pipeline(self, cmdlets: Iterable[str]) -> None:
        """A message concerns a pipeline of these cmdlets: those faults strike that name one. Raises `BareStatus` and
        `WSManFault`."""
        for cmdlet in cmdlets:
            self._delay(self._faults.take_named(FaultKind.LATENCY, cmdlet))
            self._status(self._faults.take_named(FaultKind.HTTP_STATUS, cmdlet))
            self._refuse(self._faults.take_named(FaultKind.WSMAN_FAULT, cmdlet))

    def at_shell(self) -> None:
        """A shell starts."""
        self._delay(self._faults.take(FaultKind.SLOW_SHELL))

    def before_answer(self, cmdlets: Iterable[str], outbox: Outbox) -> None:
        """The output of a pipeline is asked for. Raises `Severed` once it has run to its end, and `Closed`."""
        if self._strikes(FaultKind.RESET_BEFORE_ANSWER, cmdlets):
            outbox.wait_until_finished()
            raise Severed

    def forgets_state(self, cmdlets: Iterable[str], outbox: Outbox) -> bool:
        """The command is said to be done, once it has run to its end, and nothing else is said. Raises `Closed`."""
        struck = self._strikes(FaultKind.DONE_WITHOUT_STATE, cmdlets)
        if struck:
            outbox.wait_until_finished()
        return struck

    def on_answer(self, cmdlets: Iterable[str], answer: bytes) -> None:
        """The output of a pipeline is about to leave. Raises `Severed`."""
        if self._strikes(FaultKind.RESET_RECEIVE, cmdlets):
            raise Severed(answer)

    def _delay(self, fault: Fault | None) -> None:
        if fault:
            self._stopping.wait(fault.seconds)

    def _status(self, fault: Fault | None) -> None:
        if fault:
            raise BareStatus(fault.code or 500)

    def _refuse(self, fault: Fault | None) -> None:
        if fault:
            raise numbered(fault.code or 0)

    def _strikes(self, kind: FaultKind, cmdlets: Iterable[str]) -> bool:
        return any(self._faults.take(kind, cmdlet) is not None for cmdlet in cmdlets)
