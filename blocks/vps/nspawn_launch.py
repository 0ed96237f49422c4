"""Start a container so that it outlives its starter and leaves no mount behind."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from blocks.errors import ConfigurationError, DeadlineExceeded
from blocks.vps.nspawn_group import ControlGroup

# `--register=no --keep-unit` where PID 1 is not systemd; a bind-mounted /etc/localtime would make
# tzdata fail to configure; resolv.conf is written by us.
NSPAWN = (
    "systemd-nspawn",
    "--register=no",
    "--keep-unit",
    "--timezone=off",
    "--resolv-conf=off",
    "--link-journal=no",
)

# Waits for one line, so that it is in its control group before it does anything; ends if its
# starter dies first. The mount lives in a mount namespace of its own and ends with it.
_SCRIPT = """
read -r go; exec </dev/null
mount -t overlay continuity -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
shift 2; exec "$@"
"""
_SCRIPT_PLAIN = """read -r go; exec </dev/null; exec "$@" """


@contextmanager
def file_lock(path: Path, *, seconds: float = 60) -> Iterator[None]:
    """Hold an exclusive lock on a file while the block lasts; it ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with path.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DeadlineExceeded(
                        f"lock {path}",
                        f"held for {seconds:g} s by another process",
                        f"fuser {path}",
                    ) from None
                time.sleep(0.05)
        yield


def launch(
    argv: Sequence[str],
    *,
    group: ControlGroup,
    log: Path,
    overlay: tuple[Path, Path] | None = None,
    namespace: str = "",
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command detached: own session, own control group, own mount namespace.

    Args:
        argv: The command; `overlay`'s folder holds its root file system as `root`.
        group: The group it is put into before it runs.
        log: Gets its output, appended.
        overlay: An image (read only) and a folder with `upper`, `work` and `root`, mounted before.
        namespace: Name of the network namespace it starts in, "" for the caller's.
        environment: Its whole environment besides PATH.
    """
    enter = (f"--net=/run/netns/{namespace}",) if namespace else ()
    # nsenter and not `ip netns exec`, which remounts /sys and hides the control groups.
    start = ["nsenter", *enter, "--", "unshare", "--mount", "--propagation=private"]
    start += ["sh", "-euc", _SCRIPT if overlay else _SCRIPT_PLAIN, "sh"]
    start += [str(path) for path in overlay or ()]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*start, *argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
            | dict(environment or {}),
        )
    assert process.stdin is not None  # noqa: S101 - for the type checker
    with process.stdin:
        group.join(process.pid)
        process.stdin.write(b"go\n")
    return process


def mark_use(image: Path, user: Path) -> None:
    """Note beside an image that the folder `user` is built on it, as long as that folder exists.

    Raises:
        ConfigurationError: There is no such image.
    """
    if not (image / "usr").is_dir():
        hint = f"script/lab image {image.parent.name}"
        raise ConfigurationError(f"image {image}", "does not exist", hint)
    users = image.parent / "users"
    if users.is_dir():
        mark = users / str(user).strip("/").replace("/", ":")
        if not mark.is_symlink():
            mark.symlink_to(user)


def release_of(image: Path) -> str:
    """Return the release number in an image's os-release, "" if there is no such image."""
    try:
        text = (image / "usr/lib/os-release").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    found = re.search(r'^VERSION_ID="?([^"\n]*)', text, re.MULTILINE)
    return found[1] if found else ""


def free_disk(folder: Path) -> int:
    """Return the free bytes of the file system that holds a folder, made or still to be made."""
    there = next(each for each in (folder, *folder.resolve().parents) if each.exists())
    return shutil.disk_usage(there).free


def forget_containers(prefix: str) -> None:
    """Remove the folders that systemd-nspawn leaves behind for containers named `<prefix>...`."""
    for remains in Path("/run/systemd/nspawn/propagate").glob(f"{prefix}-*"):
        shutil.rmtree(remains, ignore_errors=True)
