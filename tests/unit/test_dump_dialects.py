"""Heads of real dumps, told apart; what clients really say when they refuse one.

MariaDB 10.5 to 11.8 and MySQL 9.7: dumped for this by Debian's own packages. MySQL 8.0: the head of
a published dump.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.databases.dialects import Dialect, recognise, refusal

DUMPS = Path(__file__).parents[1] / "data" / "mariadb" / "dumps"


@pytest.mark.parametrize(
    ("file", "product", "version", "sandboxed"),
    [
        ("mariadb-10.5", "MariaDB", "10.5.23-MariaDB-0+deb11u1", False),
        ("mariadb-10.11", "MariaDB", "10.11", True),
        ("mariadb-11.8", "MariaDB", "11.8", True),
        ("mysql-8.0", "MySQL", "8.0.42", False),
        ("mysql-9.7", "MySQL", "9.7.4-2", False),
    ],
)
def test_heads_are_told_apart(file: str, product: str, version: str, sandboxed: bool) -> None:
    found = recognise((DUMPS / f"{file}.sql").read_text())
    assert found.product == product
    assert found.version.startswith(version)
    assert found.sandboxed is sandboxed


def test_the_server_counts_and_not_the_program() -> None:
    text = (DUMPS / "mysql-8.0.sql").read_text().replace("\t8.0.42", "\t10.6.20-MariaDB")
    assert recognise(text) == Dialect("MariaDB", "10.6.20-MariaDB")
    assert str(recognise("SELECT 1;")) == "a server of unknown kind"


@pytest.mark.parametrize(
    ("head", "said", "cause", "hint"),
    [
        (
            "mysql-8.0",
            "ERROR 1273 (HY000) at line 22: Unknown collation: 'utf8mb4_0900_ai_ci'",
            "MySQL 8.0.42 uses the collation utf8mb4_0900_ai_ci",
            "MariaDB 11.4.5",
        ),
        (
            "mariadb-11.8",
            "ERROR 1273 (HY000) at line 24: Unknown collation: 'utf8mb4_uca1400_ai_ci'",
            "MariaDB 11.8",
            "MariaDB 10.10",
        ),
        (
            "mysql-9.7",
            "ERROR 1193 (HY000) at line 24: Unknown system variable 'GTID_PURGED'",
            "GTIDs of MySQL",
            "--set-gtid-purged=OFF",
        ),
    ],
)
def test_a_refusal_names_origin_cause_and_way_out(
    head: str, said: str, cause: str, hint: str
) -> None:
    found = refusal((DUMPS / f"{head}.sql").read_text() + said)
    assert found is not None
    assert cause in found[0]
    assert hint in found[1]


def test_other_errors_are_left_alone() -> None:
    assert refusal("ERROR 1064 (42000) at line 1: You have an error in your SQL syntax") is None
