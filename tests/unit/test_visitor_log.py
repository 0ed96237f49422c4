"""What the visitors' log says about outages and orders."""

from datetime import UTC, datetime, timedelta

import pytest

from blocks.errors import DamagedData
from deployments.lab.visitor_log import (
    Visit,
    VisitKind,
    acknowledged_orders,
    lost_orders,
    outages,
    read_log,
    to_line,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def second(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


def page(at: float, *, ok: bool, site: str = "journal", seconds: float = 0.1) -> Visit:
    return Visit(second(at), VisitKind.PAGE, site, ok, seconds, "192.0.2.1", "HTTP 200")


def order(at: float, reference: str, *, ok: bool = True) -> Visit:
    number = int(at) if ok else 0
    kind = VisitKind.ORDER
    return Visit(second(at), kind, "boutique", ok, 0.1, "192.0.2.1", "", reference, number)


def test_an_outage_lasts_from_the_last_good_page_to_the_next_one():
    seen = [page(1, ok=True), page(2, ok=False), page(3, ok=False), page(4.5, ok=True)]
    (outage,) = outages(seen)
    assert (outage.last_success, outage.first_success) == (second(1), second(4.5))
    assert outage.duration == timedelta(seconds=3.5)
    assert outage.failures == 2


def test_sites_and_outages_are_told_apart():
    seen = [page(n, ok=n not in (2, 5, 6)) for n in range(1, 9)]
    seen += [page(n, ok=n != 3, site="vitrine") for n in range(1, 9)]
    found = [(each.site, each.duration) for each in outages(seen)]
    assert found == [
        ("journal", timedelta(seconds=2)),
        ("journal", timedelta(seconds=3)),
        ("vitrine", timedelta(seconds=2)),
    ]


def test_a_request_that_hung_on_the_dead_server_makes_no_second_outage():
    hung = page(5, ok=False, seconds=3)
    seen = [page(1, ok=True), hung, page(3, ok=True), page(4, ok=True), page(6, ok=True)]
    (outage,) = outages(seen)
    assert outage.duration == timedelta(seconds=2)


def test_an_outage_without_beginning_or_end_has_no_duration():
    assert [each.duration for each in outages([page(1, ok=False), page(2, ok=True)])] == [None]
    (still,) = outages([page(1, ok=True), page(2, ok=False)])
    assert (still.first_success, still.duration) == (None, None)


def test_orders_do_not_count_as_pages():
    assert outages([page(1, ok=True), order(2, "a", ok=False), page(3, ok=True)]) == ()


def test_only_confirmed_orders_can_be_lost():
    seen = [order(2, "b"), order(1, "a"), order(3, "c", ok=False), page(4, ok=True)]
    assert [visit.reference for visit in acknowledged_orders(seen)] == ["a", "b"]
    assert [visit.reference for visit in lost_orders(seen, {"a", "unknown"})] == ["b"]


def test_a_log_is_read_back_without_its_unfinished_line():
    seen = (page(1, ok=True), order(2, "référence-1"), page(3, ok=False))
    text = "".join(to_line(visit) for visit in reversed(seen))
    assert read_log(text + to_line(seen[0])[:40]) == seen


@pytest.mark.parametrize("line", ["not json", "[]", '{"at": "2026-03-01T12:00:00+00:00"}'])
def test_a_damaged_line_is_named(line):
    with pytest.raises(DamagedData, match="line 2"):
        read_log(f"{to_line(page(1, ok=True))}{line}\n")
