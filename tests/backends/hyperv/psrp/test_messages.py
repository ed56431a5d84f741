"""The message that starts a pipeline is the one that pypsrp would send."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypsrp.complex_objects import ComplexObject
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.wsman import WSMan

from backends.hyperv.pipelines import Endpoint, Plain, samples
from backends.hyperv.psrp.messages import _pieces, create_pipeline
from backends.remoting import Cmdlet, Pipeline

PIPELINES = {**samples(Plain()), **{f"{name}, JEA": one for name, one in samples(Endpoint()).items()}}


class Caught(PowerShell):
    """Keeps the message instead of sending it."""

    message = b""

    def _invoke(self, msg: ComplexObject) -> None:
        element = Serializer().serialize(msg)
        assert element is not None
        self.message = ET.tostring(element, encoding="utf-8")


@pytest.mark.parametrize("version", ["2.2", "2.3"])
@pytest.mark.parametrize("name", PIPELINES)
def test_a_message_is_what_pypsrp_makes_of_the_same_commands(name: str, version: str) -> None:
    assert create_pipeline(PIPELINES[name], version).content == _theirs(PIPELINES[name], version)


def test_true_is_not_taken_for_one() -> None:
    yes, one = (create_pipeline((Cmdlet("Get-VM", {"X": value}),), "2.3") for value in (True, 1))
    assert yes != one


@settings(max_examples=30)
@given(text=st.text() | st.sampled_from(("", "slot", "_x005F_", "<S>&amp;</S>", "\uf8ffslot\uf8ff")))
def test_any_text_stands_in_a_message_as_pypsrp_would_write_it(text: str) -> None:
    pipeline = (Cmdlet("Get-VM", {"Id": "one", "Name": text}), Cmdlet("Checkpoint-VM", {"SnapshotName": text}))

    assert create_pipeline(pipeline, "2.3").content == _theirs(pipeline, "2.3")


def test_the_same_commands_with_other_names_are_made_once() -> None:
    for name in ("warm", "other", "another"):
        made = _pieces.cache_info().misses
        create_pipeline((Cmdlet("Checkpoint-VM", {"SnapshotName": name}),), "2.3")
    assert _pieces.cache_info().misses == made


def _theirs(pipeline: Pipeline, version: str) -> bytes:
    pool = RunspacePool(WSMan("hv01", username="bot", password="s3cret"))
    pool.protocol_version = version
    shell = Caught(pool)
    for cmdlet in pipeline:
        shell.add_cmdlet(cmdlet.name)
        for name, value in cmdlet.parameters.items():
            shell.add_parameter(name, list(value) if isinstance(value, tuple) else value)
    shell.begin_invoke()
    return shell.message
