"""The log as lines to read, or as JSON, a line a record, for programs that collect logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Literal

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class JSONFormatter(logging.Formatter):
    """When, how grave, from where, and what; with the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def write_as(form: Literal["text", "json"]) -> None:
    """Everything that is logged from now on, wherever it goes."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JSONFormatter) != (form == "json"):
            handler.setFormatter(JSONFormatter() if form == "json" else logging.Formatter(FORMAT))
