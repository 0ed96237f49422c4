"""The HTTP side of the receiver: read no more and no longer than needed, and answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.message import Message as Headers

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deployments.receiver.intake import Intake, Message
from deployments.receiver.verdicts import AGAIN_AFTER, STATUS, Judged, Verdict

LARGEST = 16 * 1024
"""Bytes of a message; those of the monitors have about one thousand."""
BODY_SECONDS = 5.0
ANSWER_SECONDS = 15.0
"""What Prefect and the disk may take; monitors do not wait much longer."""
_log = logging.getLogger("continuity.alerts")


class Receiver:
    """Takes `POST /alerts/MONITOR/SECRET`, or without it with `Authorization: Bearer SECRET`."""

    def __init__(
        self,
        intake: Intake,
        *,
        body_seconds: float = BODY_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._intake = intake
        self._body_seconds, self._answer_seconds = body_seconds, answer_seconds

    def application(self) -> Starlette:
        """Return the application with its routes."""
        made = Starlette(
            routes=[
                Route("/alerts/{monitor}/{secret}", self.receive, methods=["POST"]),
                Route("/alerts/{monitor}", self.receive, methods=["POST"]),
                Route("/health", self.health),
            ]
        )
        # A redirect would repeat the secret in its Location.
        made.router.redirect_slashes = False
        return made

    async def health(self, _: Request) -> Response:
        """Say that the receiver runs."""
        return Response(status_code=204)

    async def receive(self, request: Request) -> Response:
        """Judge one message. The secret is part of no log line."""
        message = _message(request)
        judged = await self._within(self._intake.admit, message)
        if judged is None:
            judged = await self._read_and_take(request, message)
        level = logging.INFO if STATUS[judged.verdict] < 300 else logging.WARNING
        _log.log(
            level, "%s: %s from %s, host %s, server %s", judged.verdict, _shown(message.monitor),
            message.source, judged.host or "-", judged.server or "-",
        )  # fmt: skip
        return _answer(judged)

    async def _read_and_take(self, request: Request, message: Message) -> Judged:
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await self._body(request)
        except TimeoutError:
            return await self._refused(message, Verdict.TOO_SLOW)
        except ClientDisconnect:
            return await self._refused(message, Verdict.UNREADABLE)
        if body is None:
            return await self._refused(message, Verdict.TOO_LARGE)
        judged = await self._within(self._intake.take, message, body)
        return judged or Judged(Verdict.UNAVAILABLE)

    async def _refused(self, message: Message, verdict: Verdict) -> Judged:
        return await self._within(self._intake.refuse, message, verdict) or Judged(verdict)

    async def _within(self, judge: Callable[..., Judged | None], *words: object) -> Judged | None:
        """Judge in a thread that is left behind when Prefect or the disk hangs."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await to_thread.run_sync(judge, *words, abandon_on_cancel=True)
        except TimeoutError:
            return Judged(Verdict.UNAVAILABLE)

    async def _body(self, request: Request) -> bytes | None:
        """Return the body; None as soon as it is too large, whatever length was announced."""
        announced = request.headers.get("Content-Length", "0")
        if not announced.isdecimal() or int(announced) > LARGEST:
            return None
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                return None
        return bytes(body)


def _message(request: Request) -> Message:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    secret = request.path_params.get("secret", "")
    if not secret and scheme.lower() == "bearer":
        secret = token.strip()
    kind = Headers()
    kind["Content-Type"] = request.headers.get("Content-Type", "").replace("\n", " ")
    source = request.client.host if request.client else "?"
    given = kind.get_content_type() if request.headers.get("Content-Type") else ""
    return Message(request.path_params["monitor"], secret, given, source)


def _shown(name: str) -> str:
    """A stranger chose this text: it stays on one short line."""
    return repr(name[:40])


def _answer(judged: Judged) -> Response:
    # One request a connection: nobody holds one open for a second, slower one.
    headers = {"Connection": "close", "Cache-Control": "no-store"}
    if judged.verdict in AGAIN_AFTER:
        headers["Retry-After"] = str(AGAIN_AFTER[judged.verdict])
    told = {"verdict": str(judged.verdict)} | ({"detail": judged.said} if judged.said else {})
    return JSONResponse(told, STATUS[judged.verdict], headers=headers)
