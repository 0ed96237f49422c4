"""The provider of the first repository burns down while web1 is being restored from it.

And before that the first provider of machines is sold out: both times the run goes on by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.records import StepRecord, StepState
from blocks.repositories.catalogue import Catalogue
from deployments.lab import control, machines, production
from deployments.lab.config import Lab
from deployments.lab.demo_report import recovered_server
from deployments.lab.production_fingerprint import Fingerprint, compare
from flows.tasks.look import look_at_copies
from flows.tasks.protection import protection_of
from tests.fakes.hetzner_api import PRICES, HetznerApi
from tests.lab import estate as place
from tests.lab.estate import SERVER, estate, made_machines, step_is
from tests.lab.story import LAST_TABLE, Recovered, Story
from tests.lab.test_recovery import SETTINGS

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900), pytest.mark.usefixtures("here", "story")]

INCIDENT = "burned-1"
COPY = "copie"
TOKEN = "token-of-a-provider-that-is-sold-out"


def test_each_set_lies_in_both_with_the_same_trees(story: Story) -> None:
    opened = estate()
    for made in (story.busy, story.quiet):
        copied = Catalogue(opened.repositories[COPY]).read(SERVER, made.id)
        there = {ref.id for ref in copied.snapshots}
        assert not there & {ref.id for ref in made.snapshots}
        assert [replace(ref, id="") for ref in copied.snapshots] == [
            replace(ref, id="") for ref in made.snapshots
        ]
    assert [view.refused for view in look_at_copies(opened)] == [(), ()]


def test_the_rule_says_what_holds_with_its_proof(story: Story) -> None:
    found = {each.rule: each.holds for each in protection_of(estate())}
    archive = [rule for rule in found if rule.startswith("archive : ")]
    assert len(archive) == 3, "what was written since the newest set is weighed, too"
    assert {rule: holds for rule, holds in found.items() if rule not in archive} == {
        "3 exemplaires": True,
        "2 hébergeurs": True,
        "1 hors site": True,
        "1 immuable": True,
        "0 copie non vérifiée": True,
    }


@pytest.fixture(scope="module")
def sold_out(here: Lab) -> Iterator[tuple[HetznerApi, Path]]:
    """The estate file with a first target whose provider has nothing left when it is asked."""
    with HetznerApi(TOKEN).running() as api, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTINUITY_TEST_TOKEN", TOKEN)
        api.sold_out, api.told_sold_out = set(PRICES), False
        token = "token: {env: CONTINUITY_TEST_TOKEN}"
        provider = f"{{name: epuise, type: hetzner-vps, api_url: {api.url}, {token}}}"
        text = control.estate_path(here).read_text()
        for key, entry in (("providers:", provider), ("    targets:", "{provider: epuise}")):
            assert text.count(f"{key}\n") == 1
            indent = " " * (len(key) - len(key.lstrip()) + 2)
            text = text.replace(f"{key}\n", f"{key}\n{indent}- {entry}\n")
        file = here.state / "sold-out.yaml"
        file.write_text(text)
        yield api, file


@pytest.fixture(scope="module")
def burned(
    here: Lab, story: Story, recovered: Recovered, sold_out: tuple[HetznerApi, Path]
) -> tuple[str, list[StepRecord]]:
    """Recover web1 once more, and destroy the first object storage while files are restored."""
    place.forget_recoveries()
    words = ("recover", SERVER, "--incident", INCIDENT, "--set", story.quiet.id)
    words += ("--local", "--estate", str(sold_out[1]))
    status, said = place.ended(place.command(*words))
    assert status == 4, said
    digest = place.digest(INCIDENT)
    running = place.command(*words, "--approve", digest, "--operator", "Camille")
    try:
        place.await_record(INCIDENT, step_is("files-boutique", StepState.STARTED), running)
        machines.destroy(here, "storage")
    except BaseException:
        place.killed(running)
        raise
    status, said = place.ended(running)
    print(f"\n{said}")
    assert status == 0, said
    return said, list(place.journal(INCIDENT).records())


def test_the_next_provider_makes_the_machine_without_a_person(
    burned: tuple[str, list[StepRecord]], sold_out: tuple[HetznerApi, Path]
) -> None:
    said, records = burned
    api, _ = sold_out
    assert api.count(r"POST /servers$") == 2, "each size that has what is needed was ordered"
    assert api.servers == {}
    made = next(r for r in records if r.step == "machine" and r.state is StepState.DONE)
    print(f"\n{made.why}")
    assert made.data["provider"] == "nspawn-vps/lab"
    for word in ("hetzner-vps/epuise", "cx33", "cx43", "resource_unavailable"):
        assert word in made.why
    assert TOKEN not in said
    (machine,) = made_machines()
    assert made.data["machine"] == machine.id


def test_it_goes_on_from_the_copy_without_a_person(
    burned: tuple[str, list[StepRecord]], story: Story
) -> None:
    _, records = burned
    report = place.report(INCIDENT)
    assert report["verdict"] == "recovered"
    assert report["recovery_set"] == story.quiet.id
    from_copy = [r.step for r in records if f"repris depuis le dépôt {COPY}" in r.why]
    ended = {r.step for r in records if r.state is StepState.DONE}
    print(f"\nfrom the copy: {from_copy}")
    assert from_copy
    assert {"configuration", "database", "verify"} <= ended
    failed = {r.step for r in records if r.state is StepState.FAILED}
    assert failed <= {"approve"}, "the first run showed the plan and nobody was there to approve"
    assert any("ne prend plus le journal" in r.why for r in records)
    (machine,) = made_machines()
    assert place.addresses()["boutique.atelier.test"] == (machine.address,)


def test_the_archive_is_read_in_its_copy_to_its_last_moment(
    burned: tuple[str, list[StepRecord]], recovered: Recovered
) -> None:
    """Nothing differs from the server as it was long after the set: set and archive survived."""
    _, records = burned
    saw = {each.step: each.saw for each in records if each.state is StepState.DONE}
    print(f"\nreplay: {saw['replay']}; changes: {saw['changes-boutique']}")
    for step in ("replay", "changes-boutique"):
        assert "archive principal illisible" in saw[step]
        assert "archive lue dans copie" in saw[step]
    after = production.fingerprint(recovered_server(estate(), INCIDENT))
    assert len(after["files"]) > 1000
    assert any(LAST_TABLE in name for name in after["tables"])
    differences = compare(_without_settings(recovered.before), _without_settings(after))
    assert not differences, "\n".join(differences)


def test_what_is_written_there_from_then_on_goes_to_the_copy(
    burned: tuple[str, list[StepRecord]],
) -> None:
    opened = estate()
    assert opened.archive is not None
    since = datetime.now(UTC)
    copy = opened.archive.archives[COPY]

    def arrived() -> bool:
        seen = copy.listing(SERVER, since - timedelta(minutes=2)).seen_until
        return seen is not None and seen > since

    place.wait_for(arrived, "the new machine's changes in the copy")


def _without_settings(found: Fingerprint) -> Fingerprint:
    """Leave out the table in which WordPress notes when its own jobs last ran."""
    rest = {name: facts for name, facts in found["tables"].items() if name != SETTINGS}
    return found | {"tables": rest}


def test_the_store_that_is_left_tells_the_whole_story(
    burned: tuple[str, list[StepRecord]],
) -> None:
    """The journal was mirrored from the start: nothing of it burned with the first bucket."""
    objects = estate().repositories[COPY].state()
    names = [each.key for each in objects.list(f"incidents/{INCIDENT}/")]
    for document in ("plan.json", "approval.json", "report.json"):
        assert json.loads(objects.get(f"incidents/{INCIDENT}/{document}"))
    _, records = burned
    assert len([name for name in names if name[-5:] == ".json"]) >= len(records)
