"""What every provider with an API promises on its bad days: never two machines, none lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    OutOfStock,
    PermissionDenied,
)
from blocks.types import MachineNeeds, PowerState, Stock
from blocks.vps.choice import HOSTED_NEEDS
from blocks.vps.cloud_init import LIMIT, user_data
from tests.contract.hosted_bench import KEYS, HostedBench, asked
from tests.contract.hosted_providers import HOSTED


@pytest.fixture(params=HOSTED)
def bench(request: pytest.FixtureRequest) -> Iterator[HostedBench]:
    with HOSTED[request.param]() as made:
        yield made


def test_a_size_follows_from_what_is_needed_and_has_a_live_price(bench: HostedBench) -> None:
    tried = bench.provider.candidates()
    assert [each.name for each in tried][:2] == [bench.offer.cheapest, bench.offer.next]
    for each in tried:
        assert each.cores >= HOSTED_NEEDS.cores
        assert each.disk >= HOSTED_NEEDS.disk
        assert each.price is not None
        assert each.price > 0
        assert each.currency == bench.currency
    assert bench.offer.small in [each.name for each in bench.provider.sizes()]
    assert bench.provider.create(asked()).size == bench.offer.cheapest


def test_no_machine_is_smaller_than_the_data(bench: HostedBench) -> None:
    sizes = bench.provider.candidates(bench.offer.small)
    assert [each.name for each in sizes] == [bench.offer.small]
    if sizes[0].grows:
        wanted = MachineNeeds(disk=sizes[0].disk * 3)
        grown = bench.provider.candidates(bench.offer.small, needs=wanted)
        assert grown[0].disk == wanted.disk
        assert grown[0].price is not None
        assert sizes[0].price is not None
        assert grown[0].price > sizes[0].price
        return
    needs = MachineNeeds(disk=sizes[0].disk + 1)
    with pytest.raises(OutOfStock, match="disk"):
        bench.provider.create(asked(size=bench.offer.small, needs=needs))
    assert bench.machines() == 0


@pytest.mark.parametrize("silent", [False, True], ids=["cut", "silent"])
def test_an_order_whose_answer_is_lost_is_adopted(bench: HostedBench, silent: bool) -> None:
    bench.service.lose_answer(on=bench.order, silent=silent)
    made = bench.provider.create(asked())
    assert made.power is PowerState.ON
    assert (bench.machines(), bench.service.count(bench.order)) == (1, 1)
    assert bench.provider.create(asked(key=KEYS[1])) == made
    assert made.host_key == KEYS[0].public


@pytest.mark.parametrize("answer", [(503, None), (200, {"odd": True})], ids=["503", "unreadable"])
def test_an_order_that_is_answered_wrongly_is_adopted(
    bench: HostedBench, answer: tuple[int, object]
) -> None:
    bench.service.fail(*answer, on=bench.order, after=True)
    bench.provider.create(asked())
    assert bench.machines() == 1


def test_a_run_that_died_while_waiting_finds_its_machine(bench: HostedBench) -> None:
    made = bench.provider.create(asked(expires_at=datetime.now(UTC) + timedelta(hours=2)))
    bench.provider.power_off(made.id)
    again = bench.provider.model_copy().create(asked(key=KEYS[1]))
    assert (again.id, again.power, again.host_key) == (made.id, PowerState.ON, KEYS[0].public)
    assert bench.machines() == 1


def test_a_size_that_is_told_to_be_sold_out_is_not_ordered(bench: HostedBench) -> None:
    bench.sell_out(bench.offer.cheapest)
    assert bench.provider.create(asked()).size == bench.offer.next
    assert bench.service.count(bench.order) <= 2


def test_a_size_that_is_sold_out_when_it_is_ordered_gives_way_to_the_next(
    bench: HostedBench,
) -> None:
    bench.sell_out(bench.offer.cheapest, told=False)
    assert bench.provider.create(asked()).size == bench.offer.next
    assert bench.machines() == 1


def test_a_named_size_that_is_sold_out_is_out_of_stock(bench: HostedBench) -> None:
    bench.sell_out(bench.offer.cheapest, told=False)
    with pytest.raises(OutOfStock) as refused:
        bench.provider.create(asked(size=bench.offer.cheapest))
    assert bench.offer.cheapest in str(refused.value)
    assert refused.value.hint
    assert bench.machines() == 0


def test_room_is_what_the_provider_tells(bench: HostedBench) -> None:
    assert bench.provider.room().stock in (Stock.AVAILABLE, Stock.UNKNOWN)
    assert bench.provider.room("no-such-size").stock is Stock.SOLD_OUT
    assert bench.service.count(bench.order) == 0


def test_a_quota_that_is_used_up_is_out_of_stock(bench: HostedBench) -> None:
    bench.limit(0)
    with pytest.raises(OutOfStock) as refused:
        bench.provider.create(asked())
    assert refused.value.hint
    assert bench.machines() == 0


def test_a_token_without_the_right_is_told_which(bench: HostedBench) -> None:
    bench.take_right()
    with pytest.raises(PermissionDenied) as refused:
        bench.provider.create(asked())
    assert bench.right in str(refused.value)
    assert bench.machines() == 0


def test_credentials_that_are_refused_are_named_and_not_shown(bench: HostedBench) -> None:
    bench.expire()
    for act in (
        bench.provider.access,
        lambda: bench.provider.find({}),
        lambda: bench.provider.create(asked()),
    ):
        with pytest.raises(AuthenticationFailed) as refused:
            act()
        assert bench.secret not in str(refused.value)
        assert refused.value.hint


def test_a_look_is_repeated_when_the_provider_asks_for_patience(bench: HostedBench) -> None:
    bench.provider.create(asked())
    for status in (429, 503):
        bench.service.fail(status, on=bench.look, headers={"Retry-After": "0"})
        assert len(bench.provider.find({"purpose": "drill"})) == 1


def test_a_machine_ends_once_and_leaves_nothing_to_pay(bench: HostedBench) -> None:
    made = bench.provider.create(asked())
    bench.service.lose_answer(on=bench.end)
    for _ in range(2):
        bench.provider.destroy(made.id)
        assert bench.machines() == 0
    assert bench.leftovers() == ()


def test_the_sweep_finds_exactly_ours(bench: HostedBench) -> None:
    bench.stranger()
    # More than a page of them.
    names = [f"drill-i{number}" for number in range(5)]
    for name in names:
        bench.provider.create(asked(name))
    found = bench.provider.find({"managed-by": "continuity", "purpose": "drill"})
    assert sorted(each.name for each in found) == names
    assert bench.provider.find({"managed-by": "continuity", "purpose": "recovery"}) == ()
    for each in found:
        bench.provider.destroy(each.id)
    assert bench.machines() == 1
    assert bench.provider.find({}) == ()


def test_a_machine_carries_all_that_is_known_of_it(bench: HostedBench) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    made = bench.provider.create(asked(expires_at=ends))
    assert (made.name, made.tags, made.expires_at) == ("drill-i1", asked().tags, ends)
    assert made.host_key == KEYS[0].public
    assert made.region
    assert bench.provider.find({}) == (made,)


def test_the_user_data_arrives_whole_and_within_the_limit(bench: HostedBench) -> None:
    bench.provider.create(asked())
    sent = bench.user_data("drill-i1")
    assert sent == user_data(asked())
    assert len(sent.encode()) <= LIMIT


def test_what_is_not_offered_is_a_mistake_of_the_estate(bench: HostedBench) -> None:
    with pytest.raises(ConfigurationError, match="no-such-size") as refused:
        bench.provider.create(asked(size="no-such-size"))
    assert bench.offer.cheapest in refused.value.hint
