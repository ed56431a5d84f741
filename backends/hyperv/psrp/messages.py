"""A pipeline as the message that starts it on a host.

To make it takes pypsrp a third of the CPU time of a call, so a pipeline is made once for all texts that its parameters
may have: ids and names are put into slots. What is made is what `PowerShell.begin_invoke` of pypsrp 0.9 would send.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, TypeGuard

from pypsrp.complex_objects import (
    ApartmentState,
    Command,
    CommandParameter,
    HostInfo,
    ObjectMeta,
    PSInvocationState,
    RemoteStreamOptions,
)
from pypsrp.complex_objects import Pipeline as CommandList
from pypsrp.exceptions import WSManFaultError
from pypsrp.messages import CreatePipeline, MessageType
from pypsrp.powershell import Fragmenter, PowerShell, RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.shell import CommandState
from pypsrp.wsman import WSMan

from backends.remoting import Argument, Pipeline

REMEMBERED: Final = 64
SLOT: Final = "\uf8ffslot\uf8ff"
"""Where a text goes. Nothing that the bot itself writes into a pipeline has these private characters."""
NOTHING_YET: Final = 2150858793
"""ERROR_WSMAN_OPERATION_TIMEDOUT, of a Receive."""

_Parameter = tuple[str, Argument, type]
"""With the type, since True and 1 are one key and not one argument."""
_Key = tuple[tuple[str, tuple[_Parameter, ...]], ...]


class Ended(Exception):
    """The host says that a pipeline is over, and has not said how it ended."""


@dataclass(frozen=True, slots=True)
class Message:
    """A CREATE_PIPELINE message in CLIXML, ready to be sent."""

    content: bytes

    MESSAGE_TYPE: ClassVar[int] = MessageType.CREATE_PIPELINE


class RunningPipeline(PowerShell):
    """A pipeline on its way through `Runspaces`."""

    def begin(self, pipeline: Pipeline) -> None:
        """Send it off; like `begin_invoke` of a pipeline that was added command by command."""
        message = create_pipeline(pipeline, self.runspace_pool.protocol_version or "")
        self._invoke(message)  # type: ignore[arg-type]  # ready, where pypsrp has an object to serialize

    def receive(self) -> bool:
        """Take in what the host has for the pipeline, like `poll_invoke`; whether there was any."""
        try:
            state, _, streams = self.runspace_pool.shell.receive("stdout", command_id=self._command_id)
        except WSManFaultError as fault:
            if fault.code != NOTHING_YET:
                raise
            return False
        for kind, message in self.runspace_pool._parse_responses(streams["stdout"], self):
            if kind == MessageType.PIPELINE_OUTPUT:
                self.output.append(message.data.data)
        if self.is_running and state == CommandState.DONE:
            raise Ended
        return bool(streams["stdout"])

    @property
    def is_running(self) -> bool:
        return bool(self.state == PSInvocationState.RUNNING)


class Runspaces(RunspacePool):
    """A RunspacePool that takes messages which are ready."""

    def __init__(self, connection: WSMan, *, configuration_name: str, idle_timeout: int) -> None:
        super().__init__(connection, configuration_name=configuration_name, idle_timeout=idle_timeout)
        self._serializer = _Passing()
        self._fragmenter = Fragmenter(connection.max_payload_size, self._serializer)


class _Passing(Serializer):
    def serialize(
        self, value: object, metadata: ObjectMeta | None = None, parent: ET.Element | None = None, clear: bool = True
    ) -> ET.Element | None:
        if isinstance(value, Message):
            return value.content  # type: ignore[return-value]  # pypsrp sends bytes as they are
        return super().serialize(value, metadata, parent, clear)


def create_pipeline(pipeline: Pipeline, protocol_version: str) -> Message:
    """The message for a pipeline ([MS-PSRP] 2.2.2.10) that takes no input, at a host of that protocol version."""
    key = tuple((one.name, tuple((k, *_shape(v)) for k, v in one.parameters.items())) for one in pipeline)
    texts = [_written(v) for one in pipeline for v in one.parameters.values() if _fills_slot(v)]
    first, *rest = _pieces(key, protocol_version)
    return Message(b"".join((first, *(part for pair in zip(texts, rest, strict=True) for part in pair))))


def _fills_slot(value: Argument) -> TypeGuard[str]:
    """An empty text is written otherwise than one with something in it."""
    return isinstance(value, str) and value != ""


def _shape(value: Argument) -> tuple[Argument, type]:
    return SLOT if _fills_slot(value) else value, type(value)


def _written(text: str) -> bytes:
    """A text as it stands in a message."""
    element = Serializer().serialize(text, ObjectMeta("S"))
    if element is None:
        raise TypeError("a text is never nothing")
    written: bytes = ET.tostring(element, encoding="utf-8")
    return written[len("<S>") : -len("</S>")]


@lru_cache(REMEMBERED)
def _pieces(key: _Key, protocol_version: str) -> tuple[bytes, ...]:
    """The message around the texts in it."""
    commands = []
    for name, parameters in key:
        command = Command(name, protocol_version=protocol_version, is_script=False)
        command.args = [CommandParameter(name=key, value=_value(value)) for key, value, _ in parameters]
        commands.append(command)
    listed = CommandList(is_nested=False, cmds=commands, history=None, redirect_err_to_out=False)
    content = Serializer().serialize(
        CreatePipeline(
            no_input=True,
            apartment_state=ApartmentState(value=ApartmentState.UNKNOWN),
            remote_stream_options=RemoteStreamOptions(value=RemoteStreamOptions.ADD_INVOCATION_INFO),
            add_to_history=False,
            host_info=HostInfo(host=None),
            pipeline=listed,
            is_nested=False,
        )
    )
    if content is None:
        raise TypeError("a message is never nothing")
    return tuple(ET.tostring(content, encoding="utf-8", method="xml").split(SLOT.encode()))


def _value(value: Argument) -> object:
    """A list is what becomes an array for PowerShell."""
    return list(value) if isinstance(value, tuple) else value
