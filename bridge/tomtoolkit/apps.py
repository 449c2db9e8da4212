"""How Django knows the app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.urls import include, path

from bridge.loglines import set_up_unless_done


class TomBridgeConfig(AppConfig):
    """TOM Bridge inside a TOM."""

    name = "bridge.tomtoolkit"
    label = "tom_bridge"
    verbose_name = "TOM Bridge"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, hide secrets, and see to the indexes after every migrate."""
        from bridge.tomtoolkit import checks, conf  # noqa: F401, PLC0415 (apps must be ready)

        conf.hide()
        set_up_unless_done()
        post_migrate.connect(_index, sender=self, dispatch_uid="tom_bridge.index_names")

    # -- where TOM Toolkit asks an app to show itself ------------------------------------------------------------------

    def include_url_paths(self) -> list[Any]:
        """Return where the bridge's pages are."""
        return [path("bridge/", include("bridge.tomtoolkit.urls", namespace="tom_bridge"))]

    def nav_items(self) -> list[dict[str, str]]:
        """Return the entry in the navigation: a plain link on every page, which asks nothing of anybody."""
        return [{"partial": "tom_bridge/partials/navigation.html"}]

    def target_detail_buttons(self) -> list[dict[str, str]]:
        """Return the button on a target's page."""
        return [
            {
                "partial": "tom_bridge/partials/share_button.html",
                "context": "bridge.tomtoolkit.pages.target_tab.share_button",
            }
        ]

    def target_detail_tabs(self) -> list[dict[str, str]]:
        """Return the tab on a target's page; its content is loaded when it is opened."""
        return [
            {
                "label": "Shares",
                "partial": "tom_bridge/partials/shares_tab.html",
                "context": "bridge.tomtoolkit.pages.target_tab.shares_tab",
            }
        ]


def _index(using: str, **_kwargs: Any) -> None:
    from bridge.tomtoolkit.rows import kinds, names  # noqa: PLC0415 (models must be ready)

    names.create_indexes(using)
    kinds.create_index(using)
