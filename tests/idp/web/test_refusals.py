"""Refusals in general: the person's pages, and that nobody who asks can see that one exists."""

import zlib
from base64 import urlsafe_b64decode
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from consent import records, withdrawal
from consent.audit import log
from consent.models import ConsentObjection, ConsentObjectionLift, ConsentRecord
from idp.directory import Facility, roll_out
from tests.fakes import MINUTE, SECOND
from tests.idp.oauth.stage import claims_of
from tests.idp.web.stage import SECRET
from tests.idp.web.test_citizen import HOSPITAL, agreed, consent_id, redeemed, weak
from tests.idp.web.test_flow import query


def refused(visitor, level="facility", **fields):
    """The form of one kind, opened and sent as a browser does."""
    asked = {"facility": "?q=99001"}.get(level, "")
    visitor.get(f"/me/refusals/new/{level}{asked}")
    return visitor.send("refusal-form", "refuse", **fields)


def rows(site, model):
    with site.work.sessions.reading() as session:
        return list(session.scalars(select(model)))


def introspected(site, token, **more):
    answer = site.app.test_client().post("/oauth/introspect", data={"token": token, **more}, auth=("holder", SECRET))
    assert answer.status_code == 200
    return answer.get_data()


def test_a_place_is_refused_in_one_form_and_stands_on_the_list(site, visitor):
    """Issue 5: "not this facility". The list says which consents it is stronger than."""
    agreed(site, visitor)

    page = refused(visitor, place="99001")

    assert page.name == "me_refusals"
    assert HOSPITAL in page.text
    (row,) = rows(site, ConsentObjection)
    assert (row.level, row.hcode, row.recipient_id, row.past, row.future) == (
        "facility", "99001", site.hospital, True, True,
    )  # fmt: skip
    assert f"/me/consents/{consent_id(site)}" in page.html
    assert visitor.get(f"/me/consents/{consent_id(site)}").html.count('id="beaten"') == 1


@pytest.mark.parametrize(
    ("level", "fields", "kept"),
    [
        ("topic", {"topic": "mental"}, ("topics", "mental")),
        ("period", {"from_day": "1/1/2566", "until_day": "31/12/2566"}, ("data_from", "2023-01-01")),
        ("period", {"from_day": "1/1/2023"}, ("data_from", "2023-01-01")),
        ("facility", {"place": "99001", "reach": "past"}, ("future", "False")),
    ],
)
def test_each_kind_has_its_form(site, visitor, level, fields, kept):
    """THAI: years are written in the Buddhist era, and in the other."""
    agreed(site, visitor)

    assert refused(visitor, level, **fields).name == "me_refusals"

    (row,) = rows(site, ConsentObjection)
    assert str(getattr(row, kept[0])) == kept[1]


@pytest.mark.parametrize(
    ("level", "fields", "wrong"),
    [
        ("topic", {}, "topic"),
        ("period", {"from_day": "31/2/2566"}, "from_day"),
        ("period", {}, "from_day"),
        ("period", {"from_day": "2/1/2566", "until_day": "1/1/2566"}, "from_day"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_is_kept(site, visitor, level, fields, wrong):
    """PAGES: errors are kept with what was typed."""
    agreed(site, visitor)

    page = refused(visitor, level, **fields)

    assert (page.status, page.name) == (422, "me_refusal_new")
    assert f'href="#{wrong}"' in page.html
    assert all(f'value="{typed}"' in page.html for typed in fields.values())
    assert rows(site, ConsentObjection) == []


def test_an_unknown_kind_is_no_page(site, visitor):
    """One of six words, or nothing."""
    agreed(site, visitor)
    assert visitor.get("/me/refusals/new/everything").status == 404


def test_refusing_needs_no_level_and_lifting_does(site, visitor):
    """PDPA s.19: a no is easy. Lifting opens data again: a phone alone must not do it (catalogue MYDATA)."""
    agreed(site, visitor)
    other = weak(site)

    page = refused(other, place="99001")
    assert page.name == "me_refusals"
    assert HOSPITAL not in page.html
    (row,) = rows(site, ConsentObjection)
    assert other.send("lift-form-1", "lift-1").name == "step_up"
    assert rows(site, ConsentObjectionLift) == []

    visitor.get("/me/refusals")
    page = visitor.send("lift-form-1", "lift-1")
    assert page.name == "me_refusals"
    assert [lift.objection_id for lift in rows(site, ConsentObjectionLift)] == [row.id]


def shortened(site, life):
    """The consent given once more in the same words, for a shorter time."""
    with site.work.sessions.writing() as session:
        record = session.get(ConsentRecord, consent_id(site))
        choice = withdrawal._again(session, record, now=site.clock(), lives_for=life, channel="web")
        records.give(session, choice, now=site.clock())


def test_a_holder_hears_what_it_would_hear_of_a_consent_that_is_over(site, visitor):
    """Issue 5: the provider cannot see that a refusal exists: the same bytes, for the same token."""
    agreed(site, visitor)
    shortened(site, MINUTE / 2)
    token = redeemed(site, visitor)["access_token"]
    assert b"AllergyIntolerance" in introspected(site, token)

    refused(visitor, place="99001")
    refusing = introspected(site, token)
    visitor.get("/me/refusals")
    visitor.send("lift-form-1", "lift-1")
    assert b"AllergyIntolerance" in introspected(site, token)
    site.clock.tick(2 * MINUTE / 3)
    nothing_there = introspected(site, token)

    assert refusing == nothing_there
    assert b"AllergyIntolerance" not in refusing
    assert b"refusal" not in refusing


def test_a_service_that_asks_silently_hears_what_it_would_hear_of_nobody(site, visitor):
    """OIDC Core 3.1.2.6: consent_required, with a refusal as with a person who was never asked."""
    silent = site.authorize_url(prompt="none")
    visitor.get("/me")
    visitor.sign_in()
    visitor.get("/sign-in?next=/me&aal=2.1")
    visitor.set_pin()
    never_asked = visitor.get(silent).url
    assert visitor.get(site.authorize_url()).name == "consent"
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    assert "code" in query(visitor.get(silent).url)

    site.clock.tick(MINUTE)
    refused(visitor, place="99001")

    assert visitor.get(silent).url == never_asked
    assert query(never_asked)["error"] == "consent_required"


def test_the_person_reads_which_refusal_stopped_whom(site, visitor):
    """Issue 5: the citizen sees who follows which consent and which refusal."""
    agreed(site, visitor)
    token = redeemed(site, visitor)["access_token"]
    refused(visitor, place="99001")
    assert "ยังไม่เคยมีใครถูกห้ามด้วยข้อนี้" in visitor.get("/me/refusals").text

    introspected(site, token)

    assert "1 ครั้ง" in visitor.get("/me/refusals").text
    with site.work.sessions.reading() as session:
        denied = [one for one in log.of_subject(session, site.citizen, limit=50) if one.event == "introspect.denied"]
    (row,) = rows(site, ConsentObjection)
    assert [(one.reason, f"refusal:{row.id}" in one.codes) for one in denied] == [("standing_refusal", True)]


def test_a_holder_that_says_when_passes_a_refusal_of_another_time(site, visitor):
    """Not this period: the question must say which days it is about, and may then lie outside."""
    agreed(site, visitor)
    token = redeemed(site, visitor)["access_token"]
    refused(visitor, "period", from_day="1/1/2566", until_day="31/12/2566")

    assert b"AllergyIntolerance" not in introspected(site, token)
    assert b"AllergyIntolerance" not in introspected(site, token, data_from="2023-06-01", data_until="2023-07-01")
    assert b"AllergyIntolerance" in introspected(site, token, data_from="2024-01-01")
    answer = site.app.test_client().post(
        "/oauth/introspect", data={"token": token, "data_from": "soon"}, auth=("holder", SECRET)
    )
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_refusal_is_written_in_words_that_only_its_person_reads(site, visitor):
    """DECISIONS 5: what a person calls it is sealed; the unit is a hash."""
    agreed(site, visitor)
    visitor.get("/me/refusals/new/unit?q=99001")
    visitor.send("refusal-form", "refuse", place="99001", unit="LAB")

    (row,) = rows(site, ConsentObjection)
    assert (row.level, len(row.unit_mark)) == ("unit", 64)
    assert b"LAB" not in row.words
    assert "ห้องแล็บ" in visitor.get("/me/refusals").text or "LAB" not in visitor.at.text


def test_a_yes_that_a_refusal_beats_sounds_like_a_no(site, visitor):
    """RFC 6749 section 4.1.2.1: the words of the error are those of whoever pressed Refuse, letter for letter."""
    visitor.get("/me")
    visitor.sign_in()
    visitor.get("/sign-in?next=/me&aal=2.1")
    visitor.set_pin()
    only = site.authorize_url(scope="patient/AllergyIntolerance.rs", nonce=None)
    assert visitor.get(only).name == "consent"
    visitor.send("consent-form", "refuse")
    a_no = query(visitor.at.refresh)
    site.clock.tick(MINUTE)

    refused(visitor, place="99001")
    assert visitor.get(site.authorize_url(scope="patient/AllergyIntolerance.rs", nonce=None, prompt="consent")).name
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")

    assert query(visitor.at.refresh) == a_no


def test_a_yes_that_a_refusal_beats_is_remembered_like_a_no(site, visitor):
    """DECISIONS 18: a service that comes back silently hears what it hears after a no."""
    visitor.get("/me")
    visitor.sign_in()
    visitor.get("/sign-in?next=/me&aal=2.1")
    visitor.set_pin()
    refused(visitor, place="99001")
    site.clock.tick(MINUTE)
    assert visitor.get(site.authorize_url()).name == "consent"
    visitor.send("consent-form", "allow", purpose="EHR-SHARE")
    site.clock.tick(MINUTE)

    silently = query(visitor.get(site.authorize_url(prompt="none")).url)

    assert "code" in silently
    assert visitor.get(site.authorize_url()).name != "consent"


def test_a_refusal_may_be_narrowed_to_some_uses(site, visitor):
    """Issue 5: whoever wants to refuse research alone need not refuse the hospital."""
    agreed(site, visitor)
    token = redeemed(site, visitor)["access_token"]

    page = refused(visitor, place="99001", purpose=["RES-CONTACT", "INSURE"])

    assert page.name == "me_refusals"
    (row,) = rows(site, ConsentObjection)
    assert set(row.purposes.split()) == {"RES-CONTACT", "INSURE"}
    assert f"/me/consents/{consent_id(site)}" not in page.html
    assert "เฉพาะเรื่อง: " in page.text
    assert b"AllergyIntolerance" in introspected(site, token)


def test_what_was_ticked_is_kept_with_an_error(site, visitor):
    """PAGES: the closed part stands open then."""
    agreed(site, visitor)

    page = refused(visitor, "period", from_day="31/2/2566", purpose=["EHR-SHARE"])

    assert page.status == 422
    assert 'value="EHR-SHARE" checked' in page.html
    assert '<details class="more" id="only" open>' in page.html


def test_the_status_list_says_invalid_while_it_is_refused(site, visitor):
    """Token Status List 7.1, over HTTP: whoever asks nobody hears it within a minute."""
    agreed(site, visitor)
    token = redeemed(site, visitor)["access_token"]
    heard = [invalid(site, token)]

    refused(visitor, place="99001")
    heard.append(invalid(site, token))
    visitor.get("/me/refusals")
    visitor.send("lift-form-1", "lift-1")
    heard.append(invalid(site, token))

    assert heard == [0, 1, 0]


def invalid(site, token):
    """The bit of this token in a list that was built just now."""
    site.clock.tick(6 * SECOND)
    named = claims_of(token)["status"]["status_list"]
    answer = site.app.test_client().get(urlsplit(named["uri"]).path)
    lst = claims_of(answer.get_data(as_text=True))["status_list"]["lst"]
    return zlib.decompress(urlsafe_b64decode(lst + "=="))[named["idx"] // 8] >> named["idx"] % 8 & 1


def test_a_place_that_does_not_take_part_is_said_kindly(site, visitor):
    """Catalogue rule 5: the answer is kept, and nothing is given."""
    agreed(site, visitor)
    token = redeemed(site, visitor)["access_token"]
    page = f"/me/consents/{consent_id(site)}"
    assert 'id="away"' not in visitor.get(page).html

    with site.work.sessions.writing() as session:
        session.execute(update(Facility).values(province="แพร่"))
        roll_out.decide(session, roll_out.named("แพร่"), is_open=False, starts_at=site.clock(), now=site.clock())

    assert 'id="away"' in visitor.get(page).html
    assert b"AllergyIntolerance" not in introspected(site, token)
