"""``manage.py bridgedead``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge dead``, inside of the TOM."""

    word = "dead"
