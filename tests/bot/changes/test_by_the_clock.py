"""What is asked for by the clock: decided by its owner's rights of that moment, asked of nobody, told to who asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import ChangeRow, ChangeState
from bot.messages import Origin
from bot.people.identity import Refusal
from commands.base import Action, Apply, Create, Delete, Person, Plan, Target
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, CHANNEL, EVE
from tests.support.waiting import Pulse


@dataclass
class Listener:
    """Hears what becomes of changes by the clock."""

    over: list[tuple[str, ChangeState]] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    pulse: Pulse = field(default_factory=Pulse)

    def concluded(self, change: ChangeRow) -> None:
        self.over.append((change.id, change.state))
        self.pulse.beat()

    def merged(self, change: ChangeRow, vm_id: str) -> None:
        self.merges.append(vm_id)
        self.pulse.beat()


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as open_headquarters:
        yield open_headquarters


@pytest.fixture
def listener(hq: Headquarters) -> Listener:
    one = Listener()
    hq.core.changes.listen(one)
    return one


def plan(hq: Headquarters, action: Action, vm: str, *past: Past) -> Plan:
    seen = hq.add_vm(vm, *past)
    target = Target.of(seen, seen.checkpoints[0] if past else None)
    return Plan(action, (target,), f"{action.verb} {vm}", clock="schedule nightly")


def submit(hq: Headquarters, change_id: str, wanted: Plan, who: str = ADA) -> bool:
    return hq.core.changes.submit(change_id, wanted, Person(who, "somebody"), Origin(CHANNEL, who))


def test_it_is_carried_out_without_a_question_or_a_message_and_who_asked_hears_the_end(
    hq: Headquarters, listener: Listener
) -> None:
    wanted = plan(hq, Delete(), "clock01", Past("first", DAY))
    before = len(hq.board.texts) + len(hq.board.whispers)

    assert submit(hq, "c-1", wanted)
    listener.pulse.wait_for(lambda: listener.over and listener.merges)

    assert listener.over == [("c-1", ChangeState.SUCCEEDED)]
    assert listener.merges == [wanted.targets[0].vm_id]
    assert hq.checkpoints("clock01") == []
    assert len(hq.board.texts) + len(hq.board.whispers) == before
    row = hq.newest()
    assert (row.person_id, row.summary) == (ADA, "delete clock01 (by schedule nightly)")


@pytest.mark.parametrize(
    ("who", "action", "vm", "why"),
    [
        (EVE, Create("x"), "web77", "no grant for create on web77"),
        ("U0GONE", Create("x"), "web78", "look-up failed"),
        (ADA, Apply(), "sql77", "schedule nightly can ask nobody for the approval"),
    ],
)
def test_its_owners_rights_of_that_moment_decide_and_the_clock_asks_nobody(
    hq: Headquarters, who: str, action: Action, vm: str, why: str
) -> None:
    change_id = f"c-{vm}"

    with pytest.raises(Refusal) as denied:
        submit(hq, change_id, plan(hq, action, vm, *([Past("first", DAY)] if vm == "sql77" else [])), who)

    assert why in denied.value.cause
    row = hq.ledger.changes.get(change_id)
    assert row is not None
    assert row.state == ChangeState.DENIED


def test_who_left_is_refused_for_good_and_who_could_not_be_looked_up_for_now(hq: Headquarters) -> None:
    wanted = plan(hq, Create("x"), "app79")
    hq.people.deactivate(ADA)
    try:
        with pytest.raises(Refusal, match="deactivated") as left:
            submit(hq, "c-left", wanted)
    finally:
        hq.people.deactivate(ADA, deleted=False)
    hq.people.out_of_order = True
    try:
        with pytest.raises(Refusal) as unknown:
            submit(hq, "c-unknown", wanted)
    finally:
        hq.people.out_of_order = False

    assert (left.value.passing, unknown.value.passing) == (False, True)


def test_of_many_vms_nobody_is_asked_either(hq: Headquarters, listener: Listener) -> None:
    targets = tuple(Target.of(hq.add_vm(f"many{n}")) for n in range(5))

    submit(hq, "c-many", Plan(Create("nightly"), targets, "take nightly", clock="schedule nightly"))
    listener.pulse.wait_for(lambda: listener.over)

    assert listener.over == [("c-many", ChangeState.SUCCEEDED)]
    assert all(hq.checkpoints(f"many{n}") == ["nightly"] for n in range(5))


def test_the_same_id_is_begun_once(hq: Headquarters) -> None:
    wanted = replace(plan(hq, Create("x"), "once01"), clock="schedule nightly")

    assert submit(hq, "c-once", wanted)
    assert not submit(hq, "c-once", wanted)
