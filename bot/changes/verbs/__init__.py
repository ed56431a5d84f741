"""The verbs of changes: one file, one verb.

Every module of this package but `base` is a verb. It exposes a `Verb` as `verb`, whose action is what the command of
that name puts into its plan.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any

from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words
from bot.ledger import ChangeState
from commands.base import Plan

__all__ = ["Verb", "Words", "again", "gather", "of", "verbs"]


@cache
def verbs() -> Mapping[str, Verb[Any]]:
    """Every verb by its name. Raises what an import raises: the bot does not start with half of its verbs."""
    found = (one.name for one in pkgutil.iter_modules(__path__) if one.name != "base")
    return gather(importlib.import_module(f"{__name__}.{name}") for name in found)


def gather(modules: Iterable[ModuleType]) -> Mapping[str, Verb[Any]]:
    """The verbs of these modules. Raises TypeError for a module without one, and for two of one name."""
    found: dict[str, Verb[Any]] = {}
    for module in modules:
        verb = getattr(module, "verb", None)
        if not isinstance(verb, Verb):
            raise TypeError(f"{module.__name__} has no Verb called `verb`")
        if found.setdefault(verb.name, verb) is not verb:
            raise TypeError(f"two modules have the verb {verb.name}")
    return MappingProxyType(found)


def of(name: str) -> Verb[Any]:
    """The verb of that name. Raises LookupError for one that there is not."""
    try:
        return verbs()[name]
    except KeyError as unknown:
        raise LookupError(f"there is no verb {name}") from unknown


def again(plan: Plan, done: Iterable[Outcome] = ()) -> Words | None:
    """The words that ask for a plan again; None for what no button asks for again. Where it was void on some of its
    VMs, it is asked for on those."""
    void = {one.vm_id for one in done if one.state is ChangeState.VOID}
    targets = tuple(target for target in plan.targets if target.vm_id in void) or plan.targets
    return of(plan.verb).again(plan.action, targets)
