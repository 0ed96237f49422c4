"""The one tree of errors: each names its subject, the cause, and what to type or check next."""

from __future__ import annotations


class ContinuityError(Exception):
    """Say what failed, on what, why, and what to do next.

    All three parts are plain text without secrets: they end in logs, Prefect's database and Slack.
    Errors survive pickling, because Prefect stores them.
    """

    transient = False
    """Whether the same call may succeed in a moment; tasks retry only then."""

    def __init__(self, subject: str, cause: str, hint: str) -> None:
        super().__init__(subject, cause, hint)
        self.subject = subject
        self.cause = cause
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.subject}: {self.cause.rstrip('.')}. Next: {self.hint}"


class ConfigurationError(ContinuityError):
    """A block, the estate file or a parameter is missing or wrong."""


class ProviderError(ContinuityError):
    """A machine, server, store, zone or API did not do what was asked."""


class Unreachable(ProviderError):
    """No connection could be made, or it was lost."""

    transient = True


class DeadlineExceeded(ProviderError):
    """The call took longer than it was given."""

    transient = True


class Unavailable(ProviderError):
    """The other side answered that it cannot serve now (5xx, overloaded)."""

    transient = True


class RateLimited(ProviderError):
    """The other side asks for fewer calls."""

    transient = True


class HostKeyMismatch(ProviderError):
    """The server showed another SSH host key than the pinned one."""


class AuthenticationFailed(ProviderError):
    """The key, password or token was refused."""


class PermissionDenied(ProviderError):
    """Known to the other side, but without the right for this call."""


class NotFound(ProviderError):
    """The bucket, object, zone, machine, database or file does not exist."""


class AlreadyExists(ProviderError):
    """A conditional write or a creation met something that is already there."""


class OutOfStock(ProviderError):
    """The provider has no capacity, or no quota left, for this size in this place."""


class Unsupported(ProviderError):
    """The provider does not know this call."""


class CommandFailed(ProviderError):
    """A remote command ended with a non-zero status.

    Attributes:
        status: Exit status of the command.
        stderr: Its last lines, without secrets.
    """

    def __init__(
        self, subject: str, cause: str, hint: str, status: int = 1, stderr: str = ""
    ) -> None:
        super().__init__(subject, cause, hint)
        self.args = (subject, cause, hint, status, stderr)
        self.status = status
        self.stderr = stderr


class DiskFull(ProviderError):
    """The server's disk has no room left."""


class UpdateRefused(ProviderError):
    """A DNS server refused the change, or somebody changed the records in between."""


class DeliveryUnknown(ProviderError):
    """A message was handed over and no answer came: it may be on its way, or not."""


class DamagedData(ContinuityError):
    """What lies in the bucket is not what was put there, or a manifest says what is not so."""


class PieceLost(ContinuityError):
    """A piece of an archive cannot be had from where it lies; a new listing leaves it out."""


class MessageRefused(ContinuityError):
    """What was received is not a message of its sender's kind."""


class UnsafePlan(ContinuityError):
    """The plan must not be carried out."""


class OutOfScope(UnsafePlan):
    """The plan touches a name, an address or a machine that was not declared."""


class OverCeiling(UnsafePlan):
    """It would take more money or time than was allowed, or nobody can tell how much."""


class StaleObservation(UnsafePlan):
    """The world was looked at too long ago to act on it."""


class PrimaryNotFenced(UnsafePlan):
    """The old server still answers and could not be stopped."""


class ApprovalMismatch(UnsafePlan):
    """The approval was refused, is missing, or quotes another plan."""


class LeaseHeld(ContinuityError):
    """Another run works on the same server.

    Attributes:
        owner: Who holds the lease.
        until: ISO time at which it ends unless renewed.
    """

    def __init__(
        self, subject: str, cause: str, hint: str, owner: str = "", until: str = ""
    ) -> None:
        super().__init__(subject, cause, hint)
        self.args = (subject, cause, hint, owner, until)
        self.owner = owner
        self.until = until


class VerificationFailed(ContinuityError):
    """What was found afterwards is not what had to be there."""
