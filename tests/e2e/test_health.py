"""A VM whose checkpoint failed half-way: seen, told, and kept from every way that would lose its data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.base import EventLog, VMInventory
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model import power
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.storage import DiskFile
from bot.ledger import ChangeState
from bot.messages import Origin
from bot.people.identity import Refusal
from commands.base import Apply, Create, Delete, Export, Plan, Target
from commands.base.health import Verdict
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, CHANNEL, People

PAST = (Past("old", 3 * DAY), Past("new", DAY))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("health")) as made:
        yield made


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    shared.board.whispers.clear()
    return shared


def put_on_hold(hq: Headquarters, name: str) -> VMInventory:
    seen = hq.add_vm(name, *PAST)
    hq.fork(name)
    hq.judge()
    assert hq.core.health.on_hold(seen.vm.id) is not None
    return seen


@pytest.fixture(scope="module")
def held(shared: Headquarters) -> VMInventory:
    """A VM on Hold that nothing in here changes."""
    return put_on_hold(shared, "held01")


COMMANDS = {
    "create": "create {vm} another",
    "the short form": "{vm} another",
    "apply": "apply {vm} old",
    "revert": "revert {vm} old --no-safety",
    "delete": "delete {vm} new",
    "delete subtree": "delete {vm} old --subtree",
    "export": "export {vm} old D:\\\\exports",
    "settings": "settings {vm} --type standard",
}


@pytest.mark.parametrize("way", COMMANDS)
def test_every_command_that_touches_a_vm_on_hold_is_refused_with_what_to_do(
    hq: Headquarters, held: VMInventory, way: str
) -> None:
    name = held.vm.name
    with hq.nothing_changes():
        hq.type(COMMANDS[way].format(vm=name))
    assert f"{name} is on Hold" in hq.told()
    assert "backup from inside the guest" in hq.told()
    assert "Do not restart" in hq.told()
    assert "Nothing was changed." in hq.told()
    assert hq.newest().state is ChangeState.DENIED
    assert hq.vm(name).lost == ""


def test_a_group_with_a_vm_on_hold_is_refused_as_a_whole(hq: Headquarters, held: VMInventory) -> None:
    hq.add_vm("group01")
    with hq.nothing_changes():
        hq.type("create held01,group01 another")
    assert "held01 is on Hold" in hq.told()


@pytest.mark.parametrize("action", [Create("c"), Apply(), Delete(), Export("D:\\e")], ids=lambda one: one.verb)
def test_what_the_clock_asks_for_is_refused_too(
    hq: Headquarters, held: VMInventory, action: Create | Apply | Delete | Export
) -> None:
    target = Target.of(held, held.checkpoints[0] if not isinstance(action, Create) else None)
    plan = Plan(action, (target,), "by the clock", clock="housekeeping")
    with hq.nothing_changes(), pytest.raises(Refusal, match="on Hold"):
        hq.core.changes.submit(f"clock-{action.verb}", plan, People().person(ADA), Origin(CHANNEL, ADA))


def test_a_fork_that_fails_while_the_card_waits_is_seen_right_before_the_act(hq: Headquarters) -> None:
    hq.add_vm("late01", *PAST)
    hq.judge()
    hq.type("apply late01 old --no-safety")
    card = hq.wait_for(ChangeState.AWAITING)
    hq.fork("late01")
    hq.clock.forward(seconds=20)
    with hq.nothing_changes():
        hq.press(hq.button(card, "Apply"), card.message)
        hq.wait_for(ChangeState.DENIED, card)
    assert "late01 is on Hold" in hq.message(card).text
    assert hq.vm("late01").lost == ""


def test_undo_is_refused_once_the_vm_is_on_hold(hq: Headquarters) -> None:
    hq.add_vm("undo01", *PAST)
    hq.type("apply undo01 old")
    card = hq.wait_for(ChangeState.AWAITING)
    hq.press(hq.button(card, "Apply"), card.message)
    done = hq.wait_for(ChangeState.SUCCEEDED, card)
    hq.start_again("undo01")
    hq.fork("undo01")
    hq.judge()
    hq.board.whispers.clear()
    with hq.nothing_changes():
        hq.press(hq.button(done, "Undo"), done.message)
    assert "undo01 is on Hold" in hq.told()


def test_a_safety_checkpoint_that_fails_half_way_ends_the_apply_before_it_loses_anything(hq: Headquarters) -> None:
    hq.add_vm("safety01", *PAST)
    hq.host().faults.arm(Fault(FaultKind.FORK))
    hq.type("apply safety01 old")
    card = hq.wait_for(ChangeState.AWAITING)
    hq.press(hq.button(card, "Apply"), card.message)
    hq.wait_for(ChangeState.FAILED, card)
    assert hq.vm("safety01").forked
    assert hq.vm("safety01").lost == ""
    hq.clock.forward(seconds=20)
    hq.type("create safety01 again")
    hq.wait_for(ChangeState.DENIED)
    assert hq.vm("safety01").lost == ""


def test_renaming_goes_on(hq: Headquarters, held: VMInventory) -> None:
    hq.type("rename held01 new newer")
    hq.wait_for(ChangeState.SUCCEEDED)
    hq.type("rename held01 newer new")
    hq.wait_for(ChangeState.SUCCEEDED)
    assert hq.checkpoints("held01") == ["old", "new"]


def test_a_hold_is_told_once_where_its_digest_goes_and_once_more_when_it_ends(hq: Headquarters) -> None:
    seen = put_on_hold(hq, "old-told")
    hq.judge()
    tell = hq.core.holds.tell
    tell()
    tell()
    told = [text for text in hq.board.texts if "old-told on hv01 is on Hold" in text]
    assert len(told) == 1
    assert "3216" in told[0]
    power.stop(hq.host(), seen.vm.id)
    hq.start_again("old-told")
    for one in list(hq.vm("old-told").ordered()):
        hq.in_process()["hv01"].delete(one.id)
    hq.judge()
    tell()
    tell()
    ended = [text for text in hq.board.texts if "old-told on hv01 is not on Hold any more" in text]
    assert len(ended) == 1


def test_health_says_why_and_has_the_text_for_a_support_case(hq: Headquarters, held: VMInventory) -> None:
    hq.type("health held01")
    told = hq.told()
    assert "⛔ Hold since" in told
    assert "event 3216 of the Worker log (0x80048102)" in told
    assert f"VM: held01 ({held.vm.id})" in told
    assert "wevtutil epl Microsoft-Windows-Hyper-V-Worker-Admin" in told
    hq.type("health held01,group01")
    assert "1 Hold" in hq.told()
    hq.type("list held01")
    assert "on Hold" in hq.told()


def test_nobody_talks_a_hold_away(hq: Headquarters, held: VMInventory) -> None:
    hq.type("health held01 --acknowledge 'looks fine to me'")
    assert "by no word of anybody" in hq.told()


def orphan(hq: Headquarters, name: str) -> VMInventory:
    """A VM that somebody should look at: a file in its folder belongs to nothing."""
    seen = hq.add_vm(name, *PAST)
    vm, host = hq.vm(name), hq.host()
    path = f"{vm.folder}\\Virtual Hard Disks\\{name}_LOST.avhdx"
    host.storage.add(DiskFile(path, 9, 5, "", created=host.clock() - DAY))
    hq.core.inventory.refresh(disks=True)
    hq.clock.forward(hours=2)
    hq.core.health.look_around()
    return seen


def test_a_vm_that_somebody_should_look_at_is_asked_about_in_red_with_the_reason(hq: Headquarters) -> None:
    orphan(hq, "look01")
    hq.type("create look01 another")
    card = hq.wait_for(ChangeState.AWAITING)
    assert "look01, which somebody should look at: look01_LOST.avhdx belongs to no chain" in hq.message(card).text
    assert hq.button(card, "Create").style == "danger"
    hq.press(hq.button(card, "Create"), card.message)
    hq.wait_for(ChangeState.SUCCEEDED, card)


def test_what_happened_is_settled_by_a_person_with_a_reason(hq: Headquarters) -> None:
    seen = hq.add_vm("settle01")
    host = hq.host()
    host.tell(EventLog.VMMS, 18012, hq.vm("settle01"), at=host.clock() - 60)
    hq.judge()
    assert hq.ledger.verdicts.of([seen.vm.id])[seen.vm.id].verdict is Verdict.LOOK
    hq.type("health settle01 --acknowledge 'the backup ran into it'")
    hq.wait_for(ChangeState.SUCCEEDED)
    hq.judge()
    health = hq.ledger.verdicts.of([seen.vm.id])[seen.vm.id]
    assert health.verdict is Verdict.FINE
    assert health.acknowledged is not None
    assert (health.acknowledged.person_name, health.acknowledged.reason) == ("ada", "the backup ran into it")


def test_a_log_that_cannot_be_read_is_said_and_refuses_nothing(hq: Headquarters) -> None:
    seen = hq.add_vm("blind01")
    hq.host().logs[EventLog.WORKER].readable = False
    try:
        hq.judge()
        hq.type("health blind01")
        assert "❔ Cannot tell" in hq.told()
        assert "the account may not read it" in hq.told()
        hq.type("create blind01 all-the-same")
        hq.wait_for(ChangeState.SUCCEEDED)
    finally:
        hq.host().logs[EventLog.WORKER].readable = True
    hq.judge()
    assert hq.ledger.verdicts.of([seen.vm.id])[seen.vm.id].verdict is not Verdict.CANNOT_TELL
