"""What is proven of a server's backups, as a document for machines and for people (French)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from blocks.types import Proof, Reading, SpotCheck
from flows.decisions.set_state import SetState, SetStatus
from flows.decisions.spot_check import detectable
from flows.decisions.standing import Standing, Standings, Weighed
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


def standing_text(known: Standings) -> str:
    """Return a server's standing in a few words, a repository each if there are several."""
    weighed, several = known.weighed(), len(known.copies) > 1
    proofs = " ; ".join(
        f"{each.repository} : {_last_proof(each)}" if several else _last_proof(each)
        for each in known.copies
    )
    return proofs if weighed.green else f"NON PROUVÉ : {proofs} ; {' ; '.join(weighed.problems)}"


def states_text(known: Standings, set_id: str) -> str:
    """Return a set's state in each repository, a line each if there are several."""
    texts = {each.repository: _state_in(each, set_id) for each in known.copies}
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "\n".join(f"{name} : {text}" for name, text in texts.items())


def _last_proof(copy: Standing) -> str:
    proven = copy.proven_at
    return f"dernière preuve {ago(copy.taken_at - proven)}" if proven else "aucune preuve"


def _state_in(copy: Standing, set_id: str) -> str:
    if copy.failed:
        return "illisible"
    status = copy.statuses.get(set_id)
    return state_text(status, copy.taken_at) if status else "absent"


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


def verification_document(known: Standings, weighed: Weighed) -> dict[str, object]:
    """Return the result as JSON values, by repository and by set; texts are for people."""
    statuses = known.statuses
    return {
        "server": known.server,
        "taken_at": known.taken_at.isoformat(),
        "proven": weighed.green,
        "problems": list(weighed.problems),
        "proven_at": _iso(known.proven_at),
        "repositories": {each.repository: _repository_document(each) for each in known.copies},
        "sets": {
            name: {
                "state": str(statuses[name].state),
                "repositories": {each.repository: _state_in(each, name) for each in known.copies},
            }
            for name in sorted(statuses, reverse=True)
        },
    }


def _repository_document(known: Standing) -> dict[str, object]:
    bound, reading = known.bound, known.reading
    return {
        "failed": known.failed,
        "proof": _proof_text(known.newest_proof),
        "proven_at": _iso(known.proven_at),
        "bound": bound_text(bound),
        "bound_seconds": bound.oldest.total_seconds() if bound and bound.oldest else None,
        "bytes_read": reading.bytes if reading else 0,
        "repository_bytes": reading.total if reading else 0,
        "cost": cost_text(reading, bound),
        "spot_check": spot_text(reading.spot if reading else None),
    }


def verification_markdown(document: Mapping[str, object]) -> str:
    """Return the result for Prefect's pages and the terminal."""
    verdict = "**prouvées**" if document["proven"] else "**NON PROUVÉES**"
    lines = [
        f"# Sauvegardes de {document['server']} : {verdict}",
        "",
        f"Au {moment(datetime.fromisoformat(str(document['taken_at'])))}.",
    ]
    problems, repositories = document["problems"], document["repositories"]
    if isinstance(problems, list) and problems:
        lines += ["", "## Ce qui manque", "", *(f"- {each}" for each in problems)]
    if isinstance(repositories, dict):
        for name, each in repositories.items():
            lines += ["", f"## Dépôt {name}", "", *_repository_lines(each)]
    return "\n".join([*lines, "", *_set_lines(document["sets"])]) + "\n"


def _repository_lines(of: Mapping[str, object]) -> list[str]:
    if of["failed"]:
        return [f"**Illisible** : {of['failed']}"]
    return [
        "| Contrôle | Résultat |",
        "|---|---|",
        f"| Restauration | {of['proof']} |",
        f"| Relecture | {of['bound']} |",
        f"| Coût | {of['cost']} |",
        f"| Comparaison avec le serveur | {of['spot_check']} |",
    ]


def _set_lines(sets: object) -> list[str]:
    """Return a row a set and a column a repository."""
    if not isinstance(sets, dict) or not sets:
        return ["Aucun jeu."]
    states = {name: each["repositories"] for name, each in sets.items()}
    columns = list(next(iter(states.values())))
    rows = [
        f"| `{name}` | {' | '.join(_cell(each[column]) for column in columns)} |"
        for name, each in states.items()
    ]
    heads = ["## Jeux", "", f"| Jeu | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    return [*heads, *rows]


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


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
