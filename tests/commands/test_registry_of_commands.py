"""The folder of commands is the registry: what lies in it is on the command line."""

from __future__ import annotations

import argparse
import sys

import pytest

import minitorch_viz.commands as package
from minitorch_viz.cli import main
from minitorch_viz.commands import commands
from minitorch_viz.commands.base import Command
from minitorch_viz.techniques import techniques

NEW_FILE = '''
"""`minitorch-viz greet`."""
from minitorch_viz.commands.base import Command

def add_arguments(parser):
    parser.add_argument("name", help="whom to greet")

def run(arguments):
    print(f"Hello {arguments.name}")
    return 3

COMMAND = Command("greet", "say hello", run, "Say hello to NAME.", add_arguments, order=0)
'''


def test_a_new_command_is_one_new_file(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "greet.py").write_text(NEW_FILE)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "minitorch_viz.commands.greet", raising=False)
    try:
        assert commands()[0].name == "greet"
        assert main(["greet", "Ada"]) == 3
        assert capsys.readouterr().out == "Hello Ada\n"
        with pytest.raises(SystemExit):
            main(["greet", "--help"])
        assert "Say hello to NAME." in capsys.readouterr().out
    finally:
        sys.modules.pop("minitorch_viz.commands.greet", None)


def test_each_file_of_the_folder_is_a_command_and_each_technique_too() -> None:
    names = [command.name for command in commands()]
    assert len(set(names)) == len(names)
    assert set(techniques()) < set(names)
    modules = {command.run.__module__ for command in commands()} - {"minitorch_viz.commands.technique"}
    assert len(modules) == len(names) - len(techniques())


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_a_misspelt_option_gets_its_name_in_every_command(command: Command, capsys) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    flags = [flag for flag in parser._option_string_actions if flag.startswith("--") and flag != "--help"]
    needed = [next(iter(action.choices or ["any"])) for action in parser._get_positional_actions() if action.required]
    for flag in flags:
        misspelt = flag[:3] + flag[4:]  # --oder
        if not any(other.startswith(misspelt) for other in flags):  # else it is short for that one
            with pytest.raises(SystemExit) as end:
                main([command.name, *needed, f"{misspelt}=1"])
            assert end.value.code == 2
            error = capsys.readouterr().err
            assert f"{command.name}: error: there is no option {misspelt}; did you mean " in error
            assert flag in error.rpartition("mean ")[2]


def test_a_word_too_many_and_an_option_like_no_other(capsys) -> None:
    for arguments, said in (
        (["list", "b.jpg"], "unrecognized arguments: b.jpg"),
        (["filters", "b.jpg"], "there is no place for 'b.jpg': what it looks at is given by --pictures"),
        (["occlusion", "--xyzzy"], "there is no option --xyzzy; `minitorch-viz occlusion --help` lists them"),
        (["list", "-q"], "there is no option -q; `minitorch-viz list --help` lists them"),
        (["--vrsion"], "there is no option --vrsion; did you mean --version?"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert said in capsys.readouterr().err
