"""Threads: which messages answer which, and what Slack says of that on each of them."""

from __future__ import annotations

from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json

MOST_SHOWN = 5
"""Names in `reply_users`."""


class Threads:
    """The replies to every message, by channel and ts of the parent. Those that one person alone sees do not count."""

    def __init__(self) -> None:
        self._replies: dict[tuple[str, str], dict[str, Message]] = {}

    def put(self, message: Message) -> None:
        """A message was posted or changed."""
        if message.thread_ts not in (None, message.ts) and message.ephemeral_to is None:
            self._replies.setdefault((message.channel, message.thread_ts or ""), {})[message.ts] = message

    def drop(self, message: Message) -> None:
        """A message is gone."""
        replies = self._replies.get((message.channel, message.thread_ts or ""), {})
        replies.pop(message.ts, None)

    def replies(self, channel: str, ts: str) -> list[Message]:
        """The replies to a message, oldest first."""
        return list(self._replies.get((channel, ts), {}).values())

    def marks(self, message: Message, parent: Message | None) -> Json:
        """What a message shows of its thread: a parent how many answered, a reply whom it answers."""
        if message.thread_ts not in (None, message.ts):
            answered = {"parent_user_id": parent.user} if parent else {}
            return {
                "thread_ts": message.thread_ts,
                **answered,
                **({"subtype": "thread_broadcast"} if message.broadcast else {}),
            }
        replies = self.replies(message.channel, message.ts)
        if not replies:
            return {}
        people = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(people),
            "latest_reply": replies[-1].ts,
            "reply_users": people[:MOST_SHOWN],
            "is_locked": False,
            "subscribed": any(one.from_app for one in (message, *replies)),
        }
