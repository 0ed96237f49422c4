"""The drafts of clients' messages as a page for the team (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blocks.types.clients import Draft, Sending
from flows.decisions.client_delivery import Delivery, End, count
from flows.decisions.client_news import Phase
from flows.reports.wording import counted

PHASE_WORDS = {
    Phase.DETECTED: "incident constaté",
    Phase.RECOVERING: "remise en service en cours",
    Phase.BACK: "de nouveau en ligne",
    Phase.CLOSED: "incident clos",
}
STATES = {
    Sending.OPEN: "à envoyer",
    Sending.CLAIMED: "**incertain**",
    Sending.SENT: "envoyé",
}


def clients_page(
    incident: str,
    drafts: Sequence[Draft],
    states: Mapping[tuple[str, str], Sending],
    digest: str,
) -> str:
    """Return all drafts with their recipients, and what to type."""
    found = [states[(draft.phase, address)] for draft in drafts for address in draft.addresses]
    lines = [
        f"# Messages aux clients, incident {incident}",
        "",
        f"{counted(len(drafts), 'client')}, {counted(found.count(Sending.OPEN), 'message')} à "
        f"envoyer, {counted(found.count(Sending.SENT), 'envoyé')}, "
        f"{counted(found.count(Sending.CLAIMED), 'incertain')}. "
        f"Empreinte : `{digest}`",
        "",
        *_next_step(incident, found),
    ]
    for draft in drafts:
        lines += ["", f"## {draft.client} : {PHASE_WORDS[Phase(draft.phase)]}", ""]
        lines += ["| Destinataire | État |", "|---|---|"]
        lines += [
            f"| {address} | {STATES[states[(draft.phase, address)]]} |"
            for address in draft.addresses
        ]
        lines += ["", f"**Objet : {draft.subject}**", "", "```text", draft.body.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def deliveries_text(done: Sequence[Delivery]) -> str:
    """Say in a line how the messages ended."""
    sent = counted(count(done, End.SENT), "message envoyé", "messages envoyés")
    more = {
        "déjà envoyé": count(done, End.ALREADY),
        "en échec": count(done, End.FAILED),
        "incertain": count(done, End.UNCERTAIN),
    }
    plurals = {"en échec": "en échec"}
    told = [counted(n, words, plurals.get(words, "")) for words, n in more.items() if n]
    return ", ".join([sent, *told])


def sent_text(client: str, phase: Phase, states: Sequence[Sending]) -> str:
    """Say in a line what a client was told; without any address."""
    sent, unsure = (list(states).count(each) for each in (Sending.SENT, Sending.CLAIMED))
    told = f" envoyé à {counted(sent, 'destinataire')}" if sent else ""
    doubt = f", {counted(unsure, 'envoi incertain', 'envois incertains')}" if unsure else ""
    return f"{client or 'Client inconnu'} : message « {PHASE_WORDS[phase]} »{told}{doubt}"


def page_text(phases: Sequence[Phase]) -> str:
    """Say in a line what the status page says from now on."""
    return f"Page d'état : {', '.join(f'« {PHASE_WORDS[each]} »' for each in phases)}"


def _next_step(incident: str, found: Sequence[Sending]) -> list[str]:
    lines = []
    if Sending.OPEN in found:
        lines.append(f"Pour les envoyer : `continuity clients send {incident}`")
    if Sending.CLAIMED in found:
        lines.append(
            "« Incertain » : un envoi a commencé et personne ne sait s'il a abouti. Cherchez le "
            "destinataire dans le journal du relais, puis : "
            f"`continuity clients send {incident} --uncertain delivered` si le message est parti, "
            f"`continuity clients send {incident} --uncertain again` sinon."
        )
    if not found:
        return ["Rien à dire aux clients pour l'instant."]
    return lines or ["Tout est envoyé."]
