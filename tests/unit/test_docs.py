"""What the documents say can be typed: commands parse, links lead somewhere, examples validate."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML
from typer.core import TyperGroup

from deployments.cli.main import commands
from deployments.estate_file import read

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
RUNBOOKS = [*DOCUMENTS, ROOT / "prefect.yaml"]
EXAMPLE = ROOT / "estate.example.yaml"
ESTATE_PAGES = (
    "docs/adresse-flottante.md",
    "docs/estate.md",
    "docs/fournisseurs/aws-ec2.md",
    "docs/fournisseurs/cloudflare.md",
    "docs/fournisseurs/digitalocean.md",
    "docs/fournisseurs/hetzner.md",
    "docs/fournisseurs/ovh-dns.md",
    "docs/fournisseurs/ovh.md",
    "docs/fournisseurs/pingdom.md",
    "docs/fournisseurs/scaleway.md",
    "docs/fournisseurs/uptimerobot.md",
)
"""Pages whose YAML is part of an estate file."""
SECRET = "c2VjcmV0" * 5
WRONG_USE: type[Exception] = typer.BadParameter.__bases__[0]
"""What a command line raises for words that it does not know; typer shows only this sort of it."""
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(continuity [^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def fenced(text: str, language: str) -> list[str]:
    return [body for _, found, body in _FENCE.findall(text) if found == language]


def estate_examples() -> Iterator[tuple[str, int]]:
    """Give each example of a part of the estate file: its page, and which of the page's it is."""
    for page in ESTATE_PAGES:
        for number in range(len(fenced((ROOT / page).read_text("utf-8"), "yaml"))):
            yield page, number


def continuity_commands(text: str) -> Iterator[str]:
    """Give every command line of ours, in fences and in running text."""
    for body in [*fenced(text, "bash"), *fenced(text, "sh"), *fenced(text, "")]:
        for line in body.replace("\\\n", " ").splitlines():
            if found := re.search(r"(?:^|[;&|] *|\$ |bin/)(continuity [^;&|]*)", line.strip()):
                yield found[1]
    # `a|b` names two commands at once.
    for line in _INLINE.findall(text):
        words = line.split()
        for choice in words[-1].split("|") if "|" in words[-1] else [words[-1]]:
            yield " ".join([*words[:-1], choice])


def parse(line: str) -> None:
    """Let the real command line read the words, without running anything."""
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(commands)
    context = command.make_context("continuity", [], resilient_parsing=True)
    while isinstance(command, TyperGroup) and words:
        name = words.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"no command {name!r} in: {line}"
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
    if not isinstance(command, TyperGroup):
        command.make_context(command.name, words)


def all_commands() -> list[str]:
    found = {c for path in RUNBOOKS for c in continuity_commands(path.read_text("utf-8"))}
    return sorted(found)


def test_the_documents_do_name_commands() -> None:
    assert len(all_commands()) > 15


@pytest.mark.parametrize("line", all_commands())
def test_each_command_parses(line: str) -> None:
    parse(line)


@pytest.mark.parametrize(
    "line",
    ["continuity restore web1", "continuity recover web1 --force", "continuity estate check"],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises((AssertionError, WRONG_USE)):
        parse(line)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_relative_link_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for link in _LINK.findall(text):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file) if file else path
        assert target.exists(), f"{path.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.read_text("utf-8")), f"{path.name}: {link}"


@pytest.mark.parametrize("script", ["bootstrap", "demo", "test", "lint", "format", "lab"])
def test_each_script_of_the_readme_is_there(script: str) -> None:
    assert (ROOT / "script" / script).exists()


@pytest.mark.parametrize(("page", "number"), list(estate_examples()))
def test_each_estate_example_validates(
    page: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yaml = YAML(typ="safe")
    part = yaml.load(fenced((ROOT / page).read_text("utf-8"), "yaml")[number])
    whole = combined(yaml.load(EXAMPLE.read_text("utf-8")), part)
    provide_secrets(whole, tmp_path, monkeypatch)
    file = tmp_path / "estate.yaml"
    yaml.dump(whole, file)
    reading = read(file)
    assert reading.estate is not None, [str(mistake) for mistake in reading.mistakes]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub and GitLab make of a page's headings."""
    heads = (re.sub(r"[^\w\s-]", "", head.lower()) for head in _HEADING.findall(text))
    return {head.strip().replace(" ", "-") for head in heads}


def combined(whole: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Put a part's entries into the example file; an entry of the same name is replaced."""
    result = dict(whole)
    for key, value in part.items():
        if isinstance(value, list):
            named = {each["name"]: each for each in [*whole.get(key, []), *value]}
            result[key] = list(named.values())
        else:
            result[key] = value
    return result


def provide_secrets(value: object, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every secret that the file refers to."""
    if isinstance(value, list):
        for each in value:
            provide_secrets(each, folder, monkeypatch)
    elif isinstance(value, dict):
        if isinstance(value.get("env"), str):
            monkeypatch.setenv(value["env"], SECRET)
        if isinstance(value.get("file"), str):
            file = folder / value["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SECRET)
            file.chmod(0o600)
        for each in value.values():
            provide_secrets(each, folder, monkeypatch)
