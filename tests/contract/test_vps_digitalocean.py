"""What only DigitalOcean can show: tags and their end, scopes, SSH keys, one request an order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    OutOfStock,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from blocks.types import PowerState
from blocks.vps.digitalocean_shapes import fingerprint, labels_in, tag
from tests.contract.hosted_bench import KEYS, LOGIN, asked
from tests.contract.vps_digitalocean import DigitalOceanBench, digitalocean
from tests.fakes.digitalocean_api import SCOPES

# `ssh-keygen -l -E md5` says so.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHD+clLKH+mCz0K9nnRCXTi+ZwN6/KXvkg18ymFmV+AP"
KEY_MD5 = "e3:aa:ed:d4:8d:9a:a6:74:19:72:fe:9d:bd:e1:70:93"


@pytest.fixture
def bench() -> Iterator[DigitalOceanBench]:
    with digitalocean() as made:
        yield made


def test_a_label_is_a_tag_of_allowed_characters_and_comes_back() -> None:
    labels = {"managed-by": "continuity", "server": "web1.example_org", "purpose": "drill"}
    tags = [tag(name, value) for name, value in labels.items()]
    assert tags == ["managed-by:continuity", "server:web1_2eexample_5forg", "purpose:drill"]
    assert labels_in([*tags, "of-somebody-else"]) == labels


def test_a_key_has_the_fingerprint_that_ssh_keygen_says() -> None:
    assert fingerprint(f"{KEY} somebody@example.org") == KEY_MD5


def test_an_order_names_the_login_key_and_asks_for_no_agent(bench: DigitalOceanBench) -> None:
    bench.provider.create(asked())
    (order,) = [each.body for each in bench.service.asked if each.method == "POST"]
    assert order["ssh_keys"] == [fingerprint(LOGIN)]
    assert (order["image"], order["with_droplet_agent"]) == ("debian-12-x64", False)
    assert "incident:i1" in order["tags"]


def test_a_login_key_that_the_account_lacks_is_told(bench: DigitalOceanBench) -> None:
    bench.service.keys.clear()
    assert bench.provider.access().missing == ("aucune clé SSH dans le compte",)
    with pytest.raises(ConfigurationError, match="Add SSH key"):
        bench.provider.create(asked())
    assert bench.machines() == 0


def test_tags_that_others_carry_stay(bench: DigitalOceanBench) -> None:
    first, second = (bench.provider.create(asked(name)) for name in ("first", "second"))
    third = bench.provider.create(asked("third", key=KEYS[1]))
    bench.provider.destroy(third.id)
    assert bench.provider.find({"incident": "i1"}) == (first, second)
    bench.service.scopes.discard("tag:delete")
    bench.provider.destroy(second.id)
    bench.service.scopes.add("tag:delete")
    bench.provider.destroy(first.id)
    assert bench.leftovers() == ()


def test_a_stranger_with_our_id_keeps_its_tags(bench: DigitalOceanBench) -> None:
    other = bench.service.put("other", ["incident:i7", "managed-by:them"], "s-2vcpu-4gb", "fra1")
    bench.provider.destroy(str(other["id"]))
    assert bench.machines() == 1
    assert bench.leftovers() == ("incident:i7",)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("droplet:read", "lire les machines (droplet:read, tag:read)"),
        ("tag:read", "lire les machines (droplet:read, tag:read)"),
        ("sizes:read", "lire les tailles (sizes:read)"),
        ("ssh_key:read", "lire les clés SSH (ssh_key:read)"),
    ],
)
def test_each_scope_that_reads_is_seen(bench: DigitalOceanBench, scope: str, told: str) -> None:
    bench.service.scopes = set(SCOPES) - {scope}
    assert bench.provider.access().missing == (told,)


FLOATING = "203.0.113.250"


@pytest.mark.parametrize("scope", sorted(SCOPES - {"account:read", "ssh_key:read", "tag:delete"}))
def test_a_scope_that_is_missing_is_named(bench: DigitalOceanBench, scope: str) -> None:
    bench.service.scopes = set(SCOPES) - {scope}
    bench.give_address(FLOATING)

    def use_everything() -> None:
        made = bench.provider.create(asked())
        bench.provider.move_address(FLOATING, made.id)
        bench.provider.power_off(made.id)
        bench.provider.destroy(made.id)

    with pytest.raises(PermissionDenied, match=f"the scope {scope}"):
        use_everything()


def test_an_account_that_is_locked_is_told(bench: DigitalOceanBench) -> None:
    assert bench.provider.access().who == "ops@example.org, 100 Droplets au plus"
    bench.service.status = "locked"
    assert bench.provider.access().missing == ("compte locked : Please contact support.",)


@pytest.mark.parametrize(
    ("status", "message", "meant"),
    [
        (422, "Size is not available in this region.", OutOfStock),
        (422, "Region is not available", OutOfStock),
        (422, "creating this/these droplet(s) will exceed your droplet limit", OutOfStock),
        (403, "You have reached your droplet limit.", OutOfStock),
        (422, "Droplet already has a pending event.", Unavailable),
        (422, "You specified an invalid image for Droplet creation.", ConfigurationError),
        (403, "You do not have access for the attempted action.", PermissionDenied),
        (429, "API Rate limit exceeded.", RateLimited),
        (500, "Server Error", Unavailable),
    ],
)
def test_an_answer_means_what_it_says_and_is_not_asked_for_again(
    bench: DigitalOceanBench, status: int, message: str, meant: type[ContinuityError]
) -> None:
    body = {"id": "any", "message": message}
    bench.service.fail(status, body, on=bench.order, times=9, headers={"Retry-After": "0"})
    size = bench.provider.sizes()[0]
    with pytest.raises(meant) as refused:
        bench.provider._order(asked(), size, "fra1", "#cloud-config")
    assert type(refused.value) is meant
    assert message in str(refused.value)
    assert bench.service.count(bench.order) == 1


def test_power_is_asked_for_again_while_an_action_runs(bench: DigitalOceanBench) -> None:
    made = bench.provider.create(asked())
    bench.provider.power_off(made.id)
    bench.service.looks_until_active = 4
    bench.provider._switch(made, PowerState.ON)
    bench.provider.power_off(made.id)
    assert bench.provider.find({})[0].power is PowerState.OFF
