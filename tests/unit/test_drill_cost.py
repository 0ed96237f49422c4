"""What a drill may cost: the arithmetic, what nobody knows, and the ceiling."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from blocks.servers.protected import ProtectedServer
from blocks.types import ListedPrice, MachineSize
from deployments.estate_file import load, read
from deployments.estate_server import TargetEntry
from deployments.prices import read_prices
from deployments.target_prices import target_price
from deployments.world import provide
from flows.decisions.drill_cost import (
    DrillCost,
    Limits,
    affordable,
    cost_at,
    dearest,
    over_ceiling,
)
from flows.decisions.recovery_plan import TargetChoice
from flows.reports.drill_cost_text import cost_line
from tests.unit.estate_texts import GOOD, write

GB = 10**9
LIMITS = Limits(Decimal(5), "EUR", 4, Decimal("0.01"))
TARGET = TargetChoice("far/away", "M", "")
SAYS = MachineSize("M", 4, 8 * GB, 100 * GB, Decimal("0.20"), "EUR")
SILENT = replace(SAYS, price=None, currency="")
LISTED = ListedPrice("Ici M", Decimal("0.10"), "EUR", date(2026, 8, 14), 80, Decimal("0.001"))


def cost(
    size: MachineSize = SAYS, listed: ListedPrice | None = None, **limits: object
) -> DrillCost:
    return cost_at(TARGET, [size], listed, 50 * GB, replace(LIMITS, **limits))  # type: ignore[arg-type]


def test_the_hours_until_the_next_sweep_and_what_is_read_are_counted():
    assert cost().machine == Decimal("0.20") * 5
    assert cost().egress == Decimal("0.50")
    assert cost().total == Decimal("1.50")
    assert cost_line(cost(), LIMITS) == (
        "au plus 1,50 € hors taxes (plafond 5 €) : machine 5 h (M, prix du fournisseur), "
        "sortie de données 0,50 €"
    )


def test_the_list_counts_where_the_provider_says_nothing_with_the_disk_beyond_its_own():
    assert cost(SILENT, LISTED).machine == (Decimal("0.10") + 20 * Decimal("0.001")) * 5
    assert "(Ici M, lu le 14/08/2026)" in cost_line(cost(SILENT, LISTED), LIMITS)
    assert cost(SAYS, LISTED).machine == Decimal("1.00"), "the provider knows better than a list"


def test_the_dearest_size_that_would_be_tried_counts():
    dearer = replace(SAYS, name="L", price=Decimal("0.30"))
    assert cost_at(TARGET, [SAYS, dearer], None, 0, LIMITS).machine == Decimal("1.50")
    assert cost_at(TARGET, [SAYS, SILENT], None, 0, LIMITS).machine is None


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        (cost(SILENT), "prix de la machine inconnu"),
        (cost(egress_gb=None), "prix de la sortie de données inconnu"),
        (cost(currency="USD"), "prix de la machine en EUR, plafond en USD"),
        (cost_at(TARGET, (), None, 50 * GB, LIMITS), "taille M pas proposée, ou trop petite"),
    ],
)
def test_what_nobody_knows_never_passes_a_ceiling(unknown: DrillCost, said: str):
    assert unknown.total is None
    assert unknown.unknown == said
    assert unknown.hint
    assert affordable([unknown], LIMITS) == ()
    assert affordable([unknown], replace(LIMITS, ceiling=None)) == (unknown,)
    assert unknown.hint in str(over_ceiling("web1", [unknown], LIMITS))


def test_the_ceiling_itself_may_be_spent_and_not_a_cent_more():
    exact, over = replace(LIMITS, ceiling=Decimal("1.50")), replace(LIMITS, ceiling=Decimal("1.49"))
    assert affordable([cost()], exact) == (cost(),)
    assert affordable([cost()], over) == ()
    assert "up to 1.50 EUR" in str(over_ceiling("web1", [cost()], over))


def test_nothing_costs_nothing_and_that_is_known():
    free = cost(replace(SAYS, price=Decimal(0)), egress_gb=Decimal(0))
    assert affordable([free], replace(LIMITS, ceiling=Decimal(0))) == (free,)


def test_of_several_targets_the_dearest_is_told_and_an_unknown_one_before_all():
    cheap = cost(replace(SAYS, price=Decimal("0.01")))
    assert dearest([cheap, cost()]) == cost()
    assert dearest([cost(), cost(SILENT)]) == cost(SILENT)


def test_a_target_finds_its_price_by_its_provider_and_size_or_by_its_offer():
    prices, _ = read_prices()
    by_size = target_price("hetzner-vps/de", TargetEntry(provider="de", size="CX33"), prices)
    assert by_size is not None
    assert by_size.hour == (Decimal("8.99") / 730).quantize(Decimal("0.000001"))
    named = TargetEntry(provider="de", size="x", offer="AWS c6a.xlarge")
    assert target_price("ec2-vps/de", named, prices).offer == "AWS c6a.xlarge"  # type: ignore[union-attr]
    assert target_price("ovh-vps/de", TargetEntry(provider="de", size="CX33"), prices) is None
    assert target_price("ovh-vps/de", TargetEntry(provider="de"), prices) is None


def test_an_offer_that_the_list_does_not_have_is_a_mistake_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RESTIC", "x")
    text = GOOD.replace("{provider: lab, size: standard}", "{provider: lab, offer: Hetzner CX34}")
    (mistake,) = read(write(tmp_path, text)).mistakes
    assert "no offer 'Hetzner CX34'" in mistake.text
    assert "did you mean 'Hetzner CX" in mistake.hint


def test_a_servers_own_limits_stand_for_the_estates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RESTIC", "x")
    text = GOOD + "\ndrill: {ceiling: 7, hours: 2}\n"
    own = text.replace("    parallel: 3", "    parallel: 3\n    drill: {ceiling: 1}")
    limits = [_protected(write(tmp_path, each)).drill for each in (text, own)]
    assert [(each.ceiling, each.hours) for each in limits] == [(7, 2), (1, 4)]


def _protected(path: Path) -> ProtectedServer:
    found = provide(load(path))["protected-server/web1"]
    assert isinstance(found, ProtectedServer)
    return found
