"""The post-incident report, from the journal that a real recovery over memory blocks left."""

from __future__ import annotations

import pytest

from blocks.errors import NotFound
from flows.decisions.recovery_plan import Purpose
from flows.drill import drill
from flows.tasks.aftermath import report_of
from flows.tasks.ending import reports
from flows.tasks.incident import open_estate
from tests.flows.world import INCIDENT, World


def test_a_recovery_leaves_a_report_and_a_drill_none(world: World) -> None:
    world.back_up()
    practised = str(drill("web1")["incident"])
    assert reports(open_estate("web1"), Purpose.RECOVERY) == {}
    for each in (practised, INCIDENT):
        with pytest.raises(NotFound, match="ended: none"):
            report_of(open_estate("web1"), each)
    world.lose()
    world.recover()
    assert list(reports(open_estate("web1"), Purpose.RECOVERY)) == [INCIDENT]
    page = report_of(open_estate("web1"), INCIDENT)
    assert page.startswith("# Rapport d'incident : web1, rétabli")
    assert page.count("| tenue |") == 2, "both sites came back within their promise"
    assert "approuvé par la règle du déploiement, le " in page
    assert "| Nouvelle machine | fait |" in page
    assert "Fiche RGPD" in page
    assert "None" not in page
