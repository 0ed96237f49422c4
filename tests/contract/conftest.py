"""Services on the loopback that several contract suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.repositories.base import ObjectStore
from tests.contract.ceph_storage import ceph
from tests.contract.debian_machine import debian
from tests.contract.registered import (
    applied,
    estate_folder,
    estate_text,
    prefect,
    prefect_server,
    slack_service,
)
from tests.contract.repository_worlds import ceph_store, moto_store
from tests.fakes.loopback_s3 import LoopbackS3, moto_server
from tests.fakes.memory_objects import MemoryObjects

__all__ = [
    "applied",
    "ceph",
    "debian",
    "estate_folder",
    "estate_text",
    "prefect",
    "prefect_server",
    "slack_service",
]


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackS3]:
    """S3 by moto, with the bucket `continuity`."""
    with moto_server(tmp_path_factory.mktemp("moto")) as service:
        service.make_bucket("continuity")
        yield service


@pytest.fixture(params=["memory", "moto", pytest.param("ceph", marks=pytest.mark.lab)])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    """Every object store in which conditional writes hold, one after the other."""
    if request.param == "memory":
        return MemoryObjects()
    if request.param == "ceph":
        return ceph_store(request.getfixturevalue("ceph"))[0].model_copy(
            update={"bucket": "continuity-state"}
        )
    return moto_store(request.getfixturevalue("s3"))
