import pytest

from consent.errors import NotAllowed, NotFound
from idp.oauth import clients, resources
from tests.fakes import NOW
from tests.idp.oauth.stage import HOLDER, REGISTERED, SECRET, _client


def test_a_secret_is_shown_once_and_kept_hashed(stage):
    """RFC 6749 section 2.3.1: random 256 bits."""
    client, secret = _client(stage.context.session, stage.hospital, client_id="new", secret=None)
    assert len(secret) >= 43
    assert secret not in vars(client).values()
    facts = clients.find(stage.context.session, "new")
    assert facts.check_client_secret(secret)
    assert not facts.check_client_secret(secret + "x")
    assert not facts.check_client_secret("é\x00\ud800")
    assert SECRET not in repr(facts)


def test_a_client_without_a_secret_matches_none(stage):
    """LIBRARIES 1.3 (11)."""
    app = clients.find(stage.context.session, "app")
    assert app.public
    assert not app.check_client_secret("")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "portal"}, "taken"),
        ({"client_id": "é"}, "invalid_client_metadata"),
        ({"client_id": "a b"}, "invalid_client_metadata"),
        ({"client_id": "0" * 64}, "invalid_client_metadata"),
        ({"client_id": "0190a200-0000-7000-8000-000000000000"}, "invalid_client_metadata"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://example.test/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a.test/", "https://b.test/"]}, "invalid_client_metadata"),
        ({"kind": "robot"}, "invalid_client_metadata"),
        ({"profile": "loose"}, "invalid_client_metadata"),
        ({"id_token_alg": "none"}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"auth_method": "none", "kind": "system"}, "invalid_client_metadata"),
        ({"secret": "short"}, "invalid_client_metadata"),
        ({"event_endpoint": "http://example.test/events"}, "invalid_client_metadata"),
        ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"purposes": {"PHR-SELF": ["patient/Patient.r"]}}, "recipient_kind"),
        ({"purposes": {"APPT": ["patient/Condition.rs"]}}, "unknown_scope"),
    ],
)
def test_a_registration_that_must_be_refused(stage, changes, code):
    """RFC 7591 section 2; DECISIONS 9; attack O31."""
    with pytest.raises(NotAllowed) as refused:
        _client(stage.context.session, stage.hospital, **{"client_id": "new", **changes})
    assert refused.value.code == code


def test_suspending_is_seen_at_once_and_may_be_repeated(stage):
    """The cache of this process is dropped with the act."""
    session = stage.context.session
    assert clients.find(session, "portal").active
    clients.suspend(session, "portal", now=NOW)
    clients.suspend(session, "portal", now=NOW)
    assert not clients.find(session, "portal").active
    assert len(stage.events("client.suspended")) == 1
    with pytest.raises(NotFound):
        clients.suspend(session, "nobody", now=NOW)


def test_facts_are_read_anew_after_five_seconds(stage, monkeypatch):
    """Another process's change is seen then."""
    session = stage.context.session
    clock = [100.0]
    monkeypatch.setattr(clients.time, "monotonic", lambda: clock[0])
    clients.find(session, "portal")
    session.query(clients.Client).filter_by(id="portal").update({"name_en": "New name"})
    assert clients.find(session, "portal").name_en != "New name"
    clock[0] += 5
    assert clients.find(session, "portal").name_in("en") == "New name"


def test_the_sector_is_the_redirect_host_unless_named(stage):
    """OIDC Core 8.1; DECISIONS 7."""
    assert clients.find(stage.context.session, "portal").sector == "portal.example.test"
    assert clients.find(stage.context.session, "app").sector == "app.example.test"
    assert clients.find(stage.context.session, "holder").sector == "holder"


def test_listing(stage):
    """`idp client list`."""
    ids = [client.id for client in clients.everyone(stage.context.session)]
    assert ids == sorted(ids)
    assert {c.id for c in clients.of_recipient(stage.context.session, stage.hospital)} == {*ids} - {"robot"}
    assert clients.find(stage.context.session, "portal").purposes == {c: tuple(s) for c, s in REGISTERED.items()}


def test_a_resource_is_an_absolute_uri(stage):
    """RFC 8707 section 2."""
    for bad in ("records", HOLDER + "#x", "https://é.test"):
        with pytest.raises(NotAllowed):
            resources.register(
                stage.context.session, identifier=bad, legal_entity_id=stage.hospital, client_id=None, now=NOW
            )


def test_a_holder_takes_what_it_has_a_use_for():
    """Data minimisation: scopes of other holders are not put into its tokens."""
    facts = resources.ResourceFacts("i", None, "s", accepts=("patient/Immunization", "moph."))
    assert facts.takes("patient/Immunization.rs")
    assert not facts.takes("patient/Condition.rs")
    assert resources.ResourceFacts("i", None, "s").takes("anything")
