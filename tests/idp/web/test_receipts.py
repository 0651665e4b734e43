"""The pages of receipts: a person's own, and the one that anybody can open."""

import json
import re
import uuid
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from consent import receipts as documents
from consent import records
from consent.models import ConsentRecord
from consent.receipts import Act
from idp import receipts
from idp.web import verify
from idp.web.pace import MOST_KNOWN, Pace, network_of
from tests.fakes import DAY, MINUTE, NOW, SECOND, YEAR
from tests.idp.web.test_citizen import HOSPITAL, agreed, weak
from tests.idp.web.visitor import PIN

PERSON = ("สมชาย", "ใจสมมติ", "Somchai", "3999000010035", "3 9990 00010 03 5")


@pytest.fixture
def record(site, visitor):
    """Somchai's consent, with Somchai signed in at AAL2.1."""
    return agreed(site, visitor)


def printed(visitor, record, act=""):
    """Number and code as they stand on the receipt."""
    page = visitor.get(f"/me/consents/{record}/receipt{act}")
    assert page.name == "receipt"
    return page.texts["number"].strip(), page.texts["verify-code"].strip()


def signed(visitor, record, act=""):
    return visitor.client.get(f"/me/consents/{record}/receipt.jws{act}").text


def checked(visitor, number, code, **headers):
    visitor.get("/verify", **headers)
    return visitor.send("number-form", "check", receipt=number, verify_code=code)


def pasted(visitor, text, code=""):
    visitor.get("/verify")
    return visitor.send("file-form", "check-file", jws=text, jws_code=code)


def withdraw(visitor, record):
    visitor.get(f"/me/consents/{record}/withdraw")
    visitor.send("withdraw-form")
    assert visitor.at.name == "withdrawn"


def test_a_receipt_is_one_link_away_and_says_what_was_agreed(visitor, record):
    """PAGES: after consent, a receipt; the exact words, the receiver, the level; no name, no national ID."""
    visitor.get(f"/me/consents/{record}")
    page = visitor.get(visitor.at.links["receipt"])

    assert page.name == "receipt"
    assert HOSPITAL in page.texts["what"]
    assert "ผู้รับข้อมูล" in page.texts["words"]
    assert not [told for told in PERSON if told in page.html]
    assert 'style="' not in page.html


def test_the_qr_code_holds_the_address_the_number_and_the_code_only(site, visitor, record, monkeypatch):
    """No personal data in a picture that lies on a desk."""
    seen = []
    drawn = receipts.qr_svg
    monkeypatch.setattr("idp.receipts.qr_svg", lambda address: seen.append(address) or drawn(address))

    number, code = printed(visitor, record)

    (address,) = seen
    assert address.partition("?")[0] == site.work.settings.issuer + "/verify"
    assert parse_qs(urlsplit(address).query) == {"receipt": [number], "code": [code]}
    assert "<svg" in visitor.at.html


def test_the_document_and_the_signed_file_are_the_same_receipt(site, visitor, record):
    """JSON and JWS carry the same bytes; the file verifies by the published keys alone."""
    answer = visitor.client.get(f"/me/consents/{record}/receipt.json")
    token = signed(visitor, record)

    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r'attachment; filename="receipt-[0-9A-Z-]{32}\.json"', answer.headers["Content-Disposition"])
    ring = site.app.extensions["yinyom"].rings.at(site.clock())
    assert receipts.read(ring, token).document == json.loads(answer.data)
    assert documents._base64url(answer.data) == token.split(".")[1]
    assert not [told for told in PERSON if told in answer.text]


def test_the_keys_of_receipts_are_for_everybody_and_not_among_the_tokens_keys(site):
    """RFC 7517: public halves only, readable by any page."""
    client = site.app.test_client()
    answer = client.get("/receipts/keys.json")

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    (key,) = answer.json["keys"]
    assert (key["alg"], key["crv"]) == ("ES256", "P-256")
    assert "d" not in key
    assert key["kid"] not in {other["kid"] for other in client.get("/jwks.json").json["keys"]}


@pytest.mark.parametrize("ending", ["", ".json", ".jws"])
def test_a_receipt_names_places_so_it_needs_the_level_for_names(site, record, ending):
    """Catalogue rule 4: AAL1 shows no names of places; one more step leads back to the page."""
    other = weak(site)
    page = other.get(f"/me/consents/{record}/receipt{ending}")
    assert page.name == "step_up"
    assert HOSPITAL not in page.html
    other.get(page.links["use-pin"])
    assert HOSPITAL in other.send("pin-form", pin=PIN).html or ending == ".jws"


@pytest.mark.parametrize("ending", ["", ".json", ".jws"])
def test_without_a_sign_in_there_is_no_receipt_and_anothers_is_not_found(site, visitor, record, ending):
    """CONVENTIONS: not found, never forbidden."""
    assert site.visitor().get(f"/me/consents/{record}/receipt{ending}").name == "login"
    unknown = visitor.get(f"/me/consents/{uuid.uuid4()}/receipt{ending}")
    assert (unknown.status, unknown.texts["error-code"]) == (404, "not_found")
    for act in ("withdrawn", "nonsense"):
        assert visitor.get(f"/me/consents/{record}/receipt{ending}?act={act}").status == 404


def test_after_a_withdrawal_there_are_two_receipts(visitor, record):
    """The second says so; the first can still be had, with its own number and code."""
    first = printed(visitor, record)
    withdraw(visitor, record)
    page = visitor.get(visitor.at.links["receipt"])

    assert "ใบรับการถอนความยินยอมของคุณ" in page.text
    assert printed(visitor, record) != first
    visitor.get(page.links["other-receipt"])
    assert (visitor.at.texts["number"].strip(), visitor.at.texts["verify-code"].strip()) == first
    assert visitor.at.links["other-receipt"].endswith("?act=withdrawn")
    token = signed(visitor, record)
    assert pasted(visitor, token).texts["outcome"] == "ใบรับนี้เป็นของจริง"
    assert "ถอนความยินยอมนี้" in visitor.at.texts["result"]


def test_what_was_told_has_a_receipt_that_does_not_call_it_consent(site, visitor, record):  # noqa: ARG001
    """PDPA s.27: a basis that was told is not passed off as agreed."""
    with site.work.sessions.reading() as session:
        views = records.for_subject(session, site.citizen, now=site.clock())
    told = next(view.record_id for view in views if view.purpose == "SIGNIN")

    assert "ใบรับเรื่องที่แจ้งให้คุณทราบ" in visitor.get(f"/me/consents/{told}/receipt").text
    number, code = printed(visitor, told)
    assert "วันนี้ยังใช้อยู่" in checked(site.visitor(), number, code).texts["standing"]


def test_anybody_can_check_a_receipt_by_its_number_and_code(site, visitor, record):
    """Without sign-in: genuine, what it is about, and that it stands; nobody is named."""
    number, code = printed(visitor, record)
    stranger = site.visitor()

    page = checked(stranger, f" {number.lower()} ", code.replace("-", ""))

    assert (page.status, page.name) == (200, "verify")
    assert page.texts["outcome"] == "ใบรับนี้เป็นของจริง"
    assert page.texts["standing"] == "วันนี้ยังมีผลอยู่"
    assert HOSPITAL in page.texts["about"]
    assert not [told for told in (*PERSON, str(site.citizen)) if told in page.html]


@pytest.mark.parametrize(
    ("change", "standing"),
    [("withdraw", "ถูกถอนแล้วและไม่มีผลอีกต่อไป"), ("wait", "หมดอายุหรือใช้ครบแล้ว")],
)
def test_whoever_has_the_code_sees_that_it_no_longer_stands(site, visitor, record, change, standing):
    """PDPA s.19: a withdrawn consent is nowhere shown as standing."""
    number, code = printed(visitor, record)
    if change == "withdraw":
        withdraw(visitor, record)
    else:
        site.clock.tick(YEAR)

    assert checked(site.visitor(), number, code).texts["standing"] == standing


def test_the_qr_code_fills_the_form_in_and_checks_nothing_by_itself(site, visitor, record):
    """A preview of a link must not count as a look; the same page works in English."""
    number, code = printed(visitor, record)
    stranger = site.visitor()

    page = stranger.get(f"/verify?receipt={number}&code={code}", **{"Accept-Language": "en"})

    assert page.lang == "en"
    assert "result" not in page.texts
    filled = dict(page.forms["number-form"].fields)
    assert (filled["receipt"], filled["verify_code"]) == (number, code)
    assert stranger.send("number-form", "check").status == 200
    assert "outcome" in stranger.at.texts


def plain(page):
    """The page without what differs on every page: the number for help, the form token, what was typed."""
    html = unescape(page.html)
    html = re.sub(r'(?s)<code id="request-id">.*?</code>', "", html)
    return re.sub(r'name="(csrf|receipt|verify_code)"( type="text")? value="[^"]*"', "", html)


def test_a_wrong_code_and_an_unknown_number_get_the_same_page(site, visitor, record):
    """Nobody learns which numbers exist, whatever they try."""
    number, code = printed(visitor, record)
    stranger = site.visitor()
    ring = site.app.extensions["yinyom"].rings.at(site.clock())
    never = documents.number(uuid.uuid4(), Act.GIVEN)
    tries = [
        (number, "0000-0000"),
        (never, code),
        (never, receipts.code_of(ring, never)),
        (documents.number(record, Act.WITHDRAWN), code),
        ("nonsense", "nonsense"),
        ("' OR 1=1 --", "ก" * 80),
    ]

    pages = [checked(stranger, *tried) for tried in tries]

    assert {page.texts["outcome"] for page in pages} == {"เราไม่รู้จักใบรับนี้"}
    assert len({plain(page) for page in pages}) == 1
    assert {page.status for page in pages} == {200}


def test_a_signed_file_is_checked_by_itself_and_its_standing_only_with_the_code(site, visitor, record):
    """Genuine and what it is about; whether it stands is told for the right code alone."""
    _, code = printed(visitor, record)
    token = signed(visitor, record)
    stranger = site.visitor()

    page = pasted(stranger, token)
    assert page.texts["outcome"] == "ใบรับนี้เป็นของจริง"
    assert "เมื่อมีรหัส" in page.texts["standing"]
    assert HOSPITAL in page.texts["about"]
    assert pasted(stranger, token, code).texts["standing"] == "วันนี้ยังมีผลอยู่"
    wrong = pasted(stranger, token, "0000-0000")
    assert "เมื่อมีรหัส" in wrong.texts["standing"]
    assert "jws_code-error" in wrong.texts
    assert not [told for told in PERSON if told in wrong.html]


def test_a_changed_file_is_called_changed_and_nothing_of_it_is_shown(site, visitor, record):
    """A forger's words never stand on our page."""
    head, body, tail = signed(visitor, record).split(".")
    forged = documents._base64url(b'{"jti":"x","say":"forged words"}')

    page = pasted(site.visitor(), f"{head}.{forged}.{tail}")

    assert page.texts["outcome"] == "ใบรับนี้ถูกแก้ไข"
    assert "about" not in page.texts
    assert pasted(site.visitor(), f"{head}.{body}.{tail[:-2]}").texts["outcome"] == "ใบรับนี้ถูกแก้ไข"
    assert pasted(site.visitor(), "<script>alert(1)</script>").texts["outcome"] == "เราไม่รู้จักใบรับนี้"
    assert "<script>alert" not in page.html


@pytest.mark.parametrize(
    ("form", "fields", "wrong"),
    [
        ("number-form", {"receipt": "", "verify_code": " "}, ["receipt", "verify_code"]),
        ("number-form", {"receipt": "x", "verify_code": ""}, ["verify_code"]),
        ("file-form", {"jws": "  ", "jws_code": ""}, ["jws"]),
    ],
)
def test_an_empty_field_is_named_and_linked(visitor, form, fields, wrong):
    """PAGES: an error summary that links to the field; the title says so."""
    visitor.get("/verify")
    page = visitor.send(form, **fields)

    assert page.status == 400
    assert "error-summary" in page.texts
    assert [name for name in ("receipt", "verify_code", "jws") if f"{name}-error" in page.texts] == wrong
    assert all(page.attributes[name]["aria-invalid"] == "true" for name in wrong)


def test_a_form_without_our_token_checks_nothing(visitor):
    """Only our own page asks in a visitor's name."""
    page = visitor.post("/verify", {"receipt": "x", "verify_code": "y"})
    assert (page.status, page.texts["error-code"]) == (403, "csrf")


def test_one_address_asks_so_often_and_no_more(site, visitor, record, monkeypatch):
    """O51: scripted looks end at a limit that says when to come back; a minute later all is well."""
    monkeypatch.setattr(verify, "MOST_A_MINUTE", 3)
    number, code = printed(visitor, record)
    stranger = site.visitor()
    for _ in range(3):
        assert checked(stranger, number, "0000-0000").status == 200

    page = checked(stranger, number, code)

    assert (page.status, page.texts["error-code"]) == (429, "rate_limited")
    assert page.headers["Retry-After"] == "60"
    site.clock.tick(MINUTE)
    assert checked(stranger, number, code).texts["outcome"] == "ใบรับนี้เป็นของจริง"


def test_a_look_writes_nothing(site, visitor, record):
    """The page for everybody cannot be made to fill the database."""
    number, code = printed(visitor, record)
    with site.work.sessions.reading() as session:
        before = len(session.scalars(select(ConsentRecord)).all())
    page = checked(site.visitor(), number, code)
    row = site.app.view_functions["verify.check"].row
    assert row.tx.value == "read"
    assert page.status == 200
    with site.work.sessions.reading() as session:
        assert len(session.scalars(select(ConsentRecord)).all()) == before


def test_a_receipt_of_a_replaced_consent_stays_and_says_so(site, visitor, record):
    """A renewed consent does not take the proof of the older one away."""
    number, code = printed(visitor, record)
    site.clock.tick(5 * MINUTE)
    visitor.get(site.authorize_url(prompt="consent"))
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")

    assert printed(visitor, record) == (number, code)
    assert checked(site.visitor(), number, code).texts["standing"] == "มีคำตอบที่ใหม่กว่ามาแทนแล้ว"


def test_the_receipt_works_under_the_issuers_path(secure_site):
    """The keys and the page stand where the receipt says."""
    client = secure_site.app.test_client()
    assert client.get("/idp/receipts/keys.json").status_code == 200
    assert 'action="/idp/verify"' in client.get("/idp/verify").text


def test_pace_counts_by_network_and_forgets_after_a_minute():
    """IPv6 hosts own a /64; beyond 10,000 addresses newcomers share one count."""
    pace = Pace(2)
    assert [pace.take("203.0.113.1", now=NOW) for _ in range(3)] == [True, True, False]
    assert pace.take("203.0.113.2", now=NOW)
    assert [pace.take(f"2001:db8::{n}", now=NOW) for n in (1, 2, 3)] == [True, True, False]
    assert pace.take("203.0.113.1", now=NOW + 60 * SECOND)
    assert pace.take("203.0.113.1", now=NOW - DAY)
    for n in range(MOST_KNOWN - 1):
        pace.take(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", now=NOW - DAY)
    assert [pace.take(f"192.0.2.{n}", now=NOW - DAY) for n in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("2001:db8:0:1::5", "2001:db8:0:1::"),
        (None, ""),
        ("unix", ""),
    ],
)
def test_what_counts_as_one_address(address, network):
    """An unreadable address counts as everybody's."""
    assert network_of(address) == network
