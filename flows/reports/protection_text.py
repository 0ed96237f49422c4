"""How well a server's backups are spread, as people read it (French)."""

from __future__ import annotations

from collections.abc import Sequence

from flows.decisions.copy_plan import CopyResult
from flows.decisions.protection import Digit

MARKS = {True: "oui", False: "NON", None: "non prouvé"}


def protection_line(digits: Sequence[Digit]) -> str:
    """Return the rule in one line: which digits do not hold, or that all do."""
    open_ = [f"{each.rule} : {MARKS[each.holds]}" for each in digits if not each.holds]
    return "3-2-1-1-0 tenu" if not open_ else "3-2-1-1-0 incomplet (" + ", ".join(open_) + ")"


def protection_rows(digits: Sequence[Digit]) -> list[tuple[str, str, str]]:
    """Return a row for each digit: the rule, whether it holds, what shows it."""
    return [(each.rule, MARKS[each.holds], each.evidence) for each in digits]


def copies_markdown(
    copies: Sequence[CopyResult], digits: Sequence[Digit], accepted: str = ""
) -> str:
    """Return the part of a backup's page about further repositories and 3-2-1-1-0."""
    lines = ["", "## Copies", ""]
    lines += [_copy_line(each) for each in copies] or [
        "Aucune copie chez un autre hébergeur (`copies` dans le fichier du parc)."
    ]
    lines += ["", "## Règle 3-2-1-1-0", "", "| Règle | Tenue | Preuve |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in protection_rows(digits)]
    if accepted:
        lines += ["", f"Domaine partagé avec le serveur, accepté : {accepted}."]
    return "\n".join(lines) + "\n"


def _copy_line(copy: CopyResult) -> str:
    if copy.failed:
        return f"- **{copy.name} : en retard.** {copy.failed}"
    return f"- {copy.name} : {', '.join(copy.copied) or 'était à jour'}"
