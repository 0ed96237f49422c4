"""A whole estate over real things on the loopback, and its twin in which every secret is wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from pydantic import SecretStr
from ruamel.yaml import YAML

from blocks.repositories.catalogue import Catalogue
from blocks.repositories.restic import ResticRepository
from tests.contract.bind import ADDRESS, Bind
from tests.contract.https_site import resolver, site
from tests.contract.notifier_places import Mailboxes, free_port
from tests.fakes.hetzner_api import HetznerApi
from tests.fakes.loopback_mariadb import PASSWORD, LoopbackMariaDb, loopback_mariadb
from tests.fakes.loopback_s3 import moto_server
from tests.fakes.loopback_sshd import SECOND, LoopbackSshd, loopback_sshd, make_key
from tests.fakes.ping_receiver import PingReceiver, ping_receiver
from tests.fakes.uptimerobot_api import Key, UptimeRobotApi
from tests.unit.samples import recovery_set

Json = dict[str, Any]
HETZNER_TOKEN, MAIL_PASSWORD = "hetzner-token-of-the-doctor", "mail-password-of-the-doctor"
RESTIC_PASSWORD = "restic-password-of-the-doctor"
RECEIVER_SECRET = "receiver-secret-of-the-doctor-0123456789"
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
MAIL_FIELDS = {"host": SECOND, "starttls": False, "username": "pra", "timeout_seconds": 5}


@dataclass
class DoctorWorld:
    """The services, the estate that names them, and its secrets by the file that holds each."""

    folder: Path
    hetzner: HetznerApi
    bind: Bind
    boxes: Mailboxes
    pings: PingReceiver
    mariadb: LoopbackMariaDb
    estate: Json
    secrets: dict[str, str]
    wrong: dict[str, str] = field(default_factory=dict)

    def write(self, *wrong: str, **changes: object) -> Path:
        """Write the estate and its secrets, these of them wrong, and return the file."""
        folder = self.folder / "estate"
        folder.mkdir(exist_ok=True)
        for file, secret in (self.secrets | {each: self.wrong[each] for each in wrong}).items():
            (folder / file).write_text(secret)
            (folder / file).chmod(0o600)
        YAML(typ="safe").dump(deepcopy(self.estate) | changes, folder / "estate.yaml")
        return folder / "estate.yaml"

    def every_secret(self) -> set[str]:
        """Return all that may never be shown, the lines of keys one by one."""
        texts = [*self.secrets.values(), *self.wrong.values()]
        return {
            line
            for text in texts
            for line in text.splitlines()
            if len(line) > 7 and "-----" not in line
        }


@contextmanager
def doctor_world(folder: Path) -> Iterator[DoctorWorld]:
    """Run everything while the block lasts."""
    with ExitStack() as stack:
        hetzner = stack.enter_context(HetznerApi(HETZNER_TOKEN).running())
        (folder / "bind").mkdir()
        bind = stack.enter_context(Bind(folder / "bind").running())
        sshd = stack.enter_context(loopback_sshd(folder))
        mariadb = stack.enter_context(loopback_mariadb(folder))
        monitors = stack.enter_context(UptimeRobotApi().running())
        monitors.watch("https://boutique.test/")
        pings = stack.enter_context(ping_receiver())
        names = stack.enter_context(resolver())
        port, _ = stack.enter_context(site(None, "127.0.0.1"))
        boxes, mail_port = stack.enter_context(_relay())
        world = DoctorWorld(folder, hetzner, bind, boxes, pings, mariadb, {}, {})
        zone = bind.take_zone()
        names.records[f"boutique.{zone}"] = ["127.0.0.1"]
        page = f"http://boutique.{zone}:{port}/"
        world.estate |= _storage(stack, world)
        world.estate |= _people(world, mail_port)
        world.estate |= _watchers(world, sshd, names.port, monitors, pings)
        world.estate |= _names(world, zone, page)
        world.estate |= _machines(world, sshd, hetzner, mariadb)
        world.estate["status_page"] = _status_page(world, sshd)
        yield world


def _storage(stack: ExitStack, world: DoctorWorld) -> Json:
    """Make a bucket at moto, which knows keys, with a set of web1 in it."""
    service = stack.enter_context(moto_server(world.folder, open_calls=4))
    service.make_bucket("continuity")
    users: Any = service.client("iam")
    users.create_user(UserName="worker")
    pair = users.create_access_key(UserName="worker")["AccessKey"]
    users.put_user_policy(UserName="worker", PolicyName="all", PolicyDocument=EVERYTHING)
    key, secret = pair["AccessKeyId"], pair["SecretAccessKey"]
    store = service.store("continuity", access_key=key, secret_key=secret)
    made = ResticRepository(
        store=store.model_copy(update={"prefix": "restic"}),
        password=SecretStr(RESTIC_PASSWORD),
        server_access_key=key,
        server_secret_key=SecretStr(secret),
    )
    Catalogue(made).put(recovery_set(datetime.now(UTC)))
    identity = str(pyrage.x25519.Identity.generate())
    world.secrets |= {"s3": secret, "s3-server": secret, "restic": RESTIC_PASSWORD}
    world.secrets |= {"s3-agent": secret, "identity": identity}
    world.wrong |= {"s3-server": "revoked-server-key", "restic": "another-restic-password"}
    world.wrong |= {"s3-agent": "revoked-agent-key"}
    place = {"endpoint": service.endpoint, "bucket": "continuity", "access_key": key,
             "attempts": 1, "secret_key": {"file": "s3"}}  # fmt: skip
    where = {"provider": "wasabi", "site": "eu", "account": "a"}
    return {
        "repositories": [
            {
                "name": "principal",
                "type": "restic-repository",
                "store": place | {"prefix": "restic"},
                "password": {"file": "restic"},
                "server_access_key": key,
                "server_secret_key": {"file": "s3-server"},
                "domain": where,
            }
        ],
        "archives": [
            {
                "name": "journal",
                "type": "s3-archive",
                "store": place | {"prefix": "archive"},
                "agent_access_key": key,
                "agent_secret_key": {"file": "s3-agent"},
                "identity_key": {"file": "identity"},
                "domain": where,
            }
        ],
    }


@contextmanager
def _relay() -> Iterator[tuple[Mailboxes, int]]:
    def knows(_server: object, _session: object, _envelope: object, _how: str, login: Any) -> Any:
        return AuthResult(success=login.password == MAIL_PASSWORD.encode(), handled=False)

    boxes = Mailboxes()
    controller = Controller(
        boxes, hostname=SECOND, port=free_port(), auth_require_tls=False, authenticator=knows
    )
    controller.start()
    yield boxes, controller.port
    controller.stop()


def _people(world: DoctorWorld, port: int) -> Json:
    world.secrets |= {"mail": MAIL_PASSWORD, "client-mail": MAIL_PASSWORD}
    world.wrong |= {"mail": "wrong-mail-password", "client-mail": "wrong-mail-password"}
    mail = MAIL_FIELDS | {"port": port, "sender": "OmniWeb <pra@omniweb.test>"}
    told = {"recipients": ["anne@omniweb.test"], "password": {"file": "mail"}}
    elsewhere = {"provider": "relay", "site": "paris", "account": "m"}
    return {
        "agency": {"name": "OmniWeb"},
        "notifiers": [{"name": "equipe", "type": "email-notifier"} | mail | told],
        "client_mail": mail | {"password": {"file": "client-mail"}, "domain": elsewhere},
    }


def _watchers(
    world: DoctorWorld, sshd: LoopbackSshd, port: int, monitors: UptimeRobotApi, pings: PingReceiver
) -> Json:
    world.secrets |= {"witness-key": sshd.private_key, "receiver": RECEIVER_SECRET}
    world.secrets |= {"monitor-token": Key.READ.value, "ping": pings.url}
    world.wrong |= {"witness-key": _stranger(world, "witness"), "monitor-token": Key.EXPIRED.value}
    here = {"resolvers": ["127.0.0.1"], "resolver_port": port}
    ssh = {"address": "127.0.0.1", "port": sshd.port, "host_key": sshd.host_key}
    asked = {"token": {"file": "monitor-token"}, "api_url": monitors.api}
    secret = {"secret": {"file": "receiver"}}
    return {
        "probe": {"type": "http-probe"} | here,
        "witnesses": [
            {"name": "temoin", "type": "over-ssh-probe", **here}
            | {"server": ssh | {"private_key": {"file": "witness-key"}}}
        ],
        "alerts": [
            {"name": "robot", "type": "uptimerobot-alerts"} | secret | asked,
            {"name": "pingdom", "type": "pingdom-alerts"} | secret,
        ],
        "heartbeats": {"backup": {"url": {"file": "ping"}}},
    }


def _names(world: DoctorWorld, zone: str, page: str) -> Json:
    """Name the zone and the one site; the wrong key is one that BIND knows and lets only read."""
    world.secrets["tsig"] = world.bind.keys["continuity"]
    world.wrong["tsig"] = world.bind.keys["reader"]
    domain = f"boutique.{zone}"
    return {
        "zones": [
            {
                "name": "zone",
                "type": "rfc2136-zone",
                "zone": zone,
                "server": ADDRESS,
                "port": world.bind.port,
                "key_name": "continuity",
                "key_secret": {"file": "tsig"},
                "nameservers": [ADDRESS],
            }
        ],
        "sites": [
            {
                "name": "boutique",
                "title": "Boutique",
                "server": "web1",
                "domains": [domain],
                "roots": ["/srv/boutique"],
                "smoke": [{"url": page, "contains": "Dernière commande"}],
            }
        ],
        "clients": [
            {"name": "a", "title": "A", "addresses": ["a@a.test"], "sites": ["boutique"]},
        ],
    }


def _machines(
    world: DoctorWorld, sshd: LoopbackSshd, hetzner: HetznerApi, mariadb: LoopbackMariaDb
) -> Json:
    world.secrets |= {"hetzner": HETZNER_TOKEN, "ssh-key": sshd.private_key, "database": PASSWORD}
    world.wrong |= {"hetzner": "expired-hetzner-token", "ssh-key": _stranger(world, "server")}
    world.wrong |= {"database": "wrong-database-password"}
    ssh = {"port": sshd.port, "host_key": sshd.host_key, "private_key": {"file": "ssh-key"}}
    return {
        "providers": [
            {
                "name": "hetzner",
                "type": "hetzner-vps",
                "token": {"file": "hetzner"},
                "api_url": hetzner.url,
                "timeout_seconds": 5,
                "poll_seconds": 0.01,
            }
        ],
        "drill": {"ceiling": 5, "currency": "EUR", "hours": 4, "egress_gb": 0},
        "servers": [
            {
                "name": "web1",
                "address": "127.0.0.1",
                "ssh": ssh,
                "database": {"password": {"file": "database"}, "port": mariadb.port},
                "repository": "principal",
                "archive": "journal",
                "targets": [{"provider": "hetzner"}],
                "domain": {"provider": "ovh", "site": "rbx", "account": "v"},
            }
        ],
    }


def _status_page(world: DoctorWorld, sshd: LoopbackSshd) -> Json:
    path = world.folder / "status.git"
    words = ["git", "init", "-q", "--bare", "--initial-branch=main", str(path)]
    subprocess.run(words, check=True, timeout=30)
    world.secrets["page-key"] = sshd.private_key
    world.wrong["page-key"] = _stranger(world, "page")
    return {
        "remote": f"ssh://root@{SECOND}:{sshd.port}{path}",
        "ssh_key": {"file": "page-key"},
        "host_key": sshd.host_key,
        "domain": {"provider": "forge", "site": "lyon", "account": "f"},
    }


def _stranger(world: DoctorWorld, name: str) -> str:
    """Return a private key that sshd does not know."""
    return make_key(world.folder / f"stranger-{name}")[0]
