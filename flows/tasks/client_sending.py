"""Send clients' messages, each once, and bring the status page up to date."""

from __future__ import annotations

from time import monotonic

from prefect import get_run_logger

from blocks.client_mail.base import ClientMail
from blocks.errors import ContinuityError, DeliveryUnknown, ProviderError, Unreachable
from blocks.registry import load
from blocks.repositories.messages import ClientMessages
from blocks.status_pages.base import StatusPage
from blocks.types.clients import ClientMessage, Draft, FirstMessage, Sending
from flows.decisions.client_delivery import Action, Delivery, End, Uncertain, action, count
from flows.decisions.client_news import ClientView, Phase, news
from flows.reports.client_page import deliveries_text
from flows.reports.status_page import status_html
from flows.reports.status_text import status_update
from flows.reports.wording import counted
from flows.tasks.client_drafts import Prepared, client_views, prepare
from flows.tasks.incident import Incident, StepNote, now
from flows.tasks.steps import step

AUTOMATIC_SECONDS, APPROVED_SECONDS = 45.0, 1800.0
"""After this long no further message is begun: a recovery waits for those that go by themselves."""


def tell_clients(incident: Incident, *, down: bool = True) -> None:
    """Draft what clients can be told by now; send the first message where policy lets it go.

    Never raises what mail, status page or texts do: it is recorded, told to the team, and the
    recovery goes on. Without clients nothing happens at all.

    Args:
        incident: The recovery's.
        down: Whether our own look found that the old server serves nothing any more; otherwise
            nothing goes by itself.
    """
    try:
        views = client_views(incident.estate)
        if views:
            draft_and_send_first(incident, views, down, subject=_phase_now(incident, views))
    except Exception as error:  # noqa: BLE001 - recorded by the step; a recovery goes on
        get_run_logger().warning("clients were not told: %s", error)


@step("clients", retries=0)
def draft_and_send_first(
    incident: Incident, note: StepNote, views: tuple[ClientView, ...], down: bool, *, subject: str
) -> None:
    """Write the drafts of the newest phase; send those that policy lets go by themselves.

    Raises:
        ProviderError: Something could not be sent or published; the drafts are there.
    """
    prepared = prepare(incident, clients=views)
    note.saw = f"{counted(len(prepared.drafts), 'message')} en attente d'un accord"
    first = {each.client.name for each in prepared.told if each.phase is Phase.DETECTED}
    free = {each.name for each in views if each.automatic and each.name in first} if down else set()
    done = _send_all(incident, prepared, Uncertain.LEAVE, free, AUTOMATIC_SECONDS) if free else []
    problems = _problems(done)
    if free:
        note.did = deliveries_text(done)
    if down and first and _page_is_automatic(incident):
        problems += _published(incident, prepared, note)
    note.data |= {"digest": prepared.digest}
    _require(incident, problems)


@step("clients", retries=0)
def send_news(
    incident: Incident,
    note: StepNote,
    prepared: Prepared,
    wish: Uncertain,
    operator: str,
    *,
    subject: str,
) -> list[Delivery]:
    """Send what was approved and publish it; look again at every message afterwards.

    Raises:
        ProviderError: Something could not be sent or published, or nobody knows whether it was.
    """
    done = _send_all(
        incident, prepared, wish, {each.client for each in prepared.drafts}, APPROVED_SECONDS
    )
    note.did = deliveries_text(done)
    problems = _problems(done) + _published(incident, prepared, note)
    note.data |= {"digest": prepared.digest, "sent": count(done, End.SENT), "operator": operator}
    _require(incident, problems)
    return done


def verify_sent(incident: Incident, prepared: Prepared) -> dict[str, object]:
    """Look at every message again and say how it is.

    Raises:
        ProviderError: One of them is not proven to be sent.
    """
    box = ClientMessages(incident.estate.state, incident.id)
    states = [box.state(d.phase, address) for d in prepared.drafts for address in d.addresses]
    missing = sum(each is not Sending.SENT for each in states)
    _require(incident, [f"{counted(missing, 'message')} sans preuve d'envoi"] if missing else [])
    return {"incident": incident.id, "digest": prepared.digest, "sent": len(states)}


def _send_all(
    incident: Incident, prepared: Prepared, wish: Uncertain, clients: set[str], seconds: float
) -> list[Delivery]:
    """Send to each recipient in turn; once the relay is out of reach, to nobody any more."""
    reference = incident.estate.declared.client_news.mail
    box = ClientMessages(incident.estate.state, incident.id)
    until, gone = monotonic() + seconds, ""
    done = []
    for draft in prepared.drafts:
        for address in draft.addresses if draft.client in clients else ():
            if not reference:
                gone = "aucun relais de courriel n'est déclaré (client_mail)"
            elif monotonic() > until:
                gone = gone or "le temps accordé aux envois est écoulé"
            done.append(_one(box, reference, draft, address, wish, gone))
            gone = gone or (done[-1].why if done[-1].end is End.FAILED and _lost(done[-1]) else "")
    return done


def _one(
    box: ClientMessages,
    reference: str,
    draft: Draft,
    address: str,
    wish: Uncertain,
    gone: str,
) -> Delivery:
    """Claim, send, prove; or say why not."""

    def ended(end: End, why: str = "") -> Delivery:
        return Delivery(draft.client, draft.phase, address, end, why)

    state = box.state(draft.phase, address)
    todo = action(state, wish)
    if todo is Action.NOTHING:
        return ended(End.ALREADY if state is Sending.SENT else End.UNCERTAIN)
    if todo is Action.PROVE:
        box.prove(draft.phase, address, box.id_of(draft.phase, address), now())
        return ended(End.ALREADY)
    if gone:
        return ended(End.FAILED, gone)
    take = box.claim if todo is Action.SEND else box.claim_again
    if not take(draft.phase, address, now()):
        return ended(End.UNCERTAIN, "un autre envoi l'a pris au même moment")
    return ended(*_sent(box, load(reference, ClientMail), draft, address, todo))


def _sent(
    box: ClientMessages, relay: ClientMail, draft: Draft, address: str, todo: Action
) -> tuple[End, str]:
    """Send one claimed message and write down that it was, or give the claim back."""
    identity = box.id_of(draft.phase, address)
    try:
        sent = relay.send(ClientMessage(address, draft.subject, draft.body, identity))
    except DeliveryUnknown as error:
        return End.UNCERTAIN, str(error)
    except ContinuityError as error:
        if todo is Action.SEND:  # what somebody else may have sent before stays claimed
            box.give_back(draft.phase, address)
        return End.FAILED, f"{'relais : ' if isinstance(error, Unreachable) else ''}{error}"
    box.prove(draft.phase, address, sent, now())
    return End.SENT, ""


def _published(incident: Incident, prepared: Prepared, note: StepNote) -> list[str]:
    """Add each phase that is told to the status page; return what went wrong."""
    reference = incident.estate.declared.client_news.status_page
    if not reference:
        return []
    agency = incident.estate.declared.client_news.agency
    try:
        page = load(reference, StatusPage)
        reached = news(client_views(incident.estate), prepared.facts)
        updates = [
            status_update(phase, prepared.facts, reached, page.language, now())
            for phase in Phase
            if any(each.phase is phase for each in prepared.told)
        ]
        added = sum(
            page.publish(update, lambda found: status_html(found, agency, page.language))
            for update in updates
        )
    except ContinuityError as error:
        return [f"page d'état : {error}"]
    note.data["published"] = [update.key for update in updates]
    said = "page d'état " + ("à jour" if added else "déjà à jour")
    note.did = " ; ".join(part for part in (note.did, said) if part)
    return []


def _page_is_automatic(incident: Incident) -> bool:
    reference = incident.estate.declared.client_news.status_page
    return bool(reference) and load(reference, StatusPage).first_message is FirstMessage.AUTOMATIC


def _phase_now(incident: Incident, views: tuple[ClientView, ...]) -> str:
    """Return the phase that the incident is in, as the step's name tells it."""
    done = {each.step for each in incident.records if each.state == "done"}
    names = {f"visitors-{site.name}" for view in views for site in view.sites}
    if names & done:
        return Phase.BACK
    return Phase.RECOVERING if "approve" in done else Phase.DETECTED


def _lost(delivery: Delivery) -> bool:
    return delivery.why.startswith("relais : ")


def _problems(done: list[Delivery]) -> list[str]:
    """Say what is not sent, without naming a recipient: the team's channel has no need of it."""
    found = [each for each in done if each.end in (End.FAILED, End.UNCERTAIN)]
    said = {(each.client, each.end, each.why): each for each in found}.values()
    words = {End.FAILED: "pas envoyé", End.UNCERTAIN: "envoi incertain"}
    return [
        f"{each.client} : {words[each.end]}{f' ({each.why})' if each.why else ''}" for each in said
    ]


def _require(incident: Incident, problems: list[str]) -> None:
    if problems:
        raise ProviderError(
            f"messages aux clients de {incident.id}",
            " ; ".join(problems),
            f"continuity clients show {incident.id}, puis continuity clients send {incident.id}",
        )
