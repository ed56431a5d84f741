"""Copying a checkpoint as a VM of its own."""

from dataclasses import replace

import pytest

from commands.base import Export, NotAllowed


def test_the_plan_carries_the_folder_and_says_where_it_is(world):
    world.checkpoint(world.vm("web01"), "before")
    plan = world.run("export", "web01", "before", "D:\\exports\\web01")
    assert plan.action == Export("D:\\exports\\web01")
    assert "on hv01" in plan.consequences[0]
    assert plan.cautions == ()


def test_a_share_gets_a_caution_about_the_account_that_writes(world):
    world.checkpoint(world.vm("web01"), "before")
    world.policy = replace(world.policy, export_to=("\\\\nas\\exports",))
    assert "computer account" in world.run("export", "web01", "before", "\\\\nas\\exports").cautions[0]


@pytest.mark.parametrize("path", ["\\\\evil\\exports", "//evil/exports/x", "\\\\.\\D:\\exports"])
def test_a_share_that_the_settings_do_not_name_is_refused_and_recorded(world, path):
    world.checkpoint(world.vm("web01"), "before")
    with pytest.raises(NotAllowed, match="a share that the settings do not name"):
        world.run("export", "web01", "before", path)


def test_where_the_settings_name_folders_only_what_is_in_them_is_written_to(world):
    world.checkpoint(world.vm("web01"), "before")
    world.policy = replace(world.policy, export_to=("D:\\exports", "\\\\nas\\exports"))
    for path in ("D:\\exports", "d:\\Exports\\web01", "\\\\NAS\\exports\\x"):
        assert world.run("export", "web01", "before", path).action == Export(path)
    for path in ("D:\\", "D:\\exports2", "\\\\nas\\other", "C:\\exports"):
        with pytest.raises(NotAllowed, match="The settings let nothing be exported to"):
            world.run("export", "web01", "before", path)


@pytest.mark.parametrize(
    "path",
    [
        "exports",
        "D:\\exports.",
        "D:\\a \\b",
        "D:exports",
        "\\exports",
        "D:\\..\\Windows",
        "D:\\a*",
        'D:\\a"b',
        "D:\\a:b",
        "D:\\a\nb",
        "/tmp/x",
    ],
)
def test_a_folder_that_is_not_written_in_full_or_cannot_be_is_refused(world, path):
    world.checkpoint(world.vm("web01"), "before")
    assert "Type /checkpoint export" in world.refuse("export", "web01", "before", path)
