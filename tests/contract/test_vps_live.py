"""Machines at real accounts: CONTINUITY_LIVE=ec2,digitalocean,hetzner and each block as JSON.

`CONTINUITY_LIVE_VPS_EC2='{"access_key": "...", "secret_key": "...", ...}'` says which, and
`CONTINUITY_LIVE_LOGIN_KEY` is the public SSH key to order with, where the account must know it. One
machine of the cheapest size that is enough for a site is made, found, adopted, cut, started and
destroyed: some cents. It carries an expiry of an hour, so the sweep ends what a broken run leaves.
Without the variables there is no test here: one that is skipped would be a failure in CI.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from blocks.errors import AuthenticationFailed
from blocks.registry import block_types
from blocks.types import MachineRequest, PowerState
from blocks.vps.hosted import HostedVps
from tests.contract.hosted_bench import KEYS, LOGIN

FIELDS = "CONTINUITY_LIVE_VPS_"
LIVE = [
    name
    for name in os.environ.get("CONTINUITY_LIVE", "").split(",")
    if f"{FIELDS}{name.upper()}" in os.environ
]


def live_provider(name: str) -> HostedVps:
    fields = os.environ[f"{FIELDS}{name.upper()}"]
    (kind,) = (each for each in block_types() if each.get_block_type_slug() == f"{name}-vps")
    made = kind.model_validate_json(fields)
    assert isinstance(made, HostedVps)
    return made


def request_of(incident: str) -> MachineRequest:
    tags = {"managed-by": "continuity", "purpose": "drill", "incident": incident, "server": "live"}
    login = os.environ.get("CONTINUITY_LIVE_LOGIN_KEY", LOGIN)
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    return MachineRequest(f"drill-{incident}", tags, "", "", login, KEYS[0], ends)


if LIVE:

    @pytest.fixture(params=LIVE)
    def provider(request: pytest.FixtureRequest) -> HostedVps:
        return live_provider(request.param)

    @pytest.fixture
    def asked(provider: HostedVps) -> Iterator[MachineRequest]:
        made = request_of(f"live{uuid4().hex[:8]}")
        try:
            yield made
        finally:
            for left in provider.find({"incident": made.tags["incident"]}):
                provider.destroy(left.id)

    @pytest.mark.live
    def test_the_account_can_be_read(provider: HostedVps) -> None:
        seen = provider.access()
        assert seen.who
        assert seen.missing == ()
        assert provider.candidates(), "no size is enough for a site"
        assert all(each.price and each.currency for each in provider.candidates())

    @pytest.mark.live
    @pytest.mark.timeout(1800)
    def test_makes_finds_adopts_cuts_starts_and_destroys_a_machine(
        provider: HostedVps, asked: MachineRequest
    ) -> None:
        mine = {"incident": asked.tags["incident"]}
        made = provider.create(asked)
        assert (made.power, made.tags, made.host_key) == (
            PowerState.ON,
            asked.tags,
            asked.host_key.public,
        )
        assert made.expires_at == asked.expires_at
        assert provider.create(replace(asked, host_key=KEYS[1])) == made
        assert provider.find(mine) == (made,)
        assert provider.access().missing == ()
        provider.power_off(made.id)
        assert provider.find(mine)[0].power is PowerState.OFF
        provider.power_on(made.id)
        assert provider.find(mine)[0].power is PowerState.ON
        for _ in range(2):
            provider.destroy(made.id)
            assert provider.find(mine) == ()

    @pytest.mark.live
    def test_wrong_credentials_are_refused(provider: HostedVps) -> None:
        secrets = {
            name: type(value)("0" * len(value))
            for name, value in provider
            if type(value).__name__ == "SecretStr"
        }
        with pytest.raises(AuthenticationFailed):
            provider.model_copy(update=secrets).find({})
