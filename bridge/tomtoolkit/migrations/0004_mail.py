from django.db import migrations, models


class Migration(migrations.Migration):
    """When the daily mail was last sent."""

    dependencies = (("tom_bridge", "0003_pages"),)
    operations = (migrations.AddField("Installation", "mailed_at", models.DateTimeField(null=True)),)
