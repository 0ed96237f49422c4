"""What was promised for a site, what was measured of it, and when it was last proven (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flows.decisions.aftermath import LOSS_WITH_ARCHIVE, LOSS_WITHOUT, PROMISED
from flows.decisions.readiness import Check
from flows.decisions.recovery_plan import SiteSpec
from flows.reports.wording import PARIS, duration

TITLES = ("RTO mesuré / promis", "RPO mesuré / promis", "Dernière preuve")


def measured(spec: SiteSpec, checks: Sequence[Check], *, archived: bool) -> dict[str, object]:
    """Return a site's figures as JSON values, times in seconds.

    What was measured is its server's: how long the last drill took until its last site was back,
    and what would be lost now.
    """
    by_name = {each.about: each for each in checks if not each.site}
    loss = by_name.get("archive" if archived else "dernier jeu")
    proof = by_name.get("preuve")
    promised = LOSS_WITH_ARCHIVE if archived else LOSS_WITHOUT
    return {
        "rto_promised_seconds": PROMISED[spec.tier].total_seconds(),
        "rto_measured_seconds": _seconds(by_name.get("exercice")),
        "rpo_promised_seconds": promised.total_seconds(),
        "rpo_measured_seconds": _seconds(loss),
        "proven_at": proof.at.isoformat() if proof and proof.at else None,
    }


def figures(site: Mapping[str, object]) -> tuple[tuple[str, bool], ...]:
    """Return the texts under `TITLES`, each with whether it is as promised.

    What was never measured is not.
    """
    return (
        _compared(site["rto_measured_seconds"], site["rto_promised_seconds"]),
        _compared(site["rpo_measured_seconds"], site["rpo_promised_seconds"]),
        _day(site["proven_at"]),
    )


def _compared(found: object, promised: object) -> tuple[str, bool]:
    limit = float(str(promised))
    said = f"{limit / 3600:.0f} h" if limit >= 3600 else f"{limit:.0f} s"
    if found is None:
        return f"jamais / {said}", False
    took = float(str(found))
    return f"{duration(timedelta(seconds=took))} / {said}", took <= limit


def _day(at: object) -> tuple[str, bool]:
    if at is None:
        return "jamais", False
    return f"{datetime.fromisoformat(str(at)).astimezone(PARIS):%d/%m/%Y %H:%M}", True


def _seconds(check: Check | None) -> float | None:
    return check.span.total_seconds() if check and check.span is not None else None
