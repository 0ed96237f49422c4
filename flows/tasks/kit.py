"""Note that the emergency kit was sealed, and look whether it still fits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from prefect.blocks.core import Block

from blocks.registry import load
from blocks.repositories.base import Repository
from blocks.repositories.kits import kit_of, put_kit
from blocks.repositories.mirrored import GONE
from blocks.repositories.seal import seal
from blocks.types.kits import SealedKit
from flows.decisions.readiness import Check
from flows.decisions.readiness_kit import judge_kit
from flows.tasks.incident import Estate, now

_NEVER = datetime.min.replace(tzinfo=UTC)


def note_kit(
    estate: Estate, at: datetime, *, opened: bool, file: tuple[str, str, int], program: str
) -> None:
    """Write in every repository of a server that a kit was sealed from these blocks.

    Args:
        estate: The server, opened from the estate file that the kit holds.
        at: When it was sealed.
        opened: Whether it was opened again and compared.
        file: Name, SHA-256 and size of the encrypted file.
        program: Commit of the program in it.

    Raises:
        Unreachable, ...: One of them is gone; the others have the note.
    """
    lost: list[Exception] = []
    name, sha256, size = file
    for repository in estate.repositories.values():
        found = fingerprint(estate, repository)
        kit = SealedKit(estate.name, at, found, opened, name, sha256, size, program)
        try:
            put_kit(repository, kit)
        except GONE as error:
            lost.append(error)
    if lost:
        raise lost[0]


def newest_kit(estate: Estate) -> SealedKit | None:
    """Return the newest sealing that any repository knows of; one that is gone is left out.

    Raises:
        Unreachable, ...: None of them answers.
    """
    return _newest(estate)[1]


def kit_check(estate: Estate) -> Check:
    """Return the line of the readiness table."""
    repository, kit = _newest(estate)
    return judge_kit(kit, fingerprint(estate, repository), now())


def fingerprint(estate: Estate, repository: Repository) -> str:
    """Return a digest of the server's blocks with their secrets.

    It is keyed by the repository's password: who reads the bucket cannot try out secrets by it.
    """
    return seal(repository.seal_key(), _contents(estate))


def _newest(estate: Estate) -> tuple[Repository, SealedKit | None]:
    found: list[tuple[Repository, SealedKit | None]] = []
    lost: list[Exception] = []
    for repository in estate.repositories.values():
        try:
            found.append((repository, kit_of(repository, estate.name)))
        except GONE as error:
            lost.append(error)
    if not found:
        raise lost[0]
    return max(found, key=lambda each: each[1].sealed_at if each[1] else _NEVER)


def _contents(estate: Estate) -> dict[str, object]:
    archives = estate.archive.archives if estate.archive else {}
    news = estate.declared.client_news
    declared, ways = estate.declared, [*news.clients, news.mail, news.status_page]
    further = [*declared.witnesses, *declared.monitors, *ways]
    single: dict[str, Block | None] = {
        "declared": estate.declared,
        "server": estate.server,
        "database": estate.database,
        "probe": estate.probe,
    }
    many: dict[str, Mapping[str, Block]] = {
        "repositories": estate.repositories,
        "archives": archives,
        "sites": estate.sites,
        "zones": estate.zones,
        "providers": estate.providers,
        "notifiers": estate.notifiers,
        "further": {each: load(each, Block) for each in further if each},
    }
    return {name: _dump(block) for name, block in single.items()} | {
        kind: {name: _dump(block) for name, block in blocks.items()}
        for kind, blocks in many.items()
    }


def _dump(block: Block | None) -> object:
    if block is None:
        return None
    return _plain(block.model_dump(mode="json", context={"include_secrets": True}))


def _plain(value: object) -> object:
    """Leave out what Prefect adds to blocks that it saved; a default of 20 comes back as 20.0."""
    if isinstance(value, Mapping):
        ours = {key: each for key, each in value.items() if key != "block_type_slug"}
        return {key: _plain(each) for key, each in ours.items() if not str(key).startswith("_")}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
