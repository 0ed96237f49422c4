"""What an incident that is over means: promises, the law's time limits, what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from blocks.records import StepRecord, StepState
from blocks.types import Tier
from deployments.prices import read_prices
from flows.decisions.aftermath import (
    CNIL_WITHIN,
    Action,
    Aftermath,
    SitePromise,
    judge_breach,
    judge_promise,
)
from flows.decisions.cost import GB, named
from flows.decisions.incident_cost import Prices, Used, spent
from flows.decisions.timeline import Passage, build_timeline
from flows.decisions.verdict import Outcome
from flows.reports.incident_facts import change_rows, clock_part, clock_text, cost_rows, totals_text
from flows.reports.outcome_report import outcome_document
from flows.reports.post_incident import post_incident_markdown
from flows.reports.post_incident_html import post_incident_html
from tests.unit.incident_samples import ACTION, facts
from tests.unit.samples import NOON
from tests.unit.test_reports import LATER, PLAN, RECORDS, outcome, record

HOUR = timedelta(hours=1)
PRICES = read_prices()[0]
TODAY = date(2026, 11, 28)


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


def aftermath(
    end: Outcome, records: Sequence[StepRecord], promises: Sequence[SitePromise], limit: timedelta
) -> Aftermath:
    began = NOON + timedelta(seconds=20)
    return Aftermath(
        report=outcome_document(end, PLAN, records, "Camille"),
        approval={"at": NOON.isoformat()},
        records=records,
        promises=promises,
        loss_limit=limit,
        breach=judge_breach(began, records, None, NOON),
        timeline=build_timeline(records, began, [Passage("vitrine", "Vitrine", LATER)]),
        spent=None,
        actions=(),
        written_at=NOON + HOUR,
    )


def test_the_report_says_what_was_promised_lost_decided_and_is_to_change() -> None:
    promises = [
        judge_promise("Vitrine", Tier.HOURS_48, timedelta(seconds=100), HOUR),
        judge_promise("Boutique", Tier.HOUR_1, None, 2 * HOUR),
    ]
    page = post_incident_markdown(aftermath(outcome(), RECORDS, promises, timedelta(seconds=10)))
    assert "| Vitrine | 48 h au plus | 100 s | tenue |" in page
    assert "| Boutique | 1 h au plus | pas rétabli | **NON TENUE** |" in page
    assert "| Données perdues | 10 s au plus | 20 s | **NON TENUE** |" in page
    assert f"Plan `{PLAN.digest}` approuvé par Camille, le 2026-03-10 12:00:00 UTC" in page
    assert "Contrôle des pages : boutique » a échoué au moins une fois" in page
    assert "CNIL, s'il y a un risque pour les personnes | avant 2026-03-13 12:00:01 UTC" in page
    assert "(13:00:01 à Paris)" in page
    assert "données écrites entre 2026-03-10 12:00:00 UTC" in page
    assert "il reste 71 h 00 min sur 72 h (0 h 59 min écoulées)" in page
    assert "Non chiffré ici" in page


def test_a_smooth_recovery_leaves_nothing_to_change() -> None:
    smooth = [record(2, "verify", StepState.DONE), record(1, "observe")]
    end = replace(outcome(proven=True), problems=())
    page = post_incident_markdown(
        replace(aftermath(end, smooth, [], HOUR), breach=judge_breach(NOON, smooth, LATER, NOON))
    )
    assert page.index("| Constat |") < page.index("| Vérification finale |"), "as they began"
    assert "Rien n'est ressorti du journal." in page
    assert "| Perte définitive | aucune connue |" in page
    assert "None" not in page


def test_who_got_an_alert_knew_before_the_first_step() -> None:
    told = NOON - HOUR
    assert judge_breach(told, RECORDS, LATER, None, [told]).known_at == told


def test_the_clock_of_the_law_can_run_out() -> None:
    breach = judge_breach(NOON, RECORDS, LATER, None)
    assert clock_text(breach, breach.known_at + CNIL_WITHIN) == (
        "il reste 0 h 00 min sur 72 h (72 h 00 min écoulées)"
    )
    late = breach.notify_by + timedelta(hours=3, minutes=5)
    assert clock_text(breach, late).startswith("délai de 72 h DÉPASSÉ depuis 3 h 05 min")
    assert clock_part(breach, late) == 1
    assert clock_part(breach, breach.known_at + CNIL_WITHIN / 4) == 0.25


def test_an_action_stands_beside_its_finding_and_one_without_below() -> None:
    _, first, second, *_ = (each[1] for each in change_rows(facts(PRICES)))
    taken = (Action(second, "Anne", date(2026, 12, 1)), ACTION)
    rows = change_rows(facts(PRICES, actions=taken))
    assert ("2", first, "à désigner", "à fixer") in rows
    assert ("3", second, "Anne", "01/12/2026") in rows
    assert rows[-1] == ("4", ACTION.what, "Camille", "15/12/2026")
    page = post_incident_html(facts(PRICES, actions=taken))
    assert "<td>Demander un second miroir Debian</td>" in page
    assert "<code>continuity backup web1</code>" in page


def test_what_an_incident_cost_says_what_is_not_known() -> None:
    used = Used("hetzner-vps/main", "CX33", timedelta(minutes=61), 42 * GB, HOUR)
    machine, out, people = spent(used, Prices(PRICES, TODAY))
    assert machine.line.low == Decimal("8.99") / 730 * 2, "each hour that has begun"
    assert (out.line.low, "--storage" in out.unknown) == (None, True)
    assert "accord attendu 60 min" in people.quantity
    assert totals_text([machine, out, people]) == "au moins 200,02 à 500,02 €"
    assert cost_rows(machine)[3].endswith("lu le 17/08/2026 (ANCIEN)")
    recent = Prices(PRICES, date(2026, 11, 15))
    assert cost_rows(spent(used, recent)[0])[3].endswith("lu le 17/08/2026")
    b2 = named(PRICES.storages, "B2")
    assert spent(used, Prices(PRICES, TODAY, storage=b2))[1].line.low == 0, "thrice is free"
    aws = named(PRICES.storages, "S3 standard")
    assert spent(used, Prices(PRICES, TODAY, storage=aws))[1].line.low == Decimal("3.276")


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (Used("nspawn-vps/lab", "", HOUR), "aucun prix connu pour nspawn-vps/lab"),
        (Used("hetzner-vps/main", "CX99", HOUR), "aucun prix connu pour hetzner-vps/main CX99"),
    ],
)
def test_a_machine_without_a_price_is_not_free(used: Used, said: str) -> None:
    machine, out, _ = spent(used, Prices(PRICES, TODAY))
    assert machine.line.low is None
    assert said in machine.unknown
    assert out.line.low is None
    assert "n'est plus dans le dépôt" in out.unknown
    assert spent(replace(used, running=None), Prices(PRICES, TODAY))[0].line.low == 0
