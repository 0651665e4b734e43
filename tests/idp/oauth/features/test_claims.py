import json
from types import SimpleNamespace

import pytest

from idp.assurance import Aal, Ial
from idp.authorizing import unmet
from idp.oauth import provider
from idp.oauth.errors import AuthorizeError, RedirectError
from idp.oauth.features import claims
from idp.oauth.grants import answered_acr
from idp.prompts import Facts

AAL = "urn:yinyom:aal:"


def asked(stage, changes=None, **id_token):
    return stage.check(claims=json.dumps({"id_token": id_token}), **(changes or {}))


def refused(stage, text):
    with pytest.raises(RedirectError) as error:
        stage.check(claims=text)
    return error.value.error


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '"x"', "null", '{"id_token": 1}', "[" * 4000, '{"id_token": {"acr": 1}}'),
        *(
            '{"id_token": {"acr": []}}',
            '{"id_token": {"acr": {"values": "x"}}}',
            '{"id_token": {"acr": {"value": 2.1}}}',
        ),
        '{"id_token": {"sub": {"value": {}}}}',
    ],
)
def test_malformed_claims_are_an_invalid_request(stage, text):
    """OIDC Core 5.5; LIBRARIES 1.3 (5)."""
    assert refused(stage, text) == "invalid_request"


def test_claims_about_the_person_open_nothing_and_are_no_error(stage):
    """PDPA s.22: scopes and consents decide what a service sees; OIDC Core 5.5.1: unknown claims are ignored."""
    plain = stage.check()
    text = '{"userinfo": {"phone_number": {"essential": true}, "x": null}, "id_token": {"name": null, "acr": null}}'
    assert stage.check(claims=text) == plain


def test_an_essential_acr_is_kept_as_one_and_only_what_can_be_reached(stage):
    """OIDC Core 5.5.1.1."""
    found = asked(stage, acr={"essential": True, "values": ["urn:x", AAL + "2.2", AAL + "2.1", AAL + "3"]})
    assert found.acr_essential == (AAL + "2.1", AAL + "2.2")


@pytest.mark.parametrize("values", [["urn:x"], [AAL + "3"], [AAL + "9"]])
def test_an_essential_acr_that_nobody_reaches_is_refused_at_once(stage, values):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0, section 2."""
    text = json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})
    assert refused(stage, text) == "unmet_authentication_requirements"


def test_an_essential_ial_names_the_least_that_is_enough(stage):
    """A claim of our own, asked for like any other (OIDC Core 5.5.1)."""
    assert asked(stage, ial={"essential": True, "values": ["2.3", "1.3"]}).ial == "1.3"
    assert asked(stage, ial={"value": "2.3"}).ial is None
    text = '{"id_token": {"ial": {"essential": true, "value": "9"}}}'
    assert refused(stage, text) == "unmet_authentication_requirements"


def test_a_voluntary_acr_is_acr_values_unless_those_were_given(stage):
    """OIDC Core 3.1.2.1: both at once is not specified; the parameter that is named for it wins."""
    assert asked(stage, acr={"values": [AAL + "2.1"]}).acr_values == (AAL + "2.1",)
    assert asked(stage, {"acr_values": AAL + "1"}, acr={"values": [AAL + "2.1"]}).acr_values == (AAL + "1",)


def test_the_subject_that_is_asked_for_is_the_person_who_must_sign_in(stage):
    """OIDC Core 5.5.1: `sub` with a value, as id_token_hint; two different persons cannot both be meant."""
    assert asked(stage, sub={"value": "somebody"}).hint_subject == "somebody"
    hint = stage.redeem(stage.code()).body["id_token"]
    with pytest.raises(RedirectError) as error:
        asked(stage, {"id_token_hint": hint}, sub={"value": "somebody"})
    assert error.value.error == "invalid_request"


def test_a_request_that_was_paused_by_yesterdays_code_goes_on(stage):
    """Expand, then contract: what a worker of before wrote has no such fields."""
    found = stage.check()
    old = json.loads(found.to_json())
    del old["acr_essential"], old["ial"]
    assert type(found).from_json(json.dumps(old)) == found


@pytest.mark.parametrize(
    ("essential", "aal", "answer"),
    [
        ((), Aal.AAL2_2, None),
        ((AAL + "2.1",), Aal.AAL2_2, AAL + "2.1"),
        ((AAL + "2.1", AAL + "2.2"), Aal.AAL2_2, AAL + "2.2"),
        ((AAL + "2.2",), Aal.AAL2_1, None),
    ],
)
def test_the_answer_is_one_of_the_values_that_were_essential(essential, aal, answer):
    """OIDC Core 5.5.1.1: a stronger sign-in still answers with a value of the list."""
    assert answered_acr(essential, aal) == answer


@pytest.mark.parametrize(
    ("changes", "level", "out_of_reach"),
    [
        ({}, Facts(), False),
        ({"acr": AAL + "2.1"}, Facts(), True),
        ({"acr": AAL + "2.1"}, Facts(aal=Aal.AAL1), True),
        ({"acr": AAL + "2.1"}, Facts(aal=Aal.AAL2_2), False),
        ({"ial": "1.3"}, Facts(aal=Aal.AAL2_2, ial=Ial.IAL1_1), True),
        ({"ial": "1.3"}, Facts(aal=Aal.AAL2_2, ial=Ial.IAL2_3), False),
    ],
)
def test_who_turns_back_below_an_essential_level_did_not_meet_it(stage, changes, level, out_of_reach):
    """The service hears why: it cannot go on without the level."""
    found = asked(stage, **{name: {"essential": True, "value": value} for name, value in changes.items()})
    assert unmet(found, level) is out_of_reach


def test_discovery_says_that_the_parameter_is_read(stage):
    """OIDC Discovery 3."""
    assert provider.discovery(stage.context.settings)["claims_parameter_supported"] is True


@pytest.mark.parametrize("has_keys", [True, False])
def test_a_clinician_is_asked_for_a_security_key_only_where_there_are_makers_of_them(has_keys):
    """Without roots nobody reaches AAL3: refused at once instead of a dead end after the sign-in."""
    settings = SimpleNamespace(security_key_roots="roots.pem" if has_keys else None)
    said = {"id_token": {"acr": {"essential": True, "value": AAL + "3"}}}
    draft = SimpleNamespace(get=lambda _: json.dumps(said), sure={"launch": "handle", "hint_subject": None})

    if has_keys:
        claims.check(SimpleNamespace(settings=settings), draft)
        assert draft.sure["acr_essential"] == (AAL + "3",)
    else:
        with pytest.raises(AuthorizeError) as refusal:
            claims.check(SimpleNamespace(settings=settings), draft)
        assert refusal.value.error == "unmet_authentication_requirements"
