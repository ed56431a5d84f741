"""How the hosts are."""


def test_each_host_has_a_line(world):
    world.checkpoint(world.vm("web01"), "before")
    assert "hv01 | yes | 0 seconds ago | 1 | 1 |" in world.run("hosts").text


def test_a_host_that_is_down_says_why_and_when_it_was_last_seen(world):
    world.hosts["hv02"].down = True
    assert "hv02 | no | never | 0 | 0 | hv02 does not answer." in world.run("hosts", "--share").text


def test_what_was_found_wrong_with_a_host_at_the_start_is_said(world):
    world.inventory.remark("hv01", ["Its certificate ends on 2026-12-01, in 9 days."])
    assert (
        "hv01 | yes | 0 seconds ago | 0 | 0 | Its certificate ends on 2026-12-01, in 9 days." in world.run("hosts").text
    )
