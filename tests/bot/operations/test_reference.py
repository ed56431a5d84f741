"""The README's tables say what the code does."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

import commands
from bot.operations import reference
from bot.operations.reference import MarkerMissing, commands_text, main, settings_text, written_into
from bot.settings import Settings
from bot.settings.section import Section

EMPTY = "# Top\n<!-- commands -->\n<!-- /commands -->\nbetween\n<!-- settings -->\n<!-- /settings -->\nend\n"


def test_the_readme_is_up_to_date() -> None:
    readme = reference.README.read_text("utf-8")
    assert written_into(readme) == readme, "run: python -m bot.operations.reference"


def test_every_command_and_every_option_is_documented() -> None:
    text = commands_text(commands.load())
    for name, command in commands.load().commands.items():
        assert f"#### /checkpoint {name}\n" in text
        assert command.help, f"{name} has no help"
        options = [param for param in command.params if isinstance(param, click.Option) and param.opts != ["--help"]]
        assert all(option.help and option.opts[0] in text for option in options)


def test_every_command_has_an_example_of_itself() -> None:
    for name, command in commands.load().commands.items():
        assert command.epilog, f"{name} has no example"


def test_every_setting_is_documented_with_its_meaning() -> None:
    rows = settings_text(Settings).splitlines()[2:]
    documented = {row.split("`")[1]: row for row in rows}
    assert len(documented) == len(rows)
    assert not [row for row in rows if row.endswith("|  |")]
    assert {"slack.bot_token", "hosts.0.name", "access.grants.0.to", "digest.at"} <= documented.keys()
    assert "hosts.0.port" not in documented
    assert "| `10m` |" in documented["confirmation.expires_after"]


def test_every_section_says_what_it_is() -> None:
    assert all(section.__doc__ for section in Section.__subclasses__())


def test_what_stands_around_the_tables_is_left_alone_and_writing_twice_changes_nothing() -> None:
    written = written_into(EMPTY)
    assert written.startswith("# Top\n<!-- commands -->\n| Type |")
    assert "<!-- /commands -->\nbetween\n<!-- settings -->\n| Setting |" in written
    assert written.endswith("<!-- /settings -->\nend\n")
    assert written_into(written) == written


@pytest.mark.parametrize("name", ["commands", "settings"])
@pytest.mark.parametrize("marker", ["<!-- {} -->", "<!-- /{} -->"])
def test_a_missing_marker_is_named(name: str, marker: str) -> None:
    with pytest.raises(MarkerMissing, match=f"<!-- {name} -->"):
        written_into(EMPTY.replace(marker.format(name), ""))


def test_checking_changes_nothing_and_tells_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(EMPTY, "utf-8")
    monkeypatch.setattr(reference, "README", readme)
    assert main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().out
    assert readme.read_text("utf-8") == EMPTY
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert main(["--chekc"]) == 2
