"""Blocks that are read together are read through one client of Prefect's server."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import get_client
from prefect.context import SyncClientContext

from blocks.errors import ConfigurationError
from blocks.registry import load, one_client
from blocks.servers.protected import ProtectedServer
from tests.flows.world import World


def test_all_looks_go_through_one_client() -> None:
    with one_client():
        client = get_client(sync_client=True)
        with pytest.raises(ConfigurationError, match="no such block"):
            load("protected-server/web1", ProtectedServer)
        assert get_client(sync_client=True) is client
    assert SyncClientContext.get() is None


def test_without_a_prefect_server_none_is_asked(world: World) -> None:
    with one_client():
        assert SyncClientContext.get() is None
