"""What the program and restic ask of a bucket with each key, and what a thief would ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from blocks.errors import PermissionDenied
from blocks.repositories.conditional import require_conditional_writes
from blocks.repositories.policies import KeyPurpose as P
from blocks.repositories.s3 import S3ObjectStore
from blocks.repositories.s3_versions import S3Versions
from blocks.types import Lock
from tests.contract.policy_worlds import SERVER, Enforced

PACK = f"{SERVER}/restic/data/ab/pack"
MANIFEST = f"{SERVER}/sets/s1/manifest.json"
PIECE = f"{SERVER}/20261128T000000.000Z-log-piece"
TEST = "self-test/old"
Calls = Sequence[Callable[[], object]]


def client(store: S3ObjectStore) -> Any:
    with store.border("") as made:
        return made


@dataclass(frozen=True)
class Furnished:
    """A bucket with something in it to ask for; versions by key."""

    enforced: Enforced
    versions: Mapping[str, str]

    def at(self, purpose: P) -> S3ObjectStore:
        """Return the repository with this key."""
        return self.enforced.with_key(purpose)

    def seen(self, purpose: P) -> S3Versions:
        return S3Versions(self.at(purpose))

    def state(self, purpose: P = P.RESTORE) -> S3ObjectStore:
        return self.at(purpose).model_copy(update={"bucket": self.enforced.state_bucket})

    def archive(self, purpose: P) -> S3ObjectStore:
        return self.enforced.with_key(purpose, self.enforced.archive.prefix)

    def archived(self, key: str) -> str:
        return self.versions[f"archive:{key}"]


def furnish(enforced: Enforced) -> Furnished:
    """Put there what the calls read, each with the key that would."""
    versions: dict[str, str] = {}
    made = Furnished(enforced, versions)
    writers = {PACK: P.SERVER, TEST: P.SERVER, MANIFEST: P.RESTORE}
    for key, writer in writers.items():
        made.at(writer).put(key, b"old")
        versions[key] = made.seen(P.RESTORE).versions(key)[0].id
    for key in (PIECE, TEST):
        made.archive(P.ARCHIVE).put(key, b"old")
        seen = S3Versions(made.archive(P.RESTORE)).versions(key)
        versions[f"archive:{key}"] = seen[0].id
    made.state().put("leases/web1.json", b"{}")
    return made


def repository_calls(here: Furnished) -> dict[P, Calls]:
    """Return what is asked of a repository, without locks."""
    mine, held = f"{SERVER}/restic/{uuid4().hex}", f"{SERVER}/restic/locks/{uuid4().hex}"
    server, restore, prune = (here.at(each) for each in (P.SERVER, P.RESTORE, P.PRUNE))
    seen, state = here.seen(P.RESTORE), here.state()
    return {
        P.SERVER: [
            lambda: server.list("key-check/"),
            lambda: server.put(mine, b"1"),
            lambda: server.get(PACK),
            lambda: server.put(held, b"1"),
            lambda: server.remove(held),
            lambda: server.put("self-test/new", b"1"),
            lambda: server.get(TEST),
        ],
        P.RESTORE: [
            lambda: restore.list(""),
            # Not its own: in Ceph who wrote an object may read it.
            lambda: restore.get(TEST),
            lambda: restore.put(MANIFEST, b"1"),
            lambda: restore.remove("probes/none"),
            lambda: seen.versions(""),
            lambda: seen.read(PACK, here.versions[PACK]),
            lambda: seen.put_back(PACK, here.versions[PACK]),
            *_rules(restore),
            lambda: require_conditional_writes(state, uuid4().hex),
            lambda: state.list("leases/"),
            lambda: state.get("leases/web1.json"),
            lambda: state.remove("probes/none"),
        ],
        P.PRUNE: [
            lambda: prune.list(f"{SERVER}/restic/"),
            lambda: here.seen(P.PRUNE).versions(f"{SERVER}/"),
            lambda: prune.get(PACK),
            lambda: prune.put(mine, b"1"),
            lambda: prune.remove(mine),
        ],
    }


def archive_calls(here: Furnished) -> dict[P, Calls]:
    """Return what is asked of an archive, without locks."""
    agent, restore = here.archive(P.ARCHIVE), here.archive(P.RESTORE)
    return {
        P.ARCHIVE: [lambda: agent.put(PIECE, b"1"), lambda: agent.put("self-test/new", b"1")],
        P.RESTORE: [
            lambda: restore.list(""),
            lambda: restore.get(PIECE),
            lambda: S3Versions(restore).versions("self-test/"),
            lambda: S3Versions(restore).read(TEST, here.archived(TEST)),
            *_rules(restore),
        ],
        P.PRUNE: [lambda: S3Versions(here.archive(P.PRUNE)).versions(f"{SERVER}/")],
    }


def _rules(store: S3ObjectStore) -> Calls:
    def lifecycle() -> None:
        try:
            client(store).get_bucket_lifecycle_configuration(Bucket=store.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
                raise

    return [lambda: client(store).get_bucket_versioning(Bucket=store.bucket), lifecycle]


def repository_locks(here: Furnished) -> dict[P, Calls]:
    """Return what is asked of the locks in a repository."""
    keys = (PACK, MANIFEST, TEST)
    return _locks(here.seen(P.RESTORE), here.seen(P.PRUNE), {k: here.versions[k] for k in keys})


def archive_locks(here: Furnished) -> dict[P, Calls]:
    """Return what is asked of the locks in an archive."""
    restore, prune = (S3Versions(here.archive(each)) for each in (P.RESTORE, P.PRUNE))
    return _locks(restore, prune, {key: here.archived(key) for key in (PIECE, TEST)})


def _locks(restore: S3Versions, prune: S3Versions, versions: Mapping[str, str]) -> dict[P, Calls]:
    longer = Lock("GOVERNANCE", datetime.now(UTC) + timedelta(days=30))
    first = next(iter(versions))
    return {
        P.RESTORE: [lambda: restore.lock(TEST, versions[TEST])],
        P.PRUNE: [
            lambda: prune.lock(first, versions[first]),
            *(lambda k=k, v=v: prune.lengthen(k, v, longer) for k, v in versions.items()),
        ],
    }


def thefts(here: Furnished, *, locks: bool) -> dict[str, Callable[[], object]]:
    """Return what no key may do, by who tries what."""
    tried = _trespasses(here)
    for purpose in P:
        tried |= {f"{purpose} {what}": call for what, call in _destruction(here, purpose).items()}
        if locks:
            tried |= {f"{purpose} {what}": call for what, call in _force(here, purpose).items()}
    return tried


def _destruction(here: Furnished, purpose: P) -> dict[str, Callable[[], object]]:
    store = here.at(purpose)
    s3, bucket = client(store), {"Bucket": store.bucket}
    rules = {"Rules": [{"ID": "x", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]}
    stopped = {"Status": "Suspended"}
    pack = bucket | {"Key": store.path(PACK)}
    return {
        "destroys a version": lambda: s3.delete_object(**pack, VersionId=here.versions[PACK]),
        "opens an object": lambda: s3.put_object_acl(**pack, ACL="public-read"),
        "changes the policy": lambda: s3.delete_bucket_policy(**bucket),
        "stops versions": lambda: s3.put_bucket_versioning(
            **bucket, VersioningConfiguration=stopped
        ),
        "lets versions expire": lambda: s3.put_bucket_lifecycle_configuration(
            **bucket, LifecycleConfiguration=rules
        ),
    }


def _force(here: Furnished, purpose: P) -> dict[str, Callable[[], object]]:
    store = here.at(purpose)
    s3, until = client(store), datetime.now(UTC) + timedelta(hours=1)
    where = {
        "Bucket": store.bucket,
        "Key": store.path(PACK),
        "VersionId": here.versions[PACK],
        "BypassGovernanceRetention": True,
    }
    soon = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    return {
        "destroys by force": lambda: s3.delete_object(**where),
        "shortens a lock": lambda: s3.put_object_retention(**where, Retention=soon),
    }


def _trespasses(here: Furnished) -> dict[str, Callable[[], object]]:
    """Return what is another key's business."""
    tried: dict[str, Callable[[], object]] = {
        "agent reads its own": lambda: here.archive(P.ARCHIVE).get(PIECE),
        "agent lists": lambda: here.archive(P.ARCHIVE).list(""),
        "agent hides": lambda: here.archive(P.ARCHIVE).remove(PIECE),
        "agent writes a backup": lambda: here.at(P.ARCHIVE).put(PACK, b"x"),
        "server hides a backup": lambda: here.at(P.SERVER).remove(PACK),
        "server lists versions": lambda: here.seen(P.SERVER).versions(""),
        "server writes to the archive": lambda: here.archive(P.SERVER).put(PIECE, b"x"),
        "server writes another's": lambda: here.at(P.SERVER).put("web2/restic/config", b"x"),
    }
    for purpose in (P.SERVER, P.PRUNE, P.ARCHIVE):
        store, state = here.at(purpose), here.state(purpose)
        tried |= {
            f"{purpose} reads a manifest": lambda s=store: s.get(MANIFEST),
            f"{purpose} writes a manifest": lambda s=store: s.put(MANIFEST, b"x"),
            f"{purpose} hides a manifest": lambda s=store: s.remove(MANIFEST),
            f"{purpose} reads leases": lambda s=state: s.get("leases/web1.json"),
            f"{purpose} writes leases": lambda s=state: s.put("leases/web1.json", b"x"),
        }
    return tried


def was_refused(call: Callable[[], object]) -> bool:
    """Run a call; return whether the store refused it."""
    try:
        call()
    except PermissionDenied:
        return True
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return True
    return False
