"""The backup procedure over memory blocks: order, failures, what is kept."""

from __future__ import annotations

import pytest

from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ContinuityError,
    DamagedData,
    DiskFull,
    HostKeyMismatch,
    NotFound,
    Unavailable,
    Unreachable,
)
from blocks.repositories.catalogue import Catalogue
from blocks.types import Part
from tests.fakes.memory_machine import MemoryService
from tests.flows.world import World


def sets(world: World):
    return Catalogue(world.repository).list("web1").sets


def test_a_set_holds_every_part(world: World) -> None:
    made = world.back_up()
    (only,) = sets(world)
    assert only.id == made
    assert {(ref.part, ref.subject) for ref in only.snapshots} == {
        (Part.PHYSICAL, "web1"),
        (Part.DATABASE, "shop"),
        (Part.DATABASE, "continuity"),
        (Part.GRANTS, "web1"),
        (Part.SITE, "shop"),
        (Part.SITE, "brochure"),
        (Part.CONFIGURATION, "web1"),
    }
    assert only.read_back.objects > 0
    assert only.position is not None
    assert only.consistent_at == only.position.at


def test_databases_are_taken_before_files(world: World) -> None:
    world.back_up()
    order = [each.label.part for each in world.repository.snapshots("web1")]
    assert order.index(Part.PHYSICAL) == 0
    assert max(order.index(part) for part in (Part.DATABASE, Part.GRANTS)) < order.index(Part.SITE)


def test_the_canary_is_in_the_copy(world: World) -> None:
    world.back_up()
    service = world.server.machine.database
    assert isinstance(service, MemoryService)
    assert service.canaries[-1].nonce == sets(world)[-1].canary.nonce


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("facts", HostKeyMismatch("server web1", "shows another host key", "find out why")),
        ("facts", AuthenticationFailed("server web1", "refused the key", "check the key")),
        ("put", DiskFull("server web1", "no space left", "df -h")),
    ],
)
def test_a_server_that_fails_leaves_no_manifest(
    world: World, method: str, error: ContinuityError
) -> None:
    first = world.back_up()
    world.server.fail_next(method, error)
    with pytest.raises(type(error), match=error.cause):
        world.back_up_later()
    assert [each.id for each in sets(world)] == [first]


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("save_stream", CommandFailed("web1", "mariadb-dump ended with 2", "look at its log")),
        ("save_paths", NotFound("/srv/shop on web1", "does not exist", "correct the path")),
        ("read_back", DamagedData("web1/restic/data/ab", "is not what was put", "back up again")),
        ("initialise", NotFound("bucket", "does not exist", "make it")),
    ],
)
def test_a_repository_that_fails_leaves_no_manifest(
    world: World, method: str, error: ContinuityError
) -> None:
    first = world.back_up()
    world.repository.fail_next(method, error)
    with pytest.raises(type(error), match=error.cause):
        world.back_up_later()
    assert [each.id for each in sets(world)] == [first]


def test_a_wrong_database_password_is_named(world: World) -> None:
    service = world.server.machine.database
    assert service is not None
    service.passwords["continuity"] = "another"
    with pytest.raises(AuthenticationFailed, match="continuity@"):
        world.back_up()
    assert sets(world) == ()


@pytest.mark.parametrize(
    "error",
    [Unreachable("bucket", "timed out", "wait"), Unavailable("bucket", "answered 503", "wait")],
)
def test_what_passes_is_tried_again(world: World, error: ContinuityError) -> None:
    world.repository.fail_next("save_stream", error)
    assert world.back_up()
    assert len(sets(world)) == 1


def test_a_full_disk_is_found_before_anything_is_written(world: World) -> None:
    world.server.machine.disk_free = 10 * 2**20
    with pytest.raises(DiskFull, match="only 10 MiB"):
        world.back_up()
    assert world.repository.snapshots("web1") == ()


def test_a_missing_database_is_named_before_anything_is_written(world: World) -> None:
    service = world.server.machine.database
    assert service is not None
    del service.schemas["shop"]
    with pytest.raises(NotFound, match="databases shop of web1"):
        world.back_up()
    assert world.repository.snapshots("web1") == ()


def test_people_are_told_of_a_failure(world: World) -> None:
    world.server.fail_next("put", DiskFull("server web1", "no space left", "df -h"))
    with pytest.raises(DiskFull):
        world.back_up()
    notice = world.notifier.threads[-1].notice
    assert notice.failed
    assert "web1" in notice.text
    assert "df -h" in notice.body
