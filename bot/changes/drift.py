"""What moved since a change was asked for: the picture that its plan was made from, and the host as it is now."""

from __future__ import annotations

from collections.abc import Iterator

from backends.base import VMInventory, VMState
from commands.base import Picture, Target
from commands.base.names import name as called


def moved(target: Target, seen: VMInventory, *, exact: bool) -> str:
    """What moved, as far as it matters, as a clause; empty when nothing did. Grants go by the VM's name, so that always
    matters, and so does whether it is a replica. With `exact` all that a card showed does; without, only that the
    checkpoint is there."""
    if seen.vm.name != target.vm_name:
        return f"it is called {called(seen.vm.name)} now"
    if seen.vm.is_replica and not target.picture.replica:
        return f"what {called(seen.vm.host)} has of it is a replica of a VM elsewhere now"
    if exact:
        return difference(target.picture, Picture.of(seen))
    gone = target.checkpoint_id and seen.checkpoint(target.checkpoint_id) is None
    return f"the checkpoint {called(str(target.checkpoint_name))} has gone" if gone else ""


def difference(asked: Picture, now: Picture) -> str:
    """What moved between two pictures, as a clause; empty when nothing did."""
    return "; ".join(_differences(asked, now))


def _differences(asked: Picture, now: Picture) -> Iterator[str]:
    if asked.host != now.host:
        yield f"it moved from {called(asked.host)} to {called(now.host)}"
    if asked.state != now.state:
        yield f"it was {VMState(asked.state).label} and is {VMState(now.state).label} now"
    before = {id: (parent, name) for id, parent, name in asked.tree}
    after = {id: (parent, name) for id, parent, name in now.tree}
    for id, (_, name) in before.items():
        if id not in after:
            yield f"the checkpoint {called(name)} has gone"
        elif after[id][1] != name:
            yield f"the checkpoint {called(name)} is called {called(after[id][1])} now"
        elif after[id][0] != before[id][0]:
            yield f"the checkpoint {called(name)} hangs under another one now"
    for id, (_, name) in after.items():
        if id not in before:
            yield f"there is a new checkpoint {called(name)}"
    if before == after and asked.current != now.current:
        name = after[now.current][1] if now.current in after else "an older state"
        yield f"it was put back to {called(name)}"
