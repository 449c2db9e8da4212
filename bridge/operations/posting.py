"""Publishing over Hermes' REST API from the command line, where no outbox remembers what became of a message."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime

from bridge.errors import AwayError, BridgeError, EventError, UnclearError
from bridge.hermes.composing import Outgoing
from bridge.hermes.service import HermesService
from bridge.operations.assemble import service_of
from bridge.publishing.sources.errors import SourceError
from bridge.settings import Settings
from bridge.topics import split

_LOOKS_S = (2.0, 5.0, 10.0)
"""Seconds before each look for a message that may have been taken or not."""


def post(
    settings: Settings,
    topic: str,
    messages: Sequence[Outgoing],
    *,
    source: str,
    dry_run: bool,
    progress: Callable[[float], object] = lambda _part: None,
) -> None:
    """Let Hermes validate all messages for ``topic``, then (not in a dry run) publish them: durable when this returns.

    ``progress`` hears after each request which part of all of them is done (0 to 1).
    Raises SourceError with what Hermes refuses (nothing was published then), DeniedError, AwayError, and UnclearError
    where one may have been published or not: its text says which, and how many were before it.
    """
    with closing(service_of(settings.stream_of(topic))) as service:
        service.may_publish(split(topic)[1])
        requests = len(messages) * (1 if dry_run else 2)
        problems = []
        for number, one in enumerate(messages, 1):
            if problem := _problem(service, one):
                problems.append(problem)
            progress(number / requests)
        if problems:
            raise SourceError.of(source, problems)
        for number, one in enumerate([] if dry_run else messages):
            try:
                _submit(service, one)
            except BridgeError as error:
                if number:
                    error.what = f"{number} of {len(messages)} messages are published, and then: {error.what}"
                raise
            progress((len(messages) + number + 1) / requests)


def _problem(service: HermesService, message: Outgoing) -> str:
    try:
        service.validate(message.value)
    except EventError as error:
        return str(error)
    return ""


def _submit(service: HermesService, message: Outgoing) -> None:
    tried = datetime.now(UTC)
    try:
        service.submit(message.value)
    except UnclearError as error:
        for wait_s in _LOOKS_S:
            time.sleep(wait_s)
            try:
                if service.find(message.value, tried) is not None:
                    return
            except AwayError:
                continue
        raise UnclearError(
            f"whether it took {message.title!r} isn't known ({error.what}), and HOPSKOTCH's archive does not show it",
            where=service.where,
            mend="Look for it there; only if it stays away publish it again",
        ) from None
