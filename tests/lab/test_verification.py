"""A set of the real server is proven: read again, compared with web1, restored, counted."""

from __future__ import annotations

import pytest

from blocks.monitors.healthchecks import HealthchecksHeartbeat
from blocks.repositories.proofs import Proofs
from blocks.servers.protected import Heartbeats, ProtectedServer
from deployments import estate_file
from deployments.lab import control, machines
from deployments.lab.config import Lab
from deployments.world import provide
from flows.decisions.row_match import rows
from flows.decisions.set_state import SetState
from flows.decisions.standing import Standing
from flows.tasks.standing import standings
from flows.verification import verification
from tests.fakes.ping_receiver import ping_receiver
from tests.lab.estate import LAB, SERVER, command, ended, estate, made_machines, provided
from tests.lab.story import Story

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


def names_read(copy: Standing) -> int:
    """Return how many of the 256 first bytes of names were read so far."""
    assert copy.reading is not None
    return sum(at is not None for at in copy.reading.read_at)


def test_the_newest_set_is_proven_and_somebody_elsewhere_knows(here: Lab, story: Story) -> None:
    blocks = provide(estate_file.load(control.estate_path(LAB)))
    server = blocks[f"protected-server/{SERVER}"]
    assert isinstance(server, ProtectedServer)
    with ping_receiver() as receiver:
        switch = HealthchecksHeartbeat.model_validate({"url": receiver.url})
        watched = server.model_copy(
            update={"heartbeats": Heartbeats(verification="healthchecks-heartbeat/watch")}
        )
        mine = {"healthchecks-heartbeat/watch": switch, f"protected-server/{SERVER}": watched}
        with provided(blocks | mine):
            (document,) = verification(SERVER)
    print(f"\n{document}")
    assert document["proven"] is True
    assert [signal for signal, _ in receiver.heard] == ["start", "success"]
    known = standings(estate())
    assert [each.repository for each in known.copies] == ["principal", "copie"]
    newest = known.sets[-1]
    for name, repository in estate().repositories.items():
        proof = Proofs(repository).of(SERVER).proofs[newest.id]
        then = rows(newest.database_facts_after)
        assert (proof.tables, proof.rows) == (len(then), sum(then.values())), name
        assert proof.rows > 1000
        assert proof.files == sum(
            ref.files for ref in newest.snapshots if ref.part in ("site", "configuration")
        )
    for each in known.copies:
        assert each.statuses[newest.id].state is SetState.PROVEN, each.repository
        assert each.reading is not None
        spot = each.reading.spot
        assert spot is not None
        assert (spot.sampled >= 30, spot.unexplained) == (True, ())
        # A slice of a small repository may hold nothing.
        assert 0 <= each.reading.bytes < each.reading.total
        assert names_read(each) > 0
    running = command("verify", SERVER, "--load", "never")
    status, said = ended(running)
    assert status == 0, said
    assert '"proven": true' in said
    for before, after in zip(known.copies, standings(estate()).copies, strict=True):
        assert names_read(after) > names_read(before), "the next slice was read"
    assert made_machines() == ()
    assert machines.provider(here).hypervisor.running(SERVER)
