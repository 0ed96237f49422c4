"""Two long runs of a write benchmark: with the archive's agent, and with its uploads alone.

The lab's storages work on the processors and the disk of the server that they store for, which real
ones do not. So the second run brings objects of the same sizes at the same moments to the same
storages while the agent rests: what that costs is the lab's, and the rest of the first is the
agent's.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlsplit

from blocks.archives.agent import SERVICE
from blocks.archives.s3_archive import S3Archive
from blocks.errors import ProviderError
from blocks.repositories.s3 import S3ObjectStore
from blocks.servers.base import Server
from blocks.types import KeyRole
from blocks.vps.nspawn_group import TOP, hierarchies
from deployments.lab.config import Lab
from deployments.lab.overhead_weigh import Pair, passes

SERVER = "web1"
_SHORT = timedelta(seconds=60)
_WARM_SECONDS = 10
_LOG = "/run/bench-passes.log"
Share = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that the agent brought.

    Attributes:
        place: Name of the archive.
        at: Seconds after the benchmark's start.
        size: In bytes.
    """

    place: str
    at: float
    size: int


def with_agent(
    here: Lab, server: Server, archives: Mapping[str, S3Archive], bench: str, count: int
) -> tuple[list[Pair], list[Upload]]:
    """Run the benchmark through so many passes of the agent; return them, and what it uploaded."""
    interval = min(each.interval_seconds for each in archives.values())
    began, rates, share = _run(
        server, bench, count * interval, lambda seconds: _watch_agent(here, seconds)
    )
    uploads = [
        Upload(name, each.modified.timestamp() - began, each.size)
        for name, archive in archives.items()
        for each in archive.store.list(f"{SERVER}/")
        if each.modified.timestamp() > began
    ]
    return passes(rates, interval, share), sorted(uploads, key=lambda each: each.at)


def with_uploads(
    server: Server,
    archives: Mapping[str, S3Archive],
    bench: str,
    count: int,
    uploads: Sequence[Upload],
) -> list[Pair]:
    """Run the benchmark again while the same is uploaded from outside; the agent rests.

    What is taken of a processor is what the sender took.
    """
    interval = min(each.interval_seconds for each in archives.values())
    due = {name: [each for each in uploads if each.place == name] for name in archives}
    content, sender = os.urandom(max(each.size for each in uploads)), list[float]()

    def send(seconds: float) -> Share:
        began, used = time.time(), time.process_time()
        with ThreadPoolExecutor(len(archives)) as pool:
            sending = [
                pool.submit(_send, archive.store_of(KeyRole.SERVER), due[name], content, began)
                for name, archive in archives.items()
            ]
            spans = [span for each in sending for span in each.result()]
        sender.append(time.process_time() - used)
        time.sleep(max(0.0, began + seconds - time.time()))
        return lambda end: min(1.0, sum(max(0.0, min(end, b) - max(end - 1, a)) for a, b in spans))

    _, rates, share = _run(server, bench, count * interval, send)
    taken = round(sender[0] / (count * interval), 4)
    return [replace(each, taken=taken) for each in passes(rates, interval, share)]


def _run(
    server: Server, bench: str, seconds: int, beside: Callable[[float], Share]
) -> tuple[float, list[tuple[float, float]], Share]:
    """Return the start, the rates by the end of each warm second, and what went on beside."""
    seconds += _WARM_SECONDS
    stamp = 'while read -r line; do echo "$EPOCHREALTIME $line"; done'
    stamped = f"stdbuf -oL {bench} --time={seconds} run | {stamp}"
    words = ("systemd-run", "--quiet", "--collect", "--unit=bench-passes")
    server.run((*words, "bash", "-c", f"{stamped} >{_LOG}"), timeout=_SHORT)
    began = time.time()
    share = beside(seconds + 5)
    found = re.findall(r"^([0-9.]+) \[ \d+s \].*? tps: ([0-9.]+)", server.get(_LOG).decode(), re.M)
    return began, [(float(at), float(rate)) for at, rate in found][_WARM_SECONDS:], share


def _watch_agent(here: Lab, seconds: float) -> Share:
    """Look at the agent's processor time until then, five times a second."""
    group = hierarchies()[0] / TOP / here.namespace / SERVER
    stat = next(group.rglob(f"{SERVICE}.service")) / "cpu.stat"
    used, until = [], time.time() + seconds
    while time.time() < until:
        used.append((time.time(), int(stat.read_text().split()[1]) / 1e6))
        time.sleep(0.2)

    def share(end: float) -> float:
        inside = [spent for at, spent in used if end - 1.2 <= at <= end + 0.2]
        return (inside[-1] - inside[0]) / 1.2 if inside else 0.0

    return share


def _send(
    store: S3ObjectStore, uploads: Sequence[Upload], content: bytes, began: float
) -> list[tuple[float, float]]:
    """Upload to one place, each at its moment; return when each began and ended."""
    spans = []
    address = urlsplit(store.url())
    for number, each in enumerate(uploads):
        key = f"{SERVER}/uploaded-beside-{number}"
        with store.border(key) as client:
            link = urlsplit(
                client.generate_presigned_url(
                    "put_object", Params={"Bucket": store.bucket, "Key": store.path(key)}
                )
            )
        time.sleep(max(0.0, began + each.at - time.time()))
        start = time.time()
        connection = HTTPConnection(address.netloc, timeout=60)
        connection.request("PUT", f"{link.path}?{link.query}", memoryview(content)[: each.size])
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != HTTPStatus.OK:
            raise ProviderError(
                store.subject(key), said.decode(errors="replace"), "look at its log"
            )
        spans.append((start, time.time()))
    return spans
