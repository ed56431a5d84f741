"""`checkpointbot run` as a program of its own, against hosts and a workspace that it shares nothing with but wires."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import Ledger
from tests.support.office import Office
from tests.support.program import BotProcess, secrets, settings


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Hosts and a workspace, and no bot."""
    with Office(tmp_path / "unused", with_bot=False) as open_office:
        yield open_office


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps nothing for each thread")
def test_the_c_library_keeps_no_memory_for_each_thread_of_the_bot(tmp_path: Path, office: Office) -> None:
    with BotProcess(tmp_path, settings(office), secrets(office)) as process:
        process.wait_until_running()
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert process.interrupt() == 0
    assert b"glibc.malloc.tcache_count=0" in environment


def test_the_main_job_is_done_by_a_program_of_its_own(tmp_path: Path, office: Office) -> None:
    office.add_vm("shop01", Past("long-ago", 30 * DAY), host="hv02")
    with BotProcess(tmp_path, settings(office), secrets(office)) as process:
        process.wait_until_running()
        office.type("ada", "/checkpoint shop01 before-upgrade")
        office.wait_for_text("Took before-upgrade of shop01 (production)")

        office.type("ada", "/checkpoint apply shop01 before-upgrade")
        office.wait_for_text("Apply before-upgrade to shop01?")
        assert office.commands("hv02").seen("Restore-VMSnapshot") == []
        office.press("ada", "Apply")
        office.wait_for_text("shop01 is back at before-upgrade, and is running.")

        assert "shop01: long-ago" in office.ask("ada", "/checkpoint digest")
        office.type("ada", "/checkpoint delete shop01 long-ago")
        office.wait_for_text("Delete long-ago of shop01?")
        assert process.interrupt() == 0

    assert "Checkpoint Bot is running for 2 hosts. Ctrl-C ends it." in process.output
    assert "Traceback" not in process.output
    assert_tells_no_secret(office, process, tmp_path / "data")
    with Ledger(tmp_path / "data" / "ledger.db", clock=lambda: datetime.now(UTC), read_only=True) as ledger:
        assert ledger.audit.verify().whole
        assert [(entry.summary, entry.state) for entry in ledger.history.find()] == [
            ("delete long-ago of shop01", "awaiting"),
            ("apply before-upgrade to shop01", "succeeded"),
            ("take before-upgrade of shop01", "succeeded"),
        ]


def assert_tells_no_secret(office: Office, process: BotProcess, data: Path) -> None:
    kept = b"".join(file.read_bytes() for file in data.iterdir() if file.is_file())
    response_urls = [line["payload"]["response_url"] for line in office.sandbox.log("envelope")]
    for secret in (*secrets(office).values(), *response_urls):
        assert secret not in process.output
        assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("SLACK__BOT_TOKEN", "Slack does not know the bot token (invalid_auth)"),
        ("SLACK__APP_TOKEN", "it does not know the app token (invalid_auth)"),
    ],
)
def test_a_token_that_slack_refuses_is_said_in_a_sentence(
    tmp_path: Path, office: Office, token: str, sentence: str
) -> None:
    wrong = {**secrets(office), token: "xoxb-nobody-knows-this"}

    with BotProcess(tmp_path, settings(office), wrong) as process:
        assert process.exit_code() == 1

    assert sentence in process.output
    assert "Traceback" not in process.output
    assert "nobody-knows-this" not in process.output


def test_settings_that_are_wrong_are_all_named(tmp_path: Path, office: Office) -> None:
    wrong = settings(
        office,
        hosts=[{"name": "hv01", "port": 70000}],
        access={"grants": [{"to": ["everyone"], "role": "boss", "vms": ["*"]}]},
        digest={"timezone": "Mars/Olympus"},
        confirmations={},
    )

    with BotProcess(tmp_path, wrong, secrets(office)) as process:
        assert process.exit_code() == 2

    for name in ("hosts.0.port", "access.grants.0.role", "digest.timezone", "confirmations"):
        assert name in process.output
    assert "Traceback" not in process.output
    assert not (tmp_path / "data").exists()
