"""What bot and workers share of the database between them: where the calls are, and how it is connected to."""

from __future__ import annotations

import json
from typing import Any

from dbos import Serializer
from dbos._serialization import DBOSDefaultSerializer

SCHEMA = "checkpointbot_sites"
"""Of the calls: a worker's account needs no right to anything else."""


class PlainJSON(Serializer):
    """What JSON has itself, and nothing else: the letters in it are signed, and opened by who gets them."""

    def name(self) -> str:
        return "checkpointbot_letters"

    def serialize(self, data: Any) -> str:
        return json.dumps(data if not isinstance(data, BaseException) else f"{type(data).__name__}: {data}")

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)


def refuse_pickles() -> None:
    """DBOS reads a value as the pickle that its row says it is (seen with 3.4), and a pickle runs whatever its writer
    wants. Nothing of this program's is one, so none is read, whoever wrote it."""

    def refuse(_written: str) -> object:
        raise ValueError("a pickle is not read: it is not this program that wrote it")

    DBOSDefaultSerializer.deserialize = refuse  # type: ignore[method-assign]
