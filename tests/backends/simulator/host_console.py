"""A console to a simulated host, for tests."""

from __future__ import annotations

import json

from backends.remoting import Argument, Cmdlet, ErrorRecord, Result
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.endpoint import PLAIN_NAME
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession

Command = Cmdlet | str


class Console:
    """Runs pipelines on a host: `console("Get-VM", Cmdlet(…))`."""

    def __init__(self, host: SimulatedHost, shell: SimulatedPowerShell | None = None, configuration: str = PLAIN_NAME):
        self.host = host
        self.shell = shell or SimulatedPowerShell(host)
        self.session = SimulatedSession(self.shell, configuration=configuration)

    def __call__(self, *commands: Command, deadline: float = 20.0) -> Result:
        pipeline = tuple(Cmdlet(one) if isinstance(one, str) else one for one in commands)
        return self.session.invoke(pipeline, deadline=deadline)

    def json(self, *commands: Command) -> object:
        """The one text that `… | ConvertTo-Json -Compress` gives, read; None when it gives none."""
        result = self(*commands, Cmdlet("ConvertTo-Json", {"Compress": True}))
        assert result.errors == ()
        assert len(result.output) <= 1
        return json.loads(str(result.output[0])) if result.output else None

    def values(self, name: str, *commands: Command) -> list[object]:
        """One property of every object."""
        result = self(*commands, Cmdlet("Select-Object", {"ExpandProperty": name}))
        assert result.errors == ()
        return list(result.output)

    def error(self, *commands: Command) -> ErrorRecord:
        """The only error of the pipeline."""
        (error,) = self(*commands).errors
        return error


def command(name: str, **parameters: Argument) -> Cmdlet:
    return Cmdlet(name, parameters)
