"""One Prefect for the whole folder, and a fresh world for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED,
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED,
    PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from flows.tasks.drill_pictures import browsers
from tests.contract.authority import Authority
from tests.fakes.memory_browser import MemoryBrowser
from tests.flows.world import World

QUIET = {
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    PREFECT_LOGGING_TO_API_ENABLED: False,
    PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED: False,
    PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED: False,
    PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED: False,
}
"""Leaves out what a server writes for its pages: SQLite refuses a new run while something else is
written, and the client waits two seconds before it asks again: half of the time of these tests."""


@pytest.fixture(scope="session", autouse=True)
def prefect_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Each client, one a run, reads all authorities that it trusts: one instead of 140.
    one = {PREFECT_API_SSL_CERT_FILE: str(Authority(tmp_path_factory.mktemp("ca")).ca_file)}
    with temporary_settings(QUIET | one), prefect_test_harness(server_startup_timeout=90):
        yield


@pytest.fixture(scope="session", autouse=True)
def browser() -> Iterator[None]:
    """No address of these worlds exists: a real browser would wait for each of them."""
    browsers.append(MemoryBrowser())
    yield
    browsers.pop()


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.provided():
        yield made
