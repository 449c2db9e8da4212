"""``manage.py bridgeparked``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge parked``, inside of the TOM."""

    word = "parked"
