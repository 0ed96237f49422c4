"""The messages of the lab's Slack: kept in memory, written to one file after each change."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        channel: Id of its channel.
        ts: Its id within the channel and the moment it was posted: seconds with six decimals.
        thread: `ts` of the message it answers, or "".
        edited: Moment of the last change, or "".
        reactions: Names of emoji.
    """

    channel: str
    ts: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    thread: str = ""
    edited: str = ""
    username: str = ""
    reactions: tuple[str, ...] = ()

    def as_slack(self) -> dict[str, Any]:
        """Return the message as Slack's API shows it."""
        shown: dict[str, Any] = {"type": "message", "ts": self.ts, "text": self.text}
        if self.blocks:
            shown["blocks"] = list(self.blocks)
        if self.thread:
            shown["thread_ts"] = self.thread
        if self.edited:
            shown["edited"] = {"user": "B0CONTINUITY", "ts": self.edited}
        if self.reactions:
            shown["reactions"] = [{"name": name, "count": 1} for name in self.reactions]
        return shown


def channel_id(name: str) -> str:
    """Return the id of a channel: the same for the same name, so that it survives a restart."""
    return "C" + hashlib.sha256(name.encode()).hexdigest()[:10].upper()


@dataclass(slots=True)
class Channels:
    """All channels and their messages, in one file."""

    file: Path
    names: tuple[str, ...]
    messages: list[Message] = field(default_factory=list)

    def load(self) -> None:
        """Read the file, if there is one; a file that cannot be read stops the server."""
        if self.file.exists():
            stored = json.loads(self.file.read_text())["messages"]
            self.messages = [_message(item) for item in stored]

    def find(self, channel: str) -> str:
        """Return the id of a channel given by id, name or #name; "" if there is none."""
        wanted = channel.removeprefix("#")
        return next((channel_id(n) for n in self.names if wanted in (n, channel_id(n))), "")

    def name(self, channel: str) -> str:
        """Return the name of the channel with this id."""
        return next(name for name in self.names if channel_id(name) == channel)

    def message(self, channel: str, ts: str) -> Message | None:
        """Return one message."""
        return next((m for m in self.messages if (m.channel, m.ts) == (channel, ts)), None)

    def roots(self, channel: str) -> list[Message]:
        """Return the messages of a channel that answer no other, oldest first."""
        return [m for m in self.messages if m.channel == channel and not m.thread]

    def replies(self, root: Message) -> list[Message]:
        """Return the answers to a message, oldest first."""
        return [m for m in self.messages if m.channel == root.channel and m.thread == root.ts]

    def next_ts(self) -> str:
        """Return the present moment as Slack writes it, later than that of every message."""
        newest = float(self.messages[-1].ts) if self.messages else 0.0
        return f"{max(time.time(), newest + 0.000_01):.6f}"

    def add(self, message: Message) -> Message:
        """Keep a new message; its `ts` is set here and rises strictly."""
        posted = replace(message, ts=self.next_ts())
        self.messages.append(posted)
        self._save()
        return posted

    def change(self, old: Message, new: Message) -> Message:
        """Replace a message."""
        self.messages[self.messages.index(old)] = new
        self._save()
        return new

    def _save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"messages": [asdict(m) for m in self.messages]}, ensure_ascii=False)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(content)
        temporary.replace(self.file)


def _message(stored: dict[str, Any]) -> Message:
    lists = {name: tuple(stored[name]) for name in ("blocks", "reactions")}
    return Message(**(stored | lists))
