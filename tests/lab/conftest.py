"""One whole lab for the tests of the main job, and the story of backups that they tell on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.lab import control
from deployments.lab import lab as whole
from deployments.lab.config import Lab
from tests.lab.estate import LAB
from tests.lab.story import Recovered, Story, live, lose_and_recover

ORDER = (
    "test_backups",
    "test_alerts",
    "test_archive",
    "test_restore_by_hand",
    "test_bad_days",
    "test_verification",
    "test_drill",
    "test_other_release",
    "test_site_restore",
    "test_failback",
    "test_recovery",
    "test_documents",
    "test_resume",
    "test_last_resort",
    "test_secrets",
    "test_second_repository",
)
"""Modules on the shared lab, in the order of what they destroy; others have labs of their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules on the shared lab last and in order: destruction comes late."""
    order = [f"tests.lab.{name}" for name in ORDER]

    def rank(item: pytest.Item) -> int:
        name = getattr(getattr(item, "module", None), "__name__", "")
        return order.index(name) if name in order else -1

    items.sort(key=rank)


@pytest.fixture(scope="session")
def here() -> Iterator[Lab]:
    """The lab, up, with this process as a client of its Prefect server."""
    lines: list[str] = []
    whole.down(LAB)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CONTINUITY_LAB", LAB.name)
            patch.setenv("CONTINUITY_LAB_NETWORK", str(LAB.network))
            whole.up(LAB, lines.append)
            print("\n" + "\n".join(lines))
            for name, value in control.environment(LAB).items():
                patch.setenv(name, value)
            with control.prefect(LAB):
                yield LAB
    finally:
        whole.down(LAB)


@pytest.fixture(scope="session")
def story(here: Lab, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Backups of a server that lives, and what it was at the last of them."""
    return live(here, tmp_path_factory.mktemp("story"))


@pytest.fixture(scope="session")
def recovered(here: Lab, story: Story, tmp_path_factory: pytest.TempPathFactory) -> Recovered:
    """Web1, lost and recovered."""
    return lose_and_recover(here, story, tmp_path_factory.mktemp("recovery"))
