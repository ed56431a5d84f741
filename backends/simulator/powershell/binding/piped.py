"""Binding of the objects that come down a pipeline, each anew: by value, by property name, and both with conversion."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.binding.command_line import Binding, choose_set
from backends.simulator.powershell.binding.conversion import CannotConvert, convert, fits
from backends.simulator.powershell.binding.metadata import Membership, ParameterInfo
from backends.simulator.powershell.objects.base import HostObject, get_property, property_names

Wanted = Callable[[Membership], bool]


def bind_piped(binding: Binding, value: object) -> tuple[str, dict[str, object]]:
    """The parameter set and all values for this object of the pipeline.

    Raises `ShellError`, which an object that does not bind writes as an error of its own and the pipeline goes on.
    """
    trial = Binding(binding.info, binding.sets, dict(binding.values))
    for converting in (False, True):
        _by_value(trial, value, converting)
        _by_property(trial, value, converting)
    if len(trial.values) == len(binding.values):
        raise ShellError("InputObjectNotBound", Category.InvalidArgument, "input-not-bound")
    try:
        return choose_set(trial), trial.values
    except ShellError as error:
        if error.error_id != "MissingMandatoryParameter":
            raise
        missing = error.details["missing"]
        raise ShellError(
            "InputObjectMissingMandatory", Category.InvalidArgument, "input-missing", missing=missing
        ) from error


def _by_value(trial: Binding, value: object, converting: bool) -> None:
    for parameter in _candidates(trial, lambda at: at.by_value):
        _take(trial, parameter, value, converting)


def _by_property(trial: Binding, value: object, converting: bool) -> None:
    known = _properties(value)
    for parameter in _candidates(trial, lambda at: at.by_property):
        found = next((known[name.casefold()] for name in parameter.names if name.casefold() in known), None)
        given = get_property(value, found) if found else None
        if given is not None:
            _take(trial, parameter, given, converting)


def _candidates(trial: Binding, wanted: Wanted) -> list[ParameterInfo]:
    """The free parameters that may take from the pipeline in a set still possible, those of the default set first."""
    default = trial.info.default_set
    found = [
        one
        for one in trial.info.piped
        if one.name not in trial.values
        and any((at := one.membership(name)) and wanted(at) for name in one.within(trial.sets))
    ]
    return sorted(found, key=lambda one: one.membership(default) is None)


def _take(trial: Binding, parameter: ParameterInfo, value: object, converting: bool) -> None:
    sets = parameter.within(trial.sets)
    if not sets or not (converting or fits(value, parameter.type)):
        return
    try:
        trial.values[parameter.name] = convert(value, parameter.type)
    except CannotConvert:
        return
    trial.sets = sets


def _properties(value: object) -> dict[str, str]:
    if isinstance(value, HostObject):
        return _folded(value.names())
    return {name.casefold(): name for name in property_names(value)}


@cache
def _folded(names: tuple[str, ...]) -> dict[str, str]:
    return {name.casefold(): name for name in names}
