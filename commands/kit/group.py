"""The VMs that one command is about: looked at together, and refused together with all that stands against them."""

from __future__ import annotations

from collections.abc import Callable

from backends.base import VM, BackendError, VMInventory
from commands.base import Context, NotAllowed, NotKnown, UsageError, name
from commands.kit.finding import Found, checkpoint_on, on_it
from commands.kit.words import say_names

MOST_TOLD = 8
"""Obstacles of a group that get a sentence each."""

AS_A_WHOLE = "A group is changed as a whole or not at all."


class Group:
    """Each check leaves out of `seen` what it stands against; `refuse` tells all of that at once."""

    def __init__(self, context: Context, verb: str, vms: str, *, disks: bool = False) -> None:
        """Finds the VMs that were typed, and looks at each. Raises `UsageError` where there is none of them."""
        self._context = context
        self._verb = verb
        self._obstacles: list[UsageError | BackendError] = []
        self._told: list[str] = []
        try:
            found = context.fleet.find(vms, afresh=True)
        except UsageError as unknown:
            if not unknown.rest:
                raise
            found = unknown.rest
            self._note(unknown, unknown.sentence)
        looks = context.fleet.look_each(found, disks=disks)
        self.seen = [look for _, look in looks if isinstance(look, VMInventory)]
        """Those that nothing stands against so far."""
        self._note_failures({vm: look for vm, look in looks if not isinstance(look, VMInventory)})

    def check(self, check: Callable[[VMInventory], object]) -> None:
        """Leave out those of which the check raises `UsageError`."""
        passed = []
        for seen in self.seen:
            try:
                check(seen)
            except UsageError as obstacle:
                self._note(obstacle, obstacle.sentence)
            else:
                passed.append(seen)
        self.seen = passed

    def at_most(self, number: int, why: UsageError) -> None:
        """Leave out those beyond so many, all for the same reason. Those that no grant allows are left out first."""
        if len(self.seen) <= number:
            return
        self.seen.sort(key=lambda seen: not self._context.may(self._verb, seen.vm))
        self._note(why, why.sentence)
        self.seen = self.seen[:number]

    def checkpoints(self, text: str, check: Callable[[Found], object]) -> tuple[Found, ...]:
        """The checkpoint of that name on each of them, checked. Raises all that stands against any of them."""
        without = [seen for seen in self.seen if not on_it(seen, text)]
        if len(without) > 1:
            sentence = f"{say_names([seen.vm.name for seen in without])} have no checkpoint called {name(text)}."
            self._note(NotKnown(sentence), sentence)
            self.seen = [seen for seen in self.seen if seen not in without]
        found: list[Found] = []

        def look(seen: VMInventory) -> None:
            one = seen, checkpoint_on(seen, text, self._context.now)
            check(one)
            found.append(one)

        self.check(look)
        self.refuse()
        return tuple(found)

    def refuse(self) -> None:
        """Raise all that stands against them, with the rest to go on with; a single thing that stands against all of
        them is raised as it is. Where nothing does but a grant that is missing, the gate says so."""
        if not self._obstacles:
            return
        if len(self._obstacles) == 1 and not self.seen:
            raise self._obstacles[0]
        denied = [seen.vm for seen in self.seen if not self._context.may(self._verb, seen.vm)]
        if denied:
            names = say_names([vm.name for vm in denied])
            self._told.insert(0, f"No grant lets you do this to {names} in this channel.")
        more = [f"{len(self._told) - MOST_TOLD} more are in the way."] if len(self._told) > MOST_TOLD else []
        sentence = " ".join([*self._told[:MOST_TOLD], *more])
        # A copy that Hyper-V Replica keeps is changed only where it was named.
        rest = [seen.vm for seen in self.seen if seen.vm not in denied and not seen.vm.is_replica]
        if denied:
            raise NotAllowed(sentence, AS_A_WHOLE, rest=rest)
        hidden = any(isinstance(one, NotKnown) and one.hidden for one in self._obstacles)
        raise NotKnown(sentence, AS_A_WHOLE, rest=rest, hidden=hidden)

    def _note(self, obstacle: UsageError | BackendError, told: str) -> None:
        self._obstacles.append(obstacle)
        self._told.append(told)

    def _note_failures(self, failures: dict[VM, UsageError | BackendError]) -> None:
        """What a host says of all its VMs is told once."""
        by_sentence: dict[str, list[VM]] = {}
        for vm, error in failures.items():
            by_sentence.setdefault(error.sentence, []).append(vm)
        for sentence, vms in by_sentence.items():
            self._note(failures[vms[0]], f"{say_names([vm.name for vm in vms])}: {sentence}")
