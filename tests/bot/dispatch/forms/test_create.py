"""The form that takes a checkpoint, through the app's listeners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from backends.base import OperationalStatus
from bot.dispatch.forms.search import VMSearch
from bot.dispatch.views import Alert, Conversation, Form, Search, Text
from bot.ledger import ChangeState
from commands.base import CheckpointNote, unmarked
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters
from tests.support.memory import World
from tests.support.people import ADA, CHANNEL, ELSEWHERE, EVE, GUEST
from tests.support.settings import owners


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as opened:
        for vm in ("web01", "web02", "eves01", "app01"):
            opened.add_vm(vm)
        opened.core.inventory.refresh(disks=True)
        yield opened


@pytest.fixture
def door(hq: Headquarters) -> FrontDoor:
    hq.screens.out_of_order = False
    hq.people.deactivate(ADA, False)
    hq.people.admins = frozenset({ADA, "U0BOB"})
    return FrontDoor(hq)


def vm_id(hq: Headquarters, name: str) -> str:
    return str(hq.vm(name).id)


def alerts(form: Form) -> str:
    return " ".join(part.text for part in form.parts if isinstance(part, Alert))


def field(form: Form, id: str) -> object:
    return next(part for part in form.parts if getattr(part, "id", "") == id)


class TestTheFormOpens:
    def test_for_the_command_alone_in_its_channel(self, door: FrontDoor) -> None:
        door.command("")
        assert door.form.memory == {"channel": CHANNEL}
        assert not [part for part in door.form.parts if isinstance(part, Conversation)]

    def test_for_the_shortcut_of_the_workspace_and_asks_for_the_channel(self, door: FrontDoor) -> None:
        door.shortcut()
        assert isinstance(door.form.parts[0], Conversation)

    def test_for_the_shortcut_of_a_message_whose_text_is_the_note(self, door: FrontDoor) -> None:
        door.message_shortcut("before &lt;b&gt; of <https://x.test|the ticket>")
        note = field(door.form, "note")
        assert isinstance(note, Text)
        assert note.text == "before <b> of the ticket"
        assert door.form.memory["channel"] == CHANNEL

    def test_not_for_a_guest_who_is_told_why(self, door: FrontDoor, hq: Headquarters) -> None:
        before = len(hq.screens.opened)
        door.command("", who=GUEST)
        assert len(hq.screens.opened) == before
        assert "guests cannot use me" in hq.told()

    def test_or_the_person_hears_that_it_could_not(self, door: FrontDoor, hq: Headquarters) -> None:
        hq.screens.out_of_order = True
        door.command("")
        assert "could not be opened" in hq.told()


class TestTheSearch:
    @pytest.fixture
    def form(self, door: FrontDoor) -> Form:
        door.command("")
        return door.form

    def test_finds_by_name_and_by_host_with_the_best_first(self, door: FrontDoor, form: Form) -> None:
        assert [label.split()[0] for label in door.search(form, "web")] == ["web01", "web02"]
        assert len(door.search(form, "hv01")) == 4
        assert door.search(form, "nosuch") == []

    def test_finds_only_what_the_person_may_act_on(self, door: FrontDoor, form: Form) -> None:
        assert [label.split()[0] for label in door.search(form, "", who=EVE)] == ["eves01"]
        assert door.search(form, "", who=GUEST) == []

    def test_finds_by_who_has_checkpoints_of_it(self) -> None:
        world = World()
        world.vm("web01")
        mine = world.checkpoint(world.vm("app01"), "mine")
        world.book.known[mine.id] = CheckpointNote(owner=ADA, owner_name="Ada Moreau")
        world.inventory.refresh()
        assert [one.label for one in VMSearch("create").find(world.context, "moreau ADA")] == ["app01 · hv01 · running"]


class TestASubmission:
    @pytest.fixture
    def form(self, door: FrontDoor) -> Form:
        door.command("")
        return door.form

    def test_goes_the_way_of_the_typed_command(self, door: FrontDoor, hq: Headquarters, form: Form) -> None:
        day = (hq.clock() + timedelta(days=3)).date().isoformat()
        entered = {"vm": vm_id(hq, "web01"), "name": "by form", "keep": day, "note": "why\nnot", "kind": "production"}
        assert door.submit(form, **entered) == {}
        row = hq.wait_for(ChangeState.SUCCEEDED)
        assert "by form" in hq.checkpoints("web01")
        assert (row.origin.channel, row.person_id, row.note) == (CHANNEL, ADA, "why not")
        note = next(iter(hq.ledger.checkpoints.notes([hq.vm("web01").ordered()[-1].id]).values()))
        assert note.keep_until is not None
        assert timedelta(days=2) < note.keep_until - hq.clock() < timedelta(days=4)

    def test_without_a_name_is_taken_all_the_same(self, door: FrontDoor, hq: Headquarters, form: Form) -> None:
        before = len(hq.checkpoints("app01"))
        assert door.submit(form, vm=vm_id(hq, "app01")) == {}
        hq.wait_for(ChangeState.SUCCEEDED)
        assert len(hq.checkpoints("app01")) == before + 1

    def test_that_comes_twice_is_done_once(self, door: FrontDoor, hq: Headquarters, form: Form) -> None:
        for _ in range(2):
            assert door.submit(form, view="V0TWICE", vm=vm_id(hq, "web02"), name="twice") == {}
        hq.wait_for(ChangeState.SUCCEEDED)
        assert hq.checkpoints("web02") == ["twice"]

    def test_has_what_is_wrong_at_the_field_and_can_be_mended(
        self, door: FrontDoor, hq: Headquarters, form: Form
    ) -> None:
        web01, past = vm_id(hq, "web01"), (hq.clock() - timedelta(days=2)).date().isoformat()
        door.command("web01 taken")
        hq.wait_for(ChangeState.SUCCEEDED)
        hq.core.inventory.refresh()
        assert list(door.submit(form, view="V1MEND", vm=web01, name="taken")) == ["name"]
        assert list(door.submit(form, view="V1MEND", vm=web01, keep=past)) == ["keep"]
        assert list(door.submit(form, view="V1MEND", vm="nosuch", name="mended")) == ["vm"]
        assert door.submit(form, view="V1MEND", vm=web01, name="mended") == {}
        hq.wait_for(ChangeState.SUCCEEDED)
        assert hq.checkpoints("web01")[-1] == "mended"

    def test_of_somebody_who_lost_the_grant_is_refused_and_recorded(
        self, door: FrontDoor, hq: Headquarters, form: Form
    ) -> None:
        hq.people.admins = frozenset()
        errors = door.submit(form, who=EVE, vm=vm_id(hq, "web01"), name="not mine")
        assert "No grant lets you" in errors["vm"]
        assert hq.newest().state is ChangeState.DENIED
        hq.people.deactivate(ADA)
        assert "deactivated" in door.submit(form, vm=vm_id(hq, "web01"))["vm"]

    def test_of_a_form_of_another_version_is_told_to_open_it_again(
        self, door: FrontDoor, hq: Headquarters, form: Form
    ) -> None:
        view = door.view(form, "V2OLD", {"vm": vm_id(hq, "web01")})
        for memory in ('{"v": 0}', "[]", "{", '{"channel": "C0OPS"}'):
            shown = {**view, "private_metadata": memory}
            ack = door.deliver({**door.by(ADA), "type": "view_submission", "view": shown})
            assert "open it again" in ack["errors"]["vm"]

    def test_after_a_restart_is_done(self, door: FrontDoor, hq: Headquarters, form: Form) -> None:
        hq.restart()
        door.open()
        hq.core.inventory.refresh()
        assert door.submit(form, vm=vm_id(hq, "web01"), name="after a restart") == {}
        hq.wait_for(ChangeState.SUCCEEDED)

    def test_says_only_what_its_grant_allows_in_the_channel_it_names(
        self, door: FrontDoor, hq: Headquarters, form: Form
    ) -> None:
        """What a form brings back is untrusted: a channel that is none is refused like one that was typed from."""
        forged = replace(form, memory={"channel": "nonsense"})
        assert "cannot tell" in door.submit(forged, vm=vm_id(hq, "web01"))["vm"]


class TestTheFormOfTheWorkspace:
    def test_needs_a_channel_and_the_card_goes_there(self, door: FrontDoor, hq: Headquarters) -> None:
        door.shortcut()
        web02 = vm_id(hq, "web02")
        assert door.submit(door.form, vm=web02, name="from anywhere") == {"channel": "Choose a channel."}
        assert door.submit(door.form, vm=web02, name="from anywhere", channel=ELSEWHERE) == {}
        row = hq.wait_for(ChangeState.SUCCEEDED)
        assert row.message is not None
        assert row.message.channel == ELSEWHERE


class TestAGrantForOneChannel:
    @pytest.fixture
    def door(self, hq: Headquarters) -> Iterator[FrontDoor]:
        """Eve owns `app*` in one channel."""
        there = owners(EVE, vms=("app*",)).model_copy(update={"channels": (ELSEWHERE,)})
        usual = hq.settings
        access = usual.access.model_copy(update={"grants": (*usual.access.grants, there)})
        hq.settings = usual.model_copy(update={"access": access})
        hq.restart()
        yield FrontDoor(hq)
        hq.people.outside = frozenset()
        hq.settings = usual
        hq.restart()

    def test_is_not_had_by_choosing_the_channel(self, door: FrontDoor, hq: Headquarters) -> None:
        hq.core.inventory.refresh(disks=True)
        hq.people.outside = frozenset({EVE})
        door.shortcut(who=EVE)
        wanted = {"vm": vm_id(hq, "app01"), "channel": ELSEWHERE}

        wrong = door.submit(door.form, who=EVE, **wanted)

        assert "granted to those who are in it, and you are not" in wrong["channel"]
        assert door.search(door.form, "app", who=EVE, channel=ELSEWHERE) == []
        hq.people.outside = frozenset()
        assert door.submit(door.form, who=EVE, **wanted) == {}
        hq.wait_for(ChangeState.SUCCEEDED)


class TestWhatIsToBeKnown:
    def test_says_where_room_is_short_as_last_seen(self, door: FrontDoor, hq: Headquarters) -> None:
        volume = hq.hosts["hv01"].storage.volume(hq.vm("web02").folder)
        before, volume.other = volume.other, volume.other + volume.free - 1024**2
        hq.core.inventory.refresh(disks=True)
        try:
            door.command("")
            door.edit(door.form, vm=vm_id(hq, "web02"))
        finally:
            volume.other = before
            hq.core.inventory.refresh(disks=True)
        (_, drawn) = hq.screens.changed[-1]
        assert "There is too little room for a checkpoint of web02" in unmarked(alerts(drawn))

    def test_stands_in_the_form_when_a_vm_is_chosen(self, door: FrontDoor, hq: Headquarters) -> None:
        door.command("")
        web01 = vm_id(hq, "web01")
        hq.vm("web01").busy_with = OperationalStatus.BACKING_UP
        hq.core.inventory.refresh()
        door.edit(door.form, vm=web01)
        hq.vm("web01").busy_with = None
        view, drawn = hq.screens.changed[-1]
        assert view.hash == "1"
        assert "A backup of web01 is running" in unmarked(alerts(drawn))
        search = field(drawn, "vm")
        assert isinstance(search, Search)
        assert search.chosen is not None
        assert search.chosen.value == web01
