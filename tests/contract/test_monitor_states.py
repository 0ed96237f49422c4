"""The contract of asking an `AlertSource`, over memory and over a fake of each service's API."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from pydantic import SecretStr

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
    Unsupported,
)
from blocks.types import MonitorCondition, MonitorState
from tests.contract.https_site import closed_port
from tests.contract.monitor_places import ACCOUNTS, APIS, LIVE, PLACES, Place, live
from tests.fakes import pingdom_api, uptimerobot_api
from tests.fakes.pingdom_api import PingdomApi
from tests.fakes.uptimerobot_api import UptimeRobotApi

SHOP, BLOG = "boutique.atelier.test", "journal.atelier.test"
TOKENS = [str(key) for keys in (uptimerobot_api.Key, pingdom_api.Key) for key in keys]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with PLACES[request.param]() as made:
        yield made


@pytest.fixture(params=APIS)
def account(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place that is asked over HTTP."""
    with PLACES[request.param]() as made:
        yield made


def by_host(place: Place) -> dict[str, MonitorState]:
    return {each.host: each for each in place.monitor.states()}


class TestEveryPlace:
    @pytest.mark.parametrize("condition", MonitorCondition)
    def test_says_what_each_monitor_says(self, place: Place, condition: MonitorCondition) -> None:
        made = place.watch(SHOP, condition)
        place.watch(BLOG)
        before = datetime.now(UTC)
        found = by_host(place)
        assert (found[SHOP].condition, found[SHOP].id) == (condition, made)
        assert found[BLOG].condition is MonitorCondition.UP
        for each in found.values():
            assert each.page
            assert abs(each.read_at - before) < timedelta(seconds=10)
            assert each.every == timedelta(minutes=1)
            assert each.checked_at is None or each.checked_at <= each.read_at
            assert each.since is None or each.since < before

    def test_an_empty_account_has_none(self, place: Place) -> None:
        assert place.monitor.states() == ()

    def test_a_ping_sees_no_page(self, place: Place) -> None:
        place.watch(SHOP, page=False)
        found = by_host(place)[SHOP]
        assert not found.page
        assert found.url == ""

    def test_follows_what_changes(self, place: Place) -> None:
        made = place.watch(SHOP)
        assert SHOP in by_host(place)
        place.delete(made)
        assert place.monitor.states() == ()

    def test_without_a_token_it_cannot_be_asked(self, place: Place) -> None:
        mute = place.monitor.model_copy(update={"token": None})
        assert (place.monitor.can_be_asked, mute.can_be_asked) == (True, False)
        for ask in (mute.states, mute.whoami):
            with pytest.raises(Unsupported, match="token"):
                ask()

    def test_knows_what_it_may_do(self, place: Place) -> None:
        found = place.monitor.whoami()
        assert found.who
        assert found.may
        assert not found.missing
        assert not any(token in str(found) for token in TOKENS)


class TestPaging:
    def test_all_pages_are_read(self, account: Place) -> None:
        hosts = {f"site{number}.atelier.test" for number in range(7)}
        for host in hosts:
            account.watch(host)
        for most in (1, 3, 7, 100):
            account.api.most = most
            found = [each.host for each in account.monitor.states()]
            assert sorted(found) == sorted(hosts)

    def test_a_monitor_that_is_made_meanwhile_is_there_once(self, account: Place) -> None:
        for number in range(4):
            account.watch(f"site{number}.atelier.test")
        account.api.most = 2
        account.api.between_pages = lambda: account.watch(SHOP)
        found = [each.host for each in account.monitor.states()]
        assert {f"site{number}.atelier.test" for number in range(4)} <= set(found)
        assert len(found) == len(set(found))

    def test_a_monitor_that_is_deleted_meanwhile_hides_no_other(self, account: Place) -> None:
        made = [account.watch(f"site{number}.atelier.test") for number in range(5)]
        listed = [each.id for each in account.monitor.states()]
        account.api.most = 2
        account.api.between_pages = lambda: account.delete(listed[0])
        found = {each.id for each in account.monitor.states()}
        assert set(made) - {listed[0]} <= found


BAD_DAYS: list[tuple[int, object, type[ContinuityError]]] = [
    (400, {"message": "no"}, ProviderError),
    (401, None, AuthenticationFailed),
    (403, "<html>", PermissionDenied),
    (404, "", NotFound),
    (418, [1], ProviderError),
    (302, "elsewhere", ProviderError),
    (500, "<html>oops</html>", Unavailable),
    (503, {"error": "busy"}, Unavailable),
    (200, "", ProviderError),
    (200, "<html>welcome</html>", ProviderError),
    (200, [], ProviderError),
    (200, None, ProviderError),
    (200, {}, ProviderError),
    (200, {"data": {}, "checks": {}}, ProviderError),
    (200, {"data": [7], "checks": [7]}, ProviderError),
    (200, {"data": [{"name": "x"}], "checks": [{"name": "x"}]}, ProviderError),
    (200, "[" * 100_000, ProviderError),
]


class TestBadDays:
    @pytest.mark.parametrize(("status", "body", "kind"), BAD_DAYS)
    def test_each_is_named(
        self, account: Place, status: int, body: object, kind: type[ContinuityError]
    ) -> None:
        headers = {"Location": f"{account.api.url}/elsewhere"}
        account.api.fail(status, body, times=9, headers=headers)
        with pytest.raises(kind) as error:
            account.monitor.states()
        assert type(error.value) is kind
        assert len(str(error.value)) < 400
        assert error.value.hint
        assert account.api.count("elsewhere") == 0, "the token would have gone along"

    def test_a_moment_of_trouble_passes(self, account: Place) -> None:
        account.watch(SHOP)
        account.api.fail(502)
        account.api.fail(429, headers={"Retry-After": "0"})
        assert SHOP in by_host(account)

    def test_a_short_wait_that_is_asked_for_is_kept(self, account: Place) -> None:
        account.watch(SHOP)
        account.api.fail(429, headers={"Retry-After": "1"})
        began = monotonic()
        assert SHOP in by_host(account)
        assert monotonic() - began >= 1

    def test_a_long_wait_is_said_at_once(self, account: Place) -> None:
        account.api.fail(429, {"message": "slow down"}, headers={"Retry-After": "47"}, times=9)
        began = monotonic()
        with pytest.raises(RateLimited, match="wait 47 s"):
            account.monitor.states()
        assert monotonic() - began < 1
        assert account.api.count("GET") == 1

    def test_an_expired_token_is_refused(self, account: Place) -> None:
        for token in ("ur-expired", "pd-expired"):
            with pytest.raises(AuthenticationFailed, match=r"docs/fournisseurs/\w+\.md"):
                account.with_token(token).states()

    def test_a_token_without_the_right_is_told_which_kind_has_it(self, account: Place) -> None:
        key = uptimerobot_api.Key.MONITOR, pingdom_api.Key.OTHER
        weak = account.with_token(key[isinstance(account.api, PingdomApi)])
        with pytest.raises(PermissionDenied, match="« Read"):
            weak.states()

    def test_nobody_is_there(self, account: Place) -> None:
        gone = {"api_url": f"http://127.0.0.1:{closed_port()}/v3"}
        with pytest.raises(Unreachable):
            account.monitor.model_copy(update=gone).states()

    @pytest.mark.parametrize("silent", [False, True])
    def test_an_answer_that_never_comes_ends_in_time(self, account: Place, silent: bool) -> None:
        account.api.lose_answer(silent=silent, times=9)
        began = monotonic()
        with pytest.raises(Unreachable):
            account.monitor.model_copy(update={"timeout_seconds": 0.4}).states()
        assert monotonic() - began < 3

    def test_a_token_never_goes_out_in_clear(self, account: Place) -> None:
        clear = {"api_url": "http://api.example.test/v3"}
        with pytest.raises(ConfigurationError, match="not https"):
            account.monitor.model_copy(update=clear).states()

    def test_no_token_shows_anywhere(
        self, account: Place, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        acts: list[Callable[[], object]] = [
            account.monitor.states,
            account.monitor.whoami,
            *(account.with_token(token).states for token in TOKENS),
        ]
        told = [repr(account.monitor), str(account.monitor)]
        for act in acts:
            try:
                told.append(repr(act()))
            except ContinuityError as error:
                told += traceback.format_exception(error)
        assert not [token for token in TOKENS if token in "".join([*told, caplog.text])]


class TestUptimeRobot:
    @pytest.fixture
    def place(self) -> Iterator[Place]:
        with PLACES["uptimerobot"]() as made:
            yield made

    @pytest.fixture
    def api(self, place: Place) -> UptimeRobotApi:
        assert isinstance(place.api, UptimeRobotApi)
        return place.api

    def test_a_heartbeats_token_is_no_address(self, place: Place, api: UptimeRobotApi) -> None:
        api.watch("m803-deadbeefdeadbeef", "Sauvegarde", type="HEARTBEAT")
        (found,) = place.monitor.states()
        assert (found.host, found.url, found.page) == ("", "", False)
        assert "deadbeef" not in repr(found)

    def test_what_is_secret_in_an_answer_is_not_kept(
        self, place: Place, api: UptimeRobotApi
    ) -> None:
        secret = "motdepasse-du-site"
        api.watch(f"https://visiteur:{secret}@{SHOP}:8443/sante?cle={secret}", "Boutique")
        (found,) = place.monitor.states()
        assert (found.host, found.url) == (SHOP, f"https://{SHOP}:8443/sante")
        assert secret not in repr(found)

    @pytest.mark.parametrize("word", ["STARTED", "LOOKS_DOWN", "SOMETHING_NEW", "", None, 9])
    def test_words_that_prove_nothing(
        self, place: Place, api: UptimeRobotApi, word: object
    ) -> None:
        api.watch(f"https://{SHOP}/", status=word)
        assert by_host(place)[SHOP].condition is MonitorCondition.UNKNOWN

    def test_since_when_and_how_often(self, place: Place, api: UptimeRobotApi) -> None:
        api.watch(f"https://{SHOP}/", status="DOWN", currentStateDuration=180, interval=300)
        found = by_host(place)[SHOP]
        assert found.since == found.read_at - timedelta(seconds=180)
        assert (found.every, found.checked_at) == (timedelta(minutes=5), None)

    def test_a_list_without_an_end(self, place: Place, api: UptimeRobotApi) -> None:
        endless = {"data": [], "nextLink": "https://api.uptimerobot.com/v3/monitors?cursor=7"}
        api.fail(200, endless, times=9)
        with pytest.raises(ProviderError, match="without an end"):
            place.monitor.states()

    def test_a_link_elsewhere_is_not_followed(self, place: Place, api: UptimeRobotApi) -> None:
        place.watch(SHOP)
        elsewhere = {"data": [], "nextLink": "http://127.0.0.1:9/v3/monitors?cursor=900000000"}
        api.fail(200, elsewhere)
        assert SHOP in by_host(place)

    def test_only_reads(self, place: Place, api: UptimeRobotApi) -> None:
        assert place.monitor.whoami().who == "technique@omniweb.example (SOLO)"
        place.monitor.states()
        assert {each.method for each in api.asked} == {"GET"}


class TestPingdom:
    @pytest.fixture
    def place(self) -> Iterator[Place]:
        with PLACES["pingdom"]() as made:
            yield made

    @pytest.fixture
    def api(self, place: Place) -> PingdomApi:
        assert isinstance(place.api, PingdomApi)
        return place.api

    def test_times_are_those_of_the_check(self, place: Place, api: PingdomApi) -> None:
        api.watch(SHOP, status="down", lasttesttime=1_300_977_363, lastdownstart=1_300_977_300)
        api.watch(BLOG, lastdownend=1_300_970_000, resolution=5)
        found = by_host(place)
        assert found[SHOP].checked_at == datetime.fromtimestamp(1_300_977_363, UTC)
        assert found[SHOP].since == datetime.fromtimestamp(1_300_977_300, UTC)
        assert found[BLOG].since == datetime.fromtimestamp(1_300_970_000, UTC)
        assert found[BLOG].every == timedelta(minutes=5)

    def test_no_attribute_need_be_there(self, place: Place, api: PingdomApi) -> None:
        made = api.watch(SHOP)
        api.checks[made] = {"id": made, "lasttesttime": 0, "resolution": "one"}
        (found,) = place.monitor.states()
        assert found.condition is MonitorCondition.UNKNOWN
        assert (found.host, found.checked_at, found.every, found.since) == ("", None, None, None)

    @pytest.mark.parametrize("word", ["unknown", "unconfirmed_down", "new", None])
    def test_words_that_prove_nothing(self, place: Place, api: PingdomApi, word: object) -> None:
        api.watch(SHOP, status=word)
        assert by_host(place)[SHOP].condition is MonitorCondition.UNKNOWN

    def test_a_list_that_never_rests(self, place: Place, api: PingdomApi) -> None:
        made = [api.watch(f"site{number}.test") for number in range(20)]
        api.most = 2

        def delete_another() -> None:
            api.checks.pop(made.pop(0))
            api.between_pages = delete_another

        api.between_pages = delete_another
        with pytest.raises(Unavailable, match="while it is read"):
            place.monitor.states()

    def test_the_account_is_told_by_its_size(self, place: Place, api: PingdomApi) -> None:
        api.watch(SHOP)
        assert place.monitor.whoami().who == "Pingdom (1 contrôles sur 50)"
        api.fail(403, on="credits")
        assert place.monitor.whoami().who == "Pingdom"
        api.fail(403, on="checks")
        assert place.monitor.whoami().missing == ("lire les contrôles",)
        assert {each.method for each in api.asked} == {"GET"}


if LIVE in ACCOUNTS:

    @pytest.mark.live
    def test_the_real_account_answers_in_the_shapes_that_we_read() -> None:
        """Reads only, with the token of CONTINUITY_LIVE_TOKEN."""
        monitor = live(ACCOUNTS[LIVE])
        assert not monitor.whoami().missing
        for each in monitor.states():
            assert each.id
            assert each.host or not each.page
            assert each.every is None or timedelta() < each.every <= timedelta(days=31)
            assert each.checked_at is None or each.checked_at <= each.read_at + timedelta(minutes=1)
            assert each.since is None or each.since <= each.read_at
        wrong = monitor.model_copy(update={"token": SecretStr("not-a-token")})
        with pytest.raises(AuthenticationFailed):
            wrong.states()
