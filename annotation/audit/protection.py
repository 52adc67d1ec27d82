"""The database itself refuses to change or remove an entry: triggers for both databases.

Whoever may alter tables can lift them; nobody who only holds the site's pages or its API can. On
SQLite a migration that remakes the table drops its triggers, so it must call ``protect`` again;
``tests/audit`` notices where it did not.
"""

from typing import Any

TABLE = "audit_entry"
TOLD = "the audit log is append-only"
FUNCTION = "audit_entry_refuse"
POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{TOLD}'; END $$",
    f"CREATE TRIGGER {TABLE}_rows BEFORE UPDATE OR DELETE ON {TABLE}"
    f" FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()",
    f"CREATE TRIGGER {TABLE}_whole BEFORE TRUNCATE ON {TABLE}"
    f" FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()",
)
SQLITE = tuple(
    f"CREATE TRIGGER {TABLE}_{deed} BEFORE {deed} ON {TABLE}"
    f" BEGIN SELECT RAISE(ABORT, '{TOLD}'); END"
    for deed in ("UPDATE", "DELETE")
)
LIFT_POSTGRESQL = tuple(f"DROP TRIGGER IF EXISTS {TABLE}_{n} ON {TABLE}" for n in ("rows", "whole"))
LIFT_SQLITE = tuple(f"DROP TRIGGER IF EXISTS {TABLE}_{n}" for n in ("UPDATE", "DELETE"))


def protect(connection: Any) -> None:
    """Let the table only grow from now on."""
    _execute(connection, POSTGRESQL if connection.vendor == "postgresql" else SQLITE)


def lift(connection: Any) -> None:
    """Let it be changed again: for migrations, and for tests that empty their database."""
    _execute(connection, LIFT_POSTGRESQL if connection.vendor == "postgresql" else LIFT_SQLITE)


def _execute(connection: Any, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
