"""Saying how long a checkpoint is wanted."""

from dataclasses import replace
from datetime import timedelta

from commands.base import CheckpointNote, Keep


def test_a_span_counts_from_now(world):
    world.checkpoint(world.vm("web01"), "before", days=30)
    plan = world.run("keep", "web01", "before", "7d")
    assert plan.action == Keep(world.now + timedelta(days=7))
    assert plan.summary == "keep before of web01 until 2026-11-29 14:05 UTC"


def test_forever_pins_it(world):
    world.checkpoint(world.vm("web01"), "golden")
    plan = world.run("keep", "web01", "golden", "Forever")
    assert plan.action == Keep(None)
    assert plan.summary.endswith("forever")


def test_a_button_names_the_vm_and_the_checkpoint_by_guid(world):
    vm = world.vm("web01")
    one = world.checkpoint(vm, "before")
    assert world.run("keep", vm.id, one.id, "7d").targets[0].checkpoint_id == one.id


def test_what_is_no_span_is_refused_with_what_to_type(world):
    world.checkpoint(world.vm("web01"), "before")
    assert "30m, 24h, 7d or 2w" in world.refuse("keep", "web01", "before", "a while")


def test_what_hyper_v_drops_by_itself_is_not_kept(world):
    world.checkpoint(world.vm("web01"), "auto", automatic=True)
    assert "belongs to Hyper-V" in world.refuse("keep", "web01", "auto", "7d")


def test_to_shorten_what_somebody_else_keeps_is_asked_about_with_their_name(world):
    one = world.checkpoint(world.vm("web01"), "golden")
    world.book.known[one.id] = CheckpointNote(owner="U111", keeper="U222", keeper_name="grace", pinned=True)
    plan = world.run("keep", "web01", "golden", "7d")
    assert plan.ask
    assert plan.cautions == ("grace wants golden of web01 forever: this is shorter.",)
    assert plan.keepers == ("U222",)
    assert not world.run("keep", "web01", "golden", "forever").ask


def test_to_shorten_what_one_keeps_oneself_is_not_asked_about(world):
    one = world.checkpoint(world.vm("web01"), "golden")
    world.book.known[one.id] = CheckpointNote(owner="U222", keeper="U024BE7LH", pinned=True)
    assert not world.run("keep", "web01", "golden", "7d").ask


def test_to_shorten_what_a_schedule_keeps_is_asked_about_and_told_to_nobody(world):
    one = world.checkpoint(world.vm("web01"), "nightly")
    world.book.known[one.id] = CheckpointNote(keeper="schedule", keep_until=world.now + timedelta(days=9))
    plan = world.run("keep", "web01", "nightly", "7d")
    assert plan.cautions == ("schedule wants nightly of web01 until 2026-12-01 14:05 UTC: this is shorter.",)
    assert plan.keepers == ()


def test_longer_than_the_settings_allow_is_refused_with_the_limit(world):
    world.policy = replace(world.policy, keep_longest=timedelta(days=30))
    world.checkpoint(world.vm("web01"), "golden")
    for longer in ("31d", "forever"):
        assert "keep a checkpoint for 30 days at the most" in world.refuse("keep", "web01", "golden", longer)


def test_until_a_day_is_meant_in_the_persons_zone_and_the_answer_repeats_the_exact_time(world):
    world.zone = "Europe/Berlin"
    world.checkpoint(world.vm("web01"), "before")
    plan = world.run("keep", "web01", "before", "until", "friday", "18:00")
    assert plan.summary == "keep before of web01 until 2026-11-27 17:00 UTC"
    assert "It is kept until Friday 2026-11-27 18:00 (Europe/Berlin), 17:00 UTC." in plan.consequences
    assert world.run("keep", "web01", "before", "2", "weeks").action == Keep(world.now + timedelta(days=14))
    assert "may be two days" in world.refuse("keep", "web01", "before", "next", "friday")
