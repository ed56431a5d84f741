"""What happens by the clock: each channel's digest, once for each time that it is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dbos import DBOS

from backends.base import VMInventory
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.fleet.message import MOST_FOLDED, MOST_ITEMS
from bot.ledger.verdicts import Remembered
from bot.messages import AnnouncerError, MessageRef, Origin
from bot.schedules.digest import NAME, PAUSES, Digests, Schedules, cron
from bot.settings import DigestChannelSettings, DigestSettings
from commands.base import Reply
from commands.base.health import Reason, Verdict, VMHealth
from tests.support.board import Board
from tests.support.headquarters import Headquarters, settings
from tests.support.waiting import wait_until
from tests.support.workbench import Workbench

DUE = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
OPS, WEB = "C0OPS", "C0WEB"
DIGEST = DigestSettings(
    channels=(DigestChannelSettings(channel=OPS, vms=("*",)), DigestChannelSettings(channel=WEB, vms=("web*",)))
)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def schedules(bench: Workbench, board: Board, tmp_path: Path) -> Schedules:
    bench.add_vm("web01", Past("long-ago", 30 * DAY))
    bench.add_vm("sql01", Past("before-cu14", 17 * DAY))
    given = settings(tmp_path).model_copy(update={"digest": DIGEST})
    return Schedules(
        DIGEST, Digests(given, bench.inventory, bench.ledger, bench.clock), board, bench.ledger, bench.clock
    )


def test_a_digest_is_about_the_vms_of_its_channel(schedules: Schedules, board: Board) -> None:
    schedules.post(WEB, DUE)
    schedules.post(OPS, DUE)

    web, ops = board.texts
    assert "web01: long-ago" in web
    assert "sql01" not in web
    assert "sql01: before-cu14" in ops


def test_each_time_is_posted_once_also_when_it_runs_again(schedules: Schedules, board: Board) -> None:
    schedules.post(WEB, DUE)
    schedules.post(WEB, DUE)
    assert len(board.texts) == 1

    schedules.post(WEB, DUE + timedelta(days=1))
    assert len(board.texts) == 2


def test_what_could_not_be_posted_can_be_tried_again(schedules: Schedules, board: Board) -> None:
    board.out_of_order = True
    with pytest.raises(AnnouncerError):
        schedules.post(WEB, DUE)
    board.out_of_order = False

    schedules.post(WEB, DUE)

    assert len(board.texts) == 1


def test_a_channel_that_gets_none_gets_none(schedules: Schedules, board: Board) -> None:
    schedules.post("C0OTHER", DUE)

    assert board.texts == []


def test_two_entries_for_one_channel_are_one_digest_of_both(schedules: Schedules, board: Board) -> None:
    twice = (DigestChannelSettings(channel=OPS, vms=("web*",)), DigestChannelSettings(channel=OPS, vms=("sql*",)))
    both = DIGEST.model_copy(update={"channels": twice})
    given = schedules.digests.settings.model_copy(update={"digest": both})
    schedules = replace(schedules, settings=both, digests=replace(schedules.digests, settings=given))

    assert schedules.channels == (OPS,)
    schedules.post(OPS, DUE)

    (text,) = board.texts
    assert "web01: long-ago" in text
    assert "sql01: before-cu14" in text


class TestAChannelThatIsClosedToTheBot:
    @pytest.fixture
    def closed(self, schedules: Schedules, board: Board) -> Schedules:
        def post(origin: Origin, message: Reply) -> MessageRef | None:
            if origin.channel == WEB:
                raise AnnouncerError("is_archived", lasting=True)
            return Board.post(board, origin, message)

        board.post = post  # type: ignore[method-assign]
        return schedules

    def test_is_told_to_another_channel_and_logged_in_one_line_once(
        self, closed: Schedules, board: Board, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(2):
            assert closed.try_to_post(WEB, DUE)

        (told,) = board.texts
        assert f"The digest for the channel {WEB} could not be posted: is_archived" in told
        assert [record.exc_info for record in caplog.records if record.levelname == "ERROR"] == [None, None]

    def test_is_told_to_those_who_keep_the_settings_where_there_is_no_other(
        self, closed: Schedules, board: Board
    ) -> None:
        only = DIGEST.model_copy(update={"channels": (DigestChannelSettings(channel=WEB, vms=("web*",)),)})
        alone = replace(closed, settings=only, keepers=lambda: ("U0KEEPER", "U0OTHER"))
        post, told = board.post, []
        board.post = lambda origin, message: (told.append(origin.person_id), post(origin, message))[1]  # type: ignore[method-assign]

        for _ in range(2):
            assert alone.try_to_post(WEB, DUE)

        assert [one for one in told if one] == ["U0KEEPER"]
        assert "could not be posted: is_archived" in board.texts[0]

    def test_of_a_passing_trouble_it_is_not_advised_to_invite_the_bot(self, schedules: Schedules, board: Board) -> None:
        def post(origin: Origin, message: Reply) -> MessageRef | None:
            if origin.channel == WEB:
                raise AnnouncerError("Slack is away")
            return Board.post(board, origin, message)

        board.post = post  # type: ignore[method-assign]
        assert schedules.try_to_post(WEB, DUE, tries=len(PAUSES))

        (told,) = board.texts
        assert "The next one comes at its time" in told
        assert "invite" not in told

    def test_holds_up_no_other(self, closed: Schedules, board: Board) -> None:
        assert closed.try_to_post(OPS, DUE)

        assert "Checkpoint digest" in board.texts[0]


def test_what_heals_is_tried_again_until_the_tries_are_over(schedules: Schedules, board: Board) -> None:
    board.out_of_order = True

    assert not schedules.try_to_post(WEB, DUE)
    assert schedules.try_to_post(WEB, DUE, tries=len(PAUSES))


class TestADigestThatSomebodyAsksFor:
    def test_is_the_channels_own_where_it_has_one(self, schedules: Schedules) -> None:
        digest = schedules.digests.asked_for(WEB, lambda vm: False)

        assert digest.shared
        assert "web01: long-ago" in digest.text

    def test_is_else_of_what_they_may_see_and_for_them_alone(self, schedules: Schedules) -> None:
        digest = schedules.digests.asked_for("C0OTHER", lambda vm: vm.name == "sql01")

        assert not digest.shared
        assert "sql01: before-cu14" in digest.text
        assert "web01" not in digest.text


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (DigestSettings(at=time(9, 0)), "0 9 * * *"),
        (DigestSettings(at=time(7, 45), weekdays_only=True), "45 7 * * 1-5"),
    ],
)
def test_the_time_of_day_is_a_cron_line(given: DigestSettings, line: str) -> None:
    assert cron(given) == line


def test_the_schedule_is_kept_in_the_settings_time_zone_and_posts_to_every_channel(tmp_path: Path) -> None:
    paris = DigestSettings(at=time(9, 30), timezone=ZoneInfo("Europe/Paris"), channels=DIGEST.channels)
    headquarters = Headquarters(tmp_path)
    headquarters.settings = headquarters.settings.model_copy(update={"digest": paris})
    due = headquarters.clock().astimezone(paris.timezone).replace(hour=9, minute=30, second=0, microsecond=0)
    minute = timedelta(minutes=1)
    headquarters.clock.forward(seconds=(due + minute - headquarters.clock()).total_seconds())

    with headquarters:
        (kept,) = [one for one in DBOS.list_schedules() if one["schedule_name"] == NAME]
        DBOS.backfill_schedule(NAME, due - minute, due + minute)  # as DBOS begins what it has missed
        wait_until(lambda: len(headquarters.board.texts) == 2)

    assert (kept["schedule_name"], kept["schedule"], kept["cron_timezone"]) == (NAME, "30 9 * * *", "Europe/Paris")


class TestWhatWasSolved:
    def test_is_said_in_the_next_digest_of_the_channel(
        self, schedules: Schedules, board: Board, bench: Workbench
    ) -> None:
        schedules.post(WEB, DUE)
        seen = next(one for one in bench.inventory.seen() if one.vm.name == "web01")
        bench.ledger.checkpoints.keep(bench.target(seen, "long-ago"), None, by="U0ADA")

        schedules.post(WEB, DUE + timedelta(days=1))

        assert "✅ Solved since" in board.texts[-1]
        assert "long-ago of web01 is kept." in board.texts[-1]


class TestADigestOfAFleetThatIsWell:
    @pytest.fixture
    def well(self, schedules: Schedules, bench: Workbench) -> Schedules:
        bench.inventory.refresh()
        for one in bench.inventory.seen():
            for c in one.checkpoints:
                bench.ledger.checkpoints.keep(bench.target(one, c.name), None, by="U0ADA")
            judge(bench, one, Verdict.FINE)
        return schedules

    def test_is_one_line_that_says_how_much_was_seen(self, well: Schedules, board: Board) -> None:
        well.post(OPS, DUE)
        assert board.texts == ["Checkpoint digest\n2 of 2 hosts seen. Nothing is stale, and all is well."]

    def test_is_left_out_where_the_settings_say_so(self, well: Schedules, board: Board) -> None:
        skipping = replace(well, settings=DIGEST.model_copy(update={"empty": "skip"}))
        skipping.post(OPS, DUE)
        assert board.texts == []

    def test_is_not_well_with_a_vm_on_hold_and_says_so_first(
        self, well: Schedules, board: Board, bench: Workbench
    ) -> None:
        judge(bench, next(one for one in bench.inventory.seen() if one.vm.name == "sql01"), Verdict.HOLD)
        well.post(OPS, DUE)
        well.post(WEB, DUE)
        ops, web = board.texts
        assert "⛔ 1 VM on Hold.\n⛔ sql01 on hv01 is on Hold since" in ops
        assert web.endswith("Nothing is stale, and all is well.")

    def test_tells_a_hold_also_after_a_start_while_its_host_is_away(
        self, well: Schedules, board: Board, bench: Workbench
    ) -> None:
        away = VMHealth("gone", "sql99", "hv02", Verdict.HOLD, (Reason("x", Verdict.HOLD, "It forks."),))
        bench.ledger.verdicts.keep([(away, Remembered())])
        well.post(OPS, DUE)
        bench.arm(FaultKind.REFUSE_CONNECTION, times=None, host="hv02")
        bench.inventory.refresh()
        well.post(OPS, DUE + timedelta(days=1))
        before, after = board.texts
        assert "sql99" not in before
        assert "⛔ sql99 on hv02 is on Hold since" in after


def judge(bench: Workbench, seen: VMInventory, verdict: Verdict) -> None:
    reason = Reason("x", verdict, "Somebody looked.")
    health = VMHealth(seen.vm.id, seen.vm.name, seen.vm.host, verdict, (reason,))
    bench.ledger.verdicts.keep([(health, Remembered())])


def test_what_does_not_fit_is_in_the_thread_of_the_message(
    schedules: Schedules, board: Board, bench: Workbench
) -> None:
    for n in range(MOST_ITEMS + MOST_FOLDED):
        bench.add_vm(f"old{n}", Past("old", 30 * DAY))
    schedules.post(OPS, DUE)

    (ref,) = board.shown
    ((under, page),) = board.replies
    assert under == ref
    assert f"{MOST_FOLDED + 2} more are in the thread of this message." in board.texts[0]
    assert f"the next {MOST_FOLDED + 2} by size" in page.text
