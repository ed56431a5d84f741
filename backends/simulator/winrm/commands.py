"""The commands of a pipeline as a client sent them, in the seam's form (MS-PSRP 2.2.3.11 to 2.2.3.13)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from backends.simulator.shell import Command, Parameter, Statement
from backends.simulator.winrm.clixml_in import Document


def read_statements(data: bytes) -> tuple[Statement, ...]:
    """The statements of a CREATE_PIPELINE message. Raises `ValueError`.

    Several statements stand in ExtraCmds, and the first of them in Cmds too.
    """
    document = Document(data)
    pipeline = document.member(document.root, "PowerShell")
    extra = [document.member(one, "Cmds") for one in document.items(_optional(document, pipeline, "ExtraCmds"))]
    statements = extra or [document.member(pipeline, "Cmds")]
    return tuple(tuple(_command(document, one) for one in document.items(commands)) for commands in statements)


def _command(document: Document, element: Element) -> Command:
    arguments = document.items(document.member(element, "Args"))
    return Command(
        name=str(document.value(document.member(element, "Cmd"))),
        parameters=tuple(_parameter(document, argument) for argument in arguments),
        is_script=document.value(document.member(element, "IsScript")) is True,
    )


def _parameter(document: Document, element: Element) -> Parameter:
    name = document.value(document.member(element, "N"))
    return Parameter(None if name is None else str(name), document.value(document.member(element, "V")))


def _optional(document: Document, parent: Element, name: str) -> Element:
    """psrpcore leaves ExtraCmds out where others send a null."""
    try:
        return document.member(parent, name)
    except ValueError:
        return Element("Nil")
