"""The first five minutes: the tour by its own buttons, and a developer's client as README and the command print it."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from idp.demo import seed, supervisor
from idp.demo.folder import free_port
from tests.stories.browser import Browser, as_json
from tests.stories.pages import Page
from tests.stories.waiting import eventually

ROOT = Path(__file__).parents[2]
SIX = re.compile(r"\d{6}")


@pytest.fixture
def browser():
    """Somebody who only looks."""
    looking = Browser(locale="en")
    yield looking
    looking.close()


@contextmanager
def running(program: str, folder: Path, port: int):
    """A developer's program, run as it stands; gone afterwards."""
    file = folder / "client.py"
    file.write_text(program, encoding="utf-8")
    with (folder / "client.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter, and a program that we printed
            [sys.executable, str(file)], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            eventually(lambda: listens(port), f"it does not listen: {(folder / 'client.log').read_text()}", within_s=40)
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def listens(port: int) -> bool:
    """Whether anything answers there."""
    try:
        httpx.get(f"http://127.0.0.1:{port}/nothing", timeout=2)
    except httpx.HTTPError:
        return False
    return True


def idp(live, *arguments: str, check: bool = True) -> str:
    """What an `idp` command says beside the running sandbox."""
    env = {**os.environ, **supervisor.environment(live.world.settings), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "idp.cli", *arguments], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def readme_client() -> str:
    """The program of README's section."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Connect your service")[2]
    return section.partition("```python\n")[2].partition("```")[0]


def test_the_client_of_readme_signs_somebody_in_as_it_is_written(live, browser, tmp_path):
    """Issue: copied out of README, with the printed id and secret in their places, it goes the whole way."""
    port = free_port()
    back = f"http://127.0.0.1:{port}/callback"
    printed = idp(live, "client", "add", "--demo", "บริการของฉัน", "--redirect", back)
    given = dict(re.findall(r"(?m)^(client_id|client_secret) +(\S+)$", printed))
    program = readme_client()
    for place, value in (
        ("http://localhost:8000", live.issuer),
        ("http://127.0.0.1:5000", f"http://127.0.0.1:{port}"),
        ("port=5000", f"port={port}"),
        ('("client_id", "client_secret")', f'("{given["client_id"]}", "{given["client_secret"]}")'),
    ):
        assert place in program
        program = program.replace(place, value)
    assert program == printed.partition("\n\n")[2]

    with running(program, tmp_path, port):
        citizen = live.citizen(stops=())
        page = citizen.walk(citizen.browser.get(f"http://127.0.0.1:{port}/"))

    assert "consent" in citizen.walked
    assert any("บริการของฉัน" in seen.text for seen in citizen.browser.seen if seen.name == "consent")
    assert '"sub"' in page.html
    assert "@example.test" in page.html
    shown = browser.get(f"{live.issuer}/dev/last?client={given['client_id']}")
    assert kinds(shown) == ["authorize", "answer", "token", "userinfo"]
    assert "permitted" in shown.html
    assert given["client_secret"] not in shown.html
    assert "@example.test" not in shown.html


def kinds(page: Page) -> list[str]:
    """What the steps of the shown flow are."""
    return [told["data-kind"] for name, told in page.attributes.items() if re.fullmatch(r"step-\d+", name)]


def test_a_test_event_is_delivered_acknowledged_and_shown(live, browser):
    """SSF 1.0 section 8.1.4, RFC 8935: by the command, and by the button of the developer's page."""
    before = len(live.portal_state()["trials"])

    said = idp(live, "client", "test-event", seed.PORTAL)
    page = browser.get(f"{live.issuer}/dev/last?client={seed.PORTAL}")
    page = browser.submit(page, "test-event", "send-test-event")

    assert "acknowledged" in said
    eventually(lambda: len(live.portal_state()["trials"]) >= before + 2, "the portal did not receive both")
    shown = eventually(
        lambda: found if (found := browser.get(page.url)).texts.get("trials", "").count("Acknowledged") >= 2 else None,
        "the page never showed both acknowledgements",
    )
    assert shown.texts["trials"].count("Acknowledged") >= 2


@pytest.mark.parametrize(
    ("client_id", "words"),
    [("nobody-at-all", "idp client list"), ("story", "--events")],
    ids=["unknown", "without endpoint"],
)
def test_a_test_event_that_cannot_be_sent_says_why_in_one_sentence(live, client_id, words):
    """An error names its next step."""
    said = idp(live, "client", "test-event", client_id, check=False)

    assert words in said
    assert "Traceback" not in said


def test_an_endpoint_that_is_not_there_is_told_so(live):
    """The outcome is what the endpoint did, with the next step."""
    events, back = f"http://127.0.0.1:{free_port()}/events", "http://127.0.0.1:5000/callback"
    added = idp(live, "client", "add", "--demo", "deaf", "--redirect", back, "--events", events)
    client_id = re.search(r"client_id +(\S+)", added)[1]

    said = idp(live, "client", "test-event", client_id, check=False)

    assert "not acknowledged (no_answer)" in said


def test_the_tour_leads_a_citizen_by_its_own_buttons(live):
    """Issue: sign in and decide, fetch, withdraw and watch, see who did what; each step ticked off as it is taken."""
    citizen = live.citizen(stops=())
    tour = citizen.browser.get(live.issuer + "/")
    assert [told["id"] for name, told in tour.attributes.items() if name.startswith("tour-") and name in STEPS] == STEPS

    page = by(citizen, tour, "decide")
    page = citizen.walk(citizen.browser.click(page, "sign-in"), until="code")
    code = eventually(lambda: last_code(citizen, tour, page), "the last code never came")
    page = citizen.walk(citizen.browser.submit(page, "code-form", code=code))
    assert page.url.startswith(live.portal)

    page = citizen.browser.submit(by(citizen, tour, "fetch"), "history")
    assert "let-go" not in page.attributes
    consents = by(citizen, tour, "withdraw")
    done = live.withdraw(citizen, "EHR-SHARE")
    told = eventually(
        lambda: found if "ตอบรับ" in (found := citizen.browser.get(done.url)).texts["told"] else None,
        "the hospital never acknowledged",
    )
    page = citizen.browser.submit(citizen.browser.get(live.portal), "history")
    seen = by(citizen, tour, "access")

    assert consents.name == "me_consents"
    assert "ส่งเมื่อ" in told.texts["told"]
    assert "ตอบรับเมื่อ" in told.texts["told"]
    assert page.texts["reason-code"] == "withdrawn"
    assert "ถอนความยินยอมแล้ว" in page.text
    assert "EHR-SHARE" in page.texts["let-go"]
    assert seen.name == "me_access"
    after = citizen.browser.get(live.issuer + "/")
    for step in ("decide", "fetch", "withdraw"):
        assert "tour-done" in after.attributes[f"tour-{step}"]["class"]


STEPS = [f"tour-{step}" for step in ("decide", "fetch", "withdraw", "access", "counter", "audit", "connect")]


def by(citizen, tour: Page, step: str) -> Page:
    """Press the button of one step."""
    return citizen.walk(citizen.browser.click(tour, f"go-{step}"))


def last_code(citizen, tour: Page, asking: Page) -> str | None:
    """One click from the tour: the newest code, if it belongs to the page that asks."""
    page = citizen.browser.click(tour, "last-code-link")
    belongs = asking.texts["ref"].strip() in page.text
    return SIX.search(page.texts["last-code"])[0] if belongs and "last-code" in page.texts else None


@pytest.mark.parametrize(
    ("step", "role", "lands_on"),
    [("counter", "clerk", "staff_sign_in"), ("audit", "auditor", "staff_sign_in"), ("connect", None, "dev_last")],
)
def test_the_tour_leads_staff_and_developers_to_their_doors(live, browser, step, role, lands_on):
    """Each of the last three steps has a button that opens, and an invitation that the enrolment page takes."""
    tour = browser.get(live.issuer + "/")

    assert browser.click(tour, f"go-{step}").name == lands_on
    if role is not None:
        door = browser.click(tour, f"invitation-{role}")
        assert door.name == "staff_enrol"
        assert tour.texts[f"code-{role}"].strip() in live.world.invitations.get(role, live.world.auditor_link)


def test_an_oauth_error_leads_to_its_cause_and_next_step(live, browser):
    """RFC 6749 section 5.2: error, description, error_uri and the correlation id that the log line has, too."""
    service = live.service()

    said = as_json(service.redeem("no-such-code", "v" * 43))

    assert said["error"] == "invalid_grant"
    where = urlsplit(said["error_uri"])
    assert parse_qs(where.query)["request"] == [said["request_id"]]
    page = browser.get(said["error_uri"])
    assert where.fragment in page.attributes
    assert page.texts["asked"] == said["request_id"]


def test_an_error_on_a_page_names_cause_next_step_and_correlation_id(live, browser):
    """PAGES, error: also for the developer who wrote the wrong redirect_uri."""
    page = browser.get(live.service().ask(redirect_uri="http://127.0.0.1:9/elsewhere").url)

    assert page.name == "error"
    assert page.texts["error-detail"].startswith("redirect_uri_unregistered")
    errors = browser.get(urljoin(page.url, page.links["error-uri"]))
    assert urlsplit(page.links["error-uri"]).fragment in errors.attributes
    assert errors.texts["asked"] in page.text
