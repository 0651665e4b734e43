"""RFC 8693 section 4.1: whose data, by whose hand, for how long; and never without being asked for whom."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from consent import records
from idp import interaction
from idp.assurance import Ial
from idp.oauth import acting, deciding, live
from idp.oauth.pipeline import uuid_or_none
from idp.prompts import Prompt, next_prompt
from idp.proxies import Proxy
from idp.subjects import Subject
from tests.fakes import SECOND
from tests.idp.home import SCOPE, set_up
from tests.idp.oauth.stage import claims_of, query

RECORDS, PORTAL = "records.example.test", "portal.example.test"
ASKED = json.dumps({"id_token": {"proxy_for": None}})
MIDNIGHT = datetime(2026, 11, 23, 17, tzinfo=UTC)


@pytest.fixture
def home(session, ring, settings):
    """A mother who agreed for her child of 8."""
    found = set_up(session, ring, settings)
    found.say_yes("mother", "child")
    found.stage.agree("SIGNIN")
    return found


def prompt(home, asked, who="mother"):
    """What this request asks of somebody now."""
    paused, person = home.resume(asked), home.signed_in(who)
    need = interaction.requirement(home.stage.context, paused, person)
    return next_prompt(need, interaction.facts(home.stage.context, paused, person))


def test_the_access_token_is_about_the_ward_by_the_guardian(home):
    """RFC 8693 section 4.1: `sub` is the ward as the data holder knows them, `act.sub` the guardian: two pseudonyms."""
    answer = home.tokens("child")

    told = claims_of(answer["access_token"])
    assert told["sub"] == home.ring.pairwise(home.people["child"], RECORDS)
    assert told["act"] == {"sub": home.ring.pairwise(home.people["mother"], RECORDS)}
    assert told["aud"] == "https://records.example.test"
    heard = home.stage.introspect(answer["access_token"])
    assert (heard["active"], heard["sub"], heard["act"]) == (True, told["sub"], told["act"])


def test_the_id_token_tells_who_signed_in_and_for_whom(home):
    """OIDC Core 2: `sub` is who signed in; `proxy_for` is ours."""
    who = claims_of(home.tokens("child")["id_token"])

    assert who["sub"] == home.ring.pairwise(home.people["mother"], PORTAL)
    assert who["proxy_for"] == {
        "sub": home.ring.pairwise(home.people["child"], PORTAL),
        "relation": "parent",
        "expires": int(home.links["child"].ends_at.timestamp()),
    }


def test_a_date_of_birth_is_not_told_as_an_end(home):
    """PDPA s.22: in the last year before a birthday the end would be the ward's date of birth, so none is told."""
    kanya = home.entrust("kanya")
    grant = SimpleNamespace(proxy=Proxy(kanya, "active", Ial.IAL2_1))

    told = acting.proxy_for(home.stage.context, grant, PORTAL)["proxy_for"]

    assert kanya.ends_by == "of_age"
    assert told == {"sub": home.ring.pairwise(home.people["kanya"], PORTAL), "relation": "parent"}


def test_a_chosen_helper_is_told_as_one_with_the_true_end(home):
    """The days that an adult agreed to."""
    ends, child = home.now + timedelta(days=30), home.links["child"]
    link = replace(child, kind="helper", may="see", purposes="EHR-SHARE", ends_at=ends, ends_by="chosen")

    told = acting.proxy_for(home.stage.context, SimpleNamespace(proxy=Proxy(link, "active", Ial.IAL2_1)), PORTAL)

    assert told["proxy_for"]["relation"] == "helper"
    assert told["proxy_for"]["expires"] == int(ends.timestamp())


def test_who_acts_for_themselves_has_neither_claim(home):
    """Nothing changes for everybody else."""
    answer = home.stage.tokens()

    assert "act" not in claims_of(answer["access_token"])
    assert "proxy_for" not in claims_of(answer["id_token"])


def test_a_guardians_token_never_opens_userinfo(home):
    """OIDC Core 5.3.2: UserInfo tells of who signed in, so a ward's token is not for it; nor what only it tells."""
    home.stage.agree("SIGNIN", "CONTACT")

    answer = home.tokens("child", scope=f"{SCOPE} email phone")

    assert home.stage.userinfo(answer["access_token"]).status == 401
    assert set(claims_of(answer["access_token"])["scope"].split()) & {"email", "phone"} == set()


def test_an_ended_guardianship_ends_its_tokens_at_the_next_request(home):
    """Access and refresh tokens, and the code on its way, whoever ended it."""
    answer = home.tokens("child", scope=f"{SCOPE} offline_access")
    end = home.act("child")
    assert home.active(answer["access_token"])

    home.end("child", by="mother")

    assert not home.active(answer["access_token"])
    assert home.stage.redeem(query(end.location)["code"]).status == 400
    if "refresh_token" in answer:
        assert home.stage.refresh(answer["refresh_token"]).status == 400


def test_the_clock_alone_ends_a_guardians_token(home):
    """R7: no job has run, nobody pressed anything."""
    home.entrust("kanya")
    waits = home.say_yes("mother", "kanya")
    assert home.say_yes("kanya").co_actor_id == home.people["kanya"]
    just_before = home.at(MIDNIGHT - 30 * SECOND)
    token = just_before.tokens("kanya")["access_token"]

    assert claims_of(token)["exp"] == int(MIDNIGHT.timestamp())
    assert home.at(MIDNIGHT - SECOND).active(token)
    assert not home.at(MIDNIGHT).active(token)
    assert waits.ward_id == home.people["kanya"]


def test_a_ward_whose_account_is_closed_is_nobodys(home):
    """A death ends it."""
    token = home.tokens("child")["access_token"]
    home.session.execute(update(Subject).where(Subject.id == home.people["child"]).values(status="deceased"))

    assert not home.active(token)
    asked = home.begin()
    home.choose(asked, home.links["child"])
    assert prompt(home, asked) is Prompt.FOR_WHOM


def test_the_decision_itself_refuses_a_guardian_who_may_act_no_longer(home):
    """Not only the door: what stands is asked of the power, too."""
    answer = home.tokens("child")
    grant = live.find_grant(home.stage.context, uuid_or_none(claims_of(answer["access_token"])["grant_id"]))
    over = replace(grant, proxy=replace(grant.proxy, link=replace(grant.proxy.link, ended_at=home.now)))

    told = {"event": "introspect", "asker": "holder", "levels": False}
    assert deciding.decide(home.stage.context, grant, grant.scopes, **told)
    assert deciding.decide(home.stage.context, over, grant.scopes, **told) == {}


def test_a_client_that_wants_to_know_makes_the_person_choose(home):
    """OIDC Core 5.5: the claim asks; who may act for nobody is asked nothing."""
    home.stage.agree("SIGNIN", "EHR-SHARE")
    asked = home.begin(claims=ASKED)

    assert prompt(home, asked) is Prompt.FOR_WHOM
    home.choose(asked, None)
    assert prompt(home, asked) is None
    nobody = home.begin(claims=ASKED)
    assert prompt(home, nobody, "father") is not Prompt.FOR_WHOM


def test_with_prompt_none_nobody_acts_for_another(home):
    """Whose record a screen shows is never changed silently."""
    home.stage.agree("SIGNIN", "EHR-SHARE")

    assert not home.stage.check(claims=ASKED, prompt="none").for_whom
    end = interaction.at_once(
        home.stage.context, home.stage.check(scope=SCOPE, prompt="none", claims=ASKED), home.signed_in("mother")
    )
    assert end.granted
    grant = home.stage.redeem(query(end.location)["code"]).body
    assert claims_of(grant["access_token"])["sub"] == home.ring.pairwise(home.people["mother"], RECORDS)


def test_a_choice_is_the_persons_who_made_it_and_holds_only_while_they_may_act(home):
    """Another sign-in in the same browser, or an end meanwhile, falls back to nobody's record unasked."""
    home.stage.agree("SIGNIN", "EHR-SHARE")
    asked = home.begin()
    home.choose(asked, home.links["child"])

    assert prompt(home, asked) is None
    assert prompt(home, asked, "father") is Prompt.FOR_WHOM
    home.end("child")
    assert prompt(home, asked) is Prompt.FOR_WHOM


def test_acting_for_another_needs_the_levels_of_the_row(home):
    """Catalogue row PROXY: AAL2.1 and IAL2.1, whatever is asked."""
    asked = home.begin()
    home.choose(asked, home.links["child"])
    home.session.execute(update(Subject).where(Subject.id == home.people["mother"]).values(ial="1.3"))

    assert prompt(home, asked) is Prompt.PROOFING


def test_a_consent_that_a_young_person_gave_lets_their_parent_see_nothing(home):
    """A service may see more of a person than their guardian: the parent's grant rests on what both signed."""
    records.give(home.session, home.choice("teen"), now=home.now)  # as if it were theirs alone to give

    asked = home.begin()
    home.choose(asked, home.links["teen"])

    assert prompt(home, asked) is Prompt.CONSENT


def test_a_guardians_token_opens_nothing_on_what_the_young_person_answers_later(home):
    """Both signed one record; the next one is the young person's own, and the parent's token ends with the first."""
    home.say_yes("mother", "teen")
    home.say_yes("teen")
    token = home.tokens("teen")["access_token"]
    assert home.active(token)

    records.give(home.session, home.choice("teen"), now=home.later(SECOND).now)

    assert not home.active(token)
    assert home.stage.events("introspect.denied")[-1].reason == "needs_cosign"


def test_a_parents_request_waits_for_the_young_person(home):
    """The first yes of the parent grants nothing; the client hears no more than "access_denied"."""
    asked = home.begin()
    home.choose(asked, home.links["teen"])
    assert prompt(home, asked) is Prompt.CONSENT
    home.say_yes("mother", "teen")
    assert prompt(home, asked) is None

    end = home.conclude(asked)

    assert not end.granted
    assert query(end.location)["error"] == "access_denied"
    assert "cosign" not in end.location


def test_a_ward_is_never_put_into_a_grant_of_ones_own(home):
    """Grant Management: a grant that is merged is one person's."""
    home.stage.agree("SIGNIN", "EHR-SHARE")
    own = interaction.at_once(home.stage.context, home.stage.check(scope=SCOPE), home.signed_in("mother"))
    granted = claims_of(home.stage.redeem(query(own.location)["code"]).body["access_token"])["grant_id"]

    end = home.act("child", grant_management_action="merge", grant_id=granted)

    assert not end.granted


def test_the_log_of_the_ward_says_that_a_guardian_did_it(home):
    """THAI 1c: the entry is about the ward, and names no guardian but by a pseudonym."""
    token = home.tokens("child")["access_token"]
    home.active(token)

    about = [entry for entry in home.stage.events() if entry.purpose == "EHR-SHARE"]
    given, issued, looked = (
        next(entry for entry in about if entry.event == name)
        for name in ("consent.given", "token.issued", "introspect")
    )
    assert given.subject == issued.subject == looked.subject
    assert given.actor not in (given.subject, "")
    assert "proxy:parent" in issued.codes
    assert "proxy:parent" in looked.codes


@pytest.mark.parametrize("claims", [None, json.dumps({"userinfo": {"proxy_for": None}}), json.dumps({"id_token": {}})])
def test_only_the_id_tokens_claim_asks_for_whom(home, claims):
    """OIDC Core 5.5: UserInfo never tells of wards."""
    assert not home.stage.check(claims=claims).for_whom


def test_a_guardians_token_ends_with_the_power_not_after_it(home):
    """Never longer than who made it may act."""
    late = home.at(home.links["child"].ends_at - timedelta(seconds=20))
    late.say_yes("mother", "child")

    told = claims_of(late.tokens("child")["access_token"])

    assert told["exp"] <= int(home.links["child"].ends_at.timestamp())
