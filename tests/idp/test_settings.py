import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from idp.settings import Settings, is_loopback

PRODUCTION = {
    "issuer": "https://id.example.go.th",
    "database_url": "postgresql://db/yinyom",
    "kek_file": Path("/run/secrets/kek"),
    "sms_gateway_url": "https://sms.example.test/send",
}
THAID = {"thaid_client_id": "us", "thaid_secret_file": Path("/run/secrets/thaid")}
SANDBOX = PRODUCTION | {"issuer": "http://localhost:8000", "sandbox": True, "sms_gateway_url": None}


def test_production_over_https_starts():
    """The ordinary case."""
    made = Settings(**PRODUCTION)

    assert made.secure_cookies
    assert made.rp_id == "id.example.go.th"
    assert made.base_path == ""


def test_a_loopback_sandbox_over_http_starts_without_secure_cookies():
    """DECISIONS 26: many clients never send Secure cookies back over http."""
    made = Settings(**SANDBOX)

    assert not made.secure_cookies
    assert made.origin == "http://localhost:8000"


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://id.example.go.th"},
        {"issuer": "http://localhost:8000"},
        {"sandbox_fixed_code": "123456"},
        {"sandbox_registry": Path("people.tsv")},
        {"sms_gateway_url": None},
        {"security_key_roles": "auditor"},
        {"thaid_url": "https://imauth.example.test"},
        {"thaid_url": "https://imauth.example.test", "thaid_client_id": "us"},
        {**THAID, "thaid_url": "http://imauth.example.test"},
        {**THAID, "thaid_url": "http://127.0.0.1:8004"},
        {"line_channel_id": "1650000000"},
        {"line_api_url": "http://api.line.me"},
        {"line_web_url": "http://127.0.0.1:8005"},
    ],
)
def test_an_unsafe_production_start_is_refused(change):
    """Issue 2: unsafe starts are refused, in a sentence."""
    with pytest.raises(ValidationError):
        Settings(**PRODUCTION | change)


def test_providers_over_https_are_taken_and_in_a_sandbox_on_loopback_too():
    """Secrets and people's answers travel there."""
    assert Settings(**PRODUCTION, **THAID, thaid_url="https://imauth.example.test").thaid_url
    assert Settings(**SANDBOX, **THAID, thaid_url="http://127.0.0.1:8004").thaid_url
    with pytest.raises(ValidationError, match="must be https"):
        Settings(**SANDBOX, **THAID, thaid_url="http://imauth.example.test")


def test_a_sandbox_over_http_on_a_public_name_is_refused():
    """The sandbox's excuse for http ends at loopback."""
    with pytest.raises(ValidationError, match="http issuer"):
        Settings(**SANDBOX | {"issuer": "http://sandbox.example.go.th"})


@pytest.mark.parametrize(
    "issuer",
    [
        "https://id.example.go.th/",
        "https://id.example.go.th?x=1",
        "https://id.example.go.th#x",
        "https://me@id.example.go.th",
        "ftp://id.example.go.th",
        "id.example.go.th",
        "",
    ],
)
def test_an_issuer_that_is_not_a_plain_https_address_is_refused(issuer):
    """OIDC Discovery 3: https, host, optional port and path; no query or fragment."""
    with pytest.raises(ValidationError):
        Settings(**PRODUCTION | {"issuer": issuer})


@pytest.mark.parametrize(
    "change",
    [
        {"port": 0},
        {"workers": 0},
        {"otp_tries": 0},
        {"default_locale": "fr"},
        {"sandbox_fixed_code": "12345"},
        {"security_key_roles": "clerk", "security_key_roots": Path("roots.pem")},
        {"typo": 1},
    ],
)
def test_a_figure_out_of_range_or_an_unknown_name_is_refused(change):
    """A misspelt knob is not silently ignored."""
    with pytest.raises(ValidationError):
        Settings(**SANDBOX | change)


def test_an_issuer_may_have_a_path():
    """OIDC Discovery 4.1."""
    assert Settings(**PRODUCTION | {"issuer": "https://www.example.go.th/idp"}).base_path == "/idp"


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    """Arguments, then environment, then the file that YINYOM_CONFIG names."""
    file = tmp_path / "yinyom.toml"
    lines = [f'{name} = "{value}"' for name, value in PRODUCTION.items()]
    file.write_text("\n".join([*lines, "port = 9000", "workers = 3"]), encoding="utf-8")
    monkeypatch.setenv("YINYOM_CONFIG", str(file))
    monkeypatch.setenv("YINYOM_PORT", "9100")

    made = Settings()

    assert (made.port, made.workers) == (9100, 3)


@pytest.mark.parametrize(
    ("content", "says"),
    [("not base64!", "not base64"), (base64.b64encode(b"short").decode(), "exactly 32"), (None, "cannot be read")],
)
def test_a_bad_key_file_is_named_in_one_sentence(tmp_path, content, says):
    """The operator reads which file and why."""
    file = tmp_path / "kek"
    if content is not None:
        file.write_text(content, encoding="ascii")

    with pytest.raises(ValueError, match=says):
        Settings(**PRODUCTION | {"kek_file": file}).kek()


def test_a_good_key_file_is_read(settings, kek):
    """32 bytes, base64, with a newline at the end."""
    assert settings.kek() == kek


def test_every_knob_says_what_it_means():
    """Each field carries its description."""
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("portal.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        (None, False),
    ],
)
def test_loopback_is_only_this_machine(host, loopback):
    """RFC 8252 section 7.3 and RFC 6761."""
    assert is_loopback(host) is loopback
