"""The post-incident report, from the journal that a real recovery over memory blocks left."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from typer.testing import CliRunner

from blocks.errors import ConfigurationError, NotFound
from deployments.cli.main import commands
from deployments.prices import read_prices
from flows.decisions.incident_cost import Prices
from flows.decisions.recovery_plan import Purpose
from flows.drill import drill
from flows.reports.incident_facts import change_rows
from flows.reports.post_incident import post_incident_markdown
from flows.tasks.aftermath import facts_of, newest_recovery, record_action
from flows.tasks.ending import reports
from flows.tasks.incident import open_estate
from tests.flows.world import INCIDENT, Killed, World, killed_after

DUE = date(2026, 12, 15)


def artifact(key: str) -> str:
    """Return the newest artifact of this key."""
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        return str(client.read_artifacts(artifact_filter=wanted)[-1].data)


def test_a_recovery_leaves_a_report_and_a_drill_none(world: World) -> None:
    world.back_up()
    practised = str(drill("web1")["incident"])
    estate = open_estate("web1")
    assert reports(estate, Purpose.RECOVERY) == {}
    for each in (practised, INCIDENT):
        with pytest.raises(NotFound, match="known: none"):
            facts_of(estate, each)
    with pytest.raises(NotFound, match="no recovery of it is known"):
        newest_recovery(estate)
    world.lose()
    world.recover()
    assert newest_recovery(estate) == INCIDENT
    facts = facts_of(estate, INCIDENT, Prices(read_prices()[0], DUE))
    page = post_incident_markdown(facts)
    assert page.startswith("# Rapport d'incident : web1, rétabli")
    assert page.count("| tenue |") == 3, "both sites and the data"
    assert "approuvé par la règle du déploiement, le " in page
    assert "| Nouvelle machine | fait |" in page
    assert "Fiche RGPD" in page
    assert "aucun prix connu pour memory-vps/first" in page
    assert " Go relus | inconnu | le stockage n'est pas nommé" in page
    assert "None" not in page
    assert "| Nouvelle machine | fait |" in artifact("post-incident-web1")
    assert [row.site for row in facts.timeline.rows if row.back_at] == ["La boutique", "La vitrine"]


def test_who_changes_what_until_when_is_kept_and_shown(world: World) -> None:
    world.back_up()
    world.lose()
    world.recover()
    estate = open_estate("web1")
    first = change_rows(facts_of(estate, INCIDENT))[0][1]
    assert record_action(estate, INCIDENT, "1", "Anne", DUE) == first
    record_action(estate, INCIDENT, "Second  miroir", "Bruno", DUE + timedelta(days=1))
    record_action(estate, INCIDENT, "1", "Camille", DUE)
    rows = change_rows(facts_of(estate, INCIDENT))
    assert rows[0] == ("1", first, "Camille", "15/12/2026")
    assert rows[-1][1:] == ("Second miroir", "Bruno", "16/12/2026")
    for wrong in ("99", " "):
        with pytest.raises(ConfigurationError):
            record_action(estate, INCIDENT, wrong, "Anne", DUE)


def test_a_killed_recovery_has_a_provisional_report(world: World) -> None:
    world.back_up()
    world.lose()
    with killed_after("machine"), pytest.raises(Killed):
        world.recover()
    estate = open_estate("web1")
    assert newest_recovery(estate) == INCIDENT
    facts = facts_of(estate, INCIDENT)
    page = post_incident_markdown(facts)
    assert page.startswith("# Rapport d'incident : web1, sans résultat à ce jour")
    assert "0 sur 2 de ses sites en ligne" in page
    assert "il reste 71 h 59 min sur 72 h" in page
    assert f"terminer cette reprise : `continuity recover web1 --incident {INCIDENT}`" in page
    assert "None" not in page


def test_the_command_writes_every_form_and_refuses_half_an_action(
    world: World, tmp_path: Path
) -> None:
    world.back_up()
    world.lose()
    world.recover()
    words = ["report", "web1", "--out", str(tmp_path), "--storage", "B2", "--action", "Miroir"]
    half = CliRunner().invoke(commands, words)
    assert isinstance(half.exception, ConfigurationError)
    assert "--owner" in str(half.exception)
    ran = CliRunner().invoke(commands, [*words, "--owner", "Anne", "--due", "2026-12-15"])
    assert ran.exit_code == 0, ran.output
    written = {each.name.removeprefix(f"rapport-{INCIDENT}"): each for each in tmp_path.iterdir()}
    assert set(written) == {".md", ".html", ".pdf", "-1.svg"}
    page = written[".md"].read_text(encoding="utf-8")
    assert f"![Déroulement](rapport-{INCIDENT}-1.svg)" in page
    assert "| Miroir | Anne | 15/12/2026 |" in page
    assert "Backblaze B2" in page
    assert "</svg>" in written[".html"].read_text(encoding="utf-8")
    assert written[".pdf"].read_bytes().startswith(b"%PDF-")
