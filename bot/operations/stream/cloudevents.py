"""An event of the chain as a CloudEvent 1.0 in JSON, and back. All is ASCII, on one line.

`data` holds every text exactly as it was hashed, so whoever has the events one after another can check the chain: the
hash of each is the SHA-256 of the compact ASCII JSON array `[previous_hash, seq, change_id, at, event, state, done_by,
why, result, detail]`, and `previous_hash` is the hash of the one before. The first of a ledger follows 64 zeros.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from urllib.parse import quote

from bot.ledger import Link
from bot.ledger.streams import FIELDS

TYPE = "checkpointbot.ledger.event"
"""Of all: what happened is `data.event`."""
CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"


def written(link: Link, machine: str) -> str:
    """`machine` is the name of the one that the bot runs on. `id` is the hash: the same event sent twice is known by
    it. `sequence` is as long in each, so that text sorts as numbers do."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": link.hash,
            "source": f"//{quote(machine, safe='')}/checkpointbot",
            "type": TYPE,
            "subject": link.change_id,
            "time": link.at,
            "datacontenttype": "application/json",
            "sequence": f"{link.seq:020}",
            "hash": link.hash,
            "data": asdict(link),
        },
        separators=(",", ":"),
    )


def read(line: str) -> Link | None:
    """The event of a line, which may have something in front of it, such as the header of syslog; None for a line that
    holds none, or not all of one."""
    try:
        event, _ = json.JSONDecoder().raw_decode(line, line.index("{"))
        data = event["data"] if event["type"] == TYPE else None
        link = Link(*(data[name] for name in FIELDS)) if isinstance(data, dict) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return link if link is not None and isinstance(link.seq, int) and not isinstance(link.seq, bool) else None
