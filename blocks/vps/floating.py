"""What providers with an API have in common that can lead an address to another machine."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from blocks.errors import ConfigurationError, ContinuityError, DeadlineExceeded, NotFound
from blocks.types import FloatingAddress, Machine
from blocks.vps.hosted import HostedVps

_WITHIN = 60
"""Seconds until an address must lead to its machine: who waits has another way, DNS."""


class FloatingVps(HostedVps, ABC):
    """Lead addresses to machines through an API whose answers may be lost or late.

    A provider adds one call a method. Nothing is asked for before a look, and after an answer that
    was lost the look decides.
    """

    @abstractmethod
    def _floating(self) -> tuple[FloatingAddress, ...]:
        """Return all addresses of the account that can be moved, with the machines they lead to."""

    @abstractmethod
    def _assign(self, address: FloatingAddress, machine: Machine) -> None:
        """Ask for an address to lead to this machine instead; nobody waits for it here."""

    def _reaches(self, address: FloatingAddress, machine: Machine) -> bool:
        """Return whether an address can lead to machines where this one is."""
        return address.region in ("", machine.region)

    def address_holder(self, address: str) -> str:
        """Return the id of the machine that it leads to, "" for none. Raises `NotFound`."""
        return self._address(address).holder

    def move_address(self, address: str, machine: str) -> None:
        """Lead an address to this machine, and return when the provider says that it does."""
        known, here = self._known(machine), self._address(address)
        if not self._patient(lambda: self._reaches(here, known)):
            raise ConfigurationError(
                self._subject(f"address {address}"),
                f"lies in {here.region}, machine {known.name} in {known.region}",
                "correct `floating` of the server in the estate file: no address leaves its region",
            )
        asked, ends = False, time.monotonic() + min(_WITHIN, self.deadline_seconds)
        while here.holder != machine:
            asked = asked or self._asked(here, known)
            here = self._address(address)
            if here.holder == machine:
                return
            if time.monotonic() > ends:
                raise DeadlineExceeded(
                    self._subject(f"address {address}"),
                    f"does not lead to {known.name} in time, but to {here.holder or 'nobody'}",
                    "look at it in the provider's console, then run it again",
                )
            time.sleep(self.poll_seconds)

    def _asked(self, address: FloatingAddress, machine: Machine) -> bool:
        """Ask for the move; return whether that was heard, as far as anybody knows."""
        try:
            self._assign(address, machine)
        except ContinuityError as error:
            if not error.transient:
                raise
            return False
        return True

    def _address(self, address: str) -> FloatingAddress:
        found = self._patient(self._floating)
        for each in found:
            if each.address == address:
                return each
        known = ", ".join(each.address for each in found) or "none"
        raise NotFound(
            self._subject(f"address {address}"),
            f"is none that can be moved there; known: {known}",
            "correct the server's `address` or `floating` in the estate file, or order it there",
        )
