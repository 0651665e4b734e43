"""`idp health`: what an orchestrator asks about one container."""

import os
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from idp import worker
from idp.cli import health


@pytest.fixture
def server():
    """Answers /livez with its status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(http.status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *_):
            """Silence."""

    http = HTTPServer(("127.0.0.1", 0), Answer)
    http.status = 200
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    with closing(http.socket):
        yield http
        http.shutdown()
        thread.join()


def test_a_server_that_answers_lives(idp, server):
    """Wherever it listens: everywhere is also here."""
    told = idp("health", YINYOM_PORT=str(server.server_port), YINYOM_HOST="0.0.0.0")  # noqa: S104 -- nothing binds it

    assert (told.exit_code, told.output) == (0, "The server lives.\n")


def test_a_server_that_answers_otherwise_does_not(idp, server, refusal):
    """The status is told."""
    server.status = 500

    assert "answered 500 at /livez" in refusal(idp("health", YINYOM_PORT=str(server.server_port)))


def test_where_nobody_answers_nothing_lives(idp, server, refusal):
    """Not a stack trace every half minute."""
    port = server.server_port
    server.shutdown()
    server.socket.close()

    assert f"Nobody answers at 127.0.0.1:{port}" in refusal(idp("health", YINYOM_PORT=str(port)))


def test_a_worker_lives_as_long_as_its_pulse_is_fresh(idp, tmp_path, refusal):
    """It has no port that could be asked."""
    beat = tmp_path / "pulse"
    beat.touch()
    assert idp("health", YINYOM_PULSE_FILE=str(beat)).output == "The worker lives.\n"

    old = beat.stat().st_mtime - health.LONGEST_SILENCE.total_seconds() - 1
    os.utime(beat, (old, old))
    assert "The worker has been silent" in refusal(idp("health", YINYOM_PULSE_FILE=str(beat)))


def test_the_worker_touches_its_pulse_each_round_also_while_the_database_is_away(settings, tmp_path, monkeypatch):
    """Restarting a worker does not bring a database back."""
    beat, rounds = tmp_path / "pulse", []

    def fail(_worker):
        rounds.append(beat.exists())
        beat.unlink()
        if len(rounds) == 2:
            stop.set()
        raise OSError

    stop = Event()
    monkeypatch.setattr(worker, "_people_first", fail)
    told = settings.model_copy(update={"pulse_file": beat})
    worker._loop(worker.Worker(told, None, None, None, None), stop, 0.001, worker._alive)

    assert rounds == [True, True]
