"""What the target page of TOM Toolkit is given: the button, and the tab. An error here would break that page."""

from typing import Any

from django.conf import settings

from bridge.errors import BridgeError
from bridge.tomtoolkit.pages.share import topics_for
from bridge.tomtoolkit.permissions import SHARE, shareable


def share_button(context: Any) -> dict[str, Any]:
    """Return whether the visitor is shown the button, for the target of the page."""
    return {
        "bridge_may_share": _may_share(context),
        # TOM Toolkit's own button is called "Share" and is there where DATA_SHARING is set.
        "bridge_share_label": "Share over the bridge" if getattr(settings, "DATA_SHARING", None) else "Share",
    }


def shares_tab(context: Any) -> dict[str, Any]:
    """Return nothing that costs anything: TOM Toolkit calls this twice a page."""
    user = getattr(context.get("request"), "user", None)
    return {"bridge_logged_in": bool(user is not None and user.is_authenticated)}


def _may_share(context: Any) -> bool:
    target, user = context.get("target") or context.get("object"), getattr(context.get("request"), "user", None)
    if target is None or user is None or not user.is_authenticated or not user.has_perm(SHARE):
        return False
    try:
        return bool(topics_for(user)[0] and shareable(user, [target.pk]))
    except BridgeError:
        return False
