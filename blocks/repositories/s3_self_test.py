"""Find out what a bucket really does: real calls with each key, on an object of our own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import datetime
from secrets import token_hex

from blocks.errors import ContinuityError, Unsupported
from blocks.repositories import s3_test_abilities as abilities
from blocks.repositories import s3_test_attacks as attacks
from blocks.repositories.base import ObjectStore
from blocks.repositories.policies import SELF_TEST
from blocks.repositories.s3_test_bench import CONTENT, Bench, Found, Tested
from blocks.repositories.s3_versions import S3Versions
from blocks.types import BucketCheck, CheckResult, CheckState, KeyRole, SelfTest

_TESTS: dict[BucketCheck, Callable[[Bench], Found]] = {
    BucketCheck.VERSIONING: abilities.versioning,
    BucketCheck.DEFAULT_LOCK: abilities.default_lock,
    BucketCheck.RANGE: abilities.ranges,
    BucketCheck.MULTIPART: abilities.multipart,
    BucketCheck.CONDITIONAL: abilities.conditional,
    BucketCheck.OVERWRITE: attacks.overwrite,
    BucketCheck.HIDE: attacks.hide,
    BucketCheck.DESTROY: attacks.destroy,
    BucketCheck.SHORTEN: attacks.shorten,
    BucketCheck.LENGTHEN: attacks.lengthen,
    BucketCheck.LIFECYCLE: attacks.lifecycle,
}


def self_test(
    tested: Tested,
    at: datetime,
    state: ObjectStore | None = None,
    checks: Collection[BucketCheck] = tuple(BucketCheck),
) -> SelfTest:
    """Try what is to be checked, and hide the traces again.

    Args:
        tested: Whose bucket and keys.
        at: The time.
        state: Where conditional writes must hold; without it that is not tested.
        checks: What the bucket must do for its owner.
    """
    bench = Bench(tested, state, at, f"{SELF_TEST}/{at:%Y%m%dT%H%M%S}-{token_hex(4)}")
    worker = S3Versions(bench.store(KeyRole.WORKER))
    try:
        bench.store(KeyRole.SERVER).put(bench.key, CONTENT)
        bench.written = {bench.key}
        bench.version = _version_of(worker, bench.key)
        results = tuple(_tried(bench, checks))
    finally:
        for key in bench.written:
            with suppress(ContinuityError):
                bench.store(KeyRole.WORKER).remove(key)
    mode = bench.locked.mode if bench.locked else ""
    return SelfTest(tested.place(), at, results, mode)


def _version_of(worker: S3Versions, key: str) -> str:
    """Return an object's version; a store that knows none calls it as one without versioning."""
    try:
        return worker.versions(key)[0].id
    except Unsupported:
        return "null"


def _tried(bench: Bench, checks: Collection[BucketCheck]) -> Iterator[CheckResult]:
    for check, test in _TESTS.items():
        if check not in checks:
            continue
        try:
            with bench.store(KeyRole.WORKER).border(bench.key):
                state, evidence = test(bench)
        except ContinuityError as error:
            state, evidence = CheckState.UNTESTED, error.cause
        yield CheckResult(check, state, evidence)
