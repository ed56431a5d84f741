"""The files for service managers and monitoring: written by init, and checked by their own tools where these are."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import tree_sitter_powershell
from click.testing import CliRunner
from pydantic import BaseModel
from tree_sitter import Language, Parser

from bot.cli import main
from bot.operations import templates
from bot.operations.reference import README
from bot.settings import Settings, WorkerSettings

EVERY = sorted({name for names in (*templates.SERVICES.values(), templates.MONITORING) for name in names})


@pytest.mark.parametrize("kind", [*templates.SERVICES, "monitoring"])
def test_they_are_written_by_init_and_overwrite_nothing(kind: str, tmp_path: Path) -> None:
    words = ["--monitoring"] if kind == "monitoring" else ["--service", kind]
    done = CliRunner().invoke(main, ["init", *words, "--into", str(tmp_path / "here")])
    again = CliRunner().invoke(main, ["init", *words, "--into", str(tmp_path / "here")])

    names = templates.MONITORING if kind == "monitoring" else templates.SERVICES[kind]
    assert done.exit_code == 0, done.output
    assert sorted(one.name for one in (tmp_path / "here").iterdir()) == sorted(names)
    assert again.exit_code == 1
    assert "is there already. Nothing was written" in again.output


def test_every_template_is_written_by_something() -> None:
    here = Path(templates.__file__).parent

    assert sorted(one.name for one in here.iterdir() if one.is_file() and one.suffix != ".py") == EVERY


def unit(tmp_path: Path) -> Path:
    """With an executable that is there."""
    path = tmp_path / "checkpointbot.service"
    path.write_text(
        templates.text("checkpointbot.service")
        .replace("/opt/checkpointbot/bin/checkpointbot", str(Path(sys.executable).resolve()))
        .replace("=checkpointbot\nGroup=checkpointbot", "=daemon\nGroup=daemon")
    )
    return path


NO_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


@NO_SYSTEMD
def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    checked = analyze("verify", "--man=no", "--recursive-errors=no", str(unit(tmp_path)))

    said = [line for line in checked.stderr.splitlines() if "checkpointbot.service" in line]
    assert (checked.returncode, said) == (0, [])


@NO_SYSTEMD
def test_the_unit_is_hardened(tmp_path: Path) -> None:
    """By systemd's own measure, from 0 (safe) to 10: 2 is what it calls OK, and the unit is at 1.4."""
    checked = analyze("security", "--offline=true", "--no-pager", str(unit(tmp_path)))

    found = re.search(r"exposure level for checkpointbot.service: ([0-9.]+)", checked.stdout)
    assert found, checked.stdout + checked.stderr
    assert float(found[1]) <= 1.5


def test_the_unit_leaves_the_metrics_of_the_process_what_they_are_read_from() -> None:
    """`/proc/stat`, which prometheus-client needs."""
    assert "\nProcSubset=" not in templates.text("checkpointbot.service")


def secrets_of(section: type[BaseModel], above: str = "CHECKPOINTBOT_") -> Iterator[str]:
    """The variables of its secrets, that of a site without the site's name."""
    for name, field in section.model_fields.items():
        variable, kind = f"{above}{name.upper()}", field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from secrets_of(kind, f"{variable}__")
        elif "SecretStr" in repr(kind):
            yield f"{variable}__" if "dict" in repr(kind) else variable


def test_the_unit_has_a_line_for_every_secret_that_a_variable_can_hold() -> None:
    lines = re.findall(r"^(?:# )?LoadCredential=(\w+):.*/(\w+)$", templates.text("checkpointbot.service"), re.MULTILINE)

    assert all(name == file for name, file in lines)
    assert {re.sub(r"(?<=SITES__)\w+", "", name) for name, _ in lines} == set(secrets_of(Settings))


@NO_SYSTEMD
def test_systemd_understands_what_the_readme_changes_in_the_unit_for_a_worker(tmp_path: Path) -> None:
    (lines,) = re.findall(r"^```ini\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    dropped = unit(tmp_path).with_name("checkpointbot.service.d") / "worker.conf"
    dropped.parent.mkdir()
    dropped.write_text(lines.replace("/opt/checkpointbot/bin/checkpointbot", sys.executable))

    checked = analyze("verify", "--man=no", "--recursive-errors=no", str(tmp_path / "checkpointbot.service"))

    said = [line for line in checked.stderr.splitlines() if "checkpointbot.service" in line]
    assert (checked.returncode, said) == (0, [])
    names = set(re.findall(r"^LoadCredential=(\w+):", lines, re.MULTILINE))
    assert names == set(secrets_of(WorkerSettings))


def test_a_linter_of_containerfiles_finds_nothing(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():  # there is no wheel of it for every machine
        pytest.skip("hadolint is not installed")
    file = tmp_path / "Containerfile"
    file.write_text(templates.text("Containerfile"))

    checked = subprocess.run([hadolint, "--no-color", file], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


def instructions_of_the_image() -> list[list[str]]:
    lines = re.sub(r"\\\n\s*", "", templates.text("Containerfile")).splitlines()
    return [line.split(" ", 1) for line in lines if line and not line.startswith("#")]


def words_of_the_image() -> dict[str, str]:
    """Of its last stage."""
    instructions = instructions_of_the_image()
    return dict(instructions[max(n for n, (word, *_) in enumerate(instructions) if word == "FROM") :])  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_of_the_container_is_asked_past_every_proxy(status: int, code: int) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    command = json.loads(words_of_the_image()["HEALTHCHECK"].partition("CMD ")[2])
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = subprocess.run(
            [sys.executable, *(word.replace("9464", str(server.server_port)) for word in command[1:])],
            env={**os.environ, "http_proxy": "http://127.0.0.1:9", "no_proxy": ""},
            capture_output=True,
            check=False,
        )
        server.shutdown()

    assert asked.returncode == code


def test_the_image_runs_as_nobody_with_a_volume_for_its_data() -> None:
    """What counts, in words of its own."""
    instructions, words = instructions_of_the_image(), words_of_the_image()

    assert {word for word, _ in instructions} <= {
        *("FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "VOLUME", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    assert words["USER"] == "10001:10001"
    assert words["VOLUME"] == "/data"
    assert "CHECKPOINTBOT_DATA_DIR=/data" in words["ENV"]
    assert json.loads(words["ENTRYPOINT"]) == ["checkpointbot"]
    assert json.loads(words["CMD"]) == ["run"]
    assert "CHECKPOINTBOT_CONFIG=/etc/checkpointbot/checkpointbot.yaml" in words["ENV"]  # for doctor too
    assert all(not argument.endswith(":latest") for word, argument in instructions if word == "FROM")


WINDOWS = "Register-CheckpointBotTask.ps1"


def test_the_windows_script_is_powershell_and_read_the_same_by_an_old_one() -> None:
    """Without a byte order mark that takes a file to be in the code page of the machine."""
    parser = Parser(Language(tree_sitter_powershell.language()))

    tree = parser.parse(templates.text(WINDOWS).encode("ascii"))

    assert not tree.root_node.has_error


def test_the_windows_script_shuts_its_folders_before_it_asks_for_anything_in_them() -> None:
    """For all but the system, administrators and the account, whatever the folder above hands down."""
    text = templates.text(WINDOWS)
    shut = [text.index("New-PrivateFolder $Folder 'Modify'"), text.index('New-PrivateFolder "$Folder\\secrets"')]

    assert shut == sorted(shut)
    assert shut[-1] < text.index("$Folder\\checkpointbot.yaml") < text.index("Register-ScheduledTask")
    assert "SetAccessRuleProtection($true, $false)" in text
    assert re.findall(r"'(S-1-[\d-]+)'", text) == ["S-1-5-18", "S-1-5-32-544"]


def test_the_windows_task_is_begun_again_when_it_has_ended() -> None:
    """The scheduler's own restarts are for a task that could not be begun: a bot that ends with 1 was begun."""
    text = templates.text(WINDOWS)

    assert re.search(r"New-ScheduledTaskTrigger -Once .* -RepetitionInterval \(New-TimeSpan -Minutes 1\)", text)
    assert "-MultipleInstances IgnoreNew" in text
    assert "-RestartCount" not in text
