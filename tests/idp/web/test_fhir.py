"""Consents as FHIR R4 over HTTP: search and read by the right machines and by their person (IHE PCF, SMART)."""

from uuid import uuid4

import pytest

from consent import records, refusing
from consent.specificity import Level
from idp import directory
from idp.fhir import systems
from idp.oauth import clients
from idp.subjects import PersonSealer
from tests import leaks
from tests.fakes import MINUTE
from tests.idp.oauth.stage import claims_of
from tests.idp.web.stage import CALLBACK, REGISTERED, SECRET, VERIFIER
from tests.idp.web.test_access import basic
from tests.idp.web.test_auditor import consented
from tests.idp.web.test_citizen import agreed, redeemed
from tests.idp.web.test_flow import query
from tests.idp.web.visitor import SOMCHAI

BASE = "/fhir/R4"
STRANGE = "k" * 43


@pytest.fixture
def machines(site):
    """A system of the hospital, one of another organisation, and the hospital registered to know numbers."""
    with site.work.sessions.writing() as session:
        other = directory.LegalEntity(
            name_th="ห้องแล็บตัวอย่าง",
            name_en="Example lab",
            kind="authority",
            controller_contact="c@example.test",
            dpo_contact="d@example.test",
        )
        session.add(other)
        session.flush()
        system = {"kind": "system", "purposes": {}, "grant_types": ["client_credentials"], "now": site.clock.now}
        names = {"name_th": "ระบบ", "name_en": "System"}
        clients.register(session, client_id="robot", legal_entity_id=site.hospital, secret=SECRET, **names, **system)
        clients.register(session, client_id="stranger", legal_entity_id=other.id, secret=STRANGE, **names, **system)
    return site


def knows_numbers(site):
    """Register an application of the hospital for the purpose that shares the national ID."""
    with site.work.sessions.writing() as session:
        clients.register(
            session,
            client_id="front-desk",
            name_th="หน้าร้าน",
            name_en="Front desk",
            legal_entity_id=site.hospital,
            kind="web",
            purposes={"PID": ["moph.pid"], **REGISTERED},
            redirect_uris=["https://desk.example.test/callback"],
            secret=SECRET,
            now=site.clock.now,
        )


def token_of(site, name="robot", secret=SECRET, scope="system/Consent.rs"):
    answer = site.app.test_client().post(
        "/oauth/token", data={"grant_type": "client_credentials", "scope": scope}, headers=basic(name, secret)
    )
    assert answer.status_code == 200, answer.text
    return answer.json["access_token"]


def get(site, path, token):
    return site.app.test_client().get(BASE + path, headers={"Authorization": f"Bearer {token}"})


def search(site, token, **form):
    return site.app.test_client().post(
        f"{BASE}/Consent/_search", data=form, headers={"Authorization": f"Bearer {token}"}
    )


def sub_of(site, visitor):
    """A consent was given; the `sub` by which the record holder knows the citizen."""
    agreed(site, visitor)
    return claims_of(redeemed(site, visitor)["access_token"])["sub"]


def found(answer):
    assert answer.status_code == 200, answer.text
    assert answer.json["type"] == "searchset"
    return [entry["resource"] for entry in answer.json.get("entry", [])]


def test_a_receivers_system_finds_the_consents_given_to_it(machines, visitor):
    """PCF: status, scope, category, patient, dateTime, performer, organization, source, policy, provision."""
    sub = sub_of(machines, visitor)

    (one,) = found(get(machines, f"/Consent?patient=Patient/{sub}&status=active", token_of(machines)))

    assert one["status"] == "active"
    assert one["scope"]["coding"][0]["code"] == "patient-privacy"
    assert one["category"][0]["coding"][0]["code"] == "59284-0"
    assert one["patient"]["identifier"] == {"system": "http://localhost:8000/sub", "value": sub}
    assert one["performer"] == [one["patient"]]
    assert one["organization"]
    assert one["policy"][0]["uri"].startswith("http://localhost:8000/notices/")
    assert one["sourceReference"]["type"] == "DocumentReference"
    provision = one["provision"]
    assert provision["type"] == "permit"
    assert provision["actor"][0]["role"]["coding"][0]["code"] == "IRCP"
    assert provision["actor"][0]["reference"]["identifier"] == {"system": systems.HCODE, "value": "99001"}
    assert {coding["code"] for coding in provision["purpose"]} == {"TREAT", "EHR-SHARE"}
    assert "verification" not in one
    assert not {"action", "class", "code", "provision"} & provision.keys()


def test_a_holder_finds_the_consents_for_its_data_with_its_own_secret(machines, visitor):
    """The holder enforces: it sees who may read what it keeps. Basic works as well as a token."""
    sub = sub_of(machines, visitor)

    answer = machines.app.test_client().get(f"{BASE}/Consent?patient={sub}", headers=basic())

    assert [one["provision"]["type"] for one in found(answer)] == ["permit"]


def test_a_strangers_system_finds_nothing(machines, visitor):
    """Not even that there is somebody: the same answer as for a person who does not exist."""
    sub = sub_of(machines, visitor)
    token = token_of(machines, "stranger", STRANGE)

    known = get(machines, f"/Consent?patient={sub}", token).json
    nobody = get(machines, f"/Consent?patient={'0' * 64}", token).json

    assert known == nobody, "the same document: not even a link that knows the person"
    assert (known["total"], "entry" in known) == (0, False), "FHIR R4 2.6.2: no array is empty"
    assert get(machines, f"/Consent/{uuid4()}", token).status_code == 404


def test_s19_a_withdrawn_consent_stays_and_is_inactive(machines, visitor):
    """PCF ITI-108: never overwritten, never deleted; PDPA s.19: the end is there at the next question."""
    record = agreed(machines, visitor)
    sub = claims_of(redeemed(machines, visitor)["access_token"])["sub"]
    visitor.get(f"/me/consents/{record}/withdraw")
    visitor.send("withdraw-form")
    token = token_of(machines)

    (one,) = found(get(machines, f"/Consent?patient={sub}", token))

    assert (one["id"], one["status"], one["provision"]["type"]) == (str(record), "inactive", "permit")
    assert found(get(machines, f"/Consent?patient={sub}&status=active", token)) == []
    assert get(machines, f"/Consent/{record}", token).json["status"] == "inactive"


def test_a_national_id_stands_in_a_body_alone(machines, visitor):
    """Never in an address: not even for those who may know it; and it comes back nowhere."""
    sub_of(machines, visitor)
    knows_numbers(machines)
    token = token_of(machines)

    in_address = get(machines, f"/Consent?patient.identifier={systems.CID}|{SOMCHAI}", token)
    bare = get(machines, f"/Consent?patient={SOMCHAI}", token)
    in_body = search(machines, token, **{"patient.identifier": f"{systems.CID}|{SOMCHAI}"})

    assert (in_address.status_code, bare.status_code) == (400, 400)
    assert len(found(in_body)) == 1
    for answer in (in_address, bare, in_body):
        assert not leaks.found_in(answer.text)


def test_who_may_not_know_numbers_may_not_ask_by_them(machines, visitor):
    """Registered for PID, or not at all; a person who does not exist is answered like one without consents."""
    sub_of(machines, visitor)
    asked = {"patient.identifier": f"{systems.CID}|{SOMCHAI}"}
    assert search(machines, token_of(machines), **asked).status_code == 403
    knows_numbers(machines)

    nobody = search(machines, token_of(machines), **{"patient.identifier": f"{systems.CID}|1999000010152"})

    without = search(machines, token_of(machines), **asked, status="rejected")

    assert nobody.status_code == 200
    assert (nobody.json["total"], "entry" in nobody.json) == (0, False)
    assert "patient" not in nobody.text + without.text, "who is known is not told by the links"


@pytest.mark.parametrize(
    "asked", ["", "?patient=x&patient=y", "?patient=x&status=maybe", "?patient=x&moon=1", "?patient=x&_count=-1"]
)
def test_what_cannot_be_searched_is_refused(machines, asked):
    """FHIR R4 3.1.1: an error says what is wrong, and quotes nothing."""
    answer = get(machines, f"/Consent{asked}", token_of(machines))

    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"


def test_pages_follow_each_other(machines, visitor):
    """`_count` and `next`: each once; the address of the next page names nobody but by `sub`."""
    record = agreed(machines, visitor)
    sub = claims_of(redeemed(machines, visitor)["access_token"])["sub"]
    token = token_of(machines)
    assert record

    first = get(machines, f"/Consent?patient={sub}&_count=1", token).json
    links = {link["relation"]: link["url"] for link in first["link"]}

    assert len(first["entry"]) == 1
    assert links.get("next") is None or sub in links["next"]
    assert not leaks.found_in(str(links))


def test_to_count_alone_is_a_search_without_entries(machines, visitor):
    """FHIR R4 3.1.1.4.4: `_count=0` asks how many."""
    sub = sub_of(machines, visitor)

    counted = get(machines, f"/Consent?patient={sub}&_count=0", token_of(machines)).json

    assert (counted["total"], "entry" in counted) == (1, False)
    assert [link["relation"] for link in counted["link"]] == ["self"]


def test_a_status_may_name_its_list(machines, visitor):
    """FHIR R4 3.1.1.4.10: a token is `code` or `system|code`."""
    sub = sub_of(machines, visitor)
    token = token_of(machines)

    named = get(machines, f"/Consent?patient={sub}&status={systems.CONSENT_STATE}|active", token)

    assert len(found(named)) == 1
    assert get(machines, f"/Consent?patient={sub}&status=http://else.test|active", token).status_code == 400


@pytest.mark.parametrize("path", ["/Consent/abc", "/Patient", "/Consent/abc/_history", "/nothing"])
def test_what_is_not_there_is_said_in_fhir(machines, path):
    """FHIR R4 3.1.0.1.6: errors come as OperationOutcome, to a program that expects no page."""
    answer = get(machines, path, token_of(machines))

    assert (answer.status_code, answer.mimetype) == (404, "application/fhir+json")
    assert answer.json["issue"][0]["code"] == "not-found"


def test_what_cannot_be_done_is_said_in_fhir(machines):
    """Read only: a create, an update and a delete are 405, with what is allowed."""
    client = machines.app.test_client()

    for answer in (client.post(f"{BASE}/Consent", json={}), client.delete(f"{BASE}/Consent/{uuid4()}")):
        assert (answer.status_code, answer.json["resourceType"]) == (405, "OperationOutcome")
        assert answer.json["issue"][0]["code"] == "not-supported"
        assert "GET" in answer.headers["Allow"]
    assert client.get("/audit/v1/AuditEvent").json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("accept", "form", "status"),
    [
        ("application/fhir+json", "", 200),
        ("application/json", "", 200),
        ("application/fhir+json;fhirVersion=4.0", "", 200),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "", 200),
        ("application/fhir+xml, application/fhir+json;q=0.5", "", 200),
        ("application/fhir+xml", "", 406),
        ("text/turtle", "", 406),
        ("application/fhir+xml", "json", 200),
        ("application/fhir+json", "xml", 406),
        ("*/*", "application/fhir+xml", 406),
    ],
)
def test_another_format_than_json_is_not_acceptable(machines, accept, form, status):
    """FHIR R4 3.1.0.1.9, 3.1.0.1.11: `_format` counts more than Accept; who wants XML does not get JSON."""
    asked = {"headers": {"Accept": accept}, "query_string": {"_format": form} if form else {}}

    answer = machines.app.test_client().get(f"{BASE}/metadata", **asked)

    assert answer.status_code == status
    assert answer.mimetype == "application/fhir+json"
    assert answer.json["resourceType"] == ("CapabilityStatement" if status == 200 else "OperationOutcome")


def test_the_statement_says_that_xml_is_not_spoken_and_each_interface_answers_so(machines):
    """FHIR R4 3.1.0.1.9: XML or JSON; who wants XML learns it from the statement, or by 406 in FHIR."""
    client = machines.app.test_client()
    statement = client.get(f"{BASE}/metadata").json

    assert statement["format"] == ["application/fhir+json"]
    assert "406" in statement["rest"][0]["documentation"]
    for path in ("/Consent", f"/Consent/{uuid4()}", "/AuditEvent", "/metadata"):
        answer = client.get(f"{BASE}{path}?_format=xml")
        assert (answer.status_code, answer.json["resourceType"]) == (406, "OperationOutcome")
        assert answer.json["issue"][0]["code"] == "not-supported"


def test_no_array_of_a_resource_is_empty(machines):
    """FHIR R4 2.6.2: an empty array is an error to every validator."""
    assert "[]" not in machines.app.test_client().get(f"{BASE}/metadata").text


def test_the_challenge_names_an_error_only_of_what_was_sent(machines):
    """RFC 6750 section 3.1: who sent no proof at all hears of no error code."""
    client = machines.app.test_client()

    for path in (f"{BASE}/Consent", f"{BASE}/AuditEvent"):
        assert client.get(path).headers["WWW-Authenticate"] == 'Bearer realm="yinyom"'
        wrong = client.get(path, headers={"Authorization": "Bearer x"})
        assert wrong.headers["WWW-Authenticate"] == 'Bearer realm="yinyom", error="invalid_token"'


def test_only_our_own_scope_opens_it(machines, visitor):
    """SMART: a token for something else is 403, none is 401; a citizen's token without MYDATA is none."""
    agreed(machines, visitor)
    citizens = redeemed(machines, visitor)["access_token"]
    client = machines.app.test_client()

    assert client.get(f"{BASE}/Consent?patient=x").status_code == 401
    assert client.get(f"{BASE}/Consent?patient=x", headers=basic("portal")).status_code == 403
    assert get(machines, "/Consent?patient=x", citizens).status_code in (401, 403)


def test_each_look_of_a_machine_is_an_entry(machines, visitor):
    """The person reads who read their consents."""
    sub = sub_of(machines, visitor)
    get(machines, f"/Consent?patient={sub}", token_of(machines))

    assert "บริการอ่านรายการความยินยอมของคุณ" in visitor.get("/me/access").text


def test_discovery_tells_the_truth(site):
    """SMART 2.2 and FHIR R4: derived from our own metadata; readable by any page."""
    client = site.app.test_client()
    smart = client.get(f"{BASE}/.well-known/smart-configuration", headers={"Accept": "text/html"})
    statement = client.get(f"{BASE}/metadata").json
    ours = client.get("/.well-known/openid-configuration").json

    assert smart.content_type == "application/json"
    assert smart.headers["Access-Control-Allow-Origin"] == "*"
    for name in ("token_endpoint", "grant_types_supported", "code_challenge_methods_supported", "jwks_uri"):
        assert smart.json[name] == ours[name]
    assert "plain" not in smart.json["code_challenge_methods_supported"]
    assert smart.json["management_endpoint"].endswith("/me/consents")
    assert statement["fhirVersion"] == "4.0.1"
    assert [one["type"] for one in statement["rest"][0]["resource"]] == ["Consent", "AuditEvent"]


def test_a_standing_refusal_hides_everything_from_machines(machines, visitor):
    """What is refused in general is as if it were not there: gone from search, and from read to the byte."""
    record = agreed(machines, visitor)
    sub = claims_of(redeemed(machines, visitor)["access_token"])["sub"]
    token = token_of(machines)
    with machines.work.sessions.writing() as session:
        ring = machines.work.rings.at(machines.clock())
        refusing.object_to(
            session,
            PersonSealer(ring, session),
            refusing.No(Level.facility, recipient_id=machines.hospital),
            subject_id=machines.citizen,
            actor_id=machines.citizen,
            aal="2.1",
            now=machines.clock(),
        )

    known = get(machines, f"/Consent?patient={sub}", token)
    read = get(machines, f"/Consent/{record}", token)
    nothing = get(machines, f"/Consent/{uuid4()}", token)
    holder = machines.app.test_client().get(f"{BASE}/Consent?patient={sub}", headers=basic())

    nobody = get(machines, f"/Consent?patient={'0' * 64}", token)
    assert known.json == holder.json == nobody.json
    assert (known.json["total"], "entry" in known.json) == (0, False)
    assert (read.status_code, read.data) == (nothing.status_code, nothing.data)


@pytest.fixture
def mine(site):
    """The operator's own application, registered for MYDATA."""
    with site.work.sessions.writing() as session:
        ours = directory.LegalEntity(
            name_th="ผู้ให้บริการยินยอม",
            name_en="Operator",
            kind="authority",
            controller_contact="c@example.test",
            dpo_contact="d@example.test",
            own_app=True,
        )
        session.add(ours)
        session.flush()
        clients.register(
            session,
            client_id="portal-of-mine",
            name_th="แอปของฉัน",
            name_en="My app",
            legal_entity_id=ours.id,
            kind="web",
            purposes={"SIGNIN": ["openid", "profile"], "MYDATA": ["moph.consent.read", "moph.audit.read.self"]},
            redirect_uris=[CALLBACK],
            secret=SECRET,
            now=site.clock.now,
        )
    return site


def own_token(site, visitor, scope="openid profile purpose:MYDATA"):
    """The citizen lets the operator's application read their consents and their log."""
    visitor.get(site.authorize_url(client_id="portal-of-mine", scope=scope))
    if visitor.at.name == "consent":
        visitor.send("consent-form", "allow", purpose="MYDATA")
    form = {
        "grant_type": "authorization_code",
        "code": query(visitor.at.refresh)["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    answer = site.app.test_client().post("/oauth/token", data=form, auth=("portal-of-mine", SECRET))
    assert answer.status_code == 200, answer.text
    return answer.json["access_token"]


def test_a_person_reads_all_of_their_own(mine, visitor):
    """SMART `patient/Consent.rs` is spelled `moph.consent.read` here: MYDATA, asked, at its levels."""
    record = agreed(mine, visitor)
    token = own_token(mine, visitor)

    all_of_it = found(get(mine, "/Consent", token))
    one = get(mine, f"/Consent/{record}", token)

    assert str(record) in {resource["id"] for resource in all_of_it}
    assert one.json["provision"]["type"] == "permit"
    assert found(get(mine, f"/Consent?patient={'0' * 64}", token)) == []


def test_a_person_reads_their_own_log_as_audit_events(mine, visitor):
    """BALP, NDJSON's sibling: a page at a time, the newest first, and no pseudonym of the person."""
    agreed(mine, visitor)
    token = own_token(mine, visitor)

    first = get(mine, "/AuditEvent?_count=3", token)
    links = {link["relation"]: link["url"] for link in first.json["link"]}
    second = get(mine, links["next"].partition(BASE)[2], token)

    ids = [entry["resource"]["id"] for answer in (first, second) for entry in answer.json["entry"]]
    assert len(ids) == len(set(ids)) == 6
    assert ids == sorted(ids, reverse=True)
    assert "the person" in first.text
    assert links["self"].endswith("/AuditEvent?_count=3"), "FHIR R4 3.1.1.5: a searchset says what it was asked"
    assert [link["relation"] for link in get(mine, "/AuditEvent?_count=100", token).json["link"]] == ["self"]
    assert get(mine, "/AuditEvent?patient=x", token).status_code == 400
    assert get(mine, "/AuditEvent?_before=x", token).status_code == 400


def test_somebody_elses_consent_is_not_found(mine, visitor):
    """Never forbidden: the same bytes as for one that does not exist."""
    agreed(mine, visitor)
    token = own_token(mine, visitor)
    mine.clock.tick(MINUTE)
    theirs = consented(mine)

    other, nothing = get(mine, f"/Consent/{theirs}", token), get(mine, f"/Consent/{uuid4()}", token)

    assert (other.status_code, other.data) == (nothing.status_code, nothing.data)
    assert other.status_code == 404


def test_one_scope_does_not_open_the_other(mine, visitor):
    """Consents and the log are two scopes; a machine's token opens nobody's log."""
    agreed(mine, visitor)
    token = own_token(mine, visitor, scope="openid profile moph.consent.read")

    assert get(mine, "/Consent", token).status_code == 200
    assert get(mine, "/AuditEvent", token).status_code == 403
    assert mine.app.test_client().get(f"{BASE}/AuditEvent", headers=basic()).status_code == 401


def test_what_was_withdrawn_opens_nothing_at_the_next_request(mine, visitor):
    """The live decision is asked at each use."""
    agreed(mine, visitor)
    token = own_token(mine, visitor)
    assert get(mine, "/Consent", token).status_code == 200
    with mine.work.sessions.reading() as session:
        own = records.for_subject(session, mine.citizen, now=mine.clock())
        (record,) = [one for one in own if one.purpose == "MYDATA"]
    visitor.get(f"/me/consents/{record.record_id}/withdraw")
    visitor.send("withdraw-form")

    assert get(mine, "/Consent", token).status_code in (401, 403)


def test_a_no_is_a_consent_that_denies(machines, visitor):
    """Asked, and refused: the receiver that asked may know; nobody else."""
    visitor.get(machines.authorize_url())
    visitor.sign_in()
    visitor.set_pin()
    visitor.send("consent-form", "refuse")
    with machines.work.sessions.reading() as session:
        person = machines.citizen
        sub = machines.work.rings.at(machines.clock()).pairwise(person, "portal.example.test")
        assert session is not None
    knows_numbers(machines)

    asked = {"patient.identifier": f"{systems.CID}|{SOMCHAI}"}
    hospital = found(search(machines, token_of(machines), **asked))
    stranger = get(machines, f"/Consent?patient={sub}", token_of(machines, "stranger", STRANGE))

    assert {(one["status"], one["provision"]["type"]) for one in hospital} == {("active", "deny")}
    assert found(stranger) == []
