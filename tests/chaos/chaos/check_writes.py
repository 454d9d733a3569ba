"""Invariants of what was written: nothing lost, nothing twice, no ghost, one order, one winner."""

_FINAL = {"APPLIED", "FAILED", "SUPERSEDED", "CANCELLED", "EXPIRED", "UNDELIVERED"}


def check_writes(run, report):
    """Checks one run's publishes, acks and cancels against its end state."""
    _check_end_state(run, report)
    tokens = _check_stored(run, report)
    for publish in run.publishes.values():
        _check_publish(run, publish, tokens.get(publish.token, []), report)
    _check_real_time_order(run, report)
    _check_settings(run, report)
    _check_end(run, report)
    for event in run.acks:
        _check_ack(run, event, report)
    for event in run.cancels:
        _check_cancel(run, event, report)


def _check_end_state(run, report):
    first = run.finals[0][1]
    for replica, messages in run.finals[1:]:
        report.require(messages == first, "replicas agree", f"{run.name}: {replica} lists another history")
    sequences = [stored.sequence for stored in run.by_sequence]
    report.require(sequences == list(range(1, len(first) + 1)), "dense",
                   f"{run.name}: {len(first)} messages, sequences {_holes(sequences)}")


def _holes(sequences):
    wrong = [s for i, s in enumerate(sequences) if s != i + 1]
    return f"out of place from {wrong[0]} on" if wrong else "doubled"


def _check_stored(run, report):
    tokens, of_request = {}, {}
    for stored in run.by_sequence:
        tokens.setdefault(stored.token, []).append(stored)
        publish = run.publishes.get(stored.token)
        if publish is None:
            report.violation("no stranger", f"{run.name}/{stored.sequence} holds {stored.token}, never published here")
            continue
        report.require((stored.hash, stored.key) == (publish.hash, publish.key), "as sent",
                       f"{run.name}/{stored.sequence} differs from what {stored.token} sent")
        report.require(stored.state != "PENDING" or stored.left_by >= run.listed, "acts last",
                       f"{run.name}/{stored.sequence} is pending again")
        if publish.request_id:
            of_request.setdefault(publish.request_id, set()).add(stored.token)
    for request_id, those in of_request.items():
        report.require(len(those) == 1, "no double",
                       f"{run.name}: request id {request_id} stored each of {sorted(those)}")
    return tokens


def _check_publish(run, publish, stored, report):
    where = f"{run.name}: {publish.token}"
    report.require(len(stored) <= 1 or not publish.request_id, "no double",
                   f"{where} is stored as {[s.sequence for s in stored]}")
    report.require(len({answer[:2] for answer in publish.answers}) <= 1 or not publish.request_id, "one answer",
                   f"{where} was answered {sorted(publish.answers)}")
    superseded = {answer[2] for answer in publish.answers}
    report.require(len(superseded) <= 1 or not publish.request_id, "one answer",
                   f"{where} superseded {sorted(superseded)}")
    there = {(s.id, s.sequence) for s in stored}
    for message_id, sequence, _ in publish.answers:
        report.require((message_id, sequence) in there, "durable",
                       f"{where} was answered {sequence} ({message_id}) and is not there")
    if not publish.answers:
        report.require(not stored or (publish.doubt and not publish.refused), "no ghost",
                       f"{where} got {sorted(publish.codes)} and is stored as {[s.sequence for s in stored]}")
    else:
        report.require(not publish.refused, "repeats succeed",
                       f"{where} was answered and refused: {sorted(publish.codes)}")
        report.require(publish.invoked < run.ended_by, "ended", f"{where} was stored after the run had ended")
    for message_id in {m for ids in superseded for m in ids}:
        old = run.by_id.get(message_id)
        report.require(old is not None and old.state == "SUPERSEDED" and old.key == publish.key, "superseded",
                       f"{where} superseded {message_id}, which is {old}")


def _check_real_time_order(run, report):
    for stored in run.by_sequence:
        publish = run.publishes.get(stored.token)
        if publish is not None:
            before = run.newest_returned_before(publish.invoked)
            report.require(stored.sequence > before, "real-time order",
                           f"{run.name}: {stored.token} has {stored.sequence}, invoked when {before} had returned")


def _check_settings(run, report):
    newest = set()
    for stored in reversed(run.by_sequence):
        publish = run.publishes.get(stored.token)
        if publish is None or not publish.setting:
            report.require(stored.state != "SUPERSEDED", "superseded", f"{run.name}/{stored.sequence} is no setting")
            continue
        report.require(stored.state != "PENDING" or stored.key not in newest, "superseded",
                       f"{run.name}/{stored.sequence} is pending beside a newer {stored.key}")
        report.require(stored.state != "SUPERSEDED" or stored.key in newest, "superseded",
                       f"{run.name}/{stored.sequence} is superseded by nothing")
        newest.add(stored.key)


def _check_end(run, report):
    for stored in run.by_sequence:
        report.require(stored.state != "UNDELIVERED" or run.ended_after < run.listed, "ended",
                       f"{run.name}/{stored.sequence} is undelivered, and nobody ended the run")


def _check_ack(run, event, report):
    if event["out"] != "ok":
        report.require(event["code"] != "NOT_FOUND", "durable", f"{run.name}: ack of {event['ids']} says NOT_FOUND")
        return
    for message_id, claimed, winner, state in event["results"]:
        stored = run.by_id.get(message_id)
        if stored is None:
            report.violation("durable", f"{run.name}: {message_id} was acked and is not there")
            continue
        where = f"{run.name}/{stored.sequence}: {event['consumer']}"
        report.require(claimed == (stored.consumer == event["consumer"]), "one winner",
                       f"{where} was told claimed={claimed}; it is {stored.consumer or 'nobody'}'s")
        report.require(winner == stored.consumer, "one winner",
                       f"{where} was told that {winner} has it; it is {stored.consumer or 'nobody'}'s")
        report.require(state not in _FINAL or state == stored.state, "final",
                       f"{where} was told {state}; it is {stored.state}")
        if claimed and event["outcome"] != "UNSPECIFIED":
            report.require(stored.state == event["outcome"], "final",
                           f"{where} acked {event['outcome']}; it is {stored.state}")


def _check_cancel(run, event, report):
    if event["out"] != "ok":
        return
    stored = run.by_id.get(event["id"])
    report.require(stored is not None and stored.state == "CANCELLED", "final",
                   f"{run.name}: {event['id']} was cancelled and is {stored}")
