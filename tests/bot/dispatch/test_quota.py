"""A quota, from what somebody types to what is taken."""

from __future__ import annotations

from pathlib import Path

from bot.ledger import ChangeState
from bot.settings import QuotaSettings
from commands.base import unmarked
from tests.support.board import buttons
from tests.support.headquarters import Headquarters
from tests.support.people import BOB


def test_a_quota_refuses_with_what_to_delete_first_and_offers_the_rest_of_a_group(tmp_path: Path) -> None:
    hq = Headquarters(tmp_path)
    hq.settings = hq.settings.model_copy(update={"quota": QuotaSettings(checkpoints_per_owner=2)})
    with hq:
        for vm in ("web01", "web02"):
            hq.add_vm(vm)
        hq.type("web01 first")
        hq.wait_for(ChangeState.SUCCEEDED)

        hq.type("web01,web02 second")
        assert "That is 2 more, and you have 1 checkpoint" in unmarked(hq.told())
        assert "To delete first: first of web01 (" in unmarked(hq.told())
        (rest,) = buttons(hq.board.whispers[-1])
        hq.press(rest, None)
        row = hq.wait_for(ChangeState.SUCCEEDED)
        assert [vm.name for vm in row.vms] == ["web01"]

        hq.type("web02 third")
        assert "the settings allow an owner 2 checkpoints" in unmarked(hq.told())
        assert "Nothing was changed." in hq.told()
        hq.type("web02 third", who=BOB)
        hq.wait_for(ChangeState.SUCCEEDED)
