"""Who may ask, who keeps data, who answers for them: made by command, refused in one sentence."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from idp.db import make_engine, make_sessions
from idp.oauth import clients, resources
from idp.outbox import Letter
from tests.fakes import NOW

REDIRECT = "https://portal.example.test/callback"
SHOP = ("--name-th", "ร้านยาของเรา", "--name-en", "Our drugstore", "--kind", "drugstore")
INSURER = ("--name-th", "ประกันของเรา", "--name-en", "Our insurer", "--kind", "insurer")
CONTACTS = ("--controller-contact", "010-000-0900", "--dpo-contact", "dpo@example.test")
RECORDS = "https://records.example.test"


@pytest.fixture
def stored(env):
    """What the server would read."""
    sessions = make_sessions(make_engine(env["YINYOM_DATABASE_URL"]))
    with sessions.reading() as session:
        yield session
    sessions.engine.dispose()


def add(idp, *more, entity="Our hospital", redirect=REDIRECT):
    names = ("--name-th", "พอร์ทัล", "--name-en", "Portal", "--entity", entity)
    return idp("client", "add", *names, "--purpose", "SIGNIN", "--redirect", redirect, *more)


def said(result, name):
    assert result.exit_code == 0, result.output
    return re.search(rf"{name} +(.+)", result.output)[1]


def test_an_organisation_is_registered_and_listed(with_hospital):
    """Its id, kind and names."""
    made = said(with_hospital("entity", "add", *INSURER, *CONTACTS), "entity_id")

    listed = with_hospital("entity", "list").output.splitlines()

    assert f"{made}\tinsurer\tOur insurer\tประกันของเรา" in listed
    assert len(listed) == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((*SHOP, *CONTACTS), "licence"),
        ((*SHOP, *CONTACTS, "--hcode", "99124"), "licence"),
        ((*SHOP, *CONTACTS, "--hcode", "99123", "--licence-until", "2099-12-31"), "99123 is taken"),
        ((*SHOP, *CONTACTS, "--hcode", "1234", "--licence-until", "2099-12-31"), "5 digits"),
        ((*INSURER, "--controller-contact", " ", "--dpo-contact", "dpo@example.test"), "empty"),
        (("--name-th", "x", "--name-en", "Our hospital", "--kind", "insurer", *CONTACTS), "already here"),
    ],
)
def test_an_organisation_that_could_not_work_is_refused(with_hospital, refusal, asked, words):
    """Catalogue rule 5, PDPA s.23: no licence, no contact, a name twice."""
    assert words in refusal(with_hospital("entity", "add", *asked))
    assert len(with_hospital("entity", "list").output.splitlines()) == 1


def test_a_kind_outside_the_catalogue_is_refused(migrated):
    """No purpose names it, so it could receive nothing."""
    assert migrated("entity", "add", *SHOP[:-1], "casino", *CONTACTS).exit_code == 2


@pytest.mark.parametrize("word", ["Our hospital", "โรงพยาบาลของเรา", "its id"])
def test_a_client_names_its_organisation_by_id_or_name(with_hospital, word):
    """Nobody knows a UUID by heart."""
    listed = with_hospital("entity", "list").output.partition("\t")[0]

    assert add(with_hospital, entity=listed if word == "its id" else word).exit_code == 0


@pytest.mark.parametrize("word", ["Our hospita", "01980000-0000-7000-8000-000000000009", ""])
def test_an_unknown_organisation_is_refused(with_hospital, refusal, word):
    """Exact, never a guess; and where to look."""
    assert "idp entity list" in refusal(add(with_hospital, entity=word))


def test_a_client_is_registered_listed_and_suspended(with_hospital):
    """The secret is shown once."""
    made = add(with_hospital, "--purpose", "EHR-SHARE")
    client_id, secret = said(made, "client_id"), said(made, "client_secret")

    listed = with_hospital("client", "list").output
    suspended = with_hospital("client", "suspend", client_id)

    assert len(secret) >= 43
    assert secret not in listed
    assert f"{client_id}\tactive\tweb\tPortal" in listed
    assert suspended.exit_code == 0
    assert f"{client_id}\tsuspended" in with_hospital("client", "list").output


def test_all_that_a_registration_can_say_is_kept(with_hospital, stored):
    """OIDC Registration 2: what the server will read is what was typed."""
    more = ("--policy", "https://h.test/p", "--tos", "https://h.test/t", "--logo", "https://h.test/l")
    signing = ("--id-token-alg", "RS256", "--profile", "compat", "--sector", "h.test")
    leaving = ("--post-logout", "https://portal.example.test/bye", "--grant-type", "authorization_code")

    add(with_hospital, "--id", "portal", *more, *signing, *leaving)

    made = clients.find(stored, "portal")
    assert (made.policy_uri, made.tos_uri, made.logo_uri) == (
        "https://h.test/p",
        "https://h.test/t",
        "https://h.test/l",
    )
    assert (made.id_token_alg, made.profile, made.sector) == ("RS256", "compat", "h.test")
    assert made.post_logout_redirect_uris == ("https://portal.example.test/bye",)
    assert made.grant_types == {"authorization_code"}


def test_a_purpose_is_narrowed_to_some_of_its_scopes(with_hospital, stored):
    """PDPA s.22: no more than is needed."""
    narrow = ("--scope", "EHR-SHARE=patient/Observation.rs", "--scope", "EHR-SHARE=patient/Condition.rs")

    add(with_hospital, "--id", "portal", "--purpose", "EHR-SHARE", *narrow)

    asked = clients.find(stored, "portal").purposes
    assert asked == {"SIGNIN": ("openid", "profile"), "EHR-SHARE": ("patient/Observation.rs", "patient/Condition.rs")}


def test_purposes_that_overlap_are_told_apart_by_name(with_hospital, refusal):
    """Catalogue rule 1: never a guess; `CODE=` leaves the purpose its name."""
    both = ("--purpose", "EHR-SHARE", "--purpose", "TELEPHARM")

    assert "by name only" in refusal(add(with_hospital, *both))
    assert add(with_hospital, *both, "--scope", "TELEPHARM=").exit_code == 0


def test_a_native_client_is_public(with_hospital, stored):
    """RFC 6749 section 2.1, RFC 8252 section 8.4: an app keeps no secret."""
    made = add(with_hospital, "--kind", "native", "--id", "app", redirect="http://127.0.0.1/callback")

    assert said(made, "client_secret").startswith("(none: ")
    assert clients.find(stored, "app").public


def test_a_system_acts_for_itself(with_hospital, stored):
    """RFC 6749 section 4.4."""
    system = ("--name-th", "ระบบ", "--name-en", "System", "--kind", "system", "--entity", "Our hospital")

    made = with_hospital("client", "add", *system, "--id", "his", "--purpose", "CLAIM")

    assert len(said(made, "client_secret")) >= 43
    assert clients.find(stored, "his").grant_types == {"client_credentials"}


@pytest.mark.parametrize(
    "more",
    [
        ("--purpose", "NO-SUCH"),
        ("--purpose", "INSURE"),
        ("--redirect", "http://portal.example.test/callback"),
        ("--redirect", "https://portal.example.test/#here"),
        ("--events", "http://portal.example.test/events"),
        ("--resource", RECORDS),
        ("--scope", "patient/Observation.rs"),
        ("--scope", "EHR-SHARE=patient/Observation.rs"),
        ("--scope", "SIGNIN=patient/Observation.rs"),
        ("--kind", "native", "--grant-type", "client_credentials"),
    ],
)
def test_what_may_not_be_registered_is_refused_in_one_sentence(with_hospital, refusal, more):
    """Catalogue rule 5, RFC 9700 section 2.1, RFC 8707."""
    refusal(add(with_hospital, *more))


def test_an_unknown_client_cannot_be_suspended(migrated, refusal):
    """One sentence."""
    assert "no such client" in refusal(migrated("client", "suspend", "svc-unknown"))


def test_a_resource_server_comes_with_its_client_for_introspection(with_hospital, stored):
    """RFC 7662 section 2.1: it authenticates; the secret is shown once."""
    made = with_hospital(
        "resource", "add", "--identifier", RECORDS, "--entity", "Our hospital", "--accepts", "patient/"
    )
    client_id, secret = said(made, "client_id"), said(made, "client_secret")

    facts, listed = resources.find(stored, RECORDS), with_hospital("resource", "list").output
    assert (facts.client_id, facts.accepts, facts.introspects) == (client_id, ("patient/",), True)
    assert clients.find(stored, client_id).check_client_secret(secret)
    assert listed == f"{RECORDS}\t{client_id}\tpatient/\n"
    assert add(with_hospital, "--resource", RECORDS).exit_code == 0


def test_a_resource_server_may_say_that_it_never_asks_live(with_hospital, stored):
    """Catalogue rule 7: then no token whose purpose allows no second offline."""
    with_hospital("resource", "add", "--identifier", RECORDS, "--entity", "Our hospital", "--offline-only")

    assert not resources.find(stored, RECORDS).introspects


@pytest.mark.parametrize("identifier", [RECORDS, "records", "https://records.example.test/#part"])
def test_a_resource_is_one_absolute_uri_once(with_hospital, refusal, identifier):
    """RFC 8707 section 2; and a refusal leaves no client behind."""
    with_hospital("resource", "add", "--identifier", RECORDS, "--entity", "Our hospital")

    refusal(with_hospital("resource", "add", "--identifier", identifier, "--entity", "Our hospital"))

    assert len(with_hospital("client", "list").output.splitlines()) == 1


def test_what_is_registered_stands_in_the_log(with_hospital, stored):
    """An auditor can see when an organisation came, and when a service did."""
    add(with_hospital)

    events = stored.scalars(text("SELECT event FROM audit_entry ORDER BY id")).all()
    assert [event for event in events if event.endswith(".registered")] == ["entity.registered", "client.registered"]


def test_a_service_that_does_not_listen_is_named_and_served_again(with_hospital, stored, env):
    """RFC 8935: what was given up after 72 h is not lost; whoever runs the server sends it again."""
    client_id = said(add(with_hospital), "client_id")
    sessions = make_sessions(make_engine(env["YINYOM_DATABASE_URL"]))
    with sessions.writing() as session:
        facts = {"kind": "set", "key": "withdrawn:1", "subject_id": uuid4(), "client_id": client_id, "state": "dead"}
        when = dict.fromkeys(("queued_at", "next_at", "until"), NOW)
        session.add(Letter(**facts, **when, attempts=9, to_sealed=b"x", body_sealed=b"x"))
    sessions.engine.dispose()

    assert with_hospital("client", "events").output.split("\t")[:3] == [client_id, "1", "0"]
    assert "1 events are queued again" in with_hospital("client", "events", "--again", client_id).output

    assert stored.scalars(select(Letter.state)).all() == ["queued"]
    assert "There is no client nobody" in with_hospital("client", "events", "--again", "nobody").output


def test_s40_s41_the_agreement_with_an_organisation_is_on_file_or_missed(with_hospital, refusal):
    """PDPA s.40–41: who is served without an agreement is named to whoever runs the server; a contact is required."""
    with_hospital("entity", "add", *INSURER, *CONTACTS, "--agreement", "DSA 1/2569")
    told = next(line for line in with_hospital("doctor").output.splitlines() if "agreements" in line)
    assert "Our hospital" in told
    assert "Our insurer" not in told

    assert with_hospital("entity", "agreement", "Our hospital", " DSA 2/2569 ").output == (
        "Our hospital: agreement DSA 2/2569\n"
    )

    told = next(line for line in with_hospital("doctor").output.splitlines() if "agreements" in line)
    assert "every organisation" in told
    assert "empty" in refusal(with_hospital("entity", "agreement", "Our hospital", " "))
    assert "idp entity list" in refusal(with_hospital("entity", "agreement", "Nobody", "1"))


def test_s28_a_service_that_keeps_data_abroad_is_registered_with_country_and_safeguard(with_hospital, stored):
    """PDPA s.28: both, and known words; otherwise in one sentence what is missing."""
    abroad = said(add(with_hospital, "--country", "SG", "--safeguard", "contract"), "client_id")
    at_home = said(add(with_hospital), "client_id")

    found = [clients.find(stored, made) for made in (abroad, at_home)]
    assert [(one.xb_country, one.xb_safeguard) for one in found] == [("SG", "contract"), (None, None)]


def test_s31_a_service_is_let_take_data_over_by_command(with_hospital, refusal, stored):
    """Only one that takes events and keeps a secret; and it can be taken back."""
    deaf = said(add(with_hospital), "client_id")
    made = said(add(with_hospital, "--events", "https://a.example.test/events"), "client_id")

    assert "takes data over" in with_hospital("client", "transfers", made).output
    assert clients.find(stored, made).takes_transfers_since is not None
    assert "takes no data over" in with_hospital("client", "transfers", made, "--refuse").output
    assert "event_endpoint" in refusal(with_hospital("client", "transfers", deaf))
    assert "no such client" in refusal(with_hospital("client", "transfers", "nobody"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--country", "Singapore", "--safeguard", "contract"), "two capital letters"),
        (("--country", "SG"), "safeguard"),
    ],
)
def test_half_a_statement_about_a_country_is_refused(with_hospital, refusal, asked, words):
    """A country without what protects the data there tells nobody anything."""
    assert words in refusal(add(with_hospital, *asked))


def test_s28_where_a_service_keeps_data_is_changed_by_command(with_hospital, refusal, stored):
    """An entry in the log; a client that is not there is named in one sentence."""
    made = said(add(with_hospital), "client_id")

    assert (
        "keeps data in SG" in with_hospital("client", "abroad", made, "--country", "SG", "--safeguard", "group").output
    )
    assert (clients.find(stored, made).xb_country, clients.find(stored, made).xb_safeguard) == ("SG", "group")
    assert "no such client" in refusal(with_hospital("client", "abroad", "nobody"))
    assert "safeguard" in refusal(with_hospital("client", "abroad", made, "--country", "SG"))
