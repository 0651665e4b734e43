"""The tables of who acts for whom. A guardianship begins once and ends once; a proposal is settled once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from consent.db import Base, Plain, Sealed, new_id

KINDS = ("parent", "guardian", "curator", "helper")
NEEDED = ("self_alone", "guardian_alone", "both")
EVIDENCE = ("house_register", "birth_certificate", "court_order", "own_choice")
INVITED = ("begun", "declined", "refused", "called_back", "replaced")
OUTCOMES = ("signed", "refused", "taken_back", "replaced", "outdated")


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class Guardianship(Base):
    """One person may act for another. Without `starts_at` it was drawn up and nobody has confirmed it: it is nothing.

    `reference` (the number of the paper that was seen) is sealed under the ward's key; a helper has none.
    """

    __tablename__ = "guardianship"
    __table_args__ = (
        CheckConstraint(_one_of("kind", KINDS), name="kind"),
        CheckConstraint(_one_of("needed", NEEDED), name="needed"),
        CheckConstraint(_one_of("evidence", EVIDENCE), name="evidence"),
        CheckConstraint("ward_id <> guardian_id", name="two_people"),
        CheckConstraint("second_by <> given_by", name="two_officers"),
        CheckConstraint("ends_at > drawn_up_at", name="order"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        Index("ix_guardianship_ward_id", "ward_id"),
        Index("ix_guardianship_guardian_id", "guardian_id"),
        Index("ix_guardianship_ends_at", "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    ward_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    kind: Mapped[Plain]
    needed: Mapped[Plain]  # whose signature a consent of the ward needs while it runs: a birthday ends it first
    evidence: Mapped[Plain]
    reference: Mapped[Sealed | None]
    evidence_sha256: Mapped[Plain | None]
    case_id: Mapped[UUID | None]
    hcode: Mapped[Plain | None]
    given_by: Mapped[UUID | None]
    second_by: Mapped[UUID | None]
    drawn_up_at: Mapped[datetime]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime]
    ends_by: Mapped[Plain]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
    end_reason: Mapped[Plain | None]
    may: Mapped[Plain | None]  # of a chosen helper: see, answer, withdraw
    purposes: Mapped[Plain | None]  # of a chosen helper: the codes that it is about


class ConsentProposal(Base):
    """A consent that one of two has signed. It is no consent, and nothing is opened by it, until the other signs."""

    __tablename__ = "consent_proposal"
    __table_args__ = (
        CheckConstraint(f"outcome IS NULL OR {_one_of('outcome', OUTCOMES)}", name="outcome"),
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled"),
        Index(
            "uq_consent_proposal_open",
            *("ward_id", "recipient_id", "holder", "purpose"),
            unique=True,
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
        Index("ix_consent_proposal_ward_id", "ward_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    ward_id: Mapped[UUID]
    signed_by: Mapped[UUID]
    capacity: Mapped[Plain]  # of who signed: self, parent or curator
    guardianship_id: Mapped[UUID | None]
    recipient_id: Mapped[UUID]
    holder: Mapped[Plain]
    purpose: Mapped[Plain]
    client_id: Mapped[Plain]
    scopes: Mapped[Plain]
    categories: Mapped[Plain]
    basis: Mapped[Plain]
    notice_id: Mapped[UUID]
    notice_version: Mapped[int]
    notice_sha256: Mapped[Plain]
    locale: Mapped[Plain]
    aal: Mapped[Plain]
    ial: Mapped[Plain]
    lives_for_s: Mapped[int | None]
    more: Mapped[Plain]  # JSON: what else the record will say (a visit, a country, MACs of the values shown)
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None]
    outcome: Mapped[Plain | None]
    record_id: Mapped[UUID | None]


class HelperInvitation(Base):
    """An adult looks for a helper. It lets nobody do anything; only its code's keyed hash is kept.

    `ward_id` chooses; `guardian_id` is who typed the code, once. Of one person at most one waits.
    """

    __tablename__ = "helper_invitation"
    __table_args__ = (
        CheckConstraint(f"outcome IS NULL OR {_one_of('outcome', INVITED)}", name="outcome"),
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled"),
        CheckConstraint("accepted_at IS NULL OR guardian_id IS NOT NULL", name="accepted"),
        CheckConstraint("ward_id <> guardian_id", name="two_people"),
        Index(
            "uq_helper_invitation_open",
            "ward_id",
            unique=True,
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
        Index("ix_helper_invitation_guardian_id", "guardian_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    ward_id: Mapped[UUID]
    guardian_id: Mapped[UUID | None]
    code_hash: Mapped[Plain] = mapped_column(unique=True)
    may: Mapped[Plain]
    kinds: Mapped[Plain]
    days: Mapped[int]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    accepted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    outcome: Mapped[Plain | None]
    link_id: Mapped[UUID | None]
