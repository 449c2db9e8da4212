"""Rows of the outbox of which it isn't known whether they were taken."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tom_bridge", "0007_outbox_format")]

    operations = [
        migrations.AlterField(
            model_name="outboxevent",
            name="state",
            field=models.CharField(
                choices=[("queued", "Queued"), ("sent", "Sent"), ("refused", "Refused"), ("unclear", "Unclear")],
                default="queued",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="outboxevent",
            index=models.Index(
                condition=models.Q(("state", "unclear")), fields=["id"], name="tom_bridge_outbox_unclear"
            ),
        ),
    ]
