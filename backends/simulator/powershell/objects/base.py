"""What every object in a pipeline has: type names, properties by name in any case, a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from backends.base import VMState
from backends.simulator.model.enums import HYPERV, EnumValue, enum_value
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.shell import Instance

Model = TypeVar("Model")
Getters = Mapping[str, Callable[[Model], object]]

NO_ID = "00000000-0000-0000-0000-000000000000"
CUSTOM_OBJECT = "System.Management.Automation.PSCustomObject"


class HostObject:
    """An object whose properties are read from the model when somebody asks. Two reads may differ."""

    type_names: ClassVar[tuple[str, ...]] = ("System.Object",)
    costly: ClassVar[frozenset[str]] = frozenset()
    """Properties that take a real host its time."""

    def __init__(self, host: SimulatedHost) -> None:
        self.host = host

    @property
    def text(self) -> str:
        """Its ToString()."""
        return self.type_names[0]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Its properties, in order."""
        raise NotImplementedError

    def get(self, name: str) -> object:
        """A property by its exact name."""
        raise NotImplementedError


class View(HostObject, Generic[Model]):
    """A `HostObject` over one thing of the model."""

    getters: ClassVar[Mapping[str, Callable[..., object]]] = {}

    def __init__(self, host: SimulatedHost, model: Model) -> None:
        super().__init__(host)
        self.model = model

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(cls.getters)

    def get(self, name: str) -> object:
        if name in self.costly and self.host.durations.costly_property:
            self.host.clock.sleep(self.host.seconds(self.host.durations.costly_property))
        return self.getters[name](self)


def property_names(value: object) -> tuple[str, ...]:
    """The properties of any value in a pipeline; texts and numbers have none that matter here."""
    if isinstance(value, HostObject):
        return value.names()
    return tuple(value.properties) if isinstance(value, Instance) else ()


def get_property(value: object, name: str) -> object:
    """A property by its exact name."""
    if isinstance(value, HostObject):
        return value.get(name)
    return value.properties[name] if isinstance(value, Instance) else None


def finished(value: object) -> object:
    """The value as it leaves the pipeline: every property worked out, nested objects too."""
    if isinstance(value, HostObject):
        properties = {name: finished(value.get(name)) for name in value.names()}
        return Instance(value.type_names, properties, value.text)
    if isinstance(value, Instance):
        properties = {name: finished(inner) for name, inner in value.properties.items()}
        return Instance(value.type_names, properties, value.text)
    if isinstance(value, list | tuple):
        return [finished(inner) for inner in value]
    return value


def text_of(value: object) -> str:
    """ToString(), where PowerShell needs one."""
    if isinstance(value, HostObject):
        return value.text
    if isinstance(value, Instance):
        return value.text if value.text is not None else value.type_names[0]
    if isinstance(value, EnumValue):
        return value.name
    return "" if value is None else str(value)


def guid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def span(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def state(value: VMState) -> EnumValue:
    return enum_value(HYPERV + "VMState", value)
