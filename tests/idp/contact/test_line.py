"""The push adapter against a server that speaks LINE's Messaging API."""

import uuid

import pytest

from idp.contact.line import HttpLinePush, retry_key
from idp.ports import LineFailed
from idp.upstream.wire import Wire
from tests.fakes import Clock
from tests.servers.line import open_line


@pytest.fixture
def server():
    with open_line(clock=Clock()) as made:
        yield made


def push(server, *, token=None):
    return HttpLinePush(api=server.url, token=token or server.channel_token, wire=Wire("line-push", timeout_s=2))


def failed(server, **told):
    with pytest.raises(LineFailed) as failure:
        push(server, **told).send(server.knows("Somchai"), "ข้อความ", key="letter-1")
    return failure.value.code, failure.value.temporary


def test_a_friend_gets_the_message(server):
    somchai = server.knows("Somchai")

    push(server).send(somchai, "เชื่อมบัญชี LINE แล้ว", key="letter-1")

    assert server.delivered == {somchai: ["เชื่อมบัญชี LINE แล้ว"]}


def test_the_same_letter_again_is_the_same_message(server):
    """A crash between sending and recording sends again."""
    somchai = server.knows("Somchai")
    for _ in range(3):
        push(server).send(somchai, "ครั้งเดียว", key="letter-1")
    push(server).send(somchai, "อีกฉบับ", key="letter-2")

    assert server.delivered[somchai] == ["ครั้งเดียว", "อีกฉบับ"]


def test_taken_and_answered_by_an_error_is_sent_again_without_harm(server):
    somchai = server.knows("Somchai")
    server.moods = ["twice"]
    with pytest.raises(LineFailed) as failure:
        push(server).send(somchai, "ครั้งเดียว", key="letter-1")

    push(server).send(somchai, "ครั้งเดียว", key="letter-1")

    assert failure.value.temporary
    assert server.delivered[somchai] == ["ครั้งเดียว"]


def test_a_wrong_token_is_not_tried_again(server):
    assert failed(server, token="wrong") == ("status_401", False)


def test_past_the_quota_and_too_fast_mean_later(server):
    server.quota = 0

    assert failed(server) == ("status_429", True)


@pytest.mark.parametrize("mood", ["down", "refuse", "hang", "reset"])
def test_when_line_is_away_the_letter_waits(server, mood):
    server.mood = mood

    assert failed(server)[1] is True


def test_a_retry_key_is_a_uuid_of_the_letter():
    assert uuid.UUID(retry_key("letter-1")) == uuid.UUID(retry_key("letter-1")) != uuid.UUID(retry_key("letter-2"))
