"""Check what the estate says of its buckets against what their providers are known to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from blocks.repositories.profiles import PROFILES, Profile, ProviderProfile
from blocks.servers.protected import Retention
from deployments.block_forms import NamedBlockForm
from deployments.estate import Estate
from deployments.estate_mistakes import Finding

Place = tuple[str | int, ...]


def check_storage(estate: Estate) -> Iterator[Finding]:
    """Yield what cannot work at a repository's provider, and what costs for nothing."""
    for index, form in enumerate(estate.repositories):
        store = getattr(form, "store", None)
        if store is None:
            continue
        path: Place = ("repositories", index)
        if not getattr(form, "prune_access_key", ""):
            yield _no_prune_key(path, form)
        profile = getattr(store, "profile", None)
        if profile is None:
            yield from _guessed(path, form)
        else:
            yield from _against(path, form, PROFILES[Profile(profile)])
            yield from _keys_and_leases(path, form, PROFILES[Profile(profile)], estate)
            yield from _minimum(path, form, PROFILES[Profile(profile)], estate)


def _host(form: NamedBlockForm) -> str:
    store: object = getattr(form, "store", None)
    return urlsplit(str(getattr(store, "endpoint", "") or "")).hostname or ""


def _no_prune_key(path: Place, form: NamedBlockForm) -> Finding:
    text = f"repository '{form.name}': no pruning key of its own"
    hint = "give prune_access_key: a key that may hide objects and lengthen locks, nothing else"
    return Finding(path, text, hint, warning=True)


def _guessed(path: Place, form: NamedBlockForm) -> Iterator[Finding]:
    for name, known in PROFILES.items():
        if known.host and re.fullmatch(known.host, _host(form)):
            text = f"repository '{form.name}': looks like {known.title}, and names no profile"
            hint = f"add to its store: profile: {name}"
            yield Finding((*path, "store"), text, hint, warning=True)


def _against(path: Place, form: NamedBlockForm, known: ProviderProfile) -> Iterator[Finding]:
    what, host = f"repository '{form.name}'", _host(form)
    store: object = getattr(form, "store", None)
    place: Place = (*path, "store")
    aws = known is PROFILES[Profile.AWS]
    if known.host and not re.fullmatch(known.host, host) and (host or not aws):
        text = f"{what}: {host or 'no endpoint'} is no endpoint of {known.title}"
        hint = "correct endpoint, or name the right profile: " + ", ".join(Profile)
        yield Finding((*place, "endpoint"), text, hint)
    if getattr(store, "path_style", True) and not known.path_style:
        text = f"{what}: {known.title} wants the bucket's name in the host"
        yield Finding((*place, "path_style"), text, "write path_style: false")
    if (
        known.conditional
        and known.conditional_in_versioned is False
        and not getattr(form, "state_bucket", "")
    ):
        text = f"{what}: in a versioned bucket of {known.title} conditional writes do not hold"
        hint = "give state_bucket: a second bucket without versioning, for journal and leases"
        yield Finding(path, text, hint)


def _keys_and_leases(
    path: Place, form: NamedBlockForm, known: ProviderProfile, estate: Estate
) -> Iterator[Finding]:
    """Tell what no setting of the bucket can make good."""
    if known.conditional is False and form.name in {s.repository for s in estate.servers}:
        text = f"repository '{form.name}': {known.title} has no conditional writes,"
        text += " so journal and leases cannot be there"
        hint = "name it in the servers' `copies`, and one of another provider in `repository`"
        yield Finding((*path, "store", "profile"), text, hint)
    if not known.confines_keys:
        text = f"repository '{form.name}': at {known.title} each key of a project may do everything"
        hint = "keep it for a second copy: a thief on a server can hide all that is there"
        yield Finding((*path, "store", "profile"), text, hint, warning=True)


def _minimum(
    path: Place, form: NamedBlockForm, known: ProviderProfile, estate: Estate
) -> Iterator[Finding]:
    """Tell of backups that are paid for longer than they are kept."""
    kept = [_kept(s.retention) for s in estate.servers if s.repository == form.name]
    shortest = min(kept, default=None)
    if shortest is not None and shortest < timedelta(days=known.minimum_days):
        text = f"repository '{form.name}': {known.title} bills every object for"
        text += f" {known.minimum_days} days, the retention keeps {shortest.days}"
        hint = "a longer retention (monthly) costs nothing more there"
        yield Finding((*path, "store", "profile"), text, hint, warning=True)


def _kept(rule: Retention) -> timedelta:
    return timedelta(days=max(rule.last, rule.daily, 7 * rule.weekly, 30 * rule.monthly))
