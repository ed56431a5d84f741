"""How values are written in the ledger: times, JSON, plans, and text that holds no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from bot.ledger.errors import Unreadable
from commands.base import Action, Plan, actions, unmarked

_PLAN = TypeAdapter(Plan)
_SECRET = re.compile(
    r"https://hooks\.slack(?:-gov)?\.com/[^\s\"'<>]*|\bxox[a-z](?:\.xox[a-z])?-[\w.-]+|\bxapp-\d-A\w*-[\w-]+"
)
"""Of an app token more than its beginning is asked for: a VM may well be called xapp-01."""


def iso(moment: datetime) -> str:
    """UTC with microseconds and `Z`: always as long, so that text sorts as time does. Raises ValueError for a time
    without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def clean(text: str) -> str:
    """Text as SQLite can hold it, without the marks around names in sentences, and without Slack's tokens and response
    URLs, which an error message may carry."""
    return _SECRET.sub("[removed]", unmarked(storable(text)))


def storable(text: str) -> str:
    """Text as SQLite can hold it: half characters, which JSON from outside may have, become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def to_json(value: object) -> str:
    """Compact ASCII, the same for the same value in every version: the chain of hashes goes over it."""
    return _ENCODER.encode(value)


def detail_to_json(detail: Mapping[str, object] | None) -> str:
    """An event's detail, without secrets."""
    return _SECRET.sub("[removed]", to_json(dict(detail or {})))


def plan_to_json(plan: Plan) -> str:
    """All of a plan. It reads back equal, names that are no valid Unicode included."""
    action = TypeAdapter(type(plan.action)).dump_python(plan.action, mode="json")
    newer = set() if plan.loss else {"loss"}  # a plan without it is written as it ever was, and so is its fingerprint
    rest = _PLAN.dump_python(plan, mode="json", exclude={"action", *newer})
    return to_json({"action": {"verb": plan.verb, **action}, **rest})


@lru_cache(maxsize=32)  # each VM of a change asks for it, and that of a large group is long
def plan_from_json(text: str) -> Plan:
    """A plan as this version has it: what it does not know is left out, what is missing has its default.

    Raises `Unreadable` for a plan that no longer has a meaning.
    """
    try:
        plan = json.loads(text)
        return _PLAN.validate_python({**plan, "action": _action(plan["action"])})
    except (ValidationError, ValueError, TypeError, LookupError) as error:
        raise Unreadable("The plan of this change cannot be read by this version of the bot.", str(error)) from error


def _action(written: Mapping[str, object]) -> Action:
    """Raises LookupError for a verb that this version does not have."""
    verb = str(written["verb"])
    if verb not in actions():
        raise LookupError(f"there is no action {verb}")
    return TypeAdapter(actions()[verb]).validate_python(written)


def fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(f"{type(value).__name__} cannot be written to the ledger")


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain)
