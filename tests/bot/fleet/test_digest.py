"""The daily message."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.base import (
    VM,
    Checkpoint,
    Disk,
    HostInventory,
    OperationalStatus,
    SnapshotType,
    VMInventory,
    VMState,
    Volume,
)
from bot.fleet.digest import Listed, Solved, compose, listed, solved
from bot.fleet.message import MOST_FOLDED, MOST_ITEMS, as_reply, thread
from bot.slack.render.blocks import render
from bot.slack.render.limits import refused_content
from bot.slack.render.newer import Form
from commands.base import Chart, CheckpointNote, Filling, HostStatus, Item, Paragraph, Policy, Table, name, unmarked
from commands.base.health import Reason, Verdict, VMHealth
from tests.support.markup import stray

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GB = 1024**3


def checkpoint(name, *, days=9.0, **more):
    return Checkpoint(f"id-{name}", name, "vm", NOW - timedelta(days=days), **more)


def vm(name, *checkpoints, host="hv01", grown=(), status=(OperationalStatus.OK,)):
    """A VM with disks: `grown` gives the bytes written since each checkpoint."""
    frozen = [Disk(f"{c.id}.vhdx", GB, GB, checkpoint_ids=(c.id,)) for c in checkpoints]
    written = [Disk(f"since-{d.path}", size, GB, d.path) for d, size in zip(frozen, grown, strict=False)]
    shown = VM(f"vm-{name}", name, host, VMState.RUNNING, operational_status=status)
    return VMInventory(shown, checkpoints, (*frozen, *written))


UP = HostStatus("hv01", True, NOW)


def judged(verdict, *sentences, since=NOW, of="web01"):
    """A VM's verdict with what it rests on."""
    return VMHealth(f"vm-{of}", of, "hv01", verdict, tuple(Reason("x", verdict, one) for one in sentences), NOW, since)


def digest(*vms, notes=None, hosts=(UP,), volumes=None, patterns=("*",), policy=None, verdicts=None):
    """All VMs are fine but those with a verdict of their own; None for one that was never judged."""
    inventory = HostInventory("hv01", NOW, vms, volumes)
    fine = {one.vm.id: VMHealth(one.vm.id, one.vm.name, one.vm.host, Verdict.FINE) for one in vms}
    known = {id: health for id, health in {**fine, **(verdicts or {})}.items() if health}
    policy = policy or Policy()
    return compose([inventory], notes or {}, hosts, policy=policy, now=NOW, patterns=patterns, verdicts=known)


def items(made):
    return [part for part in as_reply(made).parts if isinstance(part, Item)]


def test_a_stale_checkpoint_has_its_age_size_owner_and_a_menu():
    notes = {"id-before": CheckpointNote("U111", "kernel 6.12", owner_name="ada")}
    (item,) = items(digest(vm("web01", checkpoint("before"), grown=[3 * GB]), notes=notes))
    assert item.text == f"{name('web01')}: {name('before')}"
    assert item.detail == "9 days old, 3.0 GB written since, by ada, on hv01, kernel 6.12"
    assert [(b.label, b.action, b.value) for b in item.choices] == [
        ("Keep 7 days", "keep", "id-before"),
        ("Keep for good", "pin", "id-before"),
        ("Delete", "delete", "id-before"),
    ]


def test_nothing_is_offered_for_longer_than_the_settings_allow():
    for longest, labels in ((None, ["Keep 7 days", "Keep for good"]), (7, ["Keep 7 days"]), (6, [])):
        policy = Policy(keep_longest=timedelta(days=longest) if longest else None)
        (item,) = items(digest(vm("web01", checkpoint("before")), policy=policy))
        assert [b.label for b in item.choices if b.label.startswith("Keep")] == labels


def test_an_owner_without_a_name_is_an_id_and_what_is_nobodys_is_unclaimed():
    made = digest(vm("web01", checkpoint("a"), checkpoint("b")), notes={"id-a": CheckpointNote("U111")})
    assert ["by U111" in item.detail for item in items(made)].count(True) == 1
    assert ["unclaimed" in item.detail for item in items(made)].count(True) == 1


def test_the_largest_comes_first_then_the_oldest():
    made = digest(
        vm("web01", checkpoint("small", days=30), checkpoint("large"), grown=[GB, 5 * GB]),
        vm("web02", checkpoint("young", days=8), checkpoint("old", days=40)),
    )
    assert [one.checkpoint.name for one in made.stale] == ["large", "small", "old", "young"]
    assert made.size == 6 * GB
    assert "4 stale checkpoints, 6.0 GB written since." in as_reply(made).text


def test_what_is_young_kept_or_somebody_elses_is_not_stale():
    notes = {
        "id-pinned": CheckpointNote(pinned=True),
        "id-kept": CheckpointNote(keep_until=NOW + timedelta(hours=1)),
        "id-over": CheckpointNote(keep_until=NOW - timedelta(hours=1)),
    }
    made = digest(
        vm("web01", checkpoint("young", days=6.9), checkpoint("pinned"), checkpoint("kept"), checkpoint("over")),
        vm("web02", checkpoint("auto", automatic=True), checkpoint("copy", snapshot_type=SnapshotType.REPLICA)),
        notes=notes,
    )
    assert [one.checkpoint.name for one in made.stale] == ["over"]
    assert made.lingering == ()


def test_a_backups_recovery_point_that_lingers_gets_a_line_and_no_button():
    made = digest(vm("web01", checkpoint("backup", days=31, snapshot_type=SnapshotType.RECOVERY)))
    assert items(made) == []
    assert "recovery point lingers on web01 (31 days): that backup may be broken." in as_reply(made).text


def test_a_differencing_disk_that_no_checkpoint_explains_gets_a_line():
    loose = VMInventory(
        VM("1", "web01", "hv01", VMState.RUNNING), (), (Disk("a.avhdx", GB, GB, "a.vhdx", attached=True),)
    )
    merging = VMInventory(
        VM("2", "web02", "hv01", VMState.RUNNING, operational_status=(OperationalStatus.MERGING_DISKS,)),
        (),
        loose.disks,
    )
    told = as_reply(digest(loose, merging)).text
    assert "no checkpoint explains: web01." in told
    assert "Disks are being merged: web02." in told


def test_the_disk_that_a_checkpoint_explains_gets_none():
    one = checkpoint("young", days=1)
    disks = (
        Disk("C:\\a.vhdx", GB, GB, checkpoint_ids=(one.id,)),
        Disk("C:\\a1.avhdx", GB, GB, "c:\\A.VHDX", attached=True),
    )
    made = digest(VMInventory(VM("1", "web01", "hv01", VMState.RUNNING), (one,), disks))
    assert made.unmerged == ()
    assert as_reply(made).text.endswith("1 of 1 host seen. Nothing is stale, and all is well.")


def test_vms_on_hold_come_before_everything_with_what_to_do_first():
    down = HostStatus("hv02", False, None, "hv02 does not answer.")
    verdicts = {
        "vm-web01": judged(Verdict.LOOK, "A merge has pended for 3 days."),
        "vm-web02": judged(Verdict.HOLD, "Its disks fork.", "Its log says so.", of="web02"),
        "vm-web03": judged(Verdict.HOLD, "Its chain is broken.", since=NOW - timedelta(days=2), of="web03"),
    }
    vms = [vm(name, checkpoint(f"of-{name}"), grown=[GB]) for name in ("web01", "web02", "web03")]
    volumes = (Volume("D:\\", 100 * GB, GB),)
    lines = as_reply(digest(*vms, hosts=[UP, down], verdicts=verdicts, volumes=volumes)).text.splitlines()
    assert lines[1].endswith("3 stale checkpoints, 3.0 GB written since. ⛔ 2 VMs on Hold.")
    assert lines[2:4] == [
        "⛔ web03 on hv01 is on Hold since 2026-11-20 09:00 UTC. Its chain is broken. All about it: "
        "/checkpoint health web03",
        "⛔ web02 on hv01 is on Hold since 2026-11-22 09:00 UTC. Its disks fork. 1 more reason: "
        "/checkpoint health web02",
    ]
    assert lines[4].startswith("First make a backup from inside the guest")
    assert "Do not restart" in lines[4]
    assert lines[5].startswith("hv02 could not be asked")
    assert lines[6] == "⚠️ web01 on hv01: A merge has pended for 3 days. All about it: /checkpoint health web01"
    assert "D:\\ on hv01 has little room" in lines[7]


@pytest.mark.parametrize("verdict", [None, judged(Verdict.CANNOT_TELL, "Its log could not be read.")])
def test_a_vm_of_which_nobody_can_tell_is_never_called_well(verdict):
    made = digest(vm("web01"), vm("web02"), verdicts={"vm-web01": verdict})
    assert not made.well
    assert not made.quiet
    assert as_reply(made).text.splitlines()[1:] == [
        "1 of 1 host seen. Nothing that was seen is stale. Of 1 VM nobody can tell whether all is well."
    ]


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.LOOK])
def test_with_a_vm_on_hold_or_to_be_looked_at_all_is_not_well(verdict):
    made = digest(vm("web01"), verdicts={"vm-web01": judged(verdict, "It forks.")})
    assert not made.quiet
    assert "all is well" not in as_reply(made).text


def test_a_channel_hears_of_the_verdicts_on_its_own_vms_only():
    bad = judged(Verdict.HOLD, "It forks.", of="db01")
    made = digest(vm("web01"), vm("db01"), patterns=("web*",), verdicts={"vm-db01": bad})
    assert (made.hold, made.unjudged, made.well) == ((), 0, True)


def test_a_hold_is_told_also_of_a_vm_that_was_not_seen():
    verdicts = {"vm-db01": judged(Verdict.HOLD, "It forks.", of="db01")}
    assert [one.vm_name for one in digest(vm("web01"), verdicts=verdicts).hold] == ["db01"]
    assert digest(vm("web01"), patterns=("web*",), verdicts=verdicts).hold == ()


def test_of_many_vms_with_a_verdict_the_longest_so_are_told_and_the_others_counted():
    names = [f"web{number:02}" for number in range(40)]
    verdicts = {
        f"vm-{one}": judged(Verdict.HOLD if number % 2 else Verdict.LOOK, "It forks.", of=one)
        for number, one in enumerate(names)
    }
    made = as_reply(digest(*map(vm, names), verdicts=verdicts))
    assert "… and 10 more VMs on Hold: /checkpoint health" in made.text
    assert "… and 16 more VMs to be looked at: /checkpoint health" in made.text


def test_little_room_on_a_volume_is_said_with_what_is_left():
    volumes = (Volume("C:\\", 100 * GB, 50 * GB), Volume("D:\\", 100 * GB, 9 * GB))
    told = as_reply(digest(vm("web01"), volumes=volumes)).text
    assert "D:\\ on hv01 has little room: 9.0 GB free of 100 GB." in told
    assert "C:\\" not in told


def test_a_volume_is_named_only_where_the_channels_vms_are():
    volumes = (Volume("D:\\", 100 * GB, 9 * GB),)
    assert digest(vm("web01"), volumes=volumes, patterns=("db*",)).low == ()


def test_a_host_that_could_not_be_asked_is_named_and_nothing_is_called_well():
    down = HostStatus("hv02", False, NOW - timedelta(days=1), "hv02 does not answer.")
    told = as_reply(digest(vm("web01"), hosts=[down, HostStatus("hv01", True, NOW)])).text
    assert "hv02 could not be asked. It is shown as seen at 2026-11-21 09:00 UTC. hv02 does not answer." in told
    assert "all is well" not in told
    assert "hv01" not in told


def test_nothing_stale_is_a_short_good_message():
    assert (
        as_reply(digest(vm("web01"))).text == "Checkpoint digest\n1 of 1 host seen. Nothing is stale, and all is well."
    )


def test_a_channel_hears_of_its_own_vms_only():
    made = digest(vm("web01", checkpoint("a")), vm("db01", checkpoint("b")), patterns=("web*", "dc*"))
    assert [one.seen.vm.name for one in made.stale] == ["web01"]


def test_more_than_ten_are_in_a_table_that_folds():
    made = digest(vm("web01", *(checkpoint(f"c{n}") for n in range(MOST_ITEMS + 9))))
    assert len(items(made)) == MOST_ITEMS
    (table,) = (part for part in as_reply(made).parts if isinstance(part, Table))
    assert (table.title, table.folded, len(table.rows)) == ("9 more stale checkpoints", True, 9)
    assert thread(made) == ()


def test_more_than_a_table_shows_are_counted_with_what_to_type():
    made = digest(vm("web01", *(checkpoint(f"c{n}") for n in range(MOST_ITEMS + MOST_FOLDED + 9))))
    assert "… and 9 more: /checkpoint list --stale" in as_reply(made).text


def test_where_there_is_a_thread_the_rest_is_in_its_tables():
    made = digest(vm("web01", *(checkpoint(f"c{n}") for n in range(MOST_ITEMS + 300))))
    told = as_reply(made, with_thread=True)
    assert not [part for part in told.parts if isinstance(part, Table)]
    assert "300 more are in the thread of this message. All of them: /checkpoint list --stale" in told.text
    tables = [part for page in thread(made) for part in page.parts if isinstance(part, Table)]
    assert [len(table.rows) for table in tables] == [80, 80, 80, 1]
    assert tables[-1].rows == (("hv01", "60", "0 B"),)


def test_stale_ones_stand_by_owner_and_nobody_is_mentioned_twice():
    notes = {
        f"id-{one}": CheckpointNote(owner) for one, owner in zip("abcd", ("U111", "U222", "U111", None), strict=True)
    }
    made = digest(vm("web01", *(checkpoint(one) for one in "abcd"), grown=[GB, 9 * GB, 3 * GB, 2 * GB]), notes=notes)
    parts = as_reply(made).parts
    assert [part.to for part in parts if isinstance(part, Paragraph) and "stale," in part.text] == [
        ("U222",),
        ("U111",),
        (),
    ]
    assert [unmarked(item.text) for item in items(made)] == [f"web01: {one}" for one in "bcad"]
    assert "2 stale, 4.0 GB written since, the oldest 9 days old." in as_reply(made).text


def test_whoever_has_left_or_is_no_person_is_not_mentioned():
    notes = {"id-a": CheckpointNote("U111", left=True), "id-b": CheckpointNote("<!channel>")}
    parts = as_reply(digest(vm("web01", checkpoint("a"), checkpoint("b")), notes=notes)).parts
    assert not any(part.to for part in parts if isinstance(part, Paragraph))


def test_only_what_nobody_has_can_be_claimed():
    notes = {"id-a": CheckpointNote("U111"), "id-b": CheckpointNote("U222", left=True)}
    made = digest(vm("web01", checkpoint("a"), checkpoint("b"), checkpoint("c")), notes=notes)
    claims = {unmarked(item.text): any(b.action == "claim" for b in item.choices) for item in items(made)}
    assert claims == {"web01: a": False, "web01: b": True, "web01: c": True}


def test_a_volume_that_fills_comes_first_and_says_when():
    volumes = (Volume("D:\\", 1000 * GB, 40 * GB), Volume("E:\\", 100 * GB, 9 * GB))
    made = digest(vm("web01", checkpoint("a")), volumes=volumes)
    made = replace(made, filling=(Filling("hv01", "D:\\", 40 * GB, 9.2, 7.4, 11.8),))
    lines = as_reply(made).text.splitlines()
    assert lines[2] == "💾 D:\\ on hv01 is full in about 9 days (7 to 12) at today's rate: 40.0 GB free of 1000 GB."
    assert lines[3] == "💾 E:\\ on hv01 has little room: 9.0 GB free of 100 GB."
    assert not replace(digest(vm("web01")), filling=made.filling).well


def test_what_checkpoints_held_is_a_chart_with_its_figures_in_words():
    days = [(NOW - timedelta(days=2 * n)).date() for n in range(4, -1, -1)]
    made = replace(digest(vm("web01")), held=tuple(zip(days, (GB, 5 * GB, 9 * GB, 3 * GB, 4 * GB), strict=True)))
    (chart,) = (part for part in as_reply(made).parts if isinstance(part, Chart))
    assert chart.points[0] == ("14 Nov", 1.0)
    assert chart.text == "Checkpoints hold 4.0 GB; it was 1.0 GB on 2026-11-14, and at most 9.0 GB on 2026-11-18."
    assert "at most 9.0 GB" in as_reply(made).text
    assert not any(isinstance(part, Chart) for part in as_reply(replace(made, held=made.held[:3])).parts)


class TestWhatWasSolved:
    BEFORE = tuple(Listed(f"id-{one}", one, "web01", "hv01", GB) for one in "abc")

    def since(self, *hosts):
        seen = vm("web01", checkpoint("b"), checkpoint("c"))
        notes = {"id-b": CheckpointNote(pinned=True)}
        inventories = [HostInventory("hv01", NOW, (seen,))]
        went = solved(
            self.BEFORE, NOW.date() - timedelta(days=1), inventories=inventories, notes=notes, hosts=hosts, now=NOW
        )
        return as_reply(replace(digest(seen, notes=notes), solved=went)).text

    def test_is_said_by_name(self):
        assert "✅ Solved since 2026-11-21: a of web01 is gone (1.0 GB), b of web01 is kept." in self.since(UP)

    def test_is_not_called_gone_while_a_host_is_out_of_sight(self):
        told = self.since(UP, HostStatus("hv02", False, None, "It does not answer."))
        assert "gone" not in told
        assert "Solved since 2026-11-21: b of web01 is kept." in told

    def test_is_compared_with_what_the_last_one_named(self):
        made = digest(vm("web01", checkpoint("a"), grown=[GB]))
        assert listed(made) == (Listed("id-a", "a", "web01", "hv01", GB),)


names = st.text(max_size=100) | st.sampled_from(
    ["<!channel>", "<@U024BE7LH>", "*x*", "שרת־דואר", "🔥" * 50, "\u202egpj", "a" * 100]
)
owners = st.none() | st.sampled_from(["U0ADA", "W0BOB", "schedule", "<!here>", "U0ADA> <!channel"])
sizes = st.integers(0, 2**50)


@st.composite
def digests(draw):
    stale = draw(st.lists(st.tuples(names, names, owners, names, sizes), max_size=60))
    vms, notes = [], {}
    for n, (called, on, owner, reason, size) in enumerate(stale):
        one = replace(checkpoint(str(n), days=8 + n), name=called)
        seen = vm(str(n), one, host=on, grown=[size])
        vms.append(replace(seen, vm=replace(seen.vm, name=called)))
        notes[one.id] = CheckpointNote(owner, reason, owner_name=draw(st.just("") | names), left=draw(st.booleans()))
    down = [HostStatus(one, False, None, draw(names)) for one in draw(st.lists(names, max_size=6))]
    volumes = [Volume(path, 100 * GB, GB) for path in draw(st.lists(names, max_size=8))]
    made = digest(*vms, notes=notes, hosts=[UP, *down], volumes=tuple(volumes))
    filling = tuple(Filling("hv01", one.path, GB, 1, 0.5, 3) for one in volumes[:5])
    held = tuple((NOW.date() - timedelta(days=n), draw(sizes)) for n in range(draw(st.integers(0, 15))))
    gone = draw(st.lists(names, max_size=5).map(tuple))
    return replace(made, filling=filling, held=held, solved=Solved(NOW.date(), gone, gone, 5))


@settings(max_examples=60, deadline=None)
@given(digests(), st.sampled_from(Form), st.booleans())
def test_whatever_the_names_every_digest_fits_and_nothing_but_owners_is_a_mention(made, form, with_thread):
    numbers = count()
    for page in (as_reply(made, with_thread=with_thread), *thread(made)):
        shown = render(page, lambda: f"b{next(numbers)}", form)
        assert refused_content(shown.text, shown.blocks, None) is None
        assert not set("<>") & set(shown.text)
        text = json.dumps(shown.blocks)
        assert not stray(shown.blocks)
        mentioned = re.findall(r'"user_id": "(.*?)"', text)
        assert len(mentioned) == len(set(mentioned))
        assert {*mentioned} <= {one.note.owner for one in made.stale if not one.note.left} & {"U0ADA", "W0BOB"}


def test_disks_that_could_not_be_read_leave_the_size_unknown():
    one = VMInventory(VM("1", "web01", "hv01", VMState.RUNNING), (checkpoint("before"),))
    assert "size unknown" in items(digest(one))[0].detail


def test_the_settings_say_when_a_checkpoint_is_stale():
    made = digest(vm("web01", checkpoint("a", days=2)), policy=Policy(stale_after=timedelta(days=1)))
    assert len(made.stale) == 1


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (digest(vm("web01"), hosts=()), "No host is set up"),
        (digest(vm("web01"), patterns=("wbe*",)), "No VM that this digest is about was seen."),
        (
            digest(vm("web01"), hosts=[replace(UP, gaps=("Part of its checkpoints could not be read (web01).",))]),
            "hv01: Part of its checkpoints could not be read (web01).",
        ),
        (
            digest(vm("web01"), hosts=[replace(UP, gaps=("It does not show volumes to this account or endpoint.",))]),
            "hv01: It does not show volumes",
        ),
        (digest(replace(vm("web01"), disks=None)), "The disks of these VMs could not all be seen: web01."),
        (
            digest(vm("web01", checkpoint("torn", days=1, snapshot_type=SnapshotType.MISSING))),
            "A checkpoint is broken, since its files are missing: web01 (torn).",
        ),
    ],
)
def test_nothing_is_called_well_that_was_not_seen_to_be(made, told):
    text = as_reply(made).text
    assert told in text
    assert "all is well" not in text
