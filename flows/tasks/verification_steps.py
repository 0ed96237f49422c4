"""Read the repository again, a slice at a time, and compare some files with the living server."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

from blocks.errors import NotFound, VerificationFailed
from blocks.repositories.proofs import Proofs
from blocks.types import Part, Reading, RecoverySet, SliceRead, SpotCheck
from flows.decisions.spot_check import Finding, comparable, draw, judge
from flows.decisions.standing import Standing, Weighed
from flows.decisions.verification_plan import Load, after_slice, load_due, slices_due
from flows.tasks.incident import Estate, now
from flows.tasks.restore import find_ref
from flows.tasks.standing import policy_of
from flows.tasks.work import work

SITES = 8
"""Sites of which files are compared each time: listing the files of one takes a second."""
_READERS = 4


def read_due_slices(estate: Estate) -> tuple[SliceRead, ...]:
    """Read what has to be read today of the first repository; each slice is recorded once read.

    Raises:
        DamagedData: The record of earlier readings was changed by somebody else.
    """
    policy, seen = policy_of(estate), []
    due = slices_due(_reading(estate), policy, now())
    for number in due:
        subject = f"{estate.repository_name} {number}/{policy.slices}"
        seen.append(read_slice(estate, number, policy.slices, subject=subject))
    return tuple(seen)


@work("slice")
def read_slice(estate: Estate, number: int, of: int, *, subject: str) -> SliceRead:
    """Read one slice, find out which snapshots its damage concerns, and record both."""
    started = now()
    repository = estate.repository
    seen = repository.read_slice(estate.name, number, of)
    needed_by = {key: repository.snapshots_using(estate.name, key) for key in seen.damaged}
    # What is gone and needed by nobody was removed while we read.
    real = [key for key in seen.damaged if needed_by[key] or repository.objects().list(key)]
    seen = replace(seen, damaged=tuple(real))
    reading = after_slice(_reading(estate), seen, needed_by, started)
    Proofs(repository).put_reading(reading)
    return seen


@work("spot")
def compare_with_server(
    estate: Estate, sets: Sequence[RecoverySet], *, subject: str
) -> SpotCheck | None:
    """Compare a sample of the newest set's files with the server, and record what was found.

    Raises:
        Unreachable: The server does not answer.
    """
    policy, at = policy_of(estate), now()
    if not sets or not policy.sample:
        return None
    made, seed = sets[-1], at.isoformat()
    check = SpotCheck(made.id, at, 0, 0, 0)
    sites = draw(made.sites, seed, SITES)
    for site in sites:
        check = _compare_site(estate, made, site, seed, -(-policy.sample // len(sites)), check)
    Proofs(estate.repository).put_reading(replace(_reading(estate), spot=check))
    return check


def _compare_site(
    estate: Estate, made: RecoverySet, site: str, seed: str, count: int, check: SpotCheck
) -> SpotCheck:
    """Add what the files of one site show."""
    ref = find_ref(made, Part.SITE, site)
    files = comparable(estate.repository.files(estate.name, ref.id), ref.time)
    paths = draw(files, seed, count)
    stored = _stored_digests(estate, ref.id, paths)
    live = estate.server.digests(paths)
    found = {path: judge(stored[path], live.get(path), ref.time) for path in paths}
    unexplained = [path for path, finding in found.items() if finding is Finding.UNEXPLAINED]
    return replace(
        check,
        population=check.population + len(files),
        sampled=check.sampled + len(paths),
        changed=check.changed + list(found.values()).count(Finding.CHANGED),
        unexplained=(*check.unexplained, *unexplained),
    )


def _stored_digests(estate: Estate, snapshot: str, paths: Sequence[str]) -> dict[str, str]:
    def digest(path: str) -> str:
        return sha256(estate.repository.content(estate.name, snapshot, path)).hexdigest()

    with ThreadPoolExecutor(_READERS, thread_name_prefix="spot-check") as pool:
        return dict(zip(paths, pool.map(digest, paths), strict=True))


def load_is_due(known: Standing, load: Load) -> bool:
    """Return whether a set is restored now.

    Raises:
        NotFound: It would be, but there is no usable set.
    """
    if load is Load.NEVER:
        return False
    if load is Load.DUE and not load_due(known.proofs.values(), known.policy, now()):
        return False
    if not known.usable:
        hint = f"continuity backup {known.server}"
        what = f"recovery set of {known.server} in {known.repository}"
        raise NotFound(what, "there is none to prove", hint)
    return True


def raise_unless_green(server: str, weighed: Weighed) -> None:
    """End red unless everything that was promised is proven.

    Raises:
        VerificationFailed: What is missing.
    """
    if not weighed.green:
        raise VerificationFailed(
            f"backups of {server}",
            "not proven: " + "; ".join(weighed.problems),
            f"continuity sets {server}; mend what is named, then: continuity verify {server}",
        )


def _reading(estate: Estate) -> Reading:
    return Proofs(estate.repository).reading(estate.name) or Reading(estate.name, now())
