"""Read the repository again, a slice at a time, and compare some files with the living server."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

from blocks.errors import DamagedData, NotFound, VerificationFailed
from blocks.repositories.proofs import Proofs
from blocks.types import Damage, Part, Reading, RecoverySet, SliceRead, SpotCheck
from flows.decisions.spot_check import Finding, comparable, draw, judge
from flows.decisions.standing import Standing, Weighed
from flows.decisions.verification_plan import Load, after_slice, after_spot, load_due, slices_due
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

    Files that the repository cannot give are damage, recorded as the rolling reading would.

    Raises:
        Unreachable: The server does not answer.
    """
    policy, at = policy_of(estate), now()
    if not sets or not policy.sample:
        return None
    made, seed = sets[-1], at.isoformat()
    check, found = SpotCheck(made.id, at, 0, 0, 0), list[Damage]()
    sites = draw(made.sites, seed, SITES)
    for site in sites:
        check = _compare_site(
            estate, made, site, seed, -(-policy.sample // len(sites)), check, found
        )
    Proofs(estate.repository).put_reading(after_spot(_reading(estate), check, found))
    return check


def _compare_site(
    estate: Estate,
    made: RecoverySet,
    site: str,
    seed: str,
    count: int,
    check: SpotCheck,
    found: list[Damage],
) -> SpotCheck:
    """Add what the files of one site show; damage that prevents it goes to `found`."""
    ref = find_ref(made, Part.SITE, site)
    try:
        files = comparable(estate.repository.files(estate.name, ref.id), ref.time)
    except DamagedData as damage:
        found.append(_damage(estate, ref.id, damage))
        return check
    stored = _stored_digests(estate, ref.id, draw(files, seed, count), found)
    live = estate.server.digests(tuple(stored))
    findings = {path: judge(stored[path], live.get(path), ref.time) for path in stored}
    unexplained = [path for path, each in findings.items() if each is Finding.UNEXPLAINED]
    return replace(
        check,
        population=check.population + len(files),
        sampled=check.sampled + len(stored),
        changed=check.changed + list(findings.values()).count(Finding.CHANGED),
        unexplained=(*check.unexplained, *unexplained),
    )


def _stored_digests(
    estate: Estate, snapshot: str, paths: Sequence[str], found: list[Damage]
) -> dict[str, str]:
    """Return the checksums of those files that can be read; damage goes to `found`."""

    def digest(path: str) -> str | DamagedData:
        try:
            return sha256(estate.repository.content(estate.name, snapshot, path)).hexdigest()
        except DamagedData as damage:
            return damage

    with ThreadPoolExecutor(_READERS, thread_name_prefix="spot-check") as pool:
        seen = dict(zip(paths, pool.map(digest, paths), strict=True))
    damages = {each.subject: each for each in seen.values() if isinstance(each, DamagedData)}
    found += [_damage(estate, snapshot, each) for each in damages.values()]
    return {path: each for path, each in seen.items() if isinstance(each, str)}


def _damage(estate: Estate, snapshot: str, damage: DamagedData) -> Damage:
    """Return who needs a damaged object: this snapshot for sure."""
    needing = estate.repository.snapshots_using(estate.name, damage.subject)
    return Damage(damage.subject, tuple(sorted({snapshot, *needing})), now())


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
