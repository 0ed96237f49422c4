"""octoDNS' Cloudflare provider, held to address records, whole transactions and our errors.

Shapes were read in octodns_cloudflare 1.2 (zones, records, paging), in the SDK's types
`RecordBatchParams` and `RecordBatchResponse`, and on the pages "Batch DNS Records", "Verify Token",
"Batch record changes" (limits) and "Time to Live" of Cloudflare's documentation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any, ClassVar

import requests
from octodns.idna import IdnaDict
from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Update
from octodns.record.txt import TxtValue
from octodns.zone import Zone
from octodns_cloudflare import CloudflareProvider

from blocks.dns.changes import canonical
from blocks.dns.cloudflare_batch import Batch, Entry, Wanted, packed, same
from blocks.dns.cloudflare_errors import Refusal
from blocks.errors import ContinuityError, NotFound, ProviderError, Unreachable, UpdateRefused

RETRY_SECONDS = 5
"""Between two tries when the API does not say how long to wait."""
PATIENCE_SECONDS = 60
"""How long one call may wait for its turn altogether."""
LIMITS = {"free": 200, "pro": 3500, "business": 3500, "enterprise": 3500}
"""Records in one batch, by the zone's plan."""
LEAST_TTL = {"enterprise": 30}

Key = tuple[str, str]
Json = Any


class CloudflareAddressProvider(CloudflareProvider):  # type: ignore[misc]  # octoDNS has no types
    """Read A and AAAA; apply a plan in one batch, if nobody else edited its records."""

    SUPPORTS: ClassVar[frozenset[str]] = frozenset({"A", "AAAA"})

    def __init__(self, zone: str, token: str, api_url: str, timeout: float) -> None:
        super().__init__(
            "cloudflare",
            token=token,
            pagerules=False,
            retry_period=RETRY_SECONDS,
            min_ttl=60,
            timeout=timeout,
            api_url=api_url,
        )
        self._zones: IdnaDict | None = None
        self.zone = zone
        self.subject = f"zone {zone} at Cloudflare"

    # --- reading ---

    @property
    def zones(self) -> Mapping[str, Any]:
        """Return the one zone by its name with a final dot, as the API holds it.

        Raises:
            NotFound: There is none, or the token does not see it.
        """
        if self._zones is None:
            listed = self._paginated_get("/zones", params={"name": self.zone})
            found = IdnaDict({f"{each['name']}.": each for each in listed})
            if f"{self.zone}." not in found:
                cause = "there is no such zone, or the token does not see it"
                hint = "correct the zone, or give the token Zone / Zone / Read on it"
                raise NotFound(self.subject, cause, hint)
            self._zones = found
        return self._zones  # type: ignore[no-any-return]

    @property
    def details(self) -> Mapping[str, Any]:
        """Return the zone as the API holds it."""
        return self.zones[f"{self.zone}."]  # type: ignore[no-any-return]

    def name_servers(self) -> tuple[str, ...]:
        """Return the names of the servers that were assigned to the zone."""
        return tuple(self.details.get("name_servers") or ())

    def entries(self, zone: Zone) -> dict[Key, list[Entry]]:
        """Return the records by name and type; read once and kept."""
        found: dict[Key, list[Entry]] = defaultdict(list)
        for entry in self.zone_records(zone):
            found[entry["name"].lower(), entry["type"]].append(entry)
        return found

    # --- changing ---

    def _apply(self, plan: Plan) -> bool:
        wanted = [_wanted(change) for change in plan.changes]
        before = self.entries(plan.existing)
        weights = [max(len(before[each.name, each.type]), len(each.values)) for each in wanted]
        parts = list(packed(weights, LIMITS.get(self._plan_name(), 200)))
        for number, part in enumerate(parts):
            try:
                self._send(plan.existing, before, wanted[part])
            except ContinuityError as error:
                raise _half_done(error, number, len(parts)) from error
        return True

    def _send(self, zone: Zone, before: dict[Key, list[Entry]], wanted: Sequence[Wanted]) -> None:
        self._zone_records.clear()
        now, batch = self.entries(zone), Batch()
        for each in wanted:
            key = each.name, each.type
            if not same(before[key], now[key]):
                cause = "somebody changed it in between; nothing was changed"
                hint = "run the procedure again: it plans from what is there now"
                raise UpdateRefused(f"{each.type} record of {each.name}", cause, hint)
            batch = batch.with_change(now[key], each, LEAST_TTL.get(self._plan_name(), 60))
        if body := batch.body():
            self._try_request("POST", self._batch_path(), data=body)

    def _plan_name(self) -> str:
        return str((self.details.get("plan") or {}).get("legacy_id") or "free")

    def _batch_path(self) -> str:
        return f"/zones/{self.details['id']}/dns_records/batch"

    # --- rehearsing ---

    def rehearse(self) -> str:
        """Prove the right to edit by a batch without operations; return whose token this is.

        Nothing can change by it, and nothing a stranger edits meanwhile is put back, as by a record
        that is patched with its own values. An answer that calls the empty batch wrong (400) is as
        good as one that takes it: the right was looked at before.
        """
        empty: dict[str, list[Entry]] = {"deletes": [], "patches": [], "posts": []}
        response = self._answer("POST", self._batch_path(), data=empty)
        if response.status_code != 400:
            self._checked("POST", self._batch_path(), response)
        return self._who()

    def _who(self) -> str:
        """Name the token: one of a user, or one of an account, or neither tells."""
        account = (self.details.get("account") or {}).get("id")
        for owner in ("/user", f"/accounts/{account}"):
            response = self._answer("GET", f"{owner}/tokens/verify")
            if response.ok:
                found = self._decoded(response)["result"]
                until = str(found.get("expires_on") or "")[:10]
                return f"jeton {found['id'][:8]} à Cloudflare{until and f', expire le {until}'}"
        return "jeton à Cloudflare"

    # --- calls ---

    def _try_request(
        self, method: str, path: str, params: object = None, data: object = None
    ) -> Json:
        return self._checked(method, path, self._answer(method, path, params, data))

    def _answer(
        self, method: str, path: str, params: object = None, data: object = None
    ) -> requests.Response:
        """Ask once, or again when told to wait: for a turn, or for a server when only reading.

        A change is never sent twice after a server's failure: the first may have taken effect.
        """
        end = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response: requests.Response = self._sess.request(
                    method, f"{self.api_url}{path}", params=params, json=data, timeout=self.timeout
                )
            except requests.RequestException as error:
                cause = f"the API does not answer ({type(error).__name__})"
                hint = "run it again: what is done already is left alone"
                raise Unreachable(self.subject, cause, hint) from error
            again = response.status_code == 429 or (response.status_code >= 500 and method == "GET")
            pause = _pause(response)
            if not again or monotonic() + pause > end:
                return response
            sleep(pause)

    def _checked(self, method: str, path: str, response: requests.Response) -> Json:
        if response.ok:
            return self._decoded(response)
        refusal = Refusal.of(method, path, response.status_code, _json(response))
        if response.status_code in {401, 403} and not refusal.is_of_token and not refusal.writes:
            self._require_token(refusal)
        raise refusal.error(self.subject)

    def _require_token(self, refusal: Refusal) -> None:
        """Tell a token that ended from one without the right: the answers are the same."""
        response = self._answer("GET", "/user/tokens/verify")
        body = _json(response)
        result = body.get("result") if isinstance(body, Mapping) else None
        state = result.get("status") if isinstance(result, Mapping) else None
        if state != "active":
            raise refusal.token_refused(self.subject, state or "refused")

    def _decoded(self, response: requests.Response) -> Json:
        body = _json(response)
        if not isinstance(body, Mapping) or "result" not in body:
            cause = "its answer cannot be understood"
            raise ProviderError(self.subject, cause, "check api_url in the estate file")
        return body


class CloudflareNameReader(CloudflareAddressProvider):
    """Read what leads to other names, or says addresses in a text."""

    SUPPORTS = frozenset({"CNAME", "MX", "TXT"})

    def _data_for_TXT(self, _type: str, records: Sequence[Entry]) -> dict[str, object]:  # noqa: N802
        # The API gives texts as zone files write them, octoDNS takes them for plain.
        values = [TxtValue.from_rdata_text(each["content"]) for each in records]
        return {"ttl": records[0]["ttl"], "type": _type, "values": values}


class CloudflareProxyReader(CloudflareAddressProvider):
    """Read which names Cloudflare answers for with its own addresses."""

    SUPPORTS = frozenset({"A", "AAAA", "CNAME"})

    def origins(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Return the addresses held for each proxied name, by type; none for a CNAME."""
        found = self.entries(Zone(f"{self.zone}.", []))
        proxied = {name for (name, _), each in found.items() if any(e["proxied"] for e in each)}
        origins: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in proxied}
        for (name, record_type), each in found.items():
            if name in proxied and record_type in {"A", "AAAA"}:
                origins[name][record_type] = canonical(entry["content"] for entry in each)
        return origins


def _wanted(change: Create | Update | Delete) -> Wanted:
    record = change.record
    values = () if change.new is None else canonical(change.new.values)
    return Wanted(record.fqdn.rstrip(".").lower(), record._type, values, record.ttl)


def _half_done(error: ContinuityError, done: int, of: int) -> ContinuityError:
    """Say how far it came: each batch is whole, several are not."""
    if done == 0:
        return error
    cause = f"{done} of {of} batches are in and stay, then: {error.cause}"
    return type(error)(error.subject, cause, f"{error.hint}; then run it again: it does the rest")


def _pause(response: requests.Response) -> float:
    told = response.headers.get("Retry-After", "")
    return int(told) if told.isdigit() else RETRY_SECONDS


def _json(response: requests.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None
