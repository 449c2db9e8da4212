"""All settings of TOM Bridge: the model, how it loads, and how what is wrong with it is told."""

from bridge.settings.errors import hide_secrets
from bridge.settings.given import CONFIG_VARIABLE, ENVIRONMENT_PREFIX
from bridge.settings.model import DEFAULT_FILE, Settings
from bridge.settings.section import Section
from bridge.settings.streams import FullTopicName, StreamSettings
from bridge.settings.tables import (
    GatewaySettings,
    LimitSettings,
    PublishedTopicSettings,
    PublishSettings,
    Start,
    SubscriptionSettings,
)

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "ENVIRONMENT_PREFIX",
    "FullTopicName",
    "GatewaySettings",
    "LimitSettings",
    "PublishSettings",
    "PublishedTopicSettings",
    "Section",
    "Settings",
    "Start",
    "StreamSettings",
    "SubscriptionSettings",
    "hide_secrets",
]
