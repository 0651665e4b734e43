import json
import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select

from consent import records
from consent.models import ConsentRecord
from idp import authorizing, withdrawal
from idp.oauth import details, provider, visit_detail
from idp.oauth.details import DetailUse
from idp.oauth.errors import RedirectError
from idp.oauth.features import grant_management
from idp.oauth.grants import Grant
from idp.oauth.live import find_grant
from idp.oauth.resources import ResourceServer
from idp.relying.scopes import covers
from tests.fakes import HOUR, NOW
from tests.idp.oauth.stage import ALLERGY, APPOINTMENT, HOLDER, OTHER_HOLDER, SCOPE, claims_of, set_up

VN = {"system": "https://terms.sil-th.org/hcode/5/99001/VN", "value": "6911-000123"}
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def detail(**changes):
    """A good detail, changed; None takes a member away."""
    good = {
        "type": "th_health_visit",
        "purpose": "EHR-SHARE",
        "actions": ["read"],
        "datatypes": ["AllergyIntolerance"],
        "encounter": VN,
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


def sent(*of):
    """The parameter."""
    return json.dumps(list(of))


def agreed(stage, *of, scope="openid", **changes):
    """A code for these details, to which the citizen says yes here and now."""
    stage.agree("SIGNIN")
    request = stage.check(scope=scope, authorization_details=sent(*of), **changes)
    for code, scopes in request.resolution.purposes.items():
        if code != "SIGNIN":
            stage_choice(stage, code, scopes)
    return stage.silent_code(scope=scope, authorization_details=sent(*of), **changes)


def stage_choice(stage, code, scopes):
    """One yes for exactly these scopes."""
    records.give(stage.context.session, stage.choice(code, scopes=scopes), now=stage.context.now)


def granted(stage, *of, **changes):
    """The token response for these details."""
    answer = stage.redeem(agreed(stage, *of, **changes))
    assert answer.status == 200, answer.body
    return answer.body


def refused(stage, **changes):
    """The error at the authorization endpoint."""
    with pytest.raises(RedirectError) as error:
        stage.check(**changes)
    return error.value.error


def tagged(stage, content, stem="patient/AllergyIntolerance.rs"):
    """The scope that a detail becomes."""
    return f"{stem}?_tag=visit|{details.tagged(stage.context.ring, content).tag}"


# --- what comes of a detail


def test_a_detail_is_granted_and_told_wherever_the_token_goes(stage):
    """RFC 9396 7, 9.1, 9.2: token response, JWT, introspection."""
    body = granted(stage, detail())

    assert body["authorization_details"] == [detail()]
    assert claims_of(body["access_token"])["authorization_details"] == [detail()]
    assert stage.introspect(body["access_token"])["authorization_details"] == [detail()]


def test_it_narrows_its_purpose_to_scopes_with_a_tag(stage):
    """DECISIONS 9: narrowing is by RAR; what is narrower by grammar is narrower everywhere."""
    body = granted(stage, detail())

    assert body["scope"].split() == ["openid", tagged(stage, detail())]
    assert stage.introspect(body["access_token"])["scope"].split() == ["openid", tagged(stage, detail())]


def test_it_narrows_what_the_scope_asks_beside_it(stage):
    """PDPA s.22: of a purpose that details name, nothing but the details is asked."""
    scope = f"openid purpose:EHR-SHARE {APPOINTMENT}"
    resolution = stage.check(scope=scope, authorization_details=sent(detail())).resolution

    assert resolution.purposes["EHR-SHARE"] == (tagged(stage, detail()),)
    assert resolution.purposes["APPT"] == (APPOINTMENT,)


def test_no_scope_is_needed_beside_it(stage):
    """RFC 9396 section 3: the parameter may stand alone."""
    body = granted(stage, detail(), scope=None)

    assert body["scope"].split() == [tagged(stage, detail())]
    assert "id_token" not in body


def test_a_yes_for_one_visit_is_none_for_the_record(stage):
    """PDPA s.19, s.22: the client that comes back for more, or for another visit, asks again."""
    agreed(stage, detail())
    for changes in (
        {"scope": "openid purpose:EHR-SHARE"},
        {"scope": f"openid {ALLERGY}"},
        {"authorization_details": sent(detail(encounter={**VN, "value": "6911-000124"}))},
        {"authorization_details": sent(detail(datatypes=["AllergyIntolerance", "Encounter"]))},
    ):
        request = stage.check(**{"scope": "openid", **changes, "prompt": "none"})
        assert waits(stage, request) == ["EHR-SHARE"], changes


def waits(stage, request):
    """Purposes of a request that wait for an answer, or are not covered."""
    found = authorizing.looked_up(stage.context, request, stage.signed_in)
    return [one.code for one in found if one.waits(since=NOW) or set(one.covered) != set(one.scopes)]


def test_the_same_visit_is_not_asked_twice(stage):
    """However the object was written: the order of its members says nothing."""
    agreed(stage, detail())
    turned = dict(reversed(detail().items()))

    assert waits(stage, stage.check(scope="openid", authorization_details=sent(turned))) == []


def test_a_yes_for_the_record_covers_a_visit(stage):
    """What is narrower needs no second answer."""
    stage.agree("SIGNIN", "EHR-SHARE")

    assert waits(stage, stage.check(scope="openid", authorization_details=sent(detail()))) == []


def test_a_data_holder_that_knows_no_details_reads_nothing_by_it(stage):
    """The narrowed scope does not cover the plain one, at any service that reads scopes as SMART says."""
    (scope,) = stage.check(authorization_details=sent(detail())).resolution.purposes["EHR-SHARE"]

    assert not covers(scope, "patient/AllergyIntolerance.s")
    assert not covers(scope, ALLERGY)


def test_two_visits_of_one_purpose_stand_beside_each_other(stage):
    """RFC 9396 section 2: several objects of one type."""
    other = detail(encounter={**VN, "value": "6911-000777"}, datatypes=["Encounter"])
    body = granted(stage, detail(), other)

    assert body["authorization_details"] == [detail(), other]
    assert len(body["scope"].split()) == 3


def test_a_withdrawal_ends_a_visit_s_permission_as_every_other(stage):
    """PDPA s.19."""
    token = granted(stage, detail())["access_token"]
    session = stage.context.session
    record = session.scalars(select(ConsentRecord).where(ConsentRecord.purpose == "EHR-SHARE")).one()
    context = stage.context
    withdrawal.withdraw(session, context.ring, context.settings, record.id, subject_id=stage.citizen, now=context.now)

    assert not stage.introspect(token)["active"]


# --- when it ends


def test_it_ends_at_its_time_live_and_offline(stage):
    """`not_after`: no token outlives it, and a refresh brings it no more."""
    until = detail(valid={"not_after": (NOW + 30 * SECOND).isoformat()})
    body = granted(stage, until, scope=f"openid {APPOINTMENT} offline_access")

    assert body["expires_in"] == 30
    later = stage.later(30 * SECOND)
    assert later.introspect(body["access_token"]) == {"active": False}
    renewed = later.refresh(body["refresh_token"]).body
    assert "authorization_details" not in renewed
    assert renewed["scope"].split() == ["openid", APPOINTMENT, "offline_access"]


def test_it_ends_with_its_last_use(stage):
    """`max_uses`: counted where introspection asks, once for each token at each place (catalogue rule 6)."""
    twice = detail(valid={"max_uses": 2})
    body = granted(stage, twice, scope=f"openid {APPOINTMENT} offline_access")
    tokens = [body["access_token"], *(stage.refresh(body["refresh_token"]).body["access_token"] for _ in range(2))]
    seen = [stage.introspect(token) for token in tokens]

    assert ["authorization_details" in answer for answer in seen] == [True, True, False]
    assert [answer["active"] for answer in seen] == [True] * 3, "the rest of the grant goes on"
    assert "authorization_details" not in stage.introspect(tokens[0]), "after the last use it is over, as a purpose is"


def test_uses_are_never_counted_beyond_the_last(stage, session):
    """The database has one row for each use: who loses the race for the last one has none."""
    once = detail(valid={"max_uses": 1})
    token = granted(stage, once)["access_token"]
    grant_id = stage.context.session.scalars(select(Grant.id)).one()
    held = (details.tagged(stage.context.ring, once),)
    wanted = {"EHR-SHARE": (tagged(stage, once),)}

    assert details.spend(stage.context, grant_id, wanted, held) == wanted
    assert details.spend(stage.context, grant_id, wanted, held) == {}
    assert "authorization_details" not in stage.introspect(token)
    assert len(session.scalars(select(DetailUse)).all()) == 1


def test_a_new_grant_on_the_same_answer_begins_no_new_count(stage):
    """Whoever comes back by prompt=none has what is left; only a new answer of the person counts anew."""
    once = detail(valid={"max_uses": 1})
    asked = {"scope": "openid", "authorization_details": sent(once)}
    stage.introspect(granted(stage, once)["access_token"])
    again = stage.redeem(stage.silent_code(**asked, prompt="none")).body
    anew = granted(stage.later(MINUTE), once)

    assert "authorization_details" not in again
    assert anew["authorization_details"] == [once]


def test_the_tag_of_a_visit_is_no_scope_to_ask_for(stage):
    """A client that has seen it could otherwise come back without the limits of the detail."""
    (scope,) = stage.check(authorization_details=sent(detail())).resolution.purposes["EHR-SHARE"]

    assert refused(stage, scope=f"openid {scope}") == "invalid_scope"


def test_uses_need_somebody_who_counts(stage, session):
    """A holder that never introspects gets no token whose uses are limited."""
    session.get(ResourceServer, HOLDER).introspects = False
    session.flush()
    body = granted(stage, detail(valid={"max_uses": 2}))

    assert body["scope"].split() == ["openid"]
    assert "authorization_details" not in body


def test_it_is_good_at_its_own_places_alone(stage):
    """RFC 9396 2.2: `locations`; 9.1: a token tells only what concerns its audience."""
    here = detail(locations=[OTHER_HOLDER])
    scope = f"openid {APPOINTMENT} offline_access"
    body = granted(stage, here, scope=scope, resource=[HOLDER, OTHER_HOLDER])
    there = stage.refresh(body["refresh_token"], resource=OTHER_HOLDER).body

    assert "authorization_details" not in body
    assert there["authorization_details"] == [here]


def test_a_token_request_may_name_one_of_them(stage):
    """RFC 9396 section 6, 8: narrower, never more."""
    other = detail(encounter={**VN, "value": "6911-000777"})
    code = agreed(stage, detail(), other)
    wrong = stage.redeem(code, authorization_details=sent(detail(datatypes=["Encounter"])))
    right = stage.redeem(code, authorization_details=sent(other))

    assert (wrong.status, wrong.body["error"]) == (400, "invalid_authorization_details")
    assert right.body["authorization_details"] == [other]
    assert "id_token" in right.body, "scopes beside the details stay (RFC 9396 section 3.1; OIDC Core 3.1.3.3)"
    assert right.body["scope"].split() == ["openid", tagged(stage, other)]


def test_merge_asks_along_the_visit_that_the_grant_is_for(stage):
    """Grant Management 5.2: both visits stand on the page, so that one answer is for both."""
    other = detail(encounter={**VN, "value": "6911-000777"}, datatypes=["Encounter"])
    first = granted(stage, detail(), grant_management_action="create")
    named = {"scope": "openid", "grant_id": first["grant_id"], "authorization_details": sent(other)}

    request = stage.check(grant_management_action="merge", **named)

    assert set(request.resolution.purposes["EHR-SHARE"]) == {
        tagged(stage, detail()),
        tagged(stage, other, "patient/Encounter.rs"),
    }
    assert [one.content for one in details.of_request(stage.context.ring, request)] == [other, detail()]


def test_merge_keeps_both_and_replace_the_last(stage):
    """Grant Management 5.2 with RFC 9396: the grant's own details, told by its endpoint too."""
    other = detail(encounter={**VN, "value": "6911-000777"}, datatypes=["Encounter"])
    first = granted(stage, detail(), grant_management_action="create")
    stage.agree("EHR-SHARE")
    named = {"scope": "openid", "grant_id": first["grant_id"], "authorization_details": sent(other)}
    merged = stage.redeem(stage.silent_code(grant_management_action="merge", **named)).body
    replaced = stage.redeem(stage.silent_code(grant_management_action="replace", **named)).body
    grant = find_grant(
        stage.context,
        stage.context.session.scalars(select(Grant.id).where(Grant.managed, Grant.ended_at.is_(None))).one(),
    )

    assert merged["authorization_details"] == [detail(), other]
    assert replaced["authorization_details"] == [other]
    assert grant_management.shown(stage.context, grant)["authorization_details"] == [other]


def merged(stage, grant_id, *of):
    """The token response after the person said yes to a merge with these details, and all that is asked along."""
    named = {"scope": "openid", "grant_id": grant_id, "authorization_details": sent(*of)}
    named["grant_management_action"] = "merge"
    request = stage.check(**named)
    choice = stage.choice("EHR-SHARE", scopes=request.resolution.purposes["EHR-SHARE"])
    given = records.give(stage.context.session, choice, now=stage.context.now)
    over = details.over(stage.context, request)
    withdrawal.narrow(stage.context.session, given, now=stage.context.now, over=over)
    return stage.redeem(stage.silent_code(**named)).body


def test_merged_visits_keep_the_uses_that_they_have_left(stage):
    """Grant Management 5.2: the yes to another visit is no yes to more of this one; and the page says what is gone."""
    twice = detail(valid={"max_uses": 2})
    other = detail(encounter={**VN, "value": "6911-000777"}, valid={"max_uses": 2})
    first = granted(stage, twice, scope="openid offline_access", grant_management_action="create")
    stage.introspect(first["access_token"])
    named = {"scope": "openid", "grant_id": first["grant_id"], "grant_management_action": "merge"}
    request = stage.check(**named, authorization_details=sent(other))
    both = [
        details.used_before(stage.context.session, request, details.tagged(stage.context.ring, one))
        for one in (twice, other)
    ]

    second = merged(stage, first["grant_id"], other)
    tokens = [stage.refresh(second["refresh_token"]).body["access_token"] for _ in range(3)]
    seen = [stage.introspect(token).get("authorization_details", []) for token in tokens]

    assert both == [1, 0]
    assert second["authorization_details"] == [twice, other]
    assert seen == [[twice, other], [other], []], "each look counts one of both: the first was used once before"


def test_a_use_at_the_moment_of_a_merge_is_not_lost(sessions, ring, settings):
    """Issue 5: N uses are N. Whoever comes while uses are carried waits, and is counted under the new answer."""
    with sessions.writing() as session:
        stage = set_up(session, ring, settings)
        once = detail(valid={"max_uses": 1})
        first = granted(stage, once, scope="openid", grant_management_action="create")
        named = {"scope": "openid", "grant_id": first["grant_id"], "grant_management_action": "merge"}
        named["authorization_details"] = sent(detail(encounter={**VN, "value": "6911-000777"}))
        asked = stage.check(**named).resolution.purposes["EHR-SHARE"]
        given = records.give(session, stage.choice("EHR-SHARE", scopes=asked), now=NOW).id
        held = (details.tagged(ring, once),)
        wanted = {"EHR-SHARE": (tagged(stage, once),)}
    done = threading.Event()

    def use():
        with sessions.writing() as own:
            details.spend(replace(stage.context, session=own), UUID(first["grant_id"]), wanted, held)
        done.set()

    other = threading.Thread(target=use)
    with sessions.writing() as session:
        replace(stage, context=replace(stage.context, session=session)).silent_code(**named)
        other.start()
        done.wait(0.3)  # it is through, or waits for us
    other.join()

    with sessions.reading() as session:
        assert session.scalars(select(DetailUse.record_id)).all() == [given]


def test_a_visit_that_is_over_stays_behind_when_another_is_merged(stage):
    """A portal keeps one grant for a person: what ended by time or by uses neither comes back nor stops what is new."""
    once = detail(valid={"max_uses": 1})
    short = detail(encounter={**VN, "value": "6911-000555"}, valid={"not_after": (NOW + MINUTE).isoformat()})
    other = detail(encounter={**VN, "value": "6911-000777"})
    first = granted(stage, once, short, scope="openid", grant_management_action="create")
    stage.introspect(first["access_token"])
    later = stage.later(2 * MINUTE)

    second = merged(later, first["grant_id"], other)

    assert second["grant_id"] == first["grant_id"]
    assert second["authorization_details"] == [other]
    assert later.introspect(second["access_token"])["authorization_details"] == [other]


@pytest.mark.parametrize("whole_first", [True, False])
def test_a_visit_and_the_whole_of_a_purpose_are_not_merged_and_that_is_said_at_once(stage, whole_first):
    """Grant Management 5.4: before anybody is asked, with a sentence for the developer; no matter what stands."""
    both = {"whole": {"scope": "openid purpose:EHR-SHARE"}, "visit": {"authorization_details": sent(detail())}}
    names = ("whole", "visit") if whole_first else ("visit", "whole")
    begun, added = ({"scope": "openid", **both[name]} for name in names)
    stage.agree("SIGNIN", "EHR-SHARE")
    first = stage.redeem(stage.silent_code(grant_management_action="create", **begun)).body

    with pytest.raises(RedirectError) as error:
        stage.check(grant_management_action="merge", grant_id=first["grant_id"], **added)

    assert (error.value.error, error.value.description) == ("invalid_request", grant_management.UNLIKE)
    assert stage.check(grant_management_action="replace", grant_id=first["grant_id"], **added)


# --- what is refused


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{}",
        "[]",
        "[1]",
        "[null]",
        "[" * 2000,
        sent(*[detail()] * 9),
        sent(detail(type="patient_record")),
        sent(detail(type=None)),
        sent(detail(purpose=None)),
        sent(detail(purpose="NOTHING")),
        sent(detail(purpose="SIGNIN")),
        sent(detail(purpose="RES-DEID")),
        sent(detail(purpose=7)),
        sent(detail(actions=[])),
        sent(detail(actions=["delete"])),
        sent(detail(actions="read")),
        sent(detail(actions=["create"])),
        sent(detail(actions=["read", "read"])),
        sent(detail(datatypes=["Condition"])),
        sent(detail(datatypes=["*"])),
        sent(detail(datatypes=[])),
        sent(detail(datatypes=None)),
        sent(detail(datatypes=[["AllergyIntolerance"]])),
        sent(detail(encounter=None)),
        sent(detail(encounter={**VN, "value": "3999000010035"})),
        sent(detail(encounter={**VN, "value": "3-9990-00010-03-5"})),
        sent(detail(encounter={**VN, "value": ""})),
        sent(detail(encounter={**VN, "value": "<b>"})),
        sent(detail(encounter={**VN, "value": 5})),
        sent(detail(encounter={**VN, "more": "x"})),
        sent(detail(encounter={**VN, "system": "https://terms.sil-th.org/hcode/5/99002/VN"})),
        sent(detail(encounter={**VN, "system": "https://evil.example.test/VN"})),
        sent(detail(patient_identifier={"system": "cid", "value": "3999000010035"})),
        sent(detail(requesting_entity={"department": "ER"})),
        sent(detail(requesting_entity={"hcode": "99002"})),
        sent(detail(locations=["https://nobody.example.test"])),
        sent(detail(valid={"not_after": "tomorrow"})),
        sent(detail(valid={"not_after": "9999-12-31T23:59:59-23:59"})),
        sent(detail(valid={"not_after": "0001-01-01T00:00:00+23:59"})),
        sent(detail(requesting_entity={"hcode": "99001", "department": "3999000010035"})),
        sent(detail(valid={"not_after": "2026-12-01T00:00:00"})),
        sent(detail(valid={"not_after": (NOW - SECOND).isoformat()})),
        sent(detail(valid={"max_uses": 0})),
        sent(detail(valid={"max_uses": True})),
        sent(detail(valid={"max_uses": 101})),
        sent(detail(more="x")),
    ],
)
def test_what_is_not_whole_or_not_theirs_is_refused(stage, text):
    """RFC 9396 section 5: unknown type, unknown member, wrong form, or a value that does not fit."""
    assert refused(stage, authorization_details=text) == "invalid_authorization_details"


def test_all_members_that_there_are(stage):
    """The whole of the type is accepted."""
    whole = detail(
        locations=[HOLDER],
        patient_identifier={"ref": "sub"},
        requesting_entity={"hcode": "99001", "department": "ห้องฉุกเฉิน"},
        valid={"not_after": (NOW + HOUR).isoformat(), "max_uses": 3},
    )

    assert granted(stage, whole)["authorization_details"] == [whole]


def test_a_launch_has_no_details(stage):
    """A clinician's request is for a visit already."""
    with pytest.raises(RedirectError) as error:
        stage.check(scope="launch openid purpose:CARE", launch="x", authorization_details=sent(detail()))

    assert error.value.error in ("invalid_authorization_details", "invalid_request", "invalid_scope")


# --- nobody's number


def test_the_visit_s_number_stands_in_no_scope_and_no_entry(stage, session):
    """PDPA s.37: the log and the scopes carry a keyed tag; the grant keeps the number sealed."""
    body = granted(stage, detail())
    stage.introspect(body["access_token"])
    grant = session.scalars(select(Grant)).one()

    assert VN["value"] not in body["scope"] + grant.scopes
    assert VN["value"].encode() not in bytes(grant.details)
    for entry in stage.events():
        assert not any(VN["value"] in code for code in entry.codes)


def test_nobody_can_try_out_numbers_on_a_tag(stage, ring):
    """The tag is keyed: another server's is another one."""
    here = details.tagged(stage.context.ring, detail()).tag
    there = details.tagged(replace(ring, secrets={**ring.secrets, "details": b"x" * 32}), detail()).tag

    assert here != there
    assert len(here) == 20
    assert here.isalpha()


def test_the_parameters_survive_a_pause(stage):
    """A request waits as JSON while somebody signs in."""
    request = stage.check(scope=SCOPE, authorization_details=sent(detail()))

    assert type(request).from_json(request.to_json()) == request
    assert [one.content for one in details.of_request(stage.context.ring, request)] == [detail()]


def test_a_request_of_yesterday_has_none(stage):
    """A pause over a new version of this server."""
    request = stage.check()
    fields = {name: value for name, value in json.loads(request.to_json()).items() if name != "details"}

    assert type(request).from_json(json.dumps(fields)).details == ()


def test_the_metadata_names_the_type(stage):
    """RFC 9396 section 10."""
    told = provider.discovery(stage.context.settings)

    assert told["authorization_details_types_supported"] == [visit_detail.TYPE] == ["th_health_visit"]


@pytest.mark.parametrize(
    ("held", "content", "made"),
    [
        (
            ("patient/Observation.rs?category=laboratory",),
            ["Observation"],
            "patient/Observation.rs?category=laboratory&_tag=visit|t",
        ),
        (("patient/Observation.cruds",), ["Observation"], "patient/Observation.rs?_tag=visit|t"),
    ],
)
def test_the_row_s_own_limits_stay(held, content, made):
    """A detail only ever narrows: parameters of the purpose are kept, letters beyond the action fall away."""
    assert visit_detail.narrowed(visit_detail.Detail(detail(datatypes=content), "t"), held) == (made,)


def test_who_asks_for_no_visit_pays_for_none(stage):
    """The hot paths: a token without details is issued, refreshed and asked about with no statement for them."""
    seen = []
    engine = stage.context.session.get_bind().engine
    event.listen(engine, "before_cursor_execute", listener := lambda *told: seen.append(told[2]))
    try:
        body = stage.offline()
        stage.refresh(body["refresh_token"])
        stage.introspect(body["access_token"])
    finally:
        event.remove(engine, "before_cursor_execute", listener)

    assert not [text for text in seen if "detail_use" in text or "SET details" in text]
    assert not [text for text in seen if text.lstrip().startswith("UPDATE oauth_grant")]
    assert len([text for text in seen if text.lstrip().startswith("INSERT INTO oauth_grant ")]) == 1
