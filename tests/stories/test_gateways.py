"""Two SMS gateways and a worker that speaks to them: the first is down, and nobody who signs in notices (X15)."""

from contextlib import contextmanager

from idp.demo.folder import HOST, free_port
from tests.servers.sms_gateway import open_sms_gateway
from tests.stories.citizen import CODE, ref_of
from tests.stories.waiting import eventually

TOKEN = "gateway-token-of-the-stories-0123456789"


@contextmanager
def worker_with_gateways(live, *, first, second):
    """The worker, over the same database; its messages go by HTTP."""
    token = live.world.folder.path / "sms-token"
    token.write_text(TOKEN, encoding="ascii")
    _, sandbox = live.world.commands()["worker"]
    env = sandbox | {
        "YINYOM_SMS_GATEWAY_URL": first,
        "YINYOM_SMS_TOKEN_FILE": str(token),
        "YINYOM_SMS_FALLBACK_URL": second,
        "YINYOM_SMS_FALLBACK_TOKEN_FILE": str(token),
    }
    live.world.stop("worker")
    command, log = ["-m", "tests.stories.gateway_worker"], live.world.folder.log_file("worker")
    live.world.children.start("worker", command, env=env, log=log)
    try:
        yield
    finally:
        live.world.stop("worker")
        live.world.start("worker")


def test_while_the_first_gateway_is_down_the_second_delivers_the_code(live):
    """RELIABILITY 3: the page answers at once, the code comes once, by the second; and it signs in."""
    owner = live.citizen()
    assert owner.open("/me/consents").name == "me_consents"
    live.wait_for_the_next_code(owner)
    person = live.citizen(owner.national_id, pin=owner.pin)
    nowhere = f"http://{HOST}:{free_port()}/sms"

    with (
        open_sms_gateway(token=TOKEN) as second,
        worker_with_gateways(live, first=nowhere, second=second.endpoint),
    ):
        page = person.browser.get(live.issuer + "/sign-in")
        page = person.browser.submit(page, "login", national_id=person.national_id)
        assert page.name == "code"
        ref = ref_of(page)
        eventually(lambda: any(ref in each.text for each in list(second.taken)), "no SMS came by the second gateway")
        (message,) = [each for each in list(second.taken) if ref in each.text]
        page = person.browser.submit(page, "code-form", code=CODE.search(message.text)[0])

        assert page.name not in ("code", "login"), page.text[:300]
