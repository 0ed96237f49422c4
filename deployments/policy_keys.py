"""Which keys of an estate have business in a repository's bucket, and what for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from blocks.errors import ConfigurationError
from blocks.repositories.policies import (
    ArchivePlace,
    KeyPurpose,
    RepositoryPlace,
    Right,
    rights,
)
from blocks.repositories.profiles import PROFILES, Profile
from deployments.block_forms import NamedBlockForm
from deployments.estate import Estate

_KEYS = {
    "repositories": {
        KeyPurpose.SERVER: "server_access_key",
        KeyPurpose.PRUNE: "prune_access_key",
    },
    "archives": {
        KeyPurpose.ARCHIVE: "agent_access_key",
        KeyPurpose.PRUNE: "prune_access_key",
    },
}


@dataclass(frozen=True, slots=True)
class BucketKey:
    """One key with business in the bucket.

    Attributes:
        access_key: Its id, which is no secret.
        purposes: What it is for; one key may serve for several.
        used_by: The repositories and archives that name it.
    """

    access_key: str
    purposes: tuple[KeyPurpose, ...]
    used_by: tuple[str, ...]
    rights: tuple[Right, ...]


@dataclass(frozen=True, slots=True)
class BucketKeys:
    """All keys of one bucket (and of the state bucket beside it) at one provider."""

    name: str
    provider: Profile
    buckets: tuple[str, ...]
    keys: tuple[BucketKey, ...]


def keys_of(estate: Estate, name: str) -> BucketKeys:
    """Return the keys of the bucket that a repository (else an archive) of this name lies in.

    Whatever else lies in that bucket counts too: a bucket has one policy, and a key may have one.

    Raises:
        ConfigurationError: There is no such repository or archive; or its provider is not known.
    """
    forms = [("repositories", form) for form in estate.repositories]
    forms += [("archives", form) for form in estate.archives]
    chosen = next((form for _, form in forms if form.name == name), None)
    if chosen is None or getattr(chosen, "store", None) is None:
        known = ", ".join(dict.fromkeys(form.name for _, form in forms)) or "none"
        hint = f"name one of the estate file: {known}"
        raise ConfigurationError(f"repository {name}", "the estate file has none", hint)
    beside = [(kind, form) for kind, form in forms if _bucket(form) == _bucket(chosen)]
    uses = [use for kind, form in beside for use in _uses(estate, kind, form)]
    keys = tuple(_key(access_key, uses) for access_key in dict.fromkeys(use[0] for use in uses))
    buckets = dict.fromkeys(right.bucket for key in keys for right in key.rights)
    return BucketKeys(name, _provider(chosen), tuple(buckets), keys)


_Use = tuple[str, KeyPurpose, str, tuple[Right, ...]]


def _uses(estate: Estate, kind: str, form: NamedBlockForm) -> Iterator[_Use]:
    store: object = getattr(form, "store", None)
    own = str(getattr(store, "access_key", ""))
    place = _place(estate, kind, form)
    for purpose in KeyPurpose:
        field = _KEYS[kind].get(purpose)
        key = str(getattr(form, field, "") or "") if field else own
        # The worker's own key retains where no other is named, but only in repositories.
        if not key and purpose is KeyPurpose.PRUNE and kind == "repositories":
            key = own
        granted = rights(purpose, place)
        if key and granted:
            yield key, purpose, f"{kind}/{form.name}", granted


def _place(estate: Estate, kind: str, form: NamedBlockForm) -> RepositoryPlace | ArchivePlace:
    store: object = getattr(form, "store", None)
    prefix = str(getattr(store, "prefix", "") or "").strip("/")
    bucket = str(getattr(store, "bucket", ""))
    servers = tuple(sorted(_servers(estate, kind, form.name)))
    if kind == "archives":
        return ArchivePlace(bucket, servers, prefix)
    return RepositoryPlace(bucket, servers, prefix, str(getattr(form, "state_bucket", "") or ""))


def _servers(estate: Estate, kind: str, name: str) -> Iterator[str]:
    for server in estate.servers:
        used = (
            (server.archive, *server.archive_copies)
            if kind == "archives"
            else (server.repository, *server.copies)
        )
        if name in used:
            yield server.name


def _key(access_key: str, uses: Iterable[_Use]) -> BucketKey:
    mine = [use for use in uses if use[0] == access_key]
    return BucketKey(
        access_key,
        tuple(dict.fromkeys(use[1] for use in mine)),
        tuple(dict.fromkeys(use[2] for use in mine)),
        tuple(dict.fromkeys(right for use in mine for right in use[3])),
    )


def _bucket(form: NamedBlockForm) -> tuple[str, str, str]:
    store: object = getattr(form, "store", None)
    said: Mapping[str, str] = {
        field: str(getattr(store, field, "") or "") for field in ("endpoint", "region", "bucket")
    }
    # Amazon's service is found by the region alone, others by the address alone.
    where = said["endpoint"].rstrip("/") or said["region"]
    return where, said["bucket"], "" if store is not None else form.name


def _provider(form: NamedBlockForm) -> Profile:
    store: object = getattr(form, "store", None)
    profile = getattr(store, "profile", None)
    if profile is not None:
        return Profile(profile)
    endpoint = str(getattr(store, "endpoint", "") or "")
    if not endpoint:
        return Profile.AWS
    host = urlsplit(endpoint).hostname or ""
    for name, known in PROFILES.items():
        if known.host and re.fullmatch(known.host, host):
            return name
    raise ConfigurationError(
        f"repository {form.name}",
        f"the provider behind {host} is not known",
        "add to its store: profile: " + ", ".join(Profile),
    )
