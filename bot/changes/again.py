"""The words that a button on a result stands for: to ask for a plan again, or to undo an apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backends.base import CheckpointType
from bot.changes.outcome import Outcome
from bot.ledger import ChangeState
from commands.base import Apply, Configure, Create, Delete, Export, Plan, Rename

Words = tuple[str, ...]


def again(plan: Plan, done: Iterable[Outcome] = ()) -> Words | None:
    """The command that asks for a plan again; None for what no button asks for again. Where it was void on some of its
    VMs, it is asked for on those."""
    void = {one.vm_id for one in done if one.state is ChangeState.VOID}
    targets = tuple(target for target in plan.targets if target.vm_id in void) or plan.targets
    vms = ",".join(target.vm_id for target in targets)
    one = targets[0].checkpoint_id or ""
    match plan.action:
        case Apply() | Delete() as action:
            chosen = {target.vm_id: target.checkpoint_id or "" for target in targets}
            words: Words | None = _words(plan.verb, _flags(action), chosen, targets[0].checkpoint_name or "")
        case Create() as action:
            words = ("create", *_options(action), "--", vms, action.name)
        case Rename(name):
            words = ("rename", "--", vms, one, name)
        case Export(path):
            words = ("export", "--", vms, one, path)
        case Configure(kind, automatic):
            switch = () if automatic is None else (f"--automatic={'on' if automatic else 'off'}",)
            words = ("settings", *([f"--type={kind.label.replace(' ', '-')}"] if kind else []), *switch, vms)
        case _:
            words = None
    return words


def undo(safety: Mapping[str, str], name: str) -> Words | None:
    """The command that puts VMs back to the safety checkpoints taken before an apply: `safety` gives each VM's, by
    GUIDs, and `name` is what all of them are called."""
    return _words("apply", (), safety, name) if safety else None


def _words(verb: str, flags: Words, chosen: Mapping[str, str], name: str) -> Words:
    """One checkpoint goes by its GUID; those of a group go by the name they share, since each VM has its own."""
    if len(chosen) == 1:
        return (verb, *flags, *next(iter(chosen.items())))
    return (verb, *flags, "--", ",".join(chosen), name)


def _flags(action: Apply | Delete) -> Words:
    match action:
        case Apply(safety, _, start):
            return (*(() if safety else ("--no-safety",)), *(() if start else ("--no-start",)))
        case Delete(subtree):
            return ("--subtree",) if subtree else ()


def _options(action: Create) -> Words:
    """Production or nothing is none of them: it comes from the settings."""
    kind = action.checkpoint_type
    options = [f"--type={kind.label}"] if kind in (CheckpointType.PRODUCTION, CheckpointType.STANDARD) else []
    if action.keep:
        days, seconds = divmod(int(action.keep), 86400)
        options.append(f"--keep={days}d{seconds}s")
    return *options, *([f"--note={action.note}"] if action.note else [])
