"""What only Slack has: its bad days, its refusals, its limits on messages."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from slack_sdk.models.blocks import HeaderBlock, SectionBlock

from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.notify import slack_message
from blocks.records import Notice
from tests.contract.notifier_places import ENDED, FAILED, STARTED, TOKEN, Slack, SlackServer


@pytest.fixture(scope="module")
def slack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackServer]:
    server = SlackServer(tmp_path_factory.mktemp("slack"))
    yield server
    server.stop()


class TestSlack:
    @pytest.mark.parametrize(
        ("mode", "error"),
        [("down", Unavailable), ("ratelimited", RateLimited), ("slow", Unreachable)],
    )
    def test_a_bad_day_is_told_apart_and_costs_no_more_than_the_limit(
        self, slack_server: SlackServer, mode: str, error: type[ContinuityError]
    ) -> None:
        reference = slack_server.notifier().post(STARTED)
        notifier = slack_server.notifier(timeout_seconds=0.7)
        with slack_server.mode(mode):
            for call in (notifier.edit, notifier.reply):
                began = time.monotonic()
                with pytest.raises(error) as caught:
                    call(reference, ENDED)
                assert time.monotonic() - began < 15
                assert TOKEN not in str(caught.value)
        slack_server.notifier().edit(reference, ENDED)

    @pytest.mark.parametrize(
        ("fields", "error", "says"),
        [
            ({"token": "xoxb-wrong"}, AuthenticationFailed, "invalid_auth"),
            ({"channel": "missing"}, NotFound, "channel_not_found"),
        ],
    )
    def test_names_what_is_wrong(
        self,
        slack_server: SlackServer,
        fields: dict[str, object],
        error: type[ContinuityError],
        says: str,
    ) -> None:
        with pytest.raises(error, match=says) as caught:
            slack_server.notifier(**fields).post(STARTED)
        assert not caught.value.transient
        assert "xoxb-wrong" not in str(caught.value)

    @pytest.mark.parametrize("reference", ["C123:1.2", "nonsense"])
    def test_a_message_that_is_gone(self, slack_server: SlackServer, reference: str) -> None:
        with pytest.raises(NotFound):
            slack_server.notifier().edit(reference, STARTED)

    def test_a_name_that_cannot_be_resolved(self, slack_server: SlackServer) -> None:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            slack_server.notifier(base_url="http://slack.invalid/api/").post(STARTED)
        assert time.monotonic() - began < 15

    def test_a_very_long_notice_is_accepted(self, slack_server: SlackServer) -> None:
        slack = Slack(slack_server)
        body = "\n".join(f"{number} " + "é" * 700 for number in range(400))
        slack.notifier.post(Notice("x" * 500, body))
        (seen,) = slack.seen()
        assert "0 éé" in seen.message
        assert slack_message.CUT in seen.message


class TestSlackMessage:
    @pytest.mark.parametrize(
        "notice", [STARTED, FAILED, Notice("t" * 400, "mot " * 5000), Notice("nu")]
    )
    def test_fits_slacks_own_model(self, notice: Notice) -> None:
        header, *sections = slack_message.blocks(notice)
        HeaderBlock(**header).validate_json()
        for section in sections:
            SectionBlock(**section).validate_json()
        assert len(sections) <= 49

    def test_cuts_between_lines_and_loses_none(self) -> None:
        lines = [f"ligne {number} " + "m" * 90 for number in range(200)]
        _, *sections = slack_message.blocks(Notice("t", "\n".join(lines)))
        assert "\n".join(s["text"]["text"] for s in sections).splitlines() == lines
        assert len(sections) > 1

    def test_escapes_what_slack_would_parse(self) -> None:
        assert slack_message.fallback_text(Notice("a < b & <!channel>")) == (
            "a &lt; b &amp; &lt;!channel&gt;"
        )
