"""What only Hetzner Cloud shows: states between on and off."""

from __future__ import annotations

from blocks.types import PowerState
from tests.contract.hosted_bench import asked
from tests.contract.vps_hetzner import hetzner


def test_power_is_off_only_when_the_server_has_stopped() -> None:
    """A fence must not be called done while the old server still serves."""
    with hetzner() as bench:
        made = bench.provider.create(asked())
        (server,) = bench.service.servers.values()
        bench.service.looks_until_running = 3
        bench.provider.power_off(made.id)
        assert server["status"] == "off"
        bench.provider.power_on(made.id)
        assert server["status"] == "running"


def test_a_server_between_two_states_has_no_address_to_log_in_to() -> None:
    with hetzner() as bench:
        bench.provider.create(asked())
        (server,) = bench.service.servers.values()
        for status in ("stopping", "starting", "migrating", "rebuilding"):
            server["status"], server["_looks"] = status, 9
            (seen,) = bench.provider.find({})
            assert (seen.power, seen.address) == (PowerState.ON, "")
