"""gunicorn as people run it: four workers under load, while Keycloak rotates its keys, is killed and comes back."""

import time
from collections.abc import Callable, Sequence

from tests.keycloak import realm_file, unverified
from tests.keycloak.admin import Admin
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.polling import poll
from tests.keycloak.realm import Realm
from tests.keycloak.server import KeycloakServer
from tests.servers.load import Answer, Load, longest, statuses
from tests.servers.serving import Server, gunicorn

WORKERS = 4
GUNICORN = ("--worker-class", "gthread", "--threads", "4", "--preload")
MAX_AGE_SECONDS = 5
COOLDOWN_SECONDS = 1
# Keycloak's start comes on top: the workers' waits, which double from 1 s to 30 s, have grown to the longest by then.
DOWN_SECONDS = 20
LONGEST_RETRY_SECONDS = 30
# A load that began before Keycloak was ready may fail as late as this, and the longest wait comes after it.
TIMEOUT_SECONDS = 5
SLACK_SECONDS = 2


def test_four_workers_survive_a_rotation_and_an_outage(own_keycloak: Keycloak, figure: Callable[[str], None]) -> None:
    """J3 to J5, J7, J10, J11, J16: tokens of a known key never see any of it; all others get the answer they are due."""
    assert own_keycloak.server is not None
    with own_keycloak.own_realm(realm_file.content(realm_file.MYORG) | {"accessTokenLifespan": 3600}) as realm:
        options = {
            "max_age_seconds": MAX_AGE_SECONDS,
            "cooldown_seconds": COOLDOWN_SECONDS,
            "timeout_seconds": TIMEOUT_SECONDS,
        }
        with gunicorn(realm, *GUNICORN, workers=WORKERS, **options) as server:  # type: ignore[arg-type]  # it only wants the issuer
            load = Load(server.port)
            day = Day(own_keycloak.server, own_keycloak.admin, realm, load)
            with load.running(clients=2):
                day.pass_by()

    at, everybody, answers = day.times, day.workers, load.answers()
    unavailable = [answer for answer in answers if answer.status == 503]
    nobody_knows = [a for a in load.answers(phase="outage") if a.began_at > at["outage"] + COOLDOWN_SECONDS + 1]
    recovered_after = at["recovered"] - at["up"]
    for kind in ("known", "fresh", "removed", "forged", "newest"):
        figure(f"{kind} {statuses(load.answers(kind))}, longest wait {1000 * longest(load.answers(kind)):.0f} ms")
    figure(
        f"{len(answers)} requests in {at['end'] - at['calm']:.0f} s, Keycloak away for {at['up'] - at['outage']:.0f} s"
    )
    figure(f"new key accepted by all workers {at['noticed'] - at['rotation']:.2f} s after the rotation, under flood")
    figure(f"removed key refused by all workers {at['refused'] - at['removal']:.2f} s after the removal")
    figure(f"next new key accepted by all workers {recovered_after:.1f} s after Keycloak was back")

    assert statuses(load.answers("known")).keys() == {200}
    assert statuses(answers).keys() <= {200, 401, 503}
    assert all(1 <= int(answer.retry_after or 0) <= LONGEST_RETRY_SECONDS for answer in unavailable)
    assert {answer.phase for answer in unavailable} <= {"outage", "start", "recovery"}

    assert at["noticed"] - at["rotation"] <= COOLDOWN_SECONDS + 1
    assert {answer.status for answer in load.answers("fresh") if answer.began_at > at["noticed"]} == {200}
    assert day.published_while_passive == {day.old_kid, day.new_kid}
    assert at["refused"] - at["removal"] <= MAX_AGE_SECONDS + SLACK_SECONDS
    assert all(_refuses_for_good(load.answers("removed"), worker) for worker in everybody)

    assert {answer.status for answer in nobody_knows if answer.kind in ("forged", "removed")} == {503}
    assert {answer.worker for answer in unavailable} == everybody
    assert recovered_after <= TIMEOUT_SECONDS + LONGEST_RETRY_SECONDS + SLACK_SECONDS
    back_for_all = [answer for answer in unavailable if answer.began_at > at["up"] + TIMEOUT_SECONDS]
    assert all(_recovers_as_announced(back_for_all, worker) for worker in everybody)
    expected = {"known": 200, "fresh": 200, "newest": 200, "removed": 401, "forged": 401}
    for kind, status in expected.items():
        assert statuses(load.answers(kind, "afterwards")).keys() == {status}
    assert {answer.worker for answer in answers} == everybody == server.booted_workers
    _tells_the_story(server, everybody, at["recovered"] - at["outage"])


class Day:
    """What an operator and a power cut do to a realm within a minute and a half, and when."""

    def __init__(self, server: KeycloakServer, admin: Admin, realm: Realm, load: Load) -> None:
        self._server = server
        self._admin = admin
        self._realm = realm
        self._load = load
        self.times: dict[str, float] = {}
        self.workers: set[int] = set()
        self.old_kid = self.new_kid = ""
        self.published_while_passive: set[str] = set()

    def pass_by(self) -> None:
        """From calm to calm."""
        old = self._calm()
        fresh = self._rotation()
        self._passive(old)
        self._removal(old)
        self._outage()
        self._recovery(old, fresh)

    def _calm(self) -> Sequence[str]:
        tokens = self._tokens(20)
        self.old_kid = _kid(tokens[0])
        self._begin("calm")
        self._load.send("known", tokens)
        poll(lambda: len(self._load.workers("known", 200)) == WORKERS, seconds=30, what="200 from every worker")
        self.workers = self._load.workers("known", 200)
        self._load.send_forged(tokens[0])
        self._all_answer(401, "forged")
        return tokens

    def _rotation(self) -> Sequence[str]:
        tokens = [self._token_of_new_key(200)]
        self.new_kid = _kid(tokens[0])
        self._begin("rotation")
        self._load.send("fresh", tokens)
        self._all_answer(200, "fresh")
        self.times["noticed"] = time.monotonic()
        return tokens

    def _passive(self, old: Sequence[str]) -> None:
        provider = self._admin.provider_of_key(self._realm.name, _kid(old[0]))
        self._admin.update_key_provider(self._realm.name, provider, active="false")
        self.published_while_passive = self._realm.signing_kids()
        self._begin("passive")
        self._pass_until(self.times["passive"] + MAX_AGE_SECONDS + SLACK_SECONDS)  # every worker refreshes its keys

    def _removal(self, old: Sequence[str]) -> None:
        provider = self._admin.provider_of_key(self._realm.name, _kid(old[0]))
        self._load.send("known", self._tokens(20))
        self._admin.delete_key_provider(self._realm.name, provider)
        self._begin("removal")
        self._load.send("removed", old)
        self._all_answer(401, "removed")
        self.times["refused"] = time.monotonic()

    def _outage(self) -> None:
        self._server.kill_once_written()
        try:
            self._begin("outage")
            self._pass_until(self.times["outage"] + DOWN_SECONDS)
        finally:
            self._load.send_no_more("fresh", "removed")  # Keycloak's start needs the processors
            self._begin("start")
            self._server.start()

    def _recovery(self, old: Sequence[str], fresh: Sequence[str]) -> None:
        self.times["up"] = self._load.begin("recovery")
        self._load.send("removed", old)
        self._load.send("fresh", fresh)
        self._load.send("newest", [self._token_of_new_key(300)])
        self._all_answer(200, "newest", seconds=LONGEST_RETRY_SECONDS + 15)
        self.times["recovered"] = time.monotonic()
        self._begin("afterwards")
        self._all_answer(200, "known", "fresh", "newest")
        self._all_answer(401, "removed", "forged")
        self.times["end"] = time.monotonic()

    def _begin(self, phase: str) -> None:
        self.times[phase] = self._load.begin(phase)

    def _all_answer(self, status: int, *kinds: str, seconds: float = 15) -> None:
        for kind in kinds:
            poll(
                lambda kind=kind: self._load.workers(kind, status) == self.workers,  # type: ignore[misc]  # bound now
                seconds=seconds,
                what=f"{status} from every worker for {kind} tokens",
            )

    def _pass_until(self, moment: float) -> None:
        poll(lambda: time.monotonic() > moment, seconds=60, what="the end of the phase")

    def _token_of_new_key(self, priority: int) -> str:
        self._admin.add_key(self._realm.name, "rsa-generated", priority, algorithm="RS256", keySize="2048")
        return self._tokens(1)[0]

    def _tokens(self, number: int) -> list[str]:
        return [self._realm.token("test_api_client", scope="test_api_access") for _ in range(number)]


def _kid(token: str) -> str:
    return str(unverified.header(token)["kid"])


def _refuses_for_good(answers: list[Answer], worker: int) -> bool:
    """Whether a worker accepted none of these tokens any more once it had refused one."""
    own = [answer for answer in answers if answer.worker == worker]
    ended = min(answer.began_at + answer.seconds for answer in own if answer.status == 401)
    return 200 not in {answer.status for answer in own if answer.began_at > ended}


def _recovers_as_announced(unavailable: list[Answer], worker: int) -> bool:
    """Whether a worker sent nobody away again who came back after the time that Retry-After had named."""
    own = [answer for answer in unavailable if answer.worker == worker]
    announced = min((a.began_at + a.seconds + int(a.retry_after or 0) for a in own), default=0.0)
    return all(answer.began_at <= announced + SLACK_SECONDS for answer in own)


def _tells_the_story(server: Server, workers: set[int], seconds: float) -> None:
    """The log tells of the outage once per worker, says nothing of the master, and holds no token."""
    log = server.keys_log()
    assert log.keys() == workers
    for lines in log.values():
        failed, *reminders, recovered = [line for line in lines if line.startswith("WARNING")]
        assert "could not be loaded" in failed
        assert len(reminders) <= seconds / 60  # one a minute
        assert "are loaded again, after" in recovered
    assert "eyJ" not in server.log
    assert "Traceback" not in server.log
