"""How the hosts are."""


def test_each_host_has_a_line(world):
    world.checkpoint(world.vm("web01"), "before")
    assert "hv01 | yes | 0 seconds ago | 1 | 1 |" in world.run("hosts").text


def test_a_host_that_is_down_says_why_and_when_it_was_last_seen(world):
    world.hosts["hv02"].down = True
    assert "hv02 | no | never | 0 | 0 | hv02 does not answer." in world.run("hosts", "--share").text
