from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psrpcore.types import PSCryptoProvider, deserialize, serialize
from pypsrp.serializer import Serializer

from backends.simulator.shell import EnumValue, Instance
from backends.simulator.winrm import clixml_out
from backends.simulator.winrm.clixml_in import Document, unescape


class NoSecrets(PSCryptoProvider):
    """For values that hold none."""

    def decrypt(self, value: str) -> str:
        raise NotImplementedError

    def encrypt(self, value: str) -> str:
        raise NotImplementedError

    def register_key(self, key: bytes) -> None:
        raise NotImplementedError


texts = st.text(st.characters(codec="utf-16"), max_size=30) | st.sampled_from(
    ["_x000A_", "_X0041_", "\x00\x1f\x7f", "]]>"]
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts | st.uuids() | st.binary(max_size=20)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))


def read(value: object) -> object:
    document = Document(clixml_out.serialize(value))
    return document.value(document.root)


@given(values)
def test_what_is_written_can_be_read(value: object):
    assert read(value) == value


@given(texts)
def test_text_is_written_as_psrpcore_writes_it(text: str):
    theirs = ElementTree.fromstring(ElementTree.tostring(serialize(text, NoSecrets())))
    assert deserialize(ElementTree.fromstring(clixml_out.serialize(text)), NoSecrets()) == text
    assert unescape(theirs.text or "") == text


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda time: 1000 <= time.year <= 9000))
def test_times_arrive_to_the_microsecond(time: datetime):
    assert deserialize(ElementTree.fromstring(clixml_out.serialize(time)), NoSecrets()) == time


@given(st.timedeltas(timedelta(-10_000), timedelta(10_000)))
def test_spans_arrive_to_the_microsecond(span: timedelta):
    assert deserialize(ElementTree.fromstring(clixml_out.serialize(span)), NoSecrets()) == span


@given(st.floats(allow_nan=False))
def test_doubles_arrive_exactly(number: float):
    assert read(number) == number


def test_an_object_is_read_alike_by_psrpcore_and_pypsrp():
    state = EnumValue("Microsoft.HyperV.PowerShell.VMState", "Running", 2)
    machine = Instance(
        ("Microsoft.HyperV.PowerShell.VirtualMachine",), {"Name": "a&b", "State": state, "Again": state}, "VM"
    )
    document = clixml_out.serialize(machine)
    theirs = deserialize(ElementTree.fromstring(document), NoSecrets())
    assert (theirs.Name, theirs.State, theirs.Again, str(theirs)) == ("a&b", 2, 2, "VM")
    assert theirs.State.PSTypeNames[0] == "Deserialized.Microsoft.HyperV.PowerShell.VMState"
    others = Serializer().deserialize(document.decode())
    assert others.adapted_properties["Name"] == "a&b"
    assert str(others.adapted_properties["Again"]) == "Running"
    assert others.types == ["Microsoft.HyperV.PowerShell.VirtualMachine", "System.Object"]


def test_nested_objects_become_their_text_unless_they_have_none():
    inner = Instance(("Inner",), {"A": 1}, "an inner one")
    bag = Instance(("System.Management.Automation.PSCustomObject",), {"A": 1})
    outer = read(Instance(("Outer",), {"Object": inner, "List": [inner], "Bag": bag}))
    assert isinstance(outer, Instance)
    assert outer.properties == {
        "Object": "an inner one",
        "List": ["an inner one"],
        "Bag": Instance(("System.Management.Automation.PSCustomObject", "System.Object"), {"A": 1}),
    }


def test_a_value_without_a_form_is_a_mistake():
    with pytest.raises(TypeError, match="object"):
        clixml_out.serialize(object())


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("<C>65</C>", "A"),
        ("\ufeff<S>with a byte order mark</S>", "with a byte order mark"),
        ("<U32>7</U32>", 7),
        ("<Sg>1.5</Sg>", 1.5),
        ("<Version>5.1</Version>", "5.1"),
        ("<G>7f3b0f0e-33c5-4b6e-8f6e-0d7a7a1b2c3d</G>", UUID("7f3b0f0e-33c5-4b6e-8f6e-0d7a7a1b2c3d")),
        ('<Obj RefId="0"><TN RefId="0"><T>Some.Enum</T></TN><ToString>On</ToString><I32>1</I32></Obj>', 1),
        ('<Obj RefId="0"><LST><Obj RefId="1"><LST><S>x</S></LST></Obj><Ref RefId="1"/></LST></Obj>', [["x"], ["x"]]),
    ],
)
def test_what_clients_send_is_read(element: str, value: object):
    document = Document(element.encode())
    assert document.value(document.root) == value


@pytest.mark.parametrize(
    "element",
    [
        "<S>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><S>&b;</S>",
        '<Ref RefId="9"/>',
        "<I32>many</I32>",
        '<Obj RefId="0"><DCT><En><S N="Key">a</S></En></DCT></Obj>',
    ],
)
def test_what_is_no_clixml_is_refused(element: str):
    with pytest.raises(ValueError):
        document = Document(element.encode())
        document.value(document.root)
