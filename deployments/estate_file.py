"""Read the estate file and find every mistake in it, each with its line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from blocks.errors import ConfigurationError
from deployments.estate import Estate
from deployments.estate_checks import NAMED, check, names_twice
from deployments.estate_clients_outside import clients_outside
from deployments.estate_mistakes import Finding, Mistake, from_pydantic
from deployments.estate_outside import missing_secrets, refused_blocks
from deployments.estate_yaml import Document, read_yaml
from deployments.prices import read_prices
from deployments.target_prices import check_offers

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came out of an estate file.

    Attributes:
        path: The file.
        estate: The estate, None if it cannot be used.
        mistakes: Everything that is wrong, in the order of lines; warnings too.
    """

    path: Path
    estate: Estate | None
    mistakes: tuple[Mistake, ...]


def default_path() -> Path:
    """Return the estate file that is meant when none is named."""
    return Path(os.environ.get("CONTINUITY_ESTATE", "estate.yaml"))


def load(path: Path | None = None, *, secrets: bool = True) -> Estate:
    """Return the estate of a file without mistakes; without `secrets` none of them need be there.

    Raises:
        ConfigurationError: The file is missing, or has mistakes.
    """
    reading = read(path or default_path(), secrets=secrets)
    if reading.estate is None:
        wrong = [mistake for mistake in reading.mistakes if not mistake.warning]
        cause = f"line {wrong[0].line}: {wrong[0].text}"
        cause += f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise ConfigurationError(
            str(reading.path), cause, f"continuity estate validate {reading.path}"
        )
    return reading.estate


def read(path: Path, *, secrets: bool = True) -> Reading:
    """Read an estate file, and look for its secrets unless nobody needs them now.

    Raises:
        ConfigurationError: The file cannot be read at all.
    """
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "name the file, set CONTINUITY_ESTATE, or copy estate.example.yaml to estate.yaml"
        raise ConfigurationError(f"estate file {path}", "does not exist", hint) from error
    except (OSError, UnicodeDecodeError) as error:
        hint = f"look at it: ls -l {path}; file {path}"
        raise ConfigurationError(
            f"estate file {path}", "cannot be read as UTF-8 text", hint
        ) from error
    estate, findings = _judge(document, path.resolve().parent, secrets=secrets)
    mistakes = document.mistakes + [
        Mistake(document.line(found.path), found.text, found.hint, found.warning)
        for found in findings
    ]
    usable = not any(not mistake.warning for mistake in mistakes)
    return Reading(path, estate if usable else None, tuple(sorted(set(mistakes))))


@cache
def json_schema() -> Data:
    """Return the JSON Schema (draft 2020-12) of the estate file, the kinds of blocks included."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Estate.model_json_schema(),
        "title": "OmniWeb continuity: estate file",
    }


def _judge(
    document: Document, folder: Path, *, secrets: bool
) -> tuple[Estate | None, list[Finding]]:
    data = document.data
    if data is None:
        return None, []
    if not isinstance(data, dict):
        hint = "see estate.example.yaml"
        return None, [Finding((), "the file is not a mapping of agency, servers, sites, ...", hint)]
    names = _names(data)
    estate, findings = _validate(data, folder)
    findings += names_twice(names)
    sound = _sound_entries(data, findings)
    if findings:
        estate, _ = _validate(_reduced(data, findings, sound), folder)
    if estate:
        judged = [*check(estate, names, _zones(data)), *check_offers(estate, read_prices()[0])]
        findings += [_renumbered(found, sound) for found in judged]
        findings += [_renumbered(found, sound) for found in clients_outside(estate)]
    if not secrets:
        return estate, findings
    findings += missing_secrets(data, folder)
    if estate and all(finding.warning for finding in findings):
        findings += refused_blocks(estate, data)
    return estate, findings


def _validate(data: Data, folder: Path) -> tuple[Estate | None, list[Finding]]:
    try:
        return Estate.model_validate(data, context={"folder": folder}), []
    except ValidationError as errors:
        return None, [from_pydantic(error, data, json_schema()) for error in errors.errors()]


def _names(data: Data) -> dict[str, list[str]]:
    return {
        section: [str(entry.get("name", "")) for entry in _entries(data, section)]
        for section in NAMED
    }


def _zones(data: Data) -> list[str]:
    return [str(entry.get("zone", "")).rstrip(".") for entry in _entries(data, "zones")]


def _entries(data: Data, section: str) -> list[Data]:
    entries = data.get(section)
    if not isinstance(entries, list):
        return []
    return [entry if isinstance(entry, dict) else {} for entry in entries]


def _sound_entries(data: Data, findings: Iterable[Finding]) -> dict[str, list[int]]:
    """Return the numbers of the entries that nothing is wrong with but an unknown key."""
    broken = {finding.path[:2] for finding in findings if not finding.unknown_key}
    return {
        section: [
            index for index in range(len(_entries(data, section))) if (section, index) not in broken
        ]
        for section in NAMED
    }


def _reduced(data: Data, findings: Iterable[Finding], sound: Mapping[str, list[int]]) -> Data:
    """Return the data without unknown keys and broken entries, so that the rest can be checked."""
    data = deepcopy(data)
    for finding in findings:
        if finding.unknown_key:
            around: Any = reduce(getitem, finding.path[:-1], cast("Any", data))
            around.pop(finding.path[-1], None)
    kept = {
        section: [_entries(data, section)[index] for index in numbers]
        for section, numbers in sound.items()
    }
    return data | kept


def _renumbered(finding: Finding, sound: Mapping[str, list[int]]) -> Finding:
    """Return the finding with the number that its entry has in the file."""
    match finding.path:
        case (str(section), int(index), *rest) if section in sound:
            return replace(finding, path=(section, sound[section][index], *rest))
    return finding
