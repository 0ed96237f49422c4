from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.records import StepRecord, StepState
from flows.decisions.abandoned import unsaid_end
from tests.unit.samples import NOON

LATER = NOON + timedelta(hours=24)


def after(step: str, state: StepState = StepState.STARTED):
    return (
        StepRecord("inc", 1, "plan", StepState.DONE, NOON, NOON),
        StepRecord("inc", 2, step, state, NOON),
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [("CANCELLED", "annulé"), ("FAILED", "approuvé"), ("CRASHED", "processus")],
)
def test_a_wait_that_the_server_ended_is_told(state, words):
    assert words in unsaid_end(after("approve"), state, LATER)


@pytest.mark.parametrize("state", ["CANCELLED", "CRASHED"])
def test_so_is_a_process_that_is_gone(state):
    assert unsaid_end(after("packages"), state, LATER)
    assert unsaid_end(after("packages", StepState.DONE), state, LATER)


def test_a_run_that_failed_by_itself_has_said_so():
    assert unsaid_end(after("packages", StepState.FAILED), "FAILED", LATER) == ""
    assert unsaid_end(after("approve", StepState.FAILED), "FAILED", LATER) == ""


@pytest.mark.parametrize("step", ["end", "verify", "destroy"])
def test_an_end_is_told_once(step):
    assert unsaid_end(after(step, StepState.DONE), "CRASHED", LATER) == ""


def test_another_run_of_the_incident_goes_on():
    assert unsaid_end(after("approve"), "CANCELLED", NOON - timedelta(seconds=1)) == ""


@pytest.mark.parametrize("state", ["COMPLETED", "RUNNING", "PAUSED"])
def test_a_run_that_lives_or_ended_well_is_left_alone(state):
    assert unsaid_end(after("approve"), state, LATER) == ""


def test_a_run_that_never_began_has_nothing_to_tell():
    assert unsaid_end((), "CANCELLED", LATER) == ""
