"""Bring a MariaDB back from a copy; every step can be cut anywhere and run again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from blocks.databases.loading import load
from blocks.errors import CommandFailed, ConfigurationError, DeadlineExceeded, DiskFull, NotFound
from blocks.servers.base import Server
from blocks.types import RemoteCommand

MARKER = "physical"
JOB = "restore-physical"
_SHORT = timedelta(seconds=60)
_STOP = timedelta(minutes=10)
_READY = timedelta(minutes=10)
_POLL_SECONDS = 0.5
_HELD = "continuity-snapshot"
"""File in the data directory that names the snapshot it was restored from."""

_NO_TOOL, _MOUNTED = 44, 45

_LOOK = f"""
{{ command -v mariadb-backup && command -v mbstream; }} >/dev/null || exit {_NO_TOOL}
mountpoint -q "$1" && exit {_MOUNTED}
holds() {{ [ "$(cat "$1/{_HELD}" 2>/dev/null)" = "$2" ]; }}
if holds "$1" "$2"; then echo restored
elif holds "$1.prepared" "$2"; then echo prepared
else echo missing; fi
"""
_ROOM = 'df --block-size=1 --output=avail "$(dirname "$1")" | tail -n 1'
_EXTRACT = (
    'set -e; rm -rf "$1".incoming-* "$1.prepared"; mkdir -m 700 "$1.incoming-$2"; '
    'exec mbstream -x -C "$1.incoming-$2"'
)
# Half of the free memory for the log, at least MariaDB's own default.
_PREPARE = f"""
set -e
new=$1.incoming-$2
test -e "$new/xtrabackup_checkpoints" || {{ echo "the stream held no complete copy" >&2; exit 1; }}
memory=$(awk '/^MemAvailable:/ {{ half = int($2 / 2048); if (half > 1024) half = 1024
  if (half < 96) half = 96; print half }}' /proc/meminfo)
mariadb-backup --prepare --use-memory="${{memory}}M" --target-dir="$new"
chown -R mysql:mysql "$new"
printf %s "$3" >"$new/{_HELD}"
sync -f "$new"
mv -T "$new" "$1.prepared"
"""
_SWAP = """
set -e
systemctl stop "$2"
if [ -d "$1" ]; then
  chmod --reference="$1" "$1.prepared"
  rm -rf "$1.replaced"
  mv -T "$1" "$1.replaced"
fi
mv -T "$1.prepared" "$1"
sync -f "$1"
"""
# A service whose log directory was not part of any backup would not start.
_LOG_FOLDERS = """
mariadbd --print-defaults 2>/dev/null | tr ' ' '\\n' |
  sed -n -E 's,^--(log.(bin|error|bin.index)|(general|slow.query).log.file)=(/.*)/[^/]*$,\\4,p' |
  sort -u | while IFS= read -r folder; do
    [ -d "$folder" ] || install -d -o mysql -g adm -m 2750 "$folder"; done
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service and its data are on a server."""

    datadir: str
    service: str


def restore_physical(
    server: Server,
    place: Place,
    stream: RemoteCommand,
    *,
    snapshot: str,
    timeout: timedelta,
    size: int = 0,
) -> None:
    """Do what `Database.restore_physical` promises.

    The state of the disk says how far an earlier run came: `<datadir>.incoming-*` is worthless,
    `<datadir>.prepared` is complete, and a data directory that names the snapshot was swapped in.
    """
    if server.read_marker(MARKER) == snapshot:
        _start(server, place)
        return
    state = prepare_copy(server, place, stream, snapshot=snapshot, timeout=timeout, size=size)
    if state != "restored":
        words = ("bash", "-c", _SWAP, "swap-data", place.datadir, place.service)
        # As a job: a swap that an earlier, killed run left behind is stopped first.
        server.run(words, timeout=_STOP, job=JOB)
    _start(server, place)
    wait_until_answering(server, timeout=_READY)
    server.run(("rm", "-rf", f"{place.datadir}.replaced"), timeout=_STOP)
    server.write_marker(MARKER, snapshot)


def prepare_copy(
    server: Server,
    place: Place,
    stream: RemoteCommand,
    *,
    snapshot: str,
    timeout: timedelta,
    size: int,
    job: str = JOB,
) -> str:
    """Leave the copy, ready to be started, in `<datadir>.prepared`; the service is not touched.

    Returns "restored" if the data directory itself holds the copy already, so nothing was done.
    """
    deadline = time.monotonic() + timeout.total_seconds()
    state = _look(server, place, snapshot)
    if state == "missing":
        _require_room(server, place, size)
        _extract(server, place, stream, snapshot, deadline, job)
    return state


def _look(server: Server, place: Place, snapshot: str) -> str:
    words = ("bash", "-c", _LOOK, "look-at-data", place.datadir, snapshot)
    seen = server.run(words, timeout=_SHORT, accept=(0, _NO_TOOL, _MOUNTED))
    if seen.status == _NO_TOOL:
        raise NotFound(
            f"mariadb-backup on server {server.address}",
            "is not installed, so a physical copy cannot be restored",
            "on the server: apt-get install mariadb-backup; then run again",
        )
    if seen.status == _MOUNTED:
        raise ConfigurationError(
            f"data directory {place.datadir} on server {server.address}",
            "is a mount point and cannot be replaced by renaming",
            "mount the volume one directory higher, or restore the SQL dumps",
        )
    return seen.stdout.decode().strip()


def _require_room(server: Server, place: Place, size: int) -> None:
    if not size:
        return
    said = server.run(("sh", "-c", _ROOM, "free-space", place.datadir), timeout=_SHORT).stdout
    free = int(said)
    if free < size:
        raise DiskFull(
            f"server {server.address}",
            f"{free} bytes are free beside {place.datadir}, the copy needs {size}",
            f"on the server: df -h {place.datadir}; free space or take a larger disk, run again",
        )


def _extract(
    server: Server,
    place: Place,
    stream: RemoteCommand,
    snapshot: str,
    deadline: float,
    job: str,
) -> None:
    arguments = (place.datadir, snapshot[:8])
    sink = RemoteCommand(("sh", "-c", _EXTRACT, "mbstream", *arguments))
    try:
        server.pipe(stream, sink, timeout=_left(server, deadline), job=job)
        words = ("bash", "-c", _PREPARE, "prepare-copy", *arguments, snapshot)
        server.run(words, timeout=_left(server, deadline), job=job)
    except (CommandFailed, DiskFull):
        incoming = f"{place.datadir}.incoming-{snapshot[:8]}"
        server.run(("rm", "-rf", incoming), timeout=_STOP)
        raise


def _left(server: Server, deadline: float) -> timedelta:
    left = deadline - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded(
            f"server {server.address}",
            "no time was left to prepare the physical copy",
            "allow more time; look at the disk with `iotop` on the server",
        )
    return timedelta(seconds=left)


def wait_until_answering(server: Server, *, timeout: timedelta) -> None:
    """Wait until the service answers on its local socket, whoever may log in."""
    deadline = time.monotonic() + timeout.total_seconds()
    while not _answers(server):
        if time.monotonic() > deadline:
            raise DeadlineExceeded(
                f"MariaDB on server {server.address}",
                f"does not answer on its socket after {timeout.total_seconds():.0f} s",
                "on the server: journalctl -u mariadb -n 50",
            )
        time.sleep(_POLL_SECONDS)


def _answers(server: Server) -> bool:
    # `ping` succeeds as soon as the service answers, even if it refuses the login.
    ping = ("mariadb-admin", "--no-defaults", "--protocol=socket", "--connect-timeout=5", "ping")
    return server.run(ping, timeout=_SHORT, accept=range(256)).status == 0


def _start(server: Server, place: Place) -> None:
    server.run(("sh", "-c", _LOG_FOLDERS, "log-folders"), timeout=_SHORT)
    server.start_services((place.service,))


def _start_unless_answering(server: Server, place: Place) -> None:
    """Start the service; databases are loaded one by one, and a ping is cheap."""
    if not _answers(server):
        _start(server, place)
        wait_until_answering(server, timeout=_READY)


def restore_logical(
    server: Server,
    place: Place,
    database: str,
    stream: RemoteCommand,
    *,
    snapshot: str,
    timeout: timedelta,
) -> None:
    """Do what `Database.restore_logical` promises."""
    _start_unless_answering(server, place)
    marker = f"database-{quote(database, safe='')}"
    if server.read_marker(marker) == snapshot:
        return
    job = "restore-database-" + snapshot[:8]
    load(server, stream, timeout, job)
    server.write_marker(marker, snapshot)


def restore_grants(
    server: Server, place: Place, stream: RemoteCommand, *, timeout: timedelta
) -> None:
    """Do what `Database.restore_grants` promises."""
    _start_unless_answering(server, place)
    load(server, stream, timeout, "restore-grants")
