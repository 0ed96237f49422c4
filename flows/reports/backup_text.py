"""A recovery set as people read it (French)."""

from __future__ import annotations

from blocks.types import Part, RecoverySet
from flows.reports.wording import duration, moment, size

PARTS = {
    Part.PHYSICAL: "copie physique",
    Part.DATABASE: "base",
    Part.GRANTS: "comptes et droits",
    Part.SITE: "site",
    Part.CONFIGURATION: "configuration",
}


def backup_markdown(made: RecoverySet, way_back: str) -> str:
    """Return the page of one set: what it holds, how much was new, how it comes back."""
    added = sum(ref.added for ref in made.snapshots if ref.taken_in == made.id)
    lines = [
        f"# Jeu de sauvegarde `{made.id}`",
        "",
        f"Données au {moment(made.consistent_at)}. Durée "
        f"{duration(made.finished_at - made.started_at)}, {size(added)} envoyés. "
        f"Relu dans le stockage : {made.read_back.objects} objets, {size(made.read_back.bytes)}.",
        "",
        f"Bases en cas de reprise : {way_back}.",
        "",
        "État : **pris**. Il sera *prouvé* quand une restauration aura montré les mêmes données "
        "(`continuity verify`, exercice ou reprise).",
        "",
        "| Partie | Sujet | Taille | Envoyé | Fichiers | Pris dans |",
        "|---|---|---|---|---|---|",
        *(
            f"| {PARTS[ref.part]} | {ref.subject} | {size(ref.size)} | {size(ref.added)} | "
            f"{ref.files} | {'ce jeu' if ref.taken_in == made.id else f'`{ref.taken_in}`'} |"
            for ref in made.snapshots
        ),
    ]
    return "\n".join(lines) + "\n"
