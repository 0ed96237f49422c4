"""The lab's object storage: what recoveries rest on is shown here, not taken on trust."""

import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network

import pytest
from botocore.exceptions import ClientError

from deployments.lab import lab as whole
from deployments.lab import machines, storage
from deployments.lab.config import ROOT, Lab
from deployments.lab.storage_rules import BUCKET, STATE_BUCKET, USERS

READERS = ("worker", "server", "prune")

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One machine in its own lab, so that nothing here meets another test's recovery."""
    here = Lab("services", IPv4Network("10.89.78.0/24"), ROOT / "var" / "lab" / "services")
    try:
        whole.foundation(here)
        machines.start(here, "storage", "storage", here.storage)
        storage.configure(here)
        yield here
    finally:
        whole.down(here)


def _put(lab: Lab, user: str, key: str, body: bytes = b"1", **conditions: str) -> str:
    client = storage.client(lab, user)
    return client.put_object(Bucket=BUCKET, Key=key, Body=body, **conditions)["VersionId"]


def _get(lab: Lab, user: str, key: str, **version: str) -> bytes:
    return storage.client(lab, user).get_object(Bucket=BUCKET, Key=key, **version)["Body"].read()


def _refusal(call: object, *words: object, **named: object) -> int:
    with pytest.raises(ClientError) as refused:
        call(*words, **named)  # type: ignore[operator]
    return int(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.fixture
def folder() -> str:
    return f"test-{secrets.token_hex(4)}/web1"


def test_configuring_again_changes_nothing(lab: Lab, folder: str) -> None:
    _put(lab, "worker", f"{folder}/a", b"kept")
    storage.configure(lab)
    assert _get(lab, "worker", f"{folder}/a") == b"kept"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", READERS)
def test_every_key_reads_what_another_wrote(
    lab: Lab, folder: str, reader: str, writer: str
) -> None:
    _put(lab, writer, f"{folder}/restic/data/a", writer.encode())
    assert _get(lab, reader, f"{folder}/restic/data/a") == writer.encode()
    listed = storage.client(lab, reader).list_objects_v2(Bucket=BUCKET, Prefix=folder)
    assert [item["Key"] for item in listed["Contents"]] == [f"{folder}/restic/data/a"]


def test_the_server_key_deletes_nothing_but_locks(lab: Lab, folder: str) -> None:
    delete = storage.client(lab, "server").delete_object
    for kind in ("data/ab", "snapshots", "index", "keys"):
        _put(lab, "server", f"{folder}/restic/{kind}/a")
        assert _refusal(delete, Bucket=BUCKET, Key=f"{folder}/restic/{kind}/a") == 403
        assert _get(lab, "server", f"{folder}/restic/{kind}/a") == b"1"
    _put(lab, "server", f"{folder}/restic/locks/a")
    delete(Bucket=BUCKET, Key=f"{folder}/restic/locks/a")
    assert _refusal(_get, lab, "server", f"{folder}/restic/locks/a") == 404


@pytest.mark.parametrize(
    "kind", ["sets/s1/manifest.json", "incidents/i/1.json", "leases/web1.json"]
)
def test_the_server_key_writes_no_manifest_journal_or_lease(
    lab: Lab, folder: str, kind: str
) -> None:
    assert _refusal(_put, lab, "server", f"{folder}/{kind}") == 403
    assert _put(lab, "worker", f"{folder}/{kind}")


def test_the_server_key_cannot_change_the_rules(lab: Lab) -> None:
    client = storage.client(lab, "server")
    assert _refusal(client.delete_bucket_policy, Bucket=BUCKET) == 403
    suspended = {"Status": "Suspended"}
    versioning = client.put_bucket_versioning
    assert _refusal(versioning, Bucket=BUCKET, VersioningConfiguration=suspended) == 403


def test_an_overwritten_object_is_still_there(lab: Lab, folder: str) -> None:
    good = _put(lab, "server", f"{folder}/restic/data/pack", b"good")
    _put(lab, "server", f"{folder}/restic/data/pack", b"evil")
    assert _get(lab, "worker", f"{folder}/restic/data/pack") == b"evil"
    assert _get(lab, "worker", f"{folder}/restic/data/pack", VersionId=good) == b"good"


def test_pruning_hides_and_nobody_destroys(lab: Lab, folder: str) -> None:
    key = f"{folder}/restic/data/pack"
    version = _put(lab, "server", key, b"good")
    storage.client(lab, "prune").delete_object(Bucket=BUCKET, Key=key)
    assert _refusal(_get, lab, "worker", key) == 404
    for user in USERS:
        destroy = storage.client(lab, user).delete_object
        assert _refusal(destroy, Bucket=BUCKET, Key=key, VersionId=version) == 403
        bypass = {"BypassGovernanceRetention": True}
        assert _refusal(destroy, Bucket=BUCKET, Key=key, VersionId=version, **bypass) == 403
    assert _get(lab, "worker", key, VersionId=version) == b"good"


def _answer(lab: Lab, bucket: str, key: str, body: bytes, **conditions: str) -> int:
    """Write under a condition; return the HTTP status."""
    try:
        storage.client(lab, "worker").put_object(Bucket=bucket, Key=key, Body=body, **conditions)
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return 200


def test_conditional_writes_are_refused_with_412(lab: Lab, folder: str) -> None:
    def write(body: bytes, **conditions: str) -> int:
        return _answer(lab, STATE_BUCKET, folder, body, **conditions)

    def read() -> bytes:
        return client.get_object(Bucket=STATE_BUCKET, Key=folder)["Body"].read()

    client = storage.client(lab, "worker")
    assert write(b"first", IfNoneMatch="*") == 200
    assert write(b"second", IfNoneMatch="*") == 412
    assert write(b"second", IfMatch="0123456789abcdef0123456789abcdef") == 412
    assert read() == b"first"
    etag = client.head_object(Bucket=STATE_BUCKET, Key=folder)["ETag"].strip('"')
    assert write(b"second", IfMatch=etag) == 200
    assert write(b"third", IfMatch=etag) == 412
    assert read() == b"second"


@pytest.mark.parametrize("condition", ["IfNoneMatch", "IfMatch"])
def test_of_many_writers_one_wins(lab: Lab, folder: str, condition: str) -> None:
    client = storage.client(lab, "worker")
    wanted = "*"
    if condition == "IfMatch":
        wanted = client.put_object(Bucket=STATE_BUCKET, Key=folder, Body=b"-")["ETag"].strip('"')

    def write(number: int) -> int:
        return _answer(lab, STATE_BUCKET, folder, f"{number}".encode(), **{condition: wanted})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(8)))
    assert sorted(answers) == [200] + [412] * 7
    kept = client.get_object(Bucket=STATE_BUCKET, Key=folder)["Body"].read()
    assert kept == f"{answers.index(200)}".encode()


def test_a_versioned_bucket_has_no_conditional_writes(lab: Lab, folder: str) -> None:
    """The reason for the second bucket: when this fails, Ceph has learned it."""
    assert _answer(lab, BUCKET, folder, b"first", IfNoneMatch="*") == 200
    assert _answer(lab, BUCKET, folder, b"second", IfNoneMatch="*") == 200
    etag = storage.client(lab, "worker").head_object(Bucket=BUCKET, Key=folder)["ETag"].strip('"')
    assert _answer(lab, BUCKET, folder, b"third", IfMatch=etag) == 412


@pytest.mark.parametrize("user", ["server", "prune"])
def test_state_is_the_workers_alone(lab: Lab, folder: str, user: str) -> None:
    client = storage.client(lab, user)
    storage.client(lab, "worker").put_object(Bucket=STATE_BUCKET, Key=folder, Body=b"1")
    assert _refusal(client.get_object, Bucket=STATE_BUCKET, Key=folder) == 403
    assert _refusal(client.put_object, Bucket=STATE_BUCKET, Key=folder, Body=b"2") == 403
    assert _refusal(client.delete_object, Bucket=STATE_BUCKET, Key=folder) == 403
    assert _refusal(client.list_objects_v2, Bucket=STATE_BUCKET) == 403


def test_throughput_lets_a_demo_end_in_time(lab: Lab, folder: str) -> None:
    size, count = 16 * 2**20, 16
    body = os.urandom(size)
    with ThreadPoolExecutor(5) as pool:
        begun = time.monotonic()
        list(
            pool.map(lambda n: _put(lab, "server", f"{folder}/restic/data/{n}", body), range(count))
        )
        written = time.monotonic()
        read = list(
            pool.map(lambda n: _get(lab, "server", f"{folder}/restic/data/{n}"), range(count))
        )
        ended = time.monotonic()
    assert all(content == body for content in read)
    total = size * count / 1e6
    put, get = total / (written - begun), total / (ended - written)
    print(f"\nobject storage: put {put:.0f} MB/s, get {get:.0f} MB/s")
    # An order of magnitude below what a quiet machine shows: only a broken store is that slow.
    assert put > 5
    assert get > 10


def test_the_bucket_survives_a_power_cut(lab: Lab, folder: str) -> None:
    version = _put(lab, "worker", f"{folder}/a", b"acknowledged")
    machines.provider(lab).power_off("storage")
    machines.start(lab, "storage", "storage", lab.storage)
    begun = time.monotonic()
    storage.configure(lab)
    print(f"\nobject storage: answers {time.monotonic() - begun:.1f} s after sshd")
    assert _get(lab, "worker", f"{folder}/a", VersionId=version) == b"acknowledged"
