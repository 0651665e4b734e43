"""Who is who among organisations and staff: legal entities, facilities, licences, assignments.

models      the tables                           recipients   a legal entity as `consent.decision.Recipient`
contacts    who answers for an organisation      staff        roles of a person, where they work, assignments
entities    organisations: registered, found by id or name
roll_out    which provinces take part, since when
seed        the sandbox's directory, made up from hcode 99001 on
"""

from idp.directory.contacts import Contacts, contacts_of, operator
from idp.directory.models import Facility, LegalEntity, Practitioner, StaffAssignment
from idp.directory.recipients import entity_of, facility_name, hcode_of, recipient_of, takes_part
from idp.directory.staff import Affiliation, affiliations_of, assign, end_assignment, roles_of

__all__ = [
    "Affiliation",
    "Contacts",
    "Facility",
    "LegalEntity",
    "Practitioner",
    "StaffAssignment",
    "affiliations_of",
    "assign",
    "contacts_of",
    "end_assignment",
    "entity_of",
    "facility_name",
    "hcode_of",
    "operator",
    "recipient_of",
    "roles_of",
    "takes_part",
]
