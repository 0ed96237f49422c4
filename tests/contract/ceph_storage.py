"""A real object storage machine that several contract suites share."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from deployments.lab import lab, machines, storage
from deployments.lab.config import ROOT, Lab


@pytest.fixture(scope="session")
def ceph() -> Iterator[Lab]:
    """A lab with nothing but its storage machine, for tests marked `lab`."""
    here = Lab("ceph", IPv4Network("10.89.74.0/24"), ROOT / "var/lab/ceph")
    lab.down(here)
    try:
        lab.foundation(here)
        machines.start(here, "storage", "storage", here.storage)
        storage.configure(here)
        yield here
    finally:
        lab.down(here)
