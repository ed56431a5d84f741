"""Turns what pydantic finds wrong into lines for the person who wrote the settings.

A line is the setting's path and a sentence, `hosts.1.port: must be between 1 and 65535`. It never holds a secret: what
was given is not repeated, unless the setting's own check does so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails

from bot.settings.kinds import did_you_mean, problem

PREFIX = "CHECKPOINTBOT_"
"""What the names of environment variables begin with."""

_PLAIN = {
    "problem": "{sentence}",
    "string_type": "must be text: put it in quotes",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": 'must be a list (in a variable, as JSON: ["a", "b"])',
    "tuple_type": 'must be a list (in a variable, as JSON: ["a", "b"])',
    "dict_type": "must be a group of settings with names",
    "model_type": "must be a group of settings with names",
    "path_type": "must be a path",
}


class SettingsError(Exception):
    """The settings cannot be used. `problems` has a line for each reason; none holds a secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


Place = tuple[str | int, ...]
"""Where a setting stands: `("hosts", 1, "port")`."""


def found(problems: Sequence[tuple[Place, str]]) -> None:
    """Raise every one of `problems`, a sentence for each place, together; with none, do nothing.

    For validators: pydantic adds the places to its own.
    """
    if problems:
        details = [InitErrorDetails(type=problem(sentence), loc=place, input=None) for place, sentence in problems]
        raise ValidationError.from_exception_data("settings", details)


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """A line for each error, in pydantic's order."""
    return [f"{'.'.join(map(str, e['loc']))}: {_sentence(e, model)}" for e in error.errors()]


def variable(place: Place) -> str:
    """The environment variable of a setting: `CHECKPOINTBOT_SLACK__BOT_TOKEN`."""
    return PREFIX + "__".join(str(part).upper() for part in place)


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    place = error["loc"]
    match error["type"]:
        case "missing" if all(isinstance(part, str) for part in place):
            return f"is missing: set it in the settings file, or as {variable(place)}"
        case "missing":
            return "is missing"
        case "extra_forbidden":
            owner = section_at(model, place[:-1])
            return f"is not a setting{did_you_mean(str(place[-1]), owner.model_fields if owner else ())}"
        case "literal_error":
            expected = error["ctx"]["expected"]
            near = did_you_mean(str(error["input"]), expected.replace("'", "").replace(" or ", ", ").split(", "))
            return f"must be {expected}{near}"
        case kind:
            return _PLAIN.get(kind, "is not a value that this setting takes").format(**error.get("ctx", {}))


def section_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The section of the settings that stands at `place`, seen through lists; None where no section does."""
    here: object = model
    for part in place:
        if isinstance(part, str):
            known = isinstance(here, type) and issubclass(here, BaseModel) and part in here.model_fields
            here = here.model_fields[part].annotation if known else None  # type: ignore[attr-defined]
        else:
            here = next(iter(get_args(here)), None)
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None
