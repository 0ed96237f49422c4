"""Apply automations.yaml by name: Prefect itself would create them again each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore
from ruamel.yaml import YAML

from blocks.notify.slack import SlackNotifier
from deployments.alerts import payload, webhook_reference
from deployments.register_changes import Action, Change

FILE = Path(__file__).with_name("automations.yaml")


def apply_automations(client: SyncPrefectClient, blocks: Mapping[str, Block]) -> Iterator[Change]:
    """Make the server's automations equal to the file's; the webhooks must have been saved.

    One whose only action is to tell people is left out when nobody can be told.
    """
    for entry in YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))["automations"]:
        actions = [made for action in entry["actions"] for made in _actions(client, action, blocks)]
        if actions:
            yield _apply(client, AutomationCore.model_validate({**entry, "actions": actions}))


def _actions(
    client: SyncPrefectClient, action: dict[str, Any], blocks: Mapping[str, Block]
) -> Iterator[dict[str, Any]]:
    if action["type"] == "run-deployment":
        yield _with_id(client, action)
        return
    if action["type"] != "tell-notifiers":
        yield action
        return
    for reference, notifier in blocks.items():
        if isinstance(notifier, SlackNotifier):
            yield {
                "type": "call-webhook",
                "block_document_id": _document_id(client, webhook_reference(reference)),
                "payload": payload(notifier, action["text"]),
            }


def _with_id(client: SyncPrefectClient, action: dict[str, Any]) -> dict[str, Any]:
    """Name the deployment to run by its id, which differs from server to server."""
    rest = {name: value for name, value in action.items() if name != "deployment"}
    deployment = client.read_deployment_by_name(action["deployment"])
    return {**rest, "source": "selected", "deployment_id": str(deployment.id)}


def _apply(client: SyncPrefectClient, wanted: AutomationCore) -> Change:
    found = client.read_automations_by_name(wanted.name)
    if not found:
        client.create_automation(wanted)
        return Change(Action.CREATED, "automation", wanted.name)
    first, *copies = found
    for copy in copies:
        client.delete_automation(copy.id)
    if _content(first) == _content(wanted):
        return Change(Action.CHANGED if copies else Action.UNCHANGED, "automation", wanted.name)
    client.update_automation(first.id, wanted)
    return Change(Action.CHANGED, "automation", wanted.name)


def _content(automation: AutomationCore) -> object:
    return _without_ids(
        automation.model_dump(mode="json", include=set(AutomationCore.model_fields))
    )


def _without_ids(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_ids(inner) for key, inner in value.items() if key != "id"}
    if isinstance(value, list):
        found = [_without_ids(inner) for inner in value]
        # Names of events are a set, whose order differs from process to process.
        names = [each for each in found if isinstance(each, str)]
        return sorted(names) if len(names) == len(found) else found
    return value


def _document_id(client: SyncPrefectClient, reference: str) -> str:
    slug, name = reference.split("/", 1)
    return str(client.read_block_document_by_name(name, slug).id)
