"""Invariants of Subscribe: order, completeness, withdrawals, resumption, and where every subscriber ends up."""

from chaos.check_reads import check_seen

# The sweep writes expiries down within this time after they are due.
_EXPIRY_IS_TOLD_WITHIN = 3_000_000_000
# The sweep, once a second, finds what no hint told of; the rest is for busy machines.
_HEARD_OF_WITHIN = 6_000_000_000
# A stream says something every 5 s; the rest is for busy machines.
_HEARD_WITHIN = 10_000_000_000


class _Subscriber:
    """What a logical subscriber holds as pending, as the contract tells it to keep it."""

    def __init__(self, name, run, keys):
        self.name, self.run, self.keys = name, run, set(keys)
        self.view = set()  # Ids.
        self.shown_since = set()  # Since the last progress.
        self.gone_since = set()
        self.seen_to = 0  # Everything up to here was shown or had left, by the last progress.
        self.cursor_since = 0  # When it got the cursor that it has.
        self.opened = 0
        self.ended = False
        self.settled = False

    def wants(self, stored):
        return not self.keys or stored.key in self.keys

    def resume(self, resumed, instant):
        """A cursor covers what came up to its progress; what came behind it is forgotten."""
        if resumed:
            self.view -= self.shown_since
        else:
            self.view.clear()
            self.gone_since.clear()
            self.seen_to = 0
        self.opened = instant
        self.shown_since.clear()

    def progress(self, seen_to, instant):
        """A cursor that moved covers everything until now; one that did not covers what it did."""
        self.cursor_since = instant
        self.shown_since.clear()
        self.gone_since.clear()
        self.seen_to = seen_to


class _Stream:
    def __init__(self, event, subscriber, is_of_old_history):
        self.where = f"{subscriber.run.name}: stream {event['stream']} at {event['at']}"
        self.is_of_old_history = is_of_old_history  # Its cursor is: to be refused.
        self.at, self.subscriber, self.opened = event["at"], subscriber, event["t"]
        self.slow = event["slow"]
        self.heard = event["t"]
        self.last = 0
        self.seen_to = subscriber.seen_to
        self.withdrawn = set()
        self.head = 0
        self.synced = False


class Streams:
    """Follows the events of one history file in order."""

    def __init__(self, facts, report):
        self._facts, self._report = facts, report
        self._subscribers = {}
        self._streams = {}

    def open(self, event):
        name = event["subscriber"]
        if name not in self._subscribers:
            self._subscribers[name] = _Subscriber(name, self._facts.run(event["run"]), event["keys"])
        subscriber = self._subscribers[name]
        subscriber.resume(event["resumed"], event["t"])
        is_of_old_history = event["resumed"] and self._facts.failed_over_between(subscriber.cursor_since, event["t"])
        self._streams[event["stream"]] = _Stream(event, subscriber, is_of_old_history)

    def message(self, event):
        stream, subscriber = self._of(event)
        require, where = self._report.require, stream.where
        stored = check_seen(subscriber.run, event["seen"], self._report, where)
        sequence = event["seen"][1]
        require(sequence > stream.last, "stream order", f"{where} showed {sequence} after {stream.last}")
        self._complete(stream, sequence - 1, event["t"])
        stream.last = max(stream.last, sequence)
        stream.seen_to = max(stream.seen_to, sequence)
        if stored is None:
            return
        require(subscriber.wants(stored), "keys", f"{where} showed {sequence} of {stored.key}")
        require(stored.id not in subscriber.view, "resumption", f"{where} showed {sequence} again")
        require(stored.left_by >= stream.opened, "acts are seen",
                f"{where} showed {sequence}, which had left PENDING ({stored.state}) before it was opened")
        subscriber.view.add(stored.id)
        subscriber.shown_since.add(stored.id)

    def withdrawn(self, event):
        stream, subscriber = self._of(event)
        require, where, message_id = self._report.require, stream.where, event["id"]
        require(message_id not in stream.withdrawn, "withdrawn once", f"{where} withdrew {message_id} twice")
        stored = subscriber.run.by_id.get(message_id)
        # What expires before it is shown is passed over; once that is written down, a resumed stream tells of it.
        passed_over = stored is not None and stored.expires <= event["t"]
        require(message_id in subscriber.view or message_id in subscriber.gone_since or passed_over,
                "withdrawn once", f"{where} withdrew {message_id}, which was not shown")
        stream.withdrawn.add(message_id)
        subscriber.view.discard(message_id)
        subscriber.gone_since.add(message_id)
        if stored is None:
            return
        told, now = event["state"], stored.state
        require(told == now or (told == "ACKED" and now in ("APPLIED", "FAILED")), "final",
                f"{where} withdrew {stored.sequence} as {told}; it is {now}")
        require(event["consumer"] == stored.consumer, "one winner",
                f"{where} says that {event['consumer']} has {stored.sequence}; it is {stored.consumer}'s")
        require(stored.left_after < event["t"], "no ghost", f"{where} withdrew {stored.sequence} before any act")

    def progress(self, event):
        stream, subscriber = self._of(event)
        head = event["head"]
        self._report.require(head >= stream.head, "stream order",
                             f"{stream.where} says head {head} after {stream.head}")
        stream.head = head
        if event["synced"] and not event["stale"]:
            known = subscriber.run.newest_returned_before(self._facts.by_our_clock(event["server"]) - _HEARD_OF_WITHIN)
            self._report.require(head >= known, "fresh", f"{stream.where} says that it is synced at {head}, long after "
                                 f"{known} had returned")
        if event["synced"]:
            self._complete(stream, head, event["t"])
            stream.seen_to = max(stream.seen_to, head)
            if not stream.synced and not event["stale"]:
                stream.synced = True
                before = subscriber.run.newest_returned_before(stream.opened)
                self._report.require(head >= before, "read your writes",
                                     f"{stream.where} is synced at {head}; {before} had returned before it was opened")
        if event["moved"]:
            subscriber.progress(stream.seen_to, event["t"])

    def run_ended(self, event):
        stream, subscriber = self._of(event)
        self._report.require(subscriber.run.ended_after < event["t"], "no ghost", f"{stream.where} says run_ended")
        subscriber.ended = True

    def closed(self, event):
        self._heard(self._streams.pop(event["stream"]), event["t"])

    def stuck(self, event):
        stream, _ = self._of(event)
        self._report.violation("catches up", f"{stream.where} is at {stream.head} and stays there; the run is at "
                               f"{event['head']}")

    def settled(self, event):
        """Its view is what is pending: nothing was lost on the way, and nothing stayed."""
        subscriber = self._subscribers[event["subscriber"]]
        subscriber.settled = True
        run, require = subscriber.run, self._report.require
        if subscriber.ended:
            return
        require(run.ended_by > event["t"], "converges", f"{subscriber.name} was not told that {run.name} ended")
        for stored in run.by_sequence:
            if subscriber.wants(stored) and stored.left_after > event["t"]:
                require(stored.id in subscriber.view, "converges",
                        f"{run.name}: {subscriber.name} does not hold {stored.sequence}, which is pending")
        for message_id in subscriber.view:
            stored = run.by_id.get(message_id)
            if stored is None:
                continue  # Reported when it was shown.
            grace = _EXPIRY_IS_TOLD_WITHIN if stored.expires <= stored.left_by else 0
            require(stored.left_by + grace >= subscriber.opened, "converges",
                    f"{run.name}: {subscriber.name} still holds {stored.sequence}, which is {stored.state}")

    def published_since_open(self, event):
        """When the message of the event was published, if a reader without dawdling had its stream open by then."""
        stream, subscriber = self._of(event)
        publish = subscriber.run.publishes.get(event["seen"][2])
        fresh = publish is not None and publish.invoked > stream.opened and not stream.slow
        return publish.invoked if fresh else None

    def finish(self):
        for subscriber in self._subscribers.values():
            self._report.require(subscriber.settled, "converges", f"{subscriber.name} never settled")

    def _of(self, event):
        stream = self._streams[event["stream"]]
        self._report.require(not stream.is_of_old_history, "old history",
                             f"{stream.where} goes on from a cursor of a history that is over")
        self._heard(stream, event["t"])
        return stream, stream.subscriber

    def _heard(self, stream, instant):
        """Who reads hears something all the time, unless the network is what is silent."""
        silent = self._facts.silent_for(stream.at, stream.heard, instant)
        self._report.require(stream.slow or silent <= _HEARD_WITHIN, "heartbeat",
                             f"{stream.where} said nothing for {silent / 1e9:.1f} s")
        stream.heard = instant

    def _complete(self, stream, to, instant):
        """Everything up to `to` was shown on this stream, or may have left before."""
        messages = stream.subscriber.run.by_sequence
        for sequence in range(stream.seen_to + 1, min(to, len(messages)) + 1):
            stored = messages[sequence - 1]
            if stream.subscriber.wants(stored):
                self._report.require(stored.left_after < instant, "stream complete",
                                     f"{stream.where} left out {sequence}, which was pending")
        stream.seen_to = max(stream.seen_to, to)
