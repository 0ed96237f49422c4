"""Web1 of Debian 12 comes back where only Debian 13 is to be had: SQL, other packages, PHP 8.4."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from blocks.records import StepRecord, StepState
from blocks.servers.base import Server
from deployments.lab import images, machines
from deployments.lab.config import Lab
from deployments.lab.demo_report import way_in
from deployments.lab.production_database import accounts, programs, tables
from deployments.lab.production_fingerprint import (
    ROOTS,
    VOLATILE,
    WITHOUT_TABLES,
    Fingerprint,
    compare,
    files,
)
from flows.decisions.recovery_plan import plan_from_document
from flows.drill import drill
from flows.tasks.approval import PLAN
from flows.tasks.incident import listeners
from tests.lab.estate import SERVER, ends_of, estate, journal
from tests.lab.story import Story, wordpress_settings

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900), pytest.mark.usefixtures("story")]

TARGET = "nspawn-vps/lab13"
SHORT = timedelta(seconds=60)
# WordPress notes its own jobs among its settings; those are compared by themselves.
WITHOUT = (*WITHOUT_TABLES, "journal.wp_options")


@dataclass
class Found:
    """The drill's report, and what its machine was before it was destroyed.

    Its databases before anybody saw a page: Debian 13 has a newer WordPress, which writes at once.
    """

    report: dict[str, object] = field(default_factory=dict)
    databases: Fingerprint = field(default_factory=dict)
    files: Fingerprint = field(default_factory=dict)
    settings: frozenset[str] = frozenset()
    said: str = ""
    seconds: float = 0


def databases(server: Server) -> Fingerprint:
    return {
        "tables": tables(server, without=WITHOUT),
        "programs": programs(server),
        "database accounts": accounts(server),
    }


@pytest.fixture(scope="module")
def found(here: Lab, story: Story) -> Found:
    """A drill on Debian 13 with the story's newest set."""
    images.build("base13")
    seen = Found()

    def look(record: StepRecord) -> None:
        if record.state is not StepState.DONE or record.step not in ("database", "verify"):
            return
        (machine,) = machines.provider13(here).find({"purpose": "drill"})
        server = way_in(estate(), machine)
        if record.step == "database":
            seen.databases, seen.settings = databases(server), wordpress_settings(server)
            return
        seen.files = {"files": files(server, ROOTS, without=VOLATILE)}
        script = "cat /etc/debian_version; mariadbd --version; ls /etc/php /run/php"
        seen.said = server.run(("sh", "-c", script), timeout=SHORT).stdout.decode()

    listeners.append(look)
    begun = time.monotonic()
    try:
        seen.report = drill(SERVER, recovery_set=story.quiet.id, target=TARGET)
    finally:
        listeners.remove(look)
    seen.seconds = time.monotonic() - begun
    return seen


def test_every_site_is_proven_on_the_newer_debian(here: Lab, found: Found) -> None:
    print(f"\n{found.report['summary']} (all in {found.seconds:.1f} s)\n{found.said}")
    assert found.report["verdict"] == "recovered"
    proven = {site["name"]: site["proven"] for site in found.report["sites"]}  # type: ignore[attr-defined]
    assert proven == {"boutique": True, "journal": True, "vitrine": True}
    assert found.said.startswith("13")
    assert "11.8." in found.said
    assert "8.2" not in found.said.split("MariaDB", 1)[1]
    assert machines.provider13(here).find({}) == ()


def test_databases_and_files_are_the_same(story: Story, found: Found) -> None:
    after = found.databases | found.files
    before = {name: story.fingerprint[name] for name in after}
    before["tables"] = {k: v for k, v in before["tables"].items() if k not in WITHOUT}
    assert len(after["tables"]) > 10
    assert len(after["files"]) > 1000
    differences = compare(before, after)
    assert not differences, "\n".join(differences)
    assert found.settings == story.settings


def test_plan_and_report_say_what_changed(found: Found) -> None:
    incident = str(found.report["incident"])
    plan = plan_from_document(journal(incident).document(PLAN) or {})
    warned = "\n".join(plan.warnings)
    assert "Debian 12 → 13 : PHP 8.2 → 8.4" in warned
    assert "export SQL (MariaDB 10.11 → MariaDB 11.8)" in warned
    (database,) = ends_of(incident, "database")
    assert "export SQL" in database.did
    said = "\n".join(found.report["to_check"])  # type: ignore[arg-type]
    print(f"\n{said}\n{[each.did for each in ends_of(incident, 'packages')]}")
    assert "PHP 8.2 → 8.4 : vérifier les sites" in said
