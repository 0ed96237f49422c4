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
from blocks.databases.restoring import Place, wait_until_answering
from blocks.errors import DeadlineExceeded, VerificationFailed
from blocks.servers.base import Server

MARKER = "replayed"
JOB = "replay"
_SHORT = timedelta(seconds=60)
_READY = timedelta(minutes=10)
_POLL_SECONDS = 0.5
_DROP_IN = "/etc/mysql/mariadb.conf.d/zz-continuity-replay.cnf"
_CLIENT = ("mariadb", "--no-defaults", "--protocol=socket", "--user=root", "--batch", "--raw")

# Nobody else may write, and no event may fire, until all is replayed.
_OPTIONS = f"""\
# While binary logs are replayed; removed when that is done.
[mariadbd]
relay_log = {FOLDER}/log
relay_log_index = {FOLDER}/log.index
relay_log_info_file = {FOLDER}/relay-log.info
master_info_file = {FOLDER}/master.info
relay_log_purge = OFF
relay_log_space_limit = 0
replicate_same_server_id = ON
log_slave_updates = OFF
skip_slave_start = ON
event_scheduler = OFF
read_only = ON
"""
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
    if server.read_marker(MARKER) != marker:
        if not _state(server).configured:
            words = ("bash", "-c", _BEGIN, "begin-replay", FOLDER, _DROP_IN, place.service)
            server.run(words, timeout=_READY, stdin=_OPTIONS.encode(), job=JOB)
            wait_until_answering(server, timeout=_READY)
            _sql(server, _change_master(begin))
        _sql(server, "START SLAVE SQL_THREAD")
        _wait(server, timeout)
        _require(server, gtids)
        _enable_events(server)
        _sql(server, "STOP SLAVE; RESET SLAVE ALL")
        server.write_marker(MARKER, marker)
    words = ("bash", "-c", _END, "end-replay", _DROP_IN, place.service, FOLDER)
    if server.run(("test", "-e", _DROP_IN), timeout=_SHORT, accept=(0, 1)).status == 0:
        server.run(words, timeout=_READY, job=JOB)
        wait_until_answering(server, timeout=_READY)


def _change_master(begin: int) -> str:
    return (
        "CHANGE MASTER TO MASTER_HOST = 'archive', MASTER_USE_GTID = no, "
        f"RELAY_LOG_FILE = 'log.000001', RELAY_LOG_POS = {begin}"
    )


def _wait(server: Server, timeout: timedelta) -> None:
    deadline = time.monotonic() + timeout.total_seconds()
    while True:
        state = _state(server)
        if state.error:
            raise VerificationFailed(
                f"replay on server {server.address}",
                state.error,
                "look at it: mariadb -e 'SHOW SLAVE STATUS\\G'; "
                "or recover to an earlier moment: continuity recover --at TIME",
            )
        if state.idle:
            return
        if time.monotonic() > deadline:
            raise DeadlineExceeded(
                f"replay on server {server.address}",
                f"is not done after {timeout.total_seconds():.0f} s",
                "watch it: mariadb -e 'SHOW SLAVE STATUS\\G'; then run again with more time",
            )
        time.sleep(_POLL_SECONDS)


def _state(server: Server) -> ReplayState:
    said = _sql(server, "SHOW SLAVE STATUS\\G", accept=(0, 1))
    values = dict(re.findall(r"^ *(\w+): (.*)$", said, re.M))
    return ReplayState(
        configured=bool(values),
        error=values.get("Last_SQL_Error", ""),
        idle="has read all relay log" in values.get("Slave_SQL_Running_State", ""),
    )


def _require(server: Server, gtids: Sequence[str]) -> None:
    """Compare what was applied with what should have been, domain by domain."""
    said = _sql(server, "SELECT @@GLOBAL.gtid_slave_pos").splitlines()[-1:]
    reached = {each for line in said for each in line.split(",") if each}
    if not reached <= set(gtids) or (gtids and not reached):
        raise VerificationFailed(
            f"replay on server {server.address}",
            f"ended at {','.join(sorted(reached)) or 'nothing'}, not at {','.join(gtids)}",
            "recover again on a new machine; if it stays: continuity recover --at TIME",
        )


def _enable_events(server: Server) -> None:
    """Give events their own state again: a replica turns off those that it is told of.

    `DISABLE` in the statement that made or changed them last is kept.
    """
    rows = _sql(
        server,
        "SELECT CONCAT_WS(CHAR(9), EVENT_SCHEMA, EVENT_NAME, DEFINER) FROM "
        "information_schema.EVENTS WHERE STATUS = 'SLAVESIDE_DISABLED'",
    ).splitlines()[1:]
    if not rows:
        return
    script = (
        f"mariadb-binlog --no-defaults --short-form --base64-output=decode-rows {FOLDER}/log.0*"
    )
    said = server.run(("bash", "-c", script), timeout=_READY, accept=(0, 1)).stdout
    off = disabled_events(said.decode(errors="replace"))
    for row in rows:
        schema, name, definer = row.split("\t")
        state = "DISABLE" if name.lower() in off else "ENABLE"
        user, _, host = definer.rpartition("@")
        _sql(
            server,
            f"ALTER DEFINER = {_quoted(user)}@{_quoted(host)} EVENT "
            f"{_identifier(schema)}.{_identifier(name)} {state}",
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


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _identifier(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def _sql(server: Server, statement: str, accept: Sequence[int] = (0,)) -> str:
    said = server.run(_CLIENT, timeout=_SHORT, stdin=statement.encode(), accept=accept)
    return said.stdout.decode(errors="replace")
