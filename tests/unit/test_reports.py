"""What people read: the live message, its thread, the plan and the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from blocks.records import StepRecord, StepState
from blocks.types import Machine, PowerState
from flows.decisions.recovery_decision import decide_recovery
from flows.decisions.recovery_plan import Purpose, RecoveryPlan
from flows.decisions.verdict import Outcome, SiteOutcome, conclude
from flows.reports.after_recovery import steps_after
from flows.reports.outcome_html import outcome_html
from flows.reports.outcome_report import outcome_document, outcome_markdown, outcome_sentence
from flows.reports.plan_text import plan_line, plan_markdown, plan_notice
from flows.reports.progress import detail_notice, grouped_notice, live_notice
from flows.reports.wording import answering_text, counted, seconds, step_title
from tests.unit.samples import NOON, OLD, observation

LATER = NOON + timedelta(minutes=2)
PLAN = decide_recovery(observation(answering=(22, 80)), "inc-1", Purpose.RECOVERY)


def record(
    number: int, step: str, state: StepState = StepState.DONE, seconds: float = 1, **said: str
) -> StepRecord:
    started = NOON + timedelta(seconds=number)
    ended = None if state is StepState.STARTED else started + timedelta(seconds=seconds)
    return StepRecord(
        incident="inc-1",
        sequence=number,
        step=step,
        state=state,
        started_at=started,
        ended_at=ended,
        saw=said.get("saw", ""),
        did=said.get("did", ""),
        why=said.get("why", ""),
        data={},
    )


RECORDS = (
    record(1, "observe"),
    record(2, "packages", seconds=41),
    record(3, "files-boutique"),
    record(4, "smoke-boutique", StepState.FAILED, why="site boutique: HTTP 502. Next: look"),
    record(5, "files-vitrine"),
    record(6, "dns-vitrine", StepState.STARTED),
)


def outcome(*, proven: bool = False, restored: datetime | None = NOON) -> Outcome:
    sites = [
        SiteOutcome("vitrine", "Vitrine", True, "1 page conforme en 0,01 s", LATER),
        SiteOutcome("boutique", "Boutique", proven, "HTTP 502", LATER if proven else None),
    ]
    return conclude("inc-1", "web1", sites, NOON + timedelta(seconds=20), restored)


def test_the_live_message_has_a_line_a_site_and_its_failures_in_full() -> None:
    body = live_notice("Reprise de web1", RECORDS, LATER).body.replace("\u00a0", " ").splitlines()
    assert "*boutique* : ✓ fichiers · ✗ pages" in body
    assert "*vitrine* : ✓ fichiers · ▸ DNS" in body
    assert "*Machine* : ✓ Paquets (41 s)" in body
    assert any("HTTP 502. Next: look" in line for line in body)
    assert len(body) == 5


def test_the_message_says_since_when_and_nothing_that_grows_old() -> None:
    early, late = (live_notice("Reprise de web1", RECORDS, at) for at in (NOON, LATER))
    assert early == late
    assert "en cours depuis 13:00:01" in early.text


def test_a_run_that_is_over_does_not_wait_any_more() -> None:
    waits = (*RECORDS, record(7, "end", StepState.FAILED, why="annulé dans Prefect"))
    notice = live_notice("Reprise de web1", waits, LATER, waiting="accord attendu", stopped=True)
    assert notice.failed
    assert notice.text == "Reprise de web1 : arrêt avant la fin"
    assert "✗ *Fin* : annulé dans Prefect" in notice.body
    again = live_notice("Reprise de web1", (*waits, record(8, "observe")), LATER)
    assert "annulé" not in again.body


def test_the_end_stands_before_everything_else() -> None:
    notice = live_notice("Reprise de web1", RECORDS, LATER, plan="Plan", outcome=outcome())
    assert notice.failed
    assert notice.final
    assert "partiellement rétabli" in notice.text
    assert notice.body.splitlines()[0] == "*Données perdues : 20 s*"
    assert notice.body.index("Boutique") < notice.body.index("Plan")


def test_loss_that_is_not_proven_is_not_called_zero() -> None:
    notice = live_notice("Reprise de web1", RECORDS, LATER, outcome=outcome(restored=None))
    assert "inconnues" in notice.body


def test_one_step_is_a_reply_of_its_own_and_several_are_one_reply() -> None:
    one, two = detail_notice(RECORDS[0]), detail_notice(RECORDS[3])
    assert grouped_notice([one]) == one
    both = grouped_notice([one, two])
    assert both.failed
    assert "Constat" in both.body
    assert "HTTP 502" in both.body


def test_who_is_asked_sees_every_dns_change_and_how_to_approve() -> None:
    text = plan_notice(PLAN, "http://prefect/run")
    assert f"`boutique.atelier.test` A {OLD} →" in text
    assert "continuity approve inc-1" in text
    assert "http://prefect/run" in text
    assert "répond encore" in text


def test_once_approved_the_plan_takes_one_line() -> None:
    assert "\n" not in plan_line(PLAN, "http://prefect/run")


def test_warnings_come_first_on_the_plan() -> None:
    page = plan_markdown(PLAN, LATER)
    assert page.index("l'ancien serveur répond encore (port 22, 80)") < page.index("Rang")


def test_the_report_says_in_french_what_is_missing() -> None:
    said = outcome_sentence(outcome())
    assert said.startswith("web1 est partiellement rétabli : 1 site sur 2 prouvé")
    assert "à reprendre : boutique" in said
    page = outcome_markdown(outcome_document(outcome(), PLAN, RECORDS, "Anne"))
    assert said in page
    assert "| Contrôle des pages : boutique | ÉCHEC |" in page
    assert "| Paquets | fait | 41 s |" in page


MACHINE = Machine(
    id="dr-inc-1",
    name="dr-inc-1",
    provider="nspawn-vps/secours",
    address="10.89.0.100",
    power=PowerState.ON,
    tags={},
    host_key="ssh-ed25519 AAAAnew",
    created_at=NOON,
)


def after(ended: Outcome, declared: str = OLD, *, plan: RecoveryPlan = PLAN) -> Outcome:
    return replace(ended, to_do=steps_after(ended, plan, MACHINE, declared, archive=True))


def test_who_recovered_reads_what_to_type_in_the_report_and_in_slack() -> None:
    ended = after(outcome(proven=True))
    page = outcome_markdown(outcome_document(ended, PLAN, RECORDS, "Anne"))
    steps = page[page.index("## À faire") : page.index("## Étapes")].splitlines()[2:5]
    assert steps == [
        "1. taper `continuity estate adopt web1` : le fichier du parc nomme alors la nouvelle "
        "machine (à la main : serveur `web1`, `address: 10.89.0.100` à la place de "
        f"`{OLD}`, sous `ssh` `host_key: ssh-ed25519 AAAAnew`, et "
        "`origin: {provider: secours, machine: dr-inc-1}`)",
        "1. taper `continuity estate apply`",
        "1. taper `continuity backup web1` : jusque-là la nouvelle machine n'a aucun jeu, chaque "
        f"sauvegarde cherche `{OLD}` et l'archive continue ne fait suite à aucun jeu",
    ]
    body = live_notice("Reprise de web1", RECORDS, LATER, outcome=ended).body
    assert "*À faire (1)* : taper `continuity estate adopt web1`" in body
    assert "*À faire (3)* : taper `continuity backup web1`" in body
    html = outcome_html(outcome_document(ended, PLAN, RECORDS, "Anne"), {})
    assert "<h2>À faire</h2>" in html
    assert "<li>taper <code>continuity estate apply</code></li>" in html
    assert "`" not in html
    assert "continuity estate apply" in html


def test_a_recovery_is_ended_before_the_estate_is_changed() -> None:
    first, *rest = after(outcome(proven=False)).to_do
    assert "`continuity recover web1 --incident inc-1`" in first
    assert len(rest) == 3


def test_there_is_nothing_to_type_after_a_drill_or_when_it_is_done() -> None:
    assert after(outcome(proven=True), MACHINE.address).to_do == ()
    drilled = decide_recovery(observation(), "inc-1", Purpose.DRILL)
    assert after(outcome(proven=True), plan=drilled).to_do == ()
    nothing = conclude("inc-1", "web1", [SiteOutcome("a", "A", False, "HTTP 502")], NOON, None)
    assert after(nothing).to_do == ()


def test_the_page_escapes_what_servers_say() -> None:
    said = (*RECORDS, record(9, "web", did="<script>alert(1)</script>"))
    page = outcome_html(outcome_document(outcome(proven=True), PLAN, said, "Anne"), {})
    assert "<script>" not in page
    assert "web1 est rétabli" in page


def test_numbers_read_as_french_does() -> None:
    assert counted(0, "page") == "0 page"
    assert counted(1096, "fichier") == "1\u202f096 fichiers"
    assert counted(2, "jeu", "jeux") == "2 jeux"
    assert (seconds(0.083), seconds(0.0004)) == ("0,08 s", "moins de 0,01 s")
    assert answering_text(()) == "ne répond plus"
    assert answering_text((22,)) == "répond encore (port 22)"
    assert step_title("dns-boutique") == "Bascule DNS : boutique"
