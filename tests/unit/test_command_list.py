"""The list of commands tells what each command tells of itself, without importing it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from deployments.cli.main import COMMANDS, commands
from deployments.cli.on_demand import loaded

LOOK = (
    "import sys; from typer.testing import CliRunner; from deployments.cli.main import commands;"
    "shown = CliRunner().invoke(commands, ['--help']); assert shown.exit_code == 0, shown.output;"
    "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
)


def group() -> Any:
    return typer.main.get_command(commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    entry = COMMANDS[name]
    command = loaded(name, entry)
    assert command.name == name
    assert " ".join((command.help or "").partition("\n\n")[0].split()) == entry.summary
    assert not entry.place.endswith(":commands") or isinstance(command, TyperGroup)


def test_the_list_is_there_without_prefect() -> None:
    """Prefect takes two seconds to import, which nobody should wait for to see a list."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK], check=True, capture_output=True, text=True, timeout=60
    )
    assert "typer" in done.stdout.split()
    assert not {"prefect", "boto3", "pydantic"} & set(done.stdout.split())


def test_the_list_names_every_command() -> None:
    shown = CliRunner().invoke(commands, ["--help"], env={"COLUMNS": "120"}).output
    for name, entry in COMMANDS.items():
        assert f" {name} " in shown
        assert entry.summary[:40] in shown


def test_a_mistyped_command_is_told_what_was_meant() -> None:
    said = CliRunner().invoke(commands, ["bakup"])
    assert said.exit_code == 2
    assert "'backup'" in said.output


def test_a_command_of_a_group_runs() -> None:
    assert group().get_command(None, "estate").commands.keys() >= {"validate", "apply"}
    assert CliRunner().invoke(commands, ["estate", "schema"]).exit_code == 0


def test_an_estate_file_is_read_without_amazons_libraries() -> None:
    look = "import sys, deployments.estate_file; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", look], check=True, capture_output=True, text=True, timeout=60
    )
    assert "blocks.repositories.s3" in done.stdout.split()
    assert not {"prefect_aws", "aiobotocore", "boto3"} & set(done.stdout.split())
