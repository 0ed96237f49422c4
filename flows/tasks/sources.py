"""Read a part of the chosen set from the first repository that can give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from blocks.errors import CommandFailed, ContinuityError, DamagedData
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.mirrored import GONE
from blocks.types import RecoverySet, SnapshotRef
from flows.tasks.incident import Incident, Source, StepNote

Value = TypeVar("Value")


def read_from_copies(
    incident: Incident,
    note: StepNote,
    find: Callable[[RecoverySet], SnapshotRef],
    read: Callable[[Source, SnapshotRef], Value],
) -> Value:
    """Return what `read` gives with the first repository that can serve this part.

    A repository that is gone, or in which this part is damaged, is passed over for the next one
    that holds the same set; the journal says so. It is tried last from then on. The note's data
    names the `repositories` that gave something.

    Raises:
        ContinuityError: No repository could; what the first one said, with its hint.
    """
    passed: list[str] = []
    first: tuple[Source, ContinuityError, ContinuityError] | None = None
    for source in in_order(incident.sources):
        ref = find(source.chosen)
        try:
            value = read(source, ref)
        except ContinuityError as error:
            fault = _fault(incident, source, error)
            if fault is None:
                raise
            passed.append(f"dépôt {source.name} : {fault.cause}")
            first = first or (source, error, fault)
            if not isinstance(fault, DamagedData):
                source.lost = fault.cause
        else:
            note.data["repositories"] = sorted({*_given(note), source.name})
            if passed:
                passed.append(f"repris depuis le dépôt {source.name}")
            note.why = " ; ".join([*filter(None, [note.why]), *passed])
            return value
    assert first is not None  # noqa: S101 - there is always a source
    raise _explained(incident, *first)


def _given(note: StepNote) -> list[str]:
    """Return the repositories that gave earlier parts of the same step."""
    found = note.data.get("repositories")
    return [str(each) for each in found] if isinstance(found, list) else []


def _explained(
    incident: Incident, source: Source, error: ContinuityError, fault: ContinuityError
) -> ContinuityError:
    """Return what to say when no repository helps: a damage with the newest set without it."""
    if not isinstance(fault, DamagedData):
        return error
    explained = DamagedData(
        f"recovery set {source.chosen.id}",
        f"{fault.subject}: {fault.cause}",
        _offer(incident, source, fault),
    )
    explained.__cause__ = error
    return explained


def in_order(sources: Sequence[Source]) -> list[Source]:
    """Return the sources in their order, those that were lost on the way last."""
    return sorted(sources, key=lambda each: bool(each.lost))


def _fault(incident: Incident, source: Source, error: ContinuityError) -> ContinuityError | None:
    """Return what at the repository's side explains a failure, None if it has another cause."""
    if isinstance(error, CommandFailed):
        return source.repository.fault_behind(incident.estate.name, error)
    return error if isinstance(error, (*GONE, DamagedData)) else None


def _offer(incident: Incident, source: Source, damage: DamagedData) -> str:
    """Return the command that recovers from the newest older set untouched by this damage."""
    name, repository = incident.estate.name, source.repository
    try:
        bad = set(repository.snapshots_using(name, damage.subject))
        sets = Catalogue(repository).list(name).sets
    except ContinuityError as error:
        return f"look for an older set: continuity sets {name} ({error.cause})"
    good = [
        each
        for each in sets
        if each.id < source.chosen.id and bad and not bad & {ref.id for ref in each.snapshots}
    ]
    if not good:
        return f"no older set is free of this damage: continuity sets {name}"
    newest = max(good, key=lambda each: each.started_at)
    return f"last set without this damage: continuity recover {name} --set {newest.id}"
