"""What an API's answer stands for when nothing more is known of it."""

from __future__ import annotations

from blocks.errors import (
    AlreadyExists,
    AuthenticationFailed,
    ContinuityError,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
)

UNREADABLE = (TypeError, KeyError, AttributeError, ValueError)
"""What a provider's client raises when an answer has another shape than it was written for."""


def kind_of(status: int) -> type[ContinuityError]:
    """Return the error that an HTTP status stands for when nothing more is known."""
    if status >= 500:
        return Unavailable
    kinds: dict[int, type[ContinuityError]] = {
        401: AuthenticationFailed,
        403: PermissionDenied,
        404: NotFound,
        408: DeadlineExceeded,
        409: AlreadyExists,
        429: RateLimited,
    }
    return kinds.get(status, ProviderError)
