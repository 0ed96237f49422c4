"""Real EC2 and IAM calls over HTTP on the loopback: moto's server, and a front with bad days.

moto does what EC2 does to machines, disks, addresses, tags, users and policies. The front adds what
moto lacks: instances that take a look until they run, pages, capacity, quota, and the Price List
API with prices as AWS's own example of `GetProducts` writes them.
"""

from __future__ import annotations

import atexit
import json
from base64 import b64decode
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs

import boto3
import httpx

from tests.fakes.http_service import Answer, Asked, HttpService
from tests.fakes.loopback_s3 import moto_server

REGION = "eu-west-3"
ELSEWHERE = "eu-central-1"
PRICES = {
    "t3a.medium": (2, "0.0425000000"),
    "t3a.xlarge": (4, "0.1699000000"),
    "c6a.xlarge": (4, "0.1748000000"),
    "t3.xlarge": (4, "0.1888000000"),
    "m6a.xlarge": (4, "0.2016000000"),
}
"""Cores, and USD an hour, of the types in the price list."""
DISK_PRICE = "0.0928000000"
_PER_PAGE = 2
_IMAGE = {
    "owner_id": "136693071363",
    "state": "available",
    "public": True,
    "image_location": "136693071363/debian-12",
    "root_device_type": "ebs",
    "root_device_name": "/dev/xvda",
    "description": "Debian 12 (bookworm)",
    "image_type": "machine",
    "architecture": "x86_64",
    "virtualization_type": "hvm",
    "hypervisor": "xen",
    "sriov": "simple",
}
NEWEST_IMAGE = "ami-0deb1220261101"
_IMAGES = (
    ("ami-0deb1220260901", "debian-12-amd64-20260901-2222", "2026-09-01T00:00:00.000Z"),
    (NEWEST_IMAGE, "debian-12-amd64-20261101-2283", "2026-11-01T00:00:00.000Z"),
    ("ami-0deb1320261102", "debian-13-amd64-20261102-2284", "2026-11-02T00:00:00.000Z"),
)


@cache
def moto() -> str:
    """Start moto once for this process; return its address."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="moto-ec2-")))
    images = [
        {**_IMAGE, "ami_id": number, "name": name, "creation_date": day}
        for number, name, day in _IMAGES
    ]
    (folder / "images.json").write_text(json.dumps(images))
    settings = {"MOTO_AMIS_PATH": str(folder / "images.json")}
    server = stack.enter_context(moto_server(folder, settings=settings))
    # The first answer takes a second, more than the blocks under test wait.
    admin(server.endpoint, "ec2").describe_instance_types()
    return server.endpoint


@cache
def admin(url: str, service: str, region: str = REGION) -> Any:
    """Return a plain client for what blocks do not do."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="admin",
        aws_secret_access_key="admin-secret",
    )


class LoopbackEc2(HttpService):
    """One empty account; `allowed` are the actions that its one user may call once `enforced`."""

    def __init__(self) -> None:
        super().__init__()
        self.upstream = moto()
        self.sold_out: set[str] = set()
        self.limit = 100
        self.looks_until_settled = 1
        self.priced = True
        self._unsettled = 0
        self._forward = httpx.Client(trust_env=False, timeout=20)
        self.enforced(False)
        self._forward.post(f"{self.upstream}/moto-api/reset")
        self.ec2, self._iam = admin(self.upstream, "ec2"), admin(self.upstream, "iam")
        self.open_ports(22, 80, 443)
        self._iam.create_user(UserName="continuity")
        self.allow("*")
        self.key = self._iam.create_access_key(UserName="continuity")["AccessKey"]

    # --- what tests do to the account ---

    def enforced(self, yes: bool) -> None:
        """Let keys and policies be checked from now on, or no longer."""
        self._signed = yes
        self._forward.post(f"{self.upstream}/moto-api/reset-auth", content="0" if yes else "inf")

    def allow(self, *actions: str) -> None:
        """Let the user be allowed exactly these actions."""
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        self.allow_by({"Version": "2012-10-17", "Statement": [statement]})

    def allow_by(self, policy: Mapping[str, object]) -> None:
        """Let the user have this policy alone."""
        self._iam.put_user_policy(
            UserName="continuity", PolicyName="all", PolicyDocument=json.dumps(policy)
        )

    def revoke_key(self) -> None:
        """Delete the user's access key."""
        self._iam.delete_access_key(UserName="continuity", AccessKeyId=self.key["AccessKeyId"])

    def open_ports(self, *ports: int, region: str = REGION) -> None:
        """Make the security group of a region."""
        ec2 = admin(self.upstream, "ec2", region)
        group = ec2.create_security_group(GroupName="continuity", Description="Web and SSH")
        for port in ports:
            ec2.authorize_security_group_ingress(
                GroupId=group["GroupId"],
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                CidrIp="0.0.0.0/0",
            )

    def put(self, labels: Mapping[str, str]) -> None:
        """Make an instance as somebody else would."""
        tags = [{"Key": key, "Value": value} for key, value in labels.items()]
        self.ec2.run_instances(
            ImageId=NEWEST_IMAGE,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )

    def instances(self) -> list[dict[str, Any]]:
        """Return every instance that has not ended."""
        found = self.ec2.describe_instances()["Reservations"]
        every = [one for each in found for one in each["Instances"]]
        return [each for each in every if each["State"]["Name"] != "terminated"]

    def user_data(self, instance: str) -> str:
        told = self.ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
        return b64decode(told["UserData"]["Value"]).decode()

    # --- what the front answers ---

    def words(self, asked: Asked) -> str:
        """Return the action, which is a field of the form or a header."""
        form = _form(asked)
        target = _target(asked)
        rehearsal = " (rehearsal)" if form.get("DryRun") == "true" else ""
        return f"{super().words(asked)} {form.get('Action') or target}{rehearsal}"

    def answer(self, asked: Asked) -> Answer:
        action = self.words(asked).split(" ", 2)[2]
        if action == "GetProducts":
            return self._products(asked.body)
        form = _form(asked)
        if action == "RunInstances":
            if form["InstanceType"] in self.sold_out:
                return _sold_out(form["InstanceType"])
            if not self._signed and len(self.instances()) >= self.limit:
                return _over_quota(self.limit)
        given = self._passed_on(asked, action)
        if action in ("RunInstances", "StartInstances", "StopInstances"):
            self._unsettled = self.looks_until_settled
        return self._unsettled_still(given) if action == "DescribeInstances" else given

    def _passed_on(self, asked: Asked, action: str) -> Answer:
        body = str(asked.body)
        if action == "DescribeInstances" and not self._signed:
            # AWS may give fewer than it is asked for; moto would give all of them at once.
            body = body.replace("MaxResults=100", f"MaxResults={_PER_PAGE}")
        headers = {k: v for k, v in asked.headers.items() if k.lower() != "content-length"}
        given = self._forward.request(
            asked.method, self.upstream + asked.path, content=body, headers=headers
        )
        kept = {"Content-Type": given.headers.get("Content-Type", "text/xml")}
        return Answer(given.status_code, given.text, kept)

    def _unsettled_still(self, given: Answer) -> Answer:
        """Show what was just started as pending and what was stopped as stopping."""
        if self._unsettled == 0:
            return given
        self._unsettled -= 1
        text = str(given.body)
        for now, before in (("running", "pending"), ("stopped", "stopping")):
            text = text.replace(f"<name>{now}</name>", f"<name>{before}</name>")
        return Answer(given.status, text, given.headers)

    def _products(self, body: Mapping[str, Any]) -> Answer:
        if not self.priced:
            error = {"__type": "AccessDeniedException", "Message": "not authorized"}
            return Answer(400, error, {"Content-Type": "application/x-amz-json-1.1"})
        wanted = {each["Field"]: each["Value"] for each in body["Filters"]}
        found = [
            json.dumps(each)
            for each in _catalogue(REGION)
            if wanted.items()
            <= {
                **each["product"]["attributes"],
                "productFamily": each["product"]["productFamily"],
            }.items()
        ]
        start = int(body.get("NextToken", "0"))
        page: dict[str, object] = {
            "FormatVersion": "aws_v1",
            "PriceList": found[start : start + _PER_PAGE],
        }
        if start + _PER_PAGE < len(found):
            page["NextToken"] = str(start + _PER_PAGE)
        return Answer(200, page, {"Content-Type": "application/x-amz-json-1.1"})


def _form(asked: Asked) -> dict[str, str]:
    if not isinstance(asked.body, str):
        return {}
    return {name: values[0] for name, values in parse_qs(asked.body).items()}


def _target(asked: Asked) -> str:
    return asked.headers.get("X-Amz-Target", "").rpartition(".")[2]


def _sold_out(kind: str) -> Answer:
    message = (
        f"We currently do not have sufficient {kind} capacity in the Availability Zone you "
        "requested (eu-west-3a). Our system will be working on provisioning additional capacity."
    )
    return refusal(500, "InsufficientInstanceCapacity", message)


def _over_quota(limit: int) -> Answer:
    message = (
        f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for "
        "the instance bucket that the specified instance type belongs to."
    )
    return refusal(400, "VcpuLimitExceeded", message)


def refusal(status: int, code: str, message: str) -> Answer:
    """Return an error as EC2's API reference writes it ("Error codes")."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    text = f"<Response><Errors>{error}</Errors><RequestID>ea966190-f9aa</RequestID></Response>"
    return Answer(status, text, {"Content-Type": "text/xml;charset=UTF-8"})


def _catalogue(region: str) -> list[dict[str, Any]]:
    linux = {
        "regionCode": region,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "tenancy": "Shared",
        "capacitystatus": "Used",
        "licenseModel": "No License required",
    }
    machines = [
        _product(
            "Compute Instance", linux | {"instanceType": kind, "vcpu": str(cores)}, "Hrs", price
        )
        for kind, (cores, price) in PRICES.items()
    ]
    windows = linux | {"operatingSystem": "Windows", "instanceType": "t3a.xlarge", "vcpu": "4"}
    disk = {"regionCode": region, "volumeApiName": "gp3"}
    return [
        _product("Compute Instance", windows, "Hrs", "0.0010000000"),
        *machines,
        _product("Storage", disk, "GB-Mo", DISK_PRICE),
    ]


def _product(family: str, attributes: Mapping[str, str], unit: str, price: str) -> dict[str, Any]:
    sku = f"SKU{abs(hash(tuple(attributes.items()))) % 10**8}"
    dimension = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "appliesTo": [],
        "pricePerUnit": {"USD": price},
    }
    term = {"priceDimensions": {f"{sku}.JRTCKXETXF.6YS6EN2CT7": dimension}, "sku": sku}
    return {
        "product": {"productFamily": family, "attributes": dict(attributes), "sku": sku},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
    }
