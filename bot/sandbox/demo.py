"""The workspace that the demo and the tests play in: one person of every kind that matters to a bot with power."""

from __future__ import annotations

from bot.sandbox.workspace import Channel, SlackApp, Team, User, UserGroup, Workspace

HOME = Team("T0CONTOSO", "Contoso", "contoso")
PARTNER = Team("T0FABRIKM", "Fabrikam", "fabrikam")


def demo_workspace(app: SlackApp | None = None) -> Workspace:
    """Contoso, with channels #general, #ops, #web-team, #partners (shared with Fabrikam) and the private #incidents."""
    app = app or SlackApp()
    bot = app.bot_user_id
    users = [
        User("U0ADA0001", "ada", "Ada Moreau", HOME.id, "Owns every VM", is_admin=True, is_owner=True),
        User("U0DEV0001", "dev", "Devika Rao", HOME.id, "Developer, web team"),
        User("U0ONCALL1", "oncall", "Oskar Lind", HOME.id, "On call"),
        User("U0VIEWER1", "viewer", "Vera Novak", HOME.id, "May look"),
        User("U0GUEST01", "guest", "Gus Freund", HOME.id, "Guest", is_restricted=True, is_ultra_restricted=True),
        User("U0FORMER1", "former", "Fay Former", HOME.id, "Has left", deleted=True),
        User("U0STRANGE", "stranger", "Stella Quill", PARTNER.id, "From Fabrikam", is_stranger=True),
    ]
    everybody = ["U0ADA0001", "U0DEV0001", "U0ONCALL1", "U0VIEWER1"]
    channels = [
        Channel("C0GENERAL", "general", [*everybody, bot], "Everybody"),
        Channel("C0OPS0001", "ops", [*everybody, "U0GUEST01", bot], "Hosts, VMs and their checkpoints"),
        Channel("C0WEBTEAM", "web-team", [*everybody, bot], "The web servers"),
        Channel("C0PARTNER", "partners", [*everybody, "U0STRANGE", bot], "With Fabrikam", shared_with=(PARTNER.id,)),
        Channel("C0INCIDEN", "incidents", ["U0ADA0001", "U0ONCALL1", bot], "Private", is_private=True),
        Channel("C0LOUNGE1", "lounge", everybody, "The bot is not here"),
    ]
    groups = [
        UserGroup("S0VMADMIN", "vm-admins", "VM administrators", ["U0ADA0001", "U0ONCALL1"]),
        UserGroup("S0WEBTEAM", "web-team", "Web team", ["U0DEV0001"]),
    ]
    return Workspace.of(HOME, users=users, channels=channels, groups=groups, other_teams=[PARTNER], app=app)
