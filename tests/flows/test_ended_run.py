"""What people read of a recovery that Prefect's server, or a person, ended."""

from __future__ import annotations

from uuid import UUID

import pytest
from prefect import get_client
from prefect.states import Cancelled, Suspended

from blocks.repositories.journal import Journal
from flows.disaster_recovery import disaster_recovery
from flows.ended_run import ended_run
from flows.tasks.approval import Approval
from flows.tasks.closing import ended_runs
from tests.flows.world import INCIDENT, Killed, World


@pytest.fixture
def waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A run of which only Prefect and the live message know, waiting for its approval."""

    def gone(_plan: object, _text: str) -> tuple[str, str]:
        raise Killed("while it waits")

    world.back_up()
    world.lose()
    monkeypatch.setattr("flows.tasks.approval.ask_at_terminal", [gone])
    with pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        world.recover(approval=Approval.ASK)
    assert "accord attendu" in head(world)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(
            disaster_recovery,
            parameters={"server": "web1", "incident": INCIDENT},
            state=Suspended(timeout_seconds=60),
        )
    return run.id


def head(world: World) -> str:
    (thread,) = world.notifier.threads
    return thread.notice.text


def ends(world: World) -> list[str]:
    records = Journal(world.repository.state(), INCIDENT).records()
    return [each.why for each in records if each.step == "end"]


def test_the_message_of_a_run_that_the_server_ended_says_so_once(
    world: World, waiting: UUID
) -> None:
    words = "annulé dans Prefect"
    assert ended_run(str(waiting)) == "", "it still waits"
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(waiting, Cancelled(), force=True)
    assert waiting in {run.id for run, _ in ended_runs()}
    assert words in ended_run(str(waiting))
    assert "arrêt avant la fin" in head(world)
    body = world.notifier.threads[0].notice.body
    assert words in body
    assert f"continuity recover web1 --incident {INCIDENT}" in body
    assert ended_run(str(waiting)) == ""
    assert len(ends(world)) == 1
    assert world.recover()["verdict"] == "recovered"
    assert "rétabli" in head(world)
    assert words not in world.notifier.threads[0].notice.body
    assert ended_run(str(waiting)) == ""


def test_a_person_who_ends_it_at_the_terminal_is_told_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_plan: object, _text: str) -> tuple[str, str]:
        raise KeyboardInterrupt

    world.back_up()
    monkeypatch.setattr("flows.tasks.approval.ask_at_terminal", [interrupted])
    with pytest.raises(KeyboardInterrupt):
        world.recover(approval=Approval.ASK)
    assert "arrêt avant la fin" in head(world)
    assert ends(world) == ["arrêté par une personne"]


def test_an_answer_that_quotes_another_plan_does_not_leave_it_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.back_up()
    monkeypatch.setattr("flows.tasks.approval.ask_at_terminal", [lambda *_: ("no", "Anne")])
    with pytest.raises(Exception, match="the answer quotes no"):
        world.recover(approval=Approval.ASK)
    assert "arrêt avant la fin" in head(world)
