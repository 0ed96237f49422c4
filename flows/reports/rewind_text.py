"""The plan of a rewind as people read it (French)."""

from __future__ import annotations

from flows.decisions.rewind import RewindPlan
from flows.reports.wording import counted, moment, size

_SHOWN = 10


def rewind_markdown(plan: RewindPlan) -> str:
    """Return the page that a person reads before approving."""
    total = sum(each.size for each in plan.put_back)
    lines = [
        f"# Retour en arrière du dépôt de {plan.server}",
        "",
        f"État voulu : celui du {moment(plan.to)}. Dernier changement vu : {moment(plan.last_change)}.",
        "",
        "| Quoi | Combien |",
        "|---|---|",
        f"| objets écrasés depuis, remis tels qu'ils étaient | {len(plan.overwritten)} |",
        f"| objets cachés depuis, remis tels qu'ils étaient | {len(plan.hidden)} |",
        f"| octets à recopier dans le stockage | {size(total)} |",
        f"| objets ajoutés depuis (index, instantanés, clés, manifestes), cachés | {len(plan.added)} |",
        f"| verrous de restic, cachés | {len(plan.locks)} |",
        "",
        "Rien n'est détruit : chaque version reste, et un autre retour peut annuler celui-ci. Les jeux pris",
        "après cette heure ne se verront plus.",
        "",
    ]
    some = [*(each.key for each in plan.put_back), *plan.hide]
    lines += [f"- `{key}`" for key in some[:_SHOWN]]
    lines += [f"- et {len(some) - _SHOWN} autres"] if len(some) > _SHOWN else []
    return "\n".join([*lines, "", f"**Empreinte du plan : {plan.digest}**", ""])


def rewind_sentence(plan: RewindPlan) -> str:
    """Say in one sentence what was done."""
    return (
        f"dépôt de {plan.server} remis au {moment(plan.to)} : "
        f"{counted(len(plan.put_back), 'objet remis', 'objets remis')}, "
        f"{counted(len(plan.hide), 'caché')}"
    )
