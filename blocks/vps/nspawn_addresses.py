"""Addresses of this host's network that one machine after the other may have.

`<state>/addresses.json` says which machine each of them leads to. The bridge then drops whatever
else claims such an address or is sent to it, as a provider's network does: a machine that had it
before and still has it configured is heard by nobody.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from blocks.errors import ProviderError
from blocks.vps.nspawn_files import hardware_address
from blocks.vps.nspawn_record import MachineRecord, write

_TABLE = "continuity_addresses"


def read_holders(state: Path) -> Mapping[str, str]:
    """Return the machine that each address leads to, also one that is gone meanwhile."""
    path = state / "addresses.json"
    try:
        held = json.loads(path.read_text()) if path.is_file() else {}
    except ValueError as damaged:
        raise ProviderError(
            f"addresses in {path}", f"cannot be read: {damaged}", f"cat {path}"
        ) from damaged
    return {str(address): str(machine) for address, machine in held.items()}


def write_holders(state: Path, holders: Mapping[str, str]) -> None:
    """Write down which machine each address leads to."""
    write(state / "addresses.json", json.dumps(dict(holders), indent=2) + "\n")


def bridge_rules(holders: Mapping[str, MachineRecord]) -> str:
    """Return the nftables rules for these addresses; loading them replaces earlier ones at once."""
    claims, ways = [], []
    for address, machine in sorted(holders.items()):
        card = hardware_address(machine.address)
        claims += [
            f"ether saddr != {card} {kind} {address} drop" for kind in ("ip saddr", "arp saddr ip")
        ]
        ways.append(f"ether daddr != {card} ip daddr {address} drop")
    return f"""
table bridge {_TABLE}
delete table bridge {_TABLE}
table bridge {_TABLE} {{
  chain claims {{
    type filter hook prerouting priority -300; policy accept;
    {_lines(claims)}
  }}
  chain ways {{
    type filter hook postrouting priority 300; policy accept;
    {_lines(ways)}
  }}
}}
"""


def _lines(rules: list[str]) -> str:
    return "\n    ".join(rules)


def guard_bridge(namespace: str, image: Path, holders: Mapping[str, MachineRecord]) -> None:
    """Put the rules in force in this network namespace.

    With the `nft` of the machines' image, which has it for the isolation of drills: the host may
    have none.
    """
    enter = ("nsenter", f"--net=/run/netns/{namespace}", "--", "chroot", str(image))
    done = subprocess.run(
        [*enter, "/usr/sbin/nft", "-f", "-"],
        input=bridge_rules(holders),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if done.returncode:
        raise ProviderError(
            f"bridge in {namespace}",
            f"does not take the rules for {', '.join(holders)}: {done.stderr.strip()[-300:]}",
            f"is nftables in {image}, and nf_tables_bridge in the kernel?",
        )
