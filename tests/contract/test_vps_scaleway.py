"""What only Scaleway asks for: an order in several calls, and an end in several steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from blocks.errors import ConfigurationError, ContinuityError, Unreachable
from blocks.types import PowerState, Stock
from blocks.vps.labels import labels_of
from tests.contract.hosted_bench import KEYS, asked
from tests.contract.vps_scaleway import ScalewayBench, scaleway
from tests.fakes.scaleway_api import TYPES


@pytest.fixture
def bench() -> Iterator[ScalewayBench]:
    with scaleway() as made:
        yield made


@pytest.mark.parametrize("broken", [r"POST .*/ips$", "PATCH .*/user_data/", "POST .*/action$"])
@pytest.mark.parametrize("after", [False, True], ids=["undone", "done"])
def test_an_order_that_broke_off_is_finished_before_it_boots(
    bench: ScalewayBench, broken: str, after: bool
) -> None:
    """The next run has another host key: the first one's private half died with its run."""
    bench.service.fail(400, {"type": "invalid_arguments"}, on=broken, after=after)
    with pytest.raises(ContinuityError):
        bench.provider.create(asked())
    kept = KEYS[0] if "action" in broken or ("user_data" in broken and after) else KEYS[1]
    made = bench.provider.create(asked(key=KEYS[1]))
    assert (made.power, made.host_key) == (PowerState.ON, kept.public)
    assert bench.provider.find({}) == (made,)
    assert kept.private.splitlines()[1] in bench.user_data("drill-i1")
    assert (bench.machines(), len(bench.service.ips), len(bench.service.volumes)) == (1, 1, 1)


@pytest.mark.parametrize(
    "lost", [r"POST .*/ips$", r"PATCH .*/servers/[^/]+$", "PATCH .*/user_data/", "POST .*/action$"]
)
def test_a_call_whose_answer_is_lost_is_not_made_twice(bench: ScalewayBench, lost: str) -> None:
    """A second address would be billed, and a start of what runs is refused."""
    bench.service.lose_answer(on=lost)
    made = bench.provider.create(asked())
    assert (made.power, made.host_key) == (PowerState.ON, KEYS[0].public)
    assert [each["address"] for each in bench.service.ips.values()] == [made.address]


@pytest.mark.parametrize("lost", [False, True])
def test_a_machine_is_off_only_when_it_has_stopped(bench: ScalewayBench, lost: bool) -> None:
    """While it stops it may still write to what the new server serves, or answer a visitor."""
    made = bench.provider.create(asked())
    if lost:
        bench.service.lose_answer(on="POST .*/action$")
    bench.provider.power_off(made.id)
    assert [each["state"] for each in bench.service.servers.values()] == ["stopped"]


def test_a_machine_that_is_being_stopped_is_started_again(bench: ScalewayBench) -> None:
    made = bench.provider.create(asked())
    bench.service.servers[made.id]["state"] = "stopping"
    assert bench.provider.create(asked()) == made
    assert bench.service.servers[made.id]["state"] == "running"


def test_all_pages_of_types_are_read_and_those_for_windows_left_out(bench: ScalewayBench) -> None:
    assert {each.name for each in bench.provider.sizes()} == set(TYPES) - {"POP2-2C-8G-WIN"}
    assert {each.stock for each in bench.provider.sizes()} == {Stock.AVAILABLE}


def test_a_recovery_does_not_wait_for_the_price_list(bench: ScalewayBench) -> None:
    bench.service.fail(503, on="GET /product-catalog/", times=9)
    assert {each.price for each in bench.provider.candidates()} == {None}
    assert bench.provider.create(asked()).size == bench.offer.cheapest


def test_a_machine_without_user_data_is_never_started(bench: ScalewayBench) -> None:
    labels = labels_of(asked())
    bench.service.put("drill-i1", [f"{name}={value}" for name, value in labels.items()])
    made = bench.provider.create(asked(key=KEYS[1]))
    calls = [f"{each.method} {each.path.rsplit('/', 1)[1]}" for each in bench.service.asked]
    assert calls.index("PATCH cloud-init") < calls.index("POST action")
    assert made.host_key == KEYS[1].public


@pytest.mark.parametrize("broken", ["DELETE .*/ips/", "DELETE .*/volumes/", "DELETE .*/servers/"])
def test_an_end_that_broke_off_leaves_nothing_when_it_is_repeated(
    bench: ScalewayBench, broken: str
) -> None:
    made = bench.provider.create(asked())
    bench.service.fail(400, {"type": "invalid_arguments"}, on=broken)
    with pytest.raises(ConfigurationError):
        bench.provider.destroy(made.id)
    assert bench.machines() == 1, "what is left over is found through it"
    bench.provider.destroy(made.id)
    assert (bench.machines(), bench.leftovers()) == (0, ())


def test_the_address_stays_when_the_power_is_cut(bench: ScalewayBench) -> None:
    made = bench.provider.create(asked())
    bench.provider.power_off(made.id)
    bench.provider.power_on(made.id)
    assert bench.provider.find({}) == (made,)


def test_a_zone_where_nobody_looks_is_not_ordered_in(bench: ScalewayBench) -> None:
    with pytest.raises(ConfigurationError, match="zones"):
        bench.provider.create(asked(region="pl-waw-1"))
    assert bench.machines() == 0


def test_the_vendors_client_has_a_limit_of_time(bench: ScalewayBench) -> None:
    bench.service.lose_answer(on=bench.look, silent=True, times=4)
    begun = datetime.now(UTC)
    with pytest.raises(Unreachable, match="Timeout"):
        bench.provider.find({})
    assert (datetime.now(UTC) - begun).total_seconds() < 10
