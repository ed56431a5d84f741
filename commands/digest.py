"""`/checkpoint digest`: the daily message of this channel, made now."""

from __future__ import annotations

from dataclasses import replace

import click

from commands.base import Context, Reply
from commands.kit.options import share_option


@click.command(epilog="digest\ndigest --share")
@share_option
@click.pass_obj
def command(context: Context, share: bool) -> Reply:
    """The digest of this channel, made now: stale checkpoints, and what else needs a look."""
    return replace(context.digest(), shared=share)
