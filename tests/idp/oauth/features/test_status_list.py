import zlib
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jwt
from sqlalchemy import func, select, update
from werkzeug.datastructures import MultiDict

from idp import withdrawal
from idp.oauth import codes, grants, provider, slots, status_list
from idp.oauth.features import status_list as feature
from idp.oauth.grants import Grant
from idp.oauth.pipeline import ProtocolRequest
from tests.fakes import DAY, NOW
from tests.idp.oauth.stage import claims_of, header_of

SECOND = timedelta(seconds=1)


def place_of(token):
    """The place in the lists that a token points to."""
    named = claims_of(token)["status"]["status_list"]
    return int(named["uri"].rpartition("/")[2]), named["idx"]


def asked(stage, number, *, query=(), **headers):
    """GET one list."""
    url = f"{stage.context.issuer}{slots.PATH}/{number}"
    request = ProtocolRequest(method="GET", url=url, form=MultiDict(), headers=headers, args=MultiDict(query))
    return provider.status_list_of(stage.context, request, number)


def bit(stage, token):
    """What the list says about a token."""
    number, index = place_of(token)
    lst = claims_of(asked(stage, number).body)["status_list"]["lst"]
    return zlib.decompress(urlsafe_b64decode(lst + "=="))[index // 8] >> index % 8 & 1


@pytest.fixture(autouse=True)
def _nothing_kept():
    """Each test has a database of its own, but engines may live at one address."""
    status_list._kept.clear()


def test_a_token_says_where_its_status_stands(stage):
    """Token Status List 6.1, 6.2: `idx` and `uri`, below the issuer."""
    named = claims_of(stage.tokens()["access_token"])["status"]

    assert named.keys() == {"status_list"}
    assert named["status_list"].keys() == {"idx", "uri"}
    assert 0 <= named["status_list"]["idx"] < slots.SIZE
    assert named["status_list"]["uri"].startswith(f"{stage.context.issuer}/oauth/status/")


def test_a_list_is_a_signed_token_of_its_own_type_and_key(stage):
    """Token Status List 5.1: `typ`, `sub`, `iat`, `exp`, `ttl`, `status_list`; DECISIONS 6: a key for each use."""
    number, _ = place_of(stage.tokens()["access_token"])
    token = asked(stage, number).body
    header, ring = header_of(token), stage.context.ring
    claims = jwt.decode(token, ring.public[header["kid"]], algorithms=["ES256"]).claims

    assert (header["typ"], header["alg"], header["kid"]) == (
        "statuslist+jwt",
        "ES256",
        ring.signer("status_list").kid,
    )
    assert header["kid"] in {key["kid"] for key in ring.jwks["keys"]}
    assert (claims["iss"], claims["sub"]) == (stage.context.issuer, f"{stage.context.issuer}/oauth/status/{number}")
    assert claims["exp"] - claims["iat"] == 300
    assert claims["status_list"]["bits"] == 1
    assert claims["status_list"]["aggregation_uri"] == f"{stage.context.issuer}/oauth/status"


def test_from_withdrawal_to_every_reader_a_minute_is_enough(stage):
    """PRODUCT: "the status list shows it within 60 s": built anew, kept on the way, kept by its reader."""
    number, _ = place_of(stage.tokens()["access_token"])
    answer = asked(stage, number)
    on_the_way = int(answer.headers["Cache-Control"].rpartition("=")[2])

    assert status_list.BUILT_EVERY.total_seconds() + on_the_way + claims_of(answer.body)["ttl"] <= 60


def test_a_withdrawal_sets_the_bit_of_every_grant_that_rests_on_it(stage):
    """PDPA s.19; DECISIONS 17."""
    token = stage.tokens()["access_token"]
    record = stage.agree("APPT")["APPT"]
    assert bit(stage, token) == 0

    later = stage.later(6 * SECOND).context
    withdrawal.withdraw(later.session, later.ring, later.settings, record.id, subject_id=stage.citizen, now=later.now)

    assert bit(stage.later(6 * SECOND), token) == 1


def test_the_bit_of_somebody_else_is_not_set(stage):
    """Token Status List 13.2: no place is given twice."""
    one, two = stage.tokens()["access_token"], stage.tokens()["access_token"]
    family = claims_of(one)["grant_id"]
    grants.end(stage.context.session, codes.uuid_or_none(family), reason="revoked_by_client", now=stage.context.now)

    assert (bit(stage, one), bit(stage, two)) == (1, 0)


def test_every_token_of_a_grant_points_to_one_place(stage):
    """A refreshed token is dead with the grant as the first one is."""
    first = stage.offline()
    second = stage.refresh(first["refresh_token"]).body

    assert place_of(first["access_token"]) == place_of(second["access_token"])


def test_a_bit_stays_set_for_a_day_which_no_token_outlives(stage):
    """Token Status List 7.1: what is invalid stays so, as long as anybody may hold a token."""
    token = stage.tokens()["access_token"]
    grant_id = codes.uuid_or_none(claims_of(token)["grant_id"])
    grants.end(stage.context.session, grant_id, reason="withdrawn", now=NOW)

    assert bit(stage.later(DAY - SECOND), token) == 1
    assert bit(stage.later(DAY + 6 * SECOND), token) == 0


def test_a_system_s_own_token_points_nowhere(stage):
    """It rests on no grant; its client's state is asked live."""
    answer = stage.post(
        grant_type="client_credentials", basic=("robot", "s" * 43), resource="https://labs.example.test"
    )

    assert answer.status == 200, answer.body
    assert "status" not in claims_of(answer.body["access_token"])


def test_a_place_that_is_taken_is_not_given_again(stage, monkeypatch):
    """Token Status List 13.2: the database refuses, and the next draw is tried."""
    drawn = iter([7, 7, 9])
    monkeypatch.setattr(slots.secrets, "randbelow", lambda _: next(drawn))
    places = [place_of(stage.tokens()["access_token"])[1] for _ in range(2)]

    assert places == [7, 9]


def test_a_full_day_costs_nobody_their_sign_in(stage, monkeypatch):
    """Without a place left the token carries no status; everything else goes on."""
    monkeypatch.setattr(slots, "draws", lambda _: iter(()))

    assert "status" not in claims_of(stage.tokens()["access_token"])


def test_places_are_drawn_from_lists_of_the_day():
    """Token Status List 12.5.2: at random, and in the next list when one is crowded."""
    drawn = list(slots.draws(NOW))
    lists = [number for number, _ in drawn]

    assert len(drawn) == slots.LISTS_A_DAY * slots.TRIES_A_LIST
    assert lists == sorted(lists)
    assert all(slots.may_exist(number, NOW) for number in lists)
    assert not slots.may_exist(next(slots.draws(NOW + DAY))[0], NOW)
    assert len({index for _, index in drawn}) > len(drawn) - 3


@pytest.mark.parametrize("number", [0, 1, 10**6, 10**9, 10**40])
def test_a_list_that_was_never_begun_is_not_found(stage, number):
    """Section 8.2; a number beyond every column is no fault of ours."""
    stage.tokens()

    assert asked(stage, number).status == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/statuslist+jwt", 200),
        ("text/html, application/statuslist+jwt;q=0.5", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("application/statuslist+cwt", 406),
        ("application/json", 406),
        ("application/statuslist+jwt;q=0", 406),
    ],
)
def test_only_the_form_that_there_is(stage, accept, status):
    """Section 8.1: asked for by Accept; RFC 9110 section 15.5.7."""
    number, _ = place_of(stage.tokens()["access_token"])

    assert asked(stage, number, Accept=accept).status == status


def test_a_list_of_the_past_is_not_kept(stage):
    """Section 8.4: 501 where that is not supported."""
    number, _ = place_of(stage.tokens()["access_token"])

    assert asked(stage, number, query=[("time", "1686925000")]).status == 501


def test_anybody_finds_all_lists(stage):
    """Sections 9.1 and 9.3: the aggregation, named in the metadata, with every list that was begun."""
    today, _ = place_of(stage.tokens()["access_token"])
    stay = replace(stage.signed_in, expires_at=NOW + 2 * DAY)
    tomorrow, _ = place_of(replace(stage.later(DAY), signed_in=stay).tokens()["access_token"])
    answer = provider.status_lists(stage.later(DAY).context)

    assert set(answer.body["status_lists"]) == {slots.uri(stage.context.issuer, n) for n in (today, tomorrow)}
    told = provider.discovery(stage.context.settings)["status_list_aggregation_endpoint"]
    assert told == f"{stage.context.issuer}/oauth/status"


def test_without_a_grant_there_is_no_list(stage):
    """The aggregation of a server that is new."""
    assert provider.status_lists(stage.context).body == {"status_lists": []}


def test_a_list_is_signed_once_in_five_seconds(stage):
    """However many holders ask; a rotation of the key shows with the next one."""
    number, _ = place_of(stage.tokens()["access_token"])
    first = asked(stage, number).body

    assert asked(stage.later(4 * SECOND), number).body == first
    assert asked(stage.later(5 * SECOND), number).body != first


def test_a_list_says_nothing_of_how_many_there_are(stage):
    """Section 12.5: a million places, whoever has one."""
    number, _ = place_of(stage.tokens()["access_token"])
    lst = claims_of(asked(stage, number).body)["status_list"]["lst"]

    assert len(zlib.decompress(urlsafe_b64decode(lst + "=="))) * 8 == slots.SIZE == 1 << 20
    assert len(lst) < 300


@pytest.mark.parametrize(("invalid", "lst"), [([0, 3, 4, 5, 7, 8, 9, 13, 15], "eNrbuRgAAhcBXQ")])
def test_the_list_of_the_specification(invalid, lst):
    """Section 4.1, 4.2: the example with one bit."""
    assert status_list.packed(invalid, size=16) == lst


def test_two_grants_of_one_place_cannot_be_written(stage, session):
    """The guard is the database's."""
    stage.tokens()
    stage.tokens()
    first = session.scalar(select(func.min(Grant.status_idx)))

    with pytest.raises(Exception, match=r"(?i)unique"), session.begin_nested():
        session.execute(update(Grant).values(status_idx=first, status_list=1))


def test_a_token_from_before_a_replacement_is_dead(stage):
    """The place that it points to is not its grant's any more: offline and live say the same."""
    token = stage.tokens()["access_token"]
    assert stage.introspect(token)["active"]
    stage.context.session.execute(update(Grant).values(status_idx=Grant.status_idx + 1))

    assert stage.introspect(token) == {"active": False}


def test_the_media_type_is_what_the_reader_asked_for(stage):
    """Section 8.2; CORS, so that a page may look (section 8.1)."""
    number, _ = place_of(stage.tokens()["access_token"])
    headers = asked(stage, number).headers

    assert headers["Content-Type"] == feature.MEDIA_TYPE
    assert headers["Access-Control-Allow-Origin"] == "*"
