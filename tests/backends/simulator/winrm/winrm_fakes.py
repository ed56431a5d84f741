"""What the tests of the WinRM server share: a hand-written interpreter, clients, and a proxy that keeps what it saw."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from backends.simulator.model.errors import ErrorData
from backends.simulator.powershell.shell import Sink, Statement
from backends.simulator.winrm import WinRMServer

USERS = {"admin": "pass word"}
Action = Callable[[Statement, Sink, Event], None]

NOT_FOUND = ErrorData(
    error_id="InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM",
    category=13,
    category_name="ObjectNotFound",
    message="Hyper-V was unable to find a virtual machine with name web01.",
    exception_type="Microsoft.HyperV.PowerShell.VirtualizationException",
    hresult=-2147024809,
    target="web01",
    activity="Get-VM",
)


class ScriptedInterpreter:
    """Runs whatever function a test gave for the first command of a statement, and remembers what it was asked."""

    def __init__(self, **actions: Action) -> None:
        self.actions = actions
        self.ran: list[Statement] = []
        self.configurations: list[str] = []

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str) -> None:
        self.configurations.append(configuration)
        for statement in statements:
            self.ran.append(statement)
            self.actions[statement[0].name](statement, sink, stop)

    def has_configuration(self, name: str) -> bool:
        return name in ("Microsoft.PowerShell", "CheckpointBot")


def hello(statement: Statement, sink: Sink, stop: Event) -> None:
    sink.output("hello")


def connect(server: WinRMServer, *, user: str = "admin", password: str = "pass word", **more: object) -> WSMan:
    """A pypsrp connection that fits the server; `more` goes to pypsrp."""
    options: dict[str, object] = {"ssl": False, "auth": "negotiate"}
    if server.url.startswith("https"):
        options = {"ssl": True, "auth": "negotiate", "cert_validation": str(server.ca_file)}
    options |= {"port": server.port, "username": user, "password": password}
    return WSMan("127.0.0.1", **(options | more))


def plain(server: WinRMServer, **more: object) -> WSMan:
    """Basic over HTTP: the quickest way in, for a server with `allow_unencrypted`."""
    return connect(server, **({"auth": "basic", "encryption": "never"} | more))


def invoke(pool: RunspacePool, *cmdlets: str) -> PowerShell:
    """Run one pipeline, close it, and give what came of it."""
    pipeline = PowerShell(pool)
    for cmdlet in cmdlets:
        pipeline.add_cmdlet(cmdlet)
    pipeline.invoke()
    pipeline.close()
    return pipeline


class Recorder:
    """Every byte that went through, in both directions."""

    def __init__(self, target: int) -> None:
        self.seen = bytearray()
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source, sink:
            while data := source.recv(65536):
                self.seen += data
                sink.sendall(data)


@contextmanager
def recording(server: WinRMServer) -> Iterator[Recorder]:
    recorder = Recorder(server.port)
    try:
        yield recorder
    finally:
        recorder.close()
