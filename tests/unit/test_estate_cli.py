"""`continuity estate validate` and `schema` as a person or a script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli.main import commands
from deployments.estate_file import json_schema
from tests.unit.estate_texts import GOOD, line_of, write


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC", "hush-hush")


def test_a_good_file_ends_with_a_summary(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands, ["estate", "validate", str(write(tmp_path))])
    assert result.exit_code == 0
    for word in ("OmniWeb: 2 sites", "web1", "10.0.0.10", "principal", "0 / 2"):
        assert word in result.output


def test_mistakes_are_one_line_each_and_status_1(tmp_path: Path) -> None:
    text = GOOD.replace("tier: 48h", "tier: 24h").replace("parallel: 3", "paralel: 3")
    path = write(tmp_path, text)
    result = CliRunner().invoke(commands, ["estate", "validate", str(path)])
    assert result.exit_code == 1
    key, tier = line_of(text, "paralel"), line_of(text, "24h")
    assert result.output.splitlines() == [
        f"{path}:{key}: server 'web1': unknown key 'paralel'. Hint: did you mean 'parallel'.",
        f"{path}:{tier}: site 'shop', tier: unknown value '24h'. Hint: one of 48h or 1h.",
    ]


def test_the_file_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTINUITY_ESTATE", str(write(tmp_path)))
    assert CliRunner().invoke(commands, ["estate", "validate"]).exit_code == 0


def test_the_schema_is_printed_as_json() -> None:
    result = CliRunner().invoke(commands, ["estate", "schema"])
    assert json.loads(result.output) == json_schema()
