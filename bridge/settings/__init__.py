"""All settings of TOM Bridge: the model, how it loads, and how what is wrong with it is told."""

from bridge.settings.errors import hide_secrets
from bridge.settings.model import (
    CONFIG_VARIABLE,
    DEFAULT_FILE,
    ENVIRONMENT_PREFIX,
    GatewaySettings,
    LimitSettings,
    PublishedTopicSettings,
    PublishSettings,
    Settings,
    Start,
    SubscriptionSettings,
)
from bridge.settings.section import Section
from bridge.settings.streams import FullTopicName, StreamSettings

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
