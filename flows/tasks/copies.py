"""Copy recovery sets to the server's further repositories; the backup stands without them."""

from __future__ import annotations

from prefect import get_run_logger

from blocks.errors import ContinuityError, VerificationFailed
from blocks.records import Notice
from blocks.repositories.base import Repository
from blocks.repositories.catalogue import Catalogue, contradictions
from blocks.types import RecoverySet
from flows.decisions.copy_plan import CopyResult, manifest_of_copy, sets_to_copy
from flows.tasks.announcing import tell
from flows.tasks.incident import Estate, now
from flows.tasks.retention_steps import rule_of
from flows.tasks.work import work


def copy_everywhere(estate: Estate) -> tuple[CopyResult, ...]:
    """Bring every further repository up to date; a failure is told, and mended by the next backup.

    Whatever happens here, the set is taken: it is whole in the first repository.
    """
    return tuple(_copy_to(estate, name) for name in estate.copies)


def _copy_to(estate: Estate, name: str) -> CopyResult:
    try:
        return CopyResult(name, copy_sets(estate, subject=name))
    except ContinuityError as error:
        get_run_logger().error("copy to %s: %s", name, error)
        told = "La sauvegarde est prise dans le premier dépôt ; la prochaine refera la copie."
        heading = f"Copie de {estate.name} vers {name} : en retard"
        tell(estate.name, Notice(heading, f"{told}\n{error}", failed=True))
        return CopyResult(name, failed=str(error))


@work("copy", retries=1)
def copy_sets(estate: Estate, *, subject: str) -> tuple[str, ...]:
    """Copy each set that the repository of this name lacks; return their names, newest first."""
    target = estate.repositories[subject]
    here = Catalogue(target).list(estate.name)
    there = {each.id for each in here.sets} | {name for name, _ in here.refused}
    sets = Catalogue(estate.repository).list(estate.name).sets
    missing = sets_to_copy(sets, there, rule_of(estate))
    if missing:
        target.prepare(estate.server, estate.name)
    for each in missing:
        _copy_set(estate, target, each)
    return tuple(each.id for each in missing)


def _copy_set(estate: Estate, target: Repository, made: RecoverySet) -> None:
    """Copy one set's snapshots, read them back, and commit the set by its manifest there."""
    began = now()
    ids = [ref.id for ref in made.snapshots]
    target.copy_from(estate.repository, estate.server, estate.name, ids)
    seen = target.read_back(estate.name, began)
    copied = target.snapshots(estate.name)
    manifest = manifest_of_copy(made, copied, seen)
    against = contradictions(manifest, copied)
    if against:
        raise VerificationFailed(
            f"copy of {made.id}", "; ".join(against), f"continuity backup {estate.name}"
        )
    Catalogue(target).put(manifest)
