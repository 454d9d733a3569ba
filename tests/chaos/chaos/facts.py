"""What a history says for certain, of each run: the first pass of the checker."""

import glob
import os
from dataclasses import dataclass, field

import numpy

from chaos.history import digest, read

NEVER = 1 << 62
_CLOCK_SLACK = 5_000_000  # The server's wall clock beside our monotonic one, nanoseconds.
# After an attempt that is in doubt, these say that it did not happen: they are given behind the request id's lookup.
_SETTLES = {"ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND", "INVALID_ARGUMENT"}


@dataclass
class Publish:
    """All attempts of one publish."""

    token: str
    key: str
    setting: bool
    request_id: str
    hash: int
    invoked: int = NEVER  # By the first attempt.
    returned: int = NEVER  # By the first answer that was OK.
    doubt: bool = False
    refused: bool = False
    codes: set = field(default_factory=set)
    answers: set = field(default_factory=set)  # (id, sequence, superseded), as often as they differ.

    def add(self, event):
        self.invoked = min(self.invoked, event["t0"])
        self.codes.add(event["code"])
        if event["out"] == "ok":
            self.returned = min(self.returned, event["t1"])
            self.answers.add((event["id"], event["sequence"], tuple(event["superseded"])))
        elif event["out"] == "info":
            self.doubt = True
        else:
            self.refused = self.refused or event["code"] in _SETTLES


@dataclass
class Stored:
    """A message as it was at the end."""

    id: str
    sequence: int
    token: str
    hash: int
    key: str
    state: str
    consumer: str
    expires: int  # By our clock; NEVER without a ttl.
    # When it left PENDING: not before, and certainly by then.
    left_after: int = NEVER
    left_by: int = NEVER

    def leaves(self, after, by):
        self.left_after = min(self.left_after, after)
        self.left_by = min(self.left_by, by)


class Run:
    """One run: publishes by token, the end state by id and by sequence, acts on it."""

    def __init__(self, name):
        self.name = name
        self.publishes = {}
        self.finals = []  # (replica, messages), one of each replica.
        self.by_id = {}
        self.by_sequence = []
        self.acks = []  # Events.
        self.cancels = []
        self.ended_after, self.ended_by = NEVER, NEVER
        self.listed = NEVER  # When the listing of the end state began.

    def conclude(self, wall_offset):
        """Puts together what the end state and the acts say of each message."""
        if self.finals:
            for fields in self.finals[0][1]:
                message_id, sequence, token, content, key, state, consumer, expire = fields
                expires = expire - wall_offset if expire else NEVER
                stored = Stored(message_id, sequence, token, content, key, state, consumer, expires)
                self.by_id[message_id] = stored
        self.by_sequence = sorted(self.by_id.values(), key=lambda stored: stored.sequence)
        self._find_when_left()
        self._make_arrays()

    def _find_when_left(self):
        for stored in self.by_sequence:
            if stored.expires != NEVER:
                stored.leaves(stored.expires - _CLOCK_SLACK, stored.expires + _CLOCK_SLACK)
            stored.leaves(self.ended_after, self.ended_by)
        for event in self.acks + self.cancels:
            for message_id in event.get("ids", [event.get("id")]):
                stored = self.by_id.get(message_id)
                if stored is not None:
                    settled = event["out"] == "ok" or event["code"] == "FAILED_PRECONDITION"
                    stored.leaves(event["t0"], event["t1"] if settled else NEVER)
        newest = {}  # Key of a setting → (invoked, returned) of the one behind it.
        for stored in reversed(self.by_sequence):
            publish = self.publishes.get(stored.token)
            if publish is None or not publish.setting:
                continue
            if stored.key in newest:
                invoked, returned = newest[stored.key]
                stored.leaves(invoked, returned)
                returned = min(returned, publish.returned)
            else:
                returned = publish.returned
            newest[stored.key] = (publish.invoked, returned)

    def _make_arrays(self):
        publishes = [self.publishes.get(stored.token) for stored in self.by_sequence]
        self.sequences = numpy.array([stored.sequence for stored in self.by_sequence], dtype=numpy.int64)
        self.returned = numpy.array([publish.returned if publish else NEVER for publish in publishes],
                                    dtype=numpy.int64)
        self.left_after = numpy.array([stored.left_after for stored in self.by_sequence], dtype=numpy.int64)
        self.keys = numpy.array([stored.key for stored in self.by_sequence], dtype=object)
        order = numpy.argsort(self.returned)
        self._returned_in_order = self.returned[order]
        self._newest_returned = numpy.maximum.accumulate(self.sequences[order]) if len(order) else order

    def newest_returned_before(self, instant):
        """Highest sequence of a publish that had returned by then."""
        count = int(numpy.searchsorted(self._returned_in_order, instant))
        return int(self._newest_returned[count - 1]) if count else 0

    def surely_pending(self, begin, end, known_to=0):
        """Mask of messages that every snapshot within [begin, end] holds as pending.

        A snapshot that showed sequence `known_to` holds all before it.
        """
        there = (self.returned < begin) | (self.sequences < known_to)
        return there & (self.left_after > end)


class Facts:
    """All runs of a history directory, and where its events are."""

    def __init__(self, directory):
        self.paths = sorted(glob.glob(os.path.join(directory, "*.jsonl")))
        self.runs = {}
        self.failovers = []  # (when it began, when it was done)
        self._silences = {}  # Name of an edge → [[since when, until when it carries nothing, or next to nothing]].
        self._wall_offset = 0
        for path in self.paths:
            for event in read(path):
                getattr(self, f"_{event['op']}", self._other)(event)
        assert self.runs, f"no history in {directory}"
        for run in self.runs.values():
            run.conclude(self._wall_offset)

    def by_our_clock(self, wall):
        """An instant of the wall clock."""
        return wall - self._wall_offset

    def failed_over_between(self, one, other):
        """Whether the history that was told of at one instant was over at the other."""
        return any(one < began and done < other for began, done in self.failovers)

    def silent_for(self, at, since, until):
        """How much of a silence is not the edge's: the time since its network last came back. `at` is a replica, or
        "balanced", which may be any."""
        edges = self._silences if at == "balanced" else [f"{at}-clients"]
        back = [end for edge in edges for begin, end in self._silences.get(edge, ()) if begin < until and end > since]
        return until - max(back, default=since)

    def run(self, name):
        if name not in self.runs:
            self.runs[name] = Run(name)
        return self.runs[name]

    def _other(self, event):
        pass

    def _clock(self, event):
        self._wall_offset = event["wall"] - event["t"]

    def _publish(self, event):
        publishes, token = self.run(event["run"]).publishes, event["token"]
        if token not in publishes:
            publishes[token] = Publish(token, event["key"], event["setting"], event["request_id"],
                                       digest(event["value"]))
        publishes[token].add(event)

    def _ack(self, event):
        self.run(event["run"]).acks.append(event)

    def _cancel(self, event):
        self.run(event["run"]).cancels.append(event)

    def _end(self, event):
        run = self.run(event["run"])
        run.ended_after = min(run.ended_after, event["t0"])
        if event["out"] == "ok":
            run.ended_by = min(run.ended_by, event["t1"])

    def _edge(self, event):
        if not event["edge"].endswith("-clients") or not {"freeze", "rate"} & set(event):
            return
        silences = self._silences.setdefault(event["edge"], [])
        was_silent, is_silent = silences and silences[-1][1] == NEVER, event.get("freeze") or event.get("rate")
        if is_silent and not was_silent:
            silences.append([event["t0"], NEVER])
        elif was_silent and not is_silent:
            silences[-1][1] = event["t1"]

    def _failed_over(self, event):
        self.failovers.append((event["t0"], event["t1"]))

    def _final(self, event):
        run = self.run(event["run"])
        run.finals.append((event["at"], event["seen"]))
        run.listed = min(run.listed, event["t"])
