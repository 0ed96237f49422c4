"""One site goes back to a moment beside a running server; the other site does not notice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks.records import StepState
from blocks.servers.base import Server
from blocks.types import Part
from deployments.lab import production
from deployments.lab.config import Lab
from deployments.lab.pit_restore import wait_until_archived
from deployments.lab.production_database import programs, tables
from deployments.lab.production_fingerprint import compare
from tests.lab.estate import (
    SERVER,
    await_record,
    command,
    digest,
    ended,
    estate,
    killed,
    report,
    step_is,
)
from tests.lab.story import Story

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
SITE, INCIDENT = "boutique", "site-boutique-test"
SHORT = timedelta(seconds=60)
_WORK = """
CALL boutique.place_order('avant-le-moment', 'Camille', 1, 2);
INSERT INTO journal.wp_options (option_name, option_value) VALUES ('avant', 'x');
SELECT @@GLOBAL.gtid_binlog_pos;
"""
_BREAK = """
DROP TABLE boutique.order_lines;
DELETE FROM boutique.orders LIMIT 7;
DROP VIEW boutique.best_sellers; DROP EVENT boutique.count_last_week;
CREATE TABLE boutique.wrong (i int); UPDATE boutique.visits SET visitors = 0 WHERE id = 9;
INSERT INTO journal.wp_options (option_name, option_value) VALUES ('apres', 'y');
"""
_FORGET = """
DELETE FROM journal.wp_options WHERE option_name IN ('avant', 'apres');
DELETE FROM boutique.orders WHERE reference = 'avant-le-moment';
"""
_LEFT = "ls -d /var/lib/mysql.* 2>/dev/null; systemctl list-units --no-legend 'continuity-*'; true"
_SERVICE = "systemctl show mariadb -p MainPID -p NRestarts -p ActiveEnterTimestampMonotonic"
_LOCKED = """SELECT CONCAT(User, Host) FROM mysql.global_priv
WHERE JSON_VALUE(Priv, '$.account_locked') AND User <> 'mariadb.sys'"""


def sql(server: Server, text: str) -> str:
    words = ("mariadb", "--batch", "--skip-column-names")
    return server.run(words, stdin=text.encode(), timeout=SHORT).stdout.decode()


def said_by(server: Server, script: str) -> str:
    return server.run(("sh", "-c", script), timeout=SHORT).stdout.decode()


def of(database: str, server: Server) -> dict[str, dict[str, dict[str, str]]]:
    """Return tables with their rows' checksums, views, routines, triggers and events."""
    found = {"tables": tables(server), "programs": programs(server)}
    return {
        section: {k: v for k, v in things.items() if k.split(" ")[-1].startswith(f"{database}.")}
        for section, things in found.items()
    }


@pytest.fixture
def server(here: Lab, story: Story) -> Iterator[Server]:
    web1 = production.connect(here)
    yield web1
    sql(web1, _FORGET)


def test_a_site_goes_back_and_its_neighbour_goes_on(server: Server) -> None:
    moment = sql(server, _WORK).split()[-1]
    wanted, service = of(SITE, server), said_by(server, _SERVICE)
    sql(server, _BREAK)
    broken, neighbour = of(SITE, server), of("journal", server)
    wait_until_archived(estate(), datetime.now(UTC))
    words = ("restore-site", SITE, "--at", moment, "--incident", INCIDENT)

    status, shown = ended(command(*words))
    assert (status, "boutique.order_lines" in shown) == (4, True), shown
    assert said_by(server, _LEFT) == "", "nothing is left of a plan that nobody approved"
    assert compare(broken, of(SITE, server)) == [], "and nothing was changed"

    running = command(*words, "--approve", digest(INCIDENT), "--operator", "Camille")
    await_record(INCIDENT, step_is("load", StepState.STARTED), running)
    killed(running)
    assert "mysql.scratch" in said_by(server, _LEFT)
    assert sql(server, _LOCKED) == "boutiquelocalhost\n", "nobody writes into half a shop"

    status, said = ended(command(*words))
    assert status == 0, said
    assert compare(wanted, of(SITE, server)) == []
    assert compare(neighbour, of("journal", server)) == []
    assert sql(server, "SELECT option_value FROM journal.wp_options WHERE option_name='apres'")
    assert said_by(server, _SERVICE) == service, "the service was not restarted"
    assert said_by(server, _LEFT) == ""
    assert sql(server, _LOCKED) == ""
    told = report(INCIDENT)
    print(f"\n{told['summary']}")
    assert (told["verdict"], told["approved_by"]) == ("recovered", "Camille")
    assert undone(told) == 1


def undone(told: dict[str, object]) -> int:
    """Return how many exports of the broken shop lie in the repository."""
    repository = estate().repository
    kept = [each for each in repository.snapshots(SERVER) if each.label.part is Part.UNDO]
    assert all(each.id in str(told["undo"]) for each in kept)
    texts = [repository.content(SERVER, each.id, f"/undo-{SITE}.sql") for each in kept]
    return sum(b"CREATE TABLE `wrong`" in text for text in texts)


def test_a_moment_that_was_not_reached_and_a_site_that_is_not_there(story: Story) -> None:
    status, said = ended(command("restore-site", SITE, "--at", "2099-01-01 00:00:00"))
    assert (status, "the furthest reachable point is" in said) == (1, True), said
    assert f"continuity restore-site {SITE} --at" in said
    status, said = ended(command("restore-site", "boulangerie", "--at", "0-1-1"))
    assert (status, "is on no server" in said) == (1, True), said
