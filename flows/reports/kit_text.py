"""What the commands of the emergency kit say (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from blocks.types.kits import SealedKit
from flows.decisions.readiness import Check
from flows.reports.readiness_text import MARKS, WORDS
from flows.reports.wording import counted, moment, size


def sealed_text(path: str, bytes_: int, files: int, sha256: str, *, opened: bool) -> str:
    """Say what was sealed, and how far it is proven."""
    lines = [
        f"Trousse scellée : {path}, {size(bytes_)}, {counted(files, 'fichier')}",
        f"SHA-256 : {sha256}",
    ]
    if opened:
        lines.append("Rouverte et comparée fichier par fichier : elle contient ce qu'elle doit.")
    else:
        lines.append(
            "Relue sur le disque, mais PAS ROUVERTE : aucune clé privée ici. L'ouvrir une fois là "
            "où est la clé : continuity kit open, ou sceller avec --check CLÉ_PRIVÉE."
        )
    lines.append("En garder deux copies hors des serveurs, la clé ou la phrase de passe à part.")
    return "\n".join(lines)


def opened_text(folder: str, manifest: Mapping[str, object], paths: Sequence[str]) -> str:
    """Say what was opened and exactly what to type next."""
    sealed_at = datetime.fromisoformat(str(manifest["sealed_at"]))
    lines = [
        f"Trousse ouverte dans {folder} : {counted(len(paths), 'fichier')}, toutes les empreintes "
        "sont justes.",
        f"Scellée le {moment(sealed_at)}, programme {manifest['program'] or 'inconnu'}.",
        "Ce dossier contient tous les secrets en clair : le supprimer après usage.",
        "",
        "Sur une machine Debian vide, en root :",
        f"  cd {folder} && ./install",
        "  continuity sets web1 --local",
        "  continuity recover web1 --local",
        "",
        "Sur un poste où le programme est déjà installé :",
        f"  . {folder}/secrets.env",
        f"  continuity recover web1 --local --estate {folder}/{manifest['estate']}",
    ]
    if absolute := [each.removeprefix("place") for each in paths if each.startswith("place/")]:
        lines.append(f"  (d'abord, y mettre depuis {folder}/place : {', '.join(absolute)})")
    return "\n".join(lines)


def kit_row(server: str, kit: SealedKit | None, check: Check) -> dict[str, str]:
    """Return one server's line of `continuity kit status`."""
    file = f"{kit.file}, {size(kit.size)}, SHA-256 {kit.sha256[:16]}…" if kit else "aucun"
    return {
        "server": server,
        "state": f"{MARKS[check.state]} {WORDS[check.state]}",
        "seen": check.seen,
        "file": file,
        "hint": check.hint,
    }
