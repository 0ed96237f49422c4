"""The contract of `Notifier`, over memory, Slack's Web API in the lab's server, and SMTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller

from blocks.errors import Unreachable
from blocks.notify.time_limit import within
from blocks.records import Notice
from tests.contract.notifier_places import (
    ENDED,
    FAILED,
    STARTED,
    InMemory,
    Mail,
    Mailboxes,
    PlaceUnderTest,
    Slack,
    SlackServer,
    free_port,
)


@pytest.fixture(scope="module")
def slack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackServer]:
    server = SlackServer(tmp_path_factory.mktemp("slack"))
    yield server
    server.stop()


@pytest.fixture
def mail() -> Iterator[Mail]:
    boxes = Mailboxes()
    controller = Controller(boxes, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield Mail(controller.port, boxes)
    controller.stop()


@pytest.fixture(params=["memory", "slack", "mail"])
def place(request: pytest.FixtureRequest) -> PlaceUnderTest:
    if request.param == "memory":
        return InMemory()
    if request.param == "slack":
        return Slack(request.getfixturevalue("slack_server"))
    found: Mail = request.getfixturevalue("mail")
    return found


class TestEveryNotifier:
    def test_posts_the_whole_notice(self, place: PlaceUnderTest) -> None:
        assert place.notifier.post(STARTED)
        (seen,) = place.seen()
        assert "Reprise de web1 : en cours" in seen.message
        assert "https://omniweb.test" in seen.message
        assert "& suite" in seen.message

    def test_two_messages_have_two_references(self, place: PlaceUnderTest) -> None:
        assert place.notifier.post(STARTED) != place.notifier.post(STARTED)
        assert len(place.seen()) == 2

    def test_the_last_word_is_seen(self, place: PlaceUnderTest) -> None:
        reference = place.notifier.post(STARTED)
        for notice in (Notice("à mi-chemin"), ENDED, ENDED):
            place.notifier.edit(reference, notice)
        (seen,) = place.seen()
        if place.edits_are_seen:
            assert ENDED.text in seen.message
            assert STARTED.text not in seen.message
            assert seen.below == ()
        else:
            (last,) = seen.below
            assert ENDED.text in last

    def test_a_failure_hangs_below_its_own_message(self, place: PlaceUnderTest) -> None:
        first = place.notifier.post(STARTED)
        place.notifier.post(Notice("une autre affaire"))
        place.notifier.reply(first, FAILED)
        seen, other = place.seen()
        (below,) = seen.below
        assert FAILED.text in below
        assert "continuity sets web1" in below
        assert other.below == ()

    def test_a_failure_is_marked_with_a_word(self, place: PlaceUnderTest) -> None:
        place.notifier.post(FAILED)
        place.notifier.post(STARTED)
        failed, started = place.seen()
        assert "ÉCHEC" in failed.message
        assert "ÉCHEC" not in started.message

    def test_a_place_that_is_gone(self, place: PlaceUnderTest) -> None:
        with pytest.raises(Unreachable) as caught:
            place.gone().post(STARTED)
        assert caught.value.transient

    def test_a_check_is_answered_and_nobody_sees_it(self, place: PlaceUnderTest) -> None:
        assert place.notifier.check()
        assert place.seen() == []
        with pytest.raises(Unreachable):
            place.gone().check()

    def test_another_process_goes_on_with_the_reference(self, place: PlaceUnderTest) -> None:
        reference = place.notifier.post(STARTED)
        again = place.notifier.model_copy()
        again.reply(reference, FAILED)
        assert len(place.seen()[0].below) == 1


class TestTimeLimit:
    def test_hands_over_results_and_errors(self) -> None:
        assert within(1, "call", lambda: 42) == 42
        with pytest.raises(json.JSONDecodeError):
            within(1, "call", lambda: json.loads("{"))

    def test_ends_in_time(self) -> None:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"within 0\.1 s"):
            within(0.1, "call", lambda: time.sleep(30))
        assert time.monotonic() - began < 15
