"""The lab's object storage and DNS: what recoveries rest on is shown here, not taken on trust."""

import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.xfr
import dns.zone
import pytest
from botocore.exceptions import ClientError

from deployments.lab import lab as whole
from deployments.lab import machines, names, storage
from deployments.lab.config import ROOT, Lab
from deployments.lab.names_zones import KEY_NAME, SITES, ZONES
from deployments.lab.storage_rules import BUCKET, STATE_BUCKET, USERS

pytestmark = pytest.mark.lab

SITE = SITES[0]
OTHER = "10.89.78.120"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two machines of their own lab, so that nothing here meets another test's recovery."""
    here = Lab("services", IPv4Network("10.89.78.0/24"), ROOT / "var" / "lab" / "services")
    try:
        whole.foundation(here)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda role: _start(here, role), (storage, names)))
        yield here
    finally:
        whole.down(here)


def _start(lab: Lab, role: object) -> None:
    if role is storage:
        machines.start(lab, "storage", "storage", lab.storage)
        storage.configure(lab)
    else:
        machines.start(lab, "names", "names", lab.names)
        names.configure(lab)


# --- object storage ---------------------------------------------------------------------------


def _put(lab: Lab, user: str, key: str, body: bytes = b"1", **conditions: str) -> str:
    client = storage.client(lab, user)
    return client.put_object(Bucket=BUCKET, Key=key, Body=body, **conditions)["VersionId"]


def _get(lab: Lab, user: str, key: str, **version: str) -> bytes:
    return storage.client(lab, user).get_object(Bucket=BUCKET, Key=key, **version)["Body"].read()


def _refusal(call: object, *words: object, **named: object) -> int:
    with pytest.raises(ClientError) as refused:
        call(*words, **named)  # type: ignore[operator]
    return int(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.fixture
def folder() -> str:
    return f"test/{secrets.token_hex(4)}"


def test_configuring_again_changes_nothing(lab: Lab, folder: str) -> None:
    _put(lab, "worker", f"{folder}/a", b"kept")
    storage.configure(lab)
    assert _get(lab, "worker", f"{folder}/a") == b"kept"


@pytest.mark.parametrize("reader", USERS)
@pytest.mark.parametrize("writer", USERS)
def test_every_key_reads_what_another_wrote(
    lab: Lab, folder: str, reader: str, writer: str
) -> None:
    _put(lab, writer, f"{folder}/data/a", writer.encode())
    assert _get(lab, reader, f"{folder}/data/a") == writer.encode()
    listed = storage.client(lab, reader).list_objects_v2(Bucket=BUCKET, Prefix=folder)
    assert [item["Key"] for item in listed["Contents"]] == [f"{folder}/data/a"]


def test_the_server_key_deletes_nothing_but_locks(lab: Lab, folder: str) -> None:
    delete = storage.client(lab, "server").delete_object
    for kind in ("data/ab", "snapshots", "index", "keys"):
        _put(lab, "server", f"{folder}/restic/{kind}/a")
        assert _refusal(delete, Bucket=BUCKET, Key=f"{folder}/restic/{kind}/a") == 403
        assert _get(lab, "server", f"{folder}/restic/{kind}/a") == b"1"
    _put(lab, "server", f"{folder}/restic/locks/a")
    delete(Bucket=BUCKET, Key=f"{folder}/restic/locks/a")
    assert _refusal(_get, lab, "server", f"{folder}/restic/locks/a") == 404


@pytest.mark.parametrize(
    "kind", ["sets/s1/manifest.json", "incidents/i/1.json", "leases/web1.json"]
)
def test_the_server_key_writes_no_manifest_journal_or_lease(
    lab: Lab, folder: str, kind: str
) -> None:
    assert _refusal(_put, lab, "server", f"{folder}/{kind}") == 403
    assert _put(lab, "worker", f"{folder}/{kind}")


def test_the_server_key_cannot_change_the_rules(lab: Lab) -> None:
    client = storage.client(lab, "server")
    assert _refusal(client.delete_bucket_policy, Bucket=BUCKET) == 403
    suspended = {"Status": "Suspended"}
    versioning = client.put_bucket_versioning
    assert _refusal(versioning, Bucket=BUCKET, VersioningConfiguration=suspended) == 403


def test_an_overwritten_object_is_still_there(lab: Lab, folder: str) -> None:
    good = _put(lab, "server", f"{folder}/data/pack", b"good")
    _put(lab, "server", f"{folder}/data/pack", b"evil")
    assert _get(lab, "worker", f"{folder}/data/pack") == b"evil"
    assert _get(lab, "worker", f"{folder}/data/pack", VersionId=good) == b"good"


def test_pruning_hides_and_nobody_destroys(lab: Lab, folder: str) -> None:
    key = f"{folder}/data/pack"
    version = _put(lab, "server", key, b"good")
    storage.client(lab, "prune").delete_object(Bucket=BUCKET, Key=key)
    assert _refusal(_get, lab, "worker", key) == 404
    for user in USERS:
        destroy = storage.client(lab, user).delete_object
        assert _refusal(destroy, Bucket=BUCKET, Key=key, VersionId=version) == 403
        bypass = {"BypassGovernanceRetention": True}
        assert _refusal(destroy, Bucket=BUCKET, Key=key, VersionId=version, **bypass) == 403
    assert _get(lab, "worker", key, VersionId=version) == b"good"


def _answer(lab: Lab, bucket: str, key: str, body: bytes, **conditions: str) -> int:
    """Write under a condition; return the HTTP status."""
    try:
        storage.client(lab, "worker").put_object(Bucket=bucket, Key=key, Body=body, **conditions)
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return 200


def test_conditional_writes_are_refused_with_412(lab: Lab, folder: str) -> None:
    def write(body: bytes, **conditions: str) -> int:
        return _answer(lab, STATE_BUCKET, folder, body, **conditions)

    def read() -> bytes:
        return client.get_object(Bucket=STATE_BUCKET, Key=folder)["Body"].read()

    client = storage.client(lab, "worker")
    assert write(b"first", IfNoneMatch="*") == 200
    assert write(b"second", IfNoneMatch="*") == 412
    assert write(b"second", IfMatch="0123456789abcdef0123456789abcdef") == 412
    assert read() == b"first"
    etag = client.head_object(Bucket=STATE_BUCKET, Key=folder)["ETag"].strip('"')
    assert write(b"second", IfMatch=etag) == 200
    assert write(b"third", IfMatch=etag) == 412
    assert read() == b"second"


@pytest.mark.parametrize("condition", ["IfNoneMatch", "IfMatch"])
def test_of_many_writers_one_wins(lab: Lab, folder: str, condition: str) -> None:
    client = storage.client(lab, "worker")
    wanted = "*"
    if condition == "IfMatch":
        wanted = client.put_object(Bucket=STATE_BUCKET, Key=folder, Body=b"-")["ETag"].strip('"')

    def write(number: int) -> int:
        return _answer(lab, STATE_BUCKET, folder, f"{number}".encode(), **{condition: wanted})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(8)))
    assert sorted(answers) == [200] + [412] * 7
    kept = client.get_object(Bucket=STATE_BUCKET, Key=folder)["Body"].read()
    assert kept == f"{answers.index(200)}".encode()


def test_a_versioned_bucket_has_no_conditional_writes(lab: Lab, folder: str) -> None:
    """The reason for the second bucket: when this fails, Ceph has learned it."""
    assert _answer(lab, BUCKET, folder, b"first", IfNoneMatch="*") == 200
    assert _answer(lab, BUCKET, folder, b"second", IfNoneMatch="*") == 200
    etag = storage.client(lab, "worker").head_object(Bucket=BUCKET, Key=folder)["ETag"].strip('"')
    assert _answer(lab, BUCKET, folder, b"third", IfMatch=etag) == 412


@pytest.mark.parametrize("user", ["server", "prune"])
def test_state_is_the_workers_alone(lab: Lab, folder: str, user: str) -> None:
    client = storage.client(lab, user)
    storage.client(lab, "worker").put_object(Bucket=STATE_BUCKET, Key=folder, Body=b"1")
    assert _refusal(client.get_object, Bucket=STATE_BUCKET, Key=folder) == 403
    assert _refusal(client.put_object, Bucket=STATE_BUCKET, Key=folder, Body=b"2") == 403
    assert _refusal(client.delete_object, Bucket=STATE_BUCKET, Key=folder) == 403
    assert _refusal(client.list_objects_v2, Bucket=STATE_BUCKET) == 403


def test_throughput_lets_a_demo_end_in_time(lab: Lab, folder: str) -> None:
    size, count = 16 * 2**20, 16
    body = os.urandom(size)
    with ThreadPoolExecutor(5) as pool:
        begun = time.monotonic()
        list(pool.map(lambda n: _put(lab, "server", f"{folder}/data/{n}", body), range(count)))
        written = time.monotonic()
        read = list(pool.map(lambda n: _get(lab, "server", f"{folder}/data/{n}"), range(count)))
        ended = time.monotonic()
    assert all(content == body for content in read)
    total = size * count / 1e6
    put, get = total / (written - begun), total / (ended - written)
    print(f"\nobject storage: put {put:.0f} MB/s, get {get:.0f} MB/s")
    assert put > 15, "a backup of 1 GB would take more than a minute"
    assert get > 30, "a restore of 1 GB would take more than half a minute"


def test_the_bucket_survives_a_power_cut(lab: Lab, folder: str) -> None:
    version = _put(lab, "worker", f"{folder}/a", b"acknowledged")
    machines.provider(lab).power_off("storage")
    machines.start(lab, "storage", "storage", lab.storage)
    begun = time.monotonic()
    storage.configure(lab)
    print(f"\nobject storage: answers {time.monotonic() - begun:.1f} s after sshd")
    assert _get(lab, "worker", f"{folder}/a", VersionId=version) == b"acknowledged"


# --- DNS --------------------------------------------------------------------------------------


@pytest.fixture
def fresh(lab: Lab) -> Iterator[Lab]:
    names.reset(lab)
    yield lab
    names.reset(lab)


def _ring(lab: Lab, name: str = KEY_NAME, key: str = "") -> dict[object, dns.tsig.Key]:
    return dns.tsigkeyring.from_text({name: ("hmac-sha256", key or lab.secret("tsig-key"))})


def _update(lab: Lab, ring: object, address: str = OTHER) -> dns.rcode.Rcode:
    change = dns.update.UpdateMessage("omniweb.test", keyring=ring)
    change.replace("journal", 10, "A", address)
    return dns.query.tcp(change, lab.names, timeout=5).rcode()


def _addresses(server: str, name: str) -> list[str]:
    answer = dns.query.udp(dns.message.make_query(name, "A"), server, timeout=5)
    return [str(item) for rrset in answer.answer for item in rrset if rrset.rdtype == 1]


def test_the_right_key_updates_and_reset_puts_it_back(fresh: Lab) -> None:
    assert _update(fresh, _ring(fresh)) is dns.rcode.NOERROR
    assert _addresses(fresh.names, SITE) == [OTHER]
    names.configure(fresh)
    assert _addresses(fresh.names, SITE) == [OTHER], "configure keeps what was changed"
    names.reset(fresh)
    for site in SITES:
        assert _addresses(fresh.names, site) == [fresh.production]
        assert _addresses(fresh.resolver, site) == [fresh.production]


def test_a_wrong_key_changes_nothing(fresh: Lab) -> None:
    wrong = "d3Jvbmcga2V5IHdyb25nIGtleSB3cm9uZyBrZXkgISE="
    with pytest.raises(dns.tsig.PeerBadSignature):
        _update(fresh, _ring(fresh, key=wrong))
    with pytest.raises(dns.tsig.PeerBadKey):
        _update(fresh, _ring(fresh, name="stranger"))
    assert _update(fresh, None) is dns.rcode.REFUSED
    assert _addresses(fresh.names, SITE) == [fresh.production]


def _transfer(lab: Lab, zone: str, ring: object) -> dns.zone.Zone:
    received = dns.zone.Zone(zone, relativize=False)
    query, _ = dns.xfr.make_query(received, keyring=ring)
    dns.query.inbound_xfr(lab.names, received, query, timeout=5, lifetime=10)
    return received


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_is_transferred_to_the_key_alone(lab: Lab, zone: str) -> None:
    whole_zone = _transfer(lab, zone, _ring(lab)).to_text()
    assert "v=spf1" in whole_zone
    assert "MX 10 mail.omniweb.test." in whole_zone
    with pytest.raises(dns.xfr.TransferError):
        _transfer(lab, zone, None)


def test_the_resolver_keeps_an_answer_until_its_ttl_is_over(fresh: Lab) -> None:
    begun = time.monotonic()
    assert _addresses(fresh.resolver, SITE) == [fresh.production]
    _update(fresh, _ring(fresh))
    assert _addresses(fresh.names, SITE) == [OTHER]
    while _addresses(fresh.resolver, SITE) == [fresh.production]:
        assert time.monotonic() - begun < 13, "the resolver does not let go of the old address"
        time.sleep(0.1)
    assert _addresses(fresh.resolver, SITE) == [OTHER]
    assert time.monotonic() - begun > 8, "visitors see the change sooner than in the real world"


def test_the_resolver_follows_aliases_and_reverse_names(lab: Lab) -> None:
    assert _addresses(lab.resolver, "shop.atelier.test") == _addresses(
        lab.names, "boutique.atelier.test"
    )
    reverse = dns.message.make_query("4.78.89.10.in-addr.arpa", "PTR")
    answer = dns.query.udp(reverse, lab.resolver, timeout=5)
    assert str(answer.answer[0][0]) == "ns1.omniweb.test."


def test_the_resolver_refuses_other_names_at_once(lab: Lab) -> None:
    begun = time.monotonic()
    query = dns.message.make_query("example.org", "A")
    assert dns.query.udp(query, lab.resolver, timeout=5).rcode() is dns.rcode.REFUSED
    assert time.monotonic() - begun < 1
