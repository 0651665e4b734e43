"""Rules of the catalogue that need nothing else, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import purposes
from consent.errors import NotAllowed, ScopeError
from consent.purposes import check_registration, resolve, screens, token_life_s
from consent.scopes import covers

CODES = [row.code for row in purposes.all()]
PORTAL = {
    "SIGNIN": ["openid", "profile"],
    "CONTACT": ["email", "phone", "address"],
    "PHR-SELF": ["patient/Patient.r", "patient/Condition.rs", "patient/Observation.rs?category=vital-signs"],
    "LAB-VIEW": ["patient/Observation.rs?category=laboratory"],
    "RX-VIEW": [],
    "PID": ["moph.pid"],
}
HOSPITAL = {
    "EHR-SHARE": ["patient/Condition.rs", "patient/Observation.rs", "user/Condition.rs"],
    "EHR-SENS": [],
    "CARE": ["user/Patient.r", "user/Encounter.crus"],
    "BREAKGLASS": ["moph.breakglass"],
    "AUDIT": ["moph.audit.read"],
}


@pytest.mark.parametrize(
    ("asked", "registered", "granted"),
    [
        ("openid profile", PORTAL, {"SIGNIN": "openid profile"}),
        ("openid email", PORTAL, {"SIGNIN": "openid", "CONTACT": "email"}),
        ("openid", {"SIGNIN": []}, {"SIGNIN": "openid"}),
        ("patient/Condition.r openid", PORTAL, {"PHR-SELF": "patient/Condition.r", "SIGNIN": "openid"}),
        ("patient/Condition.read openid", PORTAL, {"PHR-SELF": "patient/Condition.rs", "SIGNIN": "openid"}),
        (
            "patient/Observation.rs?category=laboratory patient/Observation.r?category=vital-signs&code=85354-9",
            PORTAL,
            {
                "LAB-VIEW": "patient/Observation.rs?category=laboratory",
                "PHR-SELF": "patient/Observation.r?category=vital-signs&code=85354-9",
            },
        ),
        ("purpose:PHR-SELF", PORTAL, {"PHR-SELF": " ".join(PORTAL["PHR-SELF"])}),
        ("purpose:PHR-SELF patient/Condition.r", PORTAL, {"PHR-SELF": "patient/Condition.r"}),
        ("patient/Condition.r purpose:PHR-SELF", PORTAL, {"PHR-SELF": "patient/Condition.r"}),
        (
            "purpose:RX-VIEW",
            PORTAL,
            {"RX-VIEW": "patient/MedicationRequest.rs patient/MedicationDispense.rs patient/AllergyIntolerance.rs"},
        ),
        ("purpose:RX-VIEW patient/AllergyIntolerance.r", PORTAL, {"RX-VIEW": "patient/AllergyIntolerance.r"}),
        ("moph.pid", PORTAL, {"PID": "moph.pid"}),
        ("purpose:PID moph.pid", PORTAL, {"PID": "moph.pid"}),
        ("moph.sensitive.hiv", HOSPITAL, {"EHR-SENS": "moph.sensitive.hiv"}),
        ("purpose:EHR-SHARE", HOSPITAL, {"EHR-SHARE": "patient/Condition.rs patient/Observation.rs"}),
        ("user/Condition.r", HOSPITAL, {"EHR-SHARE": "user/Condition.r"}),
        ("moph.breakglass user/Condition.rs", HOSPITAL, {"BREAKGLASS": "moph.breakglass user/Condition.rs"}),
        ("purpose:BREAKGLASS user/Condition.r", HOSPITAL, {"BREAKGLASS": "user/Condition.r"}),
        ("moph.audit.read", HOSPITAL, {"AUDIT": "moph.audit.read"}),
        ("purpose:AUDIT", HOSPITAL, {"AUDIT": "moph.audit.read"}),
        ("openid openid openid", PORTAL, {"SIGNIN": "openid"}),
        ("", PORTAL, {}),
    ],
)
def test_a_request_resolves_to_purposes(asked, registered, granted):
    """Catalogue rule 1."""
    found = resolve(asked.split(), registered)

    assert found.purposes == {code: tuple(under.split()) for code, under in granted.items()}
    assert list(found.purposes) == list(granted)


@pytest.mark.parametrize(
    ("asked", "registered", "candidates"),
    [
        ("patient/Observation.rs", PORTAL, ("PHR-SELF", "LAB-VIEW")),
        ("patient/Condition.cruds", PORTAL, ("PHR-SELF",)),
        ("patient/*.rs", PORTAL, ("PHR-SELF", "LAB-VIEW", "RX-VIEW")),
        ("patient/Observation.r?category=vital-signs&category=laboratory", PORTAL, ("PHR-SELF", "LAB-VIEW")),
        ("patient/AllergyIntolerance.r", PORTAL, ("RX-VIEW",)),
        ("patient/Encounter.r", PORTAL, ()),
        ("purpose:IMM-VIEW", PORTAL, ()),
        ("purpose:IMM-VIEW openid", PORTAL, ()),
        ("moph.demographics", PORTAL, ()),
        ("email", {"SIGNIN": ["openid"]}, ()),
        ("profile", {"SIGNIN": ["openid"]}, ()),
        ("moph.audit.export", HOSPITAL, ()),
        ("user/AllergyIntolerance.rs", HOSPITAL, ("BREAKGLASS",)),
        ("moph.sensitive.hiv", {"PHR-SENS": [], "EHR-SENS": []}, ("PHR-SENS", "EHR-SENS")),
        (
            "purpose:PHR-SELF purpose:EHR-SHARE patient/Condition.r",
            {"PHR-SELF": [], "EHR-SHARE": ["patient/Condition.rs"]},
            ("PHR-SELF", "EHR-SHARE"),
        ),
        ("patient/Patient.r?identifier=1999000010012", PORTAL, ()),
        ("ขอ", PORTAL, ()),
    ],
)
def test_what_does_not_lead_to_one_purpose_is_refused_with_the_candidates(asked, registered, candidates):
    """Catalogue rule 1: never a guess."""
    with pytest.raises(ScopeError) as refusal:
        resolve(asked.split(), registered)

    assert refusal.value.code == "invalid_scope"
    assert refusal.value.candidates == candidates


def test_a_named_purpose_takes_a_scope_that_another_owns():
    """Catalogue rule 1: a named purpose comes before the owner."""
    registered = {"EHR-SHARE": ["patient/Condition.rs"], "PHR-SELF": []}

    assert resolve(["patient/Condition.r"], registered).purposes == {"EHR-SHARE": ("patient/Condition.r",)}
    assert resolve(["purpose:PHR-SELF", "patient/Condition.r"], registered).purposes == {
        "PHR-SELF": ("patient/Condition.r",)
    }


def test_unknown_scopes_are_ignored_and_listed():
    """Catalogue rule 1, RFC 6749 section 3.3: a client written for another server still works."""
    strange = ("fhirUser", "launch/patient", "moph.nothing", "purpose:NOPE", "patient/Basic.r", "patient/Basic.read")

    found = resolve(["openid", *strange], PORTAL)

    assert found.purposes == {"SIGNIN": ("openid",)}
    assert found.ignored == strange


@pytest.mark.parametrize(
    ("asked", "granted"),
    [("openid offline_access", True), ("moph.pid offline_access", False), ("offline_access", False), ("openid", False)],
)
def test_offline_access_is_a_modifier(asked, granted):
    """Catalogue rule 8: only beside a purpose with refresh=Y."""
    assert resolve(asked.split(), PORTAL).offline_access is granted


def test_research_never_stands_in_a_treatment_request():
    """Catalogue rule 9."""
    with pytest.raises(ScopeError) as refusal:
        resolve(["purpose:RX-DISP", "purpose:RES-DEID"], {"RX-DISP": [], "RES-DEID": []})

    assert refusal.value.candidates == ("RES-DEID", "RX-DISP")


def test_too_many_scopes_are_refused():
    """A request is read by people and kept in the log."""
    with pytest.raises(ScopeError):
        resolve([f"word{n}" for n in range(101)], PORTAL)


@given(st.lists(st.sampled_from(CODES), unique=True, max_size=6), st.data())
def test_whatever_is_granted_is_covered_by_the_row_it_is_granted_under(codes, data):
    """Catalogue rule 1: no request ever gets more than the catalogue has."""
    registered = {code: list(purposes.get(code).all_scopes) if data.draw(st.booleans()) else [] for code in codes}
    words = [f"purpose:{code}" for code in codes] + [s for code in codes for s in purposes.get(code).all_scopes]
    asked = data.draw(st.lists(st.sampled_from(words), max_size=6)) if words else []

    try:
        found = resolve(asked, registered)
    except ScopeError:
        return

    for code, under in found.purposes.items():
        assert code in registered
        assert all(any(covers(row, scope) for row in purposes.get(code).all_scopes) for scope in under)


@pytest.mark.parametrize(
    ("registered", "kind", "own_app", "code"),
    [
        ({"NOPE": []}, "hospital", False, "unknown_purpose"),
        ({"PHR-SELF": []}, "hospital", False, "recipient_kind"),
        ({"CERT-JOB": []}, "employer", False, "recipient_kind"),
        ({"CERT-VIEW": []}, "third_party_app", False, "recipient_kind"),
        ({"PHR-SELF": ["patient/Condition.rs", "patient/Immunization.rs"]}, "own_app", True, "unknown_scope"),
        ({"PHR-SELF": ["patient/Condition.crus"]}, "third_party_app", False, "unknown_scope"),
        ({"BREAKGLASS": ["user/Condition.rs"]}, "hospital", False, "by_name_only"),
        (
            {"PHR-SELF": ["patient/AllergyIntolerance.rs"], "RX-VIEW": ["patient/AllergyIntolerance.r"]},
            "third_party_app",
            False,
            "scope_overlap",
        ),
        (
            {
                "PHR-SELF": ["patient/Observation.rs?category=vital-signs"],
                "SELFMEAS": ["patient/Observation.crs?category=vital-signs"],
            },
            "third_party_app",
            False,
            "scope_overlap",
        ),
        ({"PHR-SENS": [], "EHR-SENS": []}, "hospital", True, "scope_overlap"),
    ],
)
def test_a_registration_that_could_not_be_resolved_is_refused(registered, kind, own_app, code):
    """Catalogue rules 1 and 5."""
    with pytest.raises(NotAllowed) as refusal:
        check_registration(registered, recipient_kind=kind, own_app=own_app)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("registered", "kind", "own_app"),
    [
        (PORTAL, "hospital", True),
        ({k: v for k, v in PORTAL.items() if k != "PID"}, "third_party_app", False),
        (HOSPITAL | {"AUDIT": []}, "hospital", True),
        ({"PHR-SELF": ["patient/AllergyIntolerance.rs"], "RX-VIEW": []}, "third_party_app", False),
        ({"RX-DISP": []}, "drugstore", False),
        ({"CERT-JOB": []}, "third_party_app", True),
        ({"DIRECTORY": ["moph.facility.read"]}, "employer", False),
    ],
)
def test_a_sound_registration_passes(registered, kind, own_app):
    """Catalogue rules 1 and 5: own_app is the operator's client; a public row is for anyone."""
    check_registration(registered, recipient_kind=kind, own_app=own_app)


@pytest.mark.parametrize(
    ("code", "case", "basis"),
    [
        ("PHR-SELF", {}, "C26"),
        ("PHR-SELF", {"own_app": True}, "RIGHT30"),
        ("PID", {"own_app": True}, "C19"),
        ("PID", {"facility": True}, "LAW"),
        ("APPT", {"own_app": True, "same_controller": True}, "TREAT"),
        ("RES-DEID", {"ethics": True}, "RES"),
        ("PROXY", {"guardian": True}, "RIGHT30"),
        ("SIGNIN", {"facility": True}, "CON"),
    ],
)
def test_the_leftmost_true_condition_gives_the_basis(code, case, basis):
    """Catalogue rule 3."""
    assert purposes.basis_for(purposes.get(code), **case) == basis


def test_only_the_two_consents_are_asked():
    """Catalogue rule 3."""
    bases = {basis for row in purposes.all() for basis in purposes.possible_bases(row)}

    assert {basis for basis in bases if purposes.is_asked(basis)} == {"C26", "C19"}


@pytest.mark.parametrize(
    ("codes", "introspected", "seconds"),
    [
        (["SIGNIN"], False, 300),
        (["SIGNIN", "PHR-SELF"], False, 60),
        (["SIGNIN", "PID"], False, 0),
        (["SIGNIN", "PID"], True, 300),
        (["PHR-SELF", "PID"], True, 60),
        (["DIRECTORY"], False, 300),
        ([], False, 300),
    ],
)
def test_a_token_lives_as_short_as_its_strictest_purpose(codes, introspected, seconds):
    """Catalogue rule 7."""
    assert token_life_s(codes, introspected=introspected) == seconds


@pytest.mark.parametrize(
    ("codes", "shown"),
    [
        (["SIGNIN", "CONTACT", "PHR-SELF"], [("SIGNIN", "CONTACT", "PHR-SELF")]),
        (["SIGNIN", "EHR-SHARE", "EHR-SENS", "CONTACT"], [("SIGNIN", "EHR-SHARE", "CONTACT"), ("EHR-SENS",)]),
        (["SIGNIN", "RES-DEID", "CARE"], [("SIGNIN", "RES-DEID"), ("CARE",)]),
        (["TELEMED", "TELEREC", "TELEMED"], [("TELEMED",), ("TELEREC",)]),
        (["PHR-SENS", "PHR-SELF"], [("PHR-SENS",), ("PHR-SELF",)]),
        ([], []),
    ],
)
def test_screens_keep_apart_what_may_not_be_together(codes, shown):
    """Catalogue rule 9; a notice obeys it too."""
    assert screens(codes) == shown


@given(st.lists(st.sampled_from(CODES)))
def test_every_code_is_on_one_screen_and_no_screen_mixes(codes):
    """Catalogue rule 9, for every combination."""
    found = screens(codes)

    assert sorted(code for screen in found for code in screen) == sorted(set(codes))
    for screen in found:
        for code in screen:
            assert purposes.get(code).never_with.isdisjoint(screen)


@pytest.mark.parametrize(
    ("level", "floor", "enough"),
    [
        ("2.1", "2.1", True),
        ("2.2", "2.1", True),
        ("3", "2.3", True),
        ("1", "2.1", False),
        ("", "1", False),
        ("", None, True),
    ],
)
def test_levels_are_ordered(level, floor, enough):
    """ETDA 18/19/20-2564: 1 < 2.1 < 2.2 < 3."""
    assert purposes.reaches(level, floor) is enough
