"""Lose the server, Prefect and its database at once; recover from the kit on an empty machine.

    script/campaign control-plane [--keep]

One server is backed up and the kit sealed. Then the server is destroyed, Prefect stopped and its
database deleted. A Debian machine with nothing but the encrypted kit and its key opens it with
stock `age` and `tar`, installs it without any registry of Python packages, and recovers.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import httpx
import pyrage
import typer

from blocks.errors import ContinuityError, VerificationFailed
from deployments.lab import command_line, control, empty_machine, lab, machines, processes
from deployments.lab.campaign_result import conclude
from deployments.lab.config import Lab, current
from deployments.lab.empty_machine import EmptyMachine
from flows.tasks.incident import Estate, open_estate
from flows.tasks.look import site_spec

SERVER, KIT, KEY = "web1", "trousse.age", "cle.txt"
_SECONDS = 400.0
_NOT_APPROVED = 4
_OPEN = f"age --decrypt --identity {KEY} {KIT} | tar -xz"
_EMPTY = r"""
for each in continuity restic pip3; do if command -v "$each"; then exit 1; fi; done
[ "$(cd /root; find . -name '[^.]*' -type f | sort | xargs)" = "./cle.txt ./trousse.age" ]
[ -z "$(find / -xdev -path '*/blocks/registry.py')" ]
[ -z "$(ip route show default)" ]
"""
"""What must hold on the machine before the kit is opened."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the campaign measured; seconds, and bytes for `kit_bytes`.

    Attributes:
        stages: What a person does on the empty machine, in order.
        runnable: From the empty machine to the first answer of `continuity`.
        last_site: From the empty machine to the last site that was proven at its name.
        last_site_since_loss: The same, from the loss.
        sites: Each site's page as seen afterwards from outside, through the resolver.
    """

    kit_bytes: int
    kit_files: int
    seal: float
    stages: Mapping[str, float]
    runnable: float
    last_site: float
    last_site_since_loss: float
    data_lost: float | None
    verdict: str
    sites: Mapping[str, bool]
    prefect_answers: bool
    database_exists: bool

    @property
    def good(self) -> bool:
        """Whether all came back, and nothing of Prefect had a part in it."""
        whole = bool(self.sites) and all(self.sites.values()) and self.verdict == "recovered"
        return whole and not self.prefect_answers and not self.database_exists


def main(keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False) -> None:
    """Run the drill; ends non-zero unless every site came back without Prefect."""
    here = current()
    try:
        result = run(here)
    except ContinuityError as error:
        print(f"campaign: {error}", file=sys.stderr)
        sys.exit(1)
    finally:
        if not keep:
            lab.down(here)
    conclude("control-plane", asdict(result), good=result.good)


def run(here: Lab) -> Result:
    """Back up, seal, lose everything, recover, look from outside."""
    lab.up(here)
    with control.prefect(here):
        estate = open_estate(SERVER)
    folder = here.state / "kit"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    _command(here, "backup", SERVER)
    took = _seal(here, folder)
    # By Prefect's blocks: the sealing was noted from those of the estate file alone.
    _command(here, "kit", "status")
    lost_at = _lose(here)
    began, clock = datetime.now(UTC), time.monotonic()
    files = {name: (folder / name).read_bytes() for name in (KIT, KEY)}
    machine = empty_machine.start(here, files)
    machine.require(_EMPTY, seconds=60)
    stages = _install(machine)
    runnable = time.monotonic() - clock
    report = _recover(machine, stages, lost_at)
    back = max(datetime.fromisoformat(str(each["back_at"])) for each in report["sites"])
    return Result(
        kit_bytes=len(files[KIT]),
        kit_files=int(machine.require("wc -l < trousse/SHA256SUMS", seconds=20).output),
        seal=took,
        stages={name: round(seconds, 1) for name, seconds in stages.items()},
        runnable=round(runnable, 1),
        last_site=round((back - began).total_seconds(), 1),
        last_site_since_loss=round((back - lost_at).total_seconds(), 1),
        data_lost=report["rpo_seconds"],
        verdict=str(report["verdict"]),
        sites=_seen(estate),
        prefect_answers=_answers(here),
        database_exists=any((here.state / "prefect").glob("*.db")),
    )


def _seal(here: Lab, folder: Path) -> float:
    """Seal the kit to a fresh key, and open it as a proof; return how long it took."""
    identity = pyrage.x25519.Identity.generate()
    (folder / KEY).write_text(f"{identity}\n")
    words = ("--to", str(folder / KIT), "--recipient", str(identity.to_public()))
    return _command(here, "kit", "seal", *words, "--check", str(folder / KEY)).seconds


def _lose(here: Lab) -> datetime:
    """Destroy the server, end Prefect's server and worker, delete their database."""
    machines.destroy(here, SERVER)
    for name in ("worker", "prefect"):
        processes.stop(here, name)
    shutil.rmtree(here.state / "prefect")
    return datetime.now(UTC)


def _install(machine: EmptyMachine) -> dict[str, float]:
    """Do what LISEZ-MOI and docs/trousse.md say; return how long each line took."""
    apt = "apt-get -qq update && apt-get -qq -y --no-install-recommends install age >/dev/null"
    lines = {
        "apt-get install age": apt,
        "open": f"{_OPEN} && rm {KIT}",
        "./install": "./trousse/install",
        "continuity sets": f"continuity sets {SERVER} --local",
    }
    return {name: machine.require(line, seconds=_SECONDS).seconds for name, line in lines.items()}


def _recover(
    machine: EmptyMachine, stages: dict[str, float], lost_at: datetime
) -> Mapping[str, Any]:
    """Let the plan be shown, then approve it by the digest that a person reads in it."""
    words = f"continuity recover {SERVER} --local --incident kit-{lost_at:%Y%m%d-%H%M%S}"
    words += f" --down-since {lost_at:%Y-%m-%dT%H:%M:%S}"
    asked = machine.run(words, seconds=_SECONDS)
    found = re.search(r"Empreinte du plan[^`]*`([0-9a-f]{12})`", asked.output)
    if asked.status != _NOT_APPROVED or not found:
        raise VerificationFailed("plan", f"was not shown: {asked.output[-600:]}", "run again")
    approve = f"{words} --approve {found[1]} --operator Camille"
    done = machine.require(f"{approve} > report.json", seconds=_SECONDS)
    stages |= {"plan": asked.seconds, "approved recovery": done.seconds}
    text = machine.require("cat report.json", seconds=20).output
    report = text[text.index("\n{\n") :]  # before it stands the plan, as it was approved
    return cast(Mapping[str, Any], json.loads(report))


def _seen(estate: Estate) -> dict[str, bool]:
    """Look at every page as a visitor does, from outside of the machine that recovered."""
    return {
        name: all(
            estate.probe.check_through_dns(page).passed for page in site_spec(name, estate).smoke
        )
        for name in estate.sites
    }


def _answers(here: Lab) -> bool:
    try:
        return httpx.get(f"http://{here.control}:{control.PREFECT_PORT}/", timeout=2).is_success
    except httpx.TransportError:
        return False


def _command(here: Lab, *words: str) -> command_line.Ended:
    log = here.logs / "campaign" / f"{words[0]}.log"
    ended = command_line.run(here, *words, log=log, seconds=_SECONDS)
    print(ended.output, flush=True)
    return ended


if __name__ == "__main__":
    typer.run(main)
