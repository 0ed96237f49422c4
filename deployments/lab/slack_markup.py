"""Turn Slack's mrkdwn and Block Kit into HTML. Pure: values in, markup out."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Block = Mapping[str, Any]

# Drawn with letters and colours: a machine without an emoji font shows them all the same.
_EMOJI = {
    "white_check_mark": ("green", "✓", "✅"),
    "heavy_check_mark": ("green", "✓", "✔"),
    "x": ("red", "✕", "❌"),
    "no_entry": ("red", "-", "⛔"),
    "rotating_light": ("red", "!", "🚨"),
    "warning": ("amber", "!", "⚠"),
    "hourglass_flowing_sand": ("blue", "…", "⏳"),
    "arrows_counterclockwise": ("blue", "↻", "🔄"),
    "information_source": ("blue", "i", "ℹ"),  # noqa: RUF001 - the sign itself
    "red_circle": ("red", "", "🔴"),
    "large_green_circle": ("green", "", "🟢"),
    "large_yellow_circle": ("amber", "", "🟡"),
    "large_blue_circle": ("blue", "", "🔵"),
    "white_circle": ("grey", "", "⚪"),
    "thumbsup": ("blue", "+1", "👍"),
    "eyes": ("blue", "••", "👀"),
}
_BY_SIGN = {sign: name for name, (_, _, sign) in _EMOJI.items()}
_EMOJI_PATTERN = re.compile(r":([a-z0-9_+-]+):|([" + "".join(_BY_SIGN) + r"])\ufe0f?")
_CODE_BLOCK = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_TOKEN = re.compile(r"`([^`\n]+)`|<([^<>\n]+)>")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])"), "em"),
    (re.compile(r"(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])"), "s"),
)
_BULLET = re.compile(r"^(?:[•◦▪-]|\d+\.)\s+")
_SAFE_LINK = re.compile(r"^(https?://|mailto:)")


def emoji(name: str) -> str:
    """Return one emoji's markup; a name that is not known stays as it was typed."""
    if name not in _EMOJI:
        return f":{name}:"
    colour, letter, _ = _EMOJI[name]
    return f'<span class="emoji {colour}" title=":{name}:">{letter}</span>'


def mrkdwn(text: str) -> str:
    """Render mrkdwn: bold, italic, strike, code, links, quotes, lists, line breaks."""
    # With one group in the pattern, every second piece is the inside of a code block.
    pieces = _CODE_BLOCK.split(text)
    return "".join(
        f"<pre>{_escape(piece)}</pre>" if index % 2 else _lines(piece)
        for index, piece in enumerate(pieces)
    )


def blocks(content: Sequence[Block]) -> str:
    """Render Block Kit; a block of an unknown type shows its name, so that nobody misses it."""
    return "".join(_block(block) for block in content)


def mistakes(content: Sequence[Block]) -> list[str]:
    """Return what Slack itself would refuse in these blocks (types and sizes we can run into)."""
    found = [] if len(content) <= 50 else ["no more than 50 items allowed [json-pointer:/blocks]"]
    for index, block in enumerate(content):
        where = f"[json-pointer:/blocks/{index}"
        kind = block.get("type")
        if kind not in _RENDERERS:
            found.append(f"unsupported type: {kind} {where}/type]")
        elif kind == "header" and block.get("text", {}).get("type") != "plain_text":
            found.append(f"must be plain_text {where}/text/type]")
        elif kind == "section" and not (block.get("text") or block.get("fields")):
            found.append(f"missing required field: text {where}]")
        elif kind == "section" and len(block.get("fields", ())) > 10:
            found.append(f"no more than 10 items allowed {where}/fields]")
        elif kind == "context" and not 1 <= len(block.get("elements", ())) <= 10:
            found.append(f"between 1 and 10 items needed {where}/elements]")
        found.extend(_text_mistakes(block, where))
    return found


def _text_mistakes(block: Block, where: str) -> list[str]:
    limit = 150 if block.get("type") == "header" else 3000
    found = []
    if block.get("text") and not 1 <= len(str(block["text"].get("text", ""))) <= limit:
        found.append(f"must be between 1 and {limit} characters {where}/text/text]")
    for number, field in enumerate(block.get("fields", ())):
        if not 1 <= len(str(field.get("text", ""))) <= 2000:
            found.append(f"must be between 1 and 2000 characters {where}/fields/{number}/text]")
    return found


def _escape(text: str) -> str:
    """Escape for HTML. Senders escape `& < >` themselves, as Slack asks: undo that first."""
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return html.escape(plain)


def _lines(text: str) -> str:
    output: list[str] = []
    quote: list[str] = []
    for line in text.strip("\n").split("\n") if text.strip() else ():
        quoted = re.match(r"^(?:>|&gt;)\s?(.*)$", line)
        if quoted:
            quote.append(_line(quoted[1]))
            continue
        output.extend(_quote(quote))
        quote = []
        output.append(_line(line))
    return "".join(output + _quote(quote))


def _quote(lines: list[str]) -> list[str]:
    return ["<blockquote>" + "".join(lines) + "</blockquote>"] if lines else []


def _line(line: str) -> str:
    bullet = _BULLET.match(line)
    if bullet:
        sign = "•" if bullet[0].strip() == "-" else bullet[0].strip()
        return f'<div class="item"><i>{sign}</i><div>{_inline(line[bullet.end() :])}</div></div>'
    return f'<div class="line">{_inline(line) or "&nbsp;"}</div>'


def _inline(text: str) -> str:
    """Render one line: what is code or a link is set aside, so that no style touches its inside."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(f"<code>{_escape(match[1])}</code>" if match[1] else _link(match[2]))
        return f"\ue000{len(kept) - 1}\ue001"

    rendered = _escape(_TOKEN.sub(keep, text))
    for pattern, tag in _STYLES:
        rendered = pattern.sub(rf"<{tag}>\1</{tag}>", rendered)
    rendered = _EMOJI_PATTERN.sub(lambda match: emoji(match[1] or _BY_SIGN[match[2]]), rendered)
    # A link's label may hold nothing that was set aside, so one pass puts everything back.
    return re.sub(r"\ue000(\d+)\ue001", lambda match: kept[int(match[1])], rendered)


def _link(token: str) -> str:
    target, _, label = token.partition("|")
    if target.startswith(("!", "@", "#")):
        return f'<span class="mention">{_escape(label or "@" + target.lstrip("!@#"))}</span>'
    if not _SAFE_LINK.match(target):
        return _escape(f"<{token}>")
    return f'<a href="{_escape(target)}" rel="noreferrer">{_escape(label or target)}</a>'


def _text(value: Mapping[str, Any] | None) -> str:
    if not value:
        return ""
    text = str(value.get("text", ""))
    if value.get("type") == "plain_text":
        return _EMOJI_PATTERN.sub(
            lambda match: emoji(match[1] or _BY_SIGN[match[2]]), html.escape(text)
        )
    return mrkdwn(text)


def _block(block: Block) -> str:
    kind = str(block.get("type"))
    renderer = _RENDERERS.get(kind)
    if renderer is None:
        return f'<div class="block unknown">[{html.escape(kind)}]</div>'
    return f'<div class="block {kind}">{renderer(block)}</div>'


def _section(block: Block) -> str:
    fields = "".join(f"<div>{_text(field)}</div>" for field in block.get("fields", ()))
    body = _text(block.get("text"))
    return body + (f'<div class="fields">{fields}</div>' if fields else "")


def _context(block: Block) -> str:
    return "".join(f"<span>{_text(element)}</span>" for element in block.get("elements", ()))


def _actions(block: Block) -> str:
    return "".join(
        f'<span class="button {html.escape(str(element.get("style", "")))}">'
        f"{_text(element.get('text'))}</span>"
        for element in block.get("elements", ())
    )


_RENDERERS: dict[str, Callable[[Block], str]] = {
    "header": lambda block: _text(block.get("text")),
    "section": _section,
    "context": _context,
    "divider": lambda _: "<hr>",
    "actions": _actions,
}
