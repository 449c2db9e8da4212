"""``manage.py bridgedoctor``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge doctor``, inside of the TOM."""

    word = "doctor"
