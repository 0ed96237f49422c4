"""What is said of an archive in two buckets: never current without proof, in each of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flows.decisions.archive_state import (
    ArchiveCondition,
    ArchiveState,
    PlaceState,
    judge_archive,
    judge_place,
)
from flows.reports.archive_text import archive_notes, unread_notes
from tests.unit.samples import NOON

LIMIT, SECOND = timedelta(seconds=60), timedelta(seconds=1)
FRESH, OLD = NOON - 10 * SECOND, NOON - 90 * SECOND


def judged(*places: PlaceState, agent: str = "") -> ArchiveState:
    return judge_archive("web1", NOON, LIMIT, FRESH, FRESH, "", agent, places)


@pytest.mark.parametrize(
    ("seen", "reaches", "gap", "problem"),
    [
        (FRESH, FRESH, "", ""),
        (OLD, OLD, "", "rien n'y est arrivé depuis 90 s"),
        (None, None, "", "rien n'y est encore arrivé"),
        (FRESH, FRESH, "bin.000002 manque", "bin.000002 manque"),
        (FRESH, None, "", "aucun jeu de sauvegarde n'y a d'archive à sa suite"),
    ],
)
def test_a_bucket_is_fine_only_if_it_alone_suffices(seen, reaches, gap, problem) -> None:
    assert judge_place("copie", NOON, LIMIT, seen, reaches, gap).problem == problem


def test_one_bucket_behind_is_told_although_a_recovery_loses_nothing() -> None:
    fine = PlaceState("principal", FRESH, "")
    assert judged(fine).condition is ArchiveCondition.CURRENT
    found = judged(fine, PlaceState("copie", OLD, "rien n'y est arrivé depuis 90 s"), agent="503")
    assert found.condition is ArchiveCondition.DEGRADED
    assert found.detail.startswith("copie : rien n'y est arrivé depuis 90 s")
    assert "503" in found.detail
    assert [each.name for each in found.places] == ["principal", "copie"]


def test_what_no_bucket_has_is_worse_than_a_bucket_that_is_behind() -> None:
    behind = (PlaceState("principal", OLD, "en retard"), PlaceState("copie", OLD, "en retard"))
    found = judge_archive("web1", NOON, LIMIT, OLD, OLD, "", "", behind)
    assert found.condition is ArchiveCondition.LATE
    assert found.places == behind


def test_notes_name_what_is_left_out_and_what_serves_instead() -> None:
    names = ["principal", "copie"]
    assert archive_notes(names, {}, {}, {0}) == ()
    assert archive_notes(names, {"principal": "no route"}, {}, {1}) == (
        "archive principal illisible (no route)",
        "archive lue dans copie",
    )
    assert archive_notes(names, {}, {"principal": {"a", "b"}}, {0, 1}) == (
        "archive principal : 2 morceaux endommagés",
        "archive complétée par copie",
    )


def test_a_search_says_of_which_times_no_log_is_left() -> None:
    noon, hour = NOON, timedelta(hours=1)
    read = [(noon, noon + hour), (noon + 2 * hour, noon + 3 * hour)]
    assert unread_notes(noon + hour / 2, read[:1]) == ()
    assert unread_notes(noon - hour, read) == (
        "aucun journal archivé du 2026-03-10 11:00:00 UTC (12:00:00 à Paris) "
        "au 2026-03-10 12:00:00 UTC (13:00:00 à Paris)",
        "aucun journal archivé du 2026-03-10 13:00:00 UTC (14:00:00 à Paris) "
        "au 2026-03-10 14:00:00 UTC (15:00:00 à Paris)",
    )
    assert unread_notes(noon, []) == ()
