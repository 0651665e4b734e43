"""What every table must obey, read from the models and tried on the migrated schema."""

import re
from datetime import date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, Connection, LargeBinary, String, Table, inspect, text
from sqlalchemy.exc import DBAPIError

from consent.db import Base, PersonalText, PlainText, SealedBytes, append_only_tables
from idp.migrations.models import MODULES, metadata
from tests.fakes import NOW

IDENTIFYING = re.compile(
    r"^(name_th|name_en|birth_date|phone|email|address|number|snapshot|data_key|secret|private|request|to|body)(_sealed|_wrapped)?$"
)
PUBLIC_TABLES = {"client", "consent_notice", "facility", "legal_entity", "practitioner", "resource_server"}


def columns() -> list[Column]:
    return [column for table in metadata().sorted_tables for column in table.columns]


def package_of(table: Table) -> str:
    owner = {mapper.local_table: mapper.class_.__module__ for mapper in Base.registry.mappers}
    return owner[table].partition(".")[0]


def test_no_foreign_key_crosses_the_packages():
    """ARCHITECTURE: consent has never heard of idp, not even in the schema."""
    crossing = [
        f"{table.name} -> {key.column.table.name}"
        for table in metadata().sorted_tables
        for key in table.foreign_keys
        if package_of(table) != package_of(key.column.table)
    ]

    assert crossing == []


def test_every_text_column_says_what_it_holds():
    """DECISIONS 5: Plain or Personal; a bare string declares nothing."""
    bare = [
        str(column)
        for column in columns()
        if not isinstance(column.type, (PlainText, PersonalText, SealedBytes))
        and (isinstance(column.type, String) or column.type.__class__.__name__ in {"JSON", "Enum", "JSONB"})
    ]

    assert bare == []


def test_every_personal_column_holds_its_mark():
    """DECISIONS 5: erasure must reach these; a mark that goes takes a person's right with it."""
    marked = {str(column) for column in columns() if isinstance(column.type, PersonalText)}

    assert marked == {"passkey.name"}


def test_what_identifies_a_person_is_sealed():
    """DECISIONS 5: names, birth date, phone, address, number, and letters with them, are ciphertext."""
    open_ones = [
        str(column)
        for column in columns()
        if IDENTIFYING.match(column.name)
        and column.table.name not in PUBLIC_TABLES
        and not isinstance(column.type, SealedBytes)
    ]

    assert open_ones == []


def test_bytes_are_sealed_or_known_to_be_open():
    """A new bytes column must say why it is not ciphertext, here."""
    known = {
        "audit_entry.leaf_bytes",
        *("audit_leaf.leaf_hash", "audit_tree.edge", "audit_tree.signed_edge", "audit_checkpoint.root"),  # hashes
        *("passkey.credential_id", "passkey.public_key", "webauthn_challenge.challenge"),
    }
    bare = {
        str(column)
        for column in columns()
        if isinstance(column.type, LargeBinary) and not isinstance(column.type, SealedBytes)
    }

    assert bare <= known


def test_every_module_with_a_table_is_in_the_list_of_models():
    """A table that migrations do not import would never be made."""
    metadata()

    assert {mapper.class_.__module__ for mapper in Base.registry.mappers} <= set(MODULES)


def test_what_must_never_change_is_marked_append_only():
    """DECISIONS 16 and 19: records, refusals, withdrawals, uses, notices and the log."""
    metadata()

    assert {
        "audit_checkpoint",
        "audit_entry",
        "audit_leaf",
        "consent_notice",
        "consent_record",
        "consent_refusal",
        "consent_use",
        "consent_withdrawal",
        "installation",
    } <= set(append_only_tables())


@pytest.mark.parametrize("table", [table.name for table in metadata().sorted_tables])
def test_only_append_only_tables_are_guarded_and_all_of_them(engine, table):
    """DECISIONS 24: batch mode drops triggers, so the migrated schema is what is looked at."""
    query = (
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
        if engine.dialect.name == "sqlite"
        else "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = CAST(:table AS regclass)"
    )
    with engine.connect() as connection:
        guards = connection.scalar(text(query), {"table": table})

    expected = {"sqlite": 2, "postgresql": 3}[engine.dialect.name]
    assert guards == (expected if table in append_only_tables() else 0)


EXAMPLES = {date: NOW.date(), str: "x", bytes: b"x", int: 1, float: 1.0, bool: True, datetime: NOW}


def example(column: Column) -> object:
    kind = getattr(column.type, "impl_instance", column.type).python_type
    return uuid4() if kind is UUID else EXAMPLES[kind]


def lay_a_row(connection: Connection, table: Table) -> None:
    """Insert something, past foreign keys and checks (not past triggers on UPDATE and DELETE), to be rolled back."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        connection.execute(table.insert().values({column.name: example(column) for column in table.columns}))
        return
    for check in inspect(connection).get_check_constraints(table.name):
        connection.execute(text(f"ALTER TABLE {table.name} DROP CONSTRAINT {check['name']}"))
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(table.insert().values({column.name: example(column) for column in table.columns}))
    connection.execute(text("SET LOCAL session_replication_role = origin"))


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
@pytest.mark.parametrize("name", append_only_tables())
def test_an_append_only_row_can_be_neither_changed_nor_removed(engine, name, verb):
    """DECISIONS 19: the database itself refuses, whoever asks."""
    table = metadata().tables[name]
    column = next(iter(table.primary_key.columns))
    change = table.update().values({column: column}) if verb == "UPDATE" else table.delete()

    with engine.connect() as connection:
        lay_a_row(connection, table)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(change)
        connection.rollback()


@pytest.mark.parametrize("name", append_only_tables())
def test_an_append_only_table_cannot_be_emptied_at_once(engine, name):
    """TRUNCATE fires no row trigger: PostgreSQL needs one of its own. SQLite has no TRUNCATE."""
    if engine.dialect.name == "sqlite":
        return
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(f"TRUNCATE {name} CASCADE"))


def test_the_schema_has_the_tables_of_the_models_and_no_more(engine):
    """A fixture that made its own tables would test a house nobody lives in."""
    assert set(inspect(engine).get_table_names()) - {"alembic_version"} == set(metadata().tables)
