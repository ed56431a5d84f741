"""The executable: what it offers, what it answers, and with which exit code it ends."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from bot.cli import Late, _look, _reload, _until_stopped, main
from bot.demo import PORT
from bot.operations.doctor.findings import Check, warning
from bot.operations.folder import held
from bot.operations.service import Notifier
from bot.people.directory import LookupFailed
from tests.support.program import BotProcess
from tests.support.waiting import DEADLINE


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no settings are."""
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


NOBODY = {"bot_token": "xoxb-1", "app_token": "xapp-1", "api_url": "http://127.0.0.1:9/api/"}
"""Settings of a Slack that nobody answers for."""


def write_settings() -> None:
    Path("checkpointbot.yaml").write_text(yaml.safe_dump({"slack": NOBODY}), encoding="utf-8")


class Nothing:
    """A program that does nothing."""

    def start(self, stopping: threading.Event) -> None: ...

    def stop(self) -> None: ...


class Looked(Nothing):
    """A bot that is looked at, until it stops after some days."""

    def __init__(self, days: int) -> None:
        self.days, self.waited = days, list[float]()

    def look(self) -> Iterator[Check]:
        yield warning("hosts.hv01", f"Its certificate ends in {self.days - len(self.waited)} days.", "Mend it.")
        raise LookupFailed("Slack could not be reached")

    def stops_within(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return len(self.waited) == self.days


def test_a_bot_is_looked_at_each_day_until_it_stops(caplog: pytest.LogCaptureFixture) -> None:
    bot = Looked(days=3)
    _look(bot)  # type: ignore[arg-type]

    assert bot.waited == [86400.0] * 3
    assert [f"ends in {days} days" in caplog.text for days in (3, 2, 1)] == [True] * 3
    assert caplog.text.count("The settings could not be looked at") == 3


def test_help_names_every_subcommand() -> None:
    shown = run("--help")

    assert shown.exit_code == 0
    for name in ("run", "demo", "worker", "init", "doctor", "audit", "backup", "restore"):
        assert f"  {name} " in shown.output


@pytest.mark.parametrize("name", ["run", "demo", "worker", "init", "doctor", "audit", "backup", "restore"])
def test_every_subcommand_explains_itself(name: str) -> None:
    shown = run(name, "-h")

    assert shown.exit_code == 0
    assert f"Usage: main {name}" in shown.output


def test_help_loads_nothing_that_it_does_not_need() -> None:
    code = "import sys; from bot.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    loaded = set(shown.splitlines()[-1].split())
    assert "bot.cli" in loaded
    assert loaded.isdisjoint({"dbos", "slack_bolt", "slack_sdk", "pypsrp", "aiohttp", "pydantic", "sqlite_utils"})


def test_the_line_of_a_command_that_is_loaded_late_is_its_own() -> None:
    for name, (module, attribute, line) in Late.late.items():
        command = getattr(importlib.import_module(module), attribute)
        assert (command.name, command.get_short_help_str(200)) == (name, line)


def test_the_demo_names_the_port_that_it_has() -> None:
    assert f"{PORT}, or the next free one" in run("demo", "--help").output


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        shown = run("demo", "--data", str(tmp_path / "demo"), "--port", str(port))

    assert shown.exit_code == 1
    assert f"Error: Port {port} of this machine is taken by another program" in shown.output


def test_the_version_is_the_distributions() -> None:
    assert version("hyperv-checkpoint-bot") in run("--version").output


def test_the_executable_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="checkpointbot")

    assert script.value == "bot.cli:entry"


@pytest.mark.parametrize("words", [(), ("start",), ("run", "--port", "1"), ("demo", "--port", "70000")])
def test_what_is_no_command_is_a_usage_error(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


class TestInit:
    def test_writes_a_file_that_says_what_is_missing(self) -> None:
        written = run("init")

        assert written.exit_code == 0
        assert "Wrote checkpointbot.yaml" in written.output
        missing = run("run")
        assert missing.exit_code == 2
        assert "slack.bot_token" in missing.output

    def test_writes_a_file_that_yaml_can_read(self) -> None:
        run("init", "--config", "mine.yaml")

        yaml.safe_load(Path("mine.yaml").read_text(encoding="utf-8"))

    def test_overwrites_nothing(self) -> None:
        Path("checkpointbot.yaml").write_text("slack: {}\n", encoding="utf-8")

        refused = run("init")

        assert refused.exit_code == 1
        assert "is there already. Nothing was written" in refused.output
        assert Path("checkpointbot.yaml").read_text(encoding="utf-8") == "slack: {}\n"

    def test_says_why_it_cannot_write(self) -> None:
        refused = run("init", "--config", "no/such/folder/mine.yaml")

        assert refused.exit_code == 1
        assert "cannot be written" in refused.output


class TestRun:
    def test_without_settings_names_what_is_missing(self) -> None:
        ended = run("run")

        assert ended.exit_code == 2
        assert f"neither {Path.cwd() / 'checkpointbot.yaml'} nor one that --config" in ended.output
        assert "checkpointbot init" in ended.output
        assert "slack.bot_token" in ended.output
        assert not Path("data").exists()

    def test_says_at_the_start_what_the_settings_leave_out(self, caplog: pytest.LogCaptureFixture) -> None:
        write_settings()

        run("run", "--no-wait")

        told = " ".join(record.message for record in caplog.records)
        assert "no host under hosts:" in told
        assert "no grant under access.grants:" in told

    def test_tells_the_service_manager_that_it_waits_for_slack(self, tmp_path: Path) -> None:
        notify = str(tmp_path / "notify")
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
            BotProcess(tmp_path, {"slack": NOBODY}, {}, more={"NOTIFY_SOCKET": notify}) as program,
        ):
            manager.bind(notify)
            manager.settimeout(DEADLINE)
            assert manager.recv(4096).startswith(b"STATUS=Slack is not reached yet")
            assert program.interrupt() == 0

    def test_with_a_file_that_is_not_there_says_so(self) -> None:
        ended = run("run", "--config", "nowhere.yaml")

        assert ended.exit_code == 2
        assert "nowhere.yaml" in ended.output

    def test_with_a_data_folder_that_cannot_be_used_is_a_sentence(self) -> None:
        Path("data").touch()
        write_settings()

        ended = run("run")

        assert ended.exit_code == 1
        assert "Error: " in ended.output
        assert "data" in ended.output


class TestDoctor:
    def test_names_what_is_wrong_and_ends_with_one(self) -> None:
        write_settings()

        told = run("doctor")

        assert told.exit_code == 1
        assert "✗ slack.bot_token: Slack could not be reached" in told.output
        assert "This only looked: nothing was changed." in told.output
        assert not Path("data").exists()

    def test_says_all_of_it_as_json(self) -> None:
        write_settings()

        told = json.loads(run("doctor", "--json").output)

        assert told["healthy"] is False
        assert {one["state"] for one in told["checks"]} <= {"works", "warning", "broken", "not looked at"}
        assert all(one["mend"] for one in told["checks"] if one["state"] in ("warning", "broken"))

    def test_without_settings_names_what_is_missing(self) -> None:
        assert run("doctor").exit_code == 2


def test_demo_does_not_take_over_a_folder_of_somebody_else() -> None:
    Path("photos").mkdir()
    Path("photos", "cat.jpg").touch()

    for words in (("demo", "--data", "photos"), ("demo", "--data", "photos", "--fresh")):
        refused = run(*words)
        assert refused.exit_code == 1
        assert "Nothing was touched" in refused.output
    assert [one.name for one in Path("photos").iterdir()] == ["cat.jpg"]


class TestTheDataFolder:
    def test_of_a_bot_that_runs_is_refused_to_a_second(self) -> None:
        write_settings()
        with held(Path("data")):
            ended = run("run")

        assert ended.exit_code == 1
        assert f"running with the data folder data already: process {os.getpid()}, since " in ended.output

    def test_of_a_demo_that_runs_is_refused_and_left_as_it_is(self) -> None:
        Path("demo-data").mkdir()
        Path("demo-data", "checkpointbot-demo").touch()
        Path("demo-data", "hosts.json").write_text("what the first demo has", encoding="utf-8")
        with held(Path("demo-data")):
            for words in (("demo",), ("demo", "--fresh")):
                ended = run(*words)
                assert ended.exit_code == 1
                assert f"process {os.getpid()}" in ended.output

        assert Path("demo-data", "hosts.json").read_text(encoding="utf-8") == "what the first demo has"

    def test_logs_json_where_the_settings_say_so(self, caplog: pytest.LogCaptureFixture) -> None:
        write_settings()
        given = yaml.safe_load(Path("checkpointbot.yaml").read_text())
        Path("checkpointbot.yaml").write_text(yaml.safe_dump({**given, "log": {"format": "json"}}))
        done = subprocess.run(
            [sys.executable, "-c", "from bot.cli import entry; entry()", "run", "--no-wait"],
            capture_output=True,
            text=True,
            check=False,
        )

        lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        assert {"at", "level", "logger", "message"} <= set(lines[0])
        assert "The settings name no host under hosts:" in lines[0]["message"]

    def test_with_a_damaged_jobs_file_is_a_sentence(self) -> None:
        write_settings()
        Path("data").mkdir()
        Path("data", "jobs.db").write_bytes(b"no database" * 1000)

        ended = run("run")

        assert ended.exit_code == 1
        assert "Error: The file of the jobs data/jobs.db is damaged" in ended.output

    def test_with_a_jobs_file_that_is_left_over_does_not_look_at_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write_settings()
        Path("data").mkdir()
        Path("data", "jobs.db").write_bytes(b"no database" * 1000)
        monkeypatch.setenv("CHECKPOINTBOT_DATABASE_URL", "sqlite:///elsewhere.db")

        ended = run("run", "--no-wait")

        assert ended.exit_code == 1
        assert "Error: Slack could not be reached" in ended.output


class TestSignals:
    def test_an_ignored_hangup_stays_ignored(self) -> None:
        """As `nohup checkpointbot run` leaves it."""
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with pytest.raises(RuntimeError), _until_stopped(Nothing()):
                assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
                raise RuntimeError
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_a_hangup_reads_the_settings_anew_where_the_program_can(self) -> None:
        before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGTERM)}
        reloaded = []

        def reload() -> bool:
            reloaded.append(True)
            os.kill(os.getpid(), signal.SIGTERM)
            return True

        try:
            with _until_stopped(Nothing(), reload=reload):
                os.kill(os.getpid(), signal.SIGHUP)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        assert reloaded == [True]

    def test_the_watchdog_is_fed_while_settings_are_read_anew_with_slack_away(self, tmp_path: Path) -> None:
        """Such a reload lasts for as long as Slack is away, and nothing else of the bot lives then."""
        address = str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(address)
            manager.settimeout(60)
            watched = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000"})
            told: list[str] = []

            def reload() -> bool:
                told.extend(manager.recv(200).decode().split("\n")[0] for _ in range(2))
                return True

            _reload(reload, watched)
            told.append(manager.recv(200).decode().split("\n")[0])
        assert told == ["RELOADING=1", "WATCHDOG=1", "READY=1"]

    def test_one_that_comes_while_the_program_begins_to_wait_ends_it(self) -> None:
        """The event is locked for a moment then. In a program of its own: one that hangs there hears nothing else."""
        code = (
            "import os, signal\nfrom bot.cli import _until_stopped\n"
            "class Program:\n"
            "    def start(self, stopping):\n"
            "        with stopping._cond:\n            os.kill(os.getpid(), signal.SIGTERM)\n"
            "        stopping.wait()\n"
            "    def stop(self): print('stopped')\n"
            "with _until_stopped(Program()): print('started')\n"
        )
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

        assert ended.stdout == "stopped\n"

    def test_a_hangup_that_nobody_ignores_ends_the_program(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        try:
            with _until_stopped(Nothing()):
                os.kill(os.getpid(), signal.SIGHUP)
        finally:
            signal.signal(signal.SIGHUP, before)
