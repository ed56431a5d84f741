"""The demo, as somebody meets it who has just installed the bot."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner

from bot.cli import main
from bot.demo import MARK, PORT, SPARE_PORTS, Demo
from bot.demo.postgres import Postgres
from bot.demo.sites import NAMES, RUN, _worker
from bot.ledger import Ledger
from bot.wiring import simulated_hosts, utc_now
from tests.support.waiting import DEADLINE, wait_until

ANY_PORT = 0
"""The usual ports are those of whoever else tries the demo on this machine."""


class Page:
    """What the demo's page does, by its routes. Nothing is asked of Slack's three seconds for an acknowledgement: what
    comes of it is waited for."""

    def __init__(self, url: str) -> None:
        self.url = url

    def type(self, text: str, who: str = "ada", channel: str = "#ops") -> None:
        body = json.dumps({"user": who, "channel": channel, "text": text}).encode()
        request = urllib.request.Request(f"{self.url}sandbox/command", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=DEADLINE).close()

    def messages(self, channel: str = "%23ops") -> Sequence[Mapping[str, Any]]:
        address = f"{self.url}sandbox/messages?channel={channel}&user=ada"
        with urllib.request.urlopen(address, timeout=DEADLINE) as answer:
            return list(json.load(answer)["messages"])

    def press_first(self) -> None:
        """Press the first button of the last card."""
        cards = [one for one in self.messages() if any(b["type"] == "actions" for b in one.get("blocks", []))]
        button = next(b["elements"][0] for b in cards[-1]["blocks"] if b["type"] == "actions")
        body = {"user": "ada", "channel": "#ops", "ts": cards[-1]["ts"], "action_id": button["action_id"]}
        request = urllib.request.Request(
            f"{self.url}sandbox/press", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=DEADLINE).close()

    def wait_for_text(self, text: str, channel: str = "%23ops") -> str:
        """The message in which it stands."""
        return str(wait_until(lambda: next((m["text"] for m in self.messages(channel) if text in m["text"]), None)))


def test_what_was_done_in_a_demo_is_there_the_next_time(tmp_path: Path) -> None:
    for command, result in (
        ("/checkpoint web03 first", "Took first of web03 (production)"),
        ("/checkpoint show web03 first", "first of web03"),
    ):
        demo = Demo(tmp_path / "demo", port=ANY_PORT)
        demo.start()
        try:
            page = Page(demo.url)
            page.type(command)
            page.wait_for_text(result)
        finally:
            demo.stop()

    kept = {one.name for one in (tmp_path / "demo").iterdir()}
    assert {"hosts.json", "slack.json", "ledger.db", "jobs.db", MARK} <= kept


def test_the_three_things_that_the_welcome_names_work(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo", port=ANY_PORT)
    demo.start()
    try:
        welcome = demo.welcome()
        page = Page(demo.url)
        tries = [line.strip().partition("   ")[0] for line in welcome.splitlines() if "/checkpoint " in line]
        answers = ("Took before-upgrade of web01", "Apply before-upgrade to web01?", "Checkpoint digest")
        for command, answer in zip(tries, answers, strict=True):
            page.type(command)
            page.wait_for_text(answer)
    finally:
        demo.stop()

    assert page.url in [line.strip() for line in welcome.splitlines()]


def test_a_new_demo_has_a_past_that_can_be_looked_at(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo", port=ANY_PORT)
    demo.start()
    try:
        page = Page(demo.url)
        for command in ("digest", "schedule", "list crm*", "list --unclaimed", "history crm02"):
            page.type(f"/checkpoint {command}")
        notice = page.wait_for_text("time is nearly over", "D0ADA0001")
        digest = page.wait_for_text("Checkpoint digest")
        schedule = page.wait_for_text("1 schedule")
        checkpoints = page.wait_for_text("2 VMs, 9 checkpoints")
        unclaimed = page.wait_for_text("unclaimed checkpoints\n")
        history = page.wait_for_text("by schedule nightly")
    finally:
        demo.stop()

    assert "web03: before-tls-change" in notice
    assert "E:\\ on hv02 is full in about 9 days" in digest
    assert "before-share-move of file01 is gone" in digest
    assert "2 taken" in schedule
    assert "crm01" in checkpoints
    assert "unclaimed: former has left" in unclaimed
    assert "failed" in history


def test_the_past_of_a_demo_is_told_once(tmp_path: Path) -> None:
    path, now = tmp_path / "ledger.db", utc_now()
    heads = []
    demo = Demo(tmp_path, port=ANY_PORT)
    try:
        for name in ("hosts", "hosts again"):
            with (
                simulated_hosts(tmp_path / name, "somebody", "a password of this test", demo._begin),
                Ledger(path, clock=lambda: now, read_only=True) as ledger,
            ):
                heads.append(ledger.audit.verify())
    finally:
        demo.stop()

    assert heads[0] == heads[1]
    assert heads[0].whole


def test_the_page_is_at_the_same_port_each_time_or_at_the_next_free_one(tmp_path: Path) -> None:
    with ExitStack() as taken:
        first, second = Demo(tmp_path / "one"), Demo(tmp_path / "two")
        taken.callback(first.stop)
        taken.callback(second.stop)
        for demo in (first, second):
            demo._open_page()
        ports = [urlsplit(demo.url).port or 0 for demo in (first, second)]
    assert PORT <= ports[0] < ports[1] < PORT + SPARE_PORTS


def test_fresh_throws_an_earlier_demo_away(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    Demo(folder)
    (folder / "ledger.db").write_bytes(b"of an earlier demo")

    Demo(folder, fresh=True)

    assert [one.name for one in folder.iterdir()] == [MARK]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_holds_no_demo_is_left_alone(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")

    with pytest.raises(FileExistsError, match="Nothing was touched"):
        Demo(tmp_path, fresh=fresh)

    assert [one.name for one in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_word_is_there_long_before_the_program_is_up(tmp_path: Path) -> None:
    begun = time.monotonic()
    executable = Path(sys.executable).with_name("checkpointbot")
    command = [str(executable), "demo", "--data", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("Starting the demo")
            first = time.monotonic() - begun
            assert process.stdout.readline().startswith("Checkpoint Bot is running")
            assert first < (time.monotonic() - begun) / 3  # a ratio, since other work on the machine slows both
        finally:
            process.terminate()
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0


def test_a_demo_that_is_ended_in_the_middle_of_a_change_logs_nothing(tmp_path: Path) -> None:
    with Program("demo", "--data", str(tmp_path / "demo")) as program:
        page = Page(program.url)
        page.type("/checkpoint web01 before")
        page.wait_for_text("Took before of web01")
        page.type("/checkpoint apply web01 before")
        page.wait_for_text("Apply before to web01?")
        page.press_first()
    assert program.errors == ""


def test_a_demo_with_sites_ends_its_workers_and_its_database_with_it(tmp_path: Path, postgres: Postgres) -> None:
    data = tmp_path / "demo"
    with Program("demo", "--sites", "--cluster", "--port", "0", "--data", str(data)) as program:
        page = Page(program.url)
        for vm in ("web01", "shop01"):
            page.type(f"/checkpoint {vm} before")
            page.wait_for_text(f"Took before of {vm}")
        configs = [data / site / "checkpointbot.yaml" for site in NAMES]
        settings = [yaml.safe_load(one.read_text()) for one in configs]
        reached = [one["name"] for each in settings for one in (*each["hosts"], *each["clusters"])]
        assert all(running(str(one)) for one in configs)

    assert program.errors == ""
    assert reached == ["hv01", "prod", "hv02"]
    assert not any(running(str(one)) for one in configs)
    assert all("Stopping" in (data / site / "worker.log").read_text("utf-8") for site in NAMES)


def test_what_a_demo_that_was_killed_leaves_ends_by_itself(tmp_path: Path) -> None:
    (tmp_path / "database" / "data").mkdir(parents=True)
    known = {"DATABASE_URL": "postgresql://somebody:secret@127.0.0.1:9/none", "SITE_KEY": "k" * 43}
    settings = {"data_dir": str(tmp_path / "data"), "host_defaults": {"ssl": False}, "hosts": [], "clusters": []}
    with subprocess.Popen(["sleep", "3600"]) as database:
        (tmp_path / "database" / "data" / "postmaster.pid").write_text(f"{database.pid}\n", encoding="utf-8")
        program = RUN.format(folder=str(tmp_path / "database"))
        with _worker(program, "lyon", tmp_path / "lyon", settings, known) as worker:
            assert worker.stdin is not None
            worker.stdin.close()  # as the system does with what a killed program had open
            worker.wait(DEADLINE)
        database.wait(DEADLINE)

    assert not (tmp_path / "database").exists()


def running(word: str) -> bool:
    """A program was called with it."""
    return any(word.encode() in (one / "cmdline").read_bytes() for one in Path("/proc").glob("[0-9]*") if _there(one))


def _there(process: Path) -> bool:
    try:
        return bool((process / "cmdline").read_bytes())
    except OSError:
        return False


def test_a_demo_with_sites_says_what_is_missing_where_there_is_no_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.demo.postgres._packaged", list)
    monkeypatch.setattr("bot.demo.postgres._of_the_system", list)

    ended = CliRunner().invoke(main, ["demo", "--sites", "--port", "0", "--data", str(tmp_path / "demo")])

    assert ended.exit_code == 1
    assert "The sites of the demo need PostgreSQL. There is no PostgreSQL on this machine. Install" in ended.output
    assert "The demo runs without --sites." in ended.output


class Program:
    """The executable in a process of its own; what it logs is in `errors` when it has ended."""

    def __init__(self, *words: str) -> None:
        executable = Path(sys.executable).with_name("checkpointbot")
        pipes: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "encoding": "utf-8",
        }
        self._process = subprocess.Popen([str(executable), *words], **pipes)
        self.url = self.errors = ""

    def __enter__(self) -> Program:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip().startswith("http://"):
                self.url = line.strip()
            if "Ctrl-C" in line:
                return self
        raise AssertionError(self._process.communicate()[1])

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self.errors = self._process.communicate(timeout=DEADLINE)[1]


def test_a_demo_may_have_a_cluster_which_is_there_the_next_time_too(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "data", port=ANY_PORT, cluster=True)
    try:
        demo.start()
        page = Page(demo.url)
        page.type("/checkpoint prod/shop01 first")
        page.wait_for_text("Took first of shop01")
    finally:
        demo.stop()
    with simulated_hosts(tmp_path / "data", "somebody", "a password of this test") as ports:
        assert set(ports) == {"hv01", "hv02", "hv11", "hv12"}
