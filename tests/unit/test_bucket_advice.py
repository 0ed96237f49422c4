"""What a bucket lacks is told with what to do, and held against what its provider promises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blocks.repositories.profiles import PROFILES, Profile
from blocks.types import BucketCheck, CheckResult, CheckState, SelfTest
from flows.decisions.bucket_advice import advice


def found(*missing: BucketCheck) -> SelfTest:
    results = tuple(
        CheckResult(each, CheckState.NOT_HELD if each in missing else CheckState.HELD, "")
        for each in BucketCheck
    )
    return SelfTest("https://s3.example/b", datetime(2026, 11, 28, tzinfo=UTC), results)


@pytest.mark.parametrize("profile", [None, *Profile])
def test_where_all_holds_nothing_is_to_do(profile: Profile | None) -> None:
    assert advice(found(), profile) == ()


@pytest.mark.parametrize("profile", Profile)
def test_a_bucket_that_breaks_its_providers_promise_is_named(profile: Profile) -> None:
    """So a wrong profile or endpoint shows; where nothing is promised nothing is broken."""
    promised = PROFILES[profile].conditional is True
    (what, *against) = advice(found(BucketCheck.CONDITIONAL), profile)
    assert "state_bucket" in what
    assert [PROFILES[profile].title in each for each in against] == [True] * promised
    assert any(
        "annonce des versions" in each for each in advice(found(BucketCheck.VERSIONING), profile)
    )


@pytest.mark.parametrize(
    "check", [BucketCheck.DESTROY, BucketCheck.SHORTEN, BucketCheck.LENGTHEN, BucketCheck.LIFECYCLE]
)
def test_a_key_that_may_too_much_leads_to_the_policies(check: BucketCheck) -> None:
    (said,) = advice(found(check))
    assert "continuity repository policy" in said


def test_without_versions_no_policy_helps() -> None:
    said = advice(found(BucketCheck.VERSIONING, BucketCheck.DESTROY, BucketCheck.SHORTEN))
    assert len(said) == 1
