"""One shell: a client's runspace pool on the host, with the pipelines it has asked for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock, Thread
from uuid import UUID

from backends.simulator.powershell.shell import Interpreter
from backends.simulator.winrm.outbox import Outbox
from backends.simulator.winrm.pipelines import Pipeline
from backends.simulator.winrm.refusals import WSManFault, command_not_found, invalid_parameter, too_many_commands
from backends.simulator.winrm.runspaces import Runspaces

TERMINATE = "signal/terminate"
STOPS = ("signal/crtl_c", "signal/ctrl_c", "signal/ctrl_break")
"""PowerShell's own is really spelled `powershell/signal/crtl_c`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose shell it is, and of what kind. Ids are compared without case."""

    shell_id: str
    owner: str
    resource_uri: str
    configuration: str
    client_ip: str
    idle_timeout: float
    """Seconds."""


class Shell:
    """Safe to use from many threads. Runs as many pipelines at once as the client asked runspaces for; others wait."""

    def __init__(
        self, identity: Identity, interpreter: Interpreter, *, command_limit: int, fragment_bytes: int
    ) -> None:
        self.identity = identity
        self._interpreter = interpreter
        self._command_limit = command_limit
        self._runspaces = Runspaces(fragment_bytes)
        self._pipelines: dict[UUID, Pipeline] = {}
        self._waiting: deque[Pipeline] = deque()
        self._running = 0
        self._lock = Lock()

    @property
    def open_commands(self) -> int:
        """How many commands have not been terminated by their client, ended or not."""
        return len(self._pipelines)

    def prepare(self, command_id: str, first: bytes) -> Pipeline:
        """Take a new command with its first fragments; it runs after `start`. Raises `WSManFault`."""
        pipeline_id = _guid(command_id)
        with self._lock:
            if len(self._pipelines) >= self._command_limit:
                raise too_many_commands()
            if pipeline_id in self._pipelines:
                raise invalid_parameter()
            pipeline = self._pipelines[pipeline_id] = Pipeline(pipeline_id, self._runspaces)
        try:
            pipeline.receive(first)
        except WSManFault:
            self.discard(pipeline)
            raise
        return pipeline

    def start(self, pipeline: Pipeline) -> None:
        """Run it as soon as a runspace is free; nothing happens while its statements have not come whole."""
        if not pipeline.statements:
            return
        with self._lock:
            if self._running >= self._runspaces.limit:
                self._waiting.append(pipeline)
                return
            self._running += 1
        Thread(target=self._work, args=(pipeline,), name=f"pipeline {pipeline.id}", daemon=True).start()

    def send(self, command_id: str | None, fragments: bytes) -> None:
        """Take further fragments, or the pool's first. Raises `WSManFault`."""
        if command_id is None:
            self._runspaces.receive(fragments)
            return
        pipeline = self.pipeline(command_id)
        if pipeline.receive(fragments):
            self.start(pipeline)

    def outbox(self, command_id: str | None) -> Outbox:
        """Where to receive from. Raises `WSManFault`."""
        return self._runspaces.outbox if command_id is None else self.pipeline(command_id).outbox

    def signal(self, command_id: str, code: str) -> None:
        """Stop a command, or end it for good. A command that is not there is none to be ended. Raises `WSManFault`."""
        pipeline = self._pipelines.get(_guid(command_id))
        code = code.lower()
        if code.endswith(TERMINATE):
            if pipeline is not None:
                self.discard(pipeline)
        elif code.endswith(STOPS):
            if pipeline is not None:
                pipeline.stop.set()
        else:
            raise invalid_parameter()

    def discard(self, pipeline: Pipeline) -> None:
        """End a command for good: it counts no more, and its id is unknown."""
        pipeline.stop.set()
        with self._lock:
            removed = self._pipelines.pop(pipeline.id, None)
        if removed is not None:
            self._runspaces.detach(pipeline.id)

    def pipeline(self, command_id: str) -> Pipeline:
        """Raises `WSManFault`."""
        try:
            return self._pipelines[_guid(command_id)]
        except KeyError:
            raise command_not_found() from None

    def close(self) -> None:
        """Stop everything and release whoever waits."""
        for pipeline in tuple(self._pipelines.values()):
            pipeline.stop.set()
        self._runspaces.close()

    def _work(self, pipeline: Pipeline | None) -> None:
        while pipeline is not None:
            pipeline.run(self._interpreter, self.identity.configuration)
            with self._lock:
                pipeline = self._waiting.popleft() if self._waiting else None
                if pipeline is None:
                    self._running -= 1


def _guid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise invalid_parameter() from None
