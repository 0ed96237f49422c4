"""Run the receiver's HTTP server; TLS is the reverse proxy's."""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 5.0
CONNECTIONS = 100
LARGEST_HEAD = 16 * 1024


class HurriedProtocol(H11Protocol):
    """Hangs up on who has not sent the head of a request in time: uvicorn waits for ever."""

    _hurry: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Start the time."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._hurry = self.loop.call_later(HEADER_SECONDS, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        if self._hurry:
            self._hurry.cancel()
        super().connection_lost(exc)

    def _hang_up(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


def server(application: ASGIApp, host: str, port: int, proxy: str) -> uvicorn.Server:
    """Return the server.

    No access log: the path holds the secret.

    Args:
        application: What answers.
        host: Address to listen on.
        port: Port to listen on.
        proxy: Address of the reverse proxy whose X-Forwarded-For is believed, "" for none.
    """
    trusted: dict[str, Any] = {"proxy_headers": bool(proxy)}
    if proxy:
        trusted["forwarded_allow_ips"] = proxy
    return uvicorn.Server(
        uvicorn.Config(
            application, host=host, port=port, http=HurriedProtocol, ws="none", lifespan="off",
            access_log=False, log_level="warning", server_header=False,
            limit_concurrency=CONNECTIONS, h11_max_incomplete_event_size=LARGEST_HEAD,
            timeout_keep_alive=5, timeout_graceful_shutdown=5, **trusted,
        )
    )  # fmt: skip
