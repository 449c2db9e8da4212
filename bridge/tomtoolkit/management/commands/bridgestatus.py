"""``manage.py bridgestatus``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge status``, inside of the TOM."""

    word = "status"
