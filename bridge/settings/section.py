"""The base of all tables of the configuration."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """The base of all tables of the configuration: frozen, and closed to keys that it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
