"""The program under what the unit takes from it: a read-only system, its own user, no capability, one folder to write.

systemd itself runs on few test machines; bubblewrap lays the same restrictions where it is installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.office import Office
from tests.support.program import BotProcess, secrets, settings

USER = "10001"


def restricted(data: Path) -> list[str]:
    """`ProtectSystem=strict`, `PrivateTmp`, `PrivateDevices`, `CapabilityBoundingSet=`, `NoNewPrivileges`, `User=`."""
    return [
        *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", str(data), str(data)),
        *("--unshare-user", "--uid", USER, "--gid", USER, "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL"),
        *("--tmpfs", "/var/tmp", "--setenv", "TMPDIR", "/var/tmp", "--new-session", "--die-with-parent"),
    ]


def can_restrict() -> bool:
    if shutil.which("bwrap") is None:
        return False
    return subprocess.run([*restricted(Path("/tmp")), "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_restrict(), reason="bubblewrap is not installed, or may do nothing here")


@pytest.mark.sqlite
def test_the_program_works_where_it_may_write_to_its_data_folder_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    within = restricted(data)
    there = (
        f"touch {tmp_path}/x 2>/dev/null || touch {data}/x && id -u && grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    )
    told = subprocess.run([*within, "sh", "-c", there], capture_output=True, text=True, check=True).stdout.split()
    assert told == [USER, "CapEff:", "0" * 16, "NoNewPrivs:", "1"]
    (data / "x").unlink()

    with (
        Office(tmp_path / "unused", with_bot=False) as office,
        TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(f"{folder}/notify")
        office.add_vm("shop01")
        more = {"NOTIFY_SOCKET": f"{folder}/notify", "PYTHONDONTWRITEBYTECODE": "1"}
        with BotProcess(tmp_path, settings(office), secrets(office), within=within, more=more) as process:
            process.wait_until_running()
            assert manager.recv(4096).startswith(b"READY=1")
            office.type("ada", "/checkpoint shop01 before-upgrade")
            office.wait_for_text("Took before-upgrade of shop01 (production)")
            pid, _ = (data / "checkpointbot.pid").read_text("ascii").split()
            os.kill(int(pid), signal.SIGTERM)
            assert process.exit_code() == 0

    assert "Traceback" not in process.output
    assert {one.name for one in data.iterdir()} >= {"ledger.db", "jobs.db"}
    assert (data / "ledger.db").stat().st_mode & 0o077 == 0
