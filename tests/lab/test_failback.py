"""A server that serves moves to a new machine while customers order; then it is where it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.servers.base import Server
from deployments.lab import production
from deployments.lab.config import Lab
from deployments.lab.demo_report import way_in
from deployments.lab.production_fingerprint import (
    ROOTS,
    VOLATILE,
    compare,
    files,
    fingerprint,
)
from deployments.lab.visitor_log import acknowledged_orders, lost_orders, outages, read_log
from flows.failback import failback
from flows.tasks.approval import Approval
from tests.lab import estate as place
from tests.lab.estate import SERVER, estate, made_machines, visitors, wait_for
from tests.lab.story import Story, upload

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600), pytest.mark.usefixtures("story")]

INCIDENT = "ret-web1-test"
SHORT = timedelta(seconds=60)
WRITE_STOP_SECONDS = 15.0
# What a person would do to let a server serve again that another one has taken over from.
_BACK = """
systemctl stop 'lead-on-*.socket' 'lead-on-*.service'
cd /var/lib/continuity && rm -f maintenance/kept markers/moved markers/shut
"""
_LEFT = "ls /root/.ssh/authorized_keys && grep -c continuity-link /root/.ssh/authorized_keys; true"


def sh(server: Server, script: str) -> str:
    return server.run(("bash", "-c", script), timeout=SHORT).stdout.decode().strip()


def orders(server: Server) -> set[str]:
    words = ("mariadb", "--batch", "--skip-column-names")
    query = b"SELECT reference FROM boutique.orders"
    return set(server.run(words, stdin=query, timeout=SHORT).stdout.decode().split())


@pytest.fixture
def back_home(here: Lab) -> Iterator[None]:
    yield
    web1 = production.connect(here)
    sh(web1, _BACK)
    web1.unfence()
    web1.end_maintenance()
    place.forget_recoveries()


@pytest.mark.usefixtures("back_home")
def test_nothing_acknowledged_is_lost_and_the_door_is_closed_for_seconds(
    here: Lab, story: Story, tmp_path: Path
) -> None:
    log = tmp_path / "visitors.jsonl"
    old = production.connect(here)
    upload(here, "demenagement.bin")
    running = visitors(log)
    try:
        wait_for(lambda: log.exists() and len(acknowledged(log)) >= 5, "orders before the move")
        report = failback(SERVER, incident=INCIDENT, approval=Approval.AUTOMATIC)
        so_far = len(acknowledged(log))
        wait_for(lambda: len(acknowledged(log)) >= so_far + 5, "orders after the move")
    finally:
        running.terminate()
        running.wait(timeout=20)
    (machine,) = made_machines(incident=INCIDENT)
    new = way_in(estate(), machine)
    visits = read_log(log.read_text())
    closed = {each.site: each.duration for each in outages(visits)}
    print(f"\nwrite stop {report['rto_seconds']} s; closed for visitors: {closed}")
    assert report["verdict"] == "recovered"
    assert float(str(report["rto_seconds"])) <= WRITE_STOP_SECONDS
    assert lost_orders(visits, orders(new)) == ()
    names = [domain for site in estate().sites.values() for domain in site.domains]
    assert {place.addresses()[each] for each in names} == {(machine.address,)}
    assert sh(old, "systemctl is-active nginx mariadb cron; true").split() == ["inactive"] * 3
    assert sh(old, _LEFT).splitlines()[-1:] in ([], ["0"])
    assert sh(new, "systemctl is-active nginx mariadb cron archive-agent").split() == ["active"] * 4
    assert sh(new, "ls /etc/mysql/mariadb.conf.d/ | grep continuity; true") == ""
    found = fingerprint(new)
    same = ("certificates", "configuration", "database accounts", "enabled units", "timers",
            "users")  # fmt: skip
    before, after = ({name: each[name] for name in same} for each in (story.fingerprint, found))
    assert compare(before, after) == []
    kept = {"files": files(old, ROOTS, without=VOLATILE)}
    assert compare(kept, {"files": found["files"]}) == []


def acknowledged(log: Path) -> tuple[object, ...]:
    return tuple(acknowledged_orders(read_log(log.read_text())))
