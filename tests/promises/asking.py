"""A change as the tests of promises see it: asked for, answered, and looked at in the ledger and in the channel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from threading import Barrier
from typing import TypeVar

from bot.changes.card import SIGNS
from bot.ledger import ChangeRow, ChangeState
from bot.sandbox import Message
from bot.slack.render.blocks import action_of
from commands.kit.words import short_id
from tests.support.office import Office
from tests.support.waiting import DEADLINE

T = TypeVar("T")

ANSWERS = frozenset({"confirm", "approve", "cancel"})
"""The buttons of a card that waits, and of a change that waits for its turn."""


@dataclass(frozen=True)
class Change:
    """One change. People press its buttons also when these are not there any more: their client may be behind."""

    office: Office
    id: str

    @property
    def row(self) -> ChangeRow:
        row = self.office.ledger.changes.get(self.id)
        assert row is not None
        return row

    @property
    def way(self) -> list[str]:
        """The states it went through, by its events."""
        return [e.event for e in self.office.ledger.events.of(self.id) if e.event in set(ChangeState)]

    @property
    def messages(self) -> list[Message]:
        """What the channel says about it."""
        return [m for m in self.office.sandbox.messages(self.office.channel) if f"change {short_id(self.id)}" in m.seen]

    @property
    def message(self) -> Message:
        """The only one."""
        (one,) = self.messages
        return one

    @property
    def answers(self) -> set[str]:
        """The answers that its messages offer."""
        return ANSWERS & {action for m in self.messages for action in actions(m)}

    def press(self, who: str, action: str, *, value: str | None = None, inside: Message | None = None) -> None:
        """Press the button of that action; `value` and `inside` forge what it carries and where it stands."""
        message = inside or self.message
        known = {action_of(str(e["action_id"])): str(e["action_id"]) for _, e in message.elements()}
        action_id = known.get(action, f"bot.{action}.0")
        carried = self.id if value is None else value
        self.office.sandbox.press(who, message, action_id, value=carried, forged=True)

    def asks(self, action: str) -> None:
        """Wait until its message offers this answer."""
        wait(self.office, lambda: action in self.answers)

    def ends(self, *way: str) -> Message:
        """Wait for its end, and hold ledger and channel to it: it went this way, and its one message says so."""
        wait(self.office, lambda: self.row.state == way[-1])
        sign = SIGNS[ChangeState(way[-1])]
        wait(self.office, lambda: self.messages and all(m.seen.startswith(sign) for m in self.messages))
        assert self.way == list(way)
        assert self.answers == set()
        assert self.office.ledger.audit.verify().whole
        return self.message


def asked(office: Office, act: Callable[[], object]) -> Change:
    """The one change that `act` asks for, once the channel tells of it."""
    before = everything_asked(office)
    act()
    wait(office, lambda: everything_asked(office) - before)
    (new,) = everything_asked(office) - before
    change = Change(office, new)
    wait(office, lambda: change.messages)
    return change


def types(office: Office, who: str, text: str) -> Change:
    """The change that `who` asks for by typing."""
    return asked(office, lambda: office.type(who, f"/checkpoint {text}"))


def everything_asked(office: Office) -> set[str]:
    """The ids of all changes that are not refusals."""
    return set(states_of_all(office))


def states_of_all(office: Office) -> dict[str, str]:
    """Where every change stands, by its id, without the refusals."""
    return {one.change_id: one.state for one in office.ledger.history.find(limit=10_000) if one.state != "denied"}


def refused(office: Office, who: str, act: Callable[[], object]) -> str:
    """What `who` alone is told of an act that nothing comes of: no host and no change moves."""
    told, states = len(office.sandbox.ephemeral(who)), states_of_all(office)
    with office.nothing_changes():
        act()
        wait(office, lambda: office.sandbox.ephemeral(who)[told:])
    assert states_of_all(office) == states
    return office.sandbox.ephemeral(who)[-1].seen


def everything_on(office: Office) -> dict[str, object]:
    """All that is on the hosts, to the last file."""
    found: dict[str, object] = {}
    for name, host in office.hosts.items():
        with host.moment():
            found[name] = [asdict(vm) for vm in host.vms.values()], [asdict(file) for file in host.storage]
    return found


def at_once(*acts: Callable[[], object]) -> None:
    """Do all of it at the same moment."""
    barrier = Barrier(len(acts))

    def one(act: Callable[[], object]) -> None:
        barrier.wait(DEADLINE)
        act()

    with ThreadPoolExecutor(len(acts)) as people:
        list(people.map(one, acts))


def actions(message: Message) -> set[str]:
    """What the buttons of a message stand for."""
    return {action_of(str(e["action_id"])) or "" for _, e in message.elements()}


def wait(office: Office, look: Callable[[], T]) -> T:
    return office.sandbox.wait_for(look, DEADLINE)
