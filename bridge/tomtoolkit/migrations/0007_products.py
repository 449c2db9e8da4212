from typing import Any

from django.db import migrations, models

_KEPT = ("event_id", "product_id", "file", "product", "done")


def _copy(apps: Any, schema_editor: Any) -> None:
    """Take over what was under way: without an origin, which nobody had noted."""
    _between(apps, schema_editor, "ProductRunBefore", "ProductRun")


def _copy_back(apps: Any, schema_editor: Any) -> None:
    _between(apps, schema_editor, "ProductRun", "ProductRunBefore")


def _between(apps: Any, schema_editor: Any, old: str, new: str) -> None:
    using = schema_editor.connection.alias
    model = apps.get_model("tom_bridge", new)
    rows = apps.get_model("tom_bridge", old).objects.using(using).values(*_KEPT)
    model.objects.using(using).bulk_create([model(**row) for row in rows], ignore_conflicts=True)


class Migration(migrations.Migration):
    """A product's run is known by origin and event, and has notes for people."""

    dependencies = (("tom_bridge", "0004_mail"),)
    operations = (
        migrations.RenameModel("ProductRun", "ProductRunBefore"),
        migrations.CreateModel(
            name="ProductRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.CharField(max_length=100)),
                ("event_id", models.UUIDField()),
                ("product_id", models.TextField()),
                ("file", models.TextField()),
                ("product", models.BigIntegerField(null=True)),
                ("done", models.BooleanField(default=False)),
                ("notes", models.JSONField(default=list)),
            ],
            options={
                "constraints": (models.UniqueConstraint(fields=("origin", "event_id"), name="tom_bridge_run_once"),),
            },
        ),
        migrations.RunPython(_copy, _copy_back),
        migrations.DeleteModel("ProductRunBefore"),
    )
