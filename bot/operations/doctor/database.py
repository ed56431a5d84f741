"""Looks at a PostgreSQL that keeps the jobs: whether it answers, lets the bot keep its tables there, and has room."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from sqlalchemy import URL, make_url

from backends.sites.database import CONNECTING, first_line
from bot.operations.doctor.findings import Check, broken, warning, works
from bot.settings import Settings

ABOUT = "database_url"

BOT, SITES, WORKER = 21, 11, 21
"""Connections that may be open at once. Of the bot: 20 of DBOS, and its lock. For sites: 10 that call, and one that
listens. Of a worker: 20 of DBOS, and one that listens."""

REACH = (
    "Look whether it runs, and whether the URL, the user and the password are right. Where its certificate is of an "
    "authority of your own, name that in the URL with sslrootcert=FILE; sslmode stays verify-full."
)

ASKED = """
SELECT quote_ident(current_user), quote_ident(current_database()),
  coalesce(
    has_schema_privilege(to_regnamespace('dbos')::oid, 'USAGE') AND (
      has_schema_privilege(to_regnamespace('dbos')::oid, 'CREATE')
      OR EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('dbos') AND relname = 'workflow_status')),
    has_database_privilege(current_database(), 'CREATE')),
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int
"""
"""Who the bot is there and where, whether the schema of DBOS is there for it or can be made, and how many connections
there are for whoever is no superuser."""


def look(settings: Settings, given: str) -> Iterator[Check]:
    """At the database of that URL. It asks, and writes nothing."""
    url = make_url(given).set(drivername="postgresql")
    try:
        plain = url.render_as_string(hide_password=False)
        with psycopg.connect(plain, **CONNECTING) as db:  # type: ignore[arg-type]
            db.read_only = True
            role, name, may, most = db.execute(ASKED).fetchone() or ("", "", False, 0)
    except psycopg.Error as error:
        yield broken(ABOUT, f"The database of the jobs cannot be reached: {_said(error, url)}.", REACH)
        return
    found = [*_rights(role, name, may), *_room(most, len(settings.sites))]
    yield from found or [works(ABOUT, f"The database of the jobs answers, and has {most} connections.")]


def _rights(role: str, name: str, may: bool) -> Iterator[Check]:
    if not may:
        mend = f"Type GRANT CREATE ON DATABASE {name} TO {role}, or where it is there, make it that role's own."
        yield broken(ABOUT, f"{role} may not make the schema dbos with the tables of the jobs.", mend)


def _room(most: int, sites: int) -> Iterator[Check]:
    needed = BOT + (SITES + WORKER * sites if sites else 0)
    if most < needed:
        who = f"the bot with a worker at each of {sites} sites" if sites else "the bot"
        mend = f"Raise max_connections of the server by {needed - most}, and by {WORKER} for each further worker."
        yield warning(ABOUT, f"It has {most} connections, and {who} may hold {needed}.", mend)


def _said(error: psycopg.Error, url: URL) -> str:
    """What is wrong, in the words of who found it, and without the password whatever they are."""
    said = first_line(error).rstrip(".")
    return said.replace(str(url.password), "…") if url.password else said
