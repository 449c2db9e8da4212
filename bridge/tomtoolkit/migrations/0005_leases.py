"""Who does what only one process does at a time, and what a self-share could not share yet."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tom_bridge", "0004_mail"),
        ("tom_dataproducts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("holder", models.UUIDField()),
                ("until", models.DateTimeField()),
                ("process", models.CharField(max_length=300)),
                ("machine", models.CharField(max_length=200)),
                ("pid", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="LeftOut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(blank=True, max_length=50)),
                ("reason", models.TextField()),
                ("since", models.DateTimeField()),
                ("tries", models.IntegerField(default=1)),
                ("due", models.DateTimeField(db_index=True)),
                (
                    "product",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tom_dataproducts.dataproduct",
                    ),
                ),
                (
                    "self_share",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="left_out", to="tom_bridge.selfshare"
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tom_targets.basetarget",
                    ),
                ),
            ],
        ),
    ]
