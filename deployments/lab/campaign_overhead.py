"""What the archive and a backup cost a database that is busy: paired runs of one write benchmark.

    script/campaign overhead [--pairs N] [--seconds N] [--keep]

sysbench writes on web1 as fast as it can. A pair is two runs after each other, in turns with the
archive's agent first or last; what counts is the ratio within a pair, as the machine is noisy. A
pair of twice the same tells how noisy. Then one run while a backup is taken.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from statistics import mean, stdev
from typing import Annotated

import typer

from blocks.archives.agent import SERVICE
from blocks.errors import DamagedData
from blocks.servers.base import Server
from deployments.lab import command_line, control, lab, production
from deployments.lab.campaign_result import FOLDER
from deployments.lab.config import Lab, current

SERVER = "web1"
MOST_LOST = 0.03
_SHORT = timedelta(seconds=60)
_LONG = timedelta(minutes=10)
_STUDENT = {3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Quantiles of Student's distribution for a 95 % interval of so many values."""
_BENCH = (
    "sysbench oltp_write_only --mysql-socket=/run/mysqld/mysqld.sock --mysql-user=root "
    "--mysql-db=bench --tables=4 --table-size=50000 --threads=4 --report-interval=1"
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Throughput of the second kind of run over that of the first, pair by pair.

    Attributes:
        low, high: 95 % interval of the mean.
    """

    pairs: tuple[float, ...]
    mean: float
    low: float
    high: float


def main(
    pairs: Annotated[int, typer.Option(min=3, max=10, help="Pairs of each kind.")] = 8,
    seconds: Annotated[int, typer.Option(min=15, help="Length of a run.")] = 30,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the campaign; ends non-zero if the archive costs more than 3 %."""
    here = current()
    lab.up(here)
    try:
        with control.prefect(here):
            server = production.connect(here)
            _prepare(server)
            same = _ratio(_pairs(server, pairs, seconds, agent=False))
            print(f"twice without the archive: {_said(same)}", flush=True)
            archive = _ratio(_pairs(server, pairs, seconds, agent=True))
            print(f"with the archive: {_said(archive)}", flush=True)
            backup = [_during_backup(here, server, number) for number in range(3)]
    finally:
        if not keep:
            lab.down(here)
    good = archive.mean >= 1 - MOST_LOST
    document = {
        "noise": asdict(same),
        "archive": asdict(archive),
        "backup": backup,
        "summary": {
            "archive_costs": round(1 - archive.mean, 4),
            "backup_leaves": round(mean(each["ratio"] for each in backup), 3),
            "good": good,
        },
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "overhead.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(document["summary"]))
    sys.exit(0 if good else 1)


def _prepare(server: Server) -> None:
    server.install_packages(("sysbench",), timeout=_LONG)
    server.run(("mariadb", "-e", "CREATE DATABASE IF NOT EXISTS bench"), timeout=_SHORT)
    server.run(("sh", "-c", f"{_BENCH} prepare"), timeout=_LONG)
    _throughput(server, 30)


def _pairs(server: Server, pairs: int, seconds: int, *, agent: bool) -> list[tuple[float, float]]:
    """Return (without, with) of each pair; every other pair runs the other way round."""
    found = []
    for number in range(pairs):
        order = (False, True) if number % 2 == 0 else (True, False)
        rates = {}
        for second in order:
            _switch(server, on=agent and second)
            rates[second] = _throughput(server, seconds)
        found.append((rates[False], rates[True]))
    _switch(server, on=True)
    return found


def _switch(server: Server, *, on: bool) -> None:
    server.run(("systemctl", "start" if on else "stop", SERVICE), timeout=_SHORT)


def _throughput(server: Server, seconds: int) -> float:
    """Return transactions a second of one run."""
    said = server.run(("sh", "-c", f"{_BENCH} --time={seconds} run"), timeout=_LONG)
    return _rate(said.stdout.decode())


def _rate(text: str) -> float:
    found = re.search(r"transactions:\s+\d+\s+\(([0-9.]+) per sec", text)
    if found is None:
        raise DamagedData("sysbench", f"printed no rate: {text[-200:]!r}", "run it by hand on web1")
    return float(found[1])


def _during_backup(here: Lab, server: Server, number: int) -> dict[str, float]:
    """Return the throughput before and while a backup is taken, from one run of the benchmark."""
    job = f"bench-{number}"
    log = f"/run/{job}.log"
    words = f"systemd-run --quiet --collect --unit={job} sh -c '{_BENCH} --time=120 run >{log}'"
    began = time.monotonic()
    server.run(("sh", "-c", words), timeout=_SHORT)
    time.sleep(25)
    first = time.monotonic() - began
    path = here.logs / "campaign" / f"backup-{number}.log"
    ended = command_line.start(here, "backup", SERVER, log=path).finish(300)
    last = time.monotonic() - began
    server.run(("systemctl", "stop", job), timeout=_SHORT)
    rates = {
        int(second): float(rate)
        for second, rate in re.findall(
            r"\[ (\d+)s \].*? tps: ([0-9.]+)", server.get(log).decode(), re.MULTILINE
        )
    }
    # The first seconds warm up; a second at either edge belongs to both.
    before = mean(rate for second, rate in rates.items() if 5 <= second < first - 1)
    during = mean(rate for second, rate in rates.items() if first + 1 < second < last - 1)
    ratio = round(during / before, 3)
    print(
        f"backup {number + 1}: {ended.seconds:.1f} s, throughput {ratio:.2f} of before", flush=True
    )
    return {"seconds": round(ended.seconds, 1), "before": before, "during": during, "ratio": ratio}


def _ratio(pairs: list[tuple[float, float]]) -> Ratio:
    """Return mean and 95 % interval of the ratios, as logarithms: a half and a double cancel."""
    logs = [math.log(second / first) for first, second in pairs]
    middle, wide = mean(logs), _STUDENT[len(logs)] * stdev(logs) / math.sqrt(len(logs))
    low, high = math.exp(middle - wide), math.exp(middle + wide)
    values = tuple(round(math.exp(each), 4) for each in logs)
    return Ratio(values, round(math.exp(middle), 4), round(low, 4), round(high, 4))


def _said(ratio: Ratio) -> str:
    return f"{ratio.mean:.3f} of the throughput ({ratio.low:.3f} to {ratio.high:.3f})"


if __name__ == "__main__":
    typer.run(main)
