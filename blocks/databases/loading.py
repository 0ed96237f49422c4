"""Load SQL into the running service as root, whatever server the dump comes from."""

from __future__ import annotations

from datetime import timedelta

from blocks.databases.dialects import SANDBOX, refusal
from blocks.errors import CommandFailed
from blocks.servers.base import Server
from blocks.types import RemoteCommand

# A dump's first lines are comments; the one that older clients stop at is left out. Those that
# know the sandbox are put into it whatever the dump says: no dump may run a command as root.
_LOAD = f"""
set -uo pipefail
sandbox=() head=
case $("$1" --help 2>/dev/null) in *--sandbox*) sandbox=(--sandbox) ;; esac
while IFS= read -r line; do
  case $line in
    "{SANDBOX}"*) echo "$line" >&2 ;;
    '-- '[MS]*) echo "$line" >&2; head+=$line$'\\n' ;;
    -*|'') head+=$line$'\\n' ;;
    *) break ;;
  esac
  line=
done
{{ printf '%s%s\\n' "$head" "$line"; cat; }} | "$@" "${{sandbox[@]}}"
"""
_CLIENT = (
    *("mariadb", "--no-defaults", "--protocol=socket", "--user=root", "--batch"),
    *("--default-character-set=utf8mb4", "--max-allowed-packet=1G"),
)


def load(server: Server, stream: RemoteCommand, timeout: timedelta, job: str) -> None:
    """Load what `stream` writes out. A refusal that lies in the dump's dialect says so."""
    sink = RemoteCommand(("bash", "-c", _LOAD, "load-sql", *_CLIENT))
    try:
        server.pipe(stream, sink, timeout=timeout, job=job)
    except CommandFailed as failed:
        refused = refusal(failed.stderr)
        if refused is None:
            raise
        cause, hint = refused
        raise CommandFailed(failed.subject, cause, hint, failed.status, failed.stderr) from failed
