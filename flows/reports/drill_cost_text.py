"""What a drill may cost, as people read it in its plan and its report (French)."""

from __future__ import annotations

from flows.decisions.drill_cost import UNTIL_SWEPT, DrillCost, Limits
from flows.reports.cost_text import CENT, amount_text


def cost_line(cost: DrillCost, limits: Limits) -> str:
    """Return the estimate of one target beside the ceiling: `au plus 0,42 € (plafond 5 €)`."""
    ceiling = "pas de plafond"
    if limits.ceiling is not None:
        ceiling = f"plafond {amount_text((limits.ceiling, limits.ceiling), limits.currency)}"
    if cost.total is None:
        return f"inconnu, {cost.unknown} ({ceiling})"
    total = amount_text((cost.total, cost.total), cost.currency)
    return f"au plus {total} hors taxes ({ceiling}) : {_parts(cost, limits)}"


def _parts(cost: DrillCost, limits: Limits) -> str:
    read = f", lu le {cost.read_on:%d/%m/%Y}" if cost.read_on else ""
    hours = limits.hours + UNTIL_SWEPT
    parts = [f"machine {hours} h ({cost.offer}{read})"]
    if cost.egress:
        parts.append(f"sortie de données {amount_text((cost.egress, cost.egress), cost.currency)}")
    return ", ".join(parts)


def left_out(cost: DrillCost, limits: Limits) -> str:
    """Return why a target is not used."""
    return f"{cost.provider} écarté : {cost_line(cost, limits)}"


def cost_document(cost: DrillCost, limits: Limits) -> dict[str, object]:
    """Return the estimate as JSON values; amounts are decimal texts without VAT."""
    return {
        "provider": cost.provider,
        "estimate": None if cost.total is None else str(cost.total.quantize(CENT)),
        "currency": cost.currency,
        "ceiling": None if limits.ceiling is None else str(limits.ceiling),
        "hours": limits.hours,
        "text": cost_line(cost, limits),
    }
