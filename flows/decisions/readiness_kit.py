"""Decide whether the emergency kit holds what a recovery from an empty machine needs today."""

from __future__ import annotations

from datetime import datetime, timedelta

from blocks.types.kits import SealedKit
from flows.decisions.readiness import Check, State
from flows.reports.wording import duration, moment

ABOUT = "trousse"
KIT_WITHIN = timedelta(days=100)
"""A quarter, and some days for one that was put off: with each drill, a new kit."""
_SEAL = "continuity kit seal --to FICHIER --recipient CLÉ"


def judge_kit(kit: SealedKit | None, fingerprint: str, now: datetime) -> Check:
    """Say whether the kit is there, proven, young enough, and made of what is used today.

    Never worse than a warning: as long as this machine lives, a recovery does not need the kit.
    """
    if kit is None:
        seen = "jamais scellée : sans cette machine, ni programme ni secrets"
        return Check(ABOUT, State.WARNING, seen, _SEAL)
    age = now - kit.sealed_at
    seen = f"scellée le {moment(kit.sealed_at)}, il y a {duration(age)}"
    if kit.fingerprint != fingerprint:
        changed = f"{seen} ; le parc ou un secret a changé depuis"
        return Check(ABOUT, State.WARNING, changed, _SEAL)
    if not kit.opened:
        unproven = f"{seen} ; jamais ouverte depuis"
        return Check(ABOUT, State.WARNING, unproven, f"{_SEAL} --check CLÉ_PRIVÉE")
    if age > KIT_WITHIN:
        return Check(ABOUT, State.WARNING, seen, _SEAL)
    return Check(ABOUT, State.READY, seen)
