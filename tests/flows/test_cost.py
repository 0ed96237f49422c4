"""The size of an estate, as the estimate of its cost takes it from the newest sets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from blocks.errors import NotFound
from blocks.repositories.catalogue import Catalogue
from deployments.cli.cost import data_of
from flows.decisions.cost import GB
from flows.decisions.machine_needs import RESTORED
from tests.flows.world import World


def test_a_servers_size_is_what_its_newest_set_brings_back(world: World) -> None:
    with pytest.raises(NotFound, match="continuity backup web1"):
        data_of("web1")
    world.back_up()
    (made,) = Catalogue(world.repository).list("web1").sets
    sizes = [each.size for each in made.snapshots if each.part in RESTORED]
    assert data_of("web1") == Decimal(sum(sizes)) / GB > 0
