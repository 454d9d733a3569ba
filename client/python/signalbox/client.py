"""Plain calls to a server."""

from __future__ import annotations

import math
import threading
import time
from typing import Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from . import _core
from ._arguments import RunLike, Seconds, Value, optional_seconds, run_ref, seconds, texts
from ._background import interruptible
from ._core import KeyDeclaration, Message, RunInfo
from .enums import AckOutcome, Kind, MessageState, RunOutcome, RunState
from .errors import InvalidArgumentError, SignalboxError, UnavailableError
from .inbox import Inbox


# Seconds. An abandoned wait bothers the server for no longer than this.
_AWAIT_SLICE = 20.0


class PublishResult(NamedTuple):
    """What `Client.publish()` did."""

    message: Message
    #: Pending messages of the same key that this setting took the place of.
    superseded_ids: List[str]


class PublishRequest(NamedTuple):
    """One of the messages of `Client.publish_many()`; the fields are the arguments of `Client.publish()`."""

    run: RunLike
    key: str
    value: Value = None
    project: Optional[str] = None
    kind: Union[Kind, str, None] = None
    request_id: Optional[str] = None
    ttl: Optional[Seconds] = None
    reason: str = ""

    def _to_core(self) -> _core.PublishRequest:
        return _core.PublishRequest(run_ref(self.run, self.project), self.key, self.value, self.kind,
                                    self.request_id or "", optional_seconds("ttl", self.ttl), self.reason)


class AckResult(NamedTuple):
    """What became of one message of `Client.ack()`."""

    message_id: str
    #: Whether the claim belongs to the consumer of the call.
    claimed: bool
    message: Message


def _published(outcome: Union[Tuple[Message, List[str]], SignalboxError]) -> Union[PublishResult, SignalboxError]:
    return outcome if isinstance(outcome, SignalboxError) else PublishResult(*outcome)


class Client:
    """Talks to one server, or to any of its replicas. Thread-safe; connects at its first call.

    What is not given comes from the environment, else it has its default: `address` (host:port,
    SIGNALBOX_ADDRESS, localhost:50051), `token` or `token_file` (SIGNALBOX_TOKEN,
    SIGNALBOX_TOKEN_FILE), and the PEM files `ca_file`, which turns TLS on, `cert_file` and `key_file`
    (SIGNALBOX_CA_FILE, SIGNALBOX_CERT_FILE, SIGNALBOX_KEY_FILE). `call_timeout` is the deadline of
    a call, its retries included, in seconds; every call takes a `timeout` of its own.

    A run is an id, a rank (an int, or a str of digits) together with `project` or SIGNALBOX_PROJECT,
    a Run or a RunInfo; None means the current run, else SIGNALBOX_RUN. A span of time is a number of
    seconds or a timedelta.

    Each call waits with the GIL released, and raises a SignalboxError: InvalidArgumentError names
    the field; UnavailableError and DeadlineExceededError mean that the effect may or may not have
    happened. Retries are built in and safe. On the main thread Ctrl-C ends the waiting; the call
    itself goes on in the background until its deadline.

    In a forked child every call of the parent's client raises FailedPreconditionError. A new client
    can be made there if the fork came before the parent's first call or inbox.
    """

    def __init__(self, address: Optional[str] = None, *, token: Optional[str] = None,
                 token_file: Optional[str] = None, ca_file: Optional[str] = None, cert_file: Optional[str] = None,
                 key_file: Optional[str] = None, call_timeout: Seconds = 10.0) -> None:
        self._core = _core.Client(address, token, token_file, ca_file, cert_file, key_file,
                                  seconds("call_timeout", call_timeout))

    def publish(self, run: RunLike, key: str, value: Value = None, *, project: Optional[str] = None,
                kind: Union[Kind, str, None] = None, request_id: Optional[str] = None,
                ttl: Optional[Seconds] = None, reason: str = "",
                timeout: Optional[Seconds] = None) -> PublishResult:
        """Stores a message for a run; durable when this returns.

        `kind`: "COMMAND" (all are delivered, oldest first) or "SETTING" (only the newest of a key
        counts); None: what the run declared for the key, else COMMAND. `request_id`: repeats with the
        same one make one message; None: the library makes one. `ttl`: expires when it is still
        pending after that many seconds; None: never. `reason`: for people, at most 1 KiB.

        Raises NotFoundError (no such run), FailedPreconditionError (it ended), AlreadyExistsError
        (`request_id` used with other content), ResourceExhaustedError (too many pending messages).
        """
        ref, ttl_s, limit = run_ref(run, project), optional_seconds("ttl", ttl), optional_seconds("timeout", timeout)
        message, superseded = interruptible(
            lambda: self._core.publish(ref, key, value, kind, request_id or "", ttl_s, reason, limit))
        return PublishResult(message, superseded)

    def publish_many(self, requests: Iterable[PublishRequest], *,
                     timeout: Optional[Seconds] = None) -> List[Union[PublishResult, SignalboxError]]:
        """Stores many messages, for one run or for many, in as few calls as they fit into.

        Returns one result for each request, in their order: what `publish()` would have returned, or the
        error that it would have raised. A refused one does not stop the others, and messages to one run
        are stored in their order. `timeout` is for all calls together; what was not sent by then gets
        DeadlineExceededError.
        """
        limit = optional_seconds("timeout", timeout)
        results: List[Union[PublishResult, SignalboxError, None]] = []
        valid: List[_core.PublishRequest] = []
        for request in requests:
            try:
                valid.append(request._to_core())
                results.append(None)
            except InvalidArgumentError as error:
                results.append(error)
        outcomes = iter(interruptible(lambda: self._core.publish_many(valid, limit)))
        return [_published(next(outcomes)) if result is None else result for result in results]

    def get(self, run: RunLike, key: str, *, project: Optional[str] = None,
            timeout: Optional[Seconds] = None) -> Optional[Message]:
        """Asks the server for the oldest pending message of `key`; None when there is none.

        A call over the network: in a training loop use an inbox.
        """
        ref, limit = run_ref(run, project), optional_seconds("timeout", timeout)
        return interruptible(lambda: self._core.get(ref, key, limit))

    def get_all(self, run: RunLike, *, project: Optional[str] = None, keys: Sequence[str] = (),
                timeout: Optional[Seconds] = None) -> List[Message]:
        """Asks the server for all pending messages, oldest first; `keys`: only these."""
        ref, limit, only = run_ref(run, project), optional_seconds("timeout", timeout), texts("keys", keys)
        return interruptible(lambda: self._core.get_all(ref, only, limit))

    def ack(self, message_ids: Sequence[str], consumer: str, outcome: Union[AckOutcome, str, None] = None, *,
            reply: Value = ..., error: str = "", step: int = 0,  # type: ignore[assignment]
            timeout: Optional[Seconds] = None) -> List[AckResult]:
        """Claims messages for `consumer`, and settles them when there is an `outcome`.

        Of all consumers exactly one gets `claimed`; the same one repeating gets the same answer.
        `outcome`: "APPLIED", "FAILED" or None, which only claims; `reply` (at most 16 KiB), `error` (at
        most 1 KiB) and `step` need an outcome. Raises NotFoundError when an id is unknown; then
        nothing of the call takes effect.
        """
        ids, limit = texts("message_ids", message_ids), optional_seconds("timeout", timeout)
        results = interruptible(lambda: self._core.ack(ids, consumer, outcome, reply, error, step, limit))
        return [AckResult(*result) for result in results]

    def await_message(self, message_id: str, timeout: Optional[Seconds] = None, until: str = "FINISHED") -> Message:
        """Waits until a message is finished ("FINISHED"), or no longer pending ("ACKED").

        At most `timeout` seconds (None: as long as it takes); returns the message as it then is.
        Running out of time is not an error. Raises NotFoundError; UnavailableError when the server is
        away at the end of the wait.
        """
        abandoned = threading.Event()
        try:
            return interruptible(lambda: self._await(message_id, timeout, until, abandoned))
        finally:
            abandoned.set()

    def _await(self, message_id: str, timeout: Optional[Seconds], until: str, abandoned: threading.Event) -> Message:
        """Waits in slices, so that a thread ends some time after nobody wants its answer any more."""
        end = math.inf if timeout is None else time.monotonic() + seconds("timeout", timeout)
        pending = ("PENDING",) if until == "ACKED" else ("PENDING", "ACKED")
        while True:
            left = max(end - time.monotonic(), 0.0)
            is_last = left <= _AWAIT_SLICE or abandoned.is_set()
            try:
                message = self._core.await_message(message_id, min(left, _AWAIT_SLICE), until)
            except UnavailableError:
                if is_last:
                    raise
                continue
            if is_last or message.state not in pending:
                return message

    def cancel(self, message_id: str, reason: str = "", *, timeout: Optional[Seconds] = None) -> Message:
        """Withdraws a pending message; `reason` goes into its `error`.

        Raises NotFoundError, and FailedPreconditionError when it is no longer pending.
        """
        limit = optional_seconds("timeout", timeout)
        return interruptible(lambda: self._core.cancel(message_id, reason, limit))

    def list_messages(self, run: RunLike, *, project: Optional[str] = None, keys: Sequence[str] = (),
                      states: Sequence[Union[MessageState, str]] = (), limit: int = 100,
                      timeout: Optional[Seconds] = None) -> List[Message]:
        """The run's history, newest first; at most `limit` messages, 0 means all."""
        ref, within = run_ref(run, project), optional_seconds("timeout", timeout)
        only, wanted = texts("keys", keys), texts("states", states)
        return interruptible(lambda: self._core.list_messages(ref, only, wanted, limit, within))

    def create_run(self, project: str, run_id: Optional[str] = None, title: str = "",
                   labels: Optional[Mapping[str, str]] = None, *, timeout: Optional[Seconds] = None) -> RunInfo:
        """Creates a run, and its project with its first run. `run_id` None: the server makes one.

        A `run_id` that exists with the same content returns that run; with other content
        AlreadyExistsError is raised.
        """
        limit, tags = optional_seconds("timeout", timeout), dict(labels or {})
        return interruptible(lambda: self._core.create_run(project, run_id or "", title, tags, limit))

    def get_run(self, run: RunLike = None, *, project: Optional[str] = None,
                timeout: Optional[Seconds] = None) -> RunInfo:
        """What the server knows of a run. Raises NotFoundError."""
        ref, limit = run_ref(run, project), optional_seconds("timeout", timeout)
        return interruptible(lambda: self._core.get_run(ref, limit))

    def list_runs(self, project: Optional[str] = None, *, state: Union[RunState, str, None] = None,
                  labels: Optional[Mapping[str, str]] = None, limit: int = 100,
                  timeout: Optional[Seconds] = None) -> List[RunInfo]:
        """Runs, newest first; all `labels` must match; at most `limit` runs, 0 means all."""
        within, tags = optional_seconds("timeout", timeout), dict(labels or {})
        return interruptible(lambda: self._core.list_runs(project or "", state, tags, limit, within))

    def end_run(self, run: RunLike, outcome: Union[RunOutcome, str], *, project: Optional[str] = None,
                timeout: Optional[Seconds] = None) -> RunInfo:
        """Ends a run as "COMPLETED", "FAILED" or "STOPPED"; what is pending becomes UNDELIVERED.

        Repeating it is not an error; the first outcome stays.
        """
        ref, limit = run_ref(run, project), optional_seconds("timeout", timeout)
        return interruptible(lambda: self._core.end_run(ref, outcome, limit))

    def declare_keys(self, run: RunLike, keys: Sequence[Union[KeyDeclaration, str]], *,
                     project: Optional[str] = None, timeout: Optional[Seconds] = None) -> RunInfo:
        """Tells publishers what a run listens to; adds or replaces by key. A str means a COMMAND.

        Raises FailedPreconditionError (the run ended), ResourceExhaustedError (256 keys).
        """
        ref, limit = run_ref(run, project), optional_seconds("timeout", timeout)
        if isinstance(keys, str):
            raise InvalidArgumentError("keys: a list, not a string")
        declared = [key if isinstance(key, KeyDeclaration) else KeyDeclaration(key) for key in keys]
        return interruptible(lambda: self._core.declare_keys(ref, declared, limit))

    def open_inbox(self, run: RunLike = None, *, project: Optional[str] = None, keys: Sequence[str] = (),
                   consumer: Optional[str] = None, refresh_interval: Seconds = 5.0,
                   silence_timeout: Seconds = 15.0, max_outstanding_acks: int = 10000,
                   listen: bool = True) -> Inbox:
        """Opens the inbox of a run and returns at once; it connects in the background.

        `keys`: only messages of these; empty means all. `consumer`: name of this process towards the
        server; None means host:pid:random. `refresh_interval`: seconds between refreshes while the
        stream is not healthy. `silence_timeout`: seconds after which a silent stream counts as dead.
        `max_outstanding_acks`: acks that may wait for the server at a time. `listen` False: no
        connection and no run, only handlers, for the processes of a group that process 0 listens for.

        Raises FailedPreconditionError when no run is given and there is no current one.
        """
        ref = run_ref(run, project) if listen else _core.RunRef()
        return Inbox(self._core, ref, texts("keys", keys), consumer or "",
                     seconds("refresh_interval", refresh_interval), seconds("silence_timeout", silence_timeout),
                     max_outstanding_acks, listen)


def _ack_now(self: Message, timeout: Seconds = 5.0, outcome: Union[AckOutcome, str, None] = None, *,
             reply: Value = ..., error: str = "", step: int = 0) -> bool:  # type: ignore[assignment]
    """Like `ack()`, but waits for the server at most `timeout` seconds; whether this process won.

    Raises DeadlineExceededError and UnavailableError; the claim then goes on in the background.
    """
    limit = seconds("timeout", timeout)
    return interruptible(lambda: self._ack_now(limit, outcome, reply=reply, error=error, step=step))


_ack_now.__name__ = "ack_now"
setattr(Message, "ack_now", _ack_now)
