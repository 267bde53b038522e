"""The Hub client's errors in our words, and which of them pass when one asks again."""

from __future__ import annotations

import contextlib
import email.utils
import importlib
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from huggingface_hub import constants, errors

from nbtrain.core.errors import HubError, NbtrainError
from nbtrain.store import atomic

#: What the Hub may answer that does not mean that a repository is not there: what is cached can be used.
TROUBLE = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Seconds before the first request that is made again; each further one waits twice as long, up to `LONGEST_PAUSE`.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
#: Seconds that the Hub may ask us to wait (429); for longer, people are told instead.
LONGEST_WAIT = 60.0

#: The HTTP library, which is not the same in all versions of the client.
_http: Any = importlib.import_module(errors.HfHubHTTPError.__bases__[0].__module__.partition(".")[0])
#: The root of its errors, and what a connection that could not be opened, or was cut, raises.
HTTPError: type[Exception] = errors.HfHubHTTPError.__bases__[0]
ConnectError: type[Exception] = _http.ConnectError
CutError: type[Exception] = _http.TransportError

T = TypeVar("T")


@contextlib.contextmanager
def told(what: str, endpoint: str, revision: str | None = None) -> Iterator[None]:
    """The client's errors in our words, which hold nothing that the Hub or a request said.

    Args:
        what: what is asked for, e.g. ``config.json of owner/name``.
        endpoint: the Hub's address.
        revision: which revision of it, for the message when there is none.

    Raises:
        HubError: with `offline` when the Hub did not answer, or said that it has trouble; without for a refusal.
        WorkspaceError: a file could not be written.
    """
    try:
        yield
    except NbtrainError:
        raise
    except errors.HfHubHTTPError as error:
        raise _refused(what, endpoint, revision, error) from None
    except errors.OfflineModeIsEnabled:
        raise HubError("HF_HUB_OFFLINE is set, so the Hub was not asked.", offline=True) from None
    except (HTTPError, ConnectionError, TimeoutError, errors.LocalEntryNotFoundError):
        raise HubError(f"The Hub at {endpoint} cannot be reached.", offline=True) from None
    except errors.HFValidationError:
        raise HubError(f"{what} is no name of a repository; names look like owner/name.") from None
    except OSError as error:
        if error.errno is None:
            raise HubError(f"{what} cannot be downloaded ({type(error).__name__}).") from None
        raise atomic.explained(error.errno, f"Cannot download {what}", error.strerror or "") from None


def check_online() -> None:
    """Raises the client's error when it was told to stay offline, also after it was imported."""
    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise errors.OfflineModeIsEnabled


def pause(error: Exception, again: int) -> float | None:
    """Seconds to wait before a request that raised `error` is made again for the `again`th time, from 0 on.

    None where that would be of no use, or the Hub wants to be left alone for longer than `LONGEST_WAIT`.
    """
    usual = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**again)
    if isinstance(error, errors.HfHubHTTPError):
        if _status(error) not in TROUBLE:
            return None
        asked = _retry_after(error)
        if asked is None:
            return usual
        return asked if asked <= LONGEST_WAIT else None
    return usual if isinstance(error, CutError) else None


def again(ask: Callable[[], T], retries: int) -> T:
    """What `ask` gives, asked again while that may help: the connection was cut, or the Hub has trouble (5xx, 429).

    Who cannot be reached at all is not asked again: what is cached is at hand at once.

    Args:
        ask: raises the client's errors.
        retries: how often it is asked again.
    """
    for number in range(retries):
        try:
            return ask()
        except Exception as error:
            seconds = pause(error, number)
            if seconds is None or seconds > LONGEST_PAUSE or isinstance(error, ConnectError):
                raise
        time.sleep(seconds)
    return ask()


def _refused(what: str, endpoint: str, revision: str | None, error: errors.HfHubHTTPError) -> HubError:
    """What an answer that is no success means."""
    status = _status(error)
    login = "log in with huggingface_hub.login() or HF_TOKEN"
    if isinstance(error, errors.RevisionNotFoundError):
        said = f"has no revision {revision or 'main'!r} (any more); give a branch, a tag or a commit, or none"
    elif isinstance(error, errors.RemoteEntryNotFoundError):
        said = "is not on the Hub (any more); open it again"
    elif isinstance(error, errors.GatedRepoError):
        said = f"is only for those who accept its conditions: accept them on its page at {endpoint}, and {login}"
    elif isinstance(error, errors.RepositoryNotFoundError):
        said = f"is not on the Hub at {endpoint} under this name, or is private: check the name; if private {login}"
    elif status == 429:
        asked = _retry_after(error)
        wait = "a few minutes" if asked is None else f"{max(1, round(asked))} seconds"
        return HubError(f"The Hub was asked too often (429); wait {wait}, or log in for a higher limit.", offline=True)
    elif status in TROUBLE:
        return HubError(f"The Hub at {endpoint} has trouble ({status}).", offline=True)
    elif status in {401, 403}:
        said = f"may not be read ({status}): {login}, by a token that may read it"
    else:
        return HubError(f"The Hub at {endpoint} refused {what} ({status}).")
    return HubError(f"{what} {said}.")


def _status(error: errors.HfHubHTTPError) -> int:
    return int(getattr(error.response, "status_code", 0) or 0)


def _retry_after(error: errors.HfHubHTTPError) -> float | None:
    """Seconds, from a number, a date, or the Hub's own header of its limits."""
    headers = getattr(error.response, "headers", None) or {}
    said = str(headers.get("Retry-After") or "").strip()
    if re.fullmatch(r"\d{1,9}", said):
        return float(said)
    if said:
        with contextlib.suppress(ValueError):
            return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    if _status(error) == 429 and (found := re.search(r"\bt\s*=\s*(\d{1,9})\b", str(headers.get("RateLimit") or ""))):
        return float(found[1])
    return None
