"""The JSON Schema, the example, the lab's estate and the models say the same."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from blocks import registry
from deployments.estate_file import json_schema, read
from deployments.lab import control
from deployments.lab.config import ROOT, Lab
from deployments.lab.secrets import ensure_secrets
from tests.unit.estate_texts import GOOD

EXAMPLE = ROOT / "estate.example.yaml"
NOWHERE = (
    r"(client_mail|status_page): [a-z.-]+\.example cannot be looked up: nothing shows where it is"
)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(json_schema())
    return Draft202012Validator(json_schema())


def data_of(text: str) -> Any:
    return YAML(typ="safe").load(text)


def test_the_schema_takes_the_example(validator: Draft202012Validator) -> None:
    validator.validate(data_of(EXAMPLE.read_text()))


def test_the_example_has_no_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = EXAMPLE.read_text()
    path = tmp_path / "estate.yaml"
    path.write_text(text)
    for name in re.findall(r"\{env: (\w+)\}", text):
        if name != "VARIABLE":
            monkeypatch.setenv(name, "hush" * 10)
    (tmp_path / "secrets").mkdir()
    for file in set(re.findall(r"\{file: (secrets/[\w-]+)\}", text)):
        (tmp_path / file).write_text("aHVzaGh1" * 5)
        (tmp_path / file).chmod(0o600)
    reading = read(path)
    # Names of examples lead nowhere, and whoever is told must be shown to be elsewhere.
    told = [each for each in reading.mistakes if not re.match(NOWHERE, each.text)]
    assert told == []
    assert reading.estate is not None


def test_the_lab_estate_has_no_mistakes(tmp_path: Path, validator: Draft202012Validator) -> None:
    lab = Lab(name="unit", network=IPv4Network("10.89.99.0/24"), state=tmp_path)
    ensure_secrets(lab)
    path = control.write_estate(lab)
    reading = read(path)
    # Its second store has no keys of different rights, and is told so.
    assert [each.text for each in reading.mistakes] == [
        "repository 'copie': no pruning key of its own"
    ]
    assert reading.mistakes[0].warning
    assert reading.estate is not None
    assert {site.name for site in reading.estate.sites} == {"boutique", "journal", "vitrine"}
    validator.validate(data_of(path.read_text()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("parallel: 3", "paralel: 3"),
        ("tier: 48h", "tier: 24h"),
        ("type: slack-notifier", "type: slak-notifier"),
        ("{env: RESTIC}", "hunter2"),
        ("{env: RESTIC}", "{env: RESTIC, file: x}"),
        ("    title: Blog\n", ""),
        ("last: 2", "last: -2"),
    ],
)
def test_the_schema_refuses(before: str, after: str, validator: Draft202012Validator) -> None:
    validator.validate(data_of(GOOD))
    assert before in GOOD
    assert list(validator.iter_errors(data_of(GOOD.replace(before, after))))


def test_every_provider_kind_is_in_the_schema() -> None:
    kinds = {
        kind.get_block_type_slug()
        for kind in registry.block_types()
        if kind.__module__.split(".")[1] in {"dns", "monitors", "notify", "vps"}
    }
    assert kinds
    text = str(json_schema())
    assert [kind for kind in kinds if f"'{kind}'" not in text] == []
