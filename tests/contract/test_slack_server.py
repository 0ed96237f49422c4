"""The lab's Slack as slack-sdk meets it, as people see it, and on a bad day."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

TOKEN = "xoxb-of-the-test"


@dataclass(frozen=True)
class Running:
    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def client(self, token: str = TOKEN, timeout: int = 3) -> WebClient:
        return WebClient(token=token, base_url=f"{self.url}/api/", timeout=timeout)

    def messages(self) -> list[dict[str, object]]:
        return list(httpx.get(f"{self.url}/messages").json()["messages"])

    def mode(self, mode: str) -> None:
        assert httpx.post(f"{self.url}/lab/mode", json={"mode": mode}).json() == {"mode": mode}


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    (folder / "token").write_text(TOKEN + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--host", "127.0.0.1", "--port", str(port), "--state", str(folder / "slack.json")]
    words += ["--token-file", str(folder / "token")]
    argv = [sys.executable, "-m", "deployments.lab.slack_server", *words]
    with subprocess.Popen(argv) as process:
        try:
            _wait(port)
            yield Running(f"http://127.0.0.1:{port}", folder, process)
        finally:
            process.kill()


def _wait(port: int) -> None:
    until = time.monotonic() + 20
    while not _accepts(port):
        assert time.monotonic() < until, "the Slack server does not start"
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("slack")) as server:
        yield server


@pytest.fixture
def slack(shared: Running) -> Iterator[Running]:
    yield shared
    shared.mode("ok")


def _refusal(call: object, **arguments: object) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(**arguments)  # type: ignore[operator]
    return str(refused.value.response["error"])


def test_a_message_is_posted_edited_and_answered(slack: Running) -> None:
    client = slack.client()
    posted = client.chat_postMessage(channel="#continuite", text="Reprise de web1")
    channel, ts = posted["channel"], posted["ts"]
    client.chat_update(channel=channel, ts=ts, text="Reprise de web1 : terminée")
    reply = client.chat_postMessage(channel=channel, thread_ts=ts, text="Machine créée")
    client.reactions_add(channel=channel, timestamp=ts, name="eyes")

    kept = {m["ts"]: m for m in slack.messages()}
    assert kept[ts]["text"] == "Reprise de web1 : terminée"
    assert kept[ts]["channel_name"] == "continuite"
    assert float(str(kept[ts]["edited"])) > float(ts)
    assert kept[ts]["reactions"] == ["eyes"]
    assert kept[reply["ts"]]["thread"] == ts


def test_ts_rises_and_never_repeats(slack: Running) -> None:
    stamps = [
        slack.client().chat_postMessage(channel="general", text=f"{n}")["ts"] for n in range(20)
    ]
    assert stamps == sorted(set(stamps), key=float)


def test_who_calls_is_checked(slack: Running) -> None:
    assert slack.client().auth_test()["team"] == "OmniWeb"
    assert _refusal(slack.client(token="xoxb-wrong").auth_test) == "invalid_auth"
    assert httpx.post(f"{slack.url}/api/auth.test").json()["error"] == "not_authed"


def test_what_slack_refuses_is_refused(slack: Running) -> None:
    client = slack.client()
    ts = client.chat_postMessage(channel="general", text="x")["ts"]
    general = {"channel": "general"}
    post, update = client.chat_postMessage, client.chat_update
    assert _refusal(post, channel="#nulle-part", text="x") == "channel_not_found"
    assert _refusal(client.api_call, api_method="chat.postMessage", json=general) == "no_text"
    assert _refusal(post, channel="general", text="x", thread_ts="1.0") == "thread_not_found"
    assert _refusal(post, channel="general", text="x" * 40_001) == "msg_too_long"
    # Slack edits by the channel's id only, although it posts by name.
    assert _refusal(update, channel="general", ts=ts, text="y") == "channel_not_found"
    channel = client.conversations_list()["channels"][2]["id"]
    assert _refusal(update, channel=channel, ts="1.0", text="y") == "message_not_found"
    assert _refusal(client.api_call, api_method="chat.nothing") == "unknown_method"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "section"},
        {"type": "table-of-ours"},
    ],
)
def test_blocks_that_slack_would_refuse_are_refused(
    slack: Running, block: dict[str, object]
) -> None:
    before = slack.messages()
    error = _refusal(slack.client().chat_postMessage, channel="general", text="x", blocks=[block])
    assert error == "invalid_blocks"
    assert slack.messages() == before


def test_forms_are_understood_like_json(slack: Running) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*gras*"}}]
    form = {"channel": "general", "text": "é & <b>", "blocks": json.dumps(blocks)}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx.post(f"{slack.url}/api/chat.postMessage", data=form, headers=headers).json()
    assert answer["ok"]
    assert answer["message"]["blocks"] == blocks
    assert slack.messages()[-1]["text"] == "é & <b>"


def test_the_page_shows_the_channel_and_no_script_of_a_message(slack: Running) -> None:
    client = slack.client()
    text = "*Fini* en `14 s` <https://exemple.test/a|Prefect> <script>alert(1)</script>"
    root = client.chat_postMessage(channel="incidents", text=text)
    client.chat_update(channel=root["channel"], ts=root["ts"], text=text)
    client.chat_postMessage(channel="incidents", thread_ts=root["ts"], text="détail")

    page = httpx.get(f"{slack.url}/", params={"channel": "incidents"}).text
    assert "<strong>Fini</strong> en <code>14 s</code>" in page
    assert '<a href="https://exemple.test/a" rel="noreferrer">Prefect</a>' in page
    assert "(modifié)" in page
    assert "1 réponse<" in page
    assert "<script>alert" not in page


def test_an_open_page_gets_messages_only_when_they_changed(slack: Running) -> None:
    url = f"{slack.url}/channel/general"
    first = httpx.get(url)
    same = {"If-None-Match": first.headers["ETag"]}
    assert httpx.get(url, headers=same).status_code == 304
    slack.client().chat_postMessage(channel="general", text="tout neuf")
    again = httpx.get(url, headers=same)
    assert again.status_code == 200
    assert "tout neuf" in again.text


def test_messages_survive_a_kill(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        posted = before.client().chat_postMessage(channel="general", text="gardé")
        kept = before.messages()
        before.process.kill()
    with running(tmp_path) as after:
        assert after.messages() == kept
        after.client().chat_update(channel=posted["channel"], ts=posted["ts"], text="changé")
        assert after.messages()[0]["text"] == "changé"


def test_a_bad_day(slack: Running) -> None:
    before = slack.messages()
    client = slack.client(timeout=1)

    slack.mode("down")
    with pytest.raises(SlackApiError) as down:
        client.chat_postMessage(channel="general", text="x")
    assert down.value.response.status_code == 503

    slack.mode("ratelimited")
    with pytest.raises(SlackApiError) as limited:
        client.chat_postMessage(channel="general", text="x")
    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["Retry-After"] == "30"

    slack.mode("slow")
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        client.chat_postMessage(channel="general", text="x")
    assert 1 <= time.monotonic() - begun < 20

    slack.mode("ok")
    assert slack.messages() == before
    assert client.chat_postMessage(channel="general", text="de retour")["ok"]


def test_an_unknown_mode_is_refused(slack: Running) -> None:
    answer = httpx.post(f"{slack.url}/lab/mode", json={"mode": "sideways"})
    assert answer.status_code == 400
    assert "ok, down, slow, ratelimited" in answer.json()["error"]
    assert httpx.get(f"{slack.url}/lab/mode").json() == {"mode": "ok"}
