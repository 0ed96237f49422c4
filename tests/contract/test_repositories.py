"""One suite for every repository: in memory, and the real restic over SSH on moto and Ceph RGW."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.errors import CommandFailed, ConfigurationError, DamagedData, NotFound, UnsafePlan
from blocks.servers.base import Server
from blocks.types import KeyRole, Label, Part, RestoreSummary, Snapshot
from tests.contract.repository_worlds import (
    World,
    begin,
    ceph_store,
    loopback_server,
    memory_world,
    moto_store,
    noise,
    restic_world,
    some_pack,
)

NOISE = noise(1, 1_000_000)
"""Does not shrink when compressed, so most of it lies in one object."""

ODD_NAMES = ("a b.txt", "-rf", "--exclude=x", "new\nline", "quote'\"$(id)", "é.txt", "#1;&|")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with loopback_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(params=["memory", "moto", pytest.param("ceph", marks=pytest.mark.lab)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "memory":
        made: World = memory_world()
    elif request.param == "moto":
        service, machine = (request.getfixturevalue(name) for name in ("s3", "server"))
        made = restic_world(moto_store(service), machine, tmp_path)
    else:
        store, keys = ceph_store(request.getfixturevalue("ceph"))
        made = restic_world(store, request.getfixturevalue("server"), tmp_path, keys)
    begin(made)
    return made


def label(world: World, set_id: str = "s1", part: Part = Part.SITE, subject: str = "shop") -> Label:
    return Label(world.name, set_id, part, subject)


def save(world: World, set_id: str = "s1", **options: tuple[str, ...]) -> Snapshot:
    paths, exclude = options.get("paths", (world.root,)), options.get("exclude", ())
    return world.repository.save_paths(world.server, paths, exclude, label(world, set_id))


def restore(world: World, snapshot: Snapshot, target: str = "/") -> RestoreSummary:
    return world.repository.restore_paths(world.server, world.name, snapshot.id, target)


def fill(world: World) -> dict[str, bytes]:
    names = ("index.php", *ODD_NAMES, *(f"uploads/{number:03d}.jpg" for number in range(40)))
    wanted = {f"{world.root}/{name}": f"{name} ".encode() * 500 for name in names}
    for path, content in wanted.items():
        world.put(path, content)
    return wanted


# --- keys ---


def test_each_key_is_proven_and_nothing_is_left(world: World) -> None:
    before = [each.key for each in world.repository.objects().list("")]
    for role in KeyRole:
        assert world.repository.check_key(role)
    assert [each.key for each in world.repository.objects().list("")] == before


# --- files ---


def test_files_come_back_with_their_content(world: World) -> None:
    wanted = fill(world)
    saved = save(world)
    assert saved.files == len(wanted)
    assert saved.size == sum(len(content) for content in wanted.values())
    world.wipe()
    done = restore(world, saved)
    assert {path: world.read(path) for path in wanted} == wanted
    assert done.bytes == saved.size


def test_files_come_back_under_another_folder(world: World) -> None:
    wanted = fill(world)
    target = f"{world.root}-staging"
    restore(world, save(world), target)
    assert world.read(f"{target}{world.root}/index.php") == wanted[f"{world.root}/index.php"]


def test_restoring_again_skips_what_is_there(world: World) -> None:
    wanted = fill(world)
    saved = save(world)
    changed = f"{world.root}/index.php"
    world.put(changed, b"defaced")
    done = restore(world, saved)
    assert world.read(changed) == wanted[changed]
    assert done.skipped == len(wanted) - 1
    assert restore(world, saved).skipped == len(wanted)


def test_unchanged_files_are_not_sent_again(world: World) -> None:
    wanted = fill(world)
    first = save(world, "s1")
    second = save(world, "s2")
    assert second.size == first.size
    assert second.added < sum(len(content) for content in wanted.values()) / 100
    assert first.added > second.added


def test_excluded_files_are_left_out(world: World) -> None:
    world.put(f"{world.root}/index.php", b"page")
    world.put(f"{world.root}/cache/1.tmp", b"junk")
    assert save(world, exclude=("*.tmp",)).files == 1


def test_a_missing_path_is_an_error(world: World) -> None:
    world.put(f"{world.root}/index.php", b"page")
    with pytest.raises(NotFound, match=rf"{world.root}/gone.*paths|does not exist"):
        save(world, paths=(world.root, f"{world.root}/gone"))


# --- streams ---


def test_a_stream_comes_back_as_it_was(world: World) -> None:
    content = bytes(range(256)) * 5000
    saved = world.repository.save_stream(
        world.server, world.producing(content), "shop.sql", label(world, part=Part.DATABASE)
    )
    assert saved.size == len(content)
    command = world.repository.read_stream(world.name, saved.id, "shop.sql")
    assert world.output(command) == content


def test_a_command_that_fails_half_way_leaves_no_snapshot(world: World) -> None:
    with pytest.raises(CommandFailed):
        world.repository.save_stream(
            world.server, world.failing(), "shop.sql", label(world, part=Part.DATABASE)
        )
    assert world.repository.snapshots(world.name) == ()


# --- what is there ---


def test_snapshots_carry_their_labels(world: World) -> None:
    world.put(f"{world.root}/index.php", b"page")
    odd = label(world, "s2", Part.DATABASE, "shop, à=1 ")
    first = save(world)
    second = world.repository.save_stream(world.server, world.producing(b"sql"), "a.sql", odd)
    assert world.repository.snapshots(world.name) == (first, second)
    assert (first.label, second.label) == (label(world), odd)
    assert first.time.tzinfo is not None


def test_a_server_without_a_repository_has_no_snapshots(world: World) -> None:
    assert world.repository.snapshots("never-seen") == ()


def test_preparing_and_initialising_again_change_nothing(world: World) -> None:
    world.put(f"{world.root}/index.php", b"page")
    saved = save(world)
    world.repository.initialise(world.name)
    world.repository.prepare(world.server, world.name)
    assert world.repository.snapshots(world.name) == (saved,)


def test_seal_key_belongs_to_the_password(world: World) -> None:
    assert len(world.repository.seal_key()) == 32
    assert world.repository.seal_key() == world.repository.seal_key()


def test_an_unknown_snapshot_is_not_restored(world: World) -> None:
    with pytest.raises((NotFound, DamagedData)):
        world.repository.restore_paths(world.server, world.name, "0" * 64)


# --- reading back, and damage ---


def test_what_was_written_is_read_back(world: World) -> None:
    start = datetime.now(UTC)
    fill(world)
    save(world)
    seen = world.repository.read_back(world.name, start)
    stored = world.repository.objects().list(f"{world.name}/restic/")
    named = [each for each in stored if not each.key.endswith("/config")]
    assert seen.objects == len(named)
    assert seen.bytes == sum(each.size for each in named)
    assert world.repository.read_back(world.name, start + timedelta(hours=1)).objects == 0


def test_a_damaged_object_is_found_when_read_back(world: World) -> None:
    start = datetime.now(UTC)
    fill(world)
    save(world)
    key = some_pack(world.repository.objects(), world.name)
    content = bytearray(world.repository.objects().get(key))
    content[len(content) // 2] ^= 1
    world.repository.objects().put(key, bytes(content))
    with pytest.raises(DamagedData, match=key) as caught:
        world.repository.read_back(world.name, start)
    assert caught.value.subject == key


def test_a_missing_object_is_found_when_read_back(world: World) -> None:
    start = datetime.now(UTC)
    fill(world)
    save(world)
    key = some_pack(world.repository.objects(), world.name)
    world.repository.objects().remove(key)
    with pytest.raises(DamagedData, match=key.rsplit("/", 1)[-1][:8]):
        world.repository.read_back(world.name, start + timedelta(hours=1))


@pytest.mark.parametrize("harm", ["flipped", "overwritten", "removed"])
def test_damage_names_the_object_and_spares_older_snapshots(world: World, harm: str) -> None:
    objects = world.repository.objects()
    world.put(f"{world.root}/old.txt", b"old content")
    older = save(world, "s1")
    before = frozenset(each.key for each in objects.list(""))
    world.put(f"{world.root}/new.bin", NOISE)
    newer = save(world, "s2")
    key = some_pack(objects, world.name, before=before)
    hurt(world, key, harm)
    world.wipe()
    with pytest.raises(DamagedData) as caught:
        restore(world, newer)
    damaged = caught.value.subject
    assert key.startswith(damaged)  # a removed object is known by the start of its name only
    assert caught.value.hint
    assert world.repository.snapshots_using(world.name, damaged) == (newer.id,)
    restore(world, older)
    assert world.read(f"{world.root}/old.txt") == b"old content"


def test_a_damaged_stream_fails_and_names_the_object(world: World) -> None:
    saved = world.repository.save_stream(
        world.server, world.producing(NOISE), "shop.sql", label(world)
    )
    key = some_pack(world.repository.objects(), world.name)
    hurt(world, key, "flipped")
    with pytest.raises(CommandFailed) as caught:
        world.output(world.repository.read_stream(world.name, saved.id, "shop.sql"))
    damage = world.repository.fault_behind(world.name, caught.value)
    assert isinstance(damage, DamagedData)
    assert damage.subject == key
    assert key in damage.cause
    assert world.repository.snapshots_using(world.name, damage.subject) == (saved.id,)


def test_a_command_that_fails_otherwise_is_no_damage(world: World) -> None:
    failed = CommandFailed("server web1", "mbstream: no space", "df -h", stderr="mbstream: ENOSPC")
    assert world.repository.fault_behind(world.name, failed) is None


def hurt(world: World, key: str, harm: str) -> None:
    objects = world.repository.objects()
    content = bytearray(objects.get(key))
    if harm == "removed":
        objects.remove(key)
        return
    content[len(content) // 3] ^= 255
    objects.put(key, bytes(content) if harm == "flipped" else b"other bytes")


# --- forgetting ---


def test_forgetting_keeps_what_is_named_and_nothing_else(world: World) -> None:
    world.put(f"{world.root}/one.bin", b"1" * 1000 + bytes(range(256)))
    first = save(world, "s1")
    world.put(f"{world.root}/two.bin", b"2" * 1000 + bytes(range(256)))
    second = save(world, "s2")
    assert world.repository.forget(world.name, {second.id, "0" * 64}) == (first.id,)
    assert world.repository.snapshots(world.name) == (second,)
    assert world.repository.forget(world.name, {second.id}) == ()
    world.wipe()
    restore(world, second)
    assert world.read(f"{world.root}/one.bin").startswith(b"1")


def test_forgetting_everything_is_refused(world: World) -> None:
    world.put(f"{world.root}/index.php", b"page")
    saved = save(world)
    for keep in ((), ("0" * 64,)):
        with pytest.raises(UnsafePlan):
            world.repository.forget(world.name, keep)
    assert world.repository.snapshots(world.name) == (saved,)


def test_file_names_of_streams_are_flat(world: World) -> None:
    with pytest.raises((ConfigurationError, CommandFailed), match="flat"):
        world.repository.save_stream(world.server, world.producing(b""), "a/b.sql", label(world))


# --- verification ---


def names_of(world: World) -> set[str]:
    return {each.key for each in world.repository.objects().list(f"{world.name}/restic/data/")}


def grow(world: World, number: int) -> Snapshot:
    for each in range(3):
        world.put(f"{world.root}/{number}-{each}.bin", noise(10 * number + each, 20_000))
    return save(world, f"s{number}")


def test_damage_is_found_once_a_cycle_while_objects_come_and_go(world: World) -> None:
    """Slices hold every object once; what stays from first to last run of a cycle is in one."""
    objects = world.repository.objects()
    gone, kept = grow(world, 1), grow(world, 2)
    before = names_of(world)
    (key,) = {some_pack(objects, world.name)} & before
    hurt_inside(world, key)
    needing = set(world.repository.snapshots_using(world.name, key))
    first = world.repository.read_slice(world.name, 1, 3)
    added = grow(world, 3)
    if gone.id not in needing:
        world.repository.forget(world.name, {kept.id, added.id})
    found = [first, *(world.repository.read_slice(world.name, each, 3) for each in (2, 3))]
    assert [each.number for each in found if each.damaged] == [slice_of(key, 3)]
    assert [each.damaged for each in found if each.damaged] == [(key,)]
    assert all(each.complete for each in found)
    after = names_of(world)
    there = objects.list(f"{world.name}/restic/data/")
    assert found[2].total == sum(each.size for each in there)
    assert found[2].bytes == sum(each.size for each in there if slice_of(each.key, 3) == 3)
    assert first.objects == sum(slice_of(each, 3) == 1 for each in before)
    assert found[2].objects == sum(slice_of(each, 3) == 3 for each in after)


def slice_of(key: str, of: int) -> int:
    return int(key.rsplit("/", 1)[-1][:2], 16) % of + 1


def hurt_inside(world: World, key: str) -> None:
    """Change a byte and nothing that shows from outside."""
    content = bytearray(world.repository.objects().get(key))
    content[len(content) // 3] ^= 255
    world.repository.objects().put(key, bytes(content))


def test_a_missing_object_is_found_by_any_slice(world: World) -> None:
    saved = grow(world, 1)
    key = some_pack(world.repository.objects(), world.name)
    world.repository.objects().remove(key)
    other = slice_of(key, 3) % 3 + 1
    assert world.repository.read_slice(world.name, other, 3).damaged == (key,)
    assert world.repository.snapshots_using(world.name, key) == (saved.id,)


def test_a_slice_that_does_not_exist_is_refused(world: World) -> None:
    for number, of in ((0, 3), (4, 3), (1, 300)):
        with pytest.raises(ConfigurationError, match="does not exist"):
            world.repository.read_slice(world.name, number, of)


def test_files_are_listed_and_read_one_by_one(world: World) -> None:
    wanted = fill(world)
    saved = save(world)
    found = {each.path: each for each in world.repository.files(world.name, saved.id)}
    assert found.keys() == wanted.keys()
    for path, content in wanted.items():
        assert found[path].size == len(content)
        assert abs(found[path].changed - saved.time) < timedelta(minutes=5)
    for path in (f"{world.root}/{name}" for name in ODD_NAMES):
        assert world.repository.content(world.name, saved.id, path) == wanted[path]


@pytest.mark.parametrize("harm", ["flipped", "overwritten", "removed"])
def test_a_file_that_cannot_be_read_names_the_object_and_its_snapshots(
    world: World, harm: str
) -> None:
    world.put(f"{world.root}/picture.bin", NOISE)
    saved = save(world)
    objects = world.repository.objects()
    key = max(objects.list(f"{world.name}/restic/data/"), key=lambda each: each.size).key
    hurt(world, key, harm)
    with pytest.raises(DamagedData) as caught:
        world.repository.content(world.name, saved.id, f"{world.root}/picture.bin")
    assert key.startswith(caught.value.subject)
    assert world.repository.snapshots_using(world.name, caught.value.subject) == (saved.id,)
