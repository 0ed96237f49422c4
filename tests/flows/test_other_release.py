"""A server of Debian 12 recovered where only Debian 13 is to be had."""

from __future__ import annotations

import pytest

from blocks.repositories.journal import Journal
from flows.drill import drill
from tests.fakes.memory_machine import MemoryFile, MemoryMachine
from tests.flows.world import INCIDENT, World, killed_after

POOL, OLD, NEW = "fpm/pool.d/shop.conf", "/etc/php/8.2", "/etc/php/8.4"
OFFERED = {"cron", "mariadb-server", "nginx", "php8.4-fpm", "php8.4-mysql"}


@pytest.fixture
def moving(world: World) -> World:
    """The world with PHP on the server, whose next machines are of Debian 13."""
    here = world.server.machine
    here.packages += ["neofetch", "php8.2-fpm", "php8.2-mysql"]
    for running in (here.enabled, here.running):
        running.add("php8.2-fpm")
    here.files[f"{OLD}/{POOL}"] = MemoryFile(b"[shop]")
    for path in (f"{OLD}/fpm/php.ini", "/etc/nginx/mime.types"):
        here.files[path] = MemoryFile(b"of Debian 12")
        here.untouched.add(path)
    world.provider = world.provider.model_copy(update={"debian": "13"})
    world.server.world.make = lambda address: MemoryMachine(
        address, release="13", known_packages=set(OFFERED)
    )
    with world.provided():
        world.back_up()
        world.lose()
        yield world


def test_everything_comes_back_by_sql_under_the_new_names(moving: World) -> None:
    report = moving.recover()
    (made,) = moving.machines()
    there = moving.server.at(made.address, made.host_key).machine
    assert report["verdict"] == "recovered"
    assert there.running == {"nginx", "mariadb", "cron", "php8.4-fpm", "links.timer"}
    assert there.files[f"{NEW}/{POOL}"].content == b"[shop]"
    assert not {f"{OLD}/{POOL}", f"{NEW}/fpm/php.ini", "/etc/nginx/mime.types"} & there.files.keys()
    assert there.database is not None
    assert there.database.version.startswith("11.8")
    assert there.database.schemas["shop"]["orders"].rows == ["one", "two"]
    assert there.database.canaries


def test_plan_and_report_say_what_is_different(moving: World) -> None:
    report = moving.recover()
    plan = Journal(moving.repository.state(), INCIDENT).document("plan.json")
    assert plan is not None
    assert any("PHP 8.2 → 8.4" in each for each in plan["warnings"])  # type: ignore[attr-defined]
    said = "\n".join(report["to_check"])  # type: ignore[arg-type]
    for expected in ("PHP 8.2 → 8.4 : vérifier les sites", "neofetch", "MariaDB 10.11"):
        assert expected in said


def test_on_the_same_release_nobody_is_told_anything(world: World) -> None:
    world.back_up()
    world.lose()
    assert world.recover()["to_check"] == []


@pytest.mark.parametrize("step", ["packages", "configuration", "database", "web"])
def test_killed_on_the_way_it_goes_on_where_it_was(moving: World, step: str) -> None:
    with killed_after(step), pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        moving.recover()
    assert moving.recover()["verdict"] == "recovered"


def test_a_drill_goes_the_same_way(moving: World) -> None:
    assert drill("web1")["verdict"] == "recovered"
