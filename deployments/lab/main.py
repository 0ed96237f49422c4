"""The lab: a small hosting estate on this machine, real in all but its place."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from blocks.errors import ConfigurationError, ContinuityError
from deployments.lab import control, images, lab, machines
from deployments.lab.config import Lab, current

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
machine = typer.Typer(no_args_is_help=True, help="One machine by itself, for trials.")
app.add_typer(machine, name="machine")

Name = Annotated[str, typer.Argument(help="Name of a machine, such as web1.")]


@app.command()
def up() -> None:
    """Start all that does not run yet."""
    begun = _begun if sys.stdout.isatty() else lambda name: None
    lab.up(current(), _tell, begun)
    status()


@app.command()
def down(
    keep: Annotated[
        bool, typer.Option(help="Keep the machines' disks for the next start.")
    ] = False,
) -> None:
    """End all of it: no process, mount, namespace, bridge or route is left."""
    lab.down(current(), keep=keep)


@app.command()
def status() -> None:
    """Tell what runs and where it answers."""
    for line in lab.status(current()):
        print(line)


@app.command(context_settings={"ignore_unknown_options": True})
def ssh(name: Name, command: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Log in to a machine as root, or run a command there."""
    here = current()
    record = machines.provider(here).hypervisor.record(name)
    known = here.state / "known_hosts" / name
    known.parent.mkdir(exist_ok=True)
    known.write_text(f"{record.address} {machines.shown_host_key(here, name)}\n")
    os.execvp("ssh", [*_ssh(here, known), f"root@{record.address}", *(command or ())])  # noqa: S606


@app.command()
def destroy(name: Name) -> None:
    """Kill a machine at once and delete its disk: the disaster."""
    machines.destroy(current(), name)
    print(f"{name} is destroyed")


@app.command()
def image(name: Annotated[str, typer.Argument(help="Folder of deployments/lab/recipes.")]) -> None:
    """Build an image if its recipe has changed; print where it lies."""
    print(images.build(name, lambda line: print(line, file=sys.stderr)))


@app.command()
def env() -> None:
    """Print what a shell needs to be this lab's operator: eval "$(script/lab env)"."""
    for name, value in _operator(current()).items():
        print(f"export {name}={shlex.quote(value)}")


@app.command()
def shell() -> None:
    """Open a shell in which `continuity` speaks to this lab."""
    here = current()
    words = ["bash", "--rcfile", str(_prompt(here))]
    os.execvpe("bash", words, {**os.environ, **_operator(here)})  # noqa: S606


@machine.command("up")
def machine_up(
    name: Name,
    image: Annotated[str, typer.Argument(help="Its image.")],
    address: Annotated[str, typer.Argument(help="Its address in the lab's network.")],
) -> None:
    """Start a machine, and what it needs of the lab."""
    here = current()
    lab.foundation(here)
    made = machines.start(here, name, image, address, _tell)
    print(f"{made.name} runs at {made.address}: script/lab ssh {made.name}")


@machine.command("down")
def machine_down(name: Name) -> None:
    """Cut a machine's power; its disk stays (script/lab destroy deletes it)."""
    machines.provider(current()).power_off(name)


def main() -> None:
    """Run the command line; an error of ours is one line, not a traceback."""
    try:
        app()
    except ContinuityError as failed:
        print(f"lab: {failed}", file=sys.stderr)
        sys.exit(1)


def _operator(here: Lab) -> dict[str, str]:
    """Return the environment of somebody who works on the lab from this machine."""
    if not control.estate_path(here).exists():
        raise ConfigurationError(f"lab {here.name}", "is not up", "script/lab up")
    programs = Path(sys.executable).parent
    return control.environment(here) | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "CONTINUITY_LAB": here.name,
        "CONTINUITY_LAB_NETWORK": str(here.network),
        "LAB_CA": str(here.secrets / "ca.pem"),
    }


def _prompt(here: Lab) -> Path:
    """Write the shell's start file: a prompt that nobody takes for that of real servers."""
    file = here.state / "shell.rc"
    file.write_text(f"PS1='(labo {here.name}) \\w \\$ '\n", encoding="utf-8")
    return file


def _ssh(here: Lab, known: Path) -> list[str]:
    options = [f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes", "ConnectTimeout=5"]
    key = ["-i", str(here.secrets / "ssh-key"), "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"]
    return ["ssh", *key, *(word for option in options for word in ("-o", option))]


def _begun(name: str) -> None:
    print(f"{name} ...", end="\r", flush=True)


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
