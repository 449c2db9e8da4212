"""``manage.py bridgeposition``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge position``, inside of the TOM."""

    word = "position"
