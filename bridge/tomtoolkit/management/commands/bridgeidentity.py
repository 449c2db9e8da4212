"""``manage.py bridgeidentity``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge identity``, inside of the TOM."""

    word = "identity"
