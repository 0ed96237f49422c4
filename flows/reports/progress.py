"""The live message of an incident, made from its journal (French)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from blocks.records import Notice, StepRecord, StepState
from flows.decisions.abandoned import LAST_WORDS
from flows.decisions.verdict import Outcome, Verdict
from flows.reports.wording import PHASES, SITE_WORDS, VERDICTS, clock, counted, duration, step_title

MARKS = {
    StepState.STARTED: "▸",
    StepState.DONE: "✓",
    StepState.FAILED: "✗",
    StepState.SKIPPED: "–",
}
WORTH_TELLING = timedelta(seconds=5)


def live_notice(
    heading: str,
    records: Sequence[StepRecord],
    now: datetime,
    *,
    plan: str = "",
    outcome: Outcome | None = None,
    waiting: str = "",
    stopped: bool = False,
    ended: str = "",
) -> Notice:
    """Return the incident's message as it should read now.

    Args:
        heading: What this is about, such as "Reprise de web1".
        records: The journal so far, in order.
        now: When it starts, as long as there is no record.
        plan: The plan, once there is one: whole while it waits for approval, then one line.
        outcome: The end, once it is known.
        waiting: What a person is asked to do, if anything.
        stopped: Whether the run is over without an outcome.
        ended: How it ended well, if it has no outcome of a whole server.
    """
    failed = stopped or (outcome is not None and outcome.verdict is not Verdict.RECOVERED)
    started = records[0].started_at if records else now
    if outcome is not None:
        state = f"{VERDICTS[outcome.verdict]} en {duration(outcome.rto)}"
    elif ended:
        state = ended
    elif stopped:
        state = "arrêt avant la fin"
    elif waiting:
        state = waiting
    else:
        # Not how long: nothing may end for a minute, and a time that stands still looks stuck.
        state = f"en cours depuis {clock(started)}"
    *phases, last = _phases(records)
    body = [_end(outcome), plan, *phases, *_sites(records), last, *_failures(records)]
    return Notice(
        text=f"{heading} : {state}",
        body="\n".join(part for part in body if part),
        failed=failed,
        final=outcome is not None or bool(ended),
    )


def detail_notice(record: StepRecord) -> Notice:
    """Return one finished step as a reply in the incident's thread."""
    title = step_title(record.step)
    if record.state is StepState.FAILED:
        return Notice(text=f"✗ {title}", body=record.why, failed=True)
    spent = duration((record.ended_at or record.started_at) - record.started_at)
    body = " ; ".join(part for part in (record.saw, record.did, record.why) if part)
    return Notice(text=f"{MARKS[record.state]} {title} ({spent})", body=body)


def latest(records: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    """Return the newest record of each step, in the order in which the steps first began.

    How an earlier run of the incident ended is left out: a later one went on.
    """
    newest: dict[str, StepRecord] = {}
    for record in records:
        newest[record.step] = record
        if record is not records[-1]:
            newest.pop(LAST_WORDS, None)
    return tuple(newest.values())


def grouped_notice(details: Sequence[Notice]) -> Notice:
    """Return several steps that ended since the last reply as one reply."""
    if len(details) == 1:
        return details[0]
    failed = any(each.failed for each in details)
    body = "\n".join(f"*{each.text}*\n{each.body}".rstrip() for each in details)
    return Notice(counted(len(details), "étape terminée", "étapes terminées"), body, failed)


def _phases(records: Sequence[StepRecord]) -> list[str]:
    """Return a line for each phase of the server, "" for one that has not begun."""
    newest = {record.step: record for record in latest(records)}
    lines = []
    for phase, steps in PHASES.items():
        said = [_mark(newest[step], step_title(step)) for step in steps if step in newest]
        lines.append(f"*{phase}* : {' · '.join(said)}" if said else "")
    return lines


def _sites(records: Sequence[StepRecord]) -> list[str]:
    """Return a line for each site that has begun to come back."""
    sites: dict[str, list[str]] = {}
    for record in latest(records):
        step, _, site = record.step.partition("-")
        if site and step in SITE_WORDS:
            sites.setdefault(site, []).append(_mark(record, SITE_WORDS[step]))
    return [f"*{site}* : {' · '.join(said)}" for site, said in sites.items()]


def _failures(records: Sequence[StepRecord]) -> list[str]:
    return [
        f"✗ *{step_title(record.step)}* : {record.why}"
        for record in latest(records)
        if record.state is StepState.FAILED
    ]


def _mark(record: StepRecord, words: str) -> str:
    """Return one step in a few words, with its time when it took long enough to wonder."""
    spent = record.ended_at - record.started_at if record.ended_at else timedelta()
    took = f" ({duration(spent)})" if spent >= WORTH_TELLING else ""
    return f"{MARKS[record.state]}\u00a0{words}{took}"


def _end(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    lines = [
        f"*Données perdues : {_lost(outcome)}*",
        *(
            f"{'✓' if site.proven else '✗'} *{site.title}* : {site.observed}"
            for site in outcome.sites
        ),
        *(f"✗ {problem}" for problem in outcome.problems),
        *(f"*À faire ({number})* : {each}" for number, each in enumerate(outcome.to_do, 1)),
        *(f"À vérifier : {each}" for each in outcome.to_check),
    ]
    return "\n".join(lines)


def _lost(outcome: Outcome) -> str:
    return duration(outcome.rpo) if outcome.rpo is not None else "inconnues, non prouvées"
