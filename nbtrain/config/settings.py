"""Settings of a workspace, which hold for all runs in it: how the Hub is asked."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from nbtrain.core.errors import ConfigError, Problem

#: What each setting takes, in words.
_ALLOWED = {
    "endpoint": "an https address without user, password, question mark or hash (http for this machine alone), such as "
    "https://huggingface.co",
    "timeout": "a number of seconds from 1 to 120",
    "retries": "a whole number from 0 to 10",
}


class HubSettings(BaseModel):
    """How the Hub is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    endpoint: str = "https://huggingface.co"
    """Its address, without a slash at the end."""
    timeout: float = Field(15.0, ge=1.0, le=120.0)
    """Seconds without an answer, or without another byte, after which a connection is given up."""
    retries: int = Field(3, ge=0, le=10)
    """How often a request is made again that was cut, refused for now (429) or met trouble (5xx)."""

    @field_validator("timeout", "retries", mode="before")
    @classmethod
    def _no_switch(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError  # noqa: TRY004 - pydantic's own way to say no
        return value

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        if not _is_address(value):
            raise ValueError
        return value.rstrip("/")


def hub_settings(values: Mapping[str, Any], source: str = "settings") -> HubSettings:
    """The settings with these values; those that are not given have their defaults.

    Args:
        values: by name.
        source: where they come from, for the message.

    Raises:
        ConfigError: a value is not allowed, or there is no such setting. A password in an address is not repeated.
    """
    try:
        return HubSettings(**values)
    except ValidationError as error:
        raise ConfigError([_problem(str(each["loc"][0]), each["input"], source) for each in error.errors()]) from None


def _problem(name: str, value: Any, source: str) -> Problem:
    if name not in _ALLOWED:
        known = ", ".join(_ALLOWED)
        return Problem(name, f"There is no setting {name!r:.60} of the Hub ({source}); there are: {known}.")
    shown = "an address with a password" if name == "endpoint" and "@" in str(value) else f"{value!r:.120}"
    return Problem(name, f"The Hub's {name} is {shown} ({source}); it must be {_ALLOWED[name]}.")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # the port may be no number
    except ValueError:
        return False
    if not host or "@" in parts.netloc or any(c.isspace() or not c.isprintable() or c in "?#\\" for c in text):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    """Whether it is this machine: a token goes there without being seen by others."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
