"""A session on a simulated host in the same process: what the production session gives, without a wire in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock, Thread

from backends.base import AuthenticationFailed, Greeting, TimedOut, UnknownOutcome, Unreachable
from backends.remoting import ErrorRecord, Pipeline, Result
from backends.simulator.model.enums import EnumValue
from backends.simulator.model.errors import ErrorData
from backends.simulator.model.faults import FaultKind, Faults
from backends.simulator.powershell.endpoint import PLAIN_NAME
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.shell import Instance, Statement, Terminated
from backends.simulator.powershell.statements import statement

READ_TRIES = 2
"""A read whose answer is lost is sent once more."""


class SimulatedSession:
    """Implements `backends.remoting.Session`. The faults of the wire strike here as they would on one."""

    def __init__(
        self, shell: SimulatedPowerShell, *, configuration: str = PLAIN_NAME, faults: Faults | None = None
    ) -> None:
        self._shell = shell
        self._configuration = configuration
        self._faults = faults or shell.host.faults
        self._host = shell.host.name
        self._open = False
        self._lock = Lock()

    def invoke(
        self,
        pipeline: Pipeline,
        *,
        deadline: float,
        change: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Result:
        ends = time.monotonic() + deadline
        commands_sent = statement(pipeline)
        commands = [one.name for one in pipeline]
        for _ in range(1 if change else READ_TRIES):
            self._connect(ends)
            self._before(commands)
            run = _Run(self._shell, commands_sent, self._configuration, on_progress)
            if not run.wait(ends - time.monotonic()):
                raise self._lost(change, "the host did not answer in time", timed_out=True)
            if not self._answer_is_lost(commands):
                return run.result()
        raise self._lost(change, "the connection was reset before the answer")

    def greeting(self) -> Greeting:
        return Greeting(powershell=self._shell.host.spec.powershell)

    def end_lost_calls(self) -> None:
        """A call whose time is up is stopped at once here, and any other has run to its end."""

    def close(self) -> None:
        with self._lock:
            self._open = False

    def _connect(self, ends: float) -> None:
        with self._lock:
            if self._faults.take(FaultKind.REFUSE_CONNECTION):
                raise Unreachable(f"{self._host} cannot be reached.", "connection refused")
            if not self._shell.has_configuration(self._configuration):
                cause = f"no session configuration {self._configuration}"
                raise Unreachable(f"{self._host} has no endpoint {self._configuration}.", cause)
            if not self._open:
                self._delay(FaultKind.SLOW_SHELL, ends)
                self._open = True

    def _before(self, commands: list[str]) -> None:
        for command in commands:
            status = self._faults.take(FaultKind.HTTP_STATUS, command)
            fault = status or self._faults.take(FaultKind.WSMAN_FAULT, command)
            if status and status.code == 401:
                raise AuthenticationFailed(f"{self._host} refused the account.", "HTTP 401")
            if fault:
                self.close()
                cause = f"{fault.kind} {fault.code}"
                raise Unreachable(f"{self._host} did not take the request.", cause)
            latency = self._faults.take(FaultKind.LATENCY, command)
            if latency:
                time.sleep(latency.seconds)

    def _delay(self, kind: FaultKind, ends: float) -> None:
        fault = self._faults.take(kind)
        if not fault:
            return
        left = ends - time.monotonic()
        time.sleep(max(0.0, min(left, fault.seconds)))
        if fault.seconds > left:
            raise Unreachable(f"{self._host} did not open a shell in time.", "shell start")

    def _answer_is_lost(self, commands: list[str]) -> bool:
        kinds = (FaultKind.RESET_RECEIVE, FaultKind.RESET_BEFORE_ANSWER)
        lost = any(self._faults.take(kind, command) for kind in kinds for command in commands)
        if lost:
            self.close()
        return lost

    def _lost(self, change: bool, cause: str, *, timed_out: bool = False) -> Exception:
        if change:
            return UnknownOutcome(f"The connection to {self._host} was lost: the outcome is not known yet.", cause)
        if timed_out:
            return TimedOut(f"{self._host} did not answer in time.", cause)
        return Unreachable(f"The connection to {self._host} was lost.", cause)


class _Run:
    """One pipeline under way in a thread of its own; what it writes is collected. It is the pipeline's `Sink`."""

    def __init__(
        self,
        shell: SimulatedPowerShell,
        commands: Statement,
        configuration: str,
        on_progress: Callable[[int], None] | None,
    ) -> None:
        self._output: list[object] = []
        self._errors: list[ErrorRecord] = []
        self._warnings: list[str] = []
        self._progress: list[int] = []
        self._terminated = False
        self._failure: BaseException | None = None
        self._on_progress = on_progress
        self._stop = Event()
        self._thread = Thread(target=self._work, args=(shell, commands, configuration), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether it is over within that time; if not, it is asked to stop."""
        self._thread.join(max(0.0, seconds))
        if self._thread.is_alive():
            self._stop.set()
            return False
        return True

    def result(self) -> Result:
        if self._failure:
            raise self._failure
        return Result(
            tuple(self._output), tuple(self._errors), tuple(self._warnings), tuple(self._progress), self._terminated
        )

    def output(self, value: object) -> None:
        self._output.append(plain(value))

    def error(self, error: ErrorData) -> None:
        self._errors.append(error_record(error))

    def warning(self, text: str) -> None:
        self._warnings.append(text)

    def progress(self, _activity: str, percent: int) -> None:
        self._progress.append(percent)
        if self._on_progress:
            self._on_progress(percent)

    def _work(self, shell: SimulatedPowerShell, commands: Statement, configuration: str) -> None:
        try:
            shell.run((commands,), self, self._stop, configuration=configuration)
        except Terminated as end:
            self._errors.append(error_record(end.error))
            self._terminated = True
        except BaseException as failure:
            self._failure = failure


def error_record(error: ErrorData) -> ErrorRecord:
    """The error as the production session reads it off the wire."""
    error_id, _, command = error.error_id.partition(",")
    hresult = error.hresult & 0xFFFFFFFF
    return ErrorRecord(error_id, error.category_name, error.message, command, hresult, error.target or "")


def plain(value: object) -> object:
    """An object of a pipeline as plain values: an enum its number, an object its properties."""
    if isinstance(value, EnumValue):
        return value.number
    if isinstance(value, Instance):
        return {name: plain(inner) for name, inner in value.properties.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
