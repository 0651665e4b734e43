"""What every way of signing in does at the door: is this device known, is it shared, and who should be told (O42).

A device is known by a cookie of its own, which stays after signing out. A person who says that others use this device
too gets a short session and no such mark, and is offered no passkey here; the choice is the browser's until it closes.
"""

from uuid import UUID

from flask import Blueprint, Response, g, redirect, request

from idp import alerts
from idp.assurance import Aal
from idp.db import Session
from idp.login import devices
from idp.web import cookies
from idp.web.ceremony import device
from idp.web.gate import Tx, as_response, own_path, route

bp = Blueprint("arrivals", __name__)
YES = "1"


def is_shared() -> bool:
    """Whether the person said that others use this device too."""
    return cookies.read(cookies.SHARED) == YES


def welcome(session: Session, subject_id: UUID, aal: Aal) -> None:
    """Note the device of a sign-in that just succeeded; tell the person when it is a new one.

    On a shared device no mark is left, so each sign-in there is told.
    """
    mark, name = cookies.read(cookies.DEVICE), device()
    if is_shared():
        new = not devices.is_known(session, g.ring, mark, subject_id, now=g.now)
    else:
        mark = mark or devices.new_mark()
        new = devices.note(session, g.ring, mark, subject_id=subject_id, device=name, aal=aal, now=g.now)
        cookies.put(cookies.DEVICE, mark, max_age=cookies.YEAR_S)
    if new:
        alerts.tell(session, g.ring, subject_id=subject_id, kind="new_device", now=g.now, detail_code=name)


def stronger(session: Session, subject_id: UUID, aal: Aal) -> None:
    """More was proved on this device: it is known at that level from now on. A shared one is not noted."""
    mark = cookies.read(cookies.DEVICE)
    if mark is not None and not is_shared():
        devices.note(session, g.ring, mark, subject_id=subject_id, device=device(), aal=aal, now=g.now)


@route(bp, "/shared-device", methods=("POST",), tx=Tx.NONE)
def shared_device() -> Response:
    """The person says whether others use this device too, and goes on where they were."""
    cookies.put(cookies.SHARED, YES if request.form.get("shared") == YES else None)
    return as_response(redirect(own_path(request.form.get("next"), default="/"), 303))


@route(bp, "/shared-device", tx=Tx.NONE)
def said() -> Response:
    """Reloading is no dead end."""
    return as_response(redirect(request.script_root + "/", 303))
