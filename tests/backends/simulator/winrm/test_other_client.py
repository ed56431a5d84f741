"""A second PSRP client, written apart from pypsrp 0.9: what it reads is not one client's reading alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from backends.simulator.model.enums import EnumValue
from backends.simulator.powershell.shell import Command, Instance, Parameter, Sink, Statement
from backends.simulator.winrm import WinRMServer
from tests.backends.simulator.winrm.winrm_fakes import NOT_FOUND, USERS, ScriptedInterpreter

CLIENT = Path(__file__).with_name("psrp_client.py")
UV = shutil.which("uv")
RUN = [UV or "uv", "run", "--isolated", "--no-project", "--prerelease", "allow", "--with", "pypsrp==1.0.0b1"]


@pytest.fixture(scope="module")
def psrp() -> list[str]:
    """How to run Python with the other client, or a skip that says why it cannot be had."""
    if UV is None:
        pytest.skip("uv is not installed, so pypsrp 1.0.0b1 cannot be run beside pypsrp 0.9")
    command = [*RUN, "--python", sys.executable, "python"]
    tried = subprocess.run([*command, "-c", "import psrp"], capture_output=True, text=True, timeout=120, check=False)
    if tried.returncode:
        pytest.skip(f"pypsrp 1.0.0b1 cannot be had: {tried.stderr.strip()[-300:]}")
    return command


def get_vm(statement: Statement, sink: Sink, stop: Event) -> None:
    sink.progress("Looking", 50)
    state = EnumValue("Microsoft.HyperV.PowerShell.VMState", "Running", 2)
    properties = {"Name": "web[1] \U0001f600", "State": state}
    sink.output(Instance(("Microsoft.HyperV.PowerShell.VirtualMachine",), properties, "VirtualMachine (web01)"))


def get_nothing(statement: Statement, sink: Sink, stop: Event) -> None:
    sink.error(NOT_FOUND)


@pytest.mark.parametrize(("scheme", "auth"), [("http", "basic"), ("http", "negotiate"), ("https", "ntlm")])
def test_the_psrp_namespace_of_pypsrp_1_is_served_too(psrp: list[str], scheme: str, auth: str):
    interpreter = ScriptedInterpreter(**{"Get-VM": get_vm, "Get-Nothing": get_nothing})
    secure = scheme == "https"
    with WinRMServer(interpreter, users=USERS, ssl=secure, allow_unencrypted=auth == "basic") as host:
        arguments = [str(host.port), scheme, auth, str(host.ca_file) if secure else ""]
        done = subprocess.run([*psrp, str(CLIENT), *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert (host.shells, host.open_commands) == ((), 0)
    vm = {"Name": "web[1] \U0001f600", "State": 2, "Text": "VirtualMachine (web01)"}
    assert json.loads(done.stdout) == [
        {"output": [vm], "errors": [], "progress": [50]},
        {"output": [], "errors": [[NOT_FOUND.error_id, NOT_FOUND.hresult]], "progress": []},
    ]
    names = (Parameter("Name", ["web01", "web[1]"]),)
    assert interpreter.ran == [(Command("Get-VM", names),), (Command("Get-Nothing", names),)]
