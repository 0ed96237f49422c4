"""Check what an estate needs besides its file: its secrets, and blocks that take its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from blocks.errors import ConfigurationError
from deployments.block_forms import BlockForm
from deployments.estate import Estate
from deployments.estate_mistakes import Finding, subject
from deployments.estate_server import HeartbeatsEntry
from deployments.secret_references import SecretReference

Place = tuple[str | int, ...]


def missing_secrets(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Yield the secrets that are not where the file says, those of broken entries too."""
    for path, reference in _references(data, (), folder):
        what = f"{subject(path, data)}: {reference}"
        try:
            reference.read()
        except ConfigurationError as error:
            yield Finding(path, f"{what} {error.cause}", error.hint)
            continue
        if reference.is_open_to_others():
            hint = f"chmod 600 {reference.file}"
            yield Finding(path, f"{what} may be read by others", hint, warning=True)


def refused_blocks(estate: Estate, data: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the blocks themselves refuse; all secrets must be there."""
    for path, form, more in _block_forms(estate):
        try:
            form.block(**more)
        except ValidationError as errors:
            for error in errors.errors(include_input=False, include_url=False):
                place = (*path, *error["loc"])
                text = f"{subject(place, data)}: {error['msg'].removeprefix('Value error, ')}"
                yield Finding(place, text, "see: continuity estate schema")


def _block_forms(estate: Estate) -> Iterator[tuple[Place, BlockForm, dict[str, object]]]:
    sections = ("providers", "repositories", "archives", "zones", "notifiers")
    for section in (*sections, "witnesses", "alerts"):
        for index, form in enumerate(getattr(estate, section)):
            yield (section, index), form, {}
    yield ("probe",), estate.probe, {}
    if estate.client_mail:
        yield ("client_mail",), estate.client_mail, {}
    if estate.status_page:
        yield ("status_page",), estate.status_page, {}
    yield from _heartbeat_forms(("heartbeats",), estate.heartbeats)
    for index, server in enumerate(estate.servers):
        if server.heartbeats:
            yield from _heartbeat_forms(("servers", index, "heartbeats"), server.heartbeats)
        yield ("servers", index, "ssh"), server.ssh, {"address": server.address}
        if server.database:
            yield ("servers", index, "database"), server.database, {}


def _heartbeat_forms(
    path: Place, entry: HeartbeatsEntry
) -> Iterator[tuple[Place, BlockForm, dict[str, object]]]:
    for job, form in (("backup", entry.backup), ("verification", entry.verification)):
        if form:
            yield (*path, job), form, {}


def _references(
    value: object, path: Place, folder: Path
) -> Iterator[tuple[Place, SecretReference]]:
    if isinstance(value, Mapping) and list(value) in (["env"], ["file"]):
        try:
            yield path, SecretReference.model_validate(value, context={"folder": folder})
        except ValidationError:
            return  # The models have told it already.
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _references(inner, (*path, key), folder)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _references(inner, (*path, index), folder)
