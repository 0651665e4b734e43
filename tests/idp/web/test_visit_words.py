"""A request for one visit only, on the page that asks and over the protocol's own addresses (RFC 9396)."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from consent.models import ConsentRecord
from idp.oauth import clients
from idp.oauth.clients import Client
from tests.fakes import HOUR
from tests.idp.web.stage import CALLBACK, SECRET, VERIFIER

VN = {"system": "https://terms.sil-th.org/hcode/5/99001/VN", "value": "6911-000123"}
DETAIL = {
    "type": "th_health_visit",
    "purpose": "EHR-SHARE",
    "actions": ["read"],
    "datatypes": ["AllergyIntolerance"],
    "encounter": VN,
    "valid": {"max_uses": 2},
}


def asking(site, visitor, lang="th", **changes):
    """Somebody new at the consent page of a request with a detail."""
    told = {**DETAIL, **changes.pop("detail", {})}
    visitor.get(f"/?lang={lang}")
    visitor.get(site.authorize_url(scope="openid", authorization_details=json.dumps([told]), **changes))
    if visitor.sign_in().name == "setup_choice":
        visitor.set_pin()
    assert visitor.at.name == "consent", visitor.at.text
    return visitor.at


def basic(name):
    """Client authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{SECRET}".encode()).decode()}


def redeemed(site, visitor):
    """The token response of the code that the browser was sent away with."""
    code = parse_qs(urlsplit(visitor.at.links["continue"] if "continue" in visitor.at.links else moved(visitor)).query)
    form = {
        "grant_type": "authorization_code",
        "code": code["code"][0],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return site.app.test_client().post("/oauth/token", data=form, headers=basic("portal")).json


def moved(visitor):
    """Where the page moves on to."""
    return next(url for url in visitor.at.links.values() if url.startswith(CALLBACK))


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("th", ("ขอเฉพาะการมารับบริการครั้งเดียวที่โรงพยาบาลตัวอย่าง", "ลงท้ายด้วย 0123", "ดู", "แพ้", "ไม่เกิน 2 ครั้ง")),
        ("en", ("Only for one visit to Example Hospital", "ends in 0123", "see", "allerg", "at most 2 times")),
    ],
)
def test_the_page_says_that_it_is_for_one_visit(site, visitor, lang, words):
    """RFC 9396 section 3.1: what is consented to is what was asked; both languages say the same."""
    told = asking(site, visitor, lang).text

    for word in words:
        assert word in told
    assert VN["value"] not in told


def test_the_words_are_in_the_notice_that_is_kept(site, visitor):
    """The receipt's text is the page's: one visit, nothing more."""
    asking(site, visitor)
    visitor.send("consent-form", "allow", purpose=["EHR-SHARE"])
    with site.work.sessions.reading() as session:
        record = session.scalars(select(ConsentRecord).where(ConsentRecord.purpose == "EHR-SHARE")).one()

    assert all("_tag=visit|" in scope for scope in record.scopes.split())


def test_until_when_is_said_in_the_era_of_the_language(site, visitor):
    """`not_after`, in Bangkok."""
    until = {"valid": {"max_uses": 1, "not_after": (site.clock() + HOUR).isoformat()}}
    told = asking(site, visitor, detail=until).text

    visitor.send("consent-form", "allow", purpose=["EHR-SHARE"])
    with site.work.sessions.reading() as session:
        record = session.scalars(select(ConsentRecord).where(ConsentRecord.purpose == "EHR-SHARE")).one()

    assert record.expires_at == site.clock() + HOUR, "the answer ends with the visit, and no longer life is offered"
    assert "หนึ่งปี" not in told
    assert "ใช้ได้ครั้งเดียว" in told
    assert "ใช้ได้ถึง" in told
    assert "2569" in told


def test_from_the_page_to_the_holder_it_stays_one_visit(site, visitor):
    """RFC 9396 7, 9.2 and Grant Management, over HTTP."""
    client = site.app.test_client()
    with site.work.sessions.writing() as session:
        session.get(Client, "portal").grant_types = "authorization_code refresh_token client_credentials"
        session.flush()
        clients._known(session).clear()
    asking(site, visitor, grant_management_action="create")
    visitor.send("consent-form", "allow", purpose=["EHR-SHARE"])
    body = redeemed(site, visitor)
    seen = client.post("/oauth/introspect", data={"token": body["access_token"]}, headers=basic("holder")).json
    words = {"grant_type": "client_credentials", "scope": "grant_management_query grant_management_revoke"}
    own = client.post("/oauth/token", data=words, headers=basic("portal")).json["access_token"]
    at, bearer = f"/oauth/grants/{body['grant_id']}", {"Authorization": f"Bearer {own}"}
    shown = client.get(at, headers=bearer)
    ended = client.delete(at, headers=bearer)

    assert body["authorization_details"] == seen["authorization_details"] == [DETAIL]
    assert shown.json["authorization_details"] == [DETAIL]
    assert (ended.status_code, ended.data) == (204, b"")
    assert client.get(at, headers=bearer).status_code == 404
    again = client.post("/oauth/introspect", data={"token": body["access_token"]}, headers=basic("holder")).json
    assert again == {"active": False}


@pytest.mark.parametrize(("lang", "words"), [("th", "ใช้ไปแล้ว 1 ครั้ง"), ("en", "1 of these are used already")])
def test_a_merge_says_what_of_the_visits_before_is_used_and_counts_on(site, visitor, lang, words):
    """Grant Management 5.2 over HTTP: asked along with the new one, and the yes is for what is left."""
    client = site.app.test_client()
    asking(site, visitor, lang, grant_management_action="create")
    visitor.send("consent-form", "allow", purpose=["EHR-SHARE"])
    first = redeemed(site, visitor)
    client.post("/oauth/introspect", data={"token": first["access_token"]}, headers=basic("holder"))
    other = {**DETAIL, "encounter": {**VN, "value": "6911-000777"}}
    wished = {"grant_management_action": "merge", "grant_id": first["grant_id"]}

    visitor.get(site.authorize_url(scope="openid", authorization_details=json.dumps([other]), **wished))
    told = visitor.at.text
    visitor.send("consent-form", "allow", purpose=["EHR-SHARE"])
    second = redeemed(site, visitor)

    assert told.count(words) == 1
    assert (second["grant_id"], second["authorization_details"]) == (first["grant_id"], [DETAIL, other])


def test_a_visit_that_is_used_up_does_not_stop_the_merge_of_the_next(site, visitor):
    """Grant Management 5.2 over HTTP: the answer leaves it out, and the grant goes on under its id."""
    asking(site, visitor, grant_management_action="create", detail={"valid": {"max_uses": 1}})
    visitor.send("consent-form", "allow", purpose=["EHR-SHARE"])
    first = redeemed(site, visitor)
    seen = {"token": first["access_token"]}
    site.app.test_client().post("/oauth/introspect", data=seen, headers=basic("holder"))
    other = {**DETAIL, "encounter": {**VN, "value": "6911-000777"}}
    wished = {"grant_management_action": "merge", "grant_id": first["grant_id"]}

    visitor.get(site.authorize_url(scope="openid", authorization_details=json.dumps([other]), **wished))
    visitor.send("consent-form", "allow", purpose=["EHR-SHARE"])
    second = redeemed(site, visitor)

    assert (second["grant_id"], second["authorization_details"]) == (first["grant_id"], [other])


def test_a_grant_s_address_refuses_in_json(site):
    """Grant Management 6.6: 401 without a token, 405 for what it is not."""
    client = site.app.test_client()
    at = "/oauth/grants/01890000-0000-7000-8000-000000000000"

    assert client.get(at).status_code == 401
    assert client.get(at, headers={"Authorization": "Bearer x"}).json["error"] == "invalid_token"
    assert client.post(at).status_code == 405


def test_a_broken_detail_goes_back_to_the_client(site, visitor):
    """RFC 9396 section 5: invalid_authorization_details at the redirect, nobody is asked anything."""
    visitor.get(site.authorize_url(scope="openid", authorization_details='[{"type": "x"}]'))

    told = parse_qs(urlsplit(visitor.left_for).query)
    assert told["error"] == ["invalid_authorization_details"]
    assert told["state"] == ["st"]
