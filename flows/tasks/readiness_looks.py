"""Look at everything that a recovery of one server would need; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from blocks.errors import ContinuityError
from flows.decisions.archive_state import LIMIT
from flows.decisions.readiness import (
    Check,
    Practised,
    judge_archive_lag,
    judge_drill,
    judge_newest_set,
    judge_proof,
    judge_rule,
)
from flows.decisions.readiness_access import judge_refusal
from flows.decisions.readiness_proof import judge_site_proofs
from flows.decisions.recovery_plan import Purpose
from flows.decisions.verdict import Verdict
from flows.reports.readiness_text import readiness_document
from flows.tasks.archive_watch_steps import look
from flows.tasks.ending import reports
from flows.tasks.harmless import side_by_side
from flows.tasks.incident import Estate, now
from flows.tasks.kit import kit_check
from flows.tasks.look import site_spec
from flows.tasks.protection import protection_of
from flows.tasks.readiness_access import access
from flows.tasks.readiness_machines import machines
from flows.tasks.readiness_scene import Looks, Scene, scene_of
from flows.tasks.readiness_sites import sites
from flows.tasks.site_proofs import site_standings
from flows.tasks.standing import standings
from flows.tasks.work import work


@work("readiness", retries=0)
def readiness_of(estate: Estate, *, subject: str) -> dict[str, object]:
    """Return what is known of a server's readiness; see `readiness_document`."""
    checks = look_at_readiness(estate)
    specs = [site_spec(each, estate) for each in estate.sites]
    return readiness_document(subject, now(), specs, checks, archived=estate.archive is not None)


def look_at_readiness(estate: Estate) -> tuple[Check, ...]:
    """Return all checks of a server and of its sites, in the order of the table."""
    scene = scene_of(estate)
    looks = [*_backups(scene), *machines(scene), *access(scene), *sites(scene)]
    seen = side_by_side([partial(_seen, about, act) for about, act in looks])
    return tuple(check for each in seen for check in each)


def _seen(about: str, act: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    """Look; what is refused or cannot be looked at keeps nothing else from being seen."""
    try:
        return act()
    except ContinuityError as error:
        return (judge_refusal(about, error),)


def _backups(scene: Scene) -> Looks:
    estate, copies = scene.estate, scene.copies

    def known() -> Sequence[Check]:
        seen = standings(estate, copies)
        return judge_newest_set(estate.name, seen), judge_proof(estate.name, seen)

    def archive() -> Sequence[Check]:
        state = look.fn(estate, LIMIT) if estate.archive else None
        return (judge_archive_lag(state),)

    def proofs() -> Sequence[Check]:
        return judge_site_proofs(estate.name, site_standings(estate, copies))

    return [
        ("jeux", known),
        ("archive", archive),
        ("règle 3-2-1-1-0", lambda: [judge_rule(estate.name, protection_of(estate, copies))]),
        ("exercice", lambda: [judge_drill(estate.name, last_drill(estate), now())]),
        ("preuve des sites", proofs),
        ("trousse", lambda: [kit_check(estate)]),
    ]


def last_drill(estate: Estate) -> Practised | None:
    """Return the last drill of this server that brought everything back, None if none ever did."""
    found = reports(estate, Purpose.DRILL).values()
    proven = [each for each in found if each["verdict"] == Verdict.RECOVERED]
    if not proven:
        return None
    took = proven[-1]["rto_seconds"]
    span = timedelta(seconds=took) if isinstance(took, int | float) else None
    return Practised(datetime.fromisoformat(str(proven[-1]["down_since"])), span)
