"""What settings leave out without which the bot is of little use: said when it starts, and no reason to refuse."""

from __future__ import annotations

from collections.abc import Iterator

from bot.settings.model import Settings


def gaps(settings: Settings) -> Iterator[str]:
    """A sentence for each."""
    if not settings.hosts and not settings.clusters:
        yield "The settings name no host under hosts:, and no cluster, so there is no VM to take a checkpoint of."
    if not settings.access.grants:
        yield "The settings have no grant under access.grants:, and what no grant allows is refused: everything is."
    if not settings.digest.channels:
        yield "The settings name no channel under digest.channels:, so nobody is reminded of old checkpoints."
