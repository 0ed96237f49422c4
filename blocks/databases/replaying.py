"""Replay binary logs into a restored MariaDB, as a replica applies the logs of its primary.

The logs are handed over as relay logs. So temporary tables, XA, numbers of transactions and logs
without transactions are right, and the server itself says how far it is. Each call looks first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from blocks.databases.base import REPLAY_FOLDER as FOLDER
from blocks.databases.connection import identifier
from blocks.databases.content import Instance, quoted
from blocks.databases.restoring import Place, wait_until_answering
from blocks.errors import DeadlineExceeded, VerificationFailed
from blocks.servers.base import Server

MARKER = "replayed"
JOB = "replay"
_SHORT = timedelta(seconds=60)
_READY = timedelta(minutes=10)
_POLL_SECONDS = 0.5
_DROP_IN = "/etc/mysql/mariadb.conf.d/zz-continuity-replay.cnf"

_DROP_IN_HEAD = "# While binary logs are replayed; removed when that is done.\n[mariadbd]\n"
_BEGIN = """
set -e
cd "$1"
printf '%s\\n' "$1"/log.[0-9]* >log.index
chown mysql:mysql log.index .
chmod 711 /var/lib/continuity "$(dirname "$1")"
cat >"$2"
chmod 644 "$2"
systemctl restart "$3"
"""
_END = """
set -e
rm -f "$1"
systemctl restart "$2"
rm -rf "$3"
"""


def options(folder: str) -> str:
    """Return settings with which nobody else may write, and no event fires, until all is replayed.

    Args:
        folder: Where the logs lie.
    """
    return f"""\
relay_log = {folder}/log
relay_log_index = {folder}/log.index
relay_log_info_file = {folder}/relay-log.info
master_info_file = {folder}/master.info
relay_log_purge = OFF
relay_log_space_limit = 0
replicate_same_server_id = ON
log_slave_updates = OFF
skip_slave_start = ON
event_scheduler = OFF
read_only = ON
"""


@dataclass(frozen=True, slots=True)
class ReplayState:
    """What the server says of the replay."""

    configured: bool
    error: str
    idle: bool
    """Whether it has applied all that it was given."""


def replay(
    server: Server,
    place: Place,
    *,
    begin: int,
    gtids: Sequence[str],
    marker: str,
    timeout: timedelta,
) -> None:
    """Do what `Database.replay` promises."""
    here = Instance(server)
    if server.read_marker(MARKER) != marker:
        if not _state(here).configured:
            words = ("bash", "-c", _BEGIN, "begin-replay", FOLDER, _DROP_IN, place.service)
            settings = _DROP_IN_HEAD + options(FOLDER)
            server.run(words, timeout=_READY, stdin=settings.encode(), job=JOB)
            wait_until_answering(server, timeout=_READY)
        apply_logs(here, FOLDER, begin=begin, gtids=gtids, timeout=timeout)
        # Before the server forgets where it is: else it would begin anew on data that has it all.
        server.write_marker(MARKER, marker)
    words = ("bash", "-c", _END, "end-replay", _DROP_IN, place.service, FOLDER)
    if server.run(("test", "-e", _DROP_IN), timeout=_SHORT, accept=(0, 1)).status == 0:
        forget_logs(here)
        server.run(words, timeout=_READY, job=JOB)
        wait_until_answering(server, timeout=_READY)


def apply_logs(
    instance: Instance, folder: str, *, begin: int, gtids: Sequence[str], timeout: timedelta
) -> None:
    """Let an instance that runs with `options(folder)` apply the logs; goes on where it stopped.

    Raises:
        VerificationFailed: A statement failed, or it ended elsewhere than at `gtids`.
    """
    if not _state(instance).configured:
        instance.sql(_change_master(begin))
    instance.sql("START SLAVE SQL_THREAD")
    _wait(instance, timeout)
    _require(instance, gtids)
    _enable_events(instance, folder)


def forget_logs(instance: Instance) -> None:
    """Let an instance be nobody's replica any more. Idempotent."""
    instance.sql("STOP SLAVE; RESET SLAVE ALL")


def _change_master(begin: int) -> str:
    return (
        "CHANGE MASTER TO MASTER_HOST = 'archive', MASTER_USE_GTID = no, "
        f"RELAY_LOG_FILE = 'log.000001', RELAY_LOG_POS = {begin}"
    )


def _wait(instance: Instance, timeout: timedelta) -> None:
    deadline = time.monotonic() + timeout.total_seconds()
    while True:
        state = _state(instance)
        if state.error:
            raise VerificationFailed(
                f"replay on server {instance.server.address}",
                state.error,
                "look at it: mariadb -e 'SHOW SLAVE STATUS\\G'; "
                "or go back to an earlier moment: --at TIME",
            )
        if state.idle:
            return
        if time.monotonic() > deadline:
            raise DeadlineExceeded(
                f"replay on server {instance.server.address}",
                f"is not done after {timeout.total_seconds():.0f} s",
                "watch it: mariadb -e 'SHOW SLAVE STATUS\\G'; then run again with more time",
            )
        time.sleep(_POLL_SECONDS)


def _state(instance: Instance) -> ReplayState:
    said = instance.sql("SHOW SLAVE STATUS\\G", accept=(0, 1), headings=True)
    values = dict(re.findall(r"^ *(\w+): (.*)$", said, re.M))
    return ReplayState(
        configured=bool(values),
        error=values.get("Last_SQL_Error", ""),
        idle="has read all relay log" in values.get("Slave_SQL_Running_State", ""),
    )


def _require(instance: Instance, gtids: Sequence[str]) -> None:
    """Compare what was applied with what should have been, domain by domain."""
    said = instance.sql("SELECT @@GLOBAL.gtid_slave_pos").splitlines()[-1:]
    reached = {each for line in said for each in line.split(",") if each}
    if not reached <= set(gtids) or (gtids and not reached):
        raise VerificationFailed(
            f"replay on server {instance.server.address}",
            f"ended at {','.join(sorted(reached)) or 'nothing'}, not at {','.join(gtids)}",
            "recover again on a new machine; if it stays: continuity recover --at TIME",
        )


def _enable_events(instance: Instance, folder: str) -> None:
    """Give events their own state again: a replica turns off those that it is told of.

    `DISABLE` in the statement that made or changed them last is kept.
    """
    rows = instance.sql(
        "SELECT CONCAT_WS(CHAR(9), EVENT_SCHEMA, EVENT_NAME, DEFINER) FROM "
        "information_schema.EVENTS WHERE STATUS = 'SLAVESIDE_DISABLED'",
    ).splitlines()
    if not rows:
        return
    script = (
        f"mariadb-binlog --no-defaults --short-form --base64-output=decode-rows {folder}/log.0*"
    )
    command = ("bash", "-c", script)
    said = instance.server.run(command, timeout=_READY, accept=(0, 1)).stdout
    off = disabled_events(said.decode(errors="replace"))
    for row in rows:
        schema, name, definer = row.split("\t")
        state = "DISABLE" if name.lower() in off else "ENABLE"
        user, _, host = definer.rpartition("@")
        instance.sql(
            f"ALTER DEFINER = {quoted(user)}@{quoted(host)} EVENT "
            f"{identifier(schema)}.{identifier(name)} {state}"
        )


_EVENT = re.compile(
    r"\b(?:CREATE|ALTER)\b[^;]*?\bEVENT\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
    r"(?:`?[^`.\s]+`?\s*\.\s*)?`?(?P<name>[^`.\s]+)`?(?P<rest>.*?)(?:\bDO\b|/\*!\*/|$)",
    re.I | re.S,
)


def disabled_events(text: str) -> set[str]:
    """Return the lower-case names of events that their newest statement turned off."""
    off: set[str] = set()
    for found in _EVENT.finditer(text):
        name, rest = found["name"].lower(), found["rest"]
        if re.search(r"\bDISABLE\b", rest, re.I):
            off.add(name)
        elif re.search(r"\bENABLE\b", rest, re.I) or re.search(r"\bSCHEDULE\b", rest, re.I):
            off.discard(name)
    return off
