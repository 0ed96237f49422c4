"""Providers stay small, keep their vendor's types to themselves, and cost nothing until used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.registry import MODULES

ROOT = Path(__file__).resolve().parents[2]
CAPABILITIES = ("vps", "dns", "monitors")
CLIENTS = {
    "hcloud": ("vps/hetzner",),
    "scaleway": ("vps/scaleway",),
    "scaleway_core": ("vps/scaleway",),
    "pydo": ("vps/digitalocean",),
    "azure": ("vps/digitalocean",),
    "ovh": ("vps/ovh", "dns/ovh"),
    "octodns_cloudflare": ("dns/cloudflare",),
    "octodns_ovh": ("dns/ovh",),
    "octodns_route53": ("dns/route53",),
    "octodns_powerdns": ("dns/powerdns",),
    "octodns_bind": ("dns/rfc2136",),
}
"""Where each provider's own client may be named: files that begin so, below blocks/."""
FILES = sorted(each for name in CAPABILITIES for each in (ROOT / "blocks" / name).glob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name.split(".")[0] for each in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_file_of_a_provider_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_a_vendors_client_is_named_in_its_providers_files_alone() -> None:
    found = [
        f"{path.relative_to(ROOT)} imports {client}"
        for tree in ("blocks", "flows", "deployments")
        for path in (ROOT / tree).rglob("*.py")
        for client in sorted(set(imported(path)) & set(CLIENTS))
        if not str(path.relative_to(ROOT / tree)).startswith(CLIENTS[client])
    ]
    assert found == []


def test_loading_all_blocks_loads_no_vendors_client() -> None:
    """Each run of a flow does it: all of them together take the better part of a second."""
    clients = sorted(set(CLIENTS) - {"octodns_bind"})
    code = (
        "import sys; from blocks.registry import block_types; block_types();"
        f"print(sorted(set({clients!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_every_provider_has_a_page_for_who_makes_its_token() -> None:
    pages = {path.stem for path in (ROOT / "docs/fournisseurs").glob("*.md")}
    for module in MODULES:
        _, capability, *rest = module.split(".")
        if capability in ("vps", "dns") and rest != ["nspawn"]:
            names = {rest[0], f"{rest[0]}-{capability}", f"aws-{rest[0]}"}
            assert names & pages, module


def test_a_first_look_at_a_zone_prints_no_warning_of_a_librarys_own() -> None:
    code = (
        "from blocks.dns import octodns_zone; from octodns.record import Record;"
        "from octodns.zone import Zone;"
        'data = {"type": "A", "ttl": 60, "values": ["192.0.2.1"]};'
        'Record.new(Zone("atelier.test.", []), "www", data, lenient=True)'
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("", "")
