"""Texts as people, phones and strangers type them behind a slash command, by the thousand."""

from __future__ import annotations

import random
from collections.abc import Iterator

import click

import commands

_NAMES = "web01 web02 DB–01 web1 web* @shop web01,web02 before-upgrade golden latest نسخة 😀"
_DATES = "7d 36h until friday next 18:00 tomorrow 31.12. 2026-12-31 forever 6pm 12/31 99999w"
_WORDS = "list add pause run me on off production standart 2 0 -1 5 C:\\Exports help"
_MARKS = "“ ” ‘ ’ \" ' — – -- - , = \u200b \u202e &amp;"
_SLACK = "<@U024BE7LH|ada> <!channel> <http://web01|web01> <mailto:a@b.c|a@b.c> <#C1> &lt;!here&gt;"
NAMES = (*_NAMES.split(), "“db 01”")
DATES, WORDS, SLACK = tuple(_DATES.split()), tuple(_WORDS.split()), tuple(_SLACK.split())
MARKS = (*_MARKS.split(" "), "\u00a0", "\r\n", "\t")
MISSPELT = ("--kep", "--", "-x", "--type=x", "--keep=until", "/checkpoint")


def texts(count: int, seed: int) -> Iterator[str]:
    """The same ones for the same seed."""
    chance = random.Random(seed)
    group = commands.load()
    verbs = (*group.commands, *group.aliases, "undo", "lst", "Delte", "")
    options = sorted({flag for one in group.commands.values() for flag in _options(one)})
    kinds = (NAMES, DATES, WORDS, (*options, *MISSPELT), tuple(one.replace("--", "—") for one in options), MARKS, SLACK)
    for _ in range(count):
        text = _likely(chance, group) if chance.random() < 0.3 else _any(chance, verbs, kinds)
        yield _cut(chance, text) if chance.random() < 0.1 else text


def _options(command: click.Command) -> list[str]:
    return [flag for one in command.params if isinstance(one, click.Option) for flag in one.opts]


def _likely(chance: random.Random, group: commands.Commands) -> str:
    """As a command is meant to be typed, nearly."""
    command = chance.choice([*group.commands.values()])
    words = [str(command.name), chance.choice(NAMES[:7]), chance.choice((*NAMES[7:10], "new", ""))]
    if command.name == "keep" or chance.random() < 0.2:
        words += chance.choice((["7d"], ["forever"], ["until", "friday", "18:00"], ["31.12."]))
    if (options := _options(command)) and chance.random() < 0.4:
        words += [chance.choice(options), chance.choice((*DATES, *WORDS))]
    return " ".join(words)


def _any(chance: random.Random, verbs: tuple[str, ...], kinds: tuple[tuple[str, ...], ...]) -> str:
    pieces = [chance.choice(verbs), *(_piece(chance, kinds) for _ in range(chance.randrange(9)))]
    return "".join(f"{piece}{chance.choice((' ', ' ', ' ', '  ', ''))}" for piece in pieces)


def _piece(chance: random.Random, kinds: tuple[tuple[str, ...], ...]) -> str:
    piece = chance.choice(chance.choices(kinds, (6, 3, 3, 3, 1, 2, 1))[0])
    match chance.randrange(12):
        case 0:
            return f"“{piece} {chance.choice(NAMES)}”"
        case 1:
            return "".join(chance.choices(piece, k=len(piece) + 1))
        case 2:
            return "".join(chr(chance.choice((chance.randrange(32, 127), chance.randrange(0x20000)))) for _ in range(4))
        case _:
            return piece


def _cut(chance: random.Random, text: str) -> str:
    """A part of it, or so much of it that it is too long."""
    return text * 200 if chance.random() < 0.05 else text[chance.randrange(len(text) + 1) :]
