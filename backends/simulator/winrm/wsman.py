"""WS-Management messages: a request read from XML, answers and faults written as XML."""

from __future__ import annotations

import codecs
import re
import uuid
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from backends.simulator.winrm.refusals import WSManFault, invalid_message, invalid_time_out

NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "pwsh": "http://schemas.microsoft.com/powershell",
    "cfg": "http://schemas.microsoft.com/wbem/wsman/1/config",
}

FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
DEFAULT_TIMEOUT = 60.0
"""Seconds. MaxTimeoutms of a default host, for messages that name no OperationTimeout."""
DEFAULT_ENVELOPE = 153_600
"""Bytes. What clients of every version take, for messages that name no MaxEnvelopeSize."""

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_SECONDS = (86400, 3600, 60, 1)
_OPENING: Final = '<s:Envelope xml:lang="en-US" {}>'.format(
    " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
)


@dataclass(frozen=True, slots=True)
class Request:
    """One message from a client."""

    action: str
    message_id: str
    resource_uri: str
    shell_id: str | None
    operation_timeout: float
    max_envelope: int
    body: ElementTree.Element

    @property
    def verb(self) -> str:
        """The last word of the action: `Receive`."""
        return self.action.rpartition("/")[2]

    def find(self, path: str) -> ElementTree.Element:
        """The element below the body. Raises `WSManFault` when there is none."""
        found = self.body.find(path, NAMESPACES)
        if found is None:
            raise invalid_message()
        return found


def parse(message: bytes) -> Request:
    """Read a request. Raises `WSManFault`.

    A document type is refused before the parser sees it, in whatever encoding it comes: no entity is ever expanded.
    """
    text = _decode(message)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise invalid_message()
    try:
        envelope = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, RecursionError):
        raise invalid_message() from None
    body = envelope.find("s:Body", NAMESPACES)
    if body is None:
        raise invalid_message()
    return Request(
        action=_header(envelope, "a:Action"),
        message_id=_header(envelope, "a:MessageID"),
        resource_uri=_header(envelope, "w:ResourceURI"),
        shell_id=envelope.findtext("s:Header/w:SelectorSet/w:Selector[@Name='ShellId']", None, NAMESPACES),
        operation_timeout=seconds(envelope.findtext("s:Header/w:OperationTimeout", "", NAMESPACES), DEFAULT_TIMEOUT),
        max_envelope=_number(envelope.findtext("s:Header/w:MaxEnvelopeSize", "", NAMESPACES), DEFAULT_ENVELOPE),
        body=body,
    )


def seconds(duration: str, otherwise: float) -> float:
    """An XML duration such as `PT20S` in seconds; `otherwise` when there is none or it is none. Raises
    `WSManFault` for one that runs backwards."""
    if "-" in duration:
        raise invalid_time_out()
    match = _DURATION.fullmatch(duration.strip())
    if match is None or not any(match.groups()):
        return otherwise
    return sum(float(part) * unit for part, unit in zip(match.groups(default="0"), _SECONDS, strict=True))


def answer(request: Request, body: str | bytes) -> bytes:
    """The answer to `request` with that XML as its body."""
    opening = f"{_OPENING}{_headers(request.action + 'Response', request.message_id)}<s:Body>"
    inner = body if isinstance(body, bytes) else body.encode()
    return b"".join((opening.encode(), inner, b"</s:Body></s:Envelope>"))


def fault(refusal: WSManFault, relates_to: str, machine: str) -> bytes:
    """A SOAP fault. `relates_to` is empty for a message that could not be read."""
    text = escape(refusal.message)
    number = "" if refusal.code is None else _detail(refusal.code, machine, text)
    value = "s:Sender" if refusal.sender else "s:Receiver"
    return (
        f"{_OPENING}{_headers(FAULT_ACTION, relates_to)}<s:Body><s:Fault>"
        f"<s:Code><s:Value>{value}</s:Value><s:Subcode><s:Value>{refusal.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason>{number}'
        "</s:Fault></s:Body></s:Envelope>"
    ).encode()


def _detail(code: int, machine: str, text: str) -> str:
    return (
        '<s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
        f'Code="{code}" Machine={quoteattr(machine)}><f:Message>{text}</f:Message></f:WSManFault></s:Detail>'
    )


def _headers(action: str, relates_to: str) -> str:
    relation = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f"<s:Header><a:Action>{escape(action)}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{ANONYMOUS}</a:To>{relation}</s:Header>"
    )


def _decode(message: bytes) -> str:
    encoding = "utf-16" if message[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    try:
        return message.decode(encoding)
    except UnicodeDecodeError:
        raise invalid_message() from None


def _header(envelope: ElementTree.Element, name: str) -> str:
    text = envelope.findtext(f"s:Header/{name}", "", NAMESPACES).strip()
    if not text:
        raise invalid_message()
    return text


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.strip().isascii() and text.strip().isdigit() else otherwise
