"""Let a restored MariaDB follow one that serves, as its replica, and take over from it."""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

from blocks.databases.connection import identifier
from blocks.databases.content import Instance, quoted
from blocks.databases.restoring import Place, wait_until_answering
from blocks.errors import DeadlineExceeded, VerificationFailed
from blocks.servers.base import Server

USER = "continuity_follower"
MARKER = "following"
_HOSTS = ("localhost", "127.0.0.1")
_READY = timedelta(minutes=10)
_SHORT = timedelta(seconds=60)
_POLL_SECONDS = 0.1
_DROP_IN = "/etc/mysql/mariadb.conf.d/zz-continuity-follow.cnf"
_HINT = "look at it there: mariadb -e 'SHOW SLAVE STATUS\\G'; then run again with the same incident"
_CLIENTS = """
SELECT ID, USER FROM information_schema.PROCESSLIST
WHERE ID <> CONNECTION_ID() AND COMMAND NOT LIKE 'Binlog Dump%' AND COMMAND <> 'Daemon'
"""
_SETTINGS = """\
# While this server follows the one that it takes over from; removed then.
[mariadbd]
server_id = {number}
read_only = ON
event_scheduler = OFF
skip_slave_start = OFF
"""


@dataclass(frozen=True, slots=True)
class Following:
    """What a replica says of itself. `reads` and `applies` say whether each half runs."""

    reads: bool
    applies: bool
    error: str

    @property
    def configured(self) -> bool:
        """Whether it is anybody's replica."""
        return self.reads or self.applies or bool(self.error)


def follow(server: Server, source: Server, place: Place, *, port: int, gtid: str) -> None:
    """Do what `Database.follow` promises."""
    here, there = Instance(server), Instance(source)
    known = server.read_marker(MARKER)
    if not known:
        _configure(server, there, place)
        here.sql(f"STOP SLAVE; RESET SLAVE ALL; SET GLOBAL gtid_slave_pos = {quoted(gtid)}")
        password = _let_in(there)
        here.sql(
            f"CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = "
            f"{quoted(USER)}, MASTER_PASSWORD = {quoted(password)}, MASTER_CONNECT_RETRY = 1, "
            "MASTER_USE_GTID = slave_pos"
        )
        server.write_marker(MARKER, _settings_of(there))
    here.sql("START SLAVE")


def _configure(server: Server, there: Instance, place: Place) -> None:
    """Restart the service as a replica with a number of its own."""
    number = (int(there.sql("SELECT @@GLOBAL.server_id").strip()) + 7919) % 2**32 or 1
    server.put(_DROP_IN, _SETTINGS.format(number=number).encode(), mode=0o644)
    server.run(("systemctl", "restart", place.service), timeout=_READY, job="follow")
    wait_until_answering(server, timeout=_READY)


def _let_in(there: Instance) -> str:
    """Give the replica an account with a new password; not in the binary log."""
    password = secrets.token_urlsafe(24)
    users = ", ".join(f"{quoted(USER)}@{quoted(host)}" for host in _HOSTS)
    made = ", ".join(
        f"{quoted(USER)}@{quoted(host)} IDENTIFIED BY {quoted(password)}" for host in _HOSTS
    )
    there.sql(
        f"SET SESSION sql_log_bin = OFF; CREATE OR REPLACE USER {made}; "
        f"GRANT REPLICATION SLAVE ON *.* TO {users}"
    )
    return password


def shut_out(source: Server) -> None:
    """Remove the replica's account. Idempotent."""
    users = ", ".join(f"{quoted(USER)}@{quoted(host)}" for host in _HOSTS)
    Instance(source).sql(f"SET SESSION sql_log_bin = OFF; DROP USER IF EXISTS {users}")


def _settings_of(there: Instance) -> str:
    number, scheduler = there.rows("SELECT @@GLOBAL.server_id, @@GLOBAL.event_scheduler")[0]
    return json.dumps({"server_id": int(number), "event_scheduler": scheduler == "ON"})


def state(instance: Instance) -> Following:
    """Return what the replica says of itself."""
    said = instance.sql("SHOW SLAVE STATUS\\G", headings=True)
    values = dict(re.findall(r"^ *(\w+): (.*)$", said, re.M))
    errors = [values.get(name, "") for name in ("Last_SQL_Error", "Last_IO_Error")]
    return Following(
        values.get("Slave_IO_Running") in ("Yes", "Connecting"),
        values.get("Slave_SQL_Running") == "Yes",
        "; ".join(filter(None, errors)),
    )


def catch_up(server: Server, source: Server, *, timeout: timedelta) -> str:
    """Do what `Database.catch_up` promises."""
    here = Instance(server)
    gtid = Instance(source).sql("SELECT @@GLOBAL.gtid_binlog_pos").strip()
    deadline = time.monotonic() + timeout.total_seconds()
    while True:
        wait = f"SELECT MASTER_GTID_WAIT({quoted(gtid)}, 2)"
        if here.sql(wait, timeout=_SHORT).strip() == "0":
            return gtid
        seen = state(here)
        if not seen.applies or not seen.reads:
            cause = seen.error or "is nobody's replica"
            raise VerificationFailed(f"replica on server {server.address}", cause, _HINT)
        if time.monotonic() > deadline:
            cause = f"is not at {gtid} after {timeout.total_seconds():.0f} s; {seen.error}"
            raise DeadlineExceeded(f"replica on server {server.address}", cause, _HINT)
        time.sleep(_POLL_SECONDS)


def release_line(source: Server) -> str:
    """Do what `Database.release_line` promises."""
    scheduler = Instance(source).sql("SELECT @@GLOBAL.event_scheduler").strip()
    more = "; SET GLOBAL event_scheduler = ON" if scheduler == "ON" else ""
    return f'mariadb --no-defaults --user=root -e "SET GLOBAL read_only = OFF{more}"'


def hold_writes(source: Server) -> None:
    """Do what `Database.hold_writes` promises."""
    here = Instance(source)
    here.sql("SET GLOBAL event_scheduler = OFF; SET GLOBAL read_only = ON")
    kept = ("system user", "event_scheduler", USER)
    for number, user in here.rows(_CLIENTS):
        if user not in kept:
            here.sql(f"KILL {number}", accept=(0, 1))  # 1: it ended by itself


def take_over(server: Server, source: Server) -> None:
    """Do what `Database.take_over` promises."""
    here = Instance(server)
    kept = server.read_marker(MARKER)
    if not kept:
        return
    settings = json.loads(kept)
    here.sql("STOP SLAVE; RESET SLAVE ALL")
    _settle_events(here, Instance(source))
    events = "ON" if settings["event_scheduler"] else "OFF"
    server.run(("rm", "-f", _DROP_IN), timeout=_SHORT)
    here.sql(
        f"SET GLOBAL server_id = {int(settings['server_id'])}; "
        f"SET GLOBAL event_scheduler = {events}; SET GLOBAL read_only = OFF"
    )
    server.write_marker(MARKER, "")


def _settle_events(here: Instance, there: Instance) -> None:
    """Give events the state that they have where they were made: a replica turns them off."""
    names = (
        "SELECT CONCAT_WS(CHAR(9), EVENT_SCHEMA, EVENT_NAME, DEFINER, STATUS) "
        "FROM information_schema.EVENTS"
    )
    states = {tuple(row[:2]): row[3] for row in there.rows(names)}
    for schema, name, definer, status in here.rows(names):
        wanted = states.get((schema, name), "")
        if status == "SLAVESIDE_DISABLED" and wanted in ("ENABLED", "DISABLED"):
            user, _, host = definer.rpartition("@")
            here.sql(
                f"ALTER DEFINER = {quoted(user)}@{quoted(host)} EVENT "
                f"{identifier(schema)}.{identifier(name)} {wanted.removesuffix('D')}"
            )
