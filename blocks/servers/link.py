"""A way from one server to another, kept only while the one takes over from the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from blocks.servers.base import Server
from blocks.types import SshAddress

FOLDER = "/var/lib/continuity/link"
UNIT = "continuity-link"
MARK = "continuity-link"
"""Comment of the key in the other server's authorized keys."""
_SHORT = timedelta(seconds=60)
_INSTALL = timedelta(minutes=5)
_GIVE = "/usr/local/lib/continuity/give-files.sh"

# With -s rsync sends the paths inside its own protocol, so this line is all that is ever asked for.
_GIVE_SCRIPT = """\
#!/bin/sh
# What the key of a server that takes over from this one may run: rsync, reading.
set -f
case "$SSH_ORIGINAL_COMMAND" in
  *[!A-Za-z0-9\\ ._,=-]*) ;;
  "rsync --server --sender -s"*) exec $SSH_ORIGINAL_COMMAND ;;
esac
echo "continuity: only rsync, reading, is allowed with this key" >&2
exit 1
"""
_KEY = f"""
set -e
umask 077
mkdir -p {FOLDER}
cd {FOLDER}
[ -s key.pub ] || {{ rm -f key; ssh-keygen -q -t ed25519 -N '' -C {MARK} -f key; }}
cat key.pub
"""
_LET_IN = """
set -e
umask 077
mkdir -p "$HOME/.ssh"
file=$HOME/.ssh/authorized_keys new=$HOME/.ssh/.authorized_keys.continuity
{ grep -v " $1\\$" "$file" 2>/dev/null || true; cat; } >"$new"
if [ -e "$file" ]; then chown --reference="$file" "$new"; chmod --reference="$file" "$new"; fi
mv "$new" "$file"
"""
_TUNNEL = f"""
set -e
umask 077
cat >{FOLDER}/known_hosts
systemctl stop --quiet {UNIT} 2>/dev/null || true
systemd-run --quiet --collect --unit={UNIT} --property=Restart=always --property=RestartSec=1 \\
  ssh {{options}} -N -o ExitOnForwardFailure=yes \\
  -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -L "127.0.0.1:$2:127.0.0.1:$3" "$1"
"""
_UNLINK = f"systemctl stop --quiet {UNIT} 2>/dev/null; rm -rf {FOLDER}"
_PULL = """
set -euo pipefail
remote=$1 shell=$2
shift 2
words=()
while [ "$1" != -- ]; do words+=("$1"); shift; done
shift
for path; do
  mkdir -p "$path"
  rsync -aHAXs --delete --timeout=60 --out-format='%i %n' "${words[@]}" -e "$shell" \\
    "$remote:$path/" "$path/" | sed "s,^,$path ,"
done
"""


def join(server: Server, source: Server, port: int, local: int) -> None:
    """Do what `Server.join` promises."""
    server.install_packages(("openssh-client", "rsync"), timeout=_INSTALL)
    source.install_packages(("rsync",), timeout=_INSTALL)
    key = server.run(("sh", "-c", _KEY), timeout=_SHORT).stdout.decode().strip()
    source.put(_GIVE, _GIVE_SCRIPT.encode(), mode=0o755)
    allowed = f'restrict,port-forwarding,permitopen="127.0.0.1:{port}",command="{_GIVE}" {key}\n'
    source.run(("sh", "-c", _LET_IN, "let-in", MARK), timeout=_SHORT, stdin=allowed.encode())
    there = source.ssh_address()
    script = _TUNNEL.replace("{options}", _options(there))
    words = ("sh", "-c", script, "tunnel", _remote(there), str(local), str(port))
    server.run(words, timeout=_SHORT, stdin=_known(there).encode())


def part(server: Server, source: Server) -> None:
    """Do what `Server.part` promises."""
    source.run(("sh", "-c", _LET_IN, "let-in", MARK), timeout=_SHORT)
    server.run(("sh", "-c", _UNLINK), timeout=_SHORT)


def pull(
    server: Server, source: Server, paths: Sequence[str], words: Sequence[str], timeout: timedelta
) -> tuple[str, ...]:
    """Copy directories, or with `--dry-run` only look; return a line for each difference."""
    there = source.ssh_address()
    shell = f"ssh {_options(there)}"
    argv = ("bash", "-c", _PULL, "pull", _remote(there), shell, *words, "--", *paths)
    said = server.run(argv, timeout=timedelta(seconds=timeout.total_seconds()), job="pull").stdout
    return tuple(line for line in said.decode(errors="replace").splitlines() if line)


def _options(there: SshAddress) -> str:
    return (
        f"-i {FOLDER}/key -p {there.port} -o IdentitiesOnly=yes -o BatchMode=yes "
        f"-o UserKnownHostsFile={FOLDER}/known_hosts -o StrictHostKeyChecking=yes "
        "-o ConnectTimeout=10 -o LogLevel=ERROR"
    )


def _remote(there: SshAddress) -> str:
    return f"{there.user}@{there.address}"


def _known(there: SshAddress) -> str:
    name = there.address if there.port == 22 else f"[{there.address}]:{there.port}"
    return f"{name} {there.host_key}\n"
