"""Find out what a bucket really does: real calls with each key, on an object of our own.

What is tried is what an attacker would try. An attempt that must be refused is made on the
throw-away object only; for the bucket's rules, by writing the rules that are there once more.
The evidence is in French: operators read it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from secrets import token_bytes, token_hex
from typing import Any, Protocol

from botocore.exceptions import ClientError

from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    NotFound,
    PermissionDenied,
    Unsupported,
)
from blocks.repositories.base import ObjectStore
from blocks.repositories.conditional import require_conditional_writes
from blocks.repositories.s3 import S3ObjectStore
from blocks.repositories.s3_versions import S3Versions
from blocks.types import BucketCheck, CheckResult, CheckState, KeyRole, Lock, SelfTest

_FOLDER = "self-test"
_ALL_REFUSED = "refusé aux clés du serveur, du poste et du ménage, même en forçant"
_ROLES = (KeyRole.SERVER, KeyRole.WORKER, KeyRole.PRUNE)
_PART = 5 * 1024 * 1024
_CONTENT = b"omniweb-continuity self-test"
_REFUSED = {400, 403, 404, 405, 409}
Found = tuple[CheckState, str]


class Tested(Protocol):
    """What the test needs of a repository or an archive."""

    def place(self) -> str: ...
    def store_of(self, role: KeyRole) -> S3ObjectStore: ...


@dataclass
class _Bench:
    """One test: the bucket seen with each key, and the object that everything is tried on."""

    tested: Tested
    state: ObjectStore | None
    at: datetime
    key: str
    version: str = ""
    locked: Lock | None = None
    written: set[str] = field(default_factory=set)

    def store(self, role: KeyRole) -> S3ObjectStore:
        return self.tested.store_of(role)

    def client(self, role: KeyRole) -> Any:  # noqa: ANN401 - its calls get dictionaries
        with self.store(role).border(self.key) as client:
            return client

    @property
    def where(self) -> dict[str, str]:
        return {"Bucket": self.store(KeyRole.WORKER).bucket, "Key": self.path(self.key)}

    @property
    def bucket(self) -> dict[str, str]:
        return {"Bucket": self.store(KeyRole.WORKER).bucket}

    def path(self, key: str) -> str:
        return self.store(KeyRole.WORKER).path(key)


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
    bench = _Bench(tested, state, at, f"{_FOLDER}/{at:%Y%m%dT%H%M%S}-{token_hex(4)}")
    worker = S3Versions(bench.store(KeyRole.WORKER))
    try:
        bench.store(KeyRole.SERVER).put(bench.key, _CONTENT)
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


def _tried(bench: _Bench, checks: Collection[BucketCheck]) -> Iterator[CheckResult]:
    for check, test in _TESTS.items():
        if check not in checks:
            continue
        try:
            with bench.store(KeyRole.WORKER).border(bench.key):
                state, evidence = test(bench)
        except ContinuityError as error:
            state, evidence = CheckState.UNTESTED, error.cause
        yield CheckResult(check, state, evidence)


def _versioning(bench: _Bench) -> Found:
    told = bench.client(KeyRole.WORKER).get_bucket_versioning(**bench.bucket)
    status = told.get("Status", "jamais activée")
    return _held(
        status == "Enabled" and bench.version != "null", f"gestion des versions : {status}"
    )


def _default_lock(bench: _Bench) -> Found:
    bench.locked = S3Versions(bench.store(KeyRole.WORKER)).lock(bench.key, bench.version)
    if bench.locked is None:
        return CheckState.NOT_HELD, "un objet neuf n'a pas de verrou"
    span = bench.locked.until - bench.at
    hours = f"{span / timedelta(hours=1):.0f} h"
    text = f"un objet neuf est verrouillé {hours} ({bench.locked.mode})"
    return _held(span >= timedelta(hours=23), text)


def _overwrite(bench: _Bench) -> Found:
    with suppress(PermissionDenied):
        bench.store(KeyRole.SERVER).put(bench.key, b"overwritten")
    return _still_there(bench, "la clé du serveur a écrasé l'objet")


def _hide(bench: _Bench) -> Found:
    try:
        bench.store(KeyRole.SERVER).remove(bench.key)
    except PermissionDenied:
        return _still_there(bench, "la clé du serveur n'a pas pu cacher l'objet")
    return _still_there(bench, "la clé du serveur a caché l'objet")


def _destroy(bench: _Bench) -> Found:
    done = _first(lambda role, more: _delete(bench, role, more))
    if done:
        return CheckState.NOT_HELD, f"{done} a détruit la version"
    return _still_there(bench, _ALL_REFUSED)


def _delete(bench: _Bench, role: KeyRole, more: dict[str, Any]) -> None:
    bench.client(role).delete_object(**bench.where, VersionId=bench.version, **more)
    with suppress(NotFound):
        S3Versions(bench.store(KeyRole.WORKER)).read(bench.key, bench.version)
        raise PermissionDenied(bench.key, "the version is still there", "nothing to do")


def _shorten(bench: _Bench) -> Found:
    if bench.locked is None:
        return CheckState.NOT_HELD, "il n'y a pas de verrou à raccourcir"
    soon = bench.at + timedelta(hours=1)
    done = _first(lambda role, more: _relock(bench, role, soon, more))
    if done:
        return CheckState.NOT_HELD, f"{done} a raccourci le verrou"
    return CheckState.HELD, _ALL_REFUSED


def _first(attempt: Callable[[KeyRole, dict[str, Any]], object]) -> str:
    """Try with every key, without and with bypass; name the first that was let through, or ""."""
    for role, bypass in product(_ROLES, (False, True)):
        more = {"BypassGovernanceRetention": True} if bypass else {}
        if _worked(partial(attempt, role, more)):
            return f"la clé {role}{', en forçant,' if bypass else ''}"
    return ""


def _lengthen(bench: _Bench) -> Found:
    if bench.locked is None:
        return CheckState.NOT_HELD, "il n'y a pas de verrou à prolonger"
    later = bench.locked.until + timedelta(hours=1)
    if _worked(lambda: _relock(bench, KeyRole.SERVER, later)):
        return (
            CheckState.NOT_HELD,
            "la clé du serveur peut prolonger, donc faire grossir la facture",
        )
    if not _worked(lambda: _relock(bench, KeyRole.PRUNE, later)):
        return (
            CheckState.NOT_HELD,
            "la clé du ménage ne peut pas prolonger : les verrous expireront",
        )
    return CheckState.HELD, "la clé du ménage prolonge, celle du serveur non"


def _relock(
    bench: _Bench, role: KeyRole, until: datetime, more: dict[str, Any] | None = None
) -> None:
    assert bench.locked is not None  # noqa: S101 - looked at before
    kept = {"Mode": bench.locked.mode, "RetainUntilDate": until}
    bench.client(role).put_object_retention(
        **bench.where, VersionId=bench.version, Retention=kept, **(more or {})
    )


def _lifecycle(bench: _Bench) -> Found:
    try:
        told = bench.client(KeyRole.WORKER).get_bucket_lifecycle_configuration(**bench.bucket)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        return CheckState.UNTESTED, f"les règles en place ne peuvent pas être lues ({code})"
    if "Rules" not in told:
        return CheckState.UNTESTED, "le stockage ne dit rien de ses règles d'expiration"
    server = bench.client(KeyRole.SERVER)
    rules: Any = {"Rules": told["Rules"]}
    if _worked(
        lambda: server.put_bucket_lifecycle_configuration(
            **bench.bucket, LifecycleConfiguration=rules
        )
    ):
        return CheckState.NOT_HELD, "la clé du serveur peut écrire des règles d'expiration"
    return (
        CheckState.HELD,
        "la clé du serveur ne peut pas écrire de règle d'expiration",
    )


def _conditional(bench: _Bench) -> Found:
    if bench.state is None:
        return CheckState.UNTESTED, "rien n'y est écrit sous condition"
    try:
        require_conditional_writes(bench.state, _FOLDER)
    except ConfigurationError as error:
        return CheckState.NOT_HELD, error.cause
    finally:
        bench.state.remove(f"probes/{_FOLDER}.json")
    return CheckState.HELD, "de deux écritures, une est refusée (If-None-Match, If-Match)"


def _range(bench: _Bench) -> Found:
    answer = bench.client(KeyRole.SERVER).get_object(
        **bench.where,
        VersionId=bench.version,
        Range="bytes=8-17",
    )
    got = answer["Body"].read()
    return _held(got == _CONTENT[8:18], f"10 octets demandés, {len(got)} reçus")


def _multipart(bench: _Bench) -> Found:
    client, key = bench.client(KeyRole.SERVER), f"{bench.key}-parts"
    where: dict[str, Any] = {**bench.bucket, "Key": bench.path(key)}
    upload = client.create_multipart_upload(**where)["UploadId"]
    bench.written.add(key)
    content = token_bytes(1024) * (_PART // 1024)
    try:
        parts = [
            {"PartNumber": number, "ETag": _part(client, where, upload, number, body)}
            for number, body in enumerate((content, b"end"), 1)
        ]
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    except ClientError:
        client.abort_multipart_upload(**where, UploadId=upload)
        raise
    same = bench.store(KeyRole.WORKER).get(key) == content + b"end"
    return _held(same, f"deux morceaux assemblés, {len(content) + 3} octets")


def _part(client: Any, where: dict[str, Any], upload: str, number: int, body: bytes) -> str:  # noqa: ANN401
    answer = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)
    return str(answer["ETag"])


def _still_there(bench: _Bench, text: str) -> Found:
    """Look whether the first version is still what was written."""
    try:
        content = S3Versions(bench.store(KeyRole.WORKER)).read(bench.key, bench.version)
    except ContinuityError as error:
        return CheckState.NOT_HELD, f"{text} ; la version a disparu ({error.cause})"
    return _held(content == _CONTENT, f"{text} ; la version est toujours là")


def _worked(attempt: Callable[[], object]) -> bool:
    """Return whether an attempt was let through; False if it was refused.

    Raises:
        ClientError: The store could not answer, so nothing is known.
    """
    try:
        attempt()
    except PermissionDenied:
        return False
    except ClientError as error:
        if int(error.response["ResponseMetadata"]["HTTPStatusCode"]) not in _REFUSED:
            raise
        return False
    return True


def _held(true: bool, evidence: str) -> Found:
    return (CheckState.HELD if true else CheckState.NOT_HELD), evidence


_TESTS: dict[BucketCheck, Callable[[_Bench], Found]] = {
    BucketCheck.VERSIONING: _versioning,
    BucketCheck.DEFAULT_LOCK: _default_lock,
    BucketCheck.RANGE: _range,
    BucketCheck.MULTIPART: _multipart,
    BucketCheck.CONDITIONAL: _conditional,
    BucketCheck.OVERWRITE: _overwrite,
    BucketCheck.HIDE: _hide,
    BucketCheck.DESTROY: _destroy,
    BucketCheck.SHORTEN: _shorten,
    BucketCheck.LENGTHEN: _lengthen,
    BucketCheck.LIFECYCLE: _lifecycle,
}
