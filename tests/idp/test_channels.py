from dataclasses import replace

import pytest
from sqlalchemy import select

from consent.audit.models import AuditEntry
from idp import channels, outbox
from idp.fetcher import GuardedFetcher
from idp.keys import KeyRings
from idp.national_id import SyntheticOnly
from idp.outbox import Letter
from idp.ports import LineFailed, MailFailed, Ports, SmsFailed
from idp.proofing.sources.registry import NoRegistry
from tests.fakes import NOW, FakeSms

PLACES = {"sms": "+66100000035", "mail": "somebody@example.test", "line": "U0000000000000000000000000000f00d"}


class Post:
    """An outbox, its worker, and a channel for each kind."""

    def __init__(self, sessions, ring, kek):
        self.sessions, self.ring, self.rings = sessions, ring, KeyRings(sessions, kek)
        self.ways = {kind: FakeSms() for kind in PLACES}
        self.bare = Ports(NoRegistry(), self.ways["sms"], GuardedFetcher(), SyntheticOnly())
        self.ports = replace(self.bare, mail=self.ways["mail"], line_push=self.ways["line"])

    def queue(self, kind, body="Your code app was removed. Ref KXPT"):
        """One letter."""
        with self.sessions.writing() as session:
            outbox.enqueue(session, self.ring, kind=kind, to=PLACES[kind], body=body, key=f"{kind}-1", now=NOW)

    def deliver(self, ports=None):
        """One round of the worker."""
        return outbox.deliver(self.sessions, self.rings, ports or self.ports, now=NOW)

    def letter(self):
        """The only letter."""
        with self.sessions.reading() as session:
            return session.scalars(select(Letter)).one()


@pytest.fixture
def post(sessions, ring, kek):
    return Post(sessions, ring, kek)


@pytest.mark.parametrize("kind", PLACES)
def test_each_kind_of_letter_goes_its_own_way_and_is_then_forgotten(post, kind):
    """DECISIONS 5: address and text are gone once the letter is."""
    post.queue(kind)

    assert post.deliver() == 1

    assert {name for name, way in post.ways.items() if way.sent} == {kind}
    assert post.ways[kind].sent == [(PLACES[kind], "Your code app was removed. Ref KXPT", f"{kind}-1")]
    letter = post.letter()
    assert (letter.state, letter.to_sealed, letter.body_sealed) == ("sent", None, None)


@pytest.mark.parametrize(("kind", "failed"), [("sms", SmsFailed), ("mail", MailFailed), ("line", LineFailed)])
def test_a_refused_letter_to_a_person_is_forgotten_too(post, kind, failed):
    """DECISIONS 5."""
    post.queue(kind)
    post.ways[kind].fail(failed("refused", temporary=False))

    post.deliver()

    letter = post.letter()
    assert (letter.state, letter.last_error, letter.to_sealed) == ("dead", "refused", None)


@pytest.mark.parametrize("kind", ["mail", "line"])
def test_a_channel_that_nobody_set_up_fails_nobody(post, kind):
    """No entry of the log tells of a letter that could never have gone out."""
    post.queue(kind)

    assert post.deliver(post.bare) == 1

    assert (post.letter().state, post.letter().last_error) == ("dead", "no_channel")
    with post.sessions.reading() as session:
        assert session.scalars(select(AuditEntry)).all() == []


@pytest.mark.parametrize(
    "text",
    [
        "see https://id.example.test",
        "กดที่ www.example",
        "open id.moph.go.th now",
        "ID.EXAMPLE.TEST",
        "line://ti/p/x",
        "@id.example.test #123456",  # only as the last line, after a text
        "123456 is your code\n@id.example.test #123456\nbit.ly",
        "a\n@id.example.test #12345",
    ],
)
@pytest.mark.parametrize("kind", PLACES)
def test_no_letter_to_a_person_holds_a_link(post, kind, text):
    """THAI.md 3b: whoever learns that ours never do cannot be phished by one."""
    with pytest.raises(ValueError, match="link"):
        post.queue(kind, text)

    assert post.deliver() == 0


@pytest.mark.parametrize(
    "text",
    [
        "123456 คือรหัสเข้าสู่ระบบยินยอม อ้างอิง KXPT ใช้ได้ 5 นาที อย่าบอกรหัสนี้กับใคร แม้แต่เจ้าหน้าที่",
        "123456 is your sign-in code for Yinyom. Ref KXPT. Valid 5 min. Tell nobody, not even staff.",
        "เพิ่มพาสคีย์แล้ว เวลา 10.05 น. วันที่ 23 พ.ย. 2569",
        "123456 is your code. Ref KXPT.\n@id.example.test #123456",
        "12345678 is your code. Ref KXPT.\n@localhost #12345678",
    ],
)
def test_ordinary_words_and_the_line_for_browsers_pass(text):
    """The last line binds a code to a site (WICG sms-one-time-codes); nobody can press it."""
    assert not channels.carries_link(text)


def test_a_signed_event_may_hold_what_it_likes(sessions, ring):
    """It is for a program."""
    with sessions.writing() as session:
        outbox.enqueue(session, ring, kind="set", to="https://a.example.test", body="eyJ.e30.c2ln", key="s", now=NOW)
