"""Let an intruder with the server's key loose on the bucket, then bring everything back.

    script/campaign attacker [--keep]

One server is backed up. The intruder tries to delete, destroy, shorten, expose, re-rule, empty and
overwrite. Then: is every version still there as it was, does retention tell of it, does a rewind
bring the repository back, does stock restic read all of it, does a drill restore it?
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, cast

import typer

from blocks.errors import ContinuityError
from blocks.repositories.restic import ResticRepository
from blocks.types import KeyRole, Lock
from deployments.lab import command_line, control, lab
from deployments.lab.attacker import Attacker, Attempt
from deployments.lab.campaign_result import conclude
from deployments.lab.config import Lab, current
from flows.decisions.rewind import RewindPlan
from flows.tasks.incident import Estate, open_estate
from flows.tasks.look import usable_sets
from flows.tasks.rewind_steps import plan_of

SERVER = "web1"
WRITING = ("overwrite", "add false index, snapshot, key, lock")
"""What the server's key can do by its nature: it is there to write."""
_SECONDS = 400.0
_AT_ONCE = 8

Contents = Mapping[str, tuple[str, str, Lock | None]]
"""By key: version, SHA-256 and lock of what a reader sees."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the campaign found.

    Attributes:
        objects: What a reader saw before; `bytes` is not counted twice.
        intact: Of these, how many versions are byte for byte as before, right after the attack.
        locks_kept: Of these, how many locks end when they did or later.
        told: Whether retention ended red and named the command that undoes it.
        same: Of these, how many a reader sees again after the rewind.
        restic_check: Exit status of stock `restic check --read-data` afterwards.
        drill: Exit status of a drill afterwards.
    """

    attempts: tuple[Attempt, ...]
    objects: int
    bytes: int
    intact: int
    locks_kept: int
    readable_after_attack: bool
    told: bool
    put_back: int
    hidden: int
    rewind_seconds: float
    same: int
    sets_before: int
    sets_after: int
    restic_check: int
    drill: int

    @property
    def good(self) -> bool:
        """Whether nothing was lost, and nothing but writing was let through."""
        refused = all(not a.let_through for a in self.attempts if a.name not in WRITING)
        whole = self.objects == self.intact == self.locks_kept == self.same > 0
        sets = self.sets_before == self.sets_after > 0
        ended = not self.restic_check and not self.drill
        return refused and whole and sets and ended and self.told


def main(keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False) -> None:
    """Run the campaign; ends non-zero unless everything came back."""
    here = current()
    try:
        result = run(here)
    except ContinuityError as error:
        print(f"campaign: {error}", file=sys.stderr)
        sys.exit(1)
    finally:
        if not keep:
            lab.down(here)
    conclude("attacker", asdict(result), good=result.good)


def run(here: Lab) -> Result:
    """Back up, attack, look, rewind, look again."""
    lab.up(here)
    with control.prefect(here):
        for words in (("backup", SERVER), ("retention", SERVER)):
            _require(here, *words)
        estate = open_estate(SERVER)
        return _attack_and_rewind(here, estate, cast(ResticRepository, estate.repository))


def _attack_and_rewind(here: Lab, estate: Estate, repository: ResticRepository) -> Result:
    before, sets_before = _contents(repository), _usable(estate)
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    time.sleep(2)
    store = repository.store_of(KeyRole.SERVER)
    attempts = Attacker(store, repository.state_bucket, f"{SERVER}/").attack()
    intact, locks = _still(repository, before)
    readable = bool(_usable(estate))
    told = _run(here, "retention", SERVER)
    plan = plan_of(estate, moment)
    seconds = _rewind(here, estate, plan)
    after = _contents(repository)
    check = repository.local_restic(SERVER).run(
        "check", "--read-data", "--no-lock", timeout=timedelta(minutes=5)
    )
    sizes = {v.key: v.size for v in repository.versions(KeyRole.WORKER).versions(f"{SERVER}/")}
    return Result(
        attempts=attempts,
        objects=len(before),
        bytes=sum(sizes[key] for key in before),
        intact=intact,
        locks_kept=locks,
        readable_after_attack=readable,
        told=told.status == 1 and "repository rewind" in told.output,
        put_back=len(plan.put_back),
        hidden=len(plan.hide),
        rewind_seconds=round(seconds, 1),
        same=sum(each in after and after[each][1] == before[each][1] for each in before),
        sets_before=sets_before,
        sets_after=_usable(estate),
        restic_check=check.status,
        drill=_run(here, "drill", SERVER).status,
    )


def _contents(repository: ResticRepository) -> Contents:
    """Read everything that a reader sees, but restic's own locks."""
    seen, reading = repository.versions(KeyRole.PRUNE), repository.versions(KeyRole.WORKER)
    visible = [
        v
        for v in seen.versions(f"{SERVER}/")
        if v.newest and not v.hidden and "/locks/" not in v.key
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        hashes = pool.map(lambda v: _hash(reading.read(v.key, v.id)), visible)
        locks = pool.map(lambda v: seen.lock(v.key, v.id), visible)
        return {v.key: (v.id, h, k) for v, h, k in zip(visible, hashes, locks, strict=True)}


def _still(repository: ResticRepository, before: Contents) -> tuple[int, int]:
    """Count the versions that are as they were, and the locks that are no shorter."""
    seen, reading = repository.versions(KeyRole.PRUNE), repository.versions(KeyRole.WORKER)
    intact, locks = 0, 0
    for key, (version, content, lock) in before.items():
        intact += _hash(reading.read(key, version)) == content
        now = seen.lock(key, version)
        locks += now is not None and lock is not None and now.until >= lock.until
    return intact, locks


def _usable(estate: Estate) -> int:
    try:
        sets, refused = usable_sets(estate)
    except ContinuityError:
        return 0
    return len([each for each in sets if each.id not in refused])


def _rewind(here: Lab, estate: Estate, plan: RewindPlan) -> float:
    began = time.monotonic()
    name = estate.declared.repository.rpartition("/")[2]
    to = f"{plan.to:%Y-%m-%dT%H:%M:%S}"
    _require(here, "repository", "rewind", name, "--to", to, "--approve", plan.digest)
    return time.monotonic() - began


def _run(here: Lab, *words: str) -> command_line.Ended:
    log = here.logs / "campaign" / f"attacker-{words[0]}.log"
    return command_line.start(here, *words, log=log).finish(_SECONDS)


def _require(here: Lab, *words: str) -> None:
    ended = _run(here, *words)
    if ended.status:
        lines = ended.output.strip().splitlines()
        raise ContinuityError(
            f"continuity {' '.join(words)}", lines[-1] if lines else "no output", "read its log"
        )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    typer.run(main)
