"""The WS-Management actions on shells: what Create, Command, Receive and their like do and answer."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable
from xml.sax.saxutils import escape

from backends.simulator.powershell.shell import Interpreter
from backends.simulator.winrm.outbox import Closed, Parcel
from backends.simulator.winrm.quotas import Quotas
from backends.simulator.winrm.refusals import (
    aborted,
    access_denied,
    action_not_supported,
    disconnect_not_supported,
    invalid_message,
    operation_timed_out,
    resource_not_found,
)
from backends.simulator.winrm.registry import Registry
from backends.simulator.winrm.shells import Identity, Shell
from backends.simulator.winrm.wire import Wire
from backends.simulator.winrm.wsman import NAMESPACES, Request, answer, seconds

POWERSHELL = "http://schemas.microsoft.com/powershell/"
"""What stands before the name of the session configuration in a resource URI."""
CMD = NAMESPACES["rsp"] + "/cmd"
"""The resource URI of a shell without PowerShell."""
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
SHELL = NAMESPACES["rsp"] + "/"
DISCONNECTION = (SHELL + "Connect", SHELL + "Disconnect", SHELL + "Reconnect")
ENVELOPE_MARGIN = 2048
"""Bytes of an answer that are not output."""
SMALLEST = 1024
"""Bytes of output that a client gets even if it asks for less."""


class Service:
    """Answers the messages of authenticated users. Safe to use from many threads."""

    def __init__(self, interpreter: Interpreter, quotas: Quotas, wire: Wire, clock: Callable[[], float]) -> None:
        self._interpreter = interpreter
        self._quotas = quotas
        self._wire = wire
        self.shells = Registry(quotas, clock)
        self._actions: dict[str, Callable[[Request, Shell], bytes]] = {
            TRANSFER + "Get": self._get,
            TRANSFER + "Delete": self._delete,
            SHELL + "Command": self._command,
            SHELL + "Send": self._send,
            SHELL + "Receive": self._receive,
            SHELL + "Signal": self._signal,
        }

    def handle(self, request: Request, user: str, client_ip: str) -> bytes:
        """Do what `request` asks for `user`. Raises `WSManFault`, and `BareStatus` and `Severed` of the wire."""
        self._wire.at_message()
        if request.action == TRANSFER + "Create":
            return self._create(request, user, client_ip)
        if request.action == TRANSFER + "Get" and request.resource_uri == CONFIG:
            return self._config(request)
        if request.action in DISCONNECTION:
            raise disconnect_not_supported()
        if request.action not in self._actions:
            raise action_not_supported(request.action)
        with self.shells.borrow(request.shell_id or "", user) as shell:
            return self._actions[request.action](request, shell)

    def _create(self, request: Request, user: str, client_ip: str) -> bytes:
        if request.resource_uri == CMD:  # for administrators alone, on a host as it comes
            raise access_denied()
        configuration = request.resource_uri.removeprefix(POWERSHELL)
        if configuration == request.resource_uri or not self._interpreter.has_configuration(configuration):
            raise resource_not_found(request.resource_uri)
        wanted = request.find("rsp:Shell")
        identity = Identity(
            shell_id=wanted.get("ShellId") or str(uuid.uuid4()).upper(),
            owner=user,
            resource_uri=request.resource_uri,
            configuration=configuration,
            client_ip=client_ip,
            idle_timeout=seconds(wanted.findtext("rsp:IdleTimeOut", "", NAMESPACES), self._quotas.shell_idle),
        )
        self._wire.at_shell()
        shell = Shell(
            identity,
            self._interpreter,
            command_limit=self._quotas.commands_per_shell,
            fragment_bytes=self._room(request),
        )
        shell.send(None, _decode(request.find("rsp:Shell/pwsh:creationXml").text))
        self.shells.add(shell)
        return answer(request, _created(identity) + _described(identity))

    def _get(self, request: Request, shell: Shell) -> bytes:
        return answer(request, _described(shell.identity))

    def _delete(self, request: Request, shell: Shell) -> bytes:
        self.shells.remove(shell)
        return answer(request, "")

    def _command(self, request: Request, shell: Shell) -> bytes:
        line = request.find("rsp:CommandLine")
        command_id = line.get("CommandId") or str(uuid.uuid4()).upper()
        pipeline = shell.prepare(command_id, _decode(request.find("rsp:CommandLine/rsp:Arguments").text))
        try:
            self._wire.at_pipeline(pipeline.cmdlets)
        except Exception:
            shell.discard(pipeline)
            raise
        shell.start(pipeline)
        command = f"<rsp:CommandId>{escape(command_id)}</rsp:CommandId>"
        return answer(request, f"<rsp:CommandResponse>{command}</rsp:CommandResponse>")

    def _send(self, request: Request, shell: Shell) -> bytes:
        stream = request.find("rsp:Send/rsp:Stream")
        shell.send(stream.get("CommandId"), _decode(stream.text))
        return answer(request, "<rsp:SendResponse/>")

    def _receive(self, request: Request, shell: Shell) -> bytes:
        command_id = request.find("rsp:Receive/rsp:DesiredStream").get("CommandId")
        cmdlets = shell.pipeline(command_id).cmdlets if command_id else ()
        outbox = shell.outbox(command_id)
        self._wire.at_pipeline(cmdlets)
        try:
            self._wire.before_answer(cmdlets, outbox)
            if self._wire.forgets_state(cmdlets, outbox):
                return answer(request, _received(Parcel(b"", last=True), command_id))
            parcel = outbox.take(self._room(request), request.operation_timeout)
        except TimeoutError:
            raise operation_timed_out() from None
        except Closed:
            raise aborted() from None
        received = answer(request, _received(parcel, command_id))
        self._wire.on_answer(cmdlets, received)
        return received

    def _signal(self, request: Request, shell: Shell) -> bytes:
        signal = request.find("rsp:Signal")
        shell.signal(signal.get("CommandId") or "", request.find("rsp:Signal/rsp:Code").text or "")
        return answer(request, "<rsp:SignalResponse/>")

    def _config(self, request: Request) -> bytes:
        limit = self._quotas.envelope_bytes // 1024
        return answer(request, f"<cfg:Config><cfg:MaxEnvelopeSizekb>{limit}</cfg:MaxEnvelopeSizekb></cfg:Config>")

    def _room(self, request: Request) -> int:
        """Bytes of output that an answer to `request` may carry, before they are written as base64."""
        envelope = min(request.max_envelope, self._quotas.envelope_bytes)
        return max((envelope - ENVELOPE_MARGIN) // 4 * 3, SMALLEST)


def _created(identity: Identity) -> str:
    return (
        "<x:ResourceCreated><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address>"
        f"<a:ReferenceParameters><w:ResourceURI>{escape(identity.resource_uri)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{escape(identity.shell_id)}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
        "</x:ResourceCreated>"
    )


def _described(identity: Identity) -> str:
    fields = {
        "ShellId": identity.shell_id,
        "ResourceUri": identity.resource_uri,
        "Owner": identity.owner,
        "ClientIP": identity.client_ip,
        "IdleTimeOut": f"PT{identity.idle_timeout:.3f}S",
        "InputStreams": "stdin pr",
        "OutputStreams": "stdout",
        "State": "Connected",
    }
    inner = "".join(f"<rsp:{name}>{escape(value)}</rsp:{name}>" for name, value in fields.items())
    return f"<rsp:Shell>{inner}</rsp:Shell>"


def _received(parcel: Parcel, command_id: str | None) -> bytes:
    attribute = f' CommandId="{escape(command_id)}"' if command_id else ""
    state = f'<rsp:CommandState{attribute} State="{SHELL}CommandState/Done"/>' if parcel.last else ""
    stream = f'<rsp:Stream Name="stdout"{attribute}>'.encode()
    output = (stream, base64.b64encode(parcel.fragments), b"</rsp:Stream>") if parcel.fragments else ()
    return b"".join((b"<rsp:ReceiveResponse>", *output, state.encode(), b"</rsp:ReceiveResponse>"))


def _decode(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error:
        raise invalid_message() from None
