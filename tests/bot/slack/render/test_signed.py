"""Of several bots in a workspace, who speaks, and which command its people type."""

from __future__ import annotations

import itertools

import pytest

from bot.dispatch.requests import Typed
from bot.messages import Origin
from bot.slack.render.blocks import render
from bot.slack.render.newer import Form
from bot.slack.render.signed import Voice
from commands.base import Actions, Button, Footnote, Heading, Item, Paragraph, Reply, Table, Tree, name
from commands.kit.words import typed
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, CHANNEL, TEAM

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
