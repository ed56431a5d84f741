"""How checkpoints are told: age, owner, how long they are kept, and whether they have gone stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from backends.base import VM, Checkpoint, VMInventory
from commands.base import Button, CheckpointNote, Context, Paragraph, Person, Policy, is_person, name
from commands.kit.kinds import UNKNOWN, say_kind
from commands.kit.words import say_names, say_size, say_span, say_time

MOST_IN_A_HEADING = 3

WEEK = timedelta(days=7)

UNCLAIMED = "unclaimed"
"""What is said in the place of an owner where there is none."""


def frozen(context: Context) -> tuple[Paragraph, ...]:
    """That nothing is changed now, where that is so."""
    told = context.frozen()
    return (Paragraph(told),) if told else ()


def age(checkpoint: Checkpoint, now: datetime) -> str:
    """`3 days`. A host's clock that runs ahead makes it `0 seconds`, not less."""
    return say_span(now - checkpoint.created)


def owner(note: CheckpointNote) -> str:
    """Their name, else their user id; `unclaimed` where there is nobody, or nobody any more."""
    if note.owner is None:
        return UNCLAIMED
    return f"{UNCLAIMED}: {called(note)} has left" if note.left else called(note)


def called(note: CheckpointNote) -> str:
    """The name of its owner, whether they are still there or not, else their user id."""
    return note.owner_name or note.owner or UNCLAIMED


def owned(note: CheckpointNote) -> str:
    """`by ada`, `unclaimed`."""
    return owner(note) if note.owner is None or note.left else f"by {owner(note)}"


def claim_button(checkpoint: Checkpoint, label: str = "Claim") -> Button:
    """Makes it the presser's, once they have seen what it is."""
    return Button(label, "form-claim", checkpoint.id)


def keep_buttons(checkpoint_id: str, longest: timedelta | None) -> tuple[Button, ...]:
    """What keeps it longer, as far as the settings allow: `longest` is the longest that anybody may keep one."""
    week = (Button("Keep 7 days", "keep", checkpoint_id),) if longest is None or longest >= WEEK else ()
    good = (Button("Keep for good", "pin", checkpoint_id),) if longest is None else ()
    return *week, *good


def button_words(action: str) -> tuple[str, ...]:
    """The verb of a button about a checkpoint, and the words that follow the checkpoint."""
    says_more = {"keep": ("keep", "7d"), "pin": ("keep", "forever")}
    return says_more.get(action, (action,))


def is_unclaimed(checkpoint: Checkpoint, note: CheckpointNote) -> bool:
    """Nobody looks after it, and somebody should: it is no schedule's, and nothing that Hyper-V or a backup drops."""
    return checkpoint.managed_by is None and not note.schedule and (note.owner is None or note.left)


def is_owned_by(person: Person, note: CheckpointNote) -> bool:
    return note.owner in (None, person.id)


def keeper(note: CheckpointNote) -> str:
    """Who said last how long it is wanted: their name, else their user id, else `somebody`."""
    return note.keeper_name or note.keeper or "somebody"


def keepers(person: Person, notes: Iterable[CheckpointNote]) -> tuple[str, ...]:
    """Those who can be told, each once: neither the person who asks nor what runs by the clock."""
    ids = dict.fromkeys(note.keeper or "" for note in notes)
    return tuple(one for one in ids if one != person.id and is_person(one))


def known(context: Context, checkpoints: Iterable[Checkpoint]) -> Mapping[str, CheckpointNote]:
    """What is known of them, with the owners who have left."""
    return context.owners(context.record.checkpoints.notes([one.id for one in checkpoints]))


def kept(note: CheckpointNote) -> str:
    """`kept forever`, `kept until …`, or nothing where nobody said."""
    return f"kept {how_long(note)}" if how_long(note) else ""


def how_long(note: CheckpointNote) -> str:
    """`forever`, `until …`, or nothing where nobody said."""
    if note.pinned:
        return "forever"
    return f"until {say_time(note.keep_until)}" if note.keep_until else ""


def is_kept(note: CheckpointNote, now: datetime) -> bool:
    """Somebody wants it at this time."""
    return note.pinned or (note.keep_until is not None and note.keep_until > now)


def is_stale(checkpoint: Checkpoint, note: CheckpointNote, policy: Policy, now: datetime) -> bool:
    """A person's checkpoint that nobody keeps, and that is older than the settings allow or whose time is over."""
    if checkpoint.managed_by is not None or is_kept(note, now):
        return False
    return note.keep_until is not None or now - checkpoint.created > policy.stale_after


def written(seen: VMInventory, checkpoint: Checkpoint) -> str:
    """How much the VM has written since: `1.5 GB`, or nothing where the disks were not asked for."""
    size = seen.growth_since(checkpoint.id)
    return "" if size is None else say_size(size)


def title(checkpoint: Checkpoint, note: CheckpointNote, now: datetime) -> str:
    """Its name, its kind, and when it was taken: `before-upgrade (production, 2026-11-15 14:05 UTC, 7 days ago)`."""
    when = f"{say_time(checkpoint.created)}, {age(checkpoint, now)} ago"
    return f"{name(checkpoint.name)} ({say_kind(checkpoint, note)}, {when})"


def titles(context: Context, checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """The title of each."""
    notes = context.record.checkpoints.notes([one.id for one in checkpoints])
    return tuple(title(one, notes.get(one.id, UNKNOWN), context.now) for one in checkpoints)


def present(vms: Sequence[VM]) -> tuple[str, ...]:
    """Where and how one VM is, as a sentence: `web01 is on hv01, running for 3 days.` Of several, see `lines`."""
    return (f"{_as_it_is(vms[0])}.",) if len(vms) == 1 else ()


def about(context: Context, seen: VMInventory, checkpoint: Checkpoint) -> tuple[str, ...]:
    """What a card says first of a checkpoint that nothing is lost with."""
    return *present([seen.vm]), f"It is about {titles(context, [checkpoint])[0]}. Nothing is lost or turned off."


def lines(vms: Sequence[VM], checkpoints: Sequence[str] = ()) -> tuple[str, ...]:
    """Where and how each of several VMs is, with the title of the checkpoint that is meant, where one is."""
    if len(vms) == 1:
        return ()
    ends = [f": {one}" for one in checkpoints] or [""] * len(vms)
    return tuple(f"{_as_it_is(vm)}{end}" for vm, end in zip(vms, ends, strict=True))


def _as_it_is(vm: VM) -> str:
    up = f" for {say_span(timedelta(seconds=vm.uptime))}" if vm.uptime else ""
    node = f" ({name(vm.node)})" if vm.node else ""
    return f"{name(vm.name)} is on {name(vm.host)}{node}, {vm.state.label}{up}"


def few(vms: Sequence[VM]) -> str:
    """The first of them, for a heading: `web01, web02, web03 and 57 more`."""
    return say_names([vm.name for vm in vms], most=MOST_IN_A_HEADING)


def each(names: Sequence[str]) -> str:
    """How a sentence about some VMs begins: `web01`, `Each of web01 and web02`."""
    return say_names(names) if len(names) == 1 else f"Each of {say_names(names)}"


def merging(vms: Iterable[VM]) -> list[str]:
    """A caution where a delete is not over yet."""
    names = [vm.name for vm in vms if vm.merging]
    return [f"Disks of {say_names(names)} are being merged after a delete, so this may take longer."] if names else []
