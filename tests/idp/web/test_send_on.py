"""PDPA s.31: the portable part goes to the service that the person chose, once, and to nobody else."""

import base64
import json

import pytest
from sqlalchemy import select

from consent.rights import transferring
from consent.rights.models import RightsTransfer
from idp import alerts, erasure, taking_along
from idp.oauth import clients
from idp.outbox import Letter
from tests.fakes import MINUTE
from tests.idp.web.stage import SECRET
from tests.idp.web.test_citizen import agreed, weak
from tests.idp.web.test_rights import texts
from tests.idp.web.test_security import CODE
from tests.idp.web.test_staff import events

FETCH = "/portability/v1/fetch"


@pytest.fixture
def somchai(site, visitor):
    """Somchai, signed in at AAL2.1 just now; the portal takes transfers, another service does not."""
    agreed(site, visitor)
    with site.work.sessions.writing() as session:
        clients.take_transfers(session, "portal", takes=True, now=site.clock())
        clients.register(
            session,
            client_id="other",
            name_th="บริการอื่น",
            name_en="Other service",
            legal_entity_id=site.hospital,
            kind="web",
            purposes={"SIGNIN": ["openid"]},
            redirect_uris=["https://other.example.test/callback"],
            event_endpoint="https://other.example.test/events",
            secret=SECRET,
            now=site.clock(),
        )
    return visitor


def sent(visitor, receiver="portal"):
    visitor.get("/me/rights/send")
    return visitor.send("send-form", receiver=receiver)


def announced(site):
    """The claims of the newest event about a transfer."""
    with site.work.sessions.reading() as session:
        found = select(Letter).where(Letter.key.startswith("transfer:")).order_by(Letter.id.desc())
        letter = session.scalars(found).first()
        body = site.work.rings.at(site.clock()).open(letter.body_sealed, place=f"letter:{letter.id}:body")
    middle = body.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def handle(site):
    (event,) = announced(site)["events"].values()
    return event["handle"]


def fetched(site, of, client="portal", secret=SECRET):
    return site.app.test_client().post(FETCH, json={"handle": of}, auth=(client, secret))


def test_s31_the_chosen_service_fetches_the_data_once(site, somchai):
    """PDPA s.31: direct transfer; told by event, fetched with its own proof, written down, told to the person."""
    page = sent(somchai)
    assert page.name == "rights_send"
    assert "ยังไม่มารับ" in page.texts["sent"]
    claims = announced(site)
    assert claims["aud"] == "portal"
    assert "สมชาย" not in json.dumps(claims, ensure_ascii=False)

    answer = fetched(site, handle(site))

    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.get_json()
    assert document["format"] == taking_along.FORMAT
    assert document["person"]["family_name_en"] == "Jaisommut"
    assert "EHR-SHARE" in {row["purpose"] for row in document["consents"]}
    again = fetched(site, handle(site))
    assert (again.status_code, again.get_json()["error"]) == (404, "invalid_handle")
    assert "มารับแล้ว" in somchai.get("/me/rights/send").texts["sent"]
    written = [(one.event, one.actor_kind) for one in events(site) if one.event.startswith("transfer.")]
    assert written == [("transfer.asked", "citizen"), ("transfer.fetched", "client")]
    said = texts(site)
    for kind in ("transfer_asked", "transfer_fetched"):
        assert any(alerts.WORDS[kind][0] in text for text in said), kind


def test_s31_nothing_of_the_data_lies_in_the_database_meanwhile(site, somchai):
    """A promise, not a copy: an erasure needs to find nothing."""
    sent(somchai)
    with site.work.sessions.reading() as session:
        (row,) = session.scalars(select(RightsTransfer)).all()
    assert handle(site) not in str(vars(row))
    assert {len(str(value)) < 70 for name, value in vars(row).items() if not name.startswith("_")} == {True}


@pytest.mark.parametrize("who", ["other", "holder"])
def test_s31_nobody_else_fetches_it(site, somchai, who):
    """With the handle and a proof of their own: to another service it is unknown, and it is not used up."""
    with site.work.sessions.writing() as session:
        clients.take_transfers(session, "other", takes=True, now=site.clock())
    sent(somchai)
    stolen = handle(site)
    assert fetched(site, stolen, client=who).status_code in (403, 404)
    assert fetched(site, stolen, secret="x" * 43).status_code == 401
    assert fetched(site, stolen).status_code == 200


def test_s31_a_service_that_is_registered_for_it_no_more_gets_nothing(site, somchai):
    """Neither is it offered."""
    sent(somchai)
    with site.work.sessions.writing() as session:
        clients.take_transfers(session, "portal", takes=False, now=site.clock())
    assert fetched(site, handle(site)).status_code == 404
    assert "none" in somchai.get("/me/rights/send").attributes


@pytest.mark.parametrize("receiver", ["", "other", "nobody"])
def test_s31_only_a_service_that_is_registered_for_it_can_be_chosen(site, somchai, receiver):
    """The page says so at the field, and nothing is promised."""
    page = sent(somchai, receiver)
    assert (page.status, "receiver-error" in page.attributes) == (400, True)
    with site.work.sessions.reading() as session:
        assert transferring.of_person(session, site.citizen) == []


def test_s31_until_it_is_fetched_the_person_takes_it_back(site, somchai):
    """And a double tap is no error; another's is not found."""
    page = sent(somchai)
    (form,) = [name for name in page.forms if name.startswith("take-back-")]
    somchai.send(form)
    somchai.at = page
    assert somchai.send(form).status == 200
    assert fetched(site, handle(site)).status_code == 404
    assert "transfer.fetched" not in {one.event for one in events(site)}


def test_s31_it_lapses_by_the_clock(site, somchai):
    """Nobody fetches in a year what was meant for a week."""
    sent(somchai)
    old = handle(site)
    site.clock.tick(transferring.GOOD_FOR)
    assert fetched(site, old).status_code == 404


def test_s31_the_same_again_takes_the_earlier_one_back(site, somchai):
    """One handle of a service is good at a time."""
    sent(somchai)
    first = handle(site)
    sent(somchai)
    assert fetched(site, first).status_code == 404
    assert fetched(site, handle(site)).status_code == 200


def test_s31_s33_what_an_erased_person_sent_is_taken_back(site, somchai):
    """Nothing is left to fetch, and nothing says that it was."""
    sent(somchai)
    with site.work.sessions.writing() as session:
        erasure.erase(session, site.work.rings.at(site.clock()), site.work.settings, site.citizen, now=site.clock())

    assert fetched(site, handle(site)).status_code == 404
    with site.work.sessions.reading() as session:
        row = session.scalars(select(RightsTransfer)).one()
        assert (row.fetched_at, row.taken_back_at is not None) == (None, True)


def test_s31_a_page_is_for_people_ten_times_a_day(site, somchai):
    """Each is a letter to a service; tomorrow there are ten more."""
    for _ in range(transferring.MOST_A_DAY):
        assert "receiver-error" not in sent(somchai).texts

    assert "receiver-error" in sent(somchai).texts
    with site.work.sessions.reading() as session:
        assert len(session.scalars(select(RightsTransfer)).all()) == transferring.MOST_A_DAY


def test_s31_whoever_did_not_ask_stops_it_with_the_code_of_the_message(site, somchai):
    """The notice's code takes the promise back."""
    sent(somchai)
    code = next(CODE.search(text)[0] for text in texts(site) if alerts.WORDS["transfer_asked"][0] in text)
    stranger = site.visitor()
    stranger.get("/not-me")
    stranger.send("not-me-form", notice_code=code)
    assert fetched(site, handle(site)).status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"handle": 7}', b'{"handle": ""}', b'{"handle": "\xc3\xa9"}'])
def test_a_body_without_a_handle_is_refused(site, somchai, body):
    """RFC 6750 section 3.1: invalid_request."""
    sent(somchai)
    answer = site.app.test_client().post(FETCH, data=body, auth=("portal", SECRET), content_type="application/json")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_o47_sending_on_needs_a_fresh_strong_factor(site, somchai):
    """As a download does: not by an SMS code alone, and not by a sign-in of an hour ago."""
    other = weak(site)
    other.get("/me/rights/send")
    assert other.send("send-form", receiver="portal").name == "step_up"
    site.clock.tick(11 * MINUTE)
    assert sent(somchai).name != "rights_send"
    with site.work.sessions.reading() as session:
        assert transferring.of_person(session, site.citizen) == []
