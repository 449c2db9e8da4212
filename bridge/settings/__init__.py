"""All settings of TOM Bridge: the model, how it loads, and how what is wrong with it is told."""

from bridge.settings.errors import hide_secrets
from bridge.settings.model import (
    CONFIG_VARIABLE,
    DEFAULT_FILE,
    ENVIRONMENT_PREFIX,
    LimitSettings,
    PublishSettings,
    Section,
    Settings,
    Start,
    SubscriptionSettings,
    TopicName,
)

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "ENVIRONMENT_PREFIX",
    "LimitSettings",
    "PublishSettings",
    "Section",
    "Settings",
    "Start",
    "SubscriptionSettings",
    "TopicName",
    "hide_secrets",
]
