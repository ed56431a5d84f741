"""Forms, for people who do not type: each becomes the words of a typed command, or an answer to a waiting card.

To add one: a `Kind` in a module of its own, listed in `KINDS`. `Forms.open` puts it in front of somebody.
"""

from bot.dispatch.forms.base import Answers, Each, Kind, Mistake
from bot.dispatch.forms.create import CREATE
from bot.dispatch.forms.desk import Forms, NotOpened
from bot.dispatch.forms.mine import MINE

KINDS: tuple[Kind, ...] = (CREATE, MINE)

__all__ = ["KINDS", "MINE", "Answers", "Each", "Forms", "Kind", "Mistake", "NotOpened"]
