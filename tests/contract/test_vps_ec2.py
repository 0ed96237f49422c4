"""What only EC2 can show: what an order holds, rights one by one, regions, and its price list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    OutOfStock,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from blocks.types import MachineNeeds, PowerState
from tests.contract.hosted_bench import KEYS, asked
from tests.contract.vps_ec2 import Ec2Bench, ec2
from tests.fakes.loopback_ec2 import ELSEWHERE, NEWEST_IMAGE, REGION, refusal

PAGE = Path(__file__).resolve().parents[2] / "docs/fournisseurs/aws-ec2.md"
GIB = 1024**3
ENCODED = "Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcdefghijklmn"

UNTRIED = ("ec2:CreateTags", "pricing:GetProducts")
"""moto asks for the former in calls of its own only, and does not know the latter."""


@pytest.fixture
def bench() -> Iterator[Ec2Bench]:
    with ec2() as made:
        yield made


@pytest.fixture(scope="module")
def standing() -> Iterator[Ec2Bench]:
    """Give one account to all tests that change nothing in it."""
    with ec2() as made:
        yield made


def policy_actions() -> list[str]:
    """Return the actions of the policy that the page gives, which are allowed on conditions."""
    (text,) = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    found: list[str] = []
    for statement in json.loads(text)["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        found += [actions] if isinstance(actions, str) else actions
    return sorted(set(found))


def use_everything(bench: Ec2Bench) -> None:
    made = bench.provider.create(asked())
    bench.provider.power_off(made.id)
    bench.provider.power_on(made.id)
    bench.provider.destroy(made.id)


def test_an_order_names_disk_tags_token_and_the_newest_image(bench: Ec2Bench) -> None:
    bench.provider.create(asked(needs=MachineNeeds(disk=150 * GIB - 5)))
    (made,) = bench.service.instances()
    assert made["ImageId"] == NEWEST_IMAGE
    assert made["MetadataOptions"]["HttpTokens"] == "required"
    assert made["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert [each["GroupName"] for each in made["SecurityGroups"]] == ["continuity"]
    assert 32 <= len(made["ClientToken"]) <= 64
    (volume,) = bench.service.ec2.describe_volumes()["Volumes"]
    assert (volume["Size"], volume["VolumeType"]) == (150, "gp3")
    assert made["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"] is True
    tags = {each["Key"]: each["Value"] for each in volume["Tags"]}
    assert tags == {each["Key"]: each["Value"] for each in made["Tags"]}
    assert (tags["managed-by"], tags["Name"]) == ("continuity", "drill-i1")


def test_the_token_is_the_same_for_the_same_run_only(bench: Ec2Bench) -> None:
    tokens = []
    for request in (asked(), asked(), asked(key=KEYS[1])):
        made = bench.provider.create(request)
        tokens.append(bench.service.instances()[0]["ClientToken"])
        bench.provider.destroy(made.id)
    assert tokens[0] == tokens[1]
    assert tokens[0] != tokens[2]


def test_the_policy_of_the_page_is_enough(bench: Ec2Bench) -> None:
    bench.service.allow(*policy_actions())
    bench.service.enforced(True)
    bench.provider.create(asked("other"))
    use_everything(bench)
    assert bench.provider.access().missing == ()


@pytest.mark.parametrize("missing", [each for each in policy_actions() if each not in UNTRIED])
def test_nothing_of_the_policy_can_be_left_out(bench: Ec2Bench, missing: str) -> None:
    bench.service.allow(*(each for each in policy_actions() if each != missing))
    bench.service.enforced(True)
    with pytest.raises(PermissionDenied, match=missing):
        use_everything(bench)


def test_rights_are_rehearsed_and_nothing_is_made(bench: Ec2Bench) -> None:
    bench.provider.create(asked())
    bench.service.allow("ec2:Describe*", "ec2:StartInstances", "ec2:StopInstances")
    bench.service.enforced(True)
    seen = bench.provider.access()
    assert "user/continuity, compte 123456789012" in seen.who
    assert "lire les machines" in seen.may
    assert "couper" in seen.may
    assert seen.missing == (
        f"créer une machine à {REGION} (ec2:RunInstances, ec2:CreateTags)",
        "détruire (ec2:TerminateInstances)",
    )
    assert bench.machines() == 1
    (made,) = bench.provider.find({})
    assert made.power is PowerState.ON


def test_a_group_that_lets_nobody_in_is_told(bench: Ec2Bench) -> None:
    bench.service.open_ports(22, 443, region=ELSEWHERE)
    there = bench.provider.model_copy(update={"region": ELSEWHERE})
    assert there.access().missing == (f"le groupe continuity à {ELSEWHERE} n'ouvre pas : 80",)
    nowhere = bench.provider.model_copy(update={"security_group": "nobody"})
    assert "nobody" in nowhere.access().missing[0]
    with pytest.raises(ConfigurationError, match="security group nobody"):
        nowhere.create(asked())
    assert bench.machines() == 0


def test_machines_are_found_in_every_region_that_is_named(bench: Ec2Bench) -> None:
    with pytest.raises(ConfigurationError, match="other_regions"):
        bench.provider.create(asked(region=ELSEWHERE))
    bench.service.open_ports(22, 80, 443, region=ELSEWHERE)
    both = bench.provider.model_copy(update={"other_regions": (ELSEWHERE,)})
    made = [both.create(asked("here")), both.create(asked("there", region=ELSEWHERE))]
    assert [each.region for each in made] == [REGION, ELSEWHERE]
    assert both.find({}) == tuple(made)
    both.power_off(made[1].id)
    both.destroy(made[1].id)
    assert [each.name for each in both.find({})] == ["here"]


def test_without_a_price_list_machines_are_made_all_the_same(bench: Ec2Bench) -> None:
    bench.service.priced = False
    assert {each.price for each in bench.provider.sizes()} == {None}
    assert "pricing:GetProducts" in bench.provider.access().unseen[0]
    assert bench.provider.create(asked()).size == "c6a.xlarge"


def test_a_missing_right_is_named_without_the_encoded_message(bench: Ec2Bench) -> None:
    message = (
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/"
        "continuity is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:"
        f"eu-west-3:123456789012:volume/* because no identity-based policy allows it. {ENCODED}"
    )
    answer = refusal(403, "UnauthorizedOperation", message)
    bench.service.fail(403, answer.body, on=bench.order, headers=answer.headers)
    with pytest.raises(PermissionDenied, match="the right ec2:CreateTags is missing") as refused:
        bench.provider.create(asked())
    assert "4GIOH" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "code", "meant"),
    [
        (401, "AuthFailure", AuthenticationFailed),
        (400, "RequestExpired", AuthenticationFailed),
        (400, "ExpiredToken", AuthenticationFailed),
        (403, "UnauthorizedOperation", PermissionDenied),
        (401, "OptInRequired", PermissionDenied),
        (500, "InsufficientInstanceCapacity", OutOfStock),
        (400, "Unsupported", OutOfStock),
        (400, "InstanceLimitExceeded", OutOfStock),
        (400, "InvalidInstanceID.NotFound", NotFound),
        (400, "InvalidAMIID.NotFound", ConfigurationError),
        (400, "VPCIdNotSpecified", ConfigurationError),
        (503, "RequestLimitExceeded", RateLimited),
        (500, "InternalError", Unavailable),
        (503, "SomethingNew", Unavailable),
    ],
)
def test_errors_mean_what_the_reference_says_and_are_not_asked_for_again(
    standing: Ec2Bench, status: int, code: str, meant: type[ContinuityError]
) -> None:
    answer = refusal(status, code, "so it is")
    # Once: a client that asked again would be answered.
    standing.service.fail(status, answer.body, on="DescribeImages", headers=answer.headers)
    with pytest.raises(meant) as refused:
        standing.provider.image(REGION)
    assert type(refused.value) is meant
    assert code in str(refused.value)


def test_power_is_asked_for_again_while_the_instance_is_busy(bench: Ec2Bench) -> None:
    made = bench.provider.create(asked())
    message = f"The instance '{made.id}' is not in a state from which it can be stopped."
    answer = refusal(400, "IncorrectInstanceState", message)
    bench.service.fail(400, answer.body, on="StopInstances", times=2, headers=answer.headers)
    bench.provider.power_off(made.id)
    assert bench.provider.find({})[0] == replace(made, power=PowerState.OFF, address="")
    assert bench.service.count("StopInstances") == 3


def test_a_machine_that_is_stopping_is_started_again(bench: Ec2Bench) -> None:
    made = bench.provider.create(asked())
    bench.service.looks_until_settled = 3
    bench.provider._switch(made, PowerState.OFF)
    bench.provider.power_on(made.id)
    (now,) = bench.provider.find({})
    assert now == replace(made, address=now.address)
    assert bench.service.count("StartInstances") >= 1
    assert bench.service.instances()[0]["State"]["Name"] == "running"
