"""A Slack channel, through Slack's Web API."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException

from pydantic import Field, SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.notify.base import Notifier
from blocks.notify.slack_message import blocks, fallback_text
from blocks.notify.time_limit import within
from blocks.records import Notice

BAD_TOKEN = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
NO_RIGHT = {"missing_scope", "not_in_channel", "restricted_action", "is_archived", "no_permission"}
NOT_THERE = {"channel_not_found", "message_not_found", "thread_not_found"}
TROUBLE = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}


class SlackNotifier(Notifier):
    """A Slack channel in which a bot posts, edits and replies.

    A reference is `channel id:ts`. Nothing is tried twice: who calls decides when to speak again.

    Example:
        ```python
        from blocks.notify.slack import SlackNotifier

        notifier = SlackNotifier.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Slack notifier"
    _block_type_slug = "slack-notifier"
    _description = "A Slack channel in which a bot posts, edits and replies."

    token: SecretStr = Field(title="Token", description="The bot's token, such as xoxb-….")
    channel: str = Field(title="Channel", description="Name or id of the channel.")
    base_url: str = Field(
        default="https://slack.com/api/", title="Base URL", description="Where the Web API is."
    )
    timeout_seconds: float = Field(
        default=2, gt=0, title="Timeout", description="Seconds that a call may take in all."
    )

    def check(self) -> str:
        """Ask Slack whose token this is."""
        said = self._call(lambda slack: slack.auth_test())
        return f"{said['user']} ({said['team']}), canal {self.channel}"

    def post(self, notice: Notice) -> str:
        """Post a new message; return its reference."""
        return self._post(notice, self.channel)

    def edit(self, reference: str, notice: Notice) -> None:
        """Replace a message."""
        channel, ts = _parsed(reference)
        text, content = fallback_text(notice), blocks(notice)
        self._call(
            lambda slack: slack.chat_update(channel=channel, ts=ts, text=text, blocks=content)
        )

    def reply(self, reference: str, notice: Notice) -> None:
        """Add a detail in the message's thread."""
        channel, ts = _parsed(reference)
        self._post(notice, channel, ts)

    def _post(self, notice: Notice, channel: str, thread: str | None = None) -> str:
        text, content = fallback_text(notice), blocks(notice)
        response = self._call(
            lambda slack: slack.chat_postMessage(
                channel=channel,
                thread_ts=thread,
                text=text,
                blocks=content,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return f"{response['channel']}:{response['ts']}"

    def _call(self, call: Callable[[WebClient], SlackResponse]) -> SlackResponse:
        client = WebClient(
            token=self.token.get_secret_value(),
            base_url=self.base_url.rstrip("/") + "/",
            # The SDK takes whole seconds; the limit below is the exact one.
            timeout=max(1, round(self.timeout_seconds)),
            retry_handlers=[],
        )
        try:
            return within(self.timeout_seconds, self._subject, lambda: call(client))
        except SlackApiError as error:
            raise self._refused(error) from error
        except (OSError, HTTPException, SlackClientError) as error:
            cause = f"Slack cannot be reached ({type(error).__name__})"
            hint = f"curl -sS {self.base_url.rstrip('/')}/api.test"
            raise Unreachable(self._subject, cause, hint) from error

    @property
    def _subject(self) -> str:
        return f"Slack channel {self.channel}"

    def _refused(self, error: SlackApiError) -> ContinuityError:
        code, status = str(error.response.get("error", "")), int(error.response.status_code)
        if status == 429 or code in {"ratelimited", "rate_limited"}:
            wait = error.response.headers.get("Retry-After", "a few")
            cause, hint = "asks for fewer messages", f"wait {wait} seconds"
            return RateLimited(self._subject, cause, hint)
        if status >= 500 or code in TROUBLE:
            cause = f"Slack is in trouble (HTTP {status})"
            return Unavailable(self._subject, cause, "look at https://slack-status.com")
        for codes, kind, hint in (
            (BAD_TOKEN, AuthenticationFailed, "take a new bot token: docs/slack.md"),
            (NO_RIGHT, PermissionDenied, "invite the bot and check chat:write: docs/slack.md"),
            (NOT_THERE, NotFound, "check the channel's name, and invite the bot into it"),
        ):
            if code in codes:
                return kind(self._subject, f"Slack answered {code}", hint)
        # Anything else that is not JSON comes as a long text: it is no answer of Slack's.
        cause = f"Slack answered {code[:80]} (HTTP {status})"
        return ProviderError(self._subject, cause, f"check {self.base_url}, then docs/slack.md")


def _parsed(reference: str) -> tuple[str, str]:
    channel, separator, ts = reference.partition(":")
    if not separator:
        cause = "is not of the form channel:ts"
        raise NotFound(f"Slack message {reference!r}", cause, "post the message again")
    return channel, ts
