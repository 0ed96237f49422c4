"""What is proven of a server's backups, as a document for machines and for people (French)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from blocks.types import Proof, Reading, SpotCheck
from flows.decisions.set_state import SetState, SetStatus
from flows.decisions.spot_check import detectable
from flows.decisions.standing import Standing, Weighed
from flows.decisions.verification_plan import Bound
from flows.reports.wording import ago, counted, duration, moment, size

STATES = {
    SetState.TAKEN: "pris, pas encore prouvé",
    SetState.PROVEN: "prouvé",
    SetState.STALE: "périmé",
    SetState.FAILED: "ÉCHEC",
}


def state_text(status: SetStatus, now: datetime) -> str:
    """Return a set's state in a few words: `prouvé il y a 3 h`, `périmé : jamais prouvé`."""
    text = STATES[status.state]
    if status.state is SetState.FAILED:
        return f"{text} : {status.why}"
    if status.state is SetState.PROVEN and status.proven_at:
        return f"{text} {ago(now - status.proven_at)}"
    if status.state is SetState.STALE:
        proven = status.proven_at
        return f"{text} : prouvé {ago(now - proven)}" if proven else f"{text} : jamais prouvé"
    return text


def standing_text(weighed: Weighed, now: datetime) -> str:
    """Return a server's standing in a few words."""
    proven = weighed.newest_proof
    last = f"dernière preuve {ago(now - proven)}" if proven else "aucune preuve"
    return last if weighed.green else f"NON PROUVÉ : {last} ; {'; '.join(weighed.problems)}"


def bound_text(bound: Bound | None) -> str:
    """Return how long ago all data was read at most."""
    if bound is None:
        return "jamais relu depuis la sauvegarde"
    promise = f"promis : {bound.within.days} jours"
    late = ", EN RETARD" if bound.late else ""
    if bound.oldest is None:
        done = bound.of - bound.unread
        return f"premier tour en cours : {done} tranches sur {bound.of} ({promise}){late}"
    return f"tout a été relu depuis moins de {duration(bound.oldest)} ({promise}){late}"


def cost_text(reading: Reading | None, bound: Bound | None) -> str:
    """Return what the reading takes out of the store."""
    if reading is None or bound is None:
        return "rien n'a été relu"
    return (
        f"{size(reading.bytes)} relus depuis le début ; le dépôt fait {size(reading.total)}, "
        f"soit {size(reading.total * 30 // bound.of)} sortis du stockage par mois, "
        "plus les index et les répertoires à chaque passage"
    )


def spot_text(spot: SpotCheck | None) -> str:
    """Return what the comparison with the server showed, and what it could have shown."""
    if spot is None:
        return "aucune"
    if not spot.sampled:
        return f"aucun fichier comparable dans `{spot.set_id}`"
    share = f"{detectable(spot.sampled) * 100:.1f} %".replace(".", ",")
    equal = spot.sampled - spot.changed - len(spot.unexplained)
    return (
        f"{counted(spot.sampled, 'fichier')} tirés de {counted(spot.population, 'fichier')} de "
        f"`{spot.set_id}` : {equal} identiques, {spot.changed} modifiés ou retirés depuis sur le "
        f"serveur, {len(spot.unexplained)} différents sans explication. Si plus de {share} des "
        "fichiers différaient, cet échantillon le montrerait 19 fois sur 20"
    )


def verification_document(known: Standing, weighed: Weighed) -> dict[str, object]:
    """Return the result as JSON values; texts are for people."""
    bound, reading = known.bound, known.reading
    return {
        "server": known.server,
        "taken_at": known.taken_at.isoformat(),
        "proven": weighed.green,
        "problems": list(weighed.problems),
        "newest_proof": weighed.newest_proof.isoformat() if weighed.newest_proof else None,
        "proof": _proof_text(known.newest_proof),
        "bound": bound_text(bound),
        "bound_seconds": bound.oldest.total_seconds() if bound and bound.oldest else None,
        "bytes_read": reading.bytes if reading else 0,
        "repository_bytes": reading.total if reading else 0,
        "cost": cost_text(reading, bound),
        "spot_check": spot_text(reading.spot if reading else None),
        "sets": {
            name: {"state": str(each.state), "text": state_text(each, known.taken_at)}
            for name, each in sorted(known.statuses.items(), reverse=True)
        },
    }


def verification_markdown(document: Mapping[str, object]) -> str:
    """Return the result for Prefect's pages and the terminal."""
    problems, sets = document["problems"], document["sets"]
    verdict = "**prouvées**" if document["proven"] else "**NON PROUVÉES**"
    lines = [
        f"# Sauvegardes de {document['server']} : {verdict}",
        "",
        f"Au {moment(datetime.fromisoformat(str(document['taken_at'])))}.",
        "",
        "| Contrôle | Résultat |",
        "|---|---|",
        f"| Restauration | {document['proof']} |",
        f"| Relecture | {document['bound']} |",
        f"| Coût | {document['cost']} |",
        f"| Comparaison avec le serveur | {document['spot_check']} |",
    ]
    if isinstance(problems, list) and problems:
        lines += ["", "## Ce qui manque", "", *(f"- {each}" for each in problems)]
    lines += ["", "## Jeux", "", "| Jeu | État |", "|---|---|"]
    if isinstance(sets, dict):
        lines += [f"| `{name}` | {_cell(each['text'])} |" for name, each in sets.items()]
    return "\n".join(lines) + "\n"


def _proof_text(proof: Proof | None) -> str:
    if proof is None:
        return "jamais"
    if not proof.passed:
        return f"`{proof.set_id}` en ÉCHEC le {moment(proof.at)} : {'; '.join(proof.differences)}"
    return (
        f"`{proof.set_id}` restauré et comparé le {moment(proof.at)} (`{proof.incident}`) : "
        f"{counted(proof.tables, 'table')}, {counted(proof.rows, 'ligne')}, "
        f"{counted(proof.files, 'fichier')}, {size(proof.bytes)}"
    )


def _cell(text: str) -> str:
    return text.replace("|", "/")
