"""From what places see to the event, over memory blocks: one alert, one request, one closing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from prefect import get_client
from prefect.events import Event
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled, Suspended
from pydantic import SecretStr

from blocks import registry
from blocks.errors import Unavailable, Unreachable
from blocks.monitors.uptimerobot import UptimeRobotAlerts
from blocks.types import MonitorCondition
from flows.decisions.alert import Condition
from flows.disaster_recovery import disaster_recovery
from flows.tasks.incident import open_estate
from flows.tasks.leases import hold_everywhere
from flows.tasks.watch_look import assess_server
from flows.tasks.watch_steps import SERVER_DOWN, conclude, read_state
from flows.watch import watch
from tests.contract.https_site import closed_port
from tests.fakes.memory_monitor import MemoryMonitor
from tests.fakes.memory_probe import MemoryProbe
from tests.fakes.uptimerobot_api import Key, UptimeRobotApi
from tests.flows.world import BROCHURE, OLD, SHOP, World

HOME = f"https://{SHOP}/"


@pytest.fixture
def elsewhere(world: World) -> MemoryProbe:
    """A second vantage point of the same world."""
    probe = MemoryProbe()
    probe.resolve_from(world.inner, world.zone)
    probe.serve(OLD, SHOP, BROCHURE)
    blocks = world.blocks(witnesses=["memory-probe/elsewhere"])
    registry.provide(blocks | {"memory-probe/elsewhere": probe})
    return probe


def look() -> str:
    return watch("web1", confirm_seconds=0)["web1"]


def messages(world: World) -> list[str]:
    return [thread.notice.text for thread in world.notifier.threads]


def lose(world: World, elsewhere: MemoryProbe) -> None:
    world.lose()
    elsewhere.stop(OLD)


def events_during(acts: list[str]) -> list[Event]:
    """Return the requests for a recovery that Prefect's server took while these passes ran."""

    async def listen() -> list[Event]:
        wanted = EventFilter(event=EventNameFilter(name=[SERVER_DOWN, "test.end"]))
        found: list[Event] = []
        async with get_events_subscriber(filter=wanted) as subscriber:
            for _ in acts:
                await asyncio.to_thread(look)
            await asyncio.to_thread(_mark_the_end)
            async for event in subscriber:
                if event.event == "test.end":
                    return found
                found.append(event)
        raise AssertionError("the server closed the stream")

    return asyncio.run(asyncio.wait_for(listen(), 30))


def _mark_the_end() -> None:
    end = Event(event="test.end", resource={"prefect.resource.id": "test"})  # type: ignore[arg-type]
    with get_client(sync_client=True) as client:
        client.request("POST", "/events", json=[end.model_dump(mode="json")])


def test_a_server_that_is_well_leaves_no_trace(world: World, elsewhere: MemoryProbe) -> None:
    assert look() == "up"
    assert messages(world) == []
    assert not [key for key in world.repository.state().held if key.startswith("alerts/")]


def test_a_lost_server_is_told_and_asked_for_until_it_is_taken_up(
    world: World, elsewhere: MemoryProbe
) -> None:
    lose(world, elsewhere)
    before = datetime.now(UTC)
    found = events_during(["once", "twice"])
    assert len(found) == 2, "nobody took the first request up"
    for event in found:
        assert event.resource.id == "continuity.server.web1"
        assert event.payload["server"] == "web1"
        assert event.payload["seen_from"] == ["ce poste", "elsewhere"]
        since = datetime.fromisoformat(event.payload["down_since"])
        assert timedelta() <= since - before < timedelta(minutes=1)
    (said,) = messages(world)
    assert "ne répond plus" in said
    body = world.notifier.threads[0].notice.body
    assert "attendra votre accord" in body
    assert "continuity recover web1" in body


def test_a_recovery_that_waits_is_not_asked_for_again(world: World, elsewhere: MemoryProbe) -> None:
    lose(world, elsewhere)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(
            disaster_recovery,
            parameters={"server": "web1", "incident": "inc-web1-waits"},
            state=Suspended(timeout_seconds=60),
        )
        assert events_during(["once", "twice"]) == []
        assert read_state(open_estate("web1")).taken_up == "inc-web1-waits"
        assert "inc-web1-waits" in world.notifier.threads[0].notice.body
        client.set_flow_run_state(run.id, Cancelled(), force=True)
    assert events_during(["thrice"]) == [], "a person refused it"


def test_a_recovery_from_a_terminal_counts_by_its_journal(
    world: World, elsewhere: MemoryProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No run in Prefect, no lease yet: the plan waits at a terminal, or its process is gone."""
    world.back_up()
    lose(world, elsewhere)

    class Gone(BaseException):
        pass

    def gone(_plan: object, _text: str) -> tuple[str, str]:
        raise Gone

    monkeypatch.setattr("flows.tasks.approval.ask_at_terminal", [gone])
    with pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        world.recover(approval="ask")
    registry.provide(
        world.blocks(witnesses=["memory-probe/elsewhere"]) | {"memory-probe/elsewhere": elsewhere}
    )
    assert events_during(["once"]) == []
    assert read_state(open_estate("web1")).taken_up == "inc-web1-test"


def test_a_server_that_somebody_works_on_is_asked_for_afterwards(
    world: World, elsewhere: MemoryProbe
) -> None:
    lose(world, elsewhere)
    with hold_everywhere(open_estate("web1"), "web1", "retention-7"):
        assert events_during(["once", "twice"]) == []
    assert "dès qu'il aura fini" in world.notifier.threads[0].notice.body
    assert len(events_during(["thrice"])) == 1


def test_the_end_closes_the_alert_with_one_message(world: World, elsewhere: MemoryProbe) -> None:
    lose(world, elsewhere)
    look()
    world.probe.serve(OLD, SHOP, BROCHURE)
    elsewhere.serve(OLD, SHOP, BROCHURE)
    assert [look() for _ in range(4)] == ["up"] * 4
    assert len(messages(world)) == 2
    assert "alerte close" in messages(world)[-1]
    assert read_state(open_estate("web1")).condition is Condition.UP


def test_one_place_alone_is_its_own_network(world: World, elsewhere: MemoryProbe) -> None:
    elsewhere.stop(OLD)
    assert events_during(["once", "twice", "thrice"]) == []
    (said,) = messages(world)
    assert "panne vue d'un seul endroit" in said
    assert "« elsewhere » seulement" in world.notifier.threads[0].notice.body


def test_a_site_in_trouble_is_for_people(world: World, elsewhere: MemoryProbe) -> None:
    for probe in (world.probe, elsewhere):
        probe.break_page(HOME, "HTTP 500 from nginx, expected 200")
    assert events_during(["once", "twice", "thrice"]) == []
    (said,) = messages(world)
    assert "(shop)" in said
    assert "HTTP 500" in world.notifier.threads[0].notice.body


def test_a_witness_that_is_missing_is_blind(world: World) -> None:
    registry.provide(world.blocks(witnesses=["memory-probe/nowhere"]))
    world.lose()
    assert look() == look() == "unknown"
    assert "« " not in messages(world)[0]
    assert "nowhere — ne voit rien" in world.notifier.threads[0].notice.body


def test_resolvers_that_are_silent_everywhere_are_no_loss(
    world: World, elsewhere: MemoryProbe
) -> None:
    lose(world, elsewhere)
    world.probe.silence_resolvers()
    elsewhere.silence_resolvers()
    assert look() == "unknown"


def test_names_that_lead_elsewhere_are_no_loss(world: World, elsewhere: MemoryProbe) -> None:
    for zone, name in ((world.inner, SHOP), (world.zone, BROCHURE)):
        zone.put(name, "A", ["203.0.113.9"], ttl=1)
    assert look() == look() == "trouble"
    assert f"{OLD} répond" in world.notifier.threads[0].notice.body


def test_a_store_that_fails_for_a_moment_loses_nothing(
    world: World, elsewhere: MemoryProbe
) -> None:
    lose(world, elsewhere)
    world.repository.state().fail_next("put", Unreachable("store", "gone", "wait"))
    assert len(events_during(["once"])) == 1, "the step was tried again"


def test_while_prefect_is_away_nothing_is_settled(world: World, elsewhere: MemoryProbe) -> None:
    """Else the next pass would take the loss for told and asked for."""
    lose(world, elsewhere)
    estate = open_estate("web1")
    seen = assess_server(estate, timedelta())
    with (
        temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{closed_port()}/api"}),
        pytest.raises(Unavailable, match="continuity recover web1 --local"),
    ):
        conclude.fn(estate, seen, "watch-7", subject="web1")
    assert messages(world) == []
    assert len(events_during(["once"])) == 1
    assert len(messages(world)) == 1


@pytest.fixture
def monitor(world: World) -> MemoryMonitor:
    """A monitor elsewhere that can be asked, beside our own place alone."""
    made = MemoryMonitor(secret=SecretStr("x" * 40), token=SecretStr("token"))
    registry.provide(
        world.blocks(monitors=["memory-monitor/robot"]) | {"memory-monitor/robot": made}
    )
    return made


class TestMonitors:
    def test_one_is_the_second_place(self, world: World, monitor: MemoryMonitor) -> None:
        monitor.watch(SHOP, MonitorCondition.DOWN)
        world.lose()
        (event,) = events_during(["once"])
        assert event.payload["seen_from"] == ["ce poste", "moniteur robot"]
        assert "moniteur robot" in world.notifier.threads[0].notice.body

    def test_it_is_not_asked_while_all_is_well(self, world: World, monitor: MemoryMonitor) -> None:
        monitor.watch(SHOP, MonitorCondition.DOWN)
        assert look() == "up"
        world.probe.break_page(HOME, "HTTP 500 from nginx, expected 200")
        assert look() == "trouble"
        assert monitor.asked == 0

    def test_one_that_has_just_seen_an_answer_holds_the_loss_back(
        self, world: World, monitor: MemoryMonitor
    ) -> None:
        monitor.watch(SHOP)
        world.lose()
        assert events_during(["once", "twice"]) == []
        assert "selon moniteur robot" in world.notifier.threads[0].notice.body

    @pytest.mark.parametrize("state", [MonitorCondition.PAUSED, MonitorCondition.UNKNOWN])
    def test_one_that_does_not_look_is_blind(
        self, world: World, monitor: MemoryMonitor, state: MonitorCondition
    ) -> None:
        monitor.watch(SHOP, state)
        world.lose()
        assert look() == look() == "unknown"
        assert "moniteur robot — ne voit rien" in world.notifier.threads[0].notice.body

    def test_one_that_fails_blocks_nothing(
        self, world: World, elsewhere: MemoryProbe, monitor: MemoryMonitor
    ) -> None:
        monitor.fail_always(Unavailable("Robot", "answered HTTP 503", "wait"))
        registry.provide(
            world.blocks(
                witnesses=["memory-probe/elsewhere"],
                monitors=["memory-monitor/robot", "memory-monitor/nowhere"],
            )
            | {"memory-probe/elsewhere": elsewhere, "memory-monitor/robot": monitor}
        )
        lose(world, elsewhere)
        assert look() == "down"
        body = world.notifier.threads[0].notice.body
        assert "moniteur robot — ne voit rien : Robot : answered HTTP 503" in body
        assert "moniteur nowhere — ne voit rien" in body

    def test_one_that_is_silent_is_not_waited_for(
        self, world: World, elsewhere: MemoryProbe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("flows.tasks.watch_monitors.PATIENCE", timedelta(seconds=0.2))
        with UptimeRobotApi().running() as api:
            api.lose_answer(silent=True, times=9)
            silent = UptimeRobotAlerts(
                secret=SecretStr("x" * 40), token=SecretStr(Key.READ), api_url=api.api
            )
            registry.provide(
                world.blocks(witnesses=["memory-probe/elsewhere"], monitors=["m/robot"])
                | {"memory-probe/elsewhere": elsewhere, "m/robot": silent}
            )
            lose(world, elsewhere)
            began = monotonic()
            found = assess_server(open_estate("web1"), timedelta())
            assert monotonic() - began < 2
        assert found.condition is Condition.DOWN
        assert found.blind == (("moniteur robot", "n'a pas répondu à temps"),)

    def test_one_without_a_token_is_left_alone(self, world: World) -> None:
        mute = MemoryMonitor(secret=SecretStr("x" * 40))
        registry.provide(
            world.blocks(monitors=["memory-monitor/mute"]) | {"memory-monitor/mute": mute}
        )
        world.lose()
        assert assess_server(open_estate("web1"), timedelta()).blind == ()
