"""What is given as settings, before it is checked: names in any case, and the environment."""

import os
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from bridge.errors import ConfigurationError
from bridge.settings.errors import is_labelled, nearest, section
from bridge.settings.tables import TomSettings

ENVIRONMENT_PREFIX = "TOM_BRIDGE_"
CONFIG_VARIABLE = "TOM_BRIDGE_CONFIG"


def lower_case(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` with the fields' names in lower case, and without DATA_SHARING's keys that mean nothing here."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = key.lower()
        if name not in model.model_fields:
            foreign = model is TomSettings and key.isupper() and not nearest(name, model, cutoff=0.8)
            if not foreign:
                found[key] = value
            continue
        table = section(model, name)
        if table and isinstance(value, Mapping):
            found[name] = (
                {label: lower_case(table, one) if isinstance(one, Mapping) else one for label, one in value.items()}
                if is_labelled(model, name)
                else lower_case(table, value)
            )
        elif table and isinstance(value, list | tuple):
            found[name] = [lower_case(table, one) if isinstance(one, Mapping) else one for one in value]
        else:
            found[name] = value
    return found


def check_environment(model: type[BaseModel]) -> None:
    """Refuse a variable that was meant for us and is misspelt.

    Others may begin like ours (Kubernetes sets TOM_BRIDGE_PORT for a service "tom-bridge"): those without ``__``
    and unlike any setting are let be.
    """
    for variable in os.environ:
        rest = variable.upper().removeprefix(ENVIRONMENT_PREFIX)
        if variable.upper() == rest or variable.upper() == CONFIG_VARIABLE:
            continue
        name, nested, _ = rest.lower().partition("__")
        near = nearest(name, model, cutoff=0.8)
        if name not in model.model_fields and (nested or near):
            mend = f"Did you mean {ENVIRONMENT_PREFIX}{near.upper()}?" if near else "Take it out of the environment"
            raise ConfigurationError("is no setting", where=variable, mend=mend)
