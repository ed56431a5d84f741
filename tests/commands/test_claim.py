"""Taking over a checkpoint."""

from commands.base import CheckpointNote, Claim


def test_what_nobody_owns_is_claimed_without_a_question(world):
    vm = world.vm("web01")
    one = world.checkpoint(vm, "before")
    plan = world.run("claim", "web01", "before")
    assert plan.action == Claim()
    assert plan.targets[0].checkpoint_id == one.id
    assert plan.summary == "claim before of web01"
    assert (plan.ask, plan.keepers) == (False, ())


def test_somebody_elses_is_asked_about_and_told_to_them(world):
    one = world.checkpoint(world.vm("web01"), "golden")
    world.book.known[one.id] = CheckpointNote(owner="U222", owner_name="grace")
    plan = world.run("claim", "web01", "golden")
    assert (plan.ask, plan.keepers) == (True, ("U222",))
    assert plan.cautions == ("golden of web01 is grace's.",)


def test_that_of_somebody_who_has_left_is_nobodys(world):
    one = world.checkpoint(world.vm("web01"), "golden")
    world.book.known[one.id] = CheckpointNote(owner="U222", owner_name="grace")
    world.gone.add("U222")
    plan = world.run("claim", "web01", "golden")
    assert (plan.ask, plan.keepers, plan.cautions) == (False, (), ())


def test_what_is_ones_own_need_not_be_claimed(world):
    one = world.checkpoint(world.vm("web01"), "golden")
    world.book.known[one.id] = CheckpointNote(owner="U024BE7LH")
    assert "is yours already" in world.refuse("claim", "web01", "golden")


def test_what_belongs_to_a_backup_is_nobodys_to_claim(world):
    world.checkpoint(world.vm("web01"), "auto", automatic=True)
    assert "belongs to Hyper-V" in world.refuse("claim", "web01", "auto")
