"""Of several bots in a workspace, who speaks, and which command its people type."""

from __future__ import annotations

import itertools
import json

import pytest

from bot.dispatch.requests import Typed
from bot.dispatch.views import Alert, Text
from bot.dispatch.views import Form as Asked
from bot.messages import Origin
from bot.slack.listeners import build_app, serve
from bot.slack.render.blocks import render
from bot.slack.render.form import modal
from bot.slack.render.newer import Form
from bot.slack.render.signed import Voice
from commands.base import Actions, Button, Footnote, Heading, Item, Paragraph, Reply, Table, Tree, name
from commands.kit.words import typed
from tests.support.board import Board
from tests.support.front_door import AtOnce
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, CHANNEL, TEAM
from tests.support.slack import DeskOfATest

LAB = Voice("/cp-lab", "lab")
EVERYWHERE = Reply(
    (
        Heading(typed("help")),
        Paragraph(f"Type {typed('list', 'web01')}."),
        Paragraph(typed("create", "web01"), code=True),
        Tree((typed("list"),)),
        Table(("VM", "Type"), (("web01", typed("show", "web01")),), typed("list")),
        Item("web01", typed("list"), (Button(typed("list"), "rest", "1"),)),
        Actions((Button(typed("list", "web01"), "rest", "2"),)),
        Footnote(typed("whoami")),
    )
)


@pytest.mark.parametrize("form", list(Form))
def test_every_message_has_the_bots_name_and_its_command(form: Form) -> None:
    ids = itertools.count()
    rendered = render(LAB.over(EVERYWHERE), lambda: str(next(ids)), form)
    assert rendered.text.startswith("lab\n")
    assert "/checkpoint" not in f"{rendered.text}{rendered.blocks}"
    assert str(rendered.blocks).count("/cp-lab") >= 8
    assert "'lab'" in str(rendered.blocks[0])


def test_a_form_has_the_bots_name_and_its_command_in_what_it_says() -> None:
    parts = (
        Paragraph(f"All: {typed('list', '--stale')}"),
        Alert(f"Delete some first: {typed('list')}."),
        Text(id="name", label="Name", hint=f"Or {typed('help')}."),
    )
    view = modal(LAB.over_form(Asked("create", "Take", "Take", parts)))
    assert "/checkpoint" not in str(view)
    assert str(view).count("/cp-lab") == 3
    assert "'lab'" in str(view["blocks"])
    plain = Asked("create", "Take", "Take", parts)
    assert Voice().over_form(plain) is plain


def test_a_mistake_in_a_form_says_the_command_of_its_people() -> None:
    desk = DeskOfATest()
    desk.wrong = {"vm": f"{name('web01')} has one. Type {typed('list', 'web01')}."}
    app = build_app(desk, Board(), AtOnce(), api_url="http://127.0.0.1:9/api/", voice=LAB)
    view = {**modal(Asked("create", "T", "T", (Text(id="vm", label="VM"),))), "id": "V0", "state": {"values": {}}}
    by = {"user": {"id": ADA, "team_id": TEAM}, "trigger_id": "1"}
    served = serve(app, {**by, "type": "view_submission", "view": view}, "envelope")
    assert json.loads(served.ack.body)["errors"] == {"vm": "web01 has one. Type /cp-lab list web01."}


def test_what_people_named_stays_as_it_is() -> None:
    told = LAB.over(
        Reply((Paragraph(f"{name('/checkpoint list')} of web01: {typed('list')}"), Footnote("/checkpoint")))
    )
    assert told.text == "lab\n/checkpoint list of web01: /cp-lab list\n/checkpoint"


def test_one_bot_alone_says_what_it_is_given() -> None:
    assert Voice().over(EVERYWHERE) is EVERYWHERE


def test_each_of_two_bots_answers_its_own_command_and_no_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    hq = Headquarters(tmp_path_factory.mktemp("headquarters"))
    slack = hq.settings.slack.model_copy(update={"command": "/cp-lab"})
    hq.settings = hq.settings.model_copy(update={"slack": slack})
    with hq:

        def ask(command: str) -> str:
            request = Typed(f"delivery {command}", TEAM, Origin(CHANNEL, ADA), "/cp-lab whoami", "", command)
            assert hq.core.desk.arrived(request)
            hq.core.desk.typed(request)
            return hq.told()

        assert "ada (U0ADA)" in ask("/cp-lab")
        assert "I answer to /cp-lab, and this was /checkpoint." in ask("/checkpoint")
