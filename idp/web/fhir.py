"""FHIR R4 for machines: data holders' own reports, and consents as resources. Every refusal is an OperationOutcome."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, request
from werkzeug.datastructures import MultiDict

from idp import reports
from idp.fhir import capability, finding, outcome
from idp.fhir.outcome import Unfit
from idp.oauth import own, provider
from idp.oauth.client_facts import ClientFacts
from idp.web import gate, hurdle
from idp.web.gate import Tx, Who, route
from idp.web.protocol import challenge, protocol_request

bp = Blueprint("fhir", __name__)
JSON = outcome.MEDIA_TYPE
CREATED, UNAUTHORIZED, NOT_ACCEPTABLE, TOO_MANY = 201, 401, 406, 429
ISSUE = {401: "login", 403: "forbidden"}


def in_fhir(view: Callable[..., Response]) -> Callable[..., Response]:
    """A view whose refusals are spoken in FHIR; every check of it comes before its first write."""

    @wraps(view)
    def answer(**arguments: Any) -> Response:
        try:
            in_json()
            return view(**arguments)
        except Unfit as unfit:
            response = resource(outcome.refusal(unfit), unfit.status)
            if unfit.retry_after_s is not None:
                response.headers["Retry-After"] = str(unfit.retry_after_s)
            return response
        except own.Refused as refused:
            said = Unfit(refused.status, ISSUE[refused.status], refused.description)
            response = resource(outcome.refusal(said), refused.status)
            if refused.status == UNAUTHORIZED:
                response.headers["WWW-Authenticate"] = challenge(refused.error)
            return response

    return answer


@route(bp, "/audit/v1/AuditEvent", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
@in_fhir
def report() -> Response:
    """A data holder tells of one read of its own: 201, or 200 when the same report was taken before."""
    client = caller(own.REPORT)
    wait = hurdle.client_wait_s(client.id, what="report")
    if wait is not None:
        raise Unfit(TOO_MANY, "throttled", "too many reports a minute", wait)
    _, new = reports.receive(gate.context(), client, body())
    said = "taken" if new else "this report was taken before"
    return resource(outcome.done(said), CREATED if new else 200)


@route(bp, "/fhir/R4/Consent", tx=Tx.WRITE, who=Who.CLIENT, json=True)
@in_fhir
def search() -> Response:
    """PCF ITI-108 by GET: the person by `sub` alone."""
    context = gate.context()
    return resource(finding.find(context, asked_by(), params(request.args), in_body=False))


@route(bp, "/fhir/R4/Consent/_search", methods=("POST",), tx=Tx.WRITE, who=Who.CLIENT, json=True)
@in_fhir
def search_in_body() -> Response:
    """PCF ITI-108 by POST: the person by `sub`, or by national ID where the client may know it."""
    if request.args:
        raise Unfit(400, "security", "parameters of a POST stand in its body")
    context = gate.context()
    return resource(finding.find(context, asked_by(), params(request.form), in_body=True))


@route(bp, "/fhir/R4/Consent/<uuid:consent_id>", tx=Tx.WRITE, who=Who.CLIENT, json=True)
@in_fhir
def read(consent_id: UUID) -> Response:
    """One Consent, by the id of the record or of the refusal."""
    return resource(finding.read(gate.context(), asked_by(), consent_id))


@route(bp, "/fhir/R4/AuditEvent", tx=Tx.WRITE, who=Who.CLIENT, json=True)
@in_fhir
def own_events() -> Response:
    """What happened about the person whose token this is (`moph.audit.read.self`), newest first, a page at a time."""
    return resource(finding.events(gate.context(), protocol_request(), params(request.args)))


@route(bp, "/fhir/R4/metadata", tx=Tx.NONE, who=Who.CLIENT, json=True)
@in_fhir
def metadata() -> Response:
    """CapabilityStatement (FHIR R4): what these interfaces do, and nothing more."""
    return public(capability.statement(gate.house().settings.issuer))


@route(bp, "/fhir/R4/.well-known/smart-configuration", tx=Tx.NONE, who=Who.CLIENT, json=True)
def smart_configuration() -> Response:
    """SMART App Launch 2.2: where to get tokens for these interfaces; JSON whatever the Accept."""
    return public(capability.smart(provider.discovery(gate.house().settings)), "application/json")


def in_json() -> None:
    """Whoever wants another format gets none. Raises: Unfit."""
    if not outcome.acceptable(request.headers.get("Accept"), request.values.get("_format")):
        raise Unfit(NOT_ACCEPTABLE, "not-supported", f"resources come as {JSON}")


def public(document: Mapping[str, Any], content_type: str = JSON) -> Response:
    """A document for everybody, pages of other sites included."""
    response = Response(json.dumps(document), content_type=content_type)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def asked_by() -> finding.Asked:
    """Who asks about consents. Raises: own.Refused."""
    return finding.asked_by(gate.context(), protocol_request())


def params(given: MultiDict[str, str]) -> dict[str, str]:
    """Each parameter once. Raises: Unfit."""
    if any(len(values) > 1 for _, values in given.lists()):
        raise Unfit(400, "not-supported", "each parameter once")
    return given.to_dict()


def caller(scope: str) -> ClientFacts:
    """The machine that asks. Raises: own.Refused."""
    return own.caller(gate.context(), protocol_request(), scope)


def body() -> Mapping[str, Any]:
    """The JSON object that was posted. Raises: Unfit."""
    try:
        found = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise Unfit(400, "structure", "the body is no JSON") from error
    if not isinstance(found, dict):
        raise Unfit(400, "structure", "the body is no JSON object")
    return found


def resource(document: Mapping[str, Any], status: int = 200) -> Response:
    """A resource as it goes out; nothing of these interfaces is kept by anybody on the way."""
    response = Response(json.dumps(document, ensure_ascii=False), status, content_type=f"{JSON}; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = g.request_id
    return response
