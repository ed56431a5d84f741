"""Forms, for people who do not type: each becomes the words of a typed command, or an answer to a waiting card.

To add one: a `Kind` in a module of its own, listed in `KINDS`. `Forms.open` puts it in front of somebody.
"""

from bot.dispatch.forms.base import Answers, Kind, Mistake
from bot.dispatch.forms.create import CREATE
from bot.dispatch.forms.desk import Forms

KINDS: tuple[Kind, ...] = (CREATE,)

__all__ = ["KINDS", "Answers", "Forms", "Kind", "Mistake"]
