"""The words that a button on a result stands for: to ask for a plan again, or to undo an apply."""

from __future__ import annotations

from collections.abc import Mapping

from commands.base import Apply, Delete, Plan

Words = tuple[str, ...]


def again(plan: Plan) -> Words | None:
    """The command that asks for an apply or a delete again; None for what no button asks for again."""
    match plan.action:
        case Apply(safety, _, start):
            flags = (*(() if safety else ("--no-safety",)), *(() if start else ("--no-start",)))
        case Delete(subtree):
            flags = ("--subtree",) if subtree else ()
        case _:
            return None
    chosen = {t.vm_id: t.checkpoint_id or "" for t in plan.targets}
    return _words(plan.verb, flags, chosen, plan.targets[0].checkpoint_name or "")


def undo(safety: Mapping[str, str], name: str) -> Words | None:
    """The command that puts VMs back to the safety checkpoints taken before an apply: `safety` gives each VM's, by
    GUIDs, and `name` is what all of them are called."""
    return _words("apply", (), safety, name) if safety else None


def _words(verb: str, flags: Words, chosen: Mapping[str, str], name: str) -> Words:
    """One checkpoint goes by its GUID; those of a group go by the name they share, since each VM has its own."""
    if len(chosen) == 1:
        return (verb, *flags, *next(iter(chosen.items())))
    return (verb, *flags, "--", ",".join(chosen), name)
