"""Binding of what stands on the command line: named parameters first, then positional ones, then the parameter set.

Source: Microsoft's about_Parameters and about_Parameter_Sets; the ids of PowerShell's ParameterBindingException.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.binding.conversion import CannotConvert, convert, fits
from backends.simulator.powershell.binding.metadata import CommandInfo, ParameterInfo
from backends.simulator.powershell.objects.base import text_of
from backends.simulator.powershell.shell import Parameter

VALIDATION_EXCEPTION = "System.Management.Automation.ParameterBindingValidationException"


@dataclass(slots=True)
class Binding:
    """What is bound so far, and the parameter sets that it leaves possible."""

    info: CommandInfo
    sets: frozenset[str]
    values: dict[str, object] = field(default_factory=dict)

    def missing(self, parameter_set: str) -> list[ParameterInfo]:
        """The parameters that the set requires and that have no value."""
        return [
            one
            for one in self.info.required
            if one.name not in self.values and (at := one.membership(parameter_set)) and at.required
        ]


def bind_command_line(info: CommandInfo, parameters: Sequence[Parameter]) -> Binding:
    """Bind all that the client wrote. Raises `ShellError` with the id that PowerShell gives."""
    binding = Binding(info, info.sets)
    for parameter in parameters:
        if parameter.name is not None:
            _bind_named(binding, parameter.name, parameter.value)
    _bind_positional(binding, [parameter.value for parameter in parameters if parameter.name is None])
    return binding


def choose_set(binding: Binding, *, piped: bool = False) -> str:
    """The parameter set that the bound parameters name. With `piped`, parameters that the pipeline can still bring
    count as given; the set is then only a first guess. Raises `ShellError`."""
    info = binding.info
    complete = [name for name in sorted(binding.sets) if not _lacking(binding, name, piped)]
    if info.default_set in binding.sets and (info.default_set in complete or not complete):
        chosen = info.default_set
    elif len(complete) == 1:
        chosen = complete[0]
    elif len(binding.sets) == 1:
        chosen = next(iter(binding.sets))
    elif piped and complete:
        chosen = complete[0]
    else:
        raise ShellError("AmbiguousParameterSet", Category.InvalidArgument, "set-ambiguous")
    lacking = _lacking(binding, chosen, piped)
    if lacking:
        names = " ".join(one.name for one in lacking)
        raise ShellError("MissingMandatoryParameter", Category.InvalidArgument, "parameter-missing", missing=names)
    return chosen


def bind(binding: Binding, parameter: ParameterInfo, value: object) -> None:
    """Convert, check and take up one value. Raises `ShellError`."""
    sets = parameter.within(binding.sets)
    if not sets:
        raise ShellError("AmbiguousParameterSet", Category.InvalidArgument, "set-ambiguous")
    _refuse_nothing(binding.info, parameter, value)
    binding.values[parameter.name] = _converted(parameter, value)
    binding.sets = sets


def _bind_named(binding: Binding, name: str, value: object) -> None:
    parameter = _find(binding.info, name.removeprefix("-").removesuffix(":"))
    if parameter.name in binding.values:
        raise ShellError("ParameterAlreadyBound", Category.InvalidArgument, "parameter-twice", parameter=parameter.name)
    if parameter.is_switch and value is None:
        value = True
    bind(binding, parameter, value)


def _find(info: CommandInfo, name: str) -> ParameterInfo:
    """By name or alias in any case, or by the beginning that only one parameter has."""
    wanted = name.casefold()
    for one in info.parameters:
        if any(known.casefold() == wanted for known in one.names):
            return one
    close = [one for one in info.parameters if any(known.casefold().startswith(wanted) for known in one.names)]
    if not wanted or not close:
        raise ShellError("NamedParameterNotFound", Category.InvalidArgument, "parameter-not-found", parameter=name)
    if len(close) > 1:
        matches = " ".join(f"-{one.name}" for one in close)
        raise ShellError(
            "AmbiguousParameter", Category.InvalidArgument, "parameter-ambiguous", parameter=name, matches=matches
        )
    return close[0]


def _bind_positional(binding: Binding, values: list[object]) -> None:
    """Each position that has a free parameter takes one value."""
    waiting = list(values)
    for place in _positions(binding):
        candidates = [one for one in binding.info.parameters if _is_free_at(binding, one, place)]
        if waiting and candidates:
            _bind_at(binding, candidates, waiting.pop(0))
    if waiting:
        raise _no_position(waiting[0])


def _bind_at(binding: Binding, candidates: list[ParameterInfo], value: object) -> None:
    """What fits as it stands comes before what must be converted, and the default set before the others."""
    default = binding.info.default_set
    ordered = sorted(candidates, key=lambda one: one.membership(default) is None)
    fitting = [one for one in ordered if fits(value, one.type)] or [one for one in ordered if _converts(value, one)]
    if not fitting:
        raise _no_position(value)
    bind(binding, fitting[0], value)


def _positions(binding: Binding) -> list[int]:
    return sorted(
        {at.position for one in binding.info.parameters for at in one.sets.values() if at.position is not None}
    )


def _is_free_at(binding: Binding, parameter: ParameterInfo, place: int) -> bool:
    return parameter.name not in binding.values and any(
        (at := parameter.membership(name)) and at.position == place for name in binding.sets
    )


def _converts(value: object, parameter: ParameterInfo) -> bool:
    try:
        convert(value, parameter.type)
    except CannotConvert:
        return False
    return True


def _no_position(value: object) -> ShellError:
    return ShellError(
        "PositionalParameterNotFound", Category.InvalidArgument, "positional-not-found", value=text_of(value)
    )


def _lacking(binding: Binding, parameter_set: str, piped: bool) -> Iterable[ParameterInfo]:
    missing = binding.missing(parameter_set)
    if not piped:
        return missing
    return [one for one in missing if not ((at := one.membership(parameter_set)) and (at.by_value or at.by_property))]


def _refuse_nothing(info: CommandInfo, parameter: ParameterInfo, value: object) -> None:
    """The parameters of Hyper-V's module take neither null nor empty texts; required ones of any command do not."""
    required = any(at.required for at in parameter.sets.values())
    if not required and info.module != "Hyper-V":
        return
    items = value if isinstance(value, list | tuple) and value else [value]
    for nothing, word in ((None, "Null"), ("", "EmptyString")):
        if nothing not in items:
            continue
        suffix = f"{word}NotAllowed" if required else ""
        raise ShellError(
            f"ParameterArgumentValidationError{suffix}",
            Category.InvalidData,
            "argument-null" if nothing is None else "argument-empty",
            exception_type=VALIDATION_EXCEPTION,
            parameter=parameter.name,
        )


def _converted(parameter: ParameterInfo, value: object) -> object:
    if value is None:
        return None
    try:
        return convert(value, parameter.type)
    except CannotConvert as error:
        raise ShellError(
            "CannotConvertArgumentNoMessage",
            Category.InvalidArgument,
            "cannot-convert",
            parameter=parameter.name,
            value=text_of(value),
            type=parameter.type,
        ) from error
