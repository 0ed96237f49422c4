"""Reading what restic writes, on output recorded with the pinned release (tests/data/restic)."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ContinuityError,
    DamagedData,
    DeadlineExceeded,
    DiskFull,
    NotFound,
    PermissionDenied,
    ProviderError,
    Unavailable,
    Unreachable,
)
from blocks.repositories.restic_failures import (
    Ended,
    all_damaged,
    failure,
    find_damage,
    store_trouble,
)
from blocks.repositories.restic_output import (
    blobs_of,
    listed,
    restore_summary,
    snapshots_found,
    summary,
    tags,
)
from blocks.types import Label, Part, RestoreSummary

DATA = Path(__file__).resolve().parents[1] / "data/restic"


def recorded(name: str) -> Ended:
    found = json.loads((DATA / f"{name}.json").read_text())
    stdout = found["stdout"].encode()
    return Ended("repository web1", "web1/restic", found["status"], stdout, found["stderr"])


def said(stderr: str, status: int = 1) -> Ended:
    return Ended("repository web1", "web1/restic", status, b"", stderr)


# --- what went well ---


def test_backup_names_its_snapshot() -> None:
    ended = recorded("backup")
    assert failure(ended) is None
    assert len(summary(ended.stdout)["snapshot_id"]) == 64


def test_snapshots_are_read_with_labels_and_those_taken_by_hand_left_out() -> None:
    found = listed(recorded("snapshots").stdout)
    site, dump = found
    assert site.snapshot.label == Label("web1", "web1-20261123T072400Z", Part.SITE, "shop")
    assert dump.snapshot.label.subject == "shop, à=1"
    assert site.paths == ("/srv/shop",)
    assert dump.paths == ("/shop.sql",)
    assert (site.snapshot.size, site.snapshot.files) == (300_014, 2)
    assert site.snapshot.added > 300_000
    assert site.snapshot.time.tzinfo is UTC
    assert site.snapshot.time < dump.snapshot.time < datetime.now(UTC).replace(year=2100)


def test_labels_survive_as_tags() -> None:
    words = tags(Label("web1", "set-1", Part.DATABASE, "a,b c=d"))
    assert words == ("set=set-1", "part=database", "subject=a%2Cb%20c%3Dd")


def test_restore_tells_what_it_wrote_and_skipped() -> None:
    first = restore_summary(recorded("restore").stdout)
    again = restore_summary(recorded("restore-again").stdout)
    assert (first.bytes, first.skipped) == (300_014, 0)
    assert again.skipped == 2
    assert again.bytes == 0
    assert isinstance(first, RestoreSummary)


def test_index_tells_what_lies_in_a_pack() -> None:
    index = recorded("index").stdout
    packs = {each["id"]: each["blobs"] for each in json.loads(index)["packs"]}
    for pack, blobs in packs.items():
        assert blobs_of(index, pack) == {blob["id"]: blob["type"] for blob in blobs}
        assert blobs_of(index, pack[:10]) == blobs_of(index, pack)
    assert blobs_of(index, "0" * 64) is None


def test_snapshots_that_need_a_piece_are_found_also_when_they_cannot_be_walked() -> None:
    ids = {each["id"] for each in json.loads(recorded("snapshots").stdout)}
    assert len(snapshots_found(recorded("find").stdout.decode())) == 3
    in_damaged_tree = snapshots_found(recorded("find-tree").stdout.decode())
    assert in_damaged_tree <= ids
    assert len(in_damaged_tree) == 3


def test_nonsense_is_refused() -> None:
    for read in (listed, summary, restore_summary):
        with pytest.raises(ProviderError, match="could not be understood"):
            read(b'{"message_type": "status"}\nno json')
    with pytest.raises(ProviderError):
        blobs_of(b"{}", "0" * 64)


# --- what went wrong ---

DAMAGE = {
    "restore-flipped": "data/",
    "restore-overwritten": "data/",
    "restore-removed": "data/",
    "restore-tree": "data/",
    "check-size": "data/",
    "check-missing": "data/",
    "index-flipped": "index/",
    "index-removed": "index",
    "config-flipped": "config",
    "unknown-snapshot": "snapshots/",
}


@pytest.mark.parametrize(("name", "where"), DAMAGE.items())
def test_damage_is_recognised_and_named(name: str, where: str) -> None:
    error = failure(recorded(name))
    assert isinstance(error, DamagedData)
    assert error.subject.startswith(f"web1/restic/{where}")
    assert error.subject in error.cause
    assert "\\n" not in str(error)


def test_damage_names_the_pack_and_not_the_piece_in_it() -> None:
    packs = {each["id"]: each["blobs"] for each in json.loads(recorded("index").stdout)["packs"]}
    data = next(pack for pack, blobs in packs.items() if blobs[0]["type"] == "data")
    tree = next(pack for pack, blobs in packs.items() if blobs[0]["type"] == "tree")
    for name, pack in {
        "restore-flipped": data,
        "restore-overwritten": data,
        "restore-removed": data,
        "check-size": data,
        "check-missing": data,
        "restore-tree": tree,
    }.items():
        damage = find_damage(recorded(name))
        assert damage is not None
        assert f"{pack[:2]}/{pack}".startswith(damage.subject.removeprefix("web1/restic/data/"))


FAILURES: dict[str, tuple[type[ContinuityError], str]] = {
    "no-repository": (NotFound, "no repository"),
    "wrong-password": (AuthenticationFailed, "password"),
    "locked": (Unavailable, "locked by PID"),
    "backup-unreadable": (CommandFailed, "/proc/self/mem"),
    "command-failed": (CommandFailed, "Table orders is marked as crashed"),
    "command-missing": (CommandFailed, "executable file not found"),
    "refused-then-killed": (Unreachable, "connection refused"),
    "no-space": (DiskFull, "no space left on device"),
    "dump-missing-file": (CommandFailed, "nope.sql"),
}


@pytest.mark.parametrize(("name", "expected"), FAILURES.items())
def test_failures_are_told_apart(name: str, expected: tuple[type[ContinuityError], str]) -> None:
    error = failure(recorded(name))
    assert error is not None
    assert type(error) is expected[0]
    assert expected[1] in error.cause
    assert error.hint
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


def test_the_source_commands_status_is_kept() -> None:
    error = failure(recorded("command-failed"))
    assert isinstance(error, CommandFailed)
    assert error.status == 3


STORE: dict[str, type[ContinuityError]] = {
    "Stat(<config/>) failed: Stat: Access Denied.": PermissionDenied,
    "client.PutObject: The Access Key Id you provided does not exist": AuthenticationFailed,
    "Error response code SignatureDoesNotMatch.": AuthenticationFailed,
    "client.PutObject: The specified bucket does not exist": NotFound,
    "Save(<data/ab>) returned error, retrying: Please reduce your request rate.": Unavailable,
    "Save(<data/ab>) returned error, retrying after 1s: 503 Service Unavailable": Unavailable,
    "dial tcp: lookup s3.example.net: no such host": Unreachable,
    "read tcp 192.0.2.1:1->192.0.2.3:80: read: connection reset by peer": Unreachable,
    "Load(<data/ab12>, 1, 0) returned error, retrying after 1s: unexpected EOF": Unreachable,
    "dial tcp 192.0.2.3:443: i/o timeout": DeadlineExceeded,
    "signal terminated received, cleaning up": DeadlineExceeded,
    "something else": CommandFailed,
}


@pytest.mark.parametrize(("text", "kind"), STORE.items())
def test_errors_of_the_store_are_told_apart(text: str, kind: type[ContinuityError]) -> None:
    assert type(failure(said(text))) is kind


def test_a_network_error_is_no_damage() -> None:
    retried = "Load(<data/ab12cd34ef>, 9, 0) returned error, retrying after 1s: unexpected EOF"
    assert find_damage(said(retried)) is None


def test_files_that_vanish_during_the_walk_are_no_failure() -> None:
    gone = json.dumps(
        {
            "message_type": "error",
            "error": {"message": "lstat /srv/shop/cache/1: no such file or directory"},
            "during": "archival",
            "item": "/srv/shop/cache/1",
        }
    )
    refused = gone.replace("no such file or directory", "input/output error")
    assert failure(said(gone, status=3)) is None
    assert isinstance(failure(said(f"{gone}\n{refused}", status=3)), CommandFailed)


def test_status_3_without_a_file_is_a_failure_of_the_store() -> None:
    assert isinstance(failure(said("unable to remove: Access Denied", status=3)), PermissionDenied)


def test_a_slice_names_every_damaged_pack() -> None:
    ended = recorded("check-slice")
    assert isinstance(failure(ended), DamagedData)
    whole = {key for key in all_damaged(ended) if len(key) == len("web1/restic/data/ab/") + 64}
    summed = json.loads(ended.stdout.splitlines()[-1])["broken_packs"]
    assert {key.rsplit("/", 1)[-1] for key in whole} >= set(summed)
    assert len(whole) == len(summed) + 1, "the missing one is told apart"
    assert store_trouble(ended) is None
    lost = said(ended.stderr + "Load(<data/ab12>) failed: connection refused")
    assert isinstance(store_trouble(lost), Unreachable)
