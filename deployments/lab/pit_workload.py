"""A workload that leaves nothing out, and what the databases were at each of its points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from blocks.servers.base import Server

DATABASES = ("pit_a", "pit_b")
_SHORT = timedelta(seconds=60)
_CLIENT = ("mariadb", "--batch", "--skip-column-names", "--raw")
_BEGIN = """
DROP DATABASE IF EXISTS pit_a; DROP DATABASE IF EXISTS pit_b;
CREATE DATABASE pit_a; CREATE DATABASE pit_b;
CREATE TABLE pit_a.rows_i (id int AUTO_INCREMENT PRIMARY KEY, v text, n int) ENGINE=InnoDB;
CREATE TABLE pit_b.rows_m (id int AUTO_INCREMENT PRIMARY KEY, v text) ENGINE=MyISAM;
CREATE TABLE pit_a.xa (n int PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE pit_b.log (at datetime(6), who text) ENGINE=InnoDB;
CREATE OR REPLACE USER pit@localhost IDENTIFIED BY 'pit'; GRANT ALL ON pit_a.* TO pit@localhost;
"""
# Each is one turn; {n} is its number. Together they hold what replays get wrong most often.
_TURNS = (
    "INSERT INTO pit_a.rows_i (v, n) VALUES (UUID(), {n}), (NOW(6), RAND() * 1000)",
    "INSERT INTO pit_b.rows_m (v) VALUES (CONCAT('m', {n})), (RAND())",
    "BEGIN; UPDATE pit_a.rows_i SET n = n + 1 WHERE id % 3 = 0;"
    " INSERT INTO pit_b.log (at, who) VALUES (NOW(6), USER()); COMMIT",
    "BEGIN; DELETE FROM pit_a.rows_i; ROLLBACK",
    "BEGIN; INSERT INTO pit_b.rows_m (v) VALUES ('kept');"
    " INSERT INTO pit_a.rows_i (v) VALUES ('gone'); ROLLBACK",
    "CREATE TEMPORARY TABLE pit_a.t (x int); INSERT INTO pit_a.t VALUES ({n});"
    " INSERT INTO pit_a.rows_i (n) SELECT x FROM pit_a.t; FLUSH BINARY LOGS;"
    " INSERT INTO pit_a.rows_i (n) SELECT x + 1 FROM pit_a.t; DROP TEMPORARY TABLE pit_a.t",
    "XA START 'x{n}'; INSERT INTO pit_a.rows_i (v) VALUES ('xa {n}'); XA END 'x{n}';"
    " XA PREPARE 'x{n}'; XA COMMIT 'x{n}'",
    "CREATE TABLE pit_a.made_{n} (id int PRIMARY KEY, v varchar(40)) ENGINE=InnoDB;"
    " INSERT INTO pit_a.made_{n} VALUES (1, UUID()), (2, {n})",
    "CREATE OR REPLACE TABLE pit_b.copy AS SELECT id, v FROM pit_a.rows_i ORDER BY id LIMIT 50",
    "ALTER TABLE pit_b.log ADD COLUMN IF NOT EXISTS c{n} int DEFAULT {n}",
    "TRUNCATE pit_b.rows_m",
    "DROP TABLE IF EXISTS pit_b.copy",
    "CREATE OR REPLACE DEFINER = pit@localhost EVENT pit_a.tick_{n} ON SCHEDULE EVERY 1 DAY"
    " DO INSERT INTO pit_a.rows_i (v) VALUES ('tick')",
    "CREATE OR REPLACE EVENT pit_b.off_{n} ON SCHEDULE EVERY 1 DAY DISABLE"
    " DO DELETE FROM pit_b.log",
    "CREATE OR REPLACE DEFINER = pit@localhost PROCEDURE pit_a.p() INSERT INTO pit_a.rows_i (v, n)"
    " VALUES ('proc', {n}); CALL pit_a.p()",
    "FLUSH BINARY LOGS",
)
# Prepared by one session, ended by another, with all the turns between them.
_XA = {
    3: "XA START 'held'; INSERT INTO pit_a.xa VALUES ({n}); XA END 'held'; XA PREPARE 'held'",
    12: "XA COMMIT 'held'",
}
_LOOK = """
SELECT CONCAT('gtid ', @@GLOBAL.gtid_current_pos);
SELECT CONCAT_WS(' ', 'event', EVENT_SCHEMA, EVENT_NAME, STATUS, DEFINER)
  FROM information_schema.EVENTS WHERE EVENT_SCHEMA LIKE 'pit%' ORDER BY EVENT_SCHEMA, EVENT_NAME;
SELECT CONCAT_WS(' ', 'routine', ROUTINE_SCHEMA, ROUTINE_NAME, DEFINER, MD5(ROUTINE_DEFINITION))
  FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA LIKE 'pit%';
SELECT CONCAT('CHECKSUM TABLE ', GROUP_CONCAT(CONCAT('`', TABLE_SCHEMA, '`.`', TABLE_NAME, '`')
  ORDER BY 1), ';') FROM information_schema.TABLES WHERE TABLE_SCHEMA LIKE 'pit%';
"""


@dataclass(frozen=True, slots=True)
class Point:
    """What the databases were right after a transaction."""

    turn: int
    gtid: str
    content: tuple[str, ...]


def begin(server: Server) -> None:
    """Make the databases of the workload anew."""
    _sql(server, _BEGIN)


def end(server: Server) -> None:
    """Remove what `begin` made."""
    _sql(server, "DROP DATABASE pit_a; DROP DATABASE pit_b; DROP USER pit@localhost")


def work(server: Server, turns: int, seed: int) -> list[Point]:
    """Run so many turns in a random order, and note what there is after each."""
    random = Random(seed)  # noqa: S311 - no secret
    points = []
    for turn in range(turns):
        choice = _TURNS[turn] if turn < len(_TURNS) else random.choice(_TURNS)
        for statement in filter(None, (_XA.get(turn), choice)):
            _sql(server, statement.format(n=turn))
        points.append(look(server, turn))
    return points


def look(server: Server, turn: int = -1) -> Point:
    """Return the databases' content: checksums of all tables, events, routines."""
    gtid, *rest = _sql(server, _LOOK).splitlines()
    checksums = _sql(server, rest.pop())
    return Point(turn, gtid.removeprefix("gtid "), (*rest, *checksums.splitlines()))


def _sql(server: Server, text: str) -> str:
    said = server.run(_CLIENT, stdin=text.encode(), timeout=_SHORT)
    return said.stdout.decode(errors="replace")
