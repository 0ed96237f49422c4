"""The receiver over real HTTP on loopback: what it takes, and everything that it refuses."""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from blocks.errors import ConfigurationError, Unavailable
from deployments.receiver import server as receiver_server
from deployments.receiver.application import LARGEST
from deployments.receiver.estate_view import Cached
from deployments.receiver.intake import Limits, Surroundings
from deployments.receiver.limits import RateLimit
from deployments.receiver.record import Entry, Record
from deployments.receiver.verdicts import Verdict
from tests.contract.alert_messages import FORM, JSON, pingdom, uptimerobot, uptimerobot_form
from tests.contract.alert_place import (
    HOST,
    HTTP,
    KNOWN,
    OTHER_HOST,
    SECRETS,
    Place,
    Serving,
    address,
    head,
    pour,
    raw,
    running,
    verdict,
)
from tests.contract.https_site import closed_port


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    port = closed_port()
    made = Serving(f"http://127.0.0.1:{port}")
    server = receiver_server.server(made, "127.0.0.1", port, "")
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield made
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.fixture
def empty(tmp_path: Path, serving: Serving) -> Place:
    path = tmp_path / "state" / "alerts.db"
    return Place(serving, Record(path), path)


@pytest.fixture
def place(empty: Place) -> Place:
    return running(empty)


class TestTaken:
    def test_each_monitor_makes_us_look_at_the_server_of_its_host(self, place: Place) -> None:
        assert verdict(place.post(place.down())) is Verdict.LOOKING
        place.ticks += 60
        robot = uptimerobot(HOST, place.at)
        assert verdict(place.post(robot, "uptimerobot")) is Verdict.LOOKING
        form = uptimerobot_form(OTHER_HOST, place.at, "2")
        kind = f"{FORM}; charset=utf-8"
        assert verdict(place.post(form, "uptimerobot", kind)) is Verdict.LOOKING
        assert [server for server, _ in place.started] == ["web1", "web1", "web2"]
        assert place.started[0][1] == f"pingdom : {HOST} down"

    def test_the_secret_may_come_as_a_header(self, place: Place) -> None:
        url = f"{place.base}/alerts/pingdom"
        headers = {"Content-Type": JSON, "Authorization": f"Bearer {SECRETS['pingdom']}"}
        assert HTTP.post(url, content=place.down(), headers=headers).status_code == 202
        headers["Authorization"] = "Bearer no"
        assert HTTP.post(url, content=place.down(), headers=headers).status_code == 404

    def test_many_alerts_of_one_server_are_one_look(self, place: Place) -> None:
        found = [verdict(place.post(place.down(check=number))) for number in range(40)]
        assert found == [Verdict.LOOKING] + [Verdict.MERGED] * 39
        assert verdict(place.post(place.down(OTHER_HOST))) is Verdict.LOOKING
        place.ticks += 21
        assert verdict(place.post(place.down(check=99))) is Verdict.LOOKING
        assert [server for server, _ in place.started] == ["web1", "web2", "web1"]

    def test_what_needs_no_look_is_noted(self, place: Place) -> None:
        body = uptimerobot(HOST, place.at, "3")
        assert verdict(place.post(body, "uptimerobot")) is Verdict.NOTED
        assert place.started == []

    def test_who_when_and_what_came_of_it_is_written_down(self, place: Place) -> None:
        place.post(place.down())
        (entry,) = place.record.entries(5)
        assert entry == Entry(entry.at, "pingdom", "127.0.0.1", HOST, "web1", Verdict.LOOKING)
        assert abs(entry.at - place.at) < timedelta(seconds=1)


class TestForged:
    @pytest.mark.parametrize("secret", ["wrong", SECRETS["uptimerobot"], SECRETS["pingdom"][:-1]])
    def test_another_secret(self, place: Place, secret: str) -> None:
        assert verdict(place.post(place.down(), secret=secret)) is Verdict.FORGED
        assert (place.started, place.verdicts()) == ([], [])

    def test_a_monitor_that_does_not_exist_looks_the_same(self, place: Place) -> None:
        known = place.post(place.down(), secret="x" * 40)
        unknown = place.post(place.down(), "nobody", secret="x" * 40)
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content)

    def test_a_revoked_secret_counts_no_more(self, place: Place) -> None:
        place.known = Surroundings({"pingdom": KNOWN.sources["pingdom"]}, KNOWN.servers)
        robot = uptimerobot(HOST, place.at)
        assert verdict(place.post(robot, "uptimerobot")) is Verdict.FORGED
        assert verdict(place.post(place.down())) is Verdict.LOOKING

    def test_without_any_secret(self, place: Place) -> None:
        for path in ("/alerts/pingdom", "/alerts/pingdom/", "/alerts", "/"):
            assert HTTP.post(place.base + path, content=place.down()).status_code == 404

    def test_no_log_line_holds_the_secret(
        self, place: Place, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        place.post(place.down())
        place.post(b"{", secret=SECRETS["pingdom"])
        place.post(place.down(), secret="guessed-" * 5)
        HTTP.get(f"{place.base}/alerts/pingdom/{SECRETS['pingdom']}")
        said = capfd.readouterr()
        ours = "".join(
            each.getMessage() for each in caplog.records if not each.name.startswith("http")
        )
        for text in (ours, said.out, said.err):
            assert SECRETS["pingdom"] not in text
            assert "guessed-" not in text
        assert "looking" in ours


class TestReplayed:
    def test_the_same_event_counts_once(self, place: Place) -> None:
        body = place.down()
        place.post(body)
        place.ticks += 60
        assert verdict(place.post(body)) is Verdict.REPLAYED
        spaced = json.dumps(json.loads(body) | {"description": "other words"}, indent=4)
        assert verdict(place.post(spaced.encode())) is Verdict.REPLAYED
        assert len(place.started) == 1

    def test_a_restart_remembers(self, place: Place) -> None:
        body = place.down()
        place.post(body)
        again = running(Place(place.serving, Record(place.path), place.path, at=place.at))
        assert verdict(again.post(body)) is Verdict.REPLAYED
        assert again.started == []

    @pytest.mark.parametrize(
        ("age", "wanted"),
        [
            (timedelta(minutes=14), Verdict.LOOKING),
            (timedelta(minutes=16), Verdict.STALE),
            (timedelta(days=400), Verdict.STALE),
            (timedelta(minutes=-4), Verdict.LOOKING),
            (timedelta(minutes=-6), Verdict.STALE),
        ],
    )
    def test_an_event_of_another_time(self, place: Place, age: timedelta, wanted: Verdict) -> None:
        assert verdict(place.post(pingdom(HOST, place.at - age))) is wanted

    def test_what_prefect_did_not_take_may_come_again(self, place: Place) -> None:
        body = place.down()
        place.prefect_is = Unavailable("Prefect server", "does not answer", "look")
        assert verdict(place.post(body)) is Verdict.UNAVAILABLE
        place.prefect_is = None
        assert verdict(place.post(body)) is Verdict.LOOKING
        assert verdict(place.post(body)) is Verdict.REPLAYED
        assert place.verdicts() == [Verdict.UNAVAILABLE, Verdict.LOOKING, Verdict.REPLAYED]

    def test_what_a_killed_receiver_did_not_answer_may_come_again(self, empty: Place) -> None:
        assert empty.record.claim("pingdom", "1", empty.at)
        again = Record(empty.path)
        assert not again.claim("pingdom", "1", empty.at + timedelta(seconds=30))
        assert again.claim("pingdom", "1", empty.at + timedelta(seconds=91))
        again.answer("pingdom", "1", done=True)
        assert not again.claim("pingdom", "1", empty.at + timedelta(days=2))


class TestHanging:
    def test_a_prefect_that_hangs_is_not_waited_for(self, place: Place) -> None:
        place.hangs.clear()
        began = time.monotonic()
        assert verdict(place.post(place.down())) is Verdict.UNAVAILABLE
        assert time.monotonic() - began < 8
        place.hangs.set()

    def test_reading_the_estate_anew_keeps_nobody_waiting(self) -> None:
        clock, reading, go_on = [0.0], Event(), Event()

        def read() -> Surroundings:
            if clock[0]:
                reading.set()
                go_on.wait(10)
            return KNOWN

        known = Cached(read, lambda: clock[0])
        known()
        clock[0] = 1000.0
        slow = Thread(target=known, daemon=True)
        slow.start()
        assert reading.wait(10)
        began = time.monotonic()
        assert known() is KNOWN
        assert time.monotonic() - began < 5
        go_on.set()
        slow.join(10)


class TestFlood:
    def test_of_strangers_leaves_the_monitors_their_room(self, empty: Place) -> None:
        limits = Limits(RateLimit(1000, 1), RateLimit(5, 1), RateLimit(1000, 1))
        place = running(empty, limits)
        found = [verdict(place.post(b"", secret="x" * 40)) for _ in range(12)]
        assert found == [Verdict.FORGED] * 5 + [Verdict.TOO_MANY] * 7
        assert verdict(place.post(place.down())) is Verdict.LOOKING

    def test_from_one_address(self, empty: Place) -> None:
        limits = Limits(RateLimit(3, 2), RateLimit(1000, 1), RateLimit(1000, 1))
        place = running(empty, limits)
        found = [verdict(place.post(place.down(check=n))) for n in range(5)]
        assert found[2:] == [Verdict.MERGED, Verdict.TOO_MANY, Verdict.TOO_MANY]
        place.ticks += 2
        assert verdict(place.post(place.down(check=9))) is Verdict.MERGED

    def test_by_a_monitor_itself_keeps_no_other_out(self, empty: Place) -> None:
        limits = Limits(RateLimit(1000, 1), RateLimit(1000, 1), RateLimit(2, 1))
        place = running(empty, limits)
        found = [verdict(place.post(place.down(check=n))) for n in range(4)]
        assert found[2:] == [Verdict.TOO_MANY] * 2
        other = uptimerobot(OTHER_HOST, place.at)
        assert verdict(place.post(other, "uptimerobot")) is Verdict.LOOKING


class TestOversized:
    def test_said_beforehand(self, place: Place) -> None:
        assert verdict(place.post(b" " * (LARGEST + 1))) is Verdict.TOO_LARGE
        assert verdict(place.post(place.down().ljust(LARGEST))) is Verdict.LOOKING

    def test_a_length_that_is_a_lie_is_not_waited_for(self, place: Place) -> None:
        answer = raw(place, [b"Content-Length: 999999999"], [b"{"])
        assert b" 413 " in answer

    def test_in_chunks_without_a_length(self, place: Place) -> None:
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        answer = raw(place, [b"Transfer-Encoding: chunked"], [chunk] * 40)
        assert b" 413 " in answer
        assert place.verdicts() == [Verdict.TOO_LARGE]

    def test_a_head_that_never_ends(self, place: Place) -> None:
        with socket.create_connection(address(place), timeout=10) as stream:
            stream.sendall(b"POST /alerts/pingdom HTTP/1.1\r\nX-Padding: ")
            with pytest.raises(OSError):  # noqa: PT011 - hung up, one way or the other
                pour(stream)
        assert place.verdicts() == []


class TestSlow:
    def test_a_body_that_trickles(self, place: Place) -> None:
        began = time.monotonic()
        answer = raw(place, [b"Content-Length: 500"], [b" "] * 100, pause=0.1)
        assert b" 408 " in answer
        assert time.monotonic() - began < 5
        assert place.verdicts() == [Verdict.TOO_SLOW]

    def test_a_head_that_trickles(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receiver_server, "HEADER_SECONDS", 0.4)
        with socket.create_connection(address(place), timeout=10) as stream:
            stream.sendall(b"POST /alerts/pingdom HTTP/1.1\r\nX-Slow: ")
            assert stream.recv(100) == b"", "hung up"

    def test_a_body_that_breaks_off(self, place: Place) -> None:
        with socket.create_connection(address(place), timeout=10) as stream:
            stream.sendall(head(place, [b"Content-Length: 500"]) + b"{")
        deadline = time.monotonic() + 10
        while not place.verdicts() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert place.verdicts() == [Verdict.UNREADABLE]
        assert place.started == []


class TestWrong:
    @pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "json", "a/b\tc"])
    def test_type(self, place: Place, kind: str) -> None:
        assert verdict(place.post(place.down(), kind=kind)) is Verdict.WRONG_TYPE

    @pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b"[" * 9000, b'{"check_id": 1}'])
    def test_body(self, place: Place, body: bytes) -> None:
        assert verdict(place.post(body)) is Verdict.UNREADABLE

    def test_a_monitor_s_message_at_another_s_address(self, place: Place) -> None:
        assert verdict(place.post(uptimerobot(HOST, place.at))) is Verdict.UNREADABLE

    @pytest.mark.parametrize("host", ["example.org", "boutique.atelier.test.evil.test", "10.0.0.1"])
    def test_host(self, place: Place, host: str) -> None:
        assert verdict(place.post(place.down(host))) is Verdict.UNKNOWN_HOST
        assert place.started == []

    def test_method(self, place: Place) -> None:
        url = f"{place.base}/alerts/pingdom/{SECRETS['pingdom']}"
        for method in ("GET", "PUT", "DELETE"):
            assert HTTP.request(method, url).status_code == 405

    def test_a_record_that_cannot_be_written_takes_nothing(self, place: Place) -> None:
        with sqlite3.connect(place.path) as base:
            base.execute("DROP TABLE events")
        assert verdict(place.post(place.down())) is Verdict.UNAVAILABLE
        assert place.started == []


class TestRecord:
    def test_a_file_that_is_none_of_ours_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "alerts.db"
        path.write_bytes(b"something else entirely" * 100)
        with pytest.raises(ConfigurationError, match="--state FILE"):
            Record(path)

    def test_only_we_may_read_it(self, empty: Place) -> None:
        assert empty.path.stat().st_mode & 0o077 == 0

    def test_it_forgets_after_a_month(self, empty: Place) -> None:
        old = empty.at - timedelta(days=31)
        empty.record.claim("pingdom", "1", old)
        empty.record.write(Entry(old, "pingdom", "192.0.2.1", HOST, "web1", Verdict.LOOKING))
        empty.record.claim("pingdom", "2", empty.at)
        assert empty.record.entries(10) == []


def test_an_estate_that_cannot_be_read_anew_goes_on_to_count() -> None:
    clock, answers = [0.0], [KNOWN]

    def read() -> Surroundings:
        if not answers:
            raise Unavailable("Prefect server", "does not answer", "look")
        return answers.pop()

    known = Cached(read, lambda: clock[0])
    assert known() is KNOWN
    clock[0] += 1000
    assert known() is KNOWN
    with pytest.raises(Unavailable):
        Cached(read, lambda: 0.0)()
