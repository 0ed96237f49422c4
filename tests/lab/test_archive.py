"""The archive in the lab: any transaction can be gone back to, and a lost statement is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployments.lab import pit_workload, production
from deployments.lab.config import Lab
from deployments.lab.pit_restore import restore_to, scratch_machine, wait_until_archived
from deployments.lab.pit_workload import Point
from flows.archive_watch import archive_watch
from flows.decisions.archive_state import ArchiveCondition
from tests.lab.estate import SERVER, command, ended, estate
from tests.lab.story import Story

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
TURNS = 20


@pytest.fixture(scope="module")
def points(here: Lab, story: Story) -> Iterator[list[Point]]:
    """A server that worked through all kinds of statements since the newest set."""
    server = production.connect(here)
    pit_workload.begin(server)
    yield pit_workload.work(server, TURNS, seed=7)
    pit_workload.end(server)


@pytest.mark.usefixtures("points")
def test_the_archive_is_current_and_says_so(here: Lab) -> None:
    wait_until_archived(estate(), datetime.now(UTC))
    assert archive_watch() == {SERVER: ArchiveCondition.CURRENT}
    status, said = ended(command("archive", "status", "--json"))
    assert (status, '"condition": "current"' in said) == (0, True), said


@pytest.mark.usefixtures("points")
def test_a_lost_table_is_found_with_the_command_that_goes_back(here: Lab) -> None:
    status, said = ended(command("archive", "find", SERVER, "truncate pit_b"))
    assert status == 0, said
    assert f"continuity recover {SERVER} --at" in said


def test_every_point_is_what_was_recorded_there(
    here: Lab, story: Story, points: list[Point]
) -> None:
    opened = estate()
    wait_until_archived(opened, datetime.now(UTC))
    with scratch_machine(here, opened) as scratch:
        # In the middle of a transaction that another session ends later; and the last one.
        for point in (points[8], points[-1]):
            assert restore_to(opened, scratch, story.quiet, point.gtid) == point.gtid
            assert pit_workload.look(scratch).content == point.content


def test_a_point_that_was_not_reached_yet_names_the_furthest(here: Lab, tmp_path: Path) -> None:
    status, said = ended(command("drill", SERVER, "--at", "2099-01-01 00:00:00"))
    assert status == 1
    assert "the furthest reachable point is" in said
    assert f"continuity recover {SERVER} --at" in said
