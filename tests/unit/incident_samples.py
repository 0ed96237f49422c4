"""A recovery as a journal tells it: a wait for approval, a kill, a failure, two sites."""

from __future__ import annotations

from datetime import date, timedelta

from blocks.records import StepRecord, StepState
from blocks.types import Tier
from flows.decisions.aftermath import Action, Aftermath, judge_breach, judge_promise
from flows.decisions.cost import PriceList
from flows.decisions.incident_cost import Prices, Used, spent
from flows.decisions.timeline import Mark, Passage, build_timeline, waited
from tests.unit.samples import NOON

DOWN = NOON - timedelta(minutes=6)
WAITED = timedelta(minutes=25)
BACK = NOON + WAITED + timedelta(seconds=130)


def at(seconds: float) -> timedelta:
    return WAITED + timedelta(seconds=seconds)


class _Journal:
    def __init__(self) -> None:
        self.records: list[StepRecord] = []

    def add(
        self, step: str, begin: timedelta, seconds: float | None, state: StepState, why: str = ""
    ) -> None:
        started = NOON + begin
        for each in (StepState.STARTED, state) if state is not StepState.STARTED else (state,):
            ended = None if each is StepState.STARTED else started + timedelta(seconds=seconds or 0)
            self.records.append(
                StepRecord("inc-1", len(self.records) + 1, step, each, started, ended, why=why)
            )


def journal() -> tuple[StepRecord, ...]:
    done, failed = StepState.DONE, StepState.FAILED
    made = _Journal()
    for step, begin, seconds in (("observe", 0.0, 3.0), ("plan", 3.0, 0.4)):
        made.add(step, timedelta(seconds=begin), seconds, done)
    made.add("approve", timedelta(seconds=4), None, StepState.STARTED)
    for step, begin, spent_, state, why in (
        ("observe", 0, 3, done, ""), ("approve", 3, 0.2, done, ""), ("lease", 3.3, 0.2, done, ""),
        ("fence", 4, 2, done, ""), ("machine", 6, 24, done, ""), ("connect", 30, 3, done, ""),
        ("packages", 34, 41, failed, "dépôt Debian : 503. Next: try again"),
        ("packages", 76, 14, done, ""), ("files-boutique", 34, 30, done, ""),
        ("files-vitrine", 34, 12, done, ""), ("configuration", 90, 4, done, ""),
        ("database", 94, 15, done, ""), ("rows", 109, 3, done, ""), ("replay", 112, 6, done, ""),
        ("changes-boutique", 92, 4, done, ""), ("changes-vitrine", 91, 2, done, ""),
        ("web", 95, 6, done, ""), ("smoke-vitrine", 102, 1, done, ""),
        ("dns-vitrine", 103, 5, done, ""), ("visitors-vitrine", 108, 2, done, ""),
        ("smoke-boutique", 119, 2, done, ""), ("dns-boutique", 121, 6, done, ""),
        ("visitors-boutique", 127, 3, done, ""), ("verify", 131, 4, done, ""),
    ):  # fmt: skip
        made.add(step, at(begin), spent_, state, why)
    return tuple(made.records)


def facts(prices: PriceList, *, actions: tuple[Action, ...] = ()) -> Aftermath:
    """Return the aftermath of this journal, two hours later."""
    records = journal()
    passages = [
        Passage("vitrine", "La vitrine", NOON + at(110)), Passage("boutique", "La boutique", BACK)
    ]  # fmt: skip
    marks = (
        Mark(DOWN + timedelta(minutes=2), "UptimeRobot : boutique.atelier.test hors ligne"),
        Mark(BACK + timedelta(seconds=3), "message « rétabli » envoyé à 2 clients"),
    )
    timeline = build_timeline(records, DOWN, passages, marks)
    used = Used("hetzner-vps/main", "CX33", timedelta(minutes=95), 42_000_000_000, waited(timeline))
    hour = timedelta(hours=1)
    return Aftermath(
        report={
            "incident": "inc-1", "server": "web1", "verdict": "recovered",
            "summary": "web1 est rétabli : 2 sites sur 2 prouvés, le dernier au bout de 33 min.",
            "plan_digest": "0123456789ab", "approved_by": "Camille",
            "recovery_set": "web1-20260310T020000Z", "down_since": DOWN.isoformat(),
            "data_as_of": (DOWN - timedelta(seconds=14)).isoformat(), "rpo_seconds": 14.0,
            "problems": [], "to_check": ["PHP 8.2 à la place de 8.1"],
            "to_do": ["taper `continuity backup web1`"],
        },
        approval={"at": (NOON + at(3.2)).isoformat()},
        records=records,
        promises=[
            judge_promise("La vitrine", Tier.HOURS_48, NOON + at(110) - DOWN, 2 * hour),
            judge_promise("La boutique", Tier.HOUR_1, BACK - DOWN, 2 * hour),
        ],
        loss_limit=timedelta(seconds=60),
        breach=judge_breach(DOWN, records, BACK, DOWN - timedelta(seconds=14)),
        timeline=timeline,
        spent=spent(used, Prices(prices, NOON.date())),
        actions=actions,
        written_at=NOON + 2 * hour,
    )  # fmt: skip


ACTION = Action("Demander un second miroir Debian", "Camille", date(2026, 12, 15))
