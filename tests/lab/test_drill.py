"""Drills on a real machine: swept when killed, red when data is damaged, green otherwise."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from blocks.errors import VerificationFailed
from blocks.records import Notice, StepRecord, StepState
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.journal import incidents
from blocks.types import Part, PowerState, RecoverySet
from blocks.vps.nspawn_group import TOP, hierarchies
from deployments.lab import machines
from deployments.lab.config import Lab
from deployments.lab.demo_report import way_in
from flows.drill import drill
from flows.sweep import sweep
from flows.tasks.announcer import BUDGET_SECONDS, Announcer
from flows.tasks.incident import listeners
from tests import process_list
from tests.lab import estate as place
from tests.lab.estate import SERVER, estate, journal, made_machines, without_copies
from tests.lab.story import UPLOADED, Story, back_up, upload

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900), pytest.mark.usefixtures("story")]

SHORT = timedelta(seconds=30)
OWN_SECONDS = 12.0
"""What a flow takes besides its steps and messages: Prefect's start and end."""


def known() -> set[str]:
    return set(incidents(estate().repository.state()))


def test_a_killed_drill_leaves_a_machine(here: Lab) -> None:
    before, running = known(), place.command("drill", SERVER)
    try:
        place.wait_for(lambda: bool(known() - before), "the drill's journal")
        (incident,) = known() - before
        place.await_record(incident, place.step_is("files-", StepState.STARTED), running)
    finally:
        place.killed(running)
    (left,) = made_machines(purpose="drill")
    assert left.tags["incident"] == incident
    assert left.power is PowerState.ON
    assert left.expires_at is not None
    assert traces(here, left.name), "what is looked for below is there now"


def test_the_next_sweep_leaves_nothing_of_it(here: Lab) -> None:
    (left,) = made_machines(purpose="drill")
    lines, before = interfaces(here), machines.provider(here).find(machines.TAGS)
    begun = time.monotonic()
    document = sweep()
    print(f"\nsweep: {time.monotonic() - begun:.1f} s, {left.name} gone")
    assert left.name in str(document)
    assert made_machines() == ()
    assert traces(here, left.name) == []
    # The kernel takes a network namespace down some milliseconds after its last process.
    place.wait_for(lambda: len(interfaces(here)) == len(lines) - 1, "the end of its cable")
    assert machines.provider(here).find(machines.TAGS) == before, "nothing else was touched"


def traces(here: Lab, machine: str) -> list[str]:
    """Return all that this host still has of a machine, in words."""
    folder = machines.state(here) / machine
    found = [f"folder {each}" for each in folder.parent.glob(f"*{machine}*")]
    for _, mounts in process_list.read_all("mountinfo"):
        found += [f"mount {folder}"] * (str(folder).encode() in mounts)
    for process, command in process_list.read_all():
        found += [f"process {process}"] * (str(folder).encode() in command)
    for mount in hierarchies():
        group = mount / TOP / here.namespace / machine
        found += [f"process {each}" for file in group.rglob("cgroup.procs")
                  for each in file.read_text().split()]  # fmt: skip
    return found


def interfaces(here: Lab) -> list[str]:
    """Return the network interfaces in the lab's namespace: a machine's cable ends there."""
    words = ("ip", "-json", "-netns", here.namespace, "link")
    done = subprocess.run(words, capture_output=True, check=True, timeout=10)
    return [str(each["ifname"]) for each in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def newest(here: Lab, story: Story) -> RecoverySet:
    """A set that alone holds one more upload, in a pack of its own."""
    upload(here, "encore.bin")
    made, _ = back_up()
    return made


def pack_of_the_upload(made: RecoverySet) -> str:
    repository = estate().repository
    (files,) = (r for r in made.snapshots if (r.part, r.subject) == (Part.SITE, "boutique"))
    for each in repository.objects().list(f"{SERVER}/restic/data/"):
        late = each.modified >= made.started_at - timedelta(seconds=1)
        if not late or each.size < UPLOADED:
            continue
        if repository.snapshots_using(SERVER, each.key) == (files.id,):
            return each.key
    raise AssertionError("the upload lies in no pack of its own")


@contextmanager
def damaged(key: str) -> Iterator[None]:
    objects = estate().repository.objects()
    true = objects.get(key)
    middle = len(true) // 2
    objects.put(key, true[:middle] + bytes(64) + true[middle + 64 :])
    try:
        yield
    finally:
        objects.put(key, true)


def test_a_damaged_pack_is_named_with_the_last_good_set(newest: RecoverySet) -> None:
    """It leaves nothing though it fails."""
    good = Catalogue(estate().repository).list(SERVER).sets[-2]
    before = known()
    with (
        damaged(pack_of_the_upload(newest)),
        without_copies(),
        pytest.raises(VerificationFailed, match="partly recovered") as raised,
    ):
        drill(SERVER, recovery_set=newest.id)
    (incident,) = known() - before
    failed = place.ends_of(incident, "files-boutique")[-1]
    print(f"\n{failed.why}")
    assert failed.state is StepState.FAILED
    assert newest.id in failed.why
    assert f"continuity recover {SERVER} --set {good.id}" in failed.why
    assert newest.id in str(raised.value)
    proven = {site["name"]: site["proven"] for site in place.report(incident)["sites"]}  # type: ignore[attr-defined]
    assert proven == {"boutique": False, "journal": True, "vitrine": True}
    assert made_machines() == ()


class Prober:
    """Try what a drill machine must not do, and what it must, while it lives."""

    def __init__(self, here: Lab) -> None:
        self._here = here
        self.reached: dict[str, bool] = {}

    def __call__(self, record: StepRecord) -> None:
        if (record.step, record.state) != ("web", StepState.DONE):
            return
        (machine,) = made_machines(purpose="drill")
        server = way_in(estate(), machine)
        places = {
            "DNS": (self._here.names, 53),
            "mail": (self._here.control, 2525),
            "Slack": (self._here.control, 8065),
            "production": (self._here.production, 443),
            "storage": (self._here.storage, 7480),
        }
        for name, (address, port) in places.items():
            script = f"timeout 3 bash -c 'exec 3<>/dev/tcp/{address}/{port}'"
            tried = server.run(("sh", "-c", script), timeout=SHORT, accept=range(256))
            self.reached[name] = tried.status == 0


@pytest.fixture
def slow_slack(here: Lab) -> Iterator[None]:
    place.slack("slow")
    yield
    place.slack("ok")


@pytest.mark.usefixtures("slow_slack")
def test_a_drill_is_green_alone_and_as_quick_while_slack_hangs(here: Lab, story: Story) -> None:
    before, records = known(), place.addresses()
    prober = Prober(here)
    listeners.append(prober)
    begun = time.monotonic()
    try:
        report = drill(SERVER, recovery_set=story.quiet.id)
    finally:
        listeners.remove(prober)
    took = time.monotonic() - begun
    (incident,) = known() - before
    assert report["verdict"] == "recovered"
    assert report["purpose"] == "drill"
    assert {name for name, reached in prober.reached.items() if reached} == {"storage"}
    assert len(prober.reached) == 5
    assert place.addresses() == records
    assert not [r for r in journal(incident).records() if r.step.startswith(("dns", "cron"))]
    assert made_machines() == ()
    assert machines.provider(here).hypervisor.running(SERVER)
    written = journal(incident).records()
    worked = (_end(written[-1]) - written[0].started_at).total_seconds()
    print(f"\ndrill: {took:.1f} s, its steps {worked:.1f} s; rto {report['rto_seconds']} s, "
          f"rpo {report['rpo_seconds']} s")  # fmt: skip
    assert took - worked < BUDGET_SECONDS + OWN_SECONDS
    as_of = datetime.fromisoformat(str(report["data_as_of"]))
    assert as_of > story.quiet.consistent_at, "the archive leads on from the set"
    assert 0 < float(str(report["rto_seconds"])) < took


@pytest.mark.parametrize("mode", ["slow", "down", "ratelimited"])
@pytest.mark.usefixtures("slow_slack")
def test_all_waiting_for_slack_stays_within_the_budget(here: Lab, mode: str) -> None:
    place.slack(mode)
    opened = estate()
    talking = Announcer(opened.notifiers, journal(f"slack-{mode}"), lambda: Notice("Exercice"))
    talking.start()
    begun = time.monotonic()
    for _ in range(3):
        talking.refresh()
        talking.flush()
    talking.close()
    waited = time.monotonic() - begun
    print(f"\nSlack {mode}: waited {waited:.2f} s")
    assert waited < BUDGET_SECONDS + 5, "three messages of 30 s each"


def _end(record: StepRecord) -> datetime:
    assert record.ended_at is not None
    return record.ended_at
