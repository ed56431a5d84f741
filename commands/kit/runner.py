"""Finds the commands, and takes a person's words to one of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial

import click

import commands
from commands.base import Context, FreezePlan, NotKnown, Plan, Reply, SchedulePlan, Slip, UsageError
from commands.base import name as named
from commands.kit import corrections, joined, manual, replicas, rights, unseen
from commands.kit.choices import how_long, to_choose
from commands.kit.finding import listable, typeable
from commands.kit.meant import nearest
from commands.kit.words import say_names, typed

MOST_REPEATED = 12
"""VMs that are named in a command which is offered."""

SLASH_COMMAND = frozenset({"/checkpoint", "checkpoint"})
"""What Slack takes off before the bot sees the rest."""

NAMED_LAST = 2
"""Arguments of a command whose last one is a name."""


class Commands(click.Group):
    """All commands under their own names; their aliases lead to the same ones."""

    def __init__(self, commands: Mapping[str, click.Command], aliases: Mapping[str, str]) -> None:
        super().__init__("/checkpoint", commands=dict(commands))
        self.aliases = dict(aliases)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return self.known(cmd_name)

    def known(self, word: str) -> click.Command | None:
        """The command of that name or alias, in capitals or not: phones write the first word with one."""
        name = word.casefold()
        return self.commands.get(self.aliases.get(name, name))


@cache
def load() -> Commands:
    """Every command of the package.

    Raises what an import raises, and TypeError for a module without a command or two for one word: the bot does not
    start with half of its commands.
    """
    modules = {
        found.name: importlib.import_module(f"{commands.__name__}.{found.name}")
        for found in pkgutil.iter_modules(commands.__path__)
        if not found.ispkg
    }
    return gather(modules)


def gather(modules: Mapping[str, object]) -> Commands:
    """The commands that these modules expose as `command`, with the further words in `ALIASES`."""
    found: dict[str, click.Command] = {}
    aliases: dict[str, str] = {}
    for name, module in modules.items():
        command = getattr(module, "command", None)
        if not isinstance(command, click.Command):
            raise TypeError(f"commands/{name}.py has no Click command called `command`")
        found[name] = manual.with_help(command, name)
        aliases |= dict.fromkeys(getattr(module, "ALIASES", ()), name)
    if twice := found.keys() & aliases.keys():
        raise TypeError(f"an alias is also the name of a command: {', '.join(sorted(twice))}")
    return Commands(found, aliases)


def run(words: Sequence[str], context: Context) -> Reply | Plan | SchedulePlan | FreezePlan:
    """What the command that the words name makes of them.

    Raises `UsageError` with what to type instead, and `BackendError` when a host could not be asked. Nothing is
    printed, no environment variable and no file is read, and nothing is changed.
    """
    group = load()
    name, rest = _command_and_words(group, _without_slash_command(words, context), context)
    command = group.commands[name]
    rest = joined.vms(command, joined.periods(command, joined.lists(command, rest)), context)
    try:
        return _answer(group, command, rest, context)
    except UsageError as obstacle:
        _offer_the_rest(obstacle, command, rest)
        obstacle.corrected = obstacle.corrected or corrections.of(obstacle.slips, (name, *rest))
        raise


def _answer(
    group: Commands, command: click.Command, words: Sequence[str], context: Context
) -> Reply | Plan | SchedulePlan | FreezePlan:
    name = str(command.name)
    with click.Context(group, info_name="/checkpoint", obj=context, token_normalize_func=str.casefold) as parent:
        try:
            made = command.make_context(name, [*words], parent=parent, allow_extra_args=True)
            _refuse_leftovers(made)
            with made:
                answer = command.invoke(made)
        except manual.HelpAsked:
            return manual.describe(command, parent, partial(rights.holds, context))
        except click.MissingParameter as error:
            if vms := _without_its_checkpoint(error):
                return to_choose(context, name, vms)
            if is_missing := _without_its_span(error):
                return how_long(context, *is_missing)
            raise _in_our_words(error, command, parent, words) from error
        except click.UsageError as error:
            raise _in_our_words(error, command, parent, words) from error
    if not isinstance(answer, Reply | Plan | SchedulePlan | FreezePlan):
        raise TypeError(f"commands/{name}.py gave {type(answer).__name__} instead of a Reply or a Plan")
    if not isinstance(answer, Plan):
        return answer
    vms = str(made.params.get("vm", ""))
    return unseen.told(replicas.named_only(answer, vms, context), vms, context)


def _offer_the_rest(obstacle: UsageError, command: click.Command, words: Sequence[str]) -> None:
    """Where something stands against some of several VMs: the same command for the rest of them, with all its other
    words."""
    at = joined.vms_at(command, words)
    first = next((param.name for param in command.params if isinstance(param, click.Argument)), "")
    if not obstacle.rest or first != "vm" or at >= len(words):
        return
    before, after = words[:at], words[at + 1 :]
    obstacle.instead = (str(command.name), *before, ",".join(vm.id for vm in obstacle.rest), *after)
    if len(obstacle.rest) <= MOST_REPEATED:
        again = (one for one in (*before, ",".join(map(listable, obstacle.rest)), *after) if one != "--")
        obstacle.hint = f"{obstacle.hint} For the rest of them: {typed(str(command.name), *again)}.".strip()


def is_question(words: Sequence[str]) -> bool:
    """Whether the words only ask for something, so that nothing could have been changed by them."""
    while words and words[0].casefold() in SLASH_COMMAND:
        words = words[1:]
    if not words:
        return True
    command = load().known(words[0])
    if command is None:
        return words[0].casefold() in ("help", "--help")
    gives = str(getattr(command.callback, "__annotations__", {}).get("return", ""))
    return "Plan" not in gives or ("Reply" in gives and not any(word.startswith("-") for word in words))


def _without_its_checkpoint(error: click.MissingParameter) -> str:
    """The VMs of a command that was typed without a checkpoint; empty where something else is missing."""
    typed_so_far = error.ctx.params if error.ctx else {}
    is_it = error.param is not None and error.param.name == "checkpoint"
    return str(typed_so_far.get("vm") or "") if is_it else ""


def _without_its_span(error: click.MissingParameter) -> tuple[str, str] | None:
    """The VM and the checkpoint of a command that was typed without saying how long; None where something else is
    missing."""
    typed_so_far = error.ctx.params if error.ctx else {}
    vm, checkpoint = typed_so_far.get("vm"), typed_so_far.get("checkpoint")
    is_it = error.param is not None and error.param.name == "period"
    return (str(vm), str(checkpoint)) if is_it and vm and checkpoint else None


def _without_slash_command(words: Sequence[str], context: Context) -> Sequence[str]:
    """The words without the slash command that was typed, or pasted, a second time; a VM may be called so, though."""
    commands_typed = SLASH_COMMAND | {context.command, context.command.removeprefix("/")}
    while words and words[0].casefold() in commands_typed and not joined.names_vms(words[0], context):
        words = words[1:]
    return words


def _command_and_words(group: Commands, words: Sequence[str], context: Context) -> tuple[str, list[str]]:
    """The command's name and what follows it. A first word that is no command names VMs: the short form of create."""
    first = words[0] if words else "help"
    if first.casefold() in ("help", "--help"):
        return "help", [*words[1:]]
    if first.casefold() == "undo":
        return _undo(words[1:], context)
    if command := group.known(first):
        return str(command.name), [*words[1:]]
    if first != "--":
        _refuse_misspelt(group, words, context)
        _refuse_turned_round(group, words)
    return "create", [*words]


def _undo(words: Sequence[str], context: Context) -> tuple[str, list[str]]:
    """To undo is to apply the newest safety checkpoint."""
    if len(words) != 1:
        raise UsageError("Which VM is to be put back to what it was?", f"Type {typed('undo', '<vm>')}.")
    seen = context.fleet.look(context.fleet.find_one(words[0]))
    notes = context.record.checkpoints.notes([one.id for one in seen.checkpoints])
    safety = [one for one in seen.checkpoints if one.id in notes and notes[one.id].safety]
    if not safety:
        every = typed("list", typeable(seen.vm))
        raise UsageError(f"{named(seen.vm.name)} has no safety checkpoint to go back to.", f"What it has: {every}.")
    return "apply", [seen.vm.id, safety[-1].id]


def _refuse_misspelt(group: Commands, words: Sequence[str], context: Context) -> None:
    """Raise for a first word that is an option, or that is no VM: it may be meant to be a command or a VM."""
    first = words[0]
    if first.startswith("-"):
        raise UsageError(
            f"Put a command or the name of a VM first, not {named(first)}.",
            f"For a VM whose name starts with a dash type {typed('create', first)}.",
        )
    try:
        context.fleet.find(first)
    except NotKnown as unknown:
        if not unknown.rest:
            raise _which_was_meant(group, words, unknown, context) from unknown


def _which_was_meant(group: Commands, words: Sequence[str], unknown: NotKnown, context: Context) -> NotKnown:
    """What to say of a first word that is neither a command nor a VM, with the commands that it may be a slip for."""
    first, *rest = words
    known = [one for one in (*group.commands, *group.aliases, "undo") if _may_use(group, one, context)]
    meant = nearest(first.casefold(), known, most=2, at_least=70)
    vms = corrections.of(unknown.slips, ("create", *words)) if _may_use(group, "create", context) else ()
    if not meant:
        told = NotKnown(unknown.sentence, f"{unknown.hint} All commands: {typed('help')}.", hidden=unknown.hidden)
        told.corrected = vms
        return told
    near = [typed(one) for one in meant]
    near += [f"the VM {named(one)}" for slip in unknown.slips for one in slip.near[:1]]
    which = f"Did you mean {', '.join(near[:-1])} or {near[-1]}?" if len(near) > 1 else f"Did you mean {near[0]}?"
    told = NotKnown(
        f"There is no command and no VM called {named(first)}.",
        f"{which} All commands: {typed('help')}.",
        hidden=unknown.hidden,
    )
    told.corrected = corrections.several([*((one, *rest) for one in meant), *vms])
    return told


def _may_use(group: Commands, word: str, context: Context) -> bool:
    command = group.known("apply" if word == "undo" else word)
    return command is not None and rights.may_use(context, command)


def _refuse_turned_round(group: Commands, words: Sequence[str]) -> None:
    """Raise for `web01 list`: it would take a checkpoint called list."""
    if len(words) == 2 and group.known(words[1]):
        vm, word = words
        hint = f"Did you mean {typed(word, vm)}? A checkpoint of that name is taken with {typed('create', vm, word)}."
        turned = UsageError(f"{named(word)} is a command, and commands come first.", hint)
        turned.corrected = ((word, vm), ("create", vm, word))
        raise turned


def _refuse_leftovers(made: click.Context) -> None:
    """Raise for words that the command has no place for, and for an option that took the next one as its value."""
    if made.args:
        raise UsageError(f"{typed(str(made.info_name))} has no place for {say_names(made.args)}.", _instead(made))
    for param in made.command.params:
        value = made.params.get(str(param.name))
        if isinstance(param, click.Option) and isinstance(value, str) and value.startswith("--"):
            wrong = UsageError(f"{param.opts[0]} needs a value, and {value} came instead.", _hint(made.command, made))
            wrong.about = str(param.name)
            raise wrong


def _instead(made: click.Context) -> str:
    """What surplus words may have been meant to be: further words of a name, where the last argument is one."""
    given = [made.params.get(str(p.name)) for p in made.command.params if isinstance(p, click.Argument)]
    words = [word for word in given if isinstance(word, str)]
    if len(words) < NAMED_LAST or len(words) < len(given):
        return f"Type {_usage(made.command, made)}."
    whole = typed(str(made.info_name), *words[:-1], " ".join([words[-1], *made.args]))
    commas = typed(str(made.info_name), ",".join(words), *made.args)
    several = f" If these are several VMs: {commas}." if len(made.args) == 1 else ""
    return f"If this is one name: {whole}.{several}"


def _in_our_words(
    error: click.UsageError, command: click.Command, parent: click.Context, words: Sequence[str]
) -> UsageError:
    """Click's refusal as a sentence of ours, with what to type instead."""
    said = _said(error, command, parent)
    param = getattr(error, "param", None)
    said.about = str(param.name) if isinstance(param, click.Parameter) else ""
    if isinstance(error, click.BadParameter) and not said.slips:
        said.slips = tuple(_misspelt_choice(param, words))
    return said


def _said(error: click.UsageError, command: click.Command, parent: click.Context) -> UsageError:
    hint = _hint(command, error.ctx or parent)
    match error:
        case click.NoSuchOption():
            return _no_such_option(error, command, hint)
        case click.MissingParameter(param=click.Argument() as missing):
            return UsageError(f"{typed(str(command.name))} needs {missing.metavar}.", hint)
        case click.BadParameter():
            return UsageError(f"{error.message[:1].upper()}{error.message[1:]}".rstrip(".") + ".", hint)
        case click.BadOptionUsage():
            return UsageError(f"{error.option_name} {_how_it_was_used(error, command)}.", hint)
        case _:
            return UsageError(error.message, hint)


def _no_such_option(error: click.NoSuchOption, command: click.Command, hint: str) -> UsageError:
    options = [flag for one in command.params if isinstance(one, click.Option) for flag in one.opts]
    meant = nearest(error.option_name.casefold(), [one for one in options if one != manual.HELP], most=2)
    near = f"Did you mean {' or '.join(meant)}? " if meant else ""
    dash = "" if near else " Put -- before a name that starts with a dash."
    told = UsageError(f"{typed(str(command.name))} has no option {error.option_name}.", f"{near}{hint}{dash}")
    told.slips = (Slip(error.option_name, meant),) if meant else ()
    return told


def _misspelt_choice(param: click.Parameter | None, words: Sequence[str]) -> Iterator[Slip]:
    """`--type prodction`: the value of an option that takes only a few."""
    if not isinstance(param, click.Option) or not isinstance(param.type, click.Choice):
        return
    for at, word in enumerate(words):
        flag, equals, value = word.partition("=")
        given = value if equals else "".join(words[at + 1 : at + 2])
        if flag.casefold() in param.opts and (near := nearest(given.casefold(), param.type.choices, most=1)):
            yield Slip(word, (f"{flag}={near[0]}",)) if equals else Slip(given, near, last=True)
            return


def _how_it_was_used(error: click.BadOptionUsage, command: click.Command) -> str:
    option = next(p for p in command.params if error.option_name in p.opts)
    return "takes no value" if isinstance(option, click.Option) and option.is_flag else "needs a value"


def _hint(command: click.Command, ctx: click.Context) -> str:
    return f"Type {_usage(command, ctx)}."


def _usage(command: click.Command, ctx: click.Context) -> str:
    return manual.usage(command, ctx)
