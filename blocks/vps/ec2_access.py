"""Who we are at AWS, and which calls of a recovery its own rehearsals allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from blocks.errors import ConfigurationError, PermissionDenied
from blocks.types import Access
from blocks.vps.ec2_shapes import order
from blocks.vps.labels import NAME, OURS

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import IpPermissionOutputTypeDef, SecurityGroupTypeDef

    from blocks.vps.ec2 import Ec2Vps

PORTS = (22, 80, 443)
"""What a recovered server is reached by: SSH and the web."""
_EVERYBODY = "0.0.0.0/0"
_LABELS = {OURS[0]: OURS[1], NAME: "rehearsal"}
_ON_A_MACHINE = (
    ("ec2:StartInstances", "démarrer", "start_instances"),
    ("ec2:StopInstances", "couper", "stop_instances"),
    ("ec2:TerminateInstances", "détruire", "terminate_instances"),
)


@dataclass
class _Rights:
    may: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def rehearse(self, action: str, what: str, act: Callable[[], object]) -> bool:
        """Note whether this is allowed; the account lacks what cannot be found."""
        try:
            act()
        except PermissionDenied:
            self.missing.append(f"{what} ({action})")
            return False
        except ConfigurationError as error:
            self.missing.append(f"{what} : {error.subject} {error.cause}")
            return False
        self.may.append(what)
        return True


def seen(provider: Ec2Vps) -> Access:
    """Return what AWS says without making anything."""
    with provider.asking("sts", provider.region, "say who we are") as sts:
        told = sts.get_caller_identity()
        who = f"{told['Arn']}, compte {told['Account']}"
    rights = _Rights()
    rights.rehearse("ec2:DescribeInstances", "lire les machines", lambda: provider.find({}))
    for region in provider.places:
        _orders(provider, region, rights)
    _on_a_machine(provider, rights)
    return Access(who, tuple(rights.may), tuple(rights.missing), tuple(rights.unseen))


def _orders(provider: Ec2Vps, region: str, rights: _Rights) -> None:
    """Look at all that an order in a region needs, then rehearse the order."""
    ready = [
        rights.rehearse(
            "ec2:DescribeInstanceTypes",
            f"lire les tailles à {region}",
            lambda: provider.sizes(region),
        ),
        rights.rehearse(
            "ec2:DescribeImages",
            f"trouver l'image de Debian {provider.debian} à {region}",
            lambda: provider.image(region),
        ),
        rights.rehearse(
            "ec2:DescribeSecurityGroups",
            f"trouver le groupe de sécurité à {region}",
            lambda: provider.group(region),
        ),
    ]
    create = f"créer une machine à {region}"
    sizes = provider.candidates(region=region) if ready[0] else ()
    if not all(ready) or not sizes:
        rights.unseen.append(f"{create} : impossible à répéter sans ce qui précède")
        return
    image, group = provider.image(region), provider.group(region)
    closed = closed_ports(group)
    if closed:
        ports = ", ".join(map(str, closed))
        rights.missing.append(
            f"le groupe {provider.security_group} à {region} n'ouvre pas : {ports}"
        )
    call = order(image, group, sizes[0], _LABELS, "#cloud-config", uuid4().hex)

    def run() -> None:
        with provider.asking("ec2", region, f"rehearse an order in {region}") as ec2:
            ec2.run_instances(**call, DryRun=True)

    rights.rehearse("ec2:RunInstances, ec2:CreateTags", create, run)
    if not any(size.price for size in sizes):
        rights.unseen.append(f"prix à {region} : non lus (pricing:GetProducts)")


def _on_a_machine(provider: Ec2Vps, rights: _Rights) -> None:
    """Rehearse on one of our machines: rights on others need not be there."""
    ours = next(iter(provider.find({})), None)
    if ours is None:
        rights.unseen.append("démarrer, couper, détruire : aucune machine à nous pour l'essayer")
        return
    for action, what, call in _ON_A_MACHINE:

        def rehearsed(call: str = call) -> None:
            with provider.asking("ec2", ours.region, f"rehearse {call}") as ec2:
                getattr(ec2, call)(InstanceIds=[ours.id], DryRun=True)

        rights.rehearse(action, what, rehearsed)


def closed_ports(group: SecurityGroupTypeDef) -> tuple[int, ...]:
    """Return the ports that it does not let in: the web's for everybody, SSH for anybody."""
    rules = group.get("IpPermissions", [])
    return tuple(
        port for port in PORTS if not any(_lets_in(rule, port, port == 22) for rule in rules)
    )


def _lets_in(rule: IpPermissionOutputTypeDef, port: int, anybody: bool) -> bool:
    everything = rule["IpProtocol"] == "-1"
    covers = rule["IpProtocol"] == "tcp" and rule["FromPort"] <= port <= rule["ToPort"]
    from_all = _EVERYBODY in [each.get("CidrIp") for each in rule.get("IpRanges", [])]
    return (everything or covers) and (anybody or from_all)
