"""What a thief with a server's key would try: each must be refused, or change nothing.

Tried on the throw-away object only; for the bucket's rules, by writing those that are there again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

from botocore.exceptions import ClientError

from blocks.errors import NotFound, PermissionDenied
from blocks.repositories.s3_test_bench import Bench, Found, still_there, worked
from blocks.repositories.s3_versions import S3Versions
from blocks.types import CheckState, KeyRole

_ALL_REFUSED = "refusé aux clés du serveur, du poste et du ménage, même en forçant"
_KEYS = {
    KeyRole.SERVER: "la clé du serveur",
    KeyRole.WORKER: "la clé du poste",
    KeyRole.PRUNE: "la clé du ménage",
}


def overwrite(bench: Bench) -> Found:
    """Write over the object: the version stays."""
    with suppress(PermissionDenied):
        bench.store(KeyRole.SERVER).put(bench.key, b"overwritten")
    return still_there(bench, "la clé du serveur a écrasé l'objet")


def hide(bench: Bench) -> Found:
    """Delete the object without naming a version: the version stays."""
    try:
        bench.store(KeyRole.SERVER).remove(bench.key)
    except PermissionDenied:
        return still_there(bench, "la clé du serveur n'a pas pu cacher l'objet")
    return still_there(bench, "la clé du serveur a caché l'objet")


def destroy(bench: Bench) -> Found:
    """Delete the version itself, with every key, also with bypass."""
    done = _first(lambda role, more: _delete(bench, role, more))
    if done:
        return CheckState.NOT_HELD, f"{done} a détruit la version"
    return still_there(bench, _ALL_REFUSED)


def _delete(bench: Bench, role: KeyRole, more: dict[str, Any]) -> None:
    bench.client(role).delete_object(**bench.where, VersionId=bench.version, **more)
    with suppress(NotFound):
        S3Versions(bench.store(KeyRole.WORKER)).read(bench.key, bench.version)
        raise PermissionDenied(bench.key, "the version is still there", "nothing to do")


def shorten(bench: Bench) -> Found:
    """Make the lock end sooner, with every key, also with bypass."""
    if bench.locked is None:
        return CheckState.NOT_HELD, "il n'y a pas de verrou à raccourcir"
    soon = bench.at + timedelta(hours=1)
    done = _first(lambda role, more: _relock(bench, role, soon, more))
    if done:
        return CheckState.NOT_HELD, f"{done} a raccourci le verrou"
    return CheckState.HELD, _ALL_REFUSED


def _first(attempt: Callable[[KeyRole, dict[str, Any]], object]) -> str:
    """Try with every key, without and with bypass; name the first that was let through, or ""."""
    for role, bypass in product(_KEYS, (False, True)):
        more = {"BypassGovernanceRetention": True} if bypass else {}
        if worked(partial(attempt, role, more)):
            return f"{_KEYS[role]}{', en forçant,' if bypass else ''}"
    return ""


def lengthen(bench: Bench) -> Found:
    """Make the lock last longer: the retention's key may, the server's may not."""
    if bench.locked is None:
        return CheckState.NOT_HELD, "il n'y a pas de verrou à prolonger"
    later = bench.locked.until + timedelta(hours=1)
    if worked(lambda: _relock(bench, KeyRole.SERVER, later)):
        return (
            CheckState.NOT_HELD,
            "la clé du serveur peut prolonger, donc faire grossir la facture",
        )
    if not worked(lambda: _relock(bench, KeyRole.PRUNE, later)):
        return (
            CheckState.NOT_HELD,
            "la clé du ménage ne peut pas prolonger : les verrous expireront",
        )
    return CheckState.HELD, "la clé du ménage prolonge, celle du serveur non"


def _relock(
    bench: Bench, role: KeyRole, until: datetime, more: dict[str, Any] | None = None
) -> None:
    assert bench.locked is not None  # noqa: S101 - looked at before
    kept = {"Mode": bench.locked.mode, "RetainUntilDate": until}
    bench.client(role).put_object_retention(
        **bench.where, VersionId=bench.version, Retention=kept, **(more or {})
    )


def lifecycle(bench: Bench) -> Found:
    """Write rules of expiry."""
    try:
        told = bench.client(KeyRole.WORKER).get_bucket_lifecycle_configuration(**bench.bucket)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        return CheckState.UNTESTED, f"les règles en place ne peuvent pas être lues ({code})"
    if "Rules" not in told:
        return CheckState.UNTESTED, "le stockage ne dit rien de ses règles d'expiration"
    server = bench.client(KeyRole.SERVER)
    rules: Any = {"Rules": told["Rules"]}
    if worked(
        lambda: server.put_bucket_lifecycle_configuration(
            **bench.bucket, LifecycleConfiguration=rules
        )
    ):
        return CheckState.NOT_HELD, "la clé du serveur peut écrire des règles d'expiration"
    return (
        CheckState.HELD,
        "la clé du serveur ne peut pas écrire de règle d'expiration",
    )
