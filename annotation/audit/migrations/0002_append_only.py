"""From here on the database refuses to change or remove an entry."""

from typing import Any

from django.db import migrations

from annotation.audit import protection


def protect(apps: Any, schema_editor: Any) -> None:
    protection.protect(schema_editor.connection)


def lift(apps: Any, schema_editor: Any) -> None:
    protection.lift(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(protect, lift)]
