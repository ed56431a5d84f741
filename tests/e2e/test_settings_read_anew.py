"""The settings file is changed while the program runs, and it is told so by a signal."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.office import Office
from tests.support.program import BotProcess, secrets, settings
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")


def test_the_log_has_the_form_that_they_say_from_then_on(tmp_path: Path) -> None:
    with (
        Office(tmp_path / "unused", with_bot=False) as office,
        BotProcess(tmp_path, settings(office), secrets(office)) as program,
    ):
        program.wait_until_running()
        for form, line in (
            ("json", r'^{"at": .*"message": "The settings were read anew\."}$'),
            ("text", r"^\d{4}-.* bot\.operations\.reload: The settings were read anew\.$"),
        ):
            file = tmp_path / "checkpointbot.yaml"
            file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text("utf-8")), "log": {"format": form}}))
            os.kill(program.pid, signal.SIGHUP)
            wait_until(lambda line=line: re.search(line, program.output, re.MULTILINE))  # type: ignore[misc]
        assert program.interrupt() == 0
