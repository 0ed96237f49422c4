"""What a provider is known to do decides what an estate may say of its bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.repositories.profiles import PROFILES, Checksums, Profile
from blocks.repositories.s3 import S3ObjectStore
from deployments.estate_file import read
from tests.unit.estate_texts import GOOD, write

ENDPOINTS = {
    Profile.AWS: "https://s3.eu-west-3.amazonaws.com",
    Profile.OVH: "https://s3.gra.io.cloud.ovh.net",
    Profile.WASABI: "https://s3.eu-central-1.wasabisys.com",
    Profile.BACKBLAZE: "https://s3.eu-central-003.backblazeb2.com",
    Profile.SCALEWAY: "https://s3.fr-par.scw.cloud",
    Profile.CEPH: "http://127.0.0.1:7480",
    Profile.HETZNER: "https://fsn1.your-objectstorage.com",
}
USABLE_FIRST = [each for each in Profile if PROFILES[each].conditional is not False]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC", "hush-hush")


def estate_of(folder: Path, profile: Profile | None, endpoint: str, more: str = "") -> list[str]:
    """Return what is said of a file with this store; empty if all is well."""
    named = f"\n      profile: {profile}" if profile else ""
    text = GOOD.replace("endpoint: http://127.0.0.1:7480", f"endpoint: {endpoint}{named}{more}")
    text = text.replace(
        "prune_access_key: prune", "prune_access_key: prune\n    state_bucket: state"
    )
    return [str(each) for each in read(write(folder, text)).mistakes]


@pytest.mark.parametrize("profile", USABLE_FIRST)
def test_a_right_profile_is_taken(tmp_path: Path, profile: Profile) -> None:
    more = "\n      path_style: false" if profile is Profile.AWS else ""
    said = estate_of(tmp_path, profile, ENDPOINTS[profile], more)
    expected = ("bills every object", "each key of a project")
    assert [each for each in said if not any(words in each for words in expected)] == []


def test_leases_cannot_be_where_writes_have_no_conditions(tmp_path: Path) -> None:
    (said,) = estate_of(tmp_path, Profile.BACKBLAZE, ENDPOINTS[Profile.BACKBLAZE])
    assert "Backblaze B2 has no conditional writes" in said
    assert "`copies`" in said


def test_keys_that_cannot_be_confined_are_told(tmp_path: Path) -> None:
    (said,) = estate_of(tmp_path, Profile.HETZNER, ENDPOINTS[Profile.HETZNER])
    assert "each key of a project may do everything" in said


@pytest.mark.parametrize("profile", [each for each in Profile if PROFILES[each].host])
def test_an_endpoint_of_another_provider_is_refused(tmp_path: Path, profile: Profile) -> None:
    other = Profile.OVH if profile is not Profile.OVH else Profile.SCALEWAY
    said = estate_of(tmp_path, profile, ENDPOINTS[other], "\n      path_style: false")
    assert any(f"is no endpoint of {PROFILES[profile].title}" in each for each in said)


@pytest.mark.parametrize("profile", [each for each in Profile if PROFILES[each].host])
def test_a_known_endpoint_without_a_profile_is_told(tmp_path: Path, profile: Profile) -> None:
    (said,) = estate_of(tmp_path, None, ENDPOINTS[profile])
    assert f"profile: {profile}" in said


def test_amazon_wants_the_bucket_in_the_host(tmp_path: Path) -> None:
    (said,) = estate_of(tmp_path, Profile.AWS, ENDPOINTS[Profile.AWS])
    assert "path_style: false" in said


def test_ceph_needs_a_second_bucket(tmp_path: Path) -> None:
    text = GOOD.replace("bucket: continuity", "bucket: continuity\n      profile: ceph")
    (said,) = (str(each) for each in read(write(tmp_path, text)).mistakes)
    assert "state_bucket" in said


def test_paying_longer_than_keeping_is_told(tmp_path: Path) -> None:
    short = "retention: {last: 2, daily: 7, weekly: 0, monthly: 0}"
    text = GOOD.replace("retention: {last: 2}", short).replace(
        "http://127.0.0.1:7480", f"{ENDPOINTS[Profile.WASABI]}\n      profile: wasabi"
    )
    (found,) = read(write(tmp_path, text)).mistakes
    assert found.warning
    assert "90 days, the retention keeps 7" in str(found)


def test_a_missing_pruning_key_is_told(tmp_path: Path) -> None:
    text = GOOD.replace("    prune_access_key: prune\n    prune_secret_key: {file: secret}\n", "")
    (found,) = read(write(tmp_path, text)).mistakes
    assert found.warning
    assert "no pruning key of its own" in str(found)


@pytest.mark.parametrize(
    ("profile", "endpoint", "mode"),
    [
        (None, "", Checksums.WHEN_SUPPORTED),
        (None, "https://s3.example.net", Checksums.WHEN_REQUIRED),
        (Profile.AWS, "https://s3.eu-west-3.amazonaws.com", Checksums.WHEN_SUPPORTED),
        (Profile.BACKBLAZE, ENDPOINTS[Profile.BACKBLAZE], Checksums.WHEN_REQUIRED),
    ],
)
def test_the_profile_chooses_the_checksums(profile, endpoint, mode) -> None:
    store = S3ObjectStore(
        endpoint=endpoint, bucket="b", access_key="a", secret_key="s", profile=profile
    )
    assert store.checksums() is mode


@pytest.mark.parametrize("profile", Profile)
def test_every_fact_has_its_source(profile: Profile) -> None:
    assert PROFILES[profile].sources
