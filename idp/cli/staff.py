"""People who work here: the first auditor and administrator are made by command, everyone by invitation."""

import sys

import click

from idp import directory, subjects
from idp.cli.house import house
from idp.db import Session
from idp.directory.models import OF_THE_SERVICE, ROLES, Facility
from idp.login import invitations
from idp.wiring import wall_clock


@click.group()
def staff() -> None:
    """People who work here."""


@staff.command("add")
@click.option("--national-id", required=True, type=click.Choice(["-"]), help="- : typed on standard input, unseen.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--hcode", help="Facility, for clerks, practitioners and heads.")
def staff_add(national_id: str, role: str, hcode: str | None) -> None:  # noqa: ARG001 -- "-" says where it comes from
    """Give a person a role and print an invitation to set up their passkey, good once within 24 hours."""
    number = subjects.parse_national_id(sys.stdin.readline())
    now = wall_clock()
    with house() as here:
        if not here.ports.id_policy.allows(number):
            raise ValueError("This installation does not serve that kind of number.")
        person = here.ports.registry.look_up(number)
        ring = here.rings.at(now)
        with here.sessions.writing() as session:
            check_facility(session, role, hcode)
            subject = subjects.find_by_national_id(session, ring, number)
            if subject is None and (person is None or person.status != "alive"):
                raise ValueError("Nobody is known under that number.")
            if subject is None and person is not None:
                subject = subjects.create(session, ring, number, person, now=now)
            assert subject is not None  # noqa: S101 -- the two branches above
            directory.assign(session, subject_id=subject.id, role=role, granted_by=None, hcode=hcode, now=now)
            code = invitations.create(session, subject.id, now=now)
    click.echo(f"Open {here.settings.issuer}/staff/enrol and enter this code (once, within 24 hours):\n{code}")


def check_facility(session: Session, role: str, hcode: str | None) -> None:
    """Who works at a facility works somewhere we know; the others for the whole service. Raises: ValueError."""
    somewhere = role not in OF_THE_SERVICE
    if somewhere and hcode is None:
        raise ValueError(f"The role {role} is for one facility: give its code with --hcode.")
    if not somewhere and hcode is not None:
        raise ValueError(f"The role {role} is for the whole service: leave --hcode out.")
    if hcode is not None and session.get(Facility, hcode) is None:
        raise ValueError(f"There is no facility {hcode}; `idp entity add --hcode` makes one.")
