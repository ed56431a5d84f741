"""Copying a checkpoint as a VM of its own."""

import pytest

from commands.base import Export


def test_the_plan_carries_the_folder_and_says_where_it_is(world):
    world.checkpoint(world.vm("web01"), "before")
    plan = world.run("export", "web01", "before", "D:\\exports\\web01")
    assert plan.action == Export("D:\\exports\\web01")
    assert "on hv01" in plan.consequences[0]
    assert plan.cautions == ()


def test_a_share_gets_a_caution_about_the_account_that_writes(world):
    world.checkpoint(world.vm("web01"), "before")
    assert "computer account" in world.run("export", "web01", "before", "\\\\nas\\exports").cautions[0]


@pytest.mark.parametrize(
    "path",
    ["exports", "D:exports", "\\exports", "D:\\..\\Windows", "D:\\a*", 'D:\\a"b', "D:\\a:b", "D:\\a\nb", "/tmp/x"],
)
def test_a_folder_that_is_not_written_in_full_or_cannot_be_is_refused(world, path):
    world.checkpoint(world.vm("web01"), "before")
    assert "Type /checkpoint export" in world.refuse("export", "web01", "before", path)
