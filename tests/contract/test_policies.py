"""Generated policies, enforced by real servers: enough for the work, and nothing to spare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.archives.s3_archive import S3Archive
from blocks.errors import AuthenticationFailed, PermissionDenied
from blocks.repositories.policies import Action, KeyPurpose, RepositoryPlace, Right, rights
from blocks.repositories.restic import ResticRepository
from blocks.servers.base import Server
from blocks.types import CheckState, KeyRole
from flows.decisions.immutability import judge
from tests.contract import policy_calls as ask
from tests.contract.policy_worlds import (
    COPIES,
    LIVE,
    SERVER,
    Enforced,
    at_ceph,
    at_live,
    at_moto,
)
from tests.contract.repository_worlds import (
    ResticWorld,
    begin,
    loopback_server,
    noise,
    restic_world,
)

Granted = dict[KeyPurpose, list[Right]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with loopback_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    with at_moto(tmp_path_factory.mktemp("moto")) as made:
        yield made


CEPH = pytest.param("ceph", marks=pytest.mark.lab)
REAL = [pytest.param(each, marks=pytest.mark.live) for each in LIVE]


@pytest.fixture(params=["moto", CEPH, *REAL])
def enforced(request: pytest.FixtureRequest) -> Iterator[Enforced]:
    if request.param in LIVE:
        with at_live(request.param) as real:
            yield real
        return
    if request.param == "ceph":
        made = at_ceph(request.getfixturevalue("ceph"))
    else:
        made = request.getfixturevalue("moto")
    made.apply(made.granted())
    yield made


# --- enough ---


def test_a_repository_lives_on_what_is_granted(
    enforced: Enforced, server: Server, tmp_path: Path
) -> None:
    """Back up, read back, copy, forget, restore: each with the key that is for it."""
    copies = RepositoryPlace(enforced.store.bucket, (SERVER,), COPIES, enforced.state_bucket)
    enforced.apply(enforced.granted(copies))
    made = restic_world(enforced.store, server, tmp_path, enforced.fields())
    world = ResticWorld(made.repository, server, made.root, SERVER)
    repository = world.repository
    begin(world)
    wanted = {f"{world.root}/{number}.bin": noise(number, 50_000) for number in range(2)}
    for path, content in wanted.items():
        world.put(path, content)
    began = datetime.now(UTC)
    first = world.save()
    world.put(f"{world.root}/new.bin", noise(9, 50_000))
    second = world.save()
    assert repository.read_back(SERVER, began).objects > 4
    assert all(repository.check_key(role) for role in KeyRole)
    elsewhere = repository.store.model_copy(update={"prefix": COPIES})
    copy = repository.model_copy(update={"store": elsewhere})
    copy.copy_from(repository, server, SERVER, [first.id])
    assert [each.tree for each in copy.snapshots(SERVER)] == [first.tree]
    assert repository.forget(SERVER, {first.id}) == (second.id,)
    world.wipe()
    world.restore(first)
    assert {path: world.read(path) for path in wanted} == wanted


def test_every_key_of_an_archive_is_known_and_a_wrong_one_is_not(enforced: Enforced) -> None:
    """The agent's may not even list: being told that is how it shows that it is known."""
    archive = archive_of(enforced)
    ids = [archive.check_key(role) for role in KeyRole]
    keys = (KeyPurpose.RESTORE, KeyPurpose.ARCHIVE, KeyPurpose.PRUNE)
    assert ids == [enforced.keys[each][0] for each in keys]
    for field, role in (("agent", KeyRole.SERVER), ("prune", KeyRole.PRUNE)):
        wrong = archive.model_copy(update={f"{field}_secret_key": SecretStr("revoked")})
        with pytest.raises(AuthenticationFailed):
            wrong.check_key(role)
    mine = archive.store
    swapped = archive.model_copy(
        update={"store": mine.with_key(archive.agent_access_key, archive.agent_secret_key)}
    )
    with pytest.raises(PermissionDenied):
        swapped.check_key(KeyRole.WORKER)


def repository_of(enforced: Enforced) -> ResticRepository:
    fields: dict[str, Any] = {"store": enforced.store, "password": "right"} | enforced.fields()
    return ResticRepository.model_validate(fields)


def archive_of(enforced: Enforced) -> S3Archive:
    agent, prune = (enforced.keys[each] for each in (KeyPurpose.ARCHIVE, KeyPurpose.PRUNE))
    return S3Archive.model_validate(
        {
            "store": enforced.with_key(KeyPurpose.RESTORE, enforced.archive.prefix),
            "identity_key": "unused",
            "agent_access_key": agent[0],
            "agent_secret_key": agent[1],
            "prune_access_key": prune[0],
            "prune_secret_key": prune[1],
        }
    )


@pytest.mark.parametrize("enforced", [CEPH, *REAL], indirect=True)
def test_the_bucket_is_proven_with_the_generated_policies(enforced: Enforced) -> None:
    for tested in (repository_of(enforced), archive_of(enforced)):
        test = tested.self_test(datetime.now(UTC))
        kept = [each for each in test.results if each.state is not CheckState.HELD]
        assert [each for each in kept if enforced.promises(each.check)] == []
        assert judge(test).proven is True
    assert enforced.store.list("self-test/") == ()


# --- nothing to spare ---


def is_moto(enforced: Enforced) -> bool:
    return enforced.state_bucket == "state"


def test_each_key_is_refused_what_is_not_its_business(enforced: Enforced) -> None:
    here = ask.furnish(enforced)
    tried = ask.thefts(here, locks=not is_moto(enforced))
    if enforced.hides():
        tried = {what: call for what, call in tried.items() if "destroys" in what or "lock" in what}
    assert [what for what, call in tried.items() if not ask.was_refused(call)] == []


def less(granted: Granted) -> Iterator[tuple[KeyPurpose, Action, str, Granted]]:
    """Give the same rights with one of them taken away, each in turn."""
    for purpose, held in granted.items():
        for number, right in enumerate(held):
            for action in right.actions:
                some = tuple(each for each in right.actions if each is not action)
                kept = [Right(right.bucket, some, right.objects)] if some else []
                changed = [*held[:number], *kept, *held[number + 1 :]]
                where = f"{action} on {right.objects or right.bucket}"
                yield purpose, action, where, granted | {purpose: changed}


def is_asked(action: Action, purpose: KeyPurpose, *, moto: bool) -> bool:
    """Return whether the server knows this right as AWS does.

    Moto counts locks as reading and writing. In Ceph 16 who may read versions may read the newest
    one too (measured); at AWS that takes both.
    """
    if moto:
        return action not in (Action.SEE_LOCK, Action.LENGTHEN)
    return (action, purpose) != (Action.GET, KeyPurpose.RESTORE)


@pytest.mark.parametrize("enforced", ["moto", CEPH], indirect=True)
@pytest.mark.parametrize("kind", ["repository", "archive"])
def test_each_right_is_needed(enforced: Enforced, kind: str) -> None:
    here, moto = ask.furnish(enforced), is_moto(enforced)
    place = enforced.repository if kind == "repository" else enforced.archive
    calls, locks = {
        "repository": (ask.repository_calls, ask.repository_locks),
        "archive": (ask.archive_calls, ask.archive_locks),
    }[kind]
    work = {each: [*found] for each, found in calls(here).items()}
    if not moto:
        for purpose, found in locks(here).items():
            work[purpose] += found
    granted = {each: list(rights(each, place)) for each in work}
    enforced.apply(granted)
    assert {p: sum(map(ask.was_refused, todo)) for p, todo in work.items()} == dict.fromkeys(
        work, 0
    )
    spare = []
    for purpose, action, what, changed in less(granted):
        enforced.apply(changed)
        refused = any(ask.was_refused(call) for call in work[purpose])
        if not refused and is_asked(action, purpose, moto=moto):
            spare.append(f"{purpose}: {what}")
    assert spare == []
