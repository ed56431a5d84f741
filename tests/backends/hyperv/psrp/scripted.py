"""A PowerShell of a few made-up commands, for tests of what happens between a client and a host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event, Lock

from backends.simulator.model.errors import ErrorData
from backends.simulator.powershell.shell import Sink, Statement, Terminated

Behaviour = Callable[[Sink, Event], None]

ENDPOINT = "CheckpointBot"


class Scripted:
    """An `Interpreter` that runs `commands` by name and counts them; an unknown one ends the pipeline."""

    def __init__(self, commands: dict[str, Behaviour]) -> None:
        self.commands = commands
        self.ran: Counter[str] = Counter()
        self.configurations: set[str] = set()
        self.release = Event()
        self._lock = Lock()

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str) -> None:
        for statement in statements:
            name = statement[0].name
            with self._lock:
                self.ran[name] += 1
                self.configurations.add(configuration)
            if name not in self.commands:
                raise Terminated(ErrorData("CommandNotFoundException", 13, "ObjectNotFound", f"{name} ?"))
            self.commands[name](sink, stop)

    def has_configuration(self, name: str) -> bool:
        return name in ("Microsoft.PowerShell", ENDPOINT)


def say(*texts: str) -> Behaviour:
    """Answer with these texts."""

    def run(sink: Sink, stop: Event) -> None:
        for text in texts:
            sink.output(text)

    return run


def hang(sink: Sink, stop: Event) -> None:
    """Do nothing until the client is gone or the server stops."""
    stop.wait(20)
