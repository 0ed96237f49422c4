"""Ways by which Prefect's own server, without any flow, tells people."""

from __future__ import annotations

import json
from collections.abc import Mapping

from prefect.blocks.core import Block
from prefect.blocks.webhook import Webhook
from prefect.types import SecretDict
from pydantic import SecretStr

from blocks.notify.slack import SlackNotifier


def webhooks(blocks: Mapping[str, Block]) -> dict[str, Block]:
    """Return, for each Slack notifier, Prefect's webhook block that posts as it does.

    E-mail notifiers have none: Prefect's server calls HTTP only.
    """
    return {
        webhook_reference(reference): _webhook(block)
        for reference, block in blocks.items()
        if isinstance(block, SlackNotifier)
    }


def webhook_reference(notifier: str) -> str:
    """Return the reference of the webhook that belongs to a notifier's reference."""
    return f"webhook/continuity-{notifier.split('/', 1)[1]}"


def payload(notifier: SlackNotifier, text: str) -> str:
    """Return the template of the message's JSON from the template of its text."""
    channel = json.dumps(notifier.channel)
    # The text goes through a variable so that quotes and line ends in it are escaped.
    return (
        f"{{% set text %}}{text.strip()}{{% endset %}}"
        f'{{"channel": {channel}, "text": {{{{ text | string | tojson }}}}}}'
    )


def _webhook(notifier: SlackNotifier) -> Webhook:
    headers = {
        "Authorization": f"Bearer {notifier.token.get_secret_value()}",
        "Content-Type": "application/json; charset=utf-8",
    }
    url = f"{notifier.base_url.rstrip('/')}/chat.postMessage"
    return Webhook(method="POST", url=SecretStr(url), headers=SecretDict(headers))
