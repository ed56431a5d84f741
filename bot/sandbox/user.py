"""People, bots and user groups, as Slack describes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.sandbox.made import CREATED
from bot.sandbox.shapes import Json

AVATARS = "https://avatars.invalid"
"""Where pictures of people would be. The page draws initials instead and loads nothing."""


@dataclass(slots=True)
class User:
    """A person or a bot. The flags may be changed while the sandbox runs."""

    id: str
    name: str
    real_name: str
    team_id: str
    title: str = ""
    deleted: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    tz: str = "Europe/Paris"
    locale: str = "en-US"

    def as_slack(self, now: float = CREATED, *, locale: bool = False) -> Json:
        """As users.info shows it to an app without `users:read.email`: a deactivated user has no roles."""
        shown: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "color": self._hash[:6],
            "profile": self._profile(),
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": CREATED,
        }
        if self.is_stranger:
            shown["is_stranger"] = True
        if locale:
            shown["locale"] = self.locale
        if not self.deleted:
            shown |= {
                "tz": self.tz,
                **_zone(self.tz, now),
                "is_admin": self.is_admin,
                "is_owner": self.is_owner,
                "is_primary_owner": self.is_owner,
                "is_restricted": self.is_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
                "is_email_confirmed": not self.is_bot,
                "who_can_share_contact_card": "EVERYONE",
            }
        return shown

    def _profile(self) -> Json:
        pictures = {f"image_{size}": f"{AVATARS}/{self._hash}_{size}.png" for size in (24, 32, 48, 72, 192, 512)}
        first, _, last = self.real_name.partition(" ")
        return {
            "title": self.title,
            "phone": "",
            "skype": "",
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "fields": None,
            "status_text": "",
            "status_emoji": "",
            "status_emoji_display_info": [],
            "status_expiration": 0,
            "status_text_canonical": "",
            "avatar_hash": f"g{self._hash}",
            "first_name": first,
            "last_name": last,
            **pictures,
            "team": self.team_id,
        }

    @property
    def _hash(self) -> str:
        return hashlib.sha256(self.id.encode()).hexdigest()[:11]


def _zone(name: str, now: float) -> Json:
    """The name of a zone and its offset in seconds, as they are now."""
    here = datetime.fromtimestamp(now, ZoneInfo(name))
    offset = here.utcoffset() or timedelta()
    return {"tz_label": here.tzname() or name, "tz_offset": int(offset.total_seconds())}


@dataclass(slots=True)
class UserGroup:
    id: str
    handle: str
    name: str
    users: list[str]
    disabled: bool = False

    def as_slack(self, team: str, *, users: bool, count: bool) -> Json:
        shown: Json = {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": CREATED,
            "date_update": CREATED,
            "date_delete": CREATED if self.disabled else 0,
            "auto_type": None,
            "auto_provision": False,
            "enterprise_subteam_id": "",
            "created_by": "",
            "updated_by": "",
            "deleted_by": None,
            "prefs": {"channels": [], "groups": []},
            "user_count": len(self.users),
        }
        if users:
            shown["users"] = list(self.users)
        if not count:
            del shown["user_count"]
        return shown
