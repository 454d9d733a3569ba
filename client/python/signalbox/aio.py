"""The same calls for asyncio. They wait in threads of the library's own, with the GIL released, and
never keep the program from ending. They work wherever a loop runs already, such as in Jupyter."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import AsyncIterator, Callable, Iterable, List, Mapping, Optional, Sequence, TypeVar, Union

from . import _default
from ._arguments import RunLike, Seconds, Value
from ._background import Pool, start
from ._core import KeyDeclaration, Message, RunInfo
from .client import AckResult, Client, PublishRequest, PublishResult
from .enums import AckOutcome, ConnectionState, Kind, MessageState, RunOutcome, RunState
from .errors import SignalboxError

__all__ = ["AsyncClient", "messages"]

T = TypeVar("T")

# Calls that are under way at a time; further ones queue.
_pool = Pool(32)


async def _in_pool(function: Callable[[], T]) -> T:
    return await asyncio.wrap_future(_pool.submit(function))


class AsyncClient:
    """A `Client` whose calls are coroutines; made of one, or with the arguments of one.

    A cancelled call goes on in the background until its deadline.
    """

    def __init__(self, address: Optional[str] = None, *, token: Optional[str] = None,
                 token_file: Optional[str] = None, ca_file: Optional[str] = None, cert_file: Optional[str] = None,
                 key_file: Optional[str] = None, call_timeout: Seconds = 10.0,
                 client: Optional[Client] = None) -> None:
        self._client = client or Client(address, token=token, token_file=token_file, ca_file=ca_file,
                                        cert_file=cert_file, key_file=key_file, call_timeout=call_timeout)

    async def publish(self, run: RunLike, key: str, value: Value = None, *, project: Optional[str] = None,
                      kind: Union[Kind, str, None] = None, request_id: Optional[str] = None,
                      ttl: Optional[Seconds] = None, reason: str = "",
                      timeout: Optional[Seconds] = None) -> PublishResult:
        """See `Client.publish()`."""
        return await _in_pool(lambda: self._client.publish(
            run, key, value, project=project, kind=kind, request_id=request_id, ttl=ttl, reason=reason,
            timeout=timeout))

    async def publish_many(self, requests: Iterable[PublishRequest], *,
                           timeout: Optional[Seconds] = None) -> List[Union[PublishResult, SignalboxError]]:
        """See `Client.publish_many()`."""
        given = list(requests)
        return await _in_pool(lambda: self._client.publish_many(given, timeout=timeout))

    async def get(self, run: RunLike, key: str, *, project: Optional[str] = None,
                  timeout: Optional[Seconds] = None) -> Optional[Message]:
        """See `Client.get()`."""
        return await _in_pool(lambda: self._client.get(run, key, project=project, timeout=timeout))

    async def get_all(self, run: RunLike, *, project: Optional[str] = None, keys: Sequence[str] = (),
                      timeout: Optional[Seconds] = None) -> List[Message]:
        """See `Client.get_all()`."""
        return await _in_pool(lambda: self._client.get_all(run, project=project, keys=keys, timeout=timeout))

    async def ack(self, message_ids: Sequence[str], consumer: str, outcome: Union[AckOutcome, str, None] = None, *,
                  reply: Value = ..., error: str = "", step: int = 0,  # type: ignore[assignment]
                  timeout: Optional[Seconds] = None) -> List[AckResult]:
        """See `Client.ack()`."""
        return await _in_pool(lambda: self._client.ack(message_ids, consumer, outcome, reply=reply, error=error,
                                                       step=step, timeout=timeout))

    async def await_message(self, message_id: str, timeout: Optional[Seconds] = None,
                            until: str = "FINISHED") -> Message:
        """See `Client.await_message()`."""
        # A thread of its own, since it may take hours.
        abandoned = threading.Event()
        try:
            return await asyncio.wrap_future(
                start(lambda: self._client._await(message_id, timeout, until, abandoned)))
        finally:
            abandoned.set()

    async def cancel(self, message_id: str, reason: str = "", *, timeout: Optional[Seconds] = None) -> Message:
        """See `Client.cancel()`."""
        return await _in_pool(lambda: self._client.cancel(message_id, reason, timeout=timeout))

    async def list_messages(self, run: RunLike, *, project: Optional[str] = None, keys: Sequence[str] = (),
                            states: Sequence[Union[MessageState, str]] = (), limit: int = 100,
                            timeout: Optional[Seconds] = None) -> List[Message]:
        """See `Client.list_messages()`."""
        return await _in_pool(lambda: self._client.list_messages(
            run, project=project, keys=keys, states=states, limit=limit, timeout=timeout))

    async def create_run(self, project: str, run_id: Optional[str] = None, title: str = "",
                         labels: Optional[Mapping[str, str]] = None, *,
                         timeout: Optional[Seconds] = None) -> RunInfo:
        """See `Client.create_run()`."""
        return await _in_pool(lambda: self._client.create_run(project, run_id, title, labels, timeout=timeout))

    async def get_run(self, run: RunLike = None, *, project: Optional[str] = None,
                      timeout: Optional[Seconds] = None) -> RunInfo:
        """See `Client.get_run()`."""
        return await _in_pool(lambda: self._client.get_run(run, project=project, timeout=timeout))

    async def list_runs(self, project: Optional[str] = None, *, state: Union[RunState, str, None] = None,
                        labels: Optional[Mapping[str, str]] = None, limit: int = 100,
                        timeout: Optional[Seconds] = None) -> List[RunInfo]:
        """See `Client.list_runs()`."""
        return await _in_pool(lambda: self._client.list_runs(project, state=state, labels=labels, limit=limit,
                                                             timeout=timeout))

    async def end_run(self, run: RunLike, outcome: Union[RunOutcome, str], *, project: Optional[str] = None,
                      timeout: Optional[Seconds] = None) -> RunInfo:
        """See `Client.end_run()`."""
        return await _in_pool(lambda: self._client.end_run(run, outcome, project=project, timeout=timeout))

    async def declare_keys(self, run: RunLike, keys: Sequence[Union[KeyDeclaration, str]], *,
                           project: Optional[str] = None, timeout: Optional[Seconds] = None) -> RunInfo:
        """See `Client.declare_keys()`."""
        return await _in_pool(lambda: self._client.declare_keys(run, keys, project=project, timeout=timeout))

    def messages(self, run: RunLike = None, keys: Sequence[str] = (), *,
                 project: Optional[str] = None) -> AsyncIterator[Message]:
        """The run's messages, as the function `messages()` of this module."""
        return messages(run, keys, project=project, client=self._client)


async def messages(run: RunLike = None, keys: Sequence[str] = (), *, project: Optional[str] = None,
                   client: Optional[Client] = None) -> AsyncIterator[Message]:
    """The pending messages of a run as they come, oldest first, until it ends.

    Acks are the caller's: what is not acked comes again to the next one who asks. `run` None means
    the current run, else SIGNALBOX_RUN; `keys`: only these. Opens an inbox of its own, which is closed
    when the iteration ends or its task is cancelled.
    """
    inbox = (client or _default.client()).open_inbox(run, project=project, keys=keys)
    last = 0
    try:
        while True:
            for message in inbox.get_all():
                if message.sequence > last:
                    last = message.sequence
                    yield message
            if inbox.state in (ConnectionState.ENDED, ConnectionState.CLOSED):
                return
            after = last
            await asyncio.wrap_future(start(lambda: inbox.wait_newer(after, math.inf)))
    finally:
        start(inbox.close)  # Not waited for, so that cancelling is immediate.
