"""``manage.py bridgeshares``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge shares``, inside of the TOM."""

    word = "shares"
