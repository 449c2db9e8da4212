"""``manage.py bridgeposition``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge position``, inside of the TOM."""

    word = "position"
