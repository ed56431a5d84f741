"""The smallest PSRP host that somebody might write to try the bot: six cmdlets, basic over plain HTTP, straight on
psrpcore and `http.server`. It shares nothing with the product's own simulated hosts.
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from xml.etree import ElementTree

from psrpcore import CreatePipelineEvent, PowerShell, PSRPPayload, ServerPipeline, ServerRunspacePool, StreamType
from psrpcore.types import ErrorCategoryInfo, ErrorRecord, NETException, PSInvocationState

USER, PASSWORD = "svc-checkpoint", "pass:word"

S = "{http://www.w3.org/2003/05/soap-envelope}"
A = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
RSP = f"{{{SHELL}}}"
CREATION = "{http://schemas.microsoft.com/powershell}creationXml"
ANSWER = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    'xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer" xmlns:rsp="{shell}">'
    "<s:Header><a:Action>{action}Response</a:Action><a:RelatesTo>{message}</a:RelatesTo></s:Header>"
    "<s:Body>{body}</s:Body></s:Envelope>"
)

Thing = dict[str, object]


@dataclass
class StrangerHost:
    """VMs as plain dictionaries. The flags are ways in which one such host differs from another."""

    honours_passthru: bool = True
    iso_dates: bool = False
    """Dates as PowerShell 7 writes them, and enums by their names."""
    fails_hard: bool = False
    """An unknown command ends the pipeline as failed, as PowerShell does it; else it is an error record."""
    vms: dict[str, Thing] = field(default_factory=dict)
    checkpoints: dict[str, Thing] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    refusals: int = 0
    """How often a wrong password came."""

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": self}))
        self._http.daemon_threads = True
        self._lock = threading.Lock()
        self._pools: dict[str, ServerRunspacePool] = {}
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def add_vm(self, name: str) -> str:
        vm_id = str(uuid.uuid4())
        self.vms[vm_id] = {"Id": vm_id, "Name": name, "State": 2, "CheckpointType": 3, "ParentSnapshotId": None}
        return vm_id

    def add_checkpoint(self, vm_id: str, name: str, days: float = 0.0) -> Thing:
        vm = self.vms[vm_id]
        made: Thing = {
            "Id": str(uuid.uuid4()),
            "Name": name,
            "VMId": vm_id,
            "CreationTime": datetime.now(UTC) - timedelta(days=days),
            "ParentSnapshotId": vm["ParentSnapshotId"],
            "SnapshotType": 0,
            "State": 3,
        }
        vm["ParentSnapshotId"] = made["Id"]
        self.checkpoints[str(made["Id"])] = made
        return made

    def names(self, vm_id: str) -> list[object]:
        return [one["Name"] for one in self.checkpoints.values() if one["VMId"] == vm_id]

    # ---------------------------------------------------------------- the six cmdlets

    def run(self, name: str, given: Thing, piped: list[object]) -> list[object]:
        """Raises LookupError for another cmdlet."""
        cmdlets: dict[str, Callable[[Thing, list[object]], list[object]]] = {
            "get-vm": lambda given, _: _by_id(self.vms, given),
            "get-vmsnapshot": self._get_checkpoints,
            "checkpoint-vm": self._checkpoint,
            "restore-vmsnapshot": self._restore,
            "start-vm": self._start,
            "select-object": lambda given, piped: [_selected(one, given["property"]) for one in piped],
            "convertto-json": self._to_json,
        }
        run = cmdlets.get(name.lower())
        if run is None:
            raise LookupError(name)
        self.ran.append(name)
        return run(given, piped)

    def _get_checkpoints(self, given: Thing, piped: list[object]) -> list[object]:
        if given.get("id"):
            return _by_id(self.checkpoints, given)
        owners = {vm["Id"] for vm in piped if isinstance(vm, dict)}
        return [one for one in self.checkpoints.values() if one["VMId"] in owners]

    def _checkpoint(self, given: Thing, piped: list[object]) -> list[object]:
        made = [self.add_checkpoint(str(vm["Id"]), str(given["snapshotname"])) for vm in piped if isinstance(vm, dict)]
        return self._passed_through(given, list(made))

    def _restore(self, given: Thing, piped: list[object]) -> list[object]:
        for one in piped:
            assert isinstance(one, dict)
            self.vms[str(one["VMId"])] |= {"ParentSnapshotId": one["Id"], "State": 3}
        return self._passed_through(given, piped)

    def _start(self, given: Thing, piped: list[object]) -> list[object]:
        for vm in piped:
            assert isinstance(vm, dict)
            vm["State"] = 2
        return self._passed_through(given, piped)

    def _passed_through(self, given: Thing, things: list[object]) -> list[object]:
        return things if self.honours_passthru and given.get("passthru") else []

    def _to_json(self, given: Thing, piped: list[object]) -> list[object]:
        shown = [_shown(one, iso=self.iso_dates) for one in piped]
        return [json.dumps(shown[0] if len(shown) == 1 else shown)] if shown else []

    # ---------------------------------------------------------------- PSRP

    def answer(self, action: str, shell_id: str, body: ElementTree.Element) -> str:
        with self._lock:
            match action.rpartition("/")[2]:
                case "Create":
                    return self._create(body)
                case "Command":
                    return self._command(shell_id, body)
                case "Receive":
                    return self._receive(shell_id, body)
                case "Send" | "Signal" as verb:
                    return f"<rsp:{verb}Response/>"
                case _:
                    return ""

    def _create(self, body: ElementTree.Element) -> str:
        creation = body.find(f".//{CREATION}")
        assert creation is not None
        pool = ServerRunspacePool()
        pool.receive_data(_payload(creation.text))
        while pool.next_event() is not None:
            pass
        shell_id = str(uuid.uuid4()).upper()
        self._pools[shell_id] = pool
        return (
            "<x:ResourceCreated><a:Address>here</a:Address><a:ReferenceParameters><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
            f"</x:ResourceCreated><rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId></rsp:Shell>"
        )

    def _command(self, shell_id: str, body: ElementTree.Element) -> str:
        line, arguments = body.find(f"{RSP}CommandLine"), body.find(f".//{RSP}Arguments")
        assert line is not None
        assert arguments is not None
        command_id = str(line.get("CommandId"))
        pool = self._pools[shell_id]
        pipeline = ServerPipeline(pool, uuid.UUID(command_id))
        pool.receive_data(_payload(arguments.text, pipeline.pipeline_id))
        if isinstance(pool.next_event(), CreatePipelineEvent):
            self._run(pipeline)
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    def _run(self, pipeline: ServerPipeline) -> None:
        pipeline.start()
        values: list[object] = []
        try:
            assert isinstance(pipeline.metadata, PowerShell)
            for command in pipeline.metadata.commands:
                given = {str(name).lower(): value for name, value in command.parameters}
                values = self.run(command.command_text, given, values)
        except LookupError as unknown:
            self._fail(pipeline, f"The term '{unknown}' is not recognized as a name of a cmdlet.")
            return
        for value in values:
            pipeline.write_output(value)
        pipeline.complete()

    def _fail(self, pipeline: ServerPipeline, message: str) -> None:
        unknown = "CommandNotFoundException"
        exception, category = NETException(Message=message), ErrorCategoryInfo(Category=13, Reason=unknown)
        if self.fails_hard:
            error = ErrorRecord(Exception=exception, CategoryInfo=category, FullyQualifiedErrorId=unknown)
            pipeline._change_state(PSInvocationState.Failed, error=error)
            return
        pipeline.write_error(exception, category, fully_qualified_error_id=unknown)
        pipeline.complete()

    def _receive(self, shell_id: str, body: ElementTree.Element) -> str:
        wanted = body.find(f".//{RSP}DesiredStream")
        assert wanted is not None
        command_id = wanted.get("CommandId")
        of = f' CommandId="{command_id}"' if command_id else ""
        streams = ""
        while (data := self._pools[shell_id].data_to_send()) is not None:
            streams += f'<rsp:Stream Name="stdout"{of}>{base64.b64encode(data.data).decode()}</rsp:Stream>'
        done = f'<rsp:CommandState{of} State="{SHELL}/CommandState/Done"/>' if command_id else ""
        return f"<rsp:ReceiveResponse>{streams}{done}</rsp:ReceiveResponse>"


class _Handler(BaseHTTPRequestHandler):
    host: StrangerHost
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        message = self.rfile.read(int(self.headers["Content-Length"]))
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {expected}":
            self.host.refusals += "Authorization" in self.headers
            self._send(401, "")
            return
        envelope = ElementTree.fromstring(message)
        action, message_id = envelope.findtext(f".//{A}Action", ""), envelope.findtext(f".//{A}MessageID", "")
        selector = envelope.find(f"{S}Header//*[@Name='ShellId']")
        body = envelope.find(f"{S}Body")
        assert body is not None
        answer = self.host.answer(action, str(selector.text) if selector is not None else "", body)
        self._send(200, ANSWER.format(shell=SHELL, action=action, message=message_id, body=answer))

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="WSMAN"')
        self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _payload(text: str | None, pipeline_id: uuid.UUID | None = None) -> PSRPPayload:
    return PSRPPayload(base64.b64decode(text or ""), StreamType.default, pipeline_id)


def _by_id(things: dict[str, Thing], given: Thing) -> list[object]:
    wanted = str(given["id"]) if given.get("id") else None
    return [one for id, one in things.items() if wanted in (None, id)]


def _selected(thing: object, names: object) -> object:
    """The properties that were asked for; those that it does not have are null."""
    assert isinstance(thing, dict)
    assert isinstance(names, list)
    return {str(name): thing.get(str(name)) for name in names}


def _shown(thing: object, *, iso: bool) -> object:
    assert isinstance(thing, dict)
    return {name: _value(name, value, iso=iso) for name, value in thing.items()}


def _value(name: str, value: object, *, iso: bool) -> object:
    if isinstance(value, datetime):
        return value.isoformat() if iso else f"/Date({int(value.timestamp() * 1000)})/"
    if iso and name == "State":
        return {2: "Running", 3: "Off"}[int(str(value))]
    return value
