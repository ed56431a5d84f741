"""The PowerShell of a simulated host: finds commands, binds parameters and lets objects stream down the pipeline."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock

from backends.simulator.model.errors import Case, Category, HostError, ShellError, from_hresult
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.binding.command_line import Binding, bind_command_line, choose_set
from backends.simulator.powershell.binding.piped import bind_piped
from backends.simulator.powershell.cmdlets.registry import Command as Runnable
from backends.simulator.powershell.cmdlets.registry import WholeInput
from backends.simulator.powershell.endpoint import PLAIN_NAME, Configuration, plain_configuration
from backends.simulator.powershell.objects.base import finished
from backends.simulator.powershell.runtime import Call, Stage, Stopped
from backends.simulator.powershell.shell import Command, Sink, Statement, Terminated

LOCAL_NAMES = (".", "localhost", "127.0.0.1")
PARSE_EXCEPTION = "System.Management.Automation.ParseException"
RUNTIME_EXCEPTION = "System.Management.Automation.RuntimeException"
HYPERV_MODULE = "Hyper-V"
LOGGED = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One command that ran: when, which, with what."""

    at: float
    command: str
    parameters: Mapping[str, object]


class CommandLog:
    """The last commands that ran on a host, and how many pipelines. Safe to use from many threads."""

    def __init__(self, timer: Callable[[], float] = time.time) -> None:
        self._timer = timer
        self._seen: deque[Seen] = deque(maxlen=LOGGED)
        self._lock = Lock()
        self.pipelines = 0

    def add_pipeline(self) -> None:
        with self._lock:
            self.pipelines += 1

    def add(self, command: str, parameters: Mapping[str, object]) -> None:
        with self._lock:
            self._seen.append(Seen(self._timer(), command, parameters))

    def seen(self, *commands: str) -> list[Seen]:
        """The entries of these commands, or all."""
        wanted = {one.casefold() for one in commands}
        with self._lock:
            return [one for one in self._seen if not wanted or one.command.casefold() in wanted]


class SimulatedPowerShell:
    """Implements `backends.simulator.powershell.shell.Interpreter` over one host. Safe to use from many threads."""

    def __init__(
        self,
        host: SimulatedHost,
        configurations: Sequence[Configuration] | None = None,
        *,
        timer: Callable[[], float] = time.time,
    ) -> None:
        self.host = host
        self.log = CommandLog(timer)
        self._configurations = {one.name.casefold(): one for one in configurations or (plain_configuration(),)}

    def has_configuration(self, name: str) -> bool:
        return name.casefold() in self._configurations

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str = PLAIN_NAME) -> None:
        """Raises `Terminated`. When `stop` is set it comes back soon; what Hyper-V has begun goes on."""
        endpoint = self._configurations[configuration.casefold()]
        self.log.add_pipeline()
        try:
            for statement in statements:
                for value in self._pipeline(statement, sink, stop, endpoint):
                    sink.output(finished(value))
                    if stop.is_set():
                        return
        except Stopped:
            return

    def _pipeline(self, statement: Statement, sink: Sink, stop: Event, endpoint: Configuration) -> Iterator[object]:
        """All commands are found and bound before the first one runs."""
        prepared = [
            self._prepare(command, sink, stop, endpoint, piped=place > 0) for place, command in enumerate(statement)
        ]
        values: Iterator[object] | None = None
        for one in prepared:
            values = self._start(one, values)
        return values if values is not None else iter(())

    def _prepare(self, command: Command, sink: Sink, stop: Event, endpoint: Configuration, *, piped: bool) -> _Prepared:
        language = self.host.spec.language
        try:
            if command.is_script:
                raise _no_scripts(endpoint)
            runnable = endpoint.find(command.name)
        except ShellError as error:
            raise Terminated(error.data(language, command.name)) from error
        info = runnable.info
        inside = Configuration(endpoint.name, endpoint.inside, inside=endpoint.inside)
        visible = {key: one.info for key, one in endpoint.commands.items()}
        stage = Stage(self.host, info, sink, stop, visible, lambda inner: self._pipeline(inner, sink, stop, inside))
        try:
            binding = bind_command_line(info, command.parameters)
            call = Call(stage, choose_set(binding, piped=piped), binding.values)
        except ShellError as error:
            raise Terminated(error.data(language, info.name, info.class_name)) from error
        return _Prepared(runnable, binding, call)

    def _start(self, prepared: _Prepared, values: Iterator[object] | None) -> Iterator[object]:
        runnable, call = prepared.runnable, prepared.call
        if runnable.whole_input:
            self._log(call)
            return self._guarded(call, _whole(runnable.whole_input, call, values or iter(())))
        return self._each(prepared, values)

    def _each(self, prepared: _Prepared, values: Iterator[object] | None) -> Iterator[object]:
        if values is None:
            yield from self._run(prepared.runnable, prepared.call)
            return
        stage = prepared.call.stage
        for value in values:
            try:
                parameter_set, bound = bind_piped(prepared.binding, value)
            except ShellError as error:
                prepared.call.write_error(error.data(self.host.spec.language, stage.info.name, stage.info.class_name))
                continue
            yield from self._run(prepared.runnable, Call(stage, parameter_set, bound))

    def _run(self, runnable: Runnable, call: Call) -> Iterator[object]:
        self._log(call)
        yield from self._guarded(call, self._produced(runnable, call))

    def _produced(self, runnable: Runnable, call: Call) -> Iterator[object]:
        """A generator, so that faults strike when the command runs and not when the pipeline is put together."""
        self._refuse_impossible(call)
        self._strike(call)
        if runnable.per_record:
            yield from runnable.per_record(call)

    def _guarded(self, call: Call, values: Iterator[object]) -> Iterator[object]:
        """The values until an error: one of Hyper-V is written and the pipeline goes on, one of PowerShell ends it."""
        try:
            for value in values:
                if call.stage.stop.is_set():
                    raise Stopped
                yield value
        except HostError as error:
            call.fail(error)
        except ShellError as error:
            info = call.stage.info
            raise Terminated(error.data(self.host.spec.language, info.name, info.class_name)) from error

    def _strike(self, call: Call) -> None:
        faults, stop = self.host.faults, call.stage.stop
        for kind in (FaultKind.HANG, FaultKind.SLOW):
            fault = faults.take(kind, call.name)
            if fault:
                faults.hang(fault, stop)
        if stop.is_set():
            raise Stopped
        if call.stage.info.module == HYPERV_MODULE and faults.take(FaultKind.SERVICE_DOWN, call.name):
            raise HostError(Case.SERVICE_DOWN, name=self.host.name.upper())
        fault = faults.take(FaultKind.CMDLET_ERROR, call.name)
        if fault:
            raise from_hresult(fault.code or Case.ACCESS_DENIED.hresult, self.host.name)

    def _refuse_impossible(self, call: Call) -> None:
        """Background jobs and other computers are not simulated."""
        if call.flag("AsJob"):
            raise ShellError("NotImplemented", Category.NotImplemented, "jobs", exception_type=RUNTIME_EXCEPTION)
        own = (*LOCAL_NAMES, self.host.name.casefold(), f"{self.host.name}.{self.host.spec.domain}".casefold())
        for name in call.texts("ComputerName"):
            if name.casefold() not in own:
                raise ShellError(
                    "AccessDenied",
                    Category.PermissionDenied,
                    "remote-computer",
                    exception_type=RUNTIME_EXCEPTION,
                    name=name,
                )

    def _log(self, call: Call) -> None:
        self.log.add(call.name, call.values)


@dataclass(frozen=True, slots=True)
class _Prepared:
    runnable: Runnable
    binding: Binding
    call: Call


def _whole(run: WholeInput, call: Call, values: Iterator[object]) -> Iterator[object]:
    """A generator, so that the command begins when the pipeline runs."""
    yield from run(call, values)


def _no_scripts(endpoint: Configuration) -> ShellError:
    """In NoLanguage mode the id that a real host gives. A plain real host would run the text; this one runs none."""
    error_id, key = (
        ("ScriptsNotAllowed", "no-scripts") if endpoint.no_language else ("SimulatorRunsNoScripts", "no-scripts-here")
    )
    kind = PARSE_EXCEPTION if endpoint.no_language else RUNTIME_EXCEPTION
    return ShellError(error_id, Category.ParserError, key, exception_type=kind)
