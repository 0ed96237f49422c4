"""Retention of a server with two repositories: each with its own keys, sets, locks and record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks import registry
from blocks.errors import DamagedData, LeaseHeld, PermissionDenied, UnsafePlan
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.lease import LeaseKeeper
from blocks.servers.protected import Retention
from blocks.types import KeyRole
from flows.rewind import rewind
from flows.tasks.incident import open_estate
from flows.tasks.rewind_steps import plan_of
from tests.fakes.memory_repository import MemoryRepository
from tests.flows.world import World, set_ids, two_repositories

DAY = timedelta(days=1)
GONE = PermissionDenied("bucket", "the account is closed", "call the provider")


@pytest.fixture
def world() -> Iterator[World]:
    with two_repositories() as made:
        yield made


def soonest(repository: MemoryRepository) -> timedelta:
    """How long the shortest lock on anything that can be seen below web1 lasts from now."""
    seen = repository.versions(KeyRole.PRUNE)
    visible = [v for v in seen.versions("web1/") if v.newest and not v.hidden]
    locks = [seen.lock(each.key, each.id) for each in visible]
    return min(lock.until for lock in locks if lock) - datetime.now(UTC)


def test_old_sets_go_and_locks_grow_in_both(world: World) -> None:
    world.back_up()
    newest = world.back_up_later()
    told = world.retain()
    assert ["dépôt main" in told[0], "dépôt second" in told[1]] == [True, True]
    assert all("1 jeu retiré" in each for each in told)
    for repository in (world.repository, world.second):
        assert set_ids(repository) == [newest]
        kept = {ref.id for ref in Catalogue(repository).read("web1", newest).snapshots}
        assert {each.id for each in repository.snapshots("web1")} == kept
        assert soonest(repository) > 13 * DAY
    assert all("0 jeu retiré" in each for each in world.retain())


@pytest.mark.parametrize("gone", ["main", "second"])
def test_one_that_is_gone_ends_the_run_red_and_the_other_has_its_turn(
    world: World, gone: str
) -> None:
    world.back_up()
    newest = world.back_up_later()
    there = {"main": world.repository, "second": world.second}
    there.pop(gone).destroy(GONE)
    with pytest.raises(PermissionDenied, match="the account is closed"):
        world.retain()
    (left,) = there.values()
    assert set_ids(left) == [newest]
    assert soonest(left) > 13 * DAY
    notice = world.notifier.threads[-1].notice
    assert notice.failed
    assert f"web1 (dépôt {gone})" in notice.text


def test_an_attack_on_the_copy_is_told_of_it_and_undone_there(world: World) -> None:
    made = world.back_up()
    objects = world.second.objects()
    key = objects.list("web1/restic/data/")[0].key
    before, moment = objects.get(key), datetime.now(UTC)
    objects.put(key, b"evil")
    with pytest.raises(DamagedData, match="rewind second --to"):
        world.retain()
    assert soonest(world.repository) > 13 * DAY
    estate = open_estate("web1")
    plan = plan_of(estate.only("second"), moment)
    rewind("web1", moment, plan.digest, "second")
    assert objects.get(key) == before
    assert plan_of(estate.only("main"), datetime.now(UTC)).empty
    assert len(world.retain()) == 2
    assert set_ids(world.second) == [made]


def test_what_one_lost_says_nothing_of_the_other(world: World) -> None:
    first = world.back_up()
    newest = world.back_up_later()
    world.retain(last=2)
    Catalogue(world.second).remove("web1", first)
    with pytest.raises(UnsafePlan, match="1 of 2 sets vanished"):
        world.retain()
    assert set_ids(world.repository) == [newest]
    assert len(world.second.snapshots("web1")) == 2 * len(world.repository.snapshots("web1"))


def test_what_the_rule_no_longer_keeps_is_not_copied_again(world: World) -> None:
    rule = Retention(last=1, daily=0, weekly=0, monthly=0)
    first = world.back_up()
    world.repository.objects().put(f"web1/sets/{first}-junk/manifest.json", b"{}")
    world.back_up_later()
    with pytest.raises(UnsafePlan, match="junk cannot be used"):
        world.retain()
    assert len(set_ids(world.repository)) == 2, "a damaged set stops the first repository"
    assert len(set_ids(world.second)) == 1
    registry.provide(world.blocks(retention=rule))
    newest = world.back_up_later()
    assert first not in set_ids(world.second)
    assert newest in set_ids(world.second)


def test_a_backup_that_only_the_copy_knows_of_keeps_retention_away(world: World) -> None:
    world.back_up()
    world.back_up_later()
    world.repository.destroy(GONE)
    holding = LeaseKeeper(world.second.state(), subject="backup-web1", owner="backup-1", ttl=DAY)
    with holding, pytest.raises(LeaseHeld, match="backup-1"):
        world.retain()
    assert len(set_ids(world.second)) == 2
