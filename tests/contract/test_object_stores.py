"""One suite for every object store: in memory, S3 by moto, Ceph RGW (lab), and S3 on a bad day."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from blocks.errors import (
    AlreadyExists,
    AuthenticationFailed,
    ConfigurationError,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    Unavailable,
    Unreachable,
)
from blocks.repositories.base import ObjectStore
from blocks.repositories.conditional import require_conditional_writes
from deployments.lab.config import Lab
from tests.contract.repository_worlds import ceph_store
from tests.fakes.loopback_rclone import rclone_server
from tests.fakes.loopback_s3 import FaultyProxy, LoopbackS3, Mode, faulty_proxy, moto_server
from tests.fakes.loopback_sshd import free_port
from tests.fakes.memory_objects import MemoryObjects


@pytest.fixture
def key() -> str:
    return f"sets/{uuid4().hex}.json"


# --- the contract ---


def test_what_was_put_is_read_again(objects: ObjectStore, key: str) -> None:
    content = b"\0one\xff" * 1000
    etag = objects.put(key, content)
    assert objects.get(key) == content
    assert objects.etag(key) == etag
    objects.put(key, b"two")
    assert objects.get(key) == b"two"
    assert objects.etag(key) != etag


def test_streams_come_in_pieces_of_at_most_one_mebibyte(objects: ObjectStore, key: str) -> None:
    content = bytes(range(256)) * 4096 * 2 + b"end"
    objects.put(key, content)
    pieces = list(objects.stream(key))
    assert b"".join(pieces) == content
    assert max(len(piece) for piece in pieces) <= 1024 * 1024


def test_missing_objects_are_not_found(objects: ObjectStore, key: str) -> None:
    with pytest.raises(NotFound, match=key):
        objects.get(key)
    with pytest.raises(NotFound, match=key):
        objects.etag(key)
    with pytest.raises(NotFound, match=key):
        list(objects.stream(key))


def test_etag_is_of_this_object_and_not_of_one_that_starts_alike(
    objects: ObjectStore, key: str
) -> None:
    objects.put(key + ".old", b"other")
    with pytest.raises(NotFound):
        objects.etag(key)


def test_a_new_object_is_written_once(objects: ObjectStore, key: str) -> None:
    etag = objects.put_if_absent(key, b"first")
    with pytest.raises(AlreadyExists):
        objects.put_if_absent(key, b"second")
    assert (objects.get(key), objects.etag(key)) == (b"first", etag)


def test_an_object_is_replaced_only_as_it_was_read(objects: ObjectStore, key: str) -> None:
    old = objects.put(key, b"one")
    new = objects.put_if_match(key, b"two", old)
    assert new == objects.etag(key)
    with pytest.raises(AlreadyExists):
        objects.put_if_match(key, b"three", old)
    assert objects.get(key) == b"two"
    objects.remove(key)
    with pytest.raises(AlreadyExists):
        objects.put_if_match(key, b"four", new)


def test_of_many_writers_one_wins(objects: ObjectStore, key: str) -> None:
    def write(number: int) -> int:
        try:
            objects.put_if_absent(key, b"%d" % number)
        except AlreadyExists:
            return -1
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(write, range(8)) if number >= 0]
    assert len(winners) == 1
    assert objects.get(key) == b"%d" % winners[0]


def test_lists_are_sorted_complete_and_relative(objects: ObjectStore) -> None:
    folder = uuid4().hex
    names = [f"{folder}/{number:04d}" for number in range(1003)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: objects.put(name, name.encode()), reversed(names)))
    objects.put(f"{folder}x", b"")
    found = objects.list(f"{folder}/")
    assert [each.key for each in found] == names
    assert {each.size for each in found} == {len(names[0])}
    assert all(each.modified.tzinfo for each in found)
    assert found[7].etag == objects.etag(names[7])
    assert objects.list(f"{folder}/none") == ()


def test_removing_is_idempotent(objects: ObjectStore, key: str) -> None:
    objects.put(key, b"x")
    objects.remove(key)
    objects.remove(key)
    assert objects.list(key) == ()


def test_an_s3_store_survives_pickling_after_use(s3: LoopbackS3) -> None:
    store = s3.store("continuity")
    store.put("pickled", b"x")
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own
    assert again == store
    assert again.get("pickled") == b"x"


def test_stores_prove_that_conditional_writes_hold(objects: ObjectStore) -> None:
    require_conditional_writes(objects, uuid4().hex)


def test_where_there_are_no_conditions_it_looks_first_and_holds_no_lease(tmp_path: Path) -> None:
    """Backblaze B2 refuses the headers, rclone ignores them: neither gets any."""
    with rclone_server(tmp_path) as rclone:
        store = rclone.store(profile="backblaze")
        etag = store.put_if_absent("sets/one", b"first")
        for again in (
            lambda: store.put_if_absent("sets/one", b"second"),
            lambda: store.put_if_match("sets/one", b"second", "0" * 32),
            lambda: store.put_if_match("sets/none", b"second", etag),
        ):
            with pytest.raises(AlreadyExists):
                again()
        assert store.get("sets/one") == b"first"
        store.put_if_match("sets/one", b"second", etag)
        assert store.get("sets/one") == b"second"
        with pytest.raises(ConfigurationError, match=r"no conditional writes.*copies"):
            require_conditional_writes(store, "web1")


class Careless(MemoryObjects):
    """A store that ignores conditions, as Ceph does in a versioned bucket."""

    _block_type_slug = "careless-memory-store"

    def put_if_absent(self, key: str, content: bytes) -> str:
        return self.put(key, content)


class Stubborn(MemoryObjects):
    """A store in which no condition is ever fulfilled."""

    _block_type_slug = "stubborn-memory-store"

    def put_if_match(self, key: str, content: bytes, etag: str) -> str:
        return super().put_if_match(key, content, "other")


@pytest.mark.parametrize(("kind", "cause"), [(Careless, "None-Match"), (Stubborn, "no writer")])
def test_stores_without_conditional_writes_are_refused(
    kind: type[MemoryObjects], cause: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"{cause}.*state_bucket"):
        require_conditional_writes(kind(), "web1")


@pytest.mark.lab
def test_the_lab_keeps_no_lease_in_its_versioned_bucket(ceph: Lab) -> None:
    with pytest.raises(ConfigurationError, match="state_bucket"):
        require_conditional_writes(ceph_store(ceph)[0], uuid4().hex)


# --- S3 on a bad day: each error names the object, the cause, and what to do ---


@pytest.fixture
def proxy(s3: LoopbackS3) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3.port) as running:
        yield running


def test_missing_bucket(s3: LoopbackS3) -> None:
    store = s3.store("nowhere")
    calls: tuple[Any, ...] = (
        lambda: store.get("a"),
        lambda: store.put("a", b""),
        lambda: store.put_if_match("a", b"", '"x"'),
        lambda: store.etag("a"),
        lambda: store.list(""),
    )
    for call in calls:
        with pytest.raises(NotFound, match=r"nowhere.*NoSuchBucket.*create the bucket"):
            call()


def test_wrong_keys_and_missing_rights(tmp_path_factory: pytest.TempPathFactory) -> None:
    with moto_server(tmp_path_factory.mktemp("moto"), open_calls=3) as service:
        service.make_bucket("continuity")
        users: Any = service.client("iam")
        users.create_user(UserName="nobody")
        pair = users.create_access_key(UserName="nobody")["AccessKey"]
        given = {"access_key": pair["AccessKeyId"], "secret_key": pair["SecretAccessKey"]}
        with pytest.raises(PermissionDenied, match=r"continuity.*AccessDenied.*policy"):
            service.store("continuity", **given).put("a", b"")
        with pytest.raises(AuthenticationFailed, match="secret_key"):
            service.store("continuity", **given | {"secret_key": "wrong"}).get("a")
        with pytest.raises(AuthenticationFailed, match="access_key"):
            service.store("continuity", **given | {"access_key": "AKIAUNKNOWN"}).list("")


def test_nothing_listens() -> None:
    store = LoopbackS3(free_port()).store("continuity")
    with pytest.raises(Unreachable, match=r"endpoint"):
        store.get("a")


def test_unknown_name() -> None:
    with pytest.raises(Unreachable):
        LoopbackS3(1).store("continuity", endpoint="http://no-such-host.invalid").list("")


def test_answering_503(s3: LoopbackS3, proxy: FaultyProxy) -> None:
    proxy.mode = Mode.BUSY
    with pytest.raises(Unavailable, match="SlowDown") as caught:
        LoopbackS3(proxy.port).store("continuity").get("a")
    assert caught.value.transient


def test_silent(s3: LoopbackS3, proxy: FaultyProxy) -> None:
    proxy.mode = Mode.SILENT
    store = LoopbackS3(proxy.port).store("continuity", read_timeout_seconds=0.3)
    with pytest.raises(DeadlineExceeded, match="did not answer in time"):
        store.get("a")


def test_dying_during_the_upload(s3: LoopbackS3, proxy: FaultyProxy) -> None:
    proxy.cut_after(300_000)
    store = LoopbackS3(proxy.port).store("continuity", prefix="cut")
    with pytest.raises(Unreachable):
        store.put("big", b"x" * 5_000_000)
    proxy.mode = Mode.FINE
    assert store.list("") == ()
    store.put("big", b"x" * 5_000_000)
    assert len(store.get("big")) == 5_000_000


def test_a_lost_answer_is_not_taken_for_another_writer(s3: LoopbackS3, proxy: FaultyProxy) -> None:
    store = LoopbackS3(proxy.port).store("continuity", prefix="lost")
    proxy.lose_next_answer()
    etag = store.put_if_absent("lease", b"mine")
    assert proxy.lost == 1
    assert store.etag("lease") == etag


def test_an_answer_that_comes_with_the_go_ahead_is_lost_too() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as upstream,
        faulty_proxy(upstream.getsockname()[1]) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), 5) as client,
    ):
        proxy.lose_next_answer()
        server, _ = upstream.accept()
        server.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        server.close()
        assert client.recv(100) == b""
        assert proxy.lost == 1


def test_missing_ca_file(s3: LoopbackS3) -> None:
    with pytest.raises(ConfigurationError, match=r"/none\.pem"):
        s3.store("continuity", ca_file="/none.pem").get("a")


def test_bad_bucket_name(s3: LoopbackS3) -> None:
    with pytest.raises(ConfigurationError, match="bucket"):
        s3.store("not a bucket").get("a")
