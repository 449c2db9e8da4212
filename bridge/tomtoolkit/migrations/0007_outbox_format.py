"""In which format a row of the outbox is: an event, or a message of Hermes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tom_bridge", "0006_events")]

    operations = [
        migrations.AddField(
            model_name="outboxevent",
            name="format",
            field=models.CharField(default="tom-bridge", max_length=20),
        ),
    ]
