"""The live message of an incident, made from its journal (French)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blocks.types import Notice, StepRecord, StepState
from flows.decisions.verdict import Outcome, Verdict
from flows.reports.wording import duration, step_title

MARKS = {
    StepState.STARTED: "▸",
    StepState.DONE: "✓",
    StepState.FAILED: "✗",
    StepState.SKIPPED: "–",
}
VERDICTS = {
    Verdict.RECOVERED: "rétabli",
    Verdict.PARTLY: "partiellement rétabli",
    Verdict.FAILED: "non rétabli",
}


def live_notice(
    heading: str,
    records: Sequence[StepRecord],
    now: datetime,
    *,
    plan: str = "",
    outcome: Outcome | None = None,
    waiting: str = "",
) -> Notice:
    """Return the incident's message as it should read now.

    Args:
        heading: What this is about, such as "Reprise de web1".
        records: The journal so far, in order.
        now: For the time since the start.
        plan: The plan in a few lines, once there is one.
        outcome: The end, once it is known.
        waiting: What a person is asked to do, if anything.
    """
    failed = outcome is not None and outcome.verdict is not Verdict.RECOVERED
    started = records[0].started_at if records else now
    if outcome is not None:
        state = f"{VERDICTS[outcome.verdict]} en {duration(outcome.rto)}"
    elif waiting:
        state = waiting
    else:
        state = f"en cours depuis {duration(now - started)}"
    body = [part for part in (plan, *_steps(records), _end(outcome)) if part]
    return Notice(
        text=f"{heading} : {state}",
        body="\n".join(body),
        failed=failed,
        final=outcome is not None,
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
    """Return the newest record of each step, in the order in which the steps first began."""
    newest: dict[str, StepRecord] = {}
    for record in records:
        newest[record.step] = record
    return tuple(newest.values())


def _steps(records: Sequence[StepRecord]) -> list[str]:
    lines = []
    for record in latest(records):
        line = f"{MARKS[record.state]} {step_title(record.step)}"
        if record.ended_at is not None:
            line += f" ({duration(record.ended_at - record.started_at)})"
        if record.state is StepState.FAILED:
            line += f" : {record.why}"
        lines.append(line)
    return lines


def _end(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    lines = [
        f"*Données perdues : {duration(outcome.rpo)}*",
        *(
            f"{'✓' if site.proven else '✗'} *{site.title}* : {site.observed}"
            for site in outcome.sites
        ),
        *(f"✗ {problem}" for problem in outcome.problems),
    ]
    return "\n".join(lines)
