"""What MariaDB's tools print, read from recorded real output."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from blocks.databases.copying import Source, grants_dump, logical_dump, physical_copy
from blocks.databases.reading import moment, parse_position, series
from blocks.errors import ConfigurationError, ProviderError

DATA = Path(__file__).parents[1] / "data" / "mariadb"
SOURCE = Source("continuity", "pa'ss word", 3306, "/var/lib/mysql")


def test_position_of_a_real_copy() -> None:
    text = (DATA / "xtrabackup_info").read_text()
    file, offset, gtid = parse_position("copy", text)
    assert file == "bin.000001"
    assert offset > 4
    assert gtid.startswith("0-1-")


def test_position_without_gtid() -> None:
    text = "binlog_pos = filename 'b.000009', position '77'\nend_time = 2026-11-23 07:41:07\n"
    assert parse_position("copy", "x\n" + text) == ("b.000009", 77, "")


@pytest.mark.parametrize("lost", ["binlog_pos", "end_time"])
def test_a_position_that_cannot_be_read_is_never_guessed(lost: str) -> None:
    lines = (DATA / "xtrabackup_info").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith(lost))
    with pytest.raises(ProviderError, match="no binary log position") as caught:
        parse_position("copy", text)
    assert "SHOW MASTER STATUS" in caught.value.hint


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("10.11.19-MariaDB-0+deb12u1-log", "10.11"),
        ("mariadbd  Ver 11.8.3-MariaDB for debian-linux-gnu on x86_64", "11.8"),
        ("", ""),
    ],
)
def test_series(version: str, expected: str) -> None:
    assert series(version) == expected


def test_times_are_utc_and_nothing_else_is_taken_for_one() -> None:
    assert moment(datetime(2026, 3, 29, 2, 30), "q") == datetime(2026, 3, 29, 2, 30, tzinfo=UTC)  # noqa: DTZ001
    assert moment(date(2026, 3, 29), "q") == datetime(2026, 3, 29, tzinfo=UTC)
    with pytest.raises(ConfigurationError, match="not a time"):
        moment("0000-00-00 00:00:00", "q")


def test_the_password_is_in_no_word() -> None:
    for command in (physical_copy(SOURCE), logical_dump(SOURCE, "shop"), grants_dump(SOURCE)):
        assert not [word for word in command.argv if "pa'ss" in word]
        assert command.secrets == {"MYSQL_PWD": "pa'ss word"}
    assert "pa'ss" not in repr(SOURCE)
