"""A second MariaDB beside the one that serves: from a physical copy, to look at and to load from.

It lies beside the service's data and runs in a transient systemd unit that has no network, sees
the rest of the disk read-only and the service's data not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from blocks.archives.delivery import FOLDER as DELIVERY
from blocks.databases import content, copying, replaying, restoring
from blocks.databases.base import Scratch
from blocks.databases.content import Instance
from blocks.databases.loading import load
from blocks.databases.restoring import Place
from blocks.servers.base import Server
from blocks.types import DatabaseContent, RemoteCommand

JOB = "scratch"
UNIT = f"continuity-{JOB}-mariadb.service"
_JOBS = (JOB, "fetch-logs", "unpack-logs")
_SHORT = timedelta(seconds=60)
_START_LIMIT = timedelta(minutes=10)
_REMOVE = timedelta(minutes=10)
# Such as decide how tables are made and how statements of the log are understood.
_CARRIED = (
    *("character_set_server", "collation_server", "lower_case_table_names", "sql_mode"),
    *("explicit_defaults_for_timestamp", "max_allowed_packet", "innodb_default_row_format"),
    *("innodb_strict_mode", "default_storage_engine", "log_bin_trust_function_creators"),
)
_ROOM = 'df --block-size=1 --output=avail "$(dirname "$1")" | tail -n 1'
_REMOVE_ALL = """
[ -e "$1" ] && echo found
rm -rf "$1" "$2"
"""
# The copy itself says how its InnoDB is laid out. A quarter of the free memory, 512 MiB at most.
_START = """
set -e
folder=$1 datadir=$2 unit=$3 seconds=$4
cd "$folder"
mv -T data.prepared data
install -d -m 700 -o mysql -g mysql tmp
if ls logs/log.[0-9]* >/dev/null 2>&1; then
  printf '%s\\n' "$folder"/logs/log.[0-9]* >logs/log.index
  chown mysql:mysql logs/log.index
fi
memory=$(awk '/^MemAvailable:/ { part = int($2 / 4096); if (part > 512) part = 512
  if (part < 32) part = 32; print part }' /proc/meminfo)
{ echo "!include $folder/data/backup-my.cnf"
  cat
  echo "innodb_buffer_pool_size = ${memory}M"; } >my.cnf
chmod 644 my.cnf
chown mysql:mysql "$folder"
systemctl reset-failed "$unit" 2>/dev/null || true
exec systemd-run --quiet --collect --unit="$unit" --description="$unit" \\
  -p Type=notify -p User=mysql -p Group=mysql -p TimeoutStartSec="$seconds" \\
  -p KillSignal=SIGKILL -p RuntimeMaxSec=1d -p LimitNOFILE=65535 -p OOMScoreAdjust=1000 \\
  -p MemoryMax="$((memory + 768))M" -p Nice=10 -p CPUWeight=20 -p IOWeight=20 \\
  -p PrivateNetwork=yes -p PrivateTmp=yes -p NoNewPrivileges=yes -p ProtectHome=yes \\
  -p ProtectSystem=strict -p ReadWritePaths="$folder" -p InaccessiblePaths="$datadir" \\
  -- "$(command -v mariadbd)" --defaults-file="$folder/my.cnf"
"""


class MariaDbScratch(Scratch):
    """The second instance of one server, in `<datadir>.scratch`."""

    # Contracts (and docstrings) of the public methods are the base class's.

    def __init__(self, server: Server, datadir: str) -> None:
        self._server, self._datadir = server, datadir
        self._folder = f"{datadir}.scratch"
        self.log_folder = f"{self._folder}/logs"
        self._here = Instance(server, f"{self._folder}/mysqld.sock")

    def room(self) -> int:
        words = ("sh", "-c", _ROOM, "free-space", self._datadir)
        return int(self._server.run(words, timeout=_SHORT).stdout)

    def remove(self) -> bool:
        stopped = [unit for job in _JOBS for unit in self._server.stop_jobs(job)]
        words = (
            "sh",
            "-c",
            _REMOVE_ALL,
            "remove-scratch",
            self._folder,
            f"{DELIVERY}/logs-objects",
        )
        return bool(self._server.run(words, timeout=_REMOVE).stdout) or bool(stopped)

    def restore(self, stream: RemoteCommand, *, snapshot: str, timeout: timedelta) -> None:
        self._server.run(("install", "-d", "-m", "700", self._folder), timeout=_SHORT)
        restoring.prepare_copy(
            self._server,
            Place(f"{self._folder}/data", ""),
            stream,
            snapshot=snapshot,
            timeout=timeout,
            size=0,
            job=f"{JOB}-copy",
        )

    def start(self) -> None:
        words = ("bash", "-c", _START, "start-scratch", self._folder, self._datadir, UNIT)
        limit = str(int(_START_LIMIT.total_seconds()))
        settings = self._settings().encode()
        self._server.run((*words, limit), timeout=_START_LIMIT + _SHORT, stdin=settings)

    def _settings(self) -> str:
        names = ", ".join(map(content.quoted, _CARRIED))
        show = f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})"
        carried = (f"{row[0]} = {row[1]}" for row in Instance(self._server).rows(show))
        folder = self._folder
        return "\n".join(
            (
                "[mariadbd]",
                f"datadir = {folder}/data",
                f"tmpdir = {folder}/tmp",  # noqa: S108 - not /tmp
                f"socket = {folder}/mysqld.sock\npid_file = {folder}/mysqld.pid",
                "skip_networking\nskip_log_bin\nperformance_schema = OFF",
                # Nothing here outlives the run.
                "innodb_flush_log_at_trx_commit = 0\ninnodb_doublewrite = OFF\nsync_relay_log = 0",
                *carried,
                replaying.options(self.log_folder),
            )
        )

    def replay(self, *, begin: int, gtids: Sequence[str], timeout: timedelta) -> None:
        replaying.apply_logs(self._here, self.log_folder, begin=begin, gtids=gtids, timeout=timeout)
        replaying.forget_logs(self._here)

    def content(self, databases: Sequence[str]) -> DatabaseContent:
        return content.read_content(self._here, databases, checksums=True)

    def row_hashes(self, tables: Sequence[str]) -> Mapping[str, str]:
        return content.row_hashes(self._here, tables)

    def hand_over(self, databases: Sequence[str], *, timeout: timedelta) -> None:
        dump = copying.local_dump(self._here.arguments, databases, events=False)
        load(self._server, dump, timeout, f"{JOB}-load")

    def hand_over_events(self, databases: Sequence[str], *, timeout: timedelta) -> None:
        dump = copying.local_dump(self._here.arguments, databases, events=True)
        load(self._server, dump, timeout, f"{JOB}-events")
