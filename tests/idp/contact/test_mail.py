import pytest

from idp.contact.mail import SmtpMail, written
from idp.demo.folder import free_port
from idp.ports import MailFailed
from tests.fakes import NOW, Clock
from tests.idp.contact.mailbox import PASSWORD, USER, open_drip, open_mailbox
from tests.servers.authority import Authority

TO, SENDER = "somebody@example.test", "ยินยอม Yinyom <no-reply@id.example.test>"
TEXT = "เพิ่มพาสคีย์แล้ว · A passkey was added\n\nอ้างอิง KXPT\nRef KXPT\n"
LIMIT_S = 0.6


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def mail(port, trust=None, **more):
    """`localhost`, because that is what the certificate says."""
    more = {"timeout_s": 5.0, **more}
    return SmtpMail(host="localhost", port=port, sender=SENDER, clock=Clock(), trust=trust, **more)


def refusal(mailbox, **more):
    with pytest.raises(MailFailed) as failed:
        mail(mailbox.port, mailbox.trust, **more).send(TO, TEXT, key="k")
    return failed.value.code, failed.value.temporary


def test_a_message_goes_out_sealed_in_thai_with_its_subject(authority):
    """RFC 3207, RFC 5322; read back as any mailbox reads it."""
    with open_mailbox(authority) as mailbox:
        mail(mailbox.port, mailbox.trust).send(TO, TEXT, key="alert-1:mail")

    (message,) = mailbox.received
    assert mailbox.sealed == [True]
    assert (message["To"], message["Subject"]) == (TO, "เพิ่มพาสคีย์แล้ว · A passkey was added")
    assert message["From"] == SENDER
    assert message.get_content().replace("\r\n", "\n") == "อ้างอิง KXPT\nRef KXPT\n"
    assert message.get_content_type() == "text/plain"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_same_key_is_the_same_message_id():
    """RFC 5322 3.6.4: a mailbox sees that what came twice is one; the key itself stays here."""
    ids = [written(SENDER, TO, TEXT, key=key, at=NOW)["Message-ID"] for key in ("a", "a", "b")]

    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@id.example.test>")


def test_user_and_password_open_the_server(authority):
    """RFC 4954, after TLS."""
    with open_mailbox(authority, sign_in=True) as mailbox:
        mail(mailbox.port, mailbox.trust, user=USER, password=PASSWORD).send(TO, TEXT, key="k")
        assert refusal(mailbox, user=USER, password="wrong") == ("login", True)

    assert len(mailbox.received) == 1


def test_nothing_is_said_in_the_clear(authority):
    """A server without STARTTLS gets no message, however it asks for one."""
    with open_mailbox(authority, tls=False) as mailbox:
        assert refusal(mailbox) == ("no_tls", True)

    assert mailbox.received == []


def test_a_server_that_cannot_prove_its_name_gets_nothing(authority, tmp_path):
    """RFC 3207 section 6: somebody between us and the server."""
    with open_mailbox(authority) as mailbox:
        mailbox.trust = Authority(tmp_path).client_context()
        assert refusal(mailbox) == ("no_tls", True)
        with pytest.raises(MailFailed):
            SmtpMail(
                host="localhost.localdomain", port=mailbox.port, sender=SENDER, clock=Clock(), trust=mailbox.trust
            ).send(TO, TEXT, key="k")

    assert mailbox.received == []


@pytest.mark.parametrize(
    ("answer", "code", "temporary"),
    [
        ("550 no such mailbox", "recipient_550", False),
        ("452 mailbox full", "recipient_452", True),
    ],
)
def test_a_refused_recipient_says_whether_trying_again_can_help(authority, answer, code, temporary):
    """RFC 5321 4.2.1: 4xx again later, 5xx never; the server itself is well."""
    with open_mailbox(authority) as mailbox:
        mailbox.answers = [answer]
        assert refusal(mailbox) == (code, temporary)


@pytest.mark.parametrize(
    ("end", "code", "temporary"), [("554 spam", "smtp_554", False), ("451 later", "smtp_451", True)]
)
def test_a_refused_message_says_whether_trying_again_can_help(authority, end, code, temporary):
    """RFC 5321 4.2.1."""
    with open_mailbox(authority) as mailbox:
        mailbox.ends = [end]
        assert refusal(mailbox) == (code, temporary)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@b@example.test",
        "a@example.test\r\nBcc: b@example.test",
        "a@example.test, b@example.test",
        "ก@x",
    ],
)
def test_what_is_no_single_mailbox_reaches_no_server(to):
    """No header can be put in, and nobody else be written to."""
    with pytest.raises(MailFailed) as failed:
        mail(free_port()).send(to, TEXT, key="k")

    assert (failed.value.code, failed.value.temporary) == ("address", False)


def test_a_subject_is_one_line_whatever_it_holds():
    """Nor can a text put a header in."""
    message = written(SENDER, TO, "Hello\rBcc: b@example.test\x0bx\n\nbody", key="k", at=NOW)

    assert message["Subject"] == "Hello Bcc: b@example.test x"
    assert message["Bcc"] is None


def test_a_server_that_is_not_there_is_temporary_and_soon_left_alone():
    """X15: after three tries in a row the others do not wait."""
    away = mail(free_port())
    codes = []
    for _ in range(4):
        with pytest.raises(MailFailed) as failed:
            away.send(TO, TEXT, key="k")
        codes.append(failed.value.code)

    assert codes == ["no_answer"] * 3 + ["away"]


@pytest.mark.parametrize(
    "turns",
    [
        (b"",),
        (b"220 ",),
        (b"220 here\r\n", b"250-"),
        (b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"220 go\r\n", b"\x16\x03\x03\x30\x00"),
    ],
)
def test_a_server_that_says_one_byte_at_a_time_is_cut_off(turns):
    """X15: in the greeting, in an answer, in the handshake of TLS; the limit holds for all of it."""
    with open_drip(*turns) as drip, pytest.raises(MailFailed) as failed:
        mail(drip.port, timeout_s=LIMIT_S).send(TO, TEXT, key="k")

    assert (failed.value.code, failed.value.temporary) == ("timeout", True)
    assert not drip.was_heard_out


def test_a_farewell_that_fails_sends_nothing_twice(authority, monkeypatch):
    """The server has the message; that it then goes away is no failure."""
    with open_mailbox(authority) as mailbox:
        monkeypatch.setattr("aiosmtpd.smtp.SMTP.smtp_QUIT", None)
        mail(mailbox.port, mailbox.trust).send(TO, TEXT, key="k")

    assert len(mailbox.received) == 1
