"""What people decide on the pages: which target is meant, and what is to be tried again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tom_bridge", "0002_outbox"),
    ]

    operations = [
        migrations.CreateModel(
            name="Choice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("simple", models.CharField(max_length=200, unique=True)),
                ("name", models.TextField()),
                ("chosen_by", models.CharField(max_length=150)),
                ("chosen_at", models.DateTimeField(auto_now_add=True)),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tom_targets.basetarget"
                    ),
                ),
            ],
            options={
                "permissions": (("manage", "Can manage what is parked and what is dead at the bridge"),),
            },
        ),
        migrations.CreateModel(
            name="RetryRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("dead", models.BigIntegerField(unique=True)),
                ("asked_by", models.CharField(max_length=150)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
