"""What bad input gets: an error that helps, no manifest, and earlier sets as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.errors import (
    ApprovalMismatch,
    AuthenticationFailed,
    CommandFailed,
    ContinuityError,
    DamagedData,
    DiskFull,
    HostKeyMismatch,
    OutOfStock,
    Unreachable,
)
from blocks.repositories.catalogue import Catalogue
from blocks.servers.host_key import new_host_key
from deployments.lab import machines, production, storage
from deployments.lab.config import Lab
from flows.backup import backup
from flows.decisions.copy_choice import choose_copy
from flows.decisions.recovery_plan import plan_from_document
from flows.disaster_recovery import disaster_recovery
from flows.drill import drill
from flows.tasks.approval import PLAN, Approval
from flows.tasks.look import look_at_copies
from tests.lab.estate import (
    SERVER,
    addresses,
    changed,
    estate,
    journal,
    made_machines,
    manifests,
    without_copies,
)
from tests.lab.story import Story, back_up

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900), pytest.mark.usefixtures("story")]

SHORT = timedelta(seconds=60)
OTHER = new_host_key()
WRONG_TSIG = "d3Jvbmcga2V5IHdyb25nIGtleSB3cm9uZyBrZXkgISE="


@contextmanager
def refused(
    kind: type[ContinuityError] | tuple[type[ContinuityError], ...], *words: str
) -> Iterator[None]:
    """Require an error of this kind that says these words, and a bucket and a DNS as before."""
    sets, records, there = manifests(), addresses(), made_machines()
    with pytest.raises(kind) as raised:
        yield
    error = raised.value
    print(f"\n{type(error).__name__}: {error}")
    assert all((error.subject, error.cause, error.hint))
    assert [word for word in words if word not in str(error)] == []
    assert (manifests(), addresses(), made_machines()) == (sets, records, there)


WRONG: dict[str, tuple[str, dict[str, Any], type[ContinuityError], tuple[str, ...]]] = {
    "host key": (
        "ssh-server/web1",
        {"host_key": OTHER.public},
        HostKeyMismatch,
        ("10.89.90.10", "another host key"),
    ),
    "SSH key": (
        "ssh-server/web1",
        {"private_key": SecretStr(OTHER.private)},
        AuthenticationFailed,
        ("10.89.90.10", "authorized_keys"),
    ),
    "database password": (
        "mariadb/web1",
        {"password": SecretStr("wrong")},
        AuthenticationFailed,
        ("continuity@10.89.90.10", "ALTER USER"),
    ),
    "repository password": (
        "restic-repository/principal",
        {"password": SecretStr("wrong")},
        AuthenticationFailed,
        ("repository web1", "password"),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_backup_with_a_wrong(what: str) -> None:
    reference, fields, kind, words = WRONG[what]
    with refused(kind, *words), changed(reference, **fields):
        backup(SERVER)


@contextmanager
def on_web1(lab: Lab, before: str, after: str) -> Iterator[None]:
    server = production.connect(lab)
    server.run(("sh", "-ec", before), timeout=SHORT)
    try:
        yield
    finally:
        server.run(("sh", "-ec", after), timeout=SHORT)


def test_a_view_of_a_table_that_is_gone_fails_the_dump_half_way(here: Lab) -> None:
    """Views come last in a dump, when the tables are already written."""
    broken = (
        "CREATE TABLE boutique.gone (id INT); CREATE VIEW boutique.zz_broken AS"
        " SELECT id FROM boutique.gone; DROP TABLE boutique.gone"
    )
    before = len(estate().repository.snapshots(SERVER))
    with (
        on_web1(here, f"mariadb -e '{broken}'", "mariadb -e 'DROP VIEW boutique.zz_broken'"),
        refused(CommandFailed, "boutique", "zz_broken"),
    ):
        backup(SERVER)
    ours = [each.label for each in estate().repository.snapshots(SERVER)[before:]]
    assert ours, "what had ended well before is there, and belongs to no set"
    assert "boutique" not in [label.subject for label in ours if label.part == "database"]


def test_a_full_disk_under_the_canary_file(here: Lab) -> None:
    # A disk of its own: the machine shares the one of this host, which nobody may fill.
    folder = "/var/lib/continuity"
    full = f"mkdir -p {folder}; mount -t tmpfs -o size=4k tmpfs {folder}"
    full += f"; head -c 4096 /dev/zero >{folder}/filled"
    with (
        on_web1(here, full, f"umount {folder}"),
        refused(DiskFull, "df -h"),
    ):
        backup(SERVER)


ZONES: dict[str, tuple[dict[str, Any], str]] = {
    "key": ({"key_secret": SecretStr(WRONG_TSIG)}, "zone atelier.test illisible"),
    "name": ({"zone": "absent.test"}, "zone absent.test illisible"),
    "server": ({"server": "10.89.90.254"}, "zone atelier.test illisible"),
}


@pytest.mark.parametrize("what", ZONES)
def test_a_recovery_plans_without_a_zone_of_a_wrong(what: str) -> None:
    """The plan is made all the same and says so; nobody approves it here."""
    fields, words = ZONES[what]
    incident = f"inc-zone-{what}"
    with (
        refused(ApprovalMismatch, "nobody can be asked"),
        changed("rfc2136-zone/atelier", **fields),
    ):
        disaster_recovery(SERVER, incident=incident, approval=Approval.ASK)
    plan = plan_from_document(journal(incident).document(PLAN) or {})
    moved = {move.name for each in plan.sites for move in each.moves}
    assert words in plan.warnings[0]
    assert not [name for name in moved if name.endswith("atelier.test")]
    assert moved, "the names of the other zone are planned"


def test_a_provider_without_room(here: Lab) -> None:
    taken = {"first_address": here.production, "last_address": here.production}
    with (
        refused(OutOfStock, "are taken", "another target"),
        changed("nspawn-vps/lab", **taken),
    ):
        drill(SERVER, target="nspawn-vps/lab")


@contextmanager
def replaced(key: str, content: bytes) -> Iterator[None]:
    """Let an object in the bucket hold something else while the block lasts."""
    objects = estate().repository.objects()
    true = objects.get(key)
    objects.put(key, content)
    try:
        yield
    finally:
        objects.put(key, true)


def test_a_manifest_that_was_edited(story: Story) -> None:
    key = f"{SERVER}/sets/{story.quiet.id}/manifest.json"
    true = estate().repository.objects().get(key)
    lie = true.replace(b'"size": 1', b'"size": 2', 1)
    assert lie != true
    with replaced(key, lie):
        with (
            without_copies(),
            refused(DamagedData, story.quiet.id, "was changed", f"--set {story.busy.id}"),
        ):
            disaster_recovery(SERVER, recovery_set=story.quiet.id, approval=Approval.AUTOMATIC)
        with without_copies():
            choice = choose_copy(SERVER, look_at_copies(estate())).choice
        assert choice.chosen.id == story.busy.id
        assert [name for name, _ in choice.passed_over] == [story.quiet.id]


def test_a_sealed_manifest_that_lies(story: Story) -> None:
    """Whoever has the password could write one, and so could a bug."""
    repository = estate().repository
    catalogue, objects = Catalogue(repository), repository.objects()
    key = f"{SERVER}/sets/{story.quiet.id}/manifest.json"
    true = objects.get(key)
    parts = tuple(replace(ref, size=ref.size + 1) for ref in story.quiet.snapshots)
    objects.remove(key)
    try:
        catalogue.put(replace(story.quiet, snapshots=parts))
        with (
            without_copies(),
            refused(DamagedData, story.quiet.id, "the manifest says size", story.busy.id),
        ):
            disaster_recovery(SERVER, recovery_set=story.quiet.id, approval=Approval.AUTOMATIC)
    finally:
        objects.put(key, true)


def test_object_storage_without_power(here: Lab) -> None:
    sets = manifests()
    machines.provider(here).power_off("storage")
    try:
        with pytest.raises(Unreachable) as raised:
            backup(SERVER)
        assert here.storage in str(raised.value)
        assert raised.value.hint
    finally:
        machines.start(here, "storage", "storage", here.storage)
        storage.configure(here)
    assert manifests() == sets


def test_after_all_of_this_a_backup_is_whole_and_costs_almost_nothing(story: Story) -> None:
    made, seconds = back_up()
    sent = sum(ref.added for ref in made.snapshots if ref.taken_in == made.id)
    first = sum(ref.added for ref in story.first.snapshots)
    print(f"\nbackup without changes: {seconds:.1f} s, {sent} bytes of {first}")
    assert sent < first * 0.02
    assert {ref.subject for ref in made.snapshots} == {ref.subject for ref in story.quiet.snapshots}
