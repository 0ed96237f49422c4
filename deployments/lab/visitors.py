"""The clients' customers: they read every site once a second, order at the shop, and keep a log.

    python -m deployments.lab.visitors --log FILE --rate 2 --seconds 600

They behave like a browser: the name is looked up at the lab's resolver each time, the certificate
is checked against the lab's authority, nothing is retried. They go on whatever happens to the
server and end after --seconds or at SIGTERM. What the log says: `deployments.lab.visitor_log`.
"""

from __future__ import annotations

import argparse
import heapq
import json
import signal
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from socket import create_connection
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from dns.exception import DNSException
from dns.resolver import Resolver

from deployments.lab import config
from deployments.lab.visitor_log import Visit, VisitKind, to_line

CONNECT_SECONDS = 2.0
"""How long a visitor waits for a name, and for a connection."""
ANSWER_SECONDS = 6.0
"""How long for the answer: WordPress needs some on a machine that has just started."""
_PAGES_AT_ONCE = 10
_ORDERS_AT_ONCE = 48
_LARGEST_PAGE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A page that visitors read, and the text by which they know it."""

    site: str
    url: str
    contains: str


PAGES = (
    Page("journal", "https://journal.omniweb.test/", "Le Journal des Rives"),
    Page("boutique", "https://boutique.atelier.test/commandes/derniere", "Dernière commande"),
    Page("vitrine", "https://vitrine.omniweb.test/", "Menuiserie Lambert"),
)
ORDERS = Page("boutique", "https://boutique.atelier.test/commande", '"commande"')
_PRODUCTS = 528


class _HttpsTo(HTTPSConnection):
    """HTTPS to a given address, for the host's name."""

    def __init__(self, host: str, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, timeout=CONNECT_SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        plain = create_connection((self._address, self.port), timeout=CONNECT_SECONDS)
        plain.settimeout(ANSWER_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def fetch(
    page: Page, address: str, context: ssl.SSLContext, form: dict[str, str] | None = None
) -> tuple[bool, str, str]:
    """Ask this address for a page; return whether it is right, what was seen, the text.

    Raises:
        OSError, HTTPException: No answer, or not one of HTTPS with a good certificate.
    """
    parts = urlsplit(page.url)
    target = parts._replace(scheme="", netloc="").geturl() or "/"
    connection = _HttpsTo(parts.netloc, address, context)
    try:
        headers = {"User-Agent": "visiteur", "Connection": "close"}
        if form is None:
            connection.request("GET", target, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", target, urlencode(form), headers)
        answer = connection.getresponse()
        text = answer.read(_LARGEST_PAGE).decode(errors="replace")
    finally:
        connection.close()
    right = answer.status in (200, 201) and page.contains in text
    missing = "" if page.contains in text else f" without the text {page.contains!r}"
    return right, f"HTTP {answer.status}{missing}", text


class Visitors:
    """Make visits and hand each to `record`."""

    def __init__(
        self, resolver: Resolver, context: ssl.SSLContext, record: Callable[[Visit], None]
    ) -> None:
        self._resolver = resolver
        self._context = context
        self._record = record
        self._ordered = 0

    def read(self, page: Page) -> None:
        """Read one page."""
        self._visit(VisitKind.PAGE, page, None)

    def order(self) -> None:
        """Order one piece at the shop."""
        self._ordered += 1
        form = {
            "reference": f"visiteur-{uuid4().hex}",
            "produit": str(1 + self._ordered * 37 % _PRODUCTS),
            "quantite": str(1 + self._ordered % 3),
            "client": "Visiteur du laboratoire",
        }
        self._visit(VisitKind.ORDER, ORDERS, form)

    def _visit(self, kind: VisitKind, page: Page, form: dict[str, str] | None) -> None:
        started = time.monotonic()
        address, number = "", 0
        try:
            address = self._address(page)
            ok, observed, text = fetch(page, address, self._context, form)
            number = int(json.loads(text)["commande"]) if ok and form else 0
        except (OSError, HTTPException, DNSException, ValueError, KeyError) as error:
            ok, observed = False, f"{type(error).__name__}: {error}"[:200]
        seconds = round(time.monotonic() - started, 4)
        reference = form["reference"] if form else ""
        now = datetime.now(UTC)
        self._record(Visit(now, kind, page.site, ok, seconds, address, observed, reference, number))

    def _address(self, page: Page) -> str:
        host = urlsplit(page.url).netloc
        return str(next(iter(self._resolver.resolve(host, "A", lifetime=CONNECT_SECONDS))))


class Log(AbstractContextManager["Log"]):
    """Append visits to a file, one line each, complete as soon as `record` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __enter__(self) -> Log:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def record(self, visit: Visit) -> None:
        """Append one visit."""
        with self._lock:
            self._file.write(to_line(visit))


def keep_visiting(visitors: Visitors, rate: float, seconds: float, stop: threading.Event) -> None:
    """Start each kind of visit at its own pace until the time is over or `stop` is set."""
    paces = [_Pace(1.0, partial(visitors.read, page), _PAGES_AT_ONCE) for page in PAGES]
    if rate > 0:
        paces.append(_Pace(1 / rate, visitors.order, _ORDERS_AT_ONCE))
    begin = time.monotonic()
    due = [(begin + index * 0.1, index) for index in range(len(paces))]  # sorted: a heap
    with ThreadPoolExecutor(max_workers=sum(pace.at_once for pace in paces)) as pool:
        while due[0][0] < begin + seconds and not stop.wait(max(0, due[0][0] - time.monotonic())):
            at, index = due[0]
            heapq.heapreplace(due, (at + paces[index].every, index))
            paces[index].start(pool)


class _Pace:
    """One kind of visit: how often, and how many may be under way at once."""

    def __init__(self, every: float, visit: Callable[[], None], at_once: int) -> None:
        self.every = every
        self.at_once = at_once
        self._visit = visit
        self._free = threading.BoundedSemaphore(at_once)

    def start(self, pool: ThreadPoolExecutor) -> None:
        # With this many waiting for a dead server, the next one does not even come.
        if self._free.acquire(blocking=False):
            pool.submit(self._visit).add_done_callback(lambda _: self._free.release())


def resolver_at(place: str) -> Resolver:
    """Return a resolver that asks only `ADDRESS` or `ADDRESS:PORT`, without a cache."""
    address, _, port = place.partition(":")
    resolver = Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = int(port or 53)
    return resolver


def _arguments() -> argparse.Namespace:
    lab = config.current()
    parser = argparse.ArgumentParser(prog="visitors", description="Customers of the lab's sites.")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=1.0, help="orders a second, 0 for none")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--resolver", default=lab.resolver, help="ADDRESS or ADDRESS:PORT")
    parser.add_argument("--ca", type=Path, default=lab.secrets / "ca.pem")
    return parser.parse_args()


def main() -> None:
    """Run the visitors."""
    arguments = _arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    context = ssl.create_default_context(cafile=str(arguments.ca))
    with Log(arguments.log) as log:
        visitors = Visitors(resolver_at(arguments.resolver), context, log.record)
        keep_visiting(visitors, arguments.rate, arguments.seconds, stop)


if __name__ == "__main__":
    main()
