"""The contract of `AlertSource`, over the documented messages of each monitor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from blocks.errors import MessageRefused
from blocks.monitors.base import AlertSource
from blocks.monitors.pingdom import PingdomAlerts
from blocks.monitors.uptimerobot import UptimeRobotAlerts
from blocks.types import AlertKind
from tests.contract.alert_messages import (
    FORM,
    JSON,
    pingdom,
    uptimerobot,
    uptimerobot_fields,
    uptimerobot_form,
)

HOST = "boutique.atelier.test"
AT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
SECRET = SecretStr("x" * 40)


@dataclass(frozen=True)
class Sender:
    source: AlertSource
    kind: str
    message: Callable[..., bytes]
    down: str
    up: str
    needed: tuple[str, ...]


SENDERS = {
    "pingdom": Sender(
        PingdomAlerts(secret=SECRET), JSON, pingdom, "DOWN", "UP",
        ("check_id", "current_state", "state_changed_timestamp", "check_params"),
    ),
    "uptimerobot-json": Sender(
        UptimeRobotAlerts(secret=SECRET), JSON, uptimerobot, "1", "2",
        ("monitorID", "alertType", "alertDateTime", "monitorURL"),
    ),
    "uptimerobot-form": Sender(
        UptimeRobotAlerts(secret=SECRET), FORM, uptimerobot_form, "1", "2", (),
    ),
}  # fmt: skip


@pytest.fixture(params=SENDERS)
def sender(request: pytest.FixtureRequest) -> Sender:
    return SENDERS[request.param]


class TestEverySource:
    def test_reads_host_state_and_time(self, sender: Sender) -> None:
        found = sender.source.read(sender.kind, sender.message(HOST, AT))
        assert (found.kind, found.host, found.at) == (AlertKind.DOWN, HOST, AT)
        up = sender.source.read(sender.kind, sender.message(HOST, AT, sender.up))
        assert up.kind is AlertKind.UP

    def test_the_same_event_is_known_again_and_no_other(self, sender: Sender) -> None:
        def event(at: datetime, state: str) -> str:
            return sender.source.read(sender.kind, sender.message(HOST, at, state)).event

        first = event(AT, sender.down)
        assert first == event(AT, sender.down)
        others = {event(AT + timedelta(seconds=1), sender.down), event(AT, sender.up)}
        assert len(others) == 2
        assert first not in others

    def test_what_asks_for_no_look_is_something_else(self, sender: Sender) -> None:
        found = sender.source.read(sender.kind, sender.message(HOST, AT, "3"))
        assert found.kind is AlertKind.OTHER

    def test_refuses_what_lacks_a_field(self, sender: Sender) -> None:
        for name in sender.needed:
            whole = json.loads(sender.message(HOST, AT))
            for value in (None, "", [], {}, True):
                with pytest.raises(MessageRefused):
                    sender.source.read(JSON, json.dumps(whole | {name: value}).encode())
            del whole[name]
            with pytest.raises(MessageRefused, match=r"^message of \w+: \w"):
                sender.source.read(JSON, json.dumps(whole).encode())

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"{", b"[]", b"null", b'"down"', b"\xff\xfe{}", b"{" * 16_000, b"[" * 16_000,
            b'{"a": NaN}', b'{"a": 1, "a": 2}', b"a&b", b"=" * 16_000, b"&".join([b"a=1"] * 100),
        ],
    )  # fmt: skip
    def test_refuses_what_is_no_message(self, sender: Sender, body: bytes) -> None:
        for kind in (JSON, FORM):
            with pytest.raises(MessageRefused) as error:
                sender.source.read(kind, body)
            assert len(str(error.value)) < 300

    @pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "application/xml"])
    def test_refuses_another_type(self, sender: Sender, kind: str) -> None:
        with pytest.raises(MessageRefused):
            sender.source.read(kind, sender.message(HOST, AT))

    @pytest.mark.parametrize("host", ["", "[", "a" * 300, "bou tique\n.test", "münchen.test"])
    def test_refuses_a_host_that_is_none(self, sender: Sender, host: str) -> None:
        with pytest.raises(MessageRefused):
            sender.source.read(sender.kind, sender.message(host, AT))


@pytest.mark.parametrize("seconds", ["now", "1e9", "-", "9" * 400, "*alertDateTime*"])
def test_a_time_that_is_none(seconds: str) -> None:
    fields = uptimerobot_fields(HOST, AT) | {"alertDateTime": seconds}
    with pytest.raises(MessageRefused):
        UptimeRobotAlerts(secret=SECRET).read(JSON, json.dumps(fields).encode())


def test_a_transaction_of_pingdom_is_a_check_too() -> None:
    source = PingdomAlerts(secret=SECRET)
    found = source.read(JSON, pingdom(HOST.upper(), AT, "FAILING"))
    assert (found.kind, found.host) == (AlertKind.DOWN, HOST)
    whole = json.loads(pingdom(HOST, AT)) | {"check_params": {"full_url": f"https://{HOST}:8443/a"}}
    assert source.read(JSON, json.dumps(whole).encode()).host == HOST
