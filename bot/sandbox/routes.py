"""The sandbox's own routes, beside Slack's: to act as a person, to look, to break things, and the page.

Act (POST, JSON in and out; each answers when the app has acknowledged, with `ack_ms` and `ack`, or with the `error`
that the person sees; `times`, `team` and `forged` as in `outcomes.How`):
  /sandbox/command  {user, channel, text}
  /sandbox/press    {user, channel, ts, action_id, block_id?, value?, values?} in a message, {user, view_id, action_id,
                    value?, values?} in a view; `values` is what is filled in so far
  /sandbox/submit   {user, view_id, values: {block_id: {action_id: value}}}
  /sandbox/close    {user, view_id}
  /sandbox/message  {user, channel, text, thread_ts?}
  /sandbox/shortcut {user, callback_id}, and {channel, ts} for one on a message
  /sandbox/suggest  {user, action_id, value} and {view_id, values?} or {channel, ts}: type into a menu that asks for its
                    options
  /sandbox/react    {user, channel, ts, name}: put an emoji on a message, or take it off again
  /sandbox/home     {user, tab?}: look at the Home tab, or at the messages beside it
  /sandbox/envelope {type, payload}: deliver any envelope at all
  /sandbox/user     {user, deleted?, is_restricted?, …}: change a person
  /sandbox/group    {group, users}: change a user group
Look (GET):
  /sandbox/state?user=          people, channels, the app, connections
  /sandbox/messages?channel=&user=   as that person sees them, and the commands that they typed there
  /sandbox/ephemeral?user=      what only they see
  /sandbox/views?user=          open modals, and the Home tab
  /sandbox/log?after=           what went over the wire, after a moment of it
  /sandbox/events?user=         changes as they happen (server-sent events)
Break (POST):
  /sandbox/faults   {clear?, rate_limits?, refuse_connections?, calls?: [`faults.Fault`],
                    socket?: drop | warning | refresh_requested | link_disabled}
"""

from __future__ import annotations

from mimetypes import MimeTypes
from pathlib import Path

from aiohttp import web

from bot.sandbox.acting import Acting
from bot.sandbox.control import Control
from bot.sandbox.looking import Looking

PAGE = Path(__file__).parent / "page"
FILES = frozenset(file.name for file in PAGE.iterdir())

TYPES = MimeTypes()
"""Not the module's own, which asks the registry of Windows what a script is."""


def add_routes(app: web.Application, control: Control) -> None:
    """Add `/sandbox/…` and the page, which permalinks lead to as well."""
    Acting(control).add_to(app)
    Looking(control).add_to(app)
    for path in ("/", "/archives/{channel}/{message}", "/page/{file}"):
        app.router.add_get(path, _page)


async def _page(request: web.Request) -> web.Response:
    """A file of the page. It is written like any answer, since what sends files raises where the page was closed."""
    file = request.match_info.get("file", "index.html")
    if file not in FILES:
        raise web.HTTPNotFound
    content_type, _ = TYPES.guess_type(file)
    return web.Response(body=(PAGE / file).read_bytes(), content_type=content_type, charset="utf-8")
