from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psrpcore.types import PSCryptoProvider, deserialize, serialize
from pypsrp.serializer import Serializer

from backends.simulator.model.enums import EnumValue
from backends.simulator.powershell.shell import Instance
from backends.simulator.winrm.commands import plain
from backends.simulator.winrm.values import outgoing

texts = st.text(st.characters(codec="utf-16", exclude_characters="\ufffe\uffff"), max_size=30) | st.sampled_from(
    ["_x000A_", "_X0041_", "\x00\x1f\x7f", "]]>"]
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts | st.uuids() | st.binary(max_size=20)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))


def sent(value: object) -> bytes:
    return ElementTree.tostring(serialize(outgoing(value), PSCryptoProvider()), encoding="utf-8")


def received(clixml: bytes) -> object:
    return deserialize(ElementTree.fromstring(clixml), PSCryptoProvider())


def read(value: object) -> object:
    return plain(received(sent(value)))


@given(values)
def test_what_is_written_can_be_read(value: object):
    assert read(value) == value


@given(texts.filter(bool))
def test_the_text_of_an_object_arrives_as_it_is(text: str):
    clixml = sent(Instance(("Machine",), {"Name": text}, text))
    theirs = received(clixml)
    assert (str(theirs), theirs.Name) == (text, text)
    assert str(Serializer().deserialize(clixml.decode())) == text


@pytest.mark.parametrize("text", ["a\ufffeb", "a\uffffb", "a\ud912b"])
def test_what_xml_cannot_carry_is_replaced(text: str):
    assert read(text) == "a\ufffdb"


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda time: 1000 <= time.year <= 9000))
def test_times_arrive_to_the_microsecond(time: datetime):
    assert received(sent(time)) == time


@given(st.timedeltas(timedelta(-10_000), timedelta(10_000)) | st.integers(-9999, 9999).map(lambda n: timedelta(0, n)))
def test_spans_arrive_to_the_microsecond(span: timedelta):
    arrived = received(sent(span))
    difference = timedelta(arrived.days, arrived.seconds, arrived.microseconds) - span
    assert abs(difference) <= timedelta(microseconds=1)


@given(st.floats(allow_nan=False))
def test_doubles_arrive_exactly(number: float):
    assert read(number) == number


def test_an_object_is_read_alike_by_psrpcore_and_pypsrp():
    state = EnumValue("Microsoft.HyperV.PowerShell.VMState", "Running", 2)
    machine = Instance(
        ("Microsoft.HyperV.PowerShell.VirtualMachine",), {"Name": "a&b", "State": state, "Again": state}, "VM"
    )
    clixml = sent(machine)
    theirs = received(clixml)
    assert (theirs.Name, theirs.State, theirs.Again, str(theirs)) == ("a&b", 2, 2, "VM")
    assert theirs.State.PSTypeNames[0] == "Deserialized.Microsoft.HyperV.PowerShell.VMState"
    others = Serializer().deserialize(clixml.decode())
    assert others.adapted_properties["Name"] == "a&b"
    assert str(others.adapted_properties["Again"]) == "Running"
    assert others.types == ["Microsoft.HyperV.PowerShell.VirtualMachine", "System.Object"]


def test_nested_objects_become_their_text_unless_they_have_none():
    inner = Instance(("Inner",), {"A": 1}, "an inner one")
    bag = Instance(("System.Management.Automation.PSCustomObject",), {"A": 1})
    outer = read(Instance(("Outer",), {"Object": inner, "List": [inner], "Bag": bag}))
    assert isinstance(outer, Instance)
    assert (outer.properties["Object"], outer.properties["List"]) == ("an inner one", ["an inner one"])
    assert isinstance(outer.properties["Bag"], Instance)
    assert outer.properties["Bag"].properties == {"A": 1}


def test_a_value_without_a_form_is_a_mistake():
    with pytest.raises(TypeError, match="object"):
        outgoing(object())


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("<C>65</C>", "A"),
        ("<U32>7</U32>", 7),
        ("<Sg>1.5</Sg>", 1.5),
        ("<Version>5.1</Version>", "5.1"),
        ("<G>7f3b0f0e-33c5-4b6e-8f6e-0d7a7a1b2c3d</G>", UUID("7f3b0f0e-33c5-4b6e-8f6e-0d7a7a1b2c3d")),
        ('<Obj RefId="0"><TN RefId="0"><T>Some.Enum</T></TN><ToString>On</ToString><I32>1</I32></Obj>', 1),
        ('<Obj RefId="0"><LST><Obj RefId="1"><LST><S>x</S></LST></Obj><Ref RefId="1"/></LST></Obj>', [["x"], ["x"]]),
    ],
)
def test_what_clients_send_is_read(element: str, value: object):
    assert plain(received(element.encode())) == value
