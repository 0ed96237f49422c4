"""A real MariaDB on the loopback, with its own data, as a child process of the test."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.loopback_sshd import free_port

PASSWORD = "pa'ss \"word$HOME"
ACCOUNT = """
CREATE OR REPLACE USER continuity@localhost IDENTIFIED BY 'pa\\'ss "word$HOME';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, RELOAD, PROCESS, BINLOG MONITOR,
  REPLICA MONITOR, CONNECTION ADMIN ON *.* TO continuity@localhost;
GRANT ALL ON continuity.* TO continuity@localhost;
"""
"""The account that the block's description asks for, and no more."""

SHOP = """
CREATE OR REPLACE DATABASE shop; USE shop;
CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, name varchar(50), photo blob,
  made timestamp(6) DEFAULT current_timestamp(6)) ENGINE=InnoDB;
INSERT INTO orders (name, photo) VALUES ('café', x'00ff0a27'), ('thé', NULL);
CREATE TABLE hits (page varchar(20)) ENGINE=MyISAM;
INSERT INTO hits VALUES ('/'), ('/a'), ('/b');
CREATE VIEW recent AS SELECT * FROM orders;
CREATE PROCEDURE tidy() DELETE FROM hits;
CREATE FUNCTION vat(price int) RETURNS int DETERMINISTIC RETURN price * 20 / 100;
CREATE TRIGGER mark BEFORE INSERT ON orders FOR EACH ROW SET NEW.name = CONCAT(NEW.name, '!');
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO CALL tidy();
CREATE OR REPLACE DATABASE `we``ird-db`; CREATE TABLE `we``ird-db`.`a b` (i int);
CREATE OR REPLACE USER 'sho''p'@'%' IDENTIFIED BY 'x';
CREATE ROLE IF NOT EXISTS readers; GRANT SELECT ON shop.* TO readers;
GRANT readers TO 'sho''p'@'%'; SET DEFAULT ROLE readers FOR 'sho''p'@'%';
GRANT SELECT (id) ON shop.orders TO 'sho''p'@'%';
GRANT EXECUTE ON FUNCTION shop.vat TO 'sho''p'@'%';
"""


@dataclass(frozen=True)
class LoopbackMariaDb:
    """How to reach the running service."""

    port: int
    socket: Path
    datadir: Path

    def sql(self, text: str) -> str:
        """Run SQL as root."""
        words = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--batch", "-N"]
        done = subprocess.run(
            words, input=text.encode(), check=True, capture_output=True, timeout=60
        )
        return done.stdout.decode()


@contextmanager
def loopback_mariadb(folder: Path) -> Iterator[LoopbackMariaDb]:
    """Run a MariaDB with a binary log until the block ends."""
    running = LoopbackMariaDb(free_port(), folder / "socket", folder / "data")
    common = ["--no-defaults", "--user=root", f"--datadir={running.datadir}"]
    install = ["mariadb-install-db", *common, "--auth-root-authentication-method=socket"]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    words = [
        *("mariadbd", *common, f"--socket={running.socket}", f"--port={running.port}"),
        *("--bind-address=127.0.0.1", "--log-bin=bin", "--server-id=1"),
        f"--pid-file={folder / 'pid'}",
    ]
    with (folder / "mariadb.log").open("wb") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_for(running, process, folder / "mariadb.log")
        running.sql(ACCOUNT + SHOP)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(running: LoopbackMariaDb, process: subprocess.Popen[bytes], log: Path) -> None:
    ping = ["mariadb-admin", "--no-defaults", f"--socket={running.socket}", "ping"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if subprocess.run(ping, check=False, capture_output=True, timeout=10).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"MariaDB did not start: {log.read_text()}")
