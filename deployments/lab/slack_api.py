"""Slack's Web API as slack-sdk calls it: which answer each method gives. No network, no page.

Written after Slack's published method pages; where Slack is strict, so is this (chat.update wants a
channel's id, a header is plain text), so that what works here works there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deployments.lab import slack_markup
from deployments.lab.slack_channels import Channels, Message, channel_id

Answer = dict[str, Any]
Arguments = dict[str, Any]


class SlackApi:
    """The methods of the API, over one set of channels."""

    def __init__(self, channels: Channels) -> None:
        self.channels = channels
        self._methods: dict[str, Callable[[Arguments], Answer]] = {
            "api.test": lambda _: {"ok": True},
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.list": self._list,
            "reactions.add": self._react,
        }

    def call(self, method: str, arguments: Arguments) -> Answer:
        """Return the answer to one call of a caller whose token is right."""
        handler = self._methods.get(method)
        return handler(arguments) if handler else error("unknown_method", req_method=method)

    def _auth_test(self, _: Arguments) -> Answer:
        return {
            "ok": True,
            "team": "OmniWeb",
            "team_id": "T0OMNIWEB",
            "user": "continuite",
            "user_id": "U0CONTINUITY",
            "bot_id": "B0CONTINUITY",
        }

    def _list(self, _: Arguments) -> Answer:
        names = self.channels.names
        shown = [{"id": channel_id(name), "name": name, "is_member": True} for name in names]
        return {"ok": True, "channels": shown, "response_metadata": {"next_cursor": ""}}

    def _post(self, arguments: Arguments) -> Answer:
        channel = self.channels.find(str(arguments.get("channel", "")))
        refused = _content_mistake(arguments) if channel else error("channel_not_found")
        if refused:
            return refused
        thread = str(arguments.get("thread_ts") or "")
        if thread and not self.channels.message(channel, thread):
            return error("thread_not_found")
        username = str(arguments.get("username") or "")
        draft = Message(channel=channel, ts="", thread=thread, username=username, text="")
        return _shown(self.channels.add(_with_content(draft, arguments)))

    def _update(self, arguments: Arguments) -> Answer:
        channel = str(arguments.get("channel", ""))
        if channel not in map(channel_id, self.channels.names):
            return error("channel_not_found")
        message = self.channels.message(channel, str(arguments.get("ts", "")))
        refused = _content_mistake(arguments) if message else error("message_not_found")
        if message is None or refused:
            return refused or {}
        edited = replace(_with_content(message, arguments), edited=self.channels.next_ts())
        return _shown(self.channels.change(message, edited))

    def _react(self, arguments: Arguments) -> Answer:
        channel = self.channels.find(str(arguments.get("channel", "")))
        message = self.channels.message(channel, str(arguments.get("timestamp", "")))
        name = str(arguments.get("name", ""))
        if message is None or not name:
            return error("message_not_found" if message is None else "invalid_name")
        if name in message.reactions:
            return error("already_reacted")
        self.channels.change(message, replace(message, reactions=(*message.reactions, name)))
        return {"ok": True}


def error(code: str, **details: object) -> Answer:
    """Return the answer to a call that Slack refuses (its HTTP status is 200)."""
    return {"ok": False, "error": code, **details}


def _content_mistake(arguments: Arguments) -> Answer | None:
    text, content = arguments.get("text") or "", arguments.get("blocks") or []
    if not text and not content:
        return error("no_text")
    if len(text) > 40_000:
        return error("msg_too_long")
    if not isinstance(content, list):
        return error("invalid_blocks_format")
    found = slack_markup.mistakes(content)
    if not found:
        return None
    metadata = {"messages": [f"[ERROR] {mistake}" for mistake in found]}
    return error("invalid_blocks", errors=found, response_metadata=metadata)


def _with_content(message: Message, arguments: Arguments) -> Message:
    content = tuple(arguments.get("blocks") or ())
    return replace(message, text=str(arguments.get("text") or ""), blocks=content)


def _shown(message: Message) -> Answer:
    answer: Answer = {"ok": True, "channel": message.channel, "ts": message.ts}
    return answer | {"text": message.text, "message": message.as_slack()}
