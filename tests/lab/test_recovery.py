"""The main job: web1 is destroyed and comes back, the same to the last byte."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from blocks.errors import HostKeyMismatch
from blocks.servers.base import Server
from blocks.types import Part
from deployments.lab import control, production
from deployments.lab.config import Lab
from deployments.lab.production_database import accounts, programs, tables
from deployments.lab.production_fingerprint import WITHOUT_TABLES, Fingerprint, compare
from flows.tasks.restore import find_ref, stream_name
from tests.lab import estate as place
from tests.lab.estate import SERVER, ends_of, estate, journal, made_machines
from tests.lab.story import Recovered, Story, wordpress_settings

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

LIMIT = timedelta(minutes=5)
SHORT = timedelta(seconds=20)
SETTINGS = "journal.wp_options"
DATABASES = ("tables", "programs", "database accounts")


@pytest.fixture(scope="session")
def after(recovered: Recovered) -> Fingerprint:
    return production.fingerprint(recovered.server)


def test_every_site_is_back_and_proven(story: Story, recovered: Recovered) -> None:
    print(f"\n{recovered.report['sentence']} (all in {recovered.seconds:.1f} s)")
    assert recovered.report["verdict"] == "recovered"
    assert recovered.report["approved_by"] == "Camille"
    assert recovered.report["recovery_set"] == story.quiet.id
    sites = recovered.report["sites"]
    assert isinstance(sites, list)
    assert {each["name"]: each["proven"] for each in sites} == {
        "boutique": True, "journal": True, "vitrine": True,
    }  # fmt: skip


def test_nothing_differs_from_the_lost_server(recovered: Recovered, after: Fingerprint) -> None:
    assert len(after["tables"]) > 10
    assert len(after["files"]) > 1000
    differences = compare(_without_settings(recovered.before), _without_settings(after))
    assert not differences, "\n".join(differences)


def _without_settings(found: Fingerprint) -> Fingerprint:
    """Leave out one table: WordPress notes in it when its own jobs last ran, at every visit."""
    rest = {name: facts for name, facts in found["tables"].items() if name != SETTINGS}
    return found | {"tables": rest}


def test_of_wordpress_settings_only_its_own_clock_moved(recovered: Recovered) -> None:
    assert recovered.settings == wordpress_settings(recovered.server)
    assert len(recovered.settings) > 100


def test_visitors_are_led_to_the_one_new_machine(here: Lab, recovered: Recovered) -> None:
    (machine,) = made_machines()
    assert machine.address == recovered.server.address
    found = place.addresses()
    for name in ("journal.omniweb.test", "vitrine.omniweb.test", "www.atelier.test"):
        assert found[name] == (machine.address,)
    assert found["mail.omniweb.test"] == (here.address(20),), "nobody's recovery changes this"
    probe = estate().probe
    for site in estate().sites.values():
        for page in site.smoke:
            seen = probe.check_through_dns(page.value())
            assert seen.passed, seen.observed
            assert seen.address == machine.address


def test_nobody_but_the_machine_knows_the_host_key_that_it_shows(recovered: Recovered) -> None:
    """Not the provider, who was told one, nor the lost server, whose /etc was restored."""
    (machine,) = made_machines()
    shown = recovered.server.ssh_address().host_key
    recovered.server.wait_ready(timeout=SHORT)
    for known in (machine.host_key, estate().server.ssh_address().host_key):
        with pytest.raises(HostKeyMismatch):
            estate().server.at(machine.address, known).wait_ready(timeout=SHORT)
    assert f"host_key: {shown}" in str(recovered.report["to_do"])
    for step in ("connect", "host-key"):
        (end,) = ends_of(recovered.incident, step)
        assert end.ended_at is not None
        print(f"\n{step}: {(end.ended_at - end.started_at).total_seconds():.2f} s")


def test_slack_tells_one_story_in_one_thread(here: Lab, recovered: Recovered) -> None:
    url = f"http://{here.control}:{control.SLACK_PORT}/messages"
    told = httpx.get(url, timeout=10).json()["messages"]
    ours = [each for each in told if recovered.incident in json.dumps(each)]
    heads = [each for each in ours if not each["thread"]]
    assert len(heads) == 1
    assert heads[0]["edited"]
    assert [each for each in told if each["thread"] == heads[0]["ts"]]


def databases(server: Server) -> Fingerprint:
    return {
        "tables": tables(server, without=WITHOUT_TABLES),
        "programs": programs(server),
        "database accounts": accounts(server),
    }


@pytest.mark.usefixtures("after")
def test_the_sql_dumps_alone_give_the_same_databases(story: Story, recovered: Recovered) -> None:
    """The way for another MariaDB series: here on a service emptied of databases and users."""
    opened, server = estate(), recovered.server
    database, repository = opened.database, opened.repository
    assert database is not None
    empty = (
        "DROP DATABASE boutique; DROP DATABASE journal; DROP ROLE accounting;"
        "DELETE FROM mysql.global_priv WHERE User LIKE 'boutique%' OR User LIKE 'journal%'"
        " OR User = 'accountant'; FLUSH PRIVILEGES"
    )
    server.run(("mariadb",), stdin=empty.encode(), timeout=LIMIT)
    assert compare({k: story.fingerprint[k] for k in DATABASES}, databases(server))
    for ref in story.quiet.snapshots:
        if ref.part is Part.DATABASE:
            stream = repository.read_stream(SERVER, ref.id, stream_name(ref.part, ref.subject))
            database.restore_logical(server, ref.subject, stream, snapshot=ref.id, timeout=LIMIT)
    grants = find_ref(story.quiet, Part.GRANTS, SERVER)
    stream = repository.read_stream(SERVER, grants.id, stream_name(Part.GRANTS, SERVER))
    database.restore_grants(server, stream, timeout=LIMIT)
    wanted = _without_settings({k: story.fingerprint[k] for k in DATABASES})
    differences = compare(wanted, _without_settings(databases(server)))
    assert not differences, "\n".join(differences)
    assert story.settings == wordpress_settings(server)


def test_every_step_is_in_the_journal(recovered: Recovered) -> None:
    ended = {record.step for record in journal(recovered.incident).records() if record.ended_at}
    wanted = {"observe", "plan", "approve", "lease", "fence", "machine", "packages", "database"}
    wanted |= {f"dns-{site}" for site in ("boutique", "journal", "vitrine")}
    assert wanted | {"data", "verify"} <= ended
