"""A client of the agency: who is told when their sites are down, and in which words."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field

from blocks.types.clients import FirstMessage, Language


class Client(Block):
    """A client of the agency: who is told when their sites are down, and in which words.

    Example:
        ```python
        from blocks.clients.client import Client

        client = Client.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Agency client"
    _block_type_slug = "agency-client"
    _description = "A client of the agency: who is told when their sites are down, in which words."

    title: str = Field(title="Title", description="Name of the client, as messages say it.")
    language: Language = Field(
        default=Language.FRENCH, title="Language", description="Language of the messages."
    )
    addresses: list[str] = Field(
        title="Addresses", description="Mail addresses; each gets a message of its own."
    )
    sites: list[str] = Field(title="Sites", description="Blocks of the client's sites.")
    first_message: FirstMessage = Field(
        default=FirstMessage.ASK,
        title="First message",
        description="Whether the first message of an incident waits for a yes.",
    )
    templates: dict[str, str] = Field(
        default_factory=dict,
        title="Templates",
        description="Texts of this client's own, by phase; the others are the agency's.",
    )
