"""Machines of this host: one folder each, booted with systemd-nspawn on an overlay of an image.

`<state>/<id>/machine.json` is the intent and is written first; `upper` holds what the machine
changed of its image and appears complete or not at all; `console.log` is what it said. The id is
the name.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from blocks.errors import DeadlineExceeded, NotFound, ProviderError
from blocks.types import HostKey
from blocks.vps.nspawn_addresses import guard_bridge, read_holders, write_holders
from blocks.vps.nspawn_files import Network, own_files, place
from blocks.vps.nspawn_group import ControlGroup
from blocks.vps.nspawn_launch import NSPAWN, file_lock, launch, mark_use
from blocks.vps.nspawn_record import MachineRecord, from_json, to_json, write


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """This host as a place for machines.

    Attributes:
        state: Folder with one folder for each machine.
        namespace: Network namespace that holds the bridge.
        network: What machines are told of the network there.
    """

    state: Path
    namespace: str
    bridge: str
    network: Network

    # --- what there is ---

    def records(self) -> tuple[MachineRecord, ...]:
        """Return all machines, oldest first."""
        found = [from_json(path) for path in self.state.glob("*/machine.json")]
        return tuple(sorted(found, key=lambda record: (record.created_at, record.id)))

    def record(self, machine: str) -> MachineRecord:
        """Return one machine. Raises `NotFound`."""
        path = self._folder(machine) / "machine.json"
        if not path.is_file():
            raise NotFound(f"machine {machine}", f"is not in {self.state}", f"ls {self.state}")
        return from_json(path)

    def running(self, machine: str) -> bool:
        """Return whether any process of the machine lives."""
        return self._group(machine).populated()

    # --- what can be done ---

    def claim(
        self, machine: str, make: Callable[[tuple[MachineRecord, ...]], MachineRecord]
    ) -> MachineRecord:
        """Return the machine's record, made and written now if there is none.

        Args:
            machine: Its id.
            make: Gets all records and returns the new one; nobody else claims meanwhile.
        """
        with self._lock():
            path = self._folder(machine) / "machine.json"
            if path.is_file():
                return from_json(path)
            record = make(self.records())
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, to_json(record))
            return record

    def prepare(self, machine: str, host_key: HostKey, authorized_key: str) -> MachineRecord:
        """Write the machine's own files, unless it has them; return the record with its key."""
        with self._lock():
            record, folder = self.record(machine), self._folder(machine)
            if (folder / "upper").is_dir():
                return record
            record = replace(record, host_key=host_key.public)
            fresh = folder / "upper.new"
            shutil.rmtree(fresh, ignore_errors=True)
            for name, (text, mode) in own_files(
                record, host_key, authorized_key, self.network
            ).items():
                place(fresh, name, text, mode)
            for empty in ("work", "root"):
                (folder / empty).mkdir(exist_ok=True)
            write(folder / "machine.json", to_json(record))
            fresh.rename(folder / "upper")
            return record

    def boot(self, machine: str) -> None:
        """Start the machine unless it runs. Does not wait for it."""
        with self._lock():
            record, folder = self.record(machine), self._folder(machine)
            if self.running(machine):
                return
            if not (folder / "upper").is_dir():
                raise ProviderError(
                    f"machine {machine}", "was never completely made", "destroy it and make it anew"
                )
            image = Path(record.image)
            mark_use(image, folder)
            # The network may have been made anew since.
            self._guard()
            launch(
                self._argv(machine),
                group=self._group(machine),
                log=folder / "console.log",
                overlay=(image, folder),
                namespace=self.namespace,
                # The machine then sees a host with control groups of version 2, as servers have.
                environment={"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )

    def wait_for_ssh(self, machine: str, *, seconds: float) -> None:
        """Return when the machine's SSH server greets.

        Raises:
            ProviderError: The machine ended while it booted.
            DeadlineExceeded: It did not greet in time.
        """
        address, deadline = self.record(machine).address, time.monotonic() + seconds
        log = self._folder(machine) / "console.log"
        while not _greets(address):
            if not self.running(machine):
                last = " / ".join(log.read_text(errors="replace").splitlines()[-3:])
                raise ProviderError(f"machine {machine}", f"ended at boot: {last}", f"less {log}")
            if time.monotonic() > deadline:
                raise DeadlineExceeded(
                    f"machine {machine}",
                    f"no SSH server at {address} within {seconds:g} s",
                    f"less {log}",
                )
            time.sleep(0.05)

    def kill(self, machine: str) -> None:
        """Kill all of the machine's processes at once and wait for their end. Idempotent."""
        with self._lock():
            self._group(machine).kill()

    def delete(self, machine: str) -> None:
        """Kill the machine and delete its disk. Idempotent."""
        folder = self._folder(machine)
        trash = folder.with_name(f".trash-{machine}-{os.getpid()}-{time.monotonic_ns()}")
        with self._lock():
            self._group(machine).kill()
            if folder.is_dir():
                folder.rename(trash)
        for left in self.state.glob(f".trash-{machine}-*"):
            shutil.rmtree(left, ignore_errors=True)

    # --- addresses that move ---

    def holder(self, address: str) -> str:
        """Return the machine that an address leads to, "" if there is none (any more)."""
        machine = read_holders(self.state).get(address, "")
        return machine if machine and (self._folder(machine) / "machine.json").is_file() else ""

    def lead(self, address: str, machine: str) -> None:
        """Lead an address to this machine and no other one. Idempotent. Raises `NotFound`."""
        with self._lock():
            self.record(machine)
            write_holders(self.state, {**read_holders(self.state), address: machine})
            self._guard()

    def _guard(self) -> None:
        """Keep the addresses that move from all machines but those that they lead to."""
        held = {address: self.holder(address) for address in read_holders(self.state)}
        holders = {address: self.record(machine) for address, machine in held.items() if machine}
        if holders:
            image = next(iter(holders.values())).image
            guard_bridge(self.namespace, Path(image), holders)

    # --- details ---

    def _folder(self, machine: str) -> Path:
        return self.state / machine

    def _group(self, machine: str) -> ControlGroup:
        return ControlGroup(f"{self.namespace}/{machine}")

    def _lock(self) -> AbstractContextManager[None]:
        return file_lock(self.state / ".lock")

    def _nspawn_name(self, machine: str) -> str:
        return f"{self.namespace}-{machine}"[:64].rstrip("-")

    def _argv(self, machine: str) -> list[str]:
        own = [f"--machine={self._nspawn_name(machine)}", f"--hostname={machine}"]
        net = ["--network-veth", f"--network-bridge={self.bridge}"]
        root = f"--directory={self._folder(machine) / 'root'}"
        return [*NSPAWN, "--boot", "--console=read-only", root, *own, *net]


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
