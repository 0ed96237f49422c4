"""What only OVH can show: names that hold labels, hosts that are not found, rules one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    OutOfStock,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
)
from blocks.types import PowerState, Stock
from blocks.vps.ovh_shapes import CALLS
from tests.contract.hosted_bench import asked
from tests.contract.vps_ovh import CONSUMER, OvhBench, ovh
from tests.fakes.ovh_auth import METHODS, Credential, refusal
from tests.fakes.ovh_cloud_api import PROJECT

PAGE = Path(__file__).resolve().parents[2] / "docs/fournisseurs/ovh.md"
CATALOG = r"GET .*/order/catalog"


@pytest.fixture
def bench() -> Iterator[OvhBench]:
    with ovh() as made:
        yield made


# --- names ---


def test_an_instance_that_looks_like_ours_and_cannot_be_read_stops_everything(
    bench: OvhBench,
) -> None:
    made = bench.provider.create(asked())
    name = bench.service.instances[made.id]["name"]
    bench.service.put(name[:60])
    for act in (lambda: bench.provider.find({}), lambda: bench.provider.create(asked("other"))):
        with pytest.raises(ProviderError, match=re.escape(name[:60])):
            act()
    assert bench.machines() == 2


def test_a_name_that_cannot_hold_the_tags_is_refused_before_anything_is_made(
    bench: OvhBench,
) -> None:
    with pytest.raises(ConfigurationError, match="255"):
        bench.provider.create(asked("drill-" + "x" * 200))
    assert bench.machines() == 0


def test_the_address_is_the_public_one(bench: OvhBench) -> None:
    assert bench.provider.create(asked()).address.startswith("198.51.100.")


# --- states ---


def test_an_instance_that_runs_and_has_no_address_yet_is_waited_for(bench: OvhBench) -> None:
    bench.service.looks_until_address = 5
    assert bench.provider.create(asked()).address
    assert bench.service.count(r"/start$") == 0


def test_an_instance_for_which_no_host_is_found_is_removed(bench: OvhBench) -> None:
    bench.sell_out("c3-8", told=False)
    with pytest.raises(OutOfStock, match="no host"):
        bench.provider.create(asked(size="c3-8"))
    assert bench.machines() == 0


def test_an_instance_that_failed_before_it_was_adopted_is_named(bench: OvhBench) -> None:
    bench.sell_out("c3-8", told=False)
    bench.service.lose_answer(on=bench.order)
    with pytest.raises(ProviderError, match="could not be built") as refused:
        bench.provider.create(asked(size="c3-8"))
    (left,) = bench.service.instances
    assert left in str(refused.value)
    bench.provider.destroy(left)
    assert bench.machines() == 0


@pytest.mark.parametrize(
    ("status", "power"),
    [
        ("REBOOT", PowerState.ON),
        ("MIGRATING", PowerState.ON),
        ("RESCUE", PowerState.ON),
        ("UNKNOWN", PowerState.ON),
        ("ERROR", PowerState.ON),
        ("SHELVED_OFFLOADED", PowerState.OFF),
        ("STOPPED", PowerState.OFF),
    ],
)
def test_what_may_still_serve_is_not_called_off(
    bench: OvhBench, status: str, power: PowerState
) -> None:
    made = bench.provider.create(asked())
    bench.service.instances[made.id]["status"] = status
    assert bench.provider.find({})[0].power is power


def test_one_that_is_being_deleted_is_not_there(bench: OvhBench) -> None:
    made = bench.provider.create(asked())
    bench.service.instances[made.id]["status"] = "SOFT_DELETED"
    assert bench.provider.find({}) == ()
    with pytest.raises(NotFound):
        bench.provider.power_on(made.id)


# --- sizes, prices, images ---


def test_windows_and_bare_metal_are_not_offered(bench: OvhBench) -> None:
    assert [each.name for each in bench.provider.sizes()] == ["d2-4", "c3-8", "b3-16", "r3-32"]


@pytest.mark.parametrize("in_gib", [False, True], ids=["MiB", "GiB"])
def test_memory_is_read_in_either_unit(bench: OvhBench, in_gib: bool) -> None:
    bench.service.memory_in_gib = in_gib
    sizes = {each.name: each.memory / 1024**3 for each in bench.provider.sizes()}
    assert sizes["b3-16"] == pytest.approx(16, rel=0.05)
    assert sizes["d2-4"] == pytest.approx(4, rel=0.05)


def test_a_price_is_an_hours_in_the_catalogues_currency(bench: OvhBench) -> None:
    prices = {each.name: (str(each.price), each.currency) for each in bench.provider.sizes()}
    assert prices["b3-16"] == ("0.1023", "EUR")
    for _ in range(3):
        bench.provider.candidates()
    assert bench.service.count(CATALOG) == 1


@pytest.mark.parametrize("answer", [(503, None), (200, {"odd": True})], ids=["503", "unreadable"])
def test_a_recovery_does_not_wait_for_prices(bench: OvhBench, answer: tuple[int, object]) -> None:
    bench.service.fail(*answer, on=CATALOG, times=9)
    assert {each.price for each in bench.provider.sizes()} == {None}
    assert bench.provider.create(asked()).size == "c3-8"
    assert bench.service.count(CATALOG) == 1


def test_an_image_that_is_not_there_is_a_mistake_of_the_estate(bench: OvhBench) -> None:
    provider = bench.provider.model_copy(update={"debian": "13"})
    with pytest.raises(ConfigurationError, match=r"Debian 13 .*GRA11"):
        provider.create(asked())
    assert bench.machines() == 0


def test_room_tells_the_quota(bench: OvhBench) -> None:
    bench.limit(2)
    assert bench.provider.room().left == 2
    bench.limit(0)
    told = bench.provider.room()
    assert (told.stock, told.left) == (Stock.SOLD_OUT, 0)


def test_an_order_says_where_of_what_and_for_how_long(bench: OvhBench) -> None:
    bench.provider.create(asked(region="SBG5"))
    (sent,) = [each.body for each in bench.service.asked if each.body and each.method == "POST"]
    assert (sent["region"], sent["flavorId"], sent["imageId"]) == ("SBG5", "SBG5-c3-8", "image-2")
    assert sent["monthlyBilling"] is False
    assert "sshKeyId" not in sent
    assert bench.provider.find({})[0].region == "SBG5"


# --- rights and refusals ---


def test_a_key_with_the_rules_of_the_page_is_enough(bench: OvhBench) -> None:
    rules = re.findall(r"^\| (GET|POST|DELETE) \| `(/\S+)` \|", PAGE.read_text("utf-8"), re.M)
    bench.grant(*((method, path.replace("PROJET", PROJECT)) for method, path in rules))
    assert {(m, p.replace("PROJET", "{project}")) for m, p in rules} == {
        ("GET", "/auth/currentCredential"),
        *CALLS,
    }
    assert bench.provider.access().missing == ()
    made = bench.provider.create(asked())
    bench.provider.power_off(made.id)
    bench.provider.power_on(made.id)
    bench.provider.destroy(made.id)


def test_the_link_of_the_page_asks_for_the_same_rules(bench: OvhBench) -> None:
    (link,) = re.findall(r"createToken/\?(\S+)", PAGE.read_text("utf-8"))
    asked_for = sorted(each.replace("PROJET", "{project}") for each in link.split("&"))
    needed = [("GET", "/auth/currentCredential"), *CALLS]
    assert asked_for == sorted(f"{method}={path}" for method, path in needed)


@pytest.mark.parametrize("lacking", CALLS, ids=" ".join)
def test_a_rule_that_is_missing_is_named(bench: OvhBench, lacking: tuple[str, str]) -> None:
    rule = " ".join(lacking).format(project=PROJECT)
    bench.grant(*(each for each in CALLS if each != lacking))
    if lacking != ("GET", "/cloud/project/{project}"):
        assert bench.provider.access().missing == (rule,)
    with pytest.raises(PermissionDenied, match=re.escape(f"{rule}:")):
        everything(bench)


def everything(bench: OvhBench) -> None:
    with bench.provider._api("read the project and its quota") as api:
        api.get(api.root)
        api.get(f"{api.root}/quota")
    made = bench.provider.create(asked())
    bench.provider.power_off(made.id)
    bench.provider.power_on(made.id)
    bench.provider.destroy(made.id)


def test_a_key_for_everything_lacks_nothing(bench: OvhBench) -> None:
    bench.service.credentials[CONSUMER] = Credential([(method, "/*") for method in METHODS])
    seen = bench.provider.access()
    assert seen.missing == ()
    assert "continuité" in seen.who
    assert "2027-11-01" in seen.who
    assert any("0 instances sur 100" in each for each in seen.may)


@pytest.mark.parametrize("part", ["application_key", "application_secret", "consumer_key"])
def test_each_part_of_the_key_is_compared_and_none_is_shown(bench: OvhBench, part: str) -> None:
    values = bench.provider.model_dump() | {part: "wrong-" + part}
    with pytest.raises(AuthenticationFailed, match="consumer key") as refused:
        type(bench.provider).model_validate(values).find({})
    assert "wrong-" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (403, "Quota exceeded for cores: Requested 4, but already used 20 of 20", OutOfStock),
        (412, "Precondition failed", OutOfStock),
        (409, "Conflict", OutOfStock),
        (500, "No valid host was found. There are not enough hosts available.", OutOfStock),
        (400, "Flavor c3-8 is not available in region GRA11", OutOfStock),
        (400, "Invalid parameter region", ConfigurationError),
        (403, "User is not allowed to do this", PermissionDenied),
        (429, "Too many requests", RateLimited),
        (500, "Internal server error", Unavailable),
        (503, "Service unavailable", Unavailable),
    ],
)
def test_a_refused_order_is_what_it_says(
    bench: OvhBench, status: int, words: str, kind: type[ContinuityError]
) -> None:
    answer = refusal(status, "ANY", words)
    bench.service.fail(status, answer.body, on=bench.order)
    with pytest.raises(kind, match=re.escape(words)) as refused:
        bench.provider.create(asked(size="c3-8"))
    assert refused.value.hint
    assert bench.machines() == 0


def test_a_conflict_with_a_running_change_passes(bench: OvhBench) -> None:
    made = bench.provider.create(asked())
    busy = refusal(409, "CONFLICT", "Instance is in task_state powering-on")
    bench.service.fail(409, busy.body, on=r"/stop$")
    bench.provider.power_off(made.id)
    assert bench.service.instances[made.id]["status"] == "SHUTOFF"
