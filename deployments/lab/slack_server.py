"""The lab's Slack: a server that speaks its Web API and shows the channels as a page.

`POST /lab/mode` makes it fail as Slack does on a bad day; staff train with it, tests use it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from deployments.lab import slack_page
from deployments.lab.slack_api import SlackApi, error
from deployments.lab.slack_channels import Channels

CHANNELS = ("continuite", "incidents", "general")
SLOW_SECONDS = 30
RETRY_AFTER_SECONDS = 30


class Mode(StrEnum):
    """How the API behaves."""

    OK = "ok"
    DOWN = "down"
    """Answers 503."""
    SLOW = "slow"
    """Keeps the caller waiting for 30 s, then answers 503."""
    RATE_LIMITED = "ratelimited"
    """Answers 429 with Retry-After."""


class SlackServer:
    """The HTTP side: who may call, what mode reigns, which page is shown."""

    def __init__(self, channels: Channels, token: str) -> None:
        self.api = SlackApi(channels)
        self.channels = channels
        self.mode = Mode.OK
        self._token = token

    def application(self) -> Starlette:
        """Return the application with its routes."""
        return Starlette(
            routes=[
                Route("/api/{method}", self.call, methods=["GET", "POST"]),
                Route("/lab/mode", self.change_mode, methods=["GET", "POST"]),
                Route("/messages", self.messages),
                Route("/channel/{name}", self.channel),
                Route("/", self.page),
            ]
        )

    async def call(self, request: Request) -> Response:
        """Answer one call of the Web API."""
        if self.mode is not Mode.OK:
            return await self._bad_day()
        authorization = request.headers.get("Authorization", "")
        if not authorization:
            return JSONResponse(error("not_authed"))
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return JSONResponse(error("invalid_auth"))
        try:
            arguments = await _arguments(request)
        except ValueError:
            return JSONResponse(error("invalid_json"))
        return JSONResponse(self.api.call(request.path_params["method"], arguments))

    async def change_mode(self, request: Request) -> Response:
        """Show or change the mode: `{"mode": "ok" | "down" | "slow" | "ratelimited"}`."""
        if request.method == "POST":
            try:
                self.mode = Mode(json.loads(await request.body())["mode"])
            except (ValueError, KeyError, TypeError):
                wanted = ", ".join(Mode)
                return JSONResponse({"error": f'send {{"mode": ...}}, one of {wanted}'}, 400)
        return JSONResponse({"mode": self.mode})

    async def messages(self, request: Request) -> Response:
        """Return all messages, oldest first, each with its channel's id and name."""
        return JSONResponse(
            {
                "messages": [
                    asdict(message) | {"channel_name": self.channels.name(message.channel)}
                    for message in self.channels.messages
                ]
            }
        )

    async def page(self, request: Request) -> Response:
        """Show one channel: the one asked for, else the one with the newest message."""
        name = request.query_params.get("channel") or self._newest()
        if name not in self.channels.names:
            return HTMLResponse("Ce canal n'existe pas.", 404)
        return HTMLResponse(slack_page.page(self.channels, name))

    async def channel(self, request: Request) -> Response:
        """Return a channel's messages for a page that is open; 304 if it has them already."""
        name = request.path_params["name"]
        if name not in self.channels.names:
            return HTMLResponse("Ce canal n'existe pas.", 404)
        content = slack_page.messages(self.channels, name)
        etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(content, headers=headers)

    def _newest(self) -> str:
        messages = self.channels.messages
        return self.channels.name(messages[-1].channel) if messages else self.channels.names[0]

    async def _bad_day(self) -> Response:
        if self.mode is Mode.RATE_LIMITED:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return JSONResponse(error("ratelimited"), 429, headers=headers)
        if self.mode is Mode.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        return Response("Service Unavailable", 503)


async def _arguments(request: Request) -> dict[str, Any]:
    """Read a call's arguments: JSON, or a form whose structured values are JSON texts."""
    body = await request.body()
    if request.headers.get("Content-Type", "").startswith("application/json"):
        arguments = json.loads(body or b"{}")
        if not isinstance(arguments, dict):
            raise ValueError("the body is not a JSON object")
        return arguments
    form: dict[str, Any] = dict(request.query_params) | dict(parse_qsl(body.decode()))
    return {k: json.loads(v) if k == "blocks" else v for k, v in form.items()}


def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="file that keeps the messages")
    parser.add_argument("--token-file", type=Path, required=True, help="file with the bot's token")
    parser.add_argument("--channel", action="append", help="channel name; may be repeated")
    options = parser.parse_args()
    channels = Channels(options.state, tuple(options.channel or CHANNELS))
    channels.load()
    server = SlackServer(channels, options.token_file.read_text().strip())
    uvicorn.run(
        server.application(),
        host=options.host,
        port=options.port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
