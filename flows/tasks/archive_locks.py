"""Keep locked what live sets need of the archive, and write down how all locks are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pydantic import TypeAdapter

from blocks.archives import names
from blocks.archives.base import Archive
from blocks.errors import ContinuityError, DamagedData
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.sealed import get_sealed, put_sealed
from blocks.types import ArchiveListing, ObjectVersion, RecoverySet, StoredObject
from flows.decisions.archive_locks import KeptArchive, LockRecord, live_sets, needed_pieces
from flows.decisions.immutability import Immutability, judge
from flows.decisions.lock_audit import PIECES, LockAudit, audit_locks, to_keep
from flows.tasks.archive_look import EARLIER
from flows.tasks.immutability import archive_immutability, immutability_of, keep_archive_test
from flows.tasks.incident import Estate, now
from flows.tasks.work import work

_AT_ONCE = 8
_records = TypeAdapter(tuple[LockRecord, ...])


@work("archive-locks")
def renew_archive_locks(estate: Estate, repository: str) -> dict[str, KeptArchive]:
    """Test each archive, and renew the locks of the pieces that live sets need.

    An archive that cannot be tested or audited says why: it keeps no other from it.

    Args:
        estate: Whose archives.
        repository: The repository whose sets count.
    """
    if estate.archive is None:
        return {}
    catalogue = Catalogue(estate.repositories[repository])
    sets = live_sets(catalogue.list(estate.name).sets, estate.declared.retention.last)
    return {name: _kept(estate, archive, sets) for name, archive in estate.archive.archives.items()}


def _kept(estate: Estate, archive: Archive, sets: tuple[RecoverySet, ...]) -> KeptArchive:
    try:
        test = keep_archive_test(archive, [estate])
    except ContinuityError as error:
        return KeptArchive(failed=f"essai impossible : {error.cause}")
    tested = KeptArchive(judge(test), test.lock_mode)
    if not archive.retains():
        why = "aucune clé de ménage (`prune_access_key`) : ses verrous ne sont pas prolongés"
        return replace(tested, failed=why)
    try:
        return replace(tested, audit=renew_pieces(estate.name, archive, sets, test.lock_mode))
    except ContinuityError as error:
        return replace(tested, failed=f"verrous illisibles : {error.cause}")


def renew_pieces(
    server: str, archive: Archive, sets: tuple[RecoverySet, ...], mode: str
) -> LockAudit:
    """Read the locks of what these sets need of one bucket, and make them last longer."""
    seen = archive.versions()
    all_versions = seen.versions(f"{server}/")
    needed = needed_pieces(_ever_listed(all_versions, sets), sets, now())
    versions = [each for each in all_versions if each.key in needed]
    kept = [(each.key, each.id) for each in to_keep(server, versions, needed, PIECES)]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="locks") as pool:
        locks = dict(zip(kept, pool.map(lambda each: seen.lock(*each), kept), strict=True))
        audit = audit_locks(
            server, versions, needed, locks, now(), archive.lock_time(), mode, PIECES
        )
        if mode:
            list(pool.map(lambda due: seen.lengthen(due[0][0], due[0][1], due[1]), audit.lengthen))
    return audit


def _ever_listed(
    versions: tuple[ObjectVersion, ...], sets: tuple[RecoverySet, ...]
) -> ArchiveListing:
    """Return what the bucket held since the oldest of these sets, what was hidden included."""
    since = min((each.started_at - EARLIER for each in sets), default=now())
    found = {
        each.key: StoredObject(each.key, each.size, each.etag, each.modified)
        for each in versions
        if not each.hidden and each.modified >= since
    }
    return names.listing(found.values())


def keep_records(estate: Estate, records: tuple[LockRecord, ...]) -> None:
    """Write down how the locks are, for `continuity status`."""
    document = _records.dump_python(records, mode="json")
    put_sealed(estate.repository, _key(estate), document, estate.state)


def lock_records(estate: Estate) -> tuple[LockRecord, ...]:
    """Return what the newest retention found; empty if there was none.

    Raises:
        DamagedData: Somebody without the repository's password wrote it.
    """
    document = get_sealed(estate.repository, _key(estate), estate.state)
    return _records.validate_python(document) if document else ()


def repository_record(estate: Estate, mode: str, audit: LockAudit) -> LockRecord:
    """Return what is to be written down of the first repository."""
    days = estate.repository.lock_time().days
    return _record(estate.repository_name, "dépôt", mode, days, audit)


def archive_records(estate: Estate, found: dict[str, KeptArchive]) -> tuple[LockRecord, ...]:
    """Return what is to be written down of each archive."""
    made = []
    for name, kept in found.items():
        assert estate.archive is not None  # noqa: S101 - it has the names
        days = estate.archive.archives[name].lock_time().days
        if kept.audit is None:
            made.append(LockRecord(name, "archive", now(), failed=kept.failed))
        else:
            made.append(_record(name, "archive", kept.mode, days, kept.audit))
    return tuple(made)


def raise_if_archive_tampered(estate: Estate, found: dict[str, KeptArchive]) -> None:
    """End red when pieces that live sets need were written over or hidden.

    Raises:
        DamagedData: Which one, and what still serves.
    """
    for name, kept in found.items():
        hurt = [*kept.audit.overwritten, *kept.audit.missing] if kept.audit else []
        if hurt:
            raise DamagedData(
                hurt[0],
                f"{len(hurt)} pieces of the archive {name} of {estate.name} were overwritten or"
                " hidden; their versions are locked",
                f"change the agent's key in the estate file, then: continuity backup {estate.name}",
            )


def self_tests_of(estate: Estate) -> dict[tuple[str, str], Immutability]:
    """Return the newest self-test of each repository and archive; tests nothing."""
    archives = estate.archive.archives if estate.archive else {}
    return {
        **{("dépôt", name): immutability_of(each) for name, each in estate.repositories.items()},
        **{("archive", name): archive_immutability(estate, a) for name, a in archives.items()},
    }


def _record(name: str, kind: str, mode: str, days: int, audit: LockAudit) -> LockRecord:
    earliest = audit.earliest if mode else None
    return LockRecord(name, kind, now(), mode, days, audit.objects, earliest)


def _key(estate: Estate) -> str:
    return f"locks/{estate.name}.json"
