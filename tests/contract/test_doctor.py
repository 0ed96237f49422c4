"""`continuity doctor` over a whole estate of real things: their keys, good and bad."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from blocks.errors import ConfigurationError
from deployments.cli.main import commands
from flows.decisions.doctor import Diagnosis, Health, Thing
from flows.decisions.doctor_machines import Use
from flows.decisions.recovery_plan import TargetChoice
from flows.tasks.doctor import Subject, diagnose
from flows.tasks.doctor_looks import look_at_provider
from tests.contract.doctor_world import DoctorWorld, doctor_world
from tests.contract.hosted_bench import HostedBench
from tests.contract.hosted_providers import HOSTED

# octodns-bind 1.1 calls parts of octoDNS 1.22 that go away in 2.0; the versions are pinned.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Rr:DeprecationWarning", "ignore:.*from_rrs:DeprecationWarning"
)
STATES = {
    "providers hetzner": "doubt",
    "repositories principal": "doubt",
    "archives journal": "doubt",
    "zones zone": "good",
    "notifiers equipe": "good",
    "probe probe": "good",
    "witnesses temoin": "good",
    "alerts robot": "doubt",
    "alerts pingdom": "untried",
    "heartbeats backup": "untried",
    "servers web1": "good",
    "servers web1 database": "good",
    "client_mail client-mail": "good",
    "status_page status-page": "good",
}
"""A doubt is what nobody can see without a change; nothing here is good that was not tried."""
WRONG = (
    {
        "hetzner": ("providers hetzner", "the API at hetzner-vps/hetzner : refused"),
        "s3-server": ("repositories principal", "clé « serveur » : SignatureDoesNotMatch"),
        "tsig": ("zones zone", "BadSig"),
        "witness-key": ("witnesses temoin", "is not accepted for root"),
        "database": ("servers web1 database", "continuity@127.0.0.1"),
        "page-key": ("status_page status-page", "refused the key"),
    },
    {
        "restic": ("repositories principal", "mot de passe : aucun jeu de web1 ne s'ouvre"),
        "s3-agent": ("archives journal", "clé « serveur » : SignatureDoesNotMatch"),
        "mail": ("notifiers equipe", "refused the login of pra (535)"),
        "monitor-token": ("alerts robot", "refuses the token"),
        "client-mail": ("client_mail client-mail", "refused the login of pra (535)"),
    },
)
"""By secret the thing that a wrong one makes red, and words that say why.

What is wrong in one half is right in the other: there it must be as in a good estate.
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoctorWorld]:
    with doctor_world(tmp_path_factory.mktemp("doctor")) as made:
        yield made


@pytest.fixture(scope="module")
def good(world: DoctorWorld) -> Result:
    return doctor(world, world.write(), "--json")


def doctor(world: DoctorWorld, file: Path, *words: str) -> Result:
    """Run the command; whatever it is asked and says, no secret may be part of it."""
    result = CliRunner().invoke(commands, ["doctor", "--estate", str(file), *words])
    assert [each for each in world.every_secret() if each in result.output] == []
    return result


def things(result: Result) -> dict[str, dict[str, Any]]:
    assert result.stdout, result.exception
    found = json.loads(result.stdout)["things"]
    return {f"{each['section']} {each['name']} {each['part']}".strip(): each for each in found}


def test_a_good_estate_is_tried_and_left_as_it_is(world: DoctorWorld, good: Result) -> None:
    zone = world.estate["zones"][0]["zone"]
    found = things(good)
    assert {key: each["state"] for key, each in found.items()} == STATES, found
    assert good.exit_code == 0
    assert world.bind.serial(zone, world.bind.port) == 1
    assert (world.boxes.received, world.pings.heard) == ([], [])
    assert not list((world.folder / "status.git/refs/heads").iterdir())
    assert {each.method for each in world.hetzner.asked} == {"GET"}


def test_what_it_says_of_each(good: Result) -> None:
    found = things(good)
    machine = found["providers hetzner"]
    assert "machine pour web1 : cx33" in machine["may"]
    assert "créer et détruire" in machine["doubts"][0], "the API does not tell, so it is not good"
    (cost,) = machine["costs"]
    assert (cost["hour"], cost["month"], cost["currency"]) == ("0.0123", "8.98", "EUR")
    assert cost["drill"].startswith("au plus 0,11 € hors taxes (plafond 5 €)")
    store = found["repositories principal"]
    assert "lire 1 jeu (mot de passe bon)" in store["may"]
    assert store["doubts"] == ["droits des clés : jamais essayés"]
    assert store["hint"] == "continuity repository check principal"
    assert (store["costs"][0]["month"], store["costs"][0]["per_tb"]) == ("7.99", True)
    assert found["servers web1"]["who"] == "root@127.0.0.1"
    assert found["servers web1 database"]["who"] == "continuity@localhost"
    assert found["zones zone"]["may"] == ["changer 1 nom (à blanc)"]
    assert "voir 1 moniteur" in found["alerts robot"]["may"]
    assert "signal" in found["heartbeats backup"]["doubts"][0]


@pytest.mark.parametrize("wrong", WRONG, ids=["first half", "second half"])
def test_wrong_secrets_make_their_own_things_red_and_no_others(
    world: DoctorWorld, wrong: dict[str, tuple[str, str]]
) -> None:
    result = doctor(world, world.write(*wrong), "--json")
    found = things(result)
    assert result.exit_code == 3
    for thing, why in wrong.values():
        assert found[thing]["state"] == "bad", found[thing]
        assert why in " ".join(found[thing]["missing"])
        assert found[thing]["hint"]
    red = {thing for thing, _ in wrong.values()}
    others = {key: each["state"] for key, each in found.items() if key not in red}
    assert others == {key: state for key, state in STATES.items() if key not in red}


def test_a_server_that_refuses_us_takes_its_database_with_it(world: DoctorWorld) -> None:
    result = doctor(world, world.write("ssh-key"), "--section", "servers")
    assert result.exit_code == 3
    assert "✗ servers web1 : REFUSÉ OU INCOMPLET" in result.stdout
    assert "2 éléments du fichier du parc : 2 en rouge." in result.stdout


def test_no_secret_is_shown_when_everything_is_wrong(world: DoctorWorld) -> None:
    assert len(world.every_secret()) > 30
    shown = doctor(world, world.write(*world.wrong))
    assert shown.exit_code == 3
    assert "11 en rouge" in shown.stdout


def test_a_token_that_may_only_read_is_never_good(world: DoctorWorld) -> None:
    world.hetzner.read_only = True
    try:
        found = things(doctor(world, world.write(), "--section", "providers", "--json"))
    finally:
        world.hetzner.read_only = False
    assert found["providers hetzner"]["state"] != "good"


def test_a_silent_api_ends_in_time_and_the_others_are_shown(world: DoctorWorld) -> None:
    world.hetzner.lose_answer(silent=True)
    patient = [world.estate["providers"][0] | {"timeout_seconds": 60}]
    began = time.monotonic()
    result = doctor(world, world.write(providers=patient), "--json", "--deadline", "2")
    took = time.monotonic() - began
    found = things(result)
    assert found["providers hetzner"]["state"] == "silent"
    assert "did not answer within 2 s" in found["providers hetzner"]["missing"][0]
    assert {key: each["state"] for key, each in found.items()} == STATES | {
        "providers hetzner": "silent"
    }
    assert result.exit_code == 3
    assert took < 6


def test_a_size_that_does_not_fit_and_a_place_that_is_not_there(world: DoctorWorld) -> None:
    (server,) = world.estate["servers"]
    for target, why in (
        ({"provider": "hetzner", "size": "cx99"}, "cx99 : pas proposée (cx23, cx33, cx43)"),
        ({"provider": "hetzner", "region": "mars1"}, "aucune taille : pas proposée (rien)"),
    ):
        file = world.write(servers=[server | {"targets": [target]}])
        (found,) = things(doctor(world, file, "hetzner", "--json")).values()
        assert (found["state"], why in found["missing"][0]) == ("bad", True), found
        assert found["hint"].startswith("servers: targets:")


def test_a_secret_that_is_not_there_is_one_red_thing(world: DoctorWorld) -> None:
    file = world.write()
    (file.parent / "tsig").unlink()
    found = things(doctor(world, file, "--section", "zones", "--section", "probe", "--json"))
    assert found["probe probe"]["state"] == "good"
    assert "does not exist" in found["zones zone"]["missing"][0]


def test_the_table_fits_and_the_reasons_follow(world: DoctorWorld) -> None:
    shown = doctor(world, world.write("tsig")).stdout
    table, _, rest = shown.partition("✗ zones zone : REFUSÉ OU INCOMPLET")
    assert max(map(len, table.splitlines())) <= 100
    assert len(table.splitlines()) < 35
    for word in ("providers", "hetzner", "web1 (base)", "0,0123 · 8,98 €"):
        assert word in table
    assert "à faire : " in rest
    assert "Ce que ça coûterait, hors taxes" in rest
    assert "14 éléments du fichier du parc" in rest


@pytest.fixture(params=HOSTED)
def bench(request: pytest.FixtureRequest) -> Iterator[HostedBench]:
    with HOSTED[request.param]() as made:
        yield made


def test_every_provider_tells_who_we_are_what_is_missing_and_what_it_costs(
    bench: HostedBench,
) -> None:
    thing, name = Thing("providers", "new"), "new"
    use = Use("web1", TargetChoice(name, "", ""), alone=True)

    def look() -> Diagnosis:
        return diagnose([Subject(thing, partial(look_at_provider, thing, lambda: bench.provider,
                                                [use], (), {}))], {}, 20)[0]  # fmt: skip

    found = look()
    assert found.health in (Health.GOOD, Health.DOUBT), found
    assert found.who
    (cost,) = found.costs
    assert (cost.about, cost.currency) == (f"web1 : {bench.offer.cheapest}", bench.currency)
    assert cost.month is not None
    assert cost.month > 1
    bench.take_right()
    assert look().health is not Health.GOOD, "never good without the right to order"
    assert (bench.machines(), bench.leftovers()) == (0, ())
    bench.expire()
    refused = look()
    assert refused.health is Health.BAD
    assert refused.hint
    assert bench.secret not in str(refused)


def test_names_that_the_file_does_not_have(world: DoctorWorld) -> None:
    said = doctor(world, world.write(), "hetzner", "nobody").exception
    assert isinstance(said, ConfigurationError)
    assert "hetzner" in said.hint
