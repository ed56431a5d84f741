"""A question is one file, and a verb one beside its command: both are found, helped, documented and carried out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QUESTION = '''
"""`/checkpoint ping`: says that it is there."""

import click

from commands.base import Context, Reply, say


@click.command(epilog="ping")
@click.pass_obj
def command(context: Context) -> Reply:
    """Say that the bot is there."""
    return say(f"I am here, {context.person.name}.")
'''

COMMAND = '''
"""`/checkpoint shout web01 quiet`: writes the name of a checkpoint in capitals."""

from dataclasses import dataclass
from typing import ClassVar

import click

from commands.base import Action, Context, Plan, Target
from commands.kit.finding import one_checkpoint
from commands.kit.options import checkpoint_argument, vm_argument


@dataclass(frozen=True, slots=True)
class Shout(Action):
    verb: ClassVar[str] = "shout"

    name: str


@click.command(epilog="shout web01 quiet")
@vm_argument
@checkpoint_argument
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str) -> Plan:
    """Write the name of a checkpoint in capitals."""
    seen, found = one_checkpoint(context, vm, checkpoint)
    return Plan(Shout(found.name.upper()), (Target.of(seen, found),), f"shout {found.name} of {seen.vm.name}")
'''

VERB = '''
"""Writes the name of a checkpoint in capitals."""

from bot.changes.verbs.base import Verb
from bot.changes.verbs.rename import attempt
from commands.shout import Shout


def perform(execution, seen, action):
    execution.carry_out(attempt(execution.checkpoint_id(), action.name), seen)
    return execution.done("shouted", f"{action.name}!")


verb = Verb(Shout, "shout at", perform)
'''

TRIAL = """
import sys
from pathlib import Path

import bot.changes.verbs
import commands

folder = Path(sys.argv[1])
commands.__path__.append(str(folder / "commands"))
bot.changes.verbs.__path__.append(str(folder / "verbs"))

from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import ChangeState
from bot.operations.reference import commands_text
from bot.settings import AccessSettings, GrantSettings
from tests.support.headquarters import Headquarters
from tests.support.people import ADA

assert "Say that the bot is there." in commands_text(commands.load())
assert "/checkpoint shout <vm> <checkpoint>" in commands_text(commands.load())

headquarters = Headquarters(folder)
roles = {"viewer": ("view",), "loud": ("view", "shout")}
grant = GrantSettings(to=(ADA,), role="loud", vms=("web*",))
access = AccessSettings(roles=roles, grants=(grant,))
headquarters.settings = headquarters.settings.model_copy(update={"access": access})
with headquarters as hq:
    seen = hq.add_vm("web01", Past("quiet", DAY))
    hq.type("ping")
    hq.board.pulse.wait_for(lambda: hq.board.whispers and hq.told() == "I am here, ada.")
    hq.type("help shout")
    hq.board.pulse.wait_for(lambda: "in capitals" in hq.told())
    hq.add_vm("db01", Past("quiet", DAY))
    hq.type("shout web01 quiet")
    hq.wait_for(ChangeState.SUCCEEDED)
    assert hq.checkpoints("web01") == ["QUIET"]
    assert any("QUIET!" in text for text in hq.board.texts)
"""


def test_a_question_and_a_verb_in_files_of_their_own_are_all_that_it_takes(tmp_path: Path) -> None:
    files = {"commands/ping.py": QUESTION, "commands/shout.py": COMMAND, "verbs/shout.py": VERB, "trial.py": TRIAL}
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.lstrip(), encoding="utf-8")
    command = [sys.executable, str(tmp_path / "trial.py"), str(tmp_path)]
    root = Path(__file__).parents[1]

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, env={"PYTHONPATH": str(root)})

    assert done.returncode == 0, done.stderr
