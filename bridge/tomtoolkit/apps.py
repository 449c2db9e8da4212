"""How Django knows the app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TomBridgeConfig(AppConfig):
    """TOM Bridge inside a TOM."""

    name = "bridge.tomtoolkit"
    label = "tom_bridge"
    verbose_name = "TOM Bridge"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and see to the index of names after every migrate."""
        from bridge.tomtoolkit import checks  # noqa: F401, PLC0415 (apps must be ready)

        post_migrate.connect(_index_names, sender=self, dispatch_uid="tom_bridge.index_names")


def _index_names(using: str, **_kwargs: Any) -> None:
    from bridge.tomtoolkit.names import create_indexes  # noqa: PLC0415 (models must be ready)

    create_indexes(using)
