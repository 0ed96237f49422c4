"""The reader of binary logs, on logs that MariaDB 10.11 wrote (with XA, events, two engines)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from blocks.archives.binlog import LogHead, Transaction, transactions
from blocks.errors import ConfigurationError, DamagedData
from blocks.types import LogId
from flows.decisions.point_in_time import WantedPoint, find_end, find_statements, parse_point

DATA = Path(__file__).parent.parent / "data" / "binlog"
LOG = LogId("mariadb-bin.000002", "0123456789abcdef")
PARIS = ZoneInfo("Europe/Paris")


def held(name: str) -> bytes:
    return (DATA / name).read_bytes()


def read(content: bytes, piece: int = 1000) -> list[LogHead | Transaction]:
    return list(transactions((content[n : n + piece] for n in range(0, len(content), piece)), "x"))


@pytest.mark.parametrize("piece", [1, 7, 100, 10_000])
def test_all_transactions_follow_on_each_other(piece: int) -> None:
    sequences = []
    for name in ("mariadb-bin.000001", "mariadb-bin.000002", "mariadb-bin.000003"):
        head, *found = read(held(name), piece)
        assert isinstance(head, LogHead)
        before = [gtid.sequence for gtid in head.gtids]
        assert before == sequences[-1:], "each log says what it follows"
        sequences += [each.gtid.sequence for each in found if isinstance(each, Transaction)]
    assert sequences == list(range(1, 27))


def test_every_cut_gives_only_whole_transactions() -> None:
    content = held("mariadb-bin.000002")
    whole = [each for each in read(content) if isinstance(each, Transaction)]
    for length in range(4, len(content)):
        found = [each for each in read(content[:length]) if isinstance(each, Transaction)]
        assert found == [each for each in whole if each.end <= length]


def test_what_is_no_log_is_damaged() -> None:
    with pytest.raises(DamagedData):
        read(b"not a log at all")


def test_a_statement_is_found_with_its_transaction() -> None:
    (found,) = find_statements(read(held("mariadb-bin.000002")), "ALTER TABLE S.T")
    assert str(found.gtid) == "0-1-14"


def test_the_end_of_the_log_is_the_latest_point() -> None:
    point, met = find_end(LOG, read(held("mariadb-bin.000002")), WantedPoint())
    assert (point.gtid, point.gtids, point.offset, met) == ("0-1-24", ("0-1-24",), 3421, False)


def test_a_transaction_is_the_last_one_or_the_first_left_out() -> None:
    events = read(held("mariadb-bin.000002"))
    point, met = find_end(LOG, events, parse_point("0-1-14", PARIS))
    assert (point.gtid, met) == ("0-1-14", True)
    point, met = find_end(LOG, events, parse_point("before 0-1-14", PARIS))
    assert (point.gtid, point.offset, met) == ("0-1-13", 1107, True)
    point, met = find_end(LOG, events, parse_point("0-1-99", PARIS))
    assert (point.gtid, met) == ("0-1-24", False)


def test_a_second_is_left_out_whole() -> None:
    events = read(held("mariadb-bin.000001"))
    written = [each.at for each in events if isinstance(each, Transaction)]
    second = WantedPoint(before=written[-1])
    point, met = find_end(LOG, events, second)
    assert met
    assert point.at == max(at for at in written if at < written[-1])
    point, met = find_end(LOG, events, WantedPoint(before=written[0]))
    assert (point.gtid, met) == ("", True)
    later = WantedPoint(before=written[-1] + timedelta(seconds=1))
    assert find_end(LOG, events, later)[1] is False


def test_times_are_of_paris_unless_they_say_otherwise() -> None:
    assert parse_point("2026-11-23 11:26:18", PARIS).before == datetime(
        2026, 11, 23, 10, 26, 18, tzinfo=UTC
    )
    assert parse_point("2026-11-23T10:26:18+00:00", PARIS) == parse_point(
        "2026-11-23 11:26:18", PARIS
    )
    assert parse_point(" ", PARIS).latest
    with pytest.raises(ConfigurationError, match="neither a time nor a transaction"):
        parse_point("yesterday", PARIS)
