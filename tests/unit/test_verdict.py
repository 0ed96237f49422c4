from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from blocks.types import Machine, PowerState
from flows.decisions.sweep import machines_to_sweep
from flows.decisions.verdict import SiteOutcome, Verdict, conclude
from tests.unit.samples import NOON

GOOD = SiteOutcome("a", "A", True, "3 pages", NOON + timedelta(seconds=50))
BAD = SiteOutcome("b", "B", False, "HTTP 502")


def weigh(sites, as_of=NOON - timedelta(seconds=30), problems=()):
    return conclude("inc", "web1", sites, NOON, as_of, problems)


def test_all_proven_is_recovered_with_its_figures():
    outcome = weigh([GOOD])
    assert outcome.verdict is Verdict.RECOVERED
    assert outcome.rto == timedelta(seconds=50)
    assert outcome.rpo == timedelta(seconds=30)
    assert "1 of 1 sites proven" in outcome.sentence


def test_one_site_missing_is_partly_recovered_and_named():
    outcome = weigh([GOOD, BAD])
    assert outcome.verdict is Verdict.PARTLY
    assert "b (HTTP 502)" in outcome.sentence


def test_a_problem_of_the_server_keeps_the_verdict_from_green():
    assert weigh([GOOD], problems=["cron: down"]).verdict is Verdict.PARTLY


def test_nothing_proven_is_not_recovered_without_a_recovery_time():
    outcome = weigh([BAD])
    assert outcome.verdict is Verdict.FAILED
    assert outcome.rto is None


def test_restored_sites_that_visitors_are_not_led_to_are_partly_recovered():
    outcome = weigh([replace(BAD, restored=True)])
    assert outcome.verdict is Verdict.PARTLY
    assert outcome.rto is None


def test_no_sites_is_not_green():
    assert weigh([]).verdict is Verdict.FAILED


def test_unproven_data_has_no_loss_figure():
    assert weigh([GOOD], as_of=None).rpo is None


def machine(incident="drill-1", purpose="drill", owner="continuity", expires=None):
    tags = {"managed-by": owner, "purpose": purpose, "incident": incident}
    return Machine("m", "m", "p", "10.0.0.1", PowerState.ON, tags, "key", NOON, expires)


def test_the_sweep_takes_dead_and_expired_drills_and_nothing_else():
    dead, live = machine("dead"), machine("live")
    expired = machine("live", expires=NOON)
    others = [machine(purpose="recovery"), machine(owner="somebody")]
    swept = machines_to_sweep([dead, live, expired, *others], {"live"}, NOON)
    assert swept == (dead, expired)
