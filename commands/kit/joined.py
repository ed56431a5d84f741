"""Words that belong together although they were typed apart: the VMs of a list, a name with blanks, a date."""

from __future__ import annotations

from collections.abc import Sequence

import click

from commands.base import Context, NotKnown, UsageError
from commands.kit import dates
from commands.kit.options import moment, period, span

DATES = (period, moment, span)
"""The callbacks of what may be a date, or a span with a blank in it."""


def vms(command: click.Command, words: list[str], context: Context) -> list[str]:
    """`list web01 web02` asks for both: where a question is about VMs and nothing else, further words name further
    ones, or belong to a name with blanks."""
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    if [(one.name, one.required) for one in arguments] != [("vm", False)]:
        return words
    at = vms_at(command, words)
    end = next((n for n in range(at, len(words)) if words[n].startswith("-")), len(words))
    if end - at < 2:
        return words
    whole = " ".join(words[at:end])
    return [*words[:at], whole if names_vms(whole, context) else ",".join(words[at:end]), *words[end:]]


def lists(command: click.Command, words: Sequence[str]) -> list[str]:
    """The words with a list of VMs as one of them: blanks around its commas do not matter."""
    joined = list(words)
    at = vms_at(command, joined)
    while at + 1 < len(joined) and (joined[at].endswith(",") or joined[at + 1].startswith(",")):
        joined[at : at + 2] = [joined[at] + joined[at + 1]]
    return joined


def periods(command: click.Command, words: Sequence[str]) -> list[str]:
    """The words with each date as one of them: `--keep until friday 18:00`, and `keep web01 before 2 weeks`."""
    joined = list(words)
    for param in command.params:
        if param.callback in DATES:
            joined = _of_option(param, joined) if isinstance(param, click.Option) else _at_the_end(command, joined)
    return joined


def vms_at(command: click.Command, words: Sequence[str]) -> int:
    """Where the VMs of a command stand, which are its first argument; the end where there is none."""
    return next(iter(_arguments_at(command, words)), len(words))


def names_vms(text: str, context: Context) -> bool:
    try:
        context.fleet.find(text)
    except NotKnown:
        return False
    except UsageError:
        return True  # more than one
    return True


def _of_option(option: click.Option, words: list[str]) -> list[str]:
    end = words.index("--") if "--" in words else len(words)
    for at, word in enumerate(words[:end]):
        flag, equals, value = word.partition("=")
        if flag.casefold() not in option.opts:
            continue
        begin = at + (0 if equals else 1)
        said = [*([value] if equals else []), *words[at + 1 : end]]
        count = dates.count_words(said)
        if count > 1:
            whole = " ".join(said[:count])
            return [*words[:begin], f"{flag}={whole}" if equals else whole, *words[begin + count :]]
    return words


def _at_the_end(command: click.Command, words: list[str]) -> list[str]:
    """The last argument takes what is left, where all of that is one date."""
    count = sum(isinstance(one, click.Argument) for one in command.params)
    places = _arguments_at(command, words)[count - 1 :]
    said = [words[at] for at in places]
    together = len(said) > 1 and places == list(range(places[0], places[0] + len(said)))
    if not together or dates.count_words(said) != len(said):
        return words
    return [*words[: places[0]], " ".join(said), *words[places[-1] + 1 :]]


def _arguments_at(command: click.Command, words: Sequence[str]) -> list[int]:
    """Where the words stand that are neither options nor values of options."""
    takes_value = {
        flag
        for one in command.params
        if isinstance(one, click.Option) and not one.is_flag
        for flag in (*one.opts, *one.secondary_opts)
    }
    found: list[int] = []
    at = 0
    while at < len(words):
        if words[at] == "--":
            return [*found, *range(at + 1, len(words))]
        if words[at].startswith("-"):
            at += 2 if words[at].casefold() in takes_value else 1
        else:
            found.append(at)
            at += 1
    return found
