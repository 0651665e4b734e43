from datetime import timedelta

import pytest

from idp.contact import fake
from idp.contact.fake import SandboxLinePush, SandboxMail, SandboxSms
from tests.fakes import DAY, NOW, Clock


def test_a_message_stands_in_the_inbox_once_with_the_number_masked(sessions):
    """The same port promise as a real gateway: one key, one message."""
    sms = SandboxSms(sessions, Clock())

    sms.send("+66100000035", "123456 คือรหัส", key="otp-1")
    sms.send("+66100000035", "123456 คือรหัส", key="otp-1")
    sms.send("+66100000043", "654321 คือรหัส", key="otp-2")

    with sessions.reading() as session:
        shown = [(message.to_masked, message.text, message.at) for message in fake.inbox(session)]
    assert shown == [("xxx-xxx-0043", "654321 คือรหัส", NOW), ("xxx-xxx-0035", "123456 คือรหัส", NOW)]


@pytest.mark.parametrize(
    ("channel", "to", "kind", "masked"),
    [
        (SandboxSms, "+66100000035", "sms", "xxx-xxx-0035"),
        (SandboxMail, "somchai@example.test", "mail", "s…@example.test"),
        (SandboxLinePush, "U000000000000000000000000000f00d", "line", "LINE …f00d"),
    ],
)
def test_every_channel_lands_in_the_one_inbox(sessions, channel, to, kind, masked):
    """Nobody outside is reached from a sandbox."""
    channel(sessions, Clock()).send(to, "text", key="k")

    with sessions.reading() as session:
        assert [(one.kind, one.to_masked, one.text) for one in fake.inbox(session)] == [(kind, masked, "text")]


def test_old_messages_go(sessions):
    """What is not needed is not kept."""
    SandboxSms(sessions, Clock()).send("+66100000035", "123456", key="otp-1")

    with sessions.writing() as session:
        fake.purge(session, now=NOW + 7 * DAY)
        assert len(fake.inbox(session)) == 1
        fake.purge(session, now=NOW + 7 * DAY + timedelta(seconds=1))
        assert len(fake.inbox(session)) == 0
