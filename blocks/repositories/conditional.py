"""Find out whether a store really refuses conditional writes: leases stand on it."""

from __future__ import annotations

from contextlib import suppress

from blocks.errors import AlreadyExists, ConfigurationError
from blocks.repositories.base import ObjectStore


def require_conditional_writes(state: ObjectStore, name: str) -> None:
    """Try both kinds of conditional write on an object of our own.

    Some stores ignore the condition (rclone; Ceph 16 in a versioned bucket), others never see it
    fulfilled. Either would let two runs work on one server, or none.

    Raises:
        ConfigurationError: The store does one or the other.
    """
    key = f"probes/{name}.json"
    if not state.has_conditions():
        raise ConfigurationError(
            f"object {key}",
            "this provider has no conditional writes at all, so no lease can be held there",
            "name this repository in `copies` alone, and one of another provider in `repository`",
        )
    etag = state.put(key, b"{}")
    with suppress(AlreadyExists):
        state.put_if_absent(key, b"[]")
        raise _refused(key, "a second writer was let through (If-None-Match)")
    with suppress(AlreadyExists):
        state.put_if_match(key, b"[]", "0" * 32)
        raise _refused(key, "a writer with an old version was let through (If-Match)")
    try:
        state.put_if_match(key, b"[]", etag)
    except AlreadyExists as error:
        raise _refused(key, "no writer is ever let through (If-Match)") from error


def _refused(key: str, cause: str) -> ConfigurationError:
    return ConfigurationError(
        f"object {key}",
        f"conditional writes do not hold in this bucket: {cause}",
        "set `state_bucket` in the repository's block to a bucket without versioning",
    )
