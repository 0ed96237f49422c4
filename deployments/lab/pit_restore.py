"""A scratch machine on which one set is restored again and again, each time to another point."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from blocks.databases.base import REPLAY_FOLDER
from blocks.databases.restoring import MARKER
from blocks.errors import DeadlineExceeded
from blocks.servers.base import Server
from blocks.types import Part, RecoverySet
from deployments.lab import machines, production
from deployments.lab.config import Lab
from flows.tasks.archive_look import chain_behind, find_point, spans_to, wanted_point
from flows.tasks.incident import Estate
from flows.tasks.restore import find_ref, stream_name

NAME = "scratch"
_SHORT = timedelta(seconds=60)
_LONG = timedelta(minutes=10)
_PACKAGES = ("mariadb-server", "mariadb-backup", "age", "zstd", "curl")
_CONFIGURATION = "/etc/mysql/mariadb.conf.d/70-production.cnf"
# What says that a copy is there already: each point begins from the set again.
_FORGET = (
    f"rm -f /var/lib/continuity/markers/{{{MARKER},replayed}} /var/lib/mysql/continuity-snapshot"
)


@contextmanager
def scratch_machine(here: Lab, estate: Estate) -> Iterator[Server]:
    """Give a machine with MariaDB, configured like web1; it is destroyed in the end."""
    place = machines.provider(here)
    machine = machines.start(here, NAME, "base", here.address(60))
    try:
        server = estate.server.at(machine.address, machine.host_key)
        server.wait_ready(timeout=timedelta(minutes=2))
        server.install_packages(_PACKAGES, timeout=_LONG)
        server.put(_CONFIGURATION, production.connect(here).get(_CONFIGURATION), mode=0o644)
        estate.repository.prepare(server, estate.name)
        yield server
    finally:
        place.destroy(machine.id)


def wait_until_archived(estate: Estate, moment: datetime, seconds: float = 90) -> None:
    """Wait until each bucket of the archive holds all that was written until a moment."""
    assert estate.archive is not None  # noqa: S101 - the lab's server has one
    until = time.monotonic() + seconds
    while True:
        found = {
            name: each.listing(estate.name, moment - timedelta(minutes=10)).seen_until
            for name, each in estate.archive.archives.items()
        }
        if all(seen and seen > moment for seen in found.values()):
            return
        if time.monotonic() > until:
            said = ", ".join(f"{name} until {seen}" for name, seen in found.items())
            raise DeadlineExceeded(
                f"archive of {estate.name}",
                f"holds {said}, now {datetime.now(UTC)}",
                "continuity archive status",
            )
        time.sleep(0.5)


def restore_to(estate: Estate, server: Server, chosen: RecoverySet, point: str) -> str:
    """Restore the set and replay to a point, as a recovery does; return the last transaction."""
    assert estate.archive is not None  # noqa: S101
    assert estate.database is not None  # noqa: S101
    assert chosen.position is not None  # noqa: S101
    server.run(("bash", "-c", _FORGET), timeout=_SHORT)
    ref = find_ref(chosen, Part.PHYSICAL, estate.name)
    stream = estate.repository.read_stream(
        estate.name, ref.id, stream_name(Part.PHYSICAL, estate.name)
    )
    estate.database.restore_physical(server, stream, snapshot=ref.id, timeout=_LONG)
    chain = chain_behind(estate, chosen)
    end, _ = find_point(estate.archive, chain.spans, wanted_point(point))
    estate.archive.deliver_logs(server, spans_to(chain, end), REPLAY_FOLDER, timeout=_LONG)
    estate.database.replay(
        server,
        begin=chosen.position.offset,
        gtids=end.gtids,
        marker=f"{point} {end.offset}",
        timeout=_LONG,
    )
    return end.gtid
