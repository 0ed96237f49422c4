"""The contract of `Heartbeat`, over memory and a real HTTP receiver; the URL shows nowhere."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from time import monotonic

import pytest
from pydantic import SecretStr

from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    NotFound,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.monitors.base import Heartbeat
from blocks.monitors.healthchecks import HealthchecksHeartbeat
from tests.fakes.memory_heartbeat import MemoryHeartbeat
from tests.fakes.ping_receiver import CHECK, PingReceiver, ping_receiver


@pytest.fixture
def receiver() -> Iterator[PingReceiver]:
    with ping_receiver() as running:
        yield running


def real(url: str, timeout: float = 5) -> HealthchecksHeartbeat:
    return HealthchecksHeartbeat(url=SecretStr(url), timeout_seconds=timeout)


@pytest.mark.parametrize("kind", ["memory", "healthchecks"])
def test_each_signal_arrives_with_its_text(kind: str, receiver: PingReceiver) -> None:
    memory = MemoryHeartbeat()
    heartbeat: Heartbeat = memory if kind == "memory" else real(receiver.url)
    heartbeat.start("sauvegarde de web1")
    heartbeat.success("3 jeux")
    heartbeat.fail("web1 : disque plein, à vérifier")
    heard = memory.heard if kind == "memory" else tuple(receiver.heard)
    assert heard == (
        ("start", "sauvegarde de web1"),
        ("success", "3 jeux"),
        ("fail", "web1 : disque plein, à vérifier"),
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (429, RateLimited), (503, Unavailable), (302, ProviderError)],
)
def test_a_refusal_is_named_without_the_url(
    receiver: PingReceiver,
    status: int,
    kind: type[ContinuityError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.status = status
    with pytest.raises(kind) as caught:
        real(receiver.url).success("done")
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert CHECK not in told
    assert receiver.heard == []


def test_a_check_that_is_not_known_is_found_though_the_answer_is_200(
    receiver: PingReceiver,
) -> None:
    with pytest.raises(NotFound, match="no such check"):
        real(f"{receiver.url}-gone").success("done")


def test_a_service_that_is_silent_or_gone_costs_little_time(receiver: PingReceiver) -> None:
    receiver.silent.set()
    began = monotonic()
    with pytest.raises(Unreachable, match=r"0\.3 s"):
        real(receiver.url, timeout=0.3).start("x")
    assert monotonic() - began < 15
    url = receiver.url
    receiver.server_close()
    with pytest.raises(Unreachable) as caught:
        real(url).fail("x")
    assert CHECK not in "".join(traceback.format_exception(caught.value))


def test_what_is_no_url_is_refused_unseen() -> None:
    for wrong in ("hush-hush", "ftp://hc.test/hush-hush", "https://hc.test/hush-hush?rid=1"):
        with pytest.raises(ConfigurationError, match="ping URL") as caught:
            real(wrong).start("x")
        assert "hush-hush" not in str(caught.value)
