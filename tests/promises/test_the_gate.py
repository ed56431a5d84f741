"""A VM on Hold is touched by nothing: each verb that touches VMs is tried by every way that leads to a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import time
from pathlib import Path

import pytest

from backends.base import VMInventory, VMState
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from bot.changes import verbs
from bot.ledger import ChangeRow, ChangeState, Stage
from bot.messages import Origin
from bot.people.identity import Refusal
from bot.settings import ApprovalSettings, ConfirmationSettings, HousekeepingSettings
from bot.settings.kinds import Hours
from commands.base import Apply, Button, Configure, Create, Delete, Export, Plan, Target
from tests.support.board import buttons
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB, CHANNEL, People
from tests.support.waiting import wait_until
from tests.support.workbench import Workbench

WORDS = {
    "create": "create {vm} another",
    "apply": "apply {vm} old --no-safety",
    "delete": "delete {vm} new",
    "export": "export {vm} old D:\\\\exports",
    "configure": "settings {vm} --type standard",
}
"""How each is typed."""

ACTIONS = {
    "create": Create("c"),
    "apply": Apply(),
    "delete": Delete(),
    "export": Export("D:\\e"),
    "configure": Configure(automatic=True),
}

PAST = (Past("old", 3 * DAY), Past("new", DAY))
TOLD = "is on Hold, so the bot does nothing to it"

NEVER = Hours(time(0, 0), time(0, 0, 0, 1))

everything = pytest.mark.parametrize("verb", WORDS)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    """Everything is asked about, what is done to `two*` needs Bob, and the clock deletes nothing for now."""
    hq = Headquarters(tmp_path_factory.mktemp("gate"))
    rights = tuple(ACTIONS)
    more = {
        "access": hq.settings.access.model_copy(
            update={"approvals": (ApprovalSettings(vms=("two*",), actions=rights, by=(BOB,)),)}
        ),
        "confirmation": ConfirmationSettings(actions=rights),
        "housekeeping": HousekeepingSettings(between=NEVER),
    }
    hq.settings = hq.settings.model_copy(update=more)
    with hq:
        yield hq


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    shared.board.whispers.clear()
    return shared


@pytest.fixture(scope="module")
def held(shared: Headquarters) -> VMInventory:
    """A VM that came on Hold a while ago, beside one that is well."""
    seen = shared.add_vm("held01", *PAST)
    shared.add_vm("well01", *PAST)
    turn(shared, "held01")
    return seen


@pytest.fixture(scope="module")
def turned(shared: Headquarters) -> Mapping[str, ChangeRow]:
    """Cards for each verb, for who asked, on a VM that came on Hold after all of them were there."""
    return asked_then_turned(shared, "one01")


@pytest.fixture(scope="module")
def turned_for_two(shared: Headquarters) -> Mapping[str, ChangeRow]:
    """The same on a VM that needs a second person."""
    return asked_then_turned(shared, "two01")


def asked_then_turned(hq: Headquarters, vm: str) -> Mapping[str, ChangeRow]:
    hq.add_vm(vm, *PAST)
    cards = {}
    for verb, words in WORDS.items():
        hq.type(words.format(vm=vm))
        cards[verb] = hq.wait_for(ChangeState.AWAITING)
    hq.fork(vm)
    return cards


def turn(hq: Headquarters, vm: str) -> None:
    """A checkpoint of it fails half-way, and a round of looks sees that."""
    hq.fork(vm)
    hq.judge()
    assert hq.core.health.on_hold(hq.vm(vm).id) is not None


@contextmanager
def refused(hq: Headquarters, vm: str = "held01") -> Iterator[None]:
    """In here somebody is told that nothing is done, with what to do, and nothing is."""
    with hq.nothing_changes():
        yield
    told = hq.told()
    assert f"{vm} {TOLD}" in told
    assert "backup from inside the guest" in told
    assert "Do not restart" in told
    assert hq.vm(vm).lost == ""


def ends_refused(hq: Headquarters, card: ChangeRow, vm: str, act: Callable[[], object]) -> None:
    with hq.nothing_changes():
        act()
        hq.wait_for(ChangeState.DENIED, card)
    assert f"{vm} {TOLD}" in hq.message(card).text
    assert hq.vm(vm).lost == ""


def test_the_table_has_every_verb_that_touches_a_vm() -> None:
    touching = {name for name, verb in verbs.verbs().items() if verb.held}
    assert touching == set(WORDS) == set(ACTIONS)


# ---------------------------------------------------------------- people


@everything
def test_typed(hq: Headquarters, held: VMInventory, verb: str) -> None:
    with refused(hq):
        hq.type(WORDS[verb].format(vm="held01"))
    assert hq.newest().state is ChangeState.DENIED


@everything
def test_typed_by_id_as_buttons_and_forms_do(hq: Headquarters, held: VMInventory, verb: str) -> None:
    with refused(hq):
        hq.type(WORDS[verb].format(vm=held.vm.id))


def test_submitted_in_a_form(hq: Headquarters, held: VMInventory) -> None:
    door = FrontDoor(hq)
    door.command("")
    with hq.nothing_changes():
        errors = door.submit(door.form, vm=held.vm.id, name="by form")
    assert f"held01 {TOLD}" in (" ".join(errors.values()) or hq.told())


@pytest.mark.parametrize("verb", ["create", "apply", "delete"])
def test_typed_for_a_group_and_the_rest_is_offered(hq: Headquarters, held: VMInventory, verb: str) -> None:
    with refused(hq):
        hq.type(WORDS[verb].format(vm="held01,well01"))
    (rest,) = (one for one in buttons(hq.board.whispers[-1]) if one.action == "rest")
    hq.press(rest, None)
    card = hq.wait_for(ChangeState.AWAITING)
    assert [vm.name for vm in card.vms] == ["well01"]
    hq.press(hq.button(card, "Cancel"), card.message)


@everything
def test_confirmed_on_a_card_that_was_there_before(
    hq: Headquarters, turned: Mapping[str, ChangeRow], verb: str
) -> None:
    card = turned[verb]
    ends_refused(hq, card, "one01", lambda: hq.press(hq.button(card, verb.capitalize()), card.message))


@everything
def test_approved_by_a_second_person_on_a_card_that_was_there_before(
    hq: Headquarters, turned_for_two: Mapping[str, ChangeRow], verb: str
) -> None:
    card = turned_for_two[verb]
    ends_refused(hq, card, "two01", lambda: hq.press(hq.button(card, "Approve"), card.message, who=BOB))


@everything
def test_asked_for_again_by_the_button_of_an_old_card(
    hq: Headquarters, turned: Mapping[str, ChangeRow], verb: str
) -> None:
    hq.judge()
    with refused(hq, "one01"):
        hq.press(Button("Ask again", "again", turned[verb].id), turned[verb].message)


@pytest.mark.parametrize("action", ["apply", "delete"])
def test_the_menu_of_a_checkpoint_in_list_and_digest(hq: Headquarters, held: VMInventory, action: str) -> None:
    with refused(hq):
        hq.press(Button("", action, held.checkpoints[0].id), None)


def test_several_that_are_chosen_in_a_list(hq: Headquarters, held: VMInventory) -> None:
    with refused(hq):
        hq.press(Button("", "delete", ""), None, chosen=tuple(one.id for one in held.checkpoints))
    assert len([one for one in hq.board.whispers if TOLD in one.text]) == len(held.checkpoints)


def test_what_waits_for_its_turn_while_the_verdict_turns(hq: Headquarters) -> None:
    hq.add_vm("turn01", *PAST)
    faults = hq.host().faults
    faults.arm(Fault(FaultKind.HANG, "Rename-VMSnapshot"))
    faults.arm(Fault(FaultKind.CMDLET_ERROR, "Rename-VMSnapshot"))
    waiting = []
    try:
        hq.type("rename turn01 old older")
        wait_until(lambda: hq.newest().state is ChangeState.RUNNING)
        for words in ("create turn01 another", "delete turn01 new"):
            hq.type(words)
            card = hq.wait_for(ChangeState.AWAITING)
            hq.press(buttons(hq.message(card))[0], card.message)
            waiting.append(hq.wait_for(ChangeState.QUEUED, card))
        hq.fork("turn01")
    finally:
        faults.disarm(FaultKind.HANG)
        faults.release()
    wait_until(lambda: all(hq.row(card).state.final for card in waiting))
    for card in waiting:
        assert hq.row(card).state is ChangeState.DENIED
        hq.wait_for(ChangeState.DENIED, card)
        assert f"turn01 {TOLD}" in hq.message(card).text
    assert (hq.checkpoints("turn01"), hq.vm("turn01").lost) == (["old", "new"], "")


def test_undo(hq: Headquarters) -> None:
    hq.add_vm("undo01", *PAST)
    hq.type("apply undo01 old")
    card = hq.wait_for(ChangeState.AWAITING)
    hq.press(hq.button(card, "Apply"), card.message)
    done = hq.wait_for(ChangeState.SUCCEEDED, card)
    turn(hq, "undo01")
    with refused(hq, "undo01"):
        hq.press(hq.button(done, "Undo"), done.message)


# ---------------------------------------------------------------- the clock


@everything
def test_asked_for_by_the_clock(hq: Headquarters, held: VMInventory, verb: str) -> None:
    checkpoint = held.checkpoints[0] if verb in ("apply", "delete", "export") else None
    plan = Plan(ACTIONS[verb], (Target.of(held, checkpoint),), "by the clock", clock="expiry")
    with hq.nothing_changes(), pytest.raises(Refusal, match="on Hold"):
        hq.core.changes.submit(f"clock-{verb}", plan, People().person(ADA), Origin(CHANNEL, ADA))
    row = hq.ledger.changes.get(f"clock-{verb}")
    assert row is not None
    assert (row.state, row.reason) == (ChangeState.DENIED, "held01 is on Hold")


def test_a_run_of_a_schedule(hq: Headquarters) -> None:
    hq.add_vm("sched01", *PAST)
    turn(hq, "sched01")
    hq.type("schedule add sched* --at 02:00 --keep 7d --name runs")
    with hq.nothing_changes():
        hq.type("schedule run runs")
        wait_until(lambda: [text for text in hq.board.texts if "sched01" in text and "it is on Hold" in text])
    assert hq.checkpoints("sched01") == ["old", "new"]


def test_a_run_of_a_schedule_whose_vm_turns_right_before_it_is_taken(hq: Headquarters) -> None:
    hq.add_vm("sched02", *PAST)
    hq.judge()
    hq.fork("sched02")
    hq.type("schedule add sched02 --at 02:00 --keep 7d --name late")
    with hq.nothing_changes():
        hq.type("schedule run late")
        wait_until(lambda: [text for text in hq.board.texts if f"sched02 {TOLD}" in text])
    assert hq.checkpoints("sched02") == ["old", "new"]


def test_what_expires_and_what_a_schedule_keeps_no_longer(hq: Headquarters) -> None:
    """Both wait for the hours of the housekeeping, and the VMs turn meanwhile."""
    hq.add_vm("ends01", Past("old", DAY))
    hq.add_vm("kept01", Past("old", DAY))
    hq.type("create ends01 mine --keep 1h")
    card = hq.wait_for(ChangeState.AWAITING)
    hq.press(hq.button(card, "Create"), card.message)
    hq.wait_for(ChangeState.SUCCEEDED, card)
    hq.type("schedule add kept* --every 1h --keep-last 1 --name keeps")
    for times in (2, 3):
        hq.clock.forward(hours=1)
        hq.core.recurring.look()
        wait_until(lambda times=times: len(hq.checkpoints("kept01")) == times)  # type: ignore[misc]
    hq.clock.forward(hours=2)
    hq.core.expiry.look()
    waiting = hq.core.ledger.housekeeping
    wait_until(lambda: {one.vm_name for one in waiting.waiting("hv01")} >= {"ends01", "kept01"})
    (ends, keeps) = sorted(waiting.waiting("hv01"), key=lambda one: one.vm_name)
    hq.fork("ends01")
    hq.fork("kept01")
    hq.judge()
    hq.core.housekeeping.settings = HousekeepingSettings()
    try:
        with hq.nothing_changes():
            hq.core.housekeeping.go_on("hv01")
    finally:
        hq.core.housekeeping.settings = HousekeepingSettings(between=NEVER)
    for one in (ends, keeps):
        found = waiting.get(one.id)
        assert found is not None
        assert (found.stage, found.why) == (Stage.STAYS, f"{one.vm_name} is on Hold")
    hq.core.expiry.look()
    assert [text for text in hq.board.texts if "mine" in text and "ends01 is on Hold" in text]


# ---------------------------------------------------------------- in the middle of a change


@pytest.mark.parametrize("looks", [0, 1, 2], ids=["before it begins", "before the apply", "before the start"])
def test_a_verdict_that_turns_between_the_steps_of_an_apply(tmp_path: Path, looks: int) -> None:
    bench = Workbench(tmp_path)
    seen = bench.add_vm("web01", *PAST)
    asked = 0

    def held(_vm: object) -> str:
        nonlocal asked
        asked += 1
        return "web01 is on Hold." if asked > looks else ""

    bench.held = held
    outcome = bench.perform(Apply(safety=False), bench.target(seen, "old"))
    bench.close()
    assert "web01 is on Hold." in outcome.sentence
    assert bench.ran("Restore-VMSnapshot") == (looks > 1)
    assert bench.ran("Start-VM") == 0
    assert outcome.state is (ChangeState.DENIED if looks == 0 else ChangeState.FAILED)
    assert bench.vm("web01").state is (VMState.OFF if looks > 1 else VMState.RUNNING)
