"""octoDNS' PowerDNS provider, held to address records, a look right before, and our errors.

Shapes were read in octodns_powerdns 1.2 and watched on PowerDNS 4.7.3: `PATCH` answers 204 and
is one transaction; `{"error": ...}` with 422 says why it was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import requests
from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Record, Update
from octodns.record.txt import TxtValue
from octodns.zone import Zone
from octodns_powerdns import PowerDnsProvider

from blocks.dns.changes import canonical
from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    Unavailable,
    Unreachable,
    UpdateRefused,
)

COPIES = {"slave", "secondary", "consumer"}
NOTIFYING = {"master", "primary", "producer"}
"""Kinds of zones, as old and new versions call them."""
Rrset = Mapping[str, Any]
Key = tuple[str, str]


class PowerDnsAddressProvider(PowerDnsProvider):  # type: ignore[misc]  # octoDNS has no types
    """Read A and AAAA; apply a plan in one PATCH, if nobody else edited its records."""

    SUPPORTS: ClassVar[frozenset[str]] = frozenset({"A", "AAAA"})

    def __init__(self, zone: str, api_url: str, key: str, server: str, timeout: float) -> None:
        super().__init__("powerdns", "unused", key, server_id=server, timeout=timeout)
        self.zone = zone
        self.api = f"{api_url}/api/v1/servers/{server}"
        self.server = server
        self.subject = f"zone {zone} on PowerDNS {api_url}"
        self._read: dict[Key, Rrset] = {}

    # --- reading ---

    def populate(self, zone: Zone, target: bool = False, lenient: bool = False) -> bool:
        """Add the zone's records that are served: the library takes disabled ones for served."""
        self._read = self._rrsets()
        for rrset in self._read.values():
            if served := [each for each in rrset["records"] if not each.get("disabled")]:
                data = getattr(self, f"_data_for_{rrset['type']}")({**rrset, "records": served})
                name = zone.hostname_from_fqdn(rrset["name"])
                record = Record.new(zone, name, data, source=self, lenient=lenient)
                zone.add_record(record, lenient=lenient)
        return True

    def name_servers(self) -> tuple[str, ...]:
        """Return the names in the zone's NS records."""
        return tuple(
            each["content"]
            for rrset in self._details()["rrsets"]
            if (rrset["name"], rrset["type"]) == (f"{self.zone}.", "NS")
            for each in rrset["records"]
        )

    def _rrsets(self) -> dict[Key, Rrset]:
        return {
            (rrset["name"].lower(), rrset["type"]): rrset
            for rrset in self._details()["rrsets"]
            if rrset["type"] in self.SUPPORTS
        }

    def _details(self) -> Mapping[str, Any]:
        response = self._request("GET", f"zones/{self.zone}.")
        try:
            found: Mapping[str, Any] = response.json()
        except ValueError as error:
            cause = "its answer cannot be understood"
            raise ProviderError(self.subject, cause, "check api_url in the estate file") from error
        return found

    # --- changing ---

    def _apply(self, plan: Plan) -> bool:
        details = self._require_original()
        now = self._rrsets()
        for change in plan.changes:
            key = change.record.fqdn.lower(), change.record._type
            if self._read.get(key) != now.get(key):
                cause = "somebody changed it in between; nothing was changed"
                hint = "run the procedure again: it plans from what is there now"
                raise UpdateRefused(f"{key[1]} record of {key[0].rstrip('.')}", cause, hint)
        mods = [_mod(change, now) for change in plan.changes]
        self._request("PATCH", f"zones/{self.zone}.", {"rrsets": mods})
        if str(details.get("kind", "")).lower() in NOTIFYING:
            # Else its secondaries hear of it when PowerDNS next looks, after up to a minute.
            self._request("PUT", f"zones/{self.zone}./notify")
        return True

    def _require_original(self) -> Mapping[str, Any]:
        details = self._details()
        kind = str(details.get("kind", "")).lower()
        if kind in COPIES:
            cause = "this server holds a copy: a change would be lost at its next transfer"
            hint = "put the API of the primary into api_url"
            raise UpdateRefused(self.subject, cause, hint)
        if kind in NOTIFYING and not details.get("soa_edit_api"):
            cause = "a change by the API would not raise its serial: secondaries would not follow"
            hint = f"pdnsutil set-meta {self.zone} SOA-EDIT-API DEFAULT"
            raise UpdateRefused(self.subject, cause, hint)
        return details

    def rehearse(self) -> str:
        """Prove the key by a PATCH that has nothing to patch: it is refused as such (422).

        A list without changes would be taken, and raise the zone's serial.
        """
        self._require_original()
        response = self._answer("PATCH", f"zones/{self.zone}.", {})
        if response.status_code != 422:
            self._checked("PATCH", response)
        return f"clé de l'API sur {self.server}"

    # --- calls ---

    def _request(self, method: str, path: str, data: object = None) -> requests.Response:
        return self._checked(method, self._answer(method, path, data))

    def _answer(self, method: str, path: str, data: object = None) -> requests.Response:
        try:
            response: requests.Response = self._sess.request(
                method, f"{self.api}/{path}", json=data, timeout=self.timeout
            )
        except requests.RequestException as error:
            cause = f"the API does not answer ({type(error).__name__})"
            hint = "look at webserver-address and webserver-allow-from of the server"
            raise Unreachable(self.subject, cause, hint) from error
        return response

    def _checked(self, method: str, response: requests.Response) -> requests.Response:
        if response.ok:
            return response
        raise self._refused(method, response.status_code, _said(response))

    def _refused(self, method: str, status: int, said: str) -> ContinuityError:
        if status == 401:
            cause = "the API key was refused (401)"
            return AuthenticationFailed(self.subject, cause, "compare it with the server's api-key")
        if status == 404:
            cause = f"there is no such zone, or no server {self.server} (404)"
            hint = "compare zone and server_id with: pdnsutil list-all-zones"
            return NotFound(self.subject, cause, hint)
        if status in {403, 405} and method == "GET":
            cause = f"GET is not allowed ({status})"
            hint = "look at webserver-allow-from and at the proxy in front"
            return PermissionDenied(self.subject, cause, hint)
        if status >= 500:
            cause = f"it answered {status} {said}".strip()
            return Unavailable(self.subject, cause, "look at the log of the name server")
        if method == "GET":
            cause = f"it answered {status} {said}".strip()
            return ProviderError(self.subject, cause, "check api_url in the estate file")
        cause = f"refuses the {method} ({status} {said}".rstrip() + "); nothing was changed"
        hint = "look for a CNAME with this name, and at the proxy in front of the API"
        return UpdateRefused(self.subject, cause, hint)


class PowerDnsNameReader(PowerDnsAddressProvider):
    """Read what leads to other names, or says addresses in a text."""

    SUPPORTS = frozenset({"CNAME", "MX", "TXT"})

    def _data_for_TXT(self, rrset: Rrset) -> dict[str, object]:  # noqa: N802
        # The API gives texts as zone files write them, octoDNS takes them for plain.
        values = [TxtValue.from_rdata_text(each["content"]) for each in rrset["records"]]
        return {"type": "TXT", "ttl": rrset["ttl"], "values": values}


def _mod(change: Create | Update | Delete, now: Mapping[Key, Rrset]) -> dict[str, object]:
    """Return the change as the API takes it; disabled values and comments stay."""
    record = change.record
    held: Rrset = now.get((record.fqdn.lower(), record._type), {})
    values = () if change.new is None else canonical(change.new.values)
    asleep = [each for each in held.get("records", ()) if each.get("disabled")]
    records = [{"content": value, "disabled": False} for value in values] + asleep
    mod = {"name": held.get("name", record.fqdn), "type": record._type}
    if not records:
        return {**mod, "changetype": "DELETE"}
    return {**mod, "changetype": "REPLACE", "ttl": record.ttl, "records": records}


def _said(response: requests.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("error", "")) if isinstance(body, Mapping) else ""
