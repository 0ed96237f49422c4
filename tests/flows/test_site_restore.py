"""What one site's way back refuses before it does anything; the rest needs a real MariaDB."""

from __future__ import annotations

import pytest

from blocks.errors import ConfigurationError, LeaseHeld, NotFound
from flows.site_restore import site_restore
from flows.tasks.incident import open_estate
from flows.tasks.leases import hold_everywhere
from tests.flows.world import World

POINT = "before 0-1-4711"


@pytest.mark.parametrize(
    ("site", "error", "said"),
    [
        ("blog", NotFound, "there: brochure, shop"),
        ("brochure", ConfigurationError, "files are not brought back"),
        ("shop", ConfigurationError, "there is no moment to go back to"),
    ],
)
def test_a_site_that_cannot_go_back_is_refused_before_anything(
    world: World, site: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        site_restore("web1", site, POINT, incident="inc-site")
    assert world.server.machine.calls == []
    assert "arrêt avant la fin" in world.notifier.threads[-1].notice.text


def test_a_server_that_another_run_holds_is_left_alone(world: World) -> None:
    with (
        hold_everywhere(open_estate("web1"), "web1", "inc-recovery"),
        pytest.raises(LeaseHeld, match="inc-recovery holds it"),
    ):
        site_restore("web1", "shop", POINT, incident="inc-site")
