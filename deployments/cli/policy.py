"""`continuity repository policy`: the least that each key needs, ready to paste."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from blocks.errors import ConfigurationError
from blocks.repositories.policies import KeyPurpose
from deployments.cli.connection import EstateFile
from deployments.estate_file import default_path, load
from deployments.policy_keys import BucketKeys, keys_of
from deployments.policy_text import PURPOSES, Page, limits, pages


class Format(StrEnum):
    """How the policies are printed."""

    TEXT = "text"
    JSON = "json"


def policy(
    name: Annotated[
        str, typer.Argument(help="Name of the repository (or archive), as in the estate file.")
    ],
    role: Annotated[
        KeyPurpose | None, typer.Option(help="Only documents that concern this key.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="For people, or JSON alone.")] = (
        Format.TEXT
    ),
    user: Annotated[
        list[str] | None,
        typer.Option(help="KEY_ID=USER: the provider's own id of the user behind a key."),
    ] = None,
    estate: EstateFile = None,
) -> None:
    """Print the least that each key of a bucket must be granted, and where to paste it.

    Everything comes from the estate file; no secret is read or shown. Exit codes: 0 printed,
    1 the estate file has no such repository, or its provider is not known.
    """
    keys = keys_of(load(estate or default_path(), secrets=False), name)
    found = [page for page in pages(keys, _users(user or [])) if role in (None, *page.purposes)]
    if not found:
        raise ConfigurationError(
            f"repository {name}", f"no key is for {role}", f"continuity repository policy {name}"
        )
    print(_json(keys, found) if form is Format.JSON else _text(keys, found))


def _users(words: list[str]) -> dict[str, str]:
    pairs = dict(word.partition("=")[::2] for word in words)
    if not all(pairs.values()):
        raise ConfigurationError("--user", "is not KEY_ID=USER", "--user AKIA...=id-of-the-user")
    return pairs


def _text(keys: BucketKeys, found: list[Page]) -> str:
    lines: list[str] = []
    for page in found:
        lines += [f"# {page.subject}", *(f"# {PURPOSES[each]}" for each in page.purposes)]
        lines += [f"#   {line}" for line in (*page.where, *page.notes)]
        lines += [json.dumps(page.document, indent=2, ensure_ascii=False), ""]
    lines += [f"# Limite : {line}" for line in limits(keys.provider)]
    lines.append(f"# Ensuite, la preuve : continuity repository check {keys.name}")
    return "\n".join(lines)


def _json(keys: BucketKeys, found: list[Page]) -> str:
    documents = [
        {
            "subject": page.subject,
            "roles": page.purposes,
            "document": page.document,
            "where": page.where,
            "notes": page.notes,
        }
        for page in found
    ]
    said = {"repository": keys.name, "provider": keys.provider, "documents": documents}
    return json.dumps(said | {"limits": limits(keys.provider)}, indent=2, ensure_ascii=False)
