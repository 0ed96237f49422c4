"""The documents of each provider, from an estate; what they allow is tried in `contract/`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blocks.repositories.policies import Action, ArchivePlace, KeyPurpose, RepositoryPlace, rights
from blocks.repositories.policy_documents import (
    backblaze_keys,
    ceph_policy,
    iam_policy,
    ovh_policy,
    scaleway_policy,
    scaleway_sets,
)
from deployments.cli.main import commands
from tests.unit.estate_texts import GOOD, write

PLACE = RepositoryPlace("b", ("web1", "web2"), "omniweb", "state")
NEVER = ("DeleteObjectVersion", "BypassGovernanceRetention", "PutLifecycle", "PutBucket", "*")
OVH_ACTIONS = {
    "AbortMultipartUpload BypassGovernanceRetention DeleteObject GetBucketVersioning GetObject",
    "GetLifecycleConfiguration GetObjectRetention ListBucket ListBucketVersions PutObject",
    "PutObjectAcl PutObjectLegalHold PutObjectRetention",
}
"""Of the list in OVH's guide (2025-09-25), those that concern us; it knows none for versions."""


ROOT = Path(__file__).resolve().parents[2]


def allowed(document: dict[str, object]) -> list[str]:
    statements: list[dict[str, list[str]]] = document["Statement"]  # type: ignore[assignment]
    return [a for s in statements if s["Effect"] == "Allow" for a in s["Action"]]  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("purpose", KeyPurpose)
@pytest.mark.parametrize("place", [PLACE, ArchivePlace("b", ("web1",), "archive")])
def test_no_key_may_destroy_or_change_rules(purpose: KeyPurpose, place: RepositoryPlace) -> None:
    granted = rights(purpose, place)
    for document in (iam_policy(granted), ovh_policy(granted)):
        assert not [a for a in allowed(document) if any(word in a for word in NEVER)]


def test_a_repository_without_servers_gives_no_right_on_the_bucket() -> None:
    for purpose in (KeyPurpose.SERVER, KeyPurpose.PRUNE):
        on_bucket = [r for r in rights(purpose, RepositoryPlace("b", ())) if not r.objects]
        assert {a for r in on_bucket for a in r.actions} <= {Action.LIST, Action.LIST_VERSIONS}


def test_ovh_names_only_what_ovh_knows() -> None:
    known = {f"s3:{word}" for line in OVH_ACTIONS for word in line.split()}
    for purpose in KeyPurpose:
        document = ovh_policy(rights(purpose, PLACE))
        for statement in document["Statement"]:  # type: ignore[attr-defined]
            assert set(statement["Action"]) <= known


def test_scaleway_allows_and_never_denies() -> None:
    """Version 2023-04-17: what is denied is not read at all."""
    keys = {"app-1": rights(KeyPurpose.SERVER, PLACE), "app-2": rights(KeyPurpose.PRUNE, PLACE)}
    document = scaleway_policy("b", keys)
    assert document["Version"] == "2023-04-17"
    for statement in document["Statement"]:  # type: ignore[attr-defined]
        assert statement["Effect"] == "Allow"
        assert statement["Principal"]["SCW"].startswith("application_id:app-")
        assert all(each == "b" or each.startswith("b/omniweb/") for each in statement["Resource"])
    assert "ObjectStorageObjectsDelete" not in scaleway_sets(
        rights(KeyPurpose.ARCHIVE, ArchivePlace("b", ("web1",)))
    )


def test_ceph_forbids_what_the_writer_of_an_object_could_do() -> None:
    keys = {"agent": rights(KeyPurpose.ARCHIVE, ArchivePlace("b", ("web1",)))}
    (deny,) = (s for s in ceph_policy("b", keys)["Statement"] if s["Effect"] == "Deny")  # type: ignore[attr-defined]
    assert {"s3:GetObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention"} <= set(
        deny["Action"]
    )


def test_backblaze_has_one_prefix_and_no_delete() -> None:
    (key,) = backblaze_keys(rights(KeyPurpose.SERVER, PLACE))
    assert key["namePrefix"] == "omniweb/"
    assert "deleteFiles" not in key["capabilities"]  # type: ignore[operator]
    (agent,) = backblaze_keys(rights(KeyPurpose.ARCHIVE, ArchivePlace("b", ("web1",), "archive")))
    assert agent["capabilities"] == ["listAllBucketNames", "writeFiles"]
    assert [k["bucketName"] for k in backblaze_keys(rights(KeyPurpose.RESTORE, PLACE))] == [
        "b",
        "state",
    ]


def test_ten_servers_fit_into_one_policy_at_amazon() -> None:
    servers = tuple(f"server-{number}" for number in range(10))
    for purpose in KeyPurpose:
        granted = rights(purpose, RepositoryPlace("omniweb-sauvegardes", servers, "continuity"))
        assert len(json.dumps(iam_policy(granted), separators=(",", ":"))) < 6144


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESTIC", "hush-hush")
    text = GOOD.replace("bucket: continuity", "bucket: continuity\n      profile: ceph")
    text = text.replace("prune_access_key: prune", "prune_access_key: prune\n    state_bucket: s")
    return write(tmp_path, text)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(commands, ["repository", "policy", *words])
    return done.exit_code, done.output


def test_the_command_prints_documents_and_no_secret(estate: Path) -> None:
    status, said = run("principal", "--estate", str(estate), "--user", "server=omw-server")
    assert status == 0
    assert "arn:aws:iam:::user/omw-server" in said
    assert "--user worker=IDENTIFIANT" in said
    assert "clé du ménage" in said
    assert "continuity repository check principal" in said
    assert "hush-hush" not in said
    assert "secret" not in said


def test_the_command_comes_before_the_keys_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's secrets are not there: who makes the keys needs the policies first."""
    monkeypatch.delenv("CONTINUITY_S3_SECRET_KEY", raising=False)
    status, said = run("principal", "--estate", str(ROOT / "estate.example.yaml"))
    assert (status, "s3:PutObject" in said) == (0, True)


def test_the_command_prints_json_alone(estate: Path) -> None:
    status, said = run("principal", "--estate", str(estate), "--format", "json")
    told = json.loads(said)
    assert (status, told["provider"]) == (0, "ceph")
    assert [each["subject"] for each in told["documents"]] == [
        "compartiment continuity",
        "compartiment s",
    ]
    assert (
        json.loads(
            run("principal", "--estate", str(estate), "--format", "json", "--role", "server")[1]
        )["documents"]
        == told["documents"][:1]
    )
