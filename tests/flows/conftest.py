"""One Prefect for the whole folder, and a fresh world for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from tests.flows.world import World


@pytest.fixture(scope="session", autouse=True)
def prefect_backend() -> Iterator[None]:
    with (
        prefect_test_harness(server_startup_timeout=90),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.provided():
        yield made
