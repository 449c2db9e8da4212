"""What came of one origin is found without looking through all outcomes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tom_bridge", "0008_outbox_unclear")]

    operations = [
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["origin", "published_at"], name="tom_bridge_event_origin"),
        ),
    ]
