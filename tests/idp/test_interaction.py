from dataclasses import replace

import pytest

from consent.errors import NotAllowed, NotFound
from idp import interaction, subjects
from idp.assurance import Aal, Ial
from idp.prompts import Prompt, next_prompt
from tests.fakes import HOUR, MINUTE, SECOND
from tests.idp.oauth.stage import APPOINTMENT, query, set_up


@pytest.fixture
def stage(session, ring, settings):
    """The protocol's stage."""
    return set_up(session, ring, settings)


def begin(stage, *, browser="b", **changes):
    context = stage.context
    interaction_id = interaction.begin(
        context.session,
        context.ring,
        kind="authorize",
        request=stage.check(**changes),
        return_to=None,
        browser=browser,
        now=context.now,
        settings=context.settings,
    )
    return resume(stage, interaction_id, browser=browser)


def resume(stage, interaction_id, *, browser="b"):
    context = stage.context
    return interaction.resume(context.session, context.ring, interaction_id, browser=browser, now=context.now)


def prompt(stage, paused, signed_in):
    need = interaction.requirement(stage.context, paused, signed_in)
    return next_prompt(need, interaction.facts(stage.context, paused, signed_in))


def again(stage, **changes):
    return replace(stage.signed_in, **changes)


def test_a_paused_request_comes_back_whole(stage):
    """It waits sealed, under a hash."""
    paused = begin(stage, prompt="login", max_age="9")
    assert paused.request == stage.check(prompt="login", max_age="9")
    assert (paused.kind, paused.answer, paused.challenge_id) == ("authorize", None, None)
    row = stage.context.session.query(interaction.InteractionRow).one()
    assert paused.id not in (row.id_hash, row.browser_hash)
    assert b"portal" not in row.request
    assert [entry.client_id for entry in stage.events("authz.requested")] == ["portal"]


def test_another_browser_and_a_late_one_find_nothing(stage):
    """Login CSRF; Settings.interaction_lifetime."""
    paused = begin(stage)
    for who, browser in ((stage, "other"), (stage, ""), (stage.later(30 * MINUTE), "b")):
        with pytest.raises(NotFound):
            resume(who, paused.id, browser=browser)
    with pytest.raises(NotFound):
        resume(stage, "\x00é")


def test_a_challenge_is_attached(stage):
    """Which code this request waits for."""
    paused = begin(stage)
    interaction.attach_challenge(stage.context.session, paused, stage.citizen)
    assert resume(stage, paused.id).challenge_id == stage.citizen


def test_a_console_page_asks_for_a_level_only(stage):
    """`/sign-in?next=`."""
    context = stage.context
    interaction_id = interaction.begin(
        context.session,
        context.ring,
        kind="console",
        request=None,
        return_to="/me",
        browser="b",
        now=context.now,
        settings=context.settings,
        aal=Aal.AAL2_1,
    )
    paused = resume(stage, interaction_id)
    assert paused.return_to == "/me"
    assert interaction.requirement(context, paused).aal is Aal.AAL2_1
    assert prompt(stage, paused, again(stage, aal=Aal.AAL1)) is Prompt.STEP_UP
    assert prompt(stage, paused, stage.signed_in) is None
    answer = interaction.finish(context.session, context.ring, paused, answer="/me", now=context.now)
    assert answer == resume(stage, interaction_id).answer == "/me"
    for verb in (interaction.conclude, interaction.deny):
        with pytest.raises(NotAllowed):
            verb(context, paused, stage.signed_in)


def test_the_whole_loop_from_nobody_to_a_code(stage):
    """ARCHITECTURE, flow 1: sign in, step up, answer, code."""
    paused = begin(stage)
    assert prompt(stage, paused, None) is Prompt.LOGIN
    assert prompt(stage, paused, again(stage, aal=Aal.AAL1)) is Prompt.STEP_UP
    assert prompt(stage, paused, stage.signed_in) is Prompt.CONSENT
    assert interaction.undecided(stage.context, paused, stage.signed_in) == ("SIGNIN", "APPT")
    stage.agree("SIGNIN", "APPT")
    assert prompt(stage, paused, stage.signed_in) is None

    end = interaction.conclude(stage.context, paused, stage.signed_in)

    assert end.granted
    assert query(end.location)["state"] == "st"
    assert stage.redeem(query(end.location)["code"]).status == 200
    assert stage.events("authz.granted")[0].codes == ("SIGNIN", "APPT")


def test_a_double_tap_gets_the_first_answer(stage):
    """DECISIONS 14; one conditional UPDATE."""
    paused = begin(stage)
    stage.agree("SIGNIN", "APPT")
    first = interaction.conclude(stage.context, paused, stage.signed_in).location
    assert interaction.conclude(stage.context, paused, stage.signed_in).location == first
    assert interaction.deny(stage.context, paused, stage.signed_in).location == first
    assert resume(stage, paused.id).answer == first


def test_steps_cannot_be_skipped(stage):
    """ASVS 2.3.1: the end checks the whole way again."""
    paused = begin(stage)
    with pytest.raises(NotAllowed) as refused:
        interaction.conclude(stage.context, paused, stage.signed_in)
    assert refused.value.code == "unfinished"


def test_an_expired_request_is_not_concluded(stage):
    """The limit stands in the conditional UPDATE."""
    paused = begin(stage)
    stage.agree("SIGNIN", "APPT")
    with pytest.raises(NotFound):
        interaction.conclude(stage.later(HOUR).context, paused, stage.signed_in)


def test_turning_back_is_access_denied(stage):
    """OIDC Core 3.1.2.6; RFC 6749 section 4.1.2.1."""
    paused = begin(stage)
    answer = query(interaction.deny(stage.context, paused, None).location)
    assert answer["error"] == "access_denied"
    assert answer["error_description"] == "cancelled"
    assert resume(stage, paused.id).denied == "cancelled"
    assert stage.events("authz.denied")


def test_a_refused_purpose_is_left_out_and_sign_in_remains(stage):
    """PDPA s.19; DECISIONS 18: refusing never blocks signing in."""
    paused = begin(stage)
    stage.agree("SIGNIN")
    stage.refuse("APPT")
    end = interaction.conclude(stage.context, paused, stage.signed_in)
    assert APPOINTMENT not in stage.redeem(query(end.location)["code"]).body["scope"]


def test_with_everything_refused_access_is_denied_with_its_own_reason(stage):
    """DECISIONS 18."""
    paused = begin(stage, scope=APPOINTMENT)
    stage.refuse("APPT")
    end = interaction.conclude(stage.context, paused, stage.signed_in)
    assert (end.granted, end.reason) == (False, "refused")
    assert query(end.location)["error"] == "access_denied"


def test_a_refusal_is_remembered_and_raises_no_level(stage):
    """DECISIONS 18: without prompt=consent nobody is asked again, nor made to step up for it."""
    stage.agree("SIGNIN")
    stage.refuse("APPT")
    paused = begin(stage)
    weak = again(stage, aal=Aal.AAL1, factors=frozenset({"sms"}))
    assert prompt(stage, paused, weak) is None
    now = stage.later(SECOND)
    assert prompt(now, begin(now, prompt="consent"), weak) is Prompt.STEP_UP


def test_prompt_consent_asks_again_once(stage):
    """OIDC Core 3.1.2.1; DECISIONS 18."""
    stage.agree("SIGNIN")
    stage.refuse("APPT")
    now = stage.later(SECOND)
    paused = begin(now, prompt="consent")
    assert interaction.undecided(now.context, paused, stage.signed_in) == ("SIGNIN", "APPT")
    now.agree("SIGNIN", "APPT")
    assert prompt(now, paused, stage.signed_in) is None


def test_a_consent_for_less_is_asked_again(stage):
    """PDPA s.22: what was agreed to is what is granted."""
    from consent import records  # noqa: PLC0415

    stage.agree("SIGNIN")
    less = stage.choice("EHR-SHARE", scopes=("patient/AllergyIntolerance.rs",))
    records.give(stage.context.session, less, now=stage.context.now)
    scope = "openid patient/Encounter.rs patient/AllergyIntolerance.rs"
    paused = begin(stage, scope=scope)
    assert interaction.undecided(stage.context, paused, stage.signed_in) == ("EHR-SHARE",)
    assert prompt(stage, begin(stage, scope="openid patient/AllergyIntolerance.rs"), stage.signed_in) is None


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}])
def test_a_fresh_sign_in_is_asked_for_once_and_never_loops(stage, changes):
    """OIDC Core 3.1.2.1: measured from the beginning of the request."""
    stage.agree("SIGNIN", "APPT")
    now = stage.later(HOUR)
    paused = begin(now, **changes)
    assert prompt(now, paused, stage.signed_in) is Prompt.LOGIN
    fresh = again(stage, auth_time=now.context.now + SECOND)
    assert prompt(now.later(5 * MINUTE), paused, fresh) is None


@pytest.mark.parametrize(("age", "due"), [("3599", Prompt.LOGIN), ("3600", None), ("10000", None), ("999999999", None)])
def test_max_age_is_the_age_of_the_sign_in(stage, age, due):
    """OIDC Core 3.1.2.1."""
    stage.agree("SIGNIN", "APPT")
    now = stage.later(HOUR)
    assert prompt(now, begin(now, max_age=age), stage.signed_in) is due


def test_acr_values_ask_for_the_weakest_that_we_know(stage):
    """OIDC Core 3.1.2.1: a voluntary list; unknown values are tolerated."""
    stage.agree("SIGNIN")
    strong = begin(stage, scope="openid", acr_values="urn:x urn:yinyom:aal:3 urn:yinyom:aal:2.2")
    assert interaction.requirement(stage.context, strong, stage.signed_in).aal is Aal.AAL2_2
    unknown = begin(stage, scope="openid", acr_values="urn:x")
    assert interaction.requirement(stage.context, unknown, stage.signed_in).aal is Aal.AAL1


def test_an_identity_too_weak_leads_to_proofing(stage):
    """DECISIONS 3; catalogue rule 4; and a level that ran out is gone."""
    paused = begin(stage)
    assert interaction.requirement(stage.context, paused).ial is Ial.IAL1_3
    subject = subjects.get(stage.context.session, stage.citizen)
    subject.ial_expires_at = stage.context.now
    stage.context.session.flush()
    assert prompt(stage, paused, stage.signed_in) is Prompt.PROOFING


def test_a_closed_account_is_nobody(stage):
    """The account is read live."""
    subjects.get(stage.context.session, stage.citizen).status = "closed"
    stage.context.session.flush()
    assert prompt(stage, begin(stage), stage.signed_in) is Prompt.LOGIN


# --- prompt=none ---------------------------------------------------------------------------------------------------


def test_all_there_is_answered_silently(stage):
    """OIDC Core 3.1.2.1."""
    stage.agree("SIGNIN", "APPT")
    assert interaction.at_once(stage.context, stage.check(prompt="none"), stage.signed_in).granted
    assert interaction.at_once(stage.context, stage.check(), stage.signed_in).granted


def test_a_client_that_any_app_could_pose_as_is_confirmed_each_time(stage):
    """O33; RFC 8252 section 8.6: one tap on what is told; the consent that stands is not asked again."""
    asked = {"client_id": "app", "redirect_uri": "http://127.0.0.1:5000/cb"}
    stage.agree("SIGNIN", "APPT", client_id="app")
    now = stage.later(SECOND)
    silent = interaction.at_once(now.context, now.check(prompt="none", **asked), stage.signed_in)
    assert query(silent.location)["error"] == "consent_required"
    assert interaction.undecided(now.context, begin(now, **asked), stage.signed_in) == ("SIGNIN",)
    alone = begin(now, scope=APPOINTMENT, **asked)
    assert interaction.undecided(now.context, alone, stage.signed_in) == ("APPT",)
    stage.refuse("APPT")
    assert prompt(now, begin(now, scope=APPOINTMENT, **asked), stage.signed_in) is None


def test_prompt_none_says_what_is_missing(stage):
    """OIDC Core 3.1.2.6; without it, an interaction begins."""
    asked = stage.check(prompt="none")

    def error(signed_in):
        return query(interaction.at_once(stage.context, asked, signed_in).location)["error"]

    assert error(None) == "login_required"
    assert error(again(stage, aal=Aal.AAL1)) == "interaction_required"
    assert error(stage.signed_in) == "consent_required"
    assert interaction.at_once(stage.context, stage.check(), stage.signed_in) is None


def test_a_hint_for_somebody_else_is_login_required(stage):
    """OIDC Core 3.1.2.1: id_token_hint with prompt=none."""
    hint = stage.tokens()["id_token"]
    asked = stage.check(prompt="none", id_token_hint=hint)
    assert interaction.at_once(stage.context, asked, stage.signed_in).granted
    other = replace(asked, hint_subject="0" * 64)
    answer = query(interaction.at_once(stage.context, other, stage.signed_in).location)
    assert answer["error"] == "login_required"


def test_a_hint_for_somebody_else_asks_to_sign_in_once(stage):
    """OIDC Core 3.1.2.1: and then says so, instead of looping."""
    hint = stage.tokens()["id_token"]
    now = stage.later(SECOND)
    paused = begin(now, id_token_hint=hint)
    paused = replace(paused, request=replace(paused.request, hint_subject="0" * 64))
    assert prompt(now, paused, stage.signed_in) is Prompt.LOGIN
    fresh = again(stage, auth_time=now.context.now)
    assert prompt(now, paused, fresh) is None
    assert query(interaction.conclude(now.context, paused, fresh).location)["error"] == "login_required"


def test_expired_requests_are_purged(stage):
    """Retention."""
    begin(stage)
    assert interaction.purge(stage.context.session, now=stage.context.now) == 0
    assert interaction.purge(stage.context.session, now=stage.context.now + HOUR) == 1
