"""The ground: ids in order, instants with their zone, inserts that happen once."""

from datetime import datetime

import pytest

from consent.audit.models import AuditUnsealed
from consent.db import InsertOnce, UtcDateTime, new_id
from consent.models import ConsentUse
from tests.fakes import NOW


def test_ids_of_one_process_are_in_order_and_are_uuids_of_version_7():
    """RFC 9562 sections 5.7 and 6.2: also thousands within one millisecond."""
    made = [new_id() for _ in range(10_000)]

    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


def test_a_naive_datetime_is_not_an_instant(engine):
    """Every instant knows its zone."""
    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), engine.dialect)  # noqa: DTZ001 -- what is refused


def test_a_row_is_inserted_once(session):
    """A second insert of a key writes nothing and breaks nothing."""
    once, row = InsertOnce(AuditUnsealed), {"entry_id": new_id()}

    assert [once(session, row), once(session, row)] == [True, False]


def test_an_instant_comes_back_with_its_zone(session):
    """UTC on both engines, to the microsecond."""
    at = NOW.replace(microsecond=123456)
    use = ConsentUse(record_id=new_id(), n=1, client_id="x", used_at=at)
    session.add(use)
    session.flush()
    session.expire(use)

    assert (use.used_at, use.used_at.tzinfo) == (at, at.tzinfo)
