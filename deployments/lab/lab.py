"""Bring the whole lab up, step by step, take it down, and tell how it is."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from blocks.types import PowerState
from blocks.vps.nspawn_group import ControlGroup
from blocks.vps.nspawn_launch import file_lock, forget_containers
from deployments.lab import apt_cache, images, machines, network, processes
from deployments.lab.config import Lab
from deployments.lab.secrets import ensure_secrets

Tell = Callable[[str], None]
_KEPT = ("secrets", "logs")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the start: a name for people and what it does."""

    name: str
    act: Callable[[], object]


def up(lab: Lab, tell: Tell = print, started: Tell = lambda name: None) -> None:
    """Start what does not run yet.

    Args:
        lab: The lab.
        tell: Gets one line for each step that is done, with its time.
        started: Gets the name of each step as it begins.
    """
    with _exclusive(lab):
        for step in steps(lab, tell):
            started(step.name)
            begun = time.monotonic()
            step.act()
            tell(f"{step.name:<46}{time.monotonic() - begun:7.1f} s")


def steps(lab: Lab, tell: Tell) -> tuple[Step, ...]:
    """Return the steps of a start, in order."""
    # Here: a trial with one machine needs none of them, nor the seconds they take to load.
    from deployments.lab import (  # noqa: PLC0415
        control,
        names,
        production,
        second_storage,
        storage,
    )

    def boot(name: str, address: str) -> Callable[[], object]:
        return lambda: machines.start(lab, name, name, address, tell)

    servers = {"storage": lab.storage, "names": lab.names, "web1": lab.production}
    return (
        Step("secrets", lambda: ensure_secrets(lab)),
        Step("images", _together([_image(name, tell) for name in servers])),
        Step("network", lambda: network.up(lab)),
        Step("apt cache", lambda: apt_cache.start(lab)),
        Step("second object storage", lambda: second_storage.start(lab)),
        Step("machines storage, names, web1", _together([boot(*each) for each in servers.items()])),
        Step(
            "object storage, DNS zones, sites",
            _together(
                [
                    lambda: storage.configure(lab),
                    lambda: names.configure(lab),
                    lambda: production.configure(lab),
                ]
            ),
        ),
        Step("Prefect, Slack, mail", lambda: control.start(lab)),
    )


def foundation(lab: Lab) -> None:
    """Start what every machine needs: secrets, network, apt cache. Idempotent."""
    with _exclusive(lab):
        ensure_secrets(lab)
        network.up(lab)
        apt_cache.start(lab)


def down(lab: Lab, *, keep: bool = False) -> None:
    """End everything: processes, machines, network. Idempotent, also after a crash.

    Args:
        lab: The lab.
        keep: Leave the machines' disks and the control processes' data for the next start.
            Otherwise all but secrets and logs is deleted.
    """
    with _exclusive(lab):
        group = ControlGroup(lab.namespace)
        group.kill()
        processes.stop_all(lab)
        group.kill()  # what a process made in its last moment
        forget_containers(lab.namespace)
        network.down(lab)
        for path in lab.state.glob("*") if lab.state.is_dir() and not keep else ():
            if path.name not in _KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def status(lab: Lab) -> Iterator[str]:
    """Tell how the lab is, one line a thing."""
    yield f"lab {lab.name}: network {lab.network} is {'up' if network.is_up(lab) else 'down'}"
    for name in processes.names(lab):
        yield f"  daemon  {name:<28}{'runs' if processes.running(lab, name) else 'has ended'}"
    for machine in (*machines.provider(lab).find({}), *machines.provider13(lab).find({})):
        state = "runs" if machine.power is PowerState.ON else "is off"
        yield f"  machine {machine.name:<28}{state:<10}{machine.address}"
    if network.is_up(lab):
        from deployments.lab import control  # noqa: PLC0415 - as above

        for label, url in control.addresses(lab):
            yield f"  {label:<35} {url}"


@contextmanager
def _exclusive(lab: Lab) -> Iterator[None]:
    """Keep two starts or stops of one lab apart."""
    with file_lock(lab.state.parent / f".{lab.name}.lock", seconds=900):
        yield


def _together(acts: Sequence[Callable[[], object]]) -> Callable[[], None]:
    """Return an action that runs these side by side and raises the first error of all."""

    def act() -> None:
        with ThreadPoolExecutor(len(acts)) as pool:
            for running in [pool.submit(each) for each in acts]:
                running.result()

    return act


def _image(name: str, tell: Tell) -> Callable[[], object]:
    return lambda: images.build(name, tell)
