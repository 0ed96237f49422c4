"""One whole lab for the tests of the main job, and the story of backups that they tell on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from blocks.repositories.catalogue import Catalogue
from blocks.servers.protected import Retention
from blocks.types import RecoverySet
from deployments.lab import control, production
from deployments.lab import lab as whole
from deployments.lab.config import Lab
from deployments.lab.production_fingerprint import Fingerprint
from deployments.lab.visitor_log import Visit, acknowledged_orders, read_log
from tests.lab import argv_watch
from tests.lab.estate import LAB, SERVER, changed, estate, visitors, wait_for

ORDER = ("test_backups", "test_bad_days", "test_drill", "test_recovery", "test_resume")
LAST = "test_secrets"
"""Modules on the shared lab, in the order of what they destroy; others have labs of their own."""

UPLOAD = "/srv/boutique/public/images/nouveau.bin"
_SHORT = timedelta(seconds=60)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules on the shared lab last and in order: destruction comes late."""
    order = [f"tests.lab.{name}" for name in (*ORDER, LAST)]

    def rank(item: pytest.Item) -> int:
        name = getattr(getattr(item, "module", None), "__name__", "")
        return order.index(name) if name in order else -1

    items.sort(key=rank)


@pytest.fixture(scope="session")
def here() -> Iterator[Lab]:
    """The lab, up, with this process as a client of its Prefect server."""
    lines: list[str] = []
    whole.down(LAB)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CONTINUITY_LAB", LAB.name)
            patch.setenv("CONTINUITY_LAB_NETWORK", str(LAB.network))
            whole.up(LAB, lines.append)
            print("\n" + "\n".join(lines))
            for name, value in control.environment(LAB).items():
                patch.setenv(name, value)
            settings = {
                PREFECT_API_URL: control.environment(LAB)["PREFECT_API_URL"],
                PREFECT_API_AUTH_STRING: LAB.secret("prefect-auth"),
            }
            with temporary_settings(settings):
                yield LAB
    finally:
        whole.down(LAB)


@dataclass(frozen=True)
class Story:
    """What happened before any disaster.

    Attributes:
        first: The set of the full first backup, which retention removed in the end.
        busy: The set that was taken while customers ordered.
        quiet: The newest set; nobody wrote between it and the fingerprint.
        visits: What the customers did, until `left`.
        commands: All command lines of the machine during the first backup.
        objects: Keys in the bucket before retention.
    """

    first: RecoverySet
    busy: RecoverySet
    quiet: RecoverySet
    visits: tuple[Visit, ...]
    left: datetime
    fingerprint: Fingerprint
    commands: frozenset[bytes]
    seconds: tuple[float, ...]


@pytest.fixture(scope="session")
def story(here: Lab, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Three backups: the first, one among customers, one after which all is quiet."""
    folder = tmp_path_factory.mktemp("story")
    with argv_watch.watched(folder) as commands:
        first, took_first = back_up()
    busy, took_busy, visits, left = _back_up_among_customers(folder / "visitors.jsonl")
    server = production.connect(here)
    fresh = f"head -c 400000 /dev/urandom >{UPLOAD}; chown boutique:boutique {UPLOAD}"
    server.run(("sh", "-ec", fresh), timeout=_SHORT)
    rule = Retention(last=2, daily=0, weekly=0, monthly=0)
    with changed(f"protected-server/{SERVER}", retention=rule):
        quiet, took_quiet = back_up()
    return Story(
        first=first,
        busy=busy,
        quiet=quiet,
        visits=visits,
        left=left,
        fingerprint=production.fingerprint(server),
        commands=frozenset(commands),
        seconds=(took_first, took_busy, took_quiet),
    )


def back_up() -> tuple[RecoverySet, float]:
    """Back web1 up; return the set and how many seconds it took."""
    from flows.backup import backup

    begun = datetime.now(UTC)
    (made,) = backup(SERVER)
    took = (datetime.now(UTC) - begun).total_seconds()
    return Catalogue(estate().repository).read(SERVER, made), took


def _back_up_among_customers(
    log: Path,
) -> tuple[RecoverySet, float, tuple[Visit, ...], datetime]:
    def orders() -> int:
        return len(acknowledged_orders(read_log(log.read_text()))) if log.exists() else 0

    running = visitors(log)
    try:
        wait_for(lambda: orders() >= 20, "orders before the backup")
        made, took = back_up()
        so_far = orders()
        wait_for(lambda: orders() >= so_far + 10, "orders after the backup")
        left = datetime.now(UTC)
    finally:
        running.terminate()
        running.wait(timeout=20)
    return made, took, read_log(log.read_text()), left
