"""PSRP messages and the fragments they travel in (MS-PSRP 2.2.1 and 2.2.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

FRAGMENT = struct.Struct(">QQBI")
"""Object id, fragment number, start (1) and end (2) bits, length."""
START, END = 1, 2
_MESSAGE = struct.Struct("<II16s16s")
"""Destination, message type, runspace pool, pipeline."""
_TO_CLIENT = 1


class MessageType(IntEnum):
    """Those that a server reads and writes itself; the others are psrpcore's."""

    CREATE_PIPELINE = 0x00021006
    GET_COMMAND_METADATA = 0x0002100A
    PIPELINE_OUTPUT = 0x00041004
    PIPELINE_STATE = 0x00041006


@dataclass(frozen=True, slots=True)
class Message:
    kind: int
    """Mostly a `MessageType`."""
    data: bytes


class Defragmenter:
    """Puts the messages of one pipeline together. For one thread at a time."""

    def __init__(self) -> None:
        self._parts: dict[int, list[bytes]] = {}

    def feed(self, fragments: bytes) -> list[Message]:
        """The messages that are whole now. Raises `ValueError` for bytes that are no fragments."""
        messages = []
        rest = memoryview(fragments)
        while rest:
            object_id, number, bits, length = _unpack(FRAGMENT, rest)
            parts = self._parts.setdefault(object_id, [])
            piece = bytes(rest[FRAGMENT.size : FRAGMENT.size + length])
            if number != len(parts) or len(piece) != length:
                raise ValueError("a fragment is out of order or cut short")
            parts.append(piece)
            if bits & END:
                messages.append(_message(b"".join(self._parts.pop(object_id))))
            rest = rest[FRAGMENT.size + length :]
        return messages


def to_client(kind: MessageType, pool_id: UUID, pipeline_id: UUID, data: bytes) -> bytes:
    """A whole message of a pipeline."""
    return _MESSAGE.pack(_TO_CLIENT, kind, pool_id.bytes_le, pipeline_id.bytes_le) + data


def _message(whole: bytes) -> Message:
    kind = _unpack(_MESSAGE, memoryview(whole))[1]
    return Message(kind, whole[_MESSAGE.size :])


def _unpack(form: struct.Struct, data: memoryview) -> tuple[int, ...]:
    try:
        return form.unpack_from(data)
    except struct.error as cause:
        raise ValueError(str(cause)) from cause
