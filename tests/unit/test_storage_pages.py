"""The pages on storage providers: their estates validate, their prices are those listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from blocks.repositories.profiles import PROFILES, Profile
from deployments.estate_file import read
from tests.unit.test_docs import EXAMPLE, ROOT, combined, fenced, provide_secrets

PAGES = {
    Profile.AWS: ("aws-s3", "AWS", "S3 standard"),
    Profile.OVH: ("ovh-stockage", "OVH", "Object Storage standard"),
    Profile.WASABI: ("wasabi", "Wasabi", "Hot storage"),
    Profile.BACKBLAZE: ("backblaze", "Backblaze", "B2"),
    Profile.SCALEWAY: ("scaleway-stockage", "Scaleway", "Object Storage"),
}
yaml = YAML(typ="safe")


def page(profile: Profile) -> str:
    return (ROOT / f"docs/fournisseurs/{PAGES[profile][0]}.md").read_text("utf-8")


@pytest.mark.parametrize("profile", PAGES)
def test_the_estate_of_a_page_validates(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (part,) = (yaml.load(text) for text in fenced(page(profile), "yaml"))
    assert part["repositories"][0]["store"]["profile"] == profile
    whole = combined(yaml.load(EXAMPLE.read_text("utf-8")), part)
    provide_secrets(whole, tmp_path, monkeypatch)
    file = tmp_path / "estate.yaml"
    yaml.dump(whole, file)
    reading = read(file)
    assert reading.estate is not None, [str(mistake) for mistake in reading.mistakes]


@pytest.mark.parametrize("profile", PAGES)
def test_the_price_of_a_page_is_that_of_the_list(profile: Profile) -> None:
    listed = yaml.load((ROOT / "deployments/prices.yaml").read_text("utf-8"))["storages"]
    _, provider, name = PAGES[profile]
    (price,) = (p for p in listed if (p["provider"], p["name"]) == (provider, name))
    amount = f"{price['tb_month']:g}".replace(".", ",")
    said = " ".join(page(profile).split())
    assert f"{amount} {price['currency']} par To et par mois" in said
    assert f"relevé le {price['read_on']}" in said


@pytest.mark.parametrize("profile", PAGES)
def test_a_page_says_what_its_profile_lacks(profile: Profile) -> None:
    promised = PROFILES[profile].conditional
    assert ("écritures conditionnelles" in page(profile)) is True
    assert ("pas comme premier dépôt" in page(profile)) is (promised is False)
