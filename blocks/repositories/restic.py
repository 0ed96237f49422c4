"""Snapshots of servers with restic, straight from the server to S3."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from blocks.errors import (
    CommandFailed,
    ConfigurationError,
    ContinuityError,
    DamagedData,
    NotFound,
    ProviderError,
    Unreachable,
    UnsafePlan,
)
from blocks.repositories import restic_command as words
from blocks.repositories import restic_copy
from blocks.repositories.base import ObjectStore, Repository
from blocks.repositories.conditional import require_conditional_writes
from blocks.repositories.read_back import read_back
from blocks.repositories.restic_damage import full_key, packs_in_index, snapshots_needing
from blocks.repositories.restic_failures import (
    OWN_STATUSES,
    Ended,
    failure,
    store_fault,
)
from blocks.repositories.restic_keys import ResticKeys
from blocks.repositories.restic_local import pinned_binary
from blocks.repositories.restic_locks import LOOK, held, may_unlock
from blocks.repositories.restic_output import (
    Listed,
    listed,
    restore_summary,
    stored_files,
    summary,
)
from blocks.repositories.restic_slices import read_slice
from blocks.repositories.s3_self_test import self_test
from blocks.repositories.seal import derive_key
from blocks.servers.base import Server
from blocks.types import (
    Label,
    ReadBack,
    RemoteCommand,
    RestoreSummary,
    SelfTest,
    SliceRead,
    Snapshot,
    StoredFile,
)

_SHORT = timedelta(minutes=2)
_LONG = timedelta(hours=2)
_INSTALLED = (
    'mkdir -p -m 755 "$1" && mkdir -p -m 700 "$2" && '
    'if [ -e "$1/restic" ]; then sha256sum "$1/restic"; fi'
)
_REACHES = "exec 3<>/dev/tcp/$1/$2"


class ResticRepository(ResticKeys):
    """Encrypted snapshots in an S3 bucket, one restic repository a server.

    Example:
        ```python
        from blocks.repositories.restic import ResticRepository

        repository = ResticRepository.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Restic repository"
    _block_type_slug = "restic-repository"
    _description = "Encrypted snapshots in an S3 bucket, one restic repository a server."

    def objects(self) -> ObjectStore:
        return self.store

    def state(self) -> ObjectStore:
        return self._state_store() if self.state_bucket else self.store

    def seal_key(self) -> bytes:
        return derive_key(self.password.get_secret_value())

    # --- backup ---

    def prepare(self, server: Server, name: str) -> None:
        binary = pinned_binary(self.restic_binary, self.restic_sha256)
        script = ("sh", "-c", _INSTALLED, "continuity", words.SERVER_FOLDER, words.SERVER_CACHE)
        found = server.run(script, timeout=_SHORT).stdout.decode()
        if not found.startswith(self.restic_sha256):
            server.put_file(binary, words.SERVER_BINARY, mode=0o755)
        if self.store.ca_file:
            server.put(self.server_ca(), Path(self.store.ca_file).read_bytes(), mode=0o644)
        self._require_route(server, name)
        self._remove_dead_locks(server, name)

    def initialise(self, name: str) -> None:
        require_conditional_writes(self.state(), name)
        if not self._exists(name):
            # Only after the bucket is known to be there: restic would make a missing one.
            self._local(name, "init", "--json")
            return
        self._local(name, "cat", "config", "--no-lock")
        self._salvage(name)

    def save_paths(
        self, server: Server, paths: Sequence[str], exclude: Sequence[str], label: Label
    ) -> Snapshot:
        saved = self._back_up(server, label, words.paths(paths, exclude))
        wanted = {path.rstrip("/") or "/" for path in paths}
        missing = sorted(wanted - set(saved.paths))
        if missing:
            raise NotFound(
                f"{', '.join(missing)} on {label.server}",
                "does not exist, so this snapshot does not count",
                f"correct the paths of {label.subject} in the estate file, then back up again",
            )
        return saved.snapshot

    def save_stream(
        self, server: Server, command: RemoteCommand, filename: str, label: Label
    ) -> Snapshot:
        what = words.stream(command.argv, filename)
        return self._back_up(server, label, what, dict(command.secrets)).snapshot

    def read_back(self, name: str, since: datetime) -> ReadBack:
        seen = read_back(self.store, words.folder(name), since)
        self._local(name, "check", "--json", "--no-lock", "--with-cache", timeout=_LONG)
        return seen

    def forget(self, name: str, keep: Collection[str]) -> tuple[str, ...]:
        there = [each.id for each in self.snapshots(name)]
        gone = tuple(each for each in there if each not in set(keep))
        if not set(keep) & set(there):
            raise UnsafePlan(
                f"repository {name}",
                f"none of its {len(there)} snapshots would be kept",
                f"continuity sets {name}",
            )
        if gone:
            self._local(name, "unlock", prune=True)
            command = ("forget", "--prune", "--retry-lock", "1m", *gone)
            self._local(name, *command, prune=True, timeout=_LONG)
        return gone

    # --- the copy ---

    def copy_from(
        self, source: Repository, server: Server, name: str, snapshots: Collection[str]
    ) -> None:
        if not isinstance(source, ResticKeys):
            raise ConfigurationError(
                f"copy of repository {name}",
                f"cannot be made from a {type(source).__name__}",
                "name repositories of one type in `repository` and `copies`",
            )
        restic_copy.put_reader(server)
        if not self._exists(name):
            self._on(server, name, restic_copy.initialise(self, source, name), "copy-initialise")
        if snapshots:
            self._on(server, name, restic_copy.copy(self, source, name, snapshots), "copy")

    # --- what nobody may destroy ---

    def needed(self, name: str) -> tuple[str, ...]:
        return packs_in_index(lambda *command: self._local(name, *command), words.folder(name))

    def self_test(self, at: datetime) -> SelfTest:
        return self_test(self, at, self.state())

    # --- restore ---

    def snapshots(self, name: str) -> tuple[Snapshot, ...]:
        if not self._exists(name):
            return ()
        ended = self._local(name, "snapshots", "--json", "--no-lock")
        return tuple(each.snapshot for each in listed(ended.stdout))

    def restore_paths(
        self, server: Server, name: str, snapshot: str, target: str = "/"
    ) -> RestoreSummary:
        command = self.remote_read(name, words.restore(snapshot, target))
        ended = self._on(server, name, command, f"restore-{snapshot[:12]}")
        return restore_summary(ended.stdout)

    def read_stream(self, name: str, snapshot: str, filename: str) -> RemoteCommand:
        what = ("dump", "--no-lock", words.checked(snapshot), f"/{filename}")
        return self.remote_read(name, what)

    def fault_behind(self, name: str, failed: CommandFailed) -> ContinuityError | None:
        ended = Ended(failed.subject, words.folder(name), failed.status, b"", failed.stderr)
        fault = store_fault(ended)
        return full_key(self.store, fault) if isinstance(fault, DamagedData) else fault

    def snapshots_using(self, name: str, damaged: str) -> tuple[str, ...]:
        def run(*command: str) -> Ended:
            return self._local(name, *command)

        return snapshots_needing(run, [each.id for each in self.snapshots(name)], damaged)

    # --- verification ---

    def read_slice(self, name: str, number: int, of: int) -> SliceRead:
        restic = self.local_restic(name)
        return read_slice(restic, self.store, words.folder(name), number, of)

    def files(self, name: str, snapshot: str) -> tuple[StoredFile, ...]:
        command = ("ls", "--json", "--no-lock", words.checked(snapshot))
        ended = self._local(name, *command, timeout=_LONG)
        return stored_files(ended.stdout)

    def content(self, name: str, snapshot: str, path: str) -> bytes:
        return self._local(name, "dump", "--no-lock", words.checked(snapshot), path).stdout

    # --- what is there ---

    def _exists(self, name: str) -> bool:
        return bool(self.store.list(f"{words.folder(name)}/config"))

    def _salvage(self, name: str) -> None:
        """Make use of a first upload that was cut: its data is there, but no index names it."""
        folder = words.folder(name)
        if self.store.list(f"{folder}/index/") or not self.store.list(f"{folder}/data/"):
            return
        self._local(name, "unlock", "--remove-all", prune=True)
        self._local(name, "repair", "index", prune=True, timeout=_LONG)

    def _require_route(self, server: Server, name: str) -> None:
        """Find out in seconds what restic would find out after a quarter of an hour."""
        host, port = self.service()
        reach = ("timeout", "10", "bash", "-c", _REACHES, "continuity")
        argv = (*reach, host, str(port))
        done = server.run(argv, timeout=timedelta(seconds=30), accept=(0, 1, 124))
        if done.status:
            raise Unreachable(
                f"object store {host}:{port} from server {name}",
                done.stderr.strip().rsplit(": ", 1)[-1] or "no answer within 10 s",
                "check name resolution, route and firewall on the server",
            )

    # --- one command ---

    def _back_up(
        self,
        server: Server,
        label: Label,
        what: tuple[str, ...],
        secrets: dict[str, str] | None = None,
    ) -> Listed:
        before = words.backup(label, self.read_concurrency, self.upload_limit_kib)
        command = self.remote_restic(label.server, (*before, *what), secrets)
        ended = self._on(server, label.server, command, words.job(label.part, label.subject))
        made = str(summary(ended.stdout)["snapshot_id"])
        found = self._local(label.server, "snapshots", "--json", "--no-lock", made)
        for each in listed(found.stdout):
            if each.snapshot.id == made:
                return each
        raise ProviderError(
            f"snapshot {made[:8]} of {label.server}",
            "was made, but the bucket does not show it",
            "back up again",
        )

    def _on(self, server: Server, name: str, command: RemoteCommand, job: str) -> Ended:
        """Run restic on the server as a job; translate how it ends."""
        limit = timedelta(hours=self.deadline_hours)
        try:
            done = server.run(command, timeout=limit, job=job, accept=OWN_STATUSES)
            subject = f"repository {name}, {job}"
            return self._checked(
                Ended(subject, words.folder(name), done.status, done.stdout, done.stderr)
            )
        except ContinuityError:
            with suppress(ContinuityError):
                self._remove_dead_locks(server, name)
            raise

    def _remove_dead_locks(self, server: Server, name: str) -> None:
        """Remove what killed commands of this server left: others wait half an hour for it."""
        if not self.store.list(f"{words.folder(name)}/locks/"):
            return
        listed_ids = self._local(name, "list", "locks", "--no-lock").stdout.decode().split()
        locks = [held(self._local(name, "cat", "lock", each).stdout) for each in listed_ids]
        look = (*LOOK, *(str(lock.pid) for lock in locks))
        if may_unlock(locks, server.run(look, timeout=_SHORT).stdout.decode()):
            server.run(self.remote_restic(name, ("unlock",)), timeout=_SHORT)

    def _local(
        self, name: str, *command: str, prune: bool = False, timeout: timedelta = _SHORT
    ) -> Ended:
        """Run restic on this machine; translate how it ends."""
        return self._checked(self.local_restic(name, prune=prune).run(*command, timeout=timeout))

    def _checked(self, ended: Ended) -> Ended:
        error = failure(ended)
        if isinstance(error, DamagedData):
            error = full_key(self.store, error)
        if error is not None:
            raise error
        return ended
