"""What an incident that is over means: promises, the law's time limits, what to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.records import StepState
from blocks.types import Tier
from flows.decisions.aftermath import CNIL_WITHIN, judge_breach, judge_promise
from flows.reports.outcome_report import outcome_document
from flows.reports.post_incident import post_incident_markdown
from tests.unit.samples import NOON
from tests.unit.test_reports import LATER, PLAN, RECORDS, outcome, record

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("down", "passed", "kept"),
    [
        (HOUR, HOUR, True),
        (HOUR + timedelta(seconds=1), 2 * HOUR, False),
        (None, HOUR, None),
        (None, 2 * HOUR, False),
    ],
)
def test_a_promise_is_broken_by_the_time_that_passed_too(
    down: timedelta | None, passed: timedelta, kept: bool | None
) -> None:
    assert judge_promise("Boutique", Tier.HOUR_1, down, passed).kept is kept


def test_the_clock_of_the_law_runs_from_the_first_step() -> None:
    began = NOON - HOUR
    found = judge_breach(began, RECORDS, LATER, began - timedelta(seconds=12))
    assert found.known_at == RECORDS[0].started_at
    assert found.notify_by == RECORDS[0].started_at + CNIL_WITHIN
    assert found.lost_since == began - timedelta(seconds=12)
    assert judge_breach(began, RECORDS, LATER, NOON).lost_since is None


def test_the_report_says_what_was_promised_lost_decided_and_is_to_change() -> None:
    end, began = outcome(), NOON + timedelta(seconds=20)
    document = outcome_document(end, PLAN, RECORDS, "Camille")
    promises = [
        judge_promise("Vitrine", Tier.HOURS_48, timedelta(seconds=100), HOUR),
        judge_promise("Boutique", Tier.HOUR_1, None, 2 * HOUR),
    ]
    page = post_incident_markdown(
        document,
        {"at": NOON.isoformat()},
        RECORDS,
        promises,
        timedelta(seconds=10),
        judge_breach(began, RECORDS, None, NOON),
    )
    assert "| Vitrine | 48 h au plus | 100 s | tenue |" in page
    assert "| Boutique | 1 h au plus | pas rétabli | **NON TENUE** |" in page
    assert "Données perdues : 20 s, pour 10 s au plus : promesse **NON TENUE**." in page
    assert f"Plan `{PLAN.digest}` approuvé par Camille, le 2026-03-10 12:00:00 UTC" in page
    assert "Contrôle des pages : boutique » a échoué au moins une fois" in page
    assert "CNIL, s'il y a un risque pour les personnes | avant 2026-03-13 12:00:01 UTC" in page
    assert "(13:00:01 à Paris)" in page
    assert "données écrites entre 2026-03-10 12:00:00 UTC" in page


def test_a_smooth_recovery_leaves_nothing_to_change() -> None:
    smooth = [record(2, "verify", StepState.DONE), record(1, "observe")]
    end = replace(outcome(proven=True), problems=())
    document = outcome_document(end, PLAN, smooth, "Camille")
    breach = judge_breach(NOON, smooth, LATER, NOON)
    page = post_incident_markdown(document, {}, smooth, [], HOUR, breach)
    assert page.index("| Constat |") < page.index("| Vérification finale |"), "as they began"
    assert "Rien n'est ressorti du journal." in page
    assert "| Perte définitive | aucune connue |" in page
    assert "None" not in page
