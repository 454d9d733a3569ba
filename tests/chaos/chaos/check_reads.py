"""Invariants of Get, GetAll and Await: what had returned is seen, what had left is not, and nothing is missing."""


def check_seen(run, fields, report, where):
    """What any reader was shown is what is there; returns the stored message."""
    message_id, sequence, token, content, key = fields
    stored = run.by_id.get(message_id)
    if stored is None:
        report.violation("nothing un-happens", f"{where} showed {sequence} ({token}), which is not there")
        return None
    report.require((stored.sequence, stored.token, stored.hash, stored.key) == (sequence, token, content, key),
                   "nothing un-happens", f"{where} showed {fields}; stored is {stored}")
    return stored


def check_get_all(run, event, report):
    if event["out"] != "ok":
        return
    where = f"{run.name}: GetAll at {event['at']}"
    sequences = [fields[1] for fields in event["seen"]]
    report.require(all(a < b for a, b in zip(sequences, sequences[1:])), "order", f"{where} showed {sequences}")
    for fields in event["seen"]:
        _check_not_left(check_seen(run, fields, report, where), event, report, where)
    if not event["whole"]:
        return
    missing = run.surely_pending(event["t0"], event["t1"], max(sequences, default=0))
    wanted = set(run.sequences[missing].tolist()) - set(sequences)
    report.require(not wanted, "read your writes", f"{where} left out {sorted(wanted)[:5]}")


def check_get(run, event, report):
    if event["out"] != "ok":
        return
    where = f"{run.name}: Get({event['key']}) at {event['at']}"
    shown = event["seen"]
    if shown is not None:
        _check_not_left(check_seen(run, shown, report, where), event, report, where)
    older = run.surely_pending(event["t0"], event["t1"], shown[1] if shown else 0) & (run.keys == event["key"])
    if shown is not None:
        older &= run.sequences < shown[1]
    wanted = run.sequences[older].tolist()
    report.require(not wanted, "read your writes", f"{where} showed {shown and shown[1]} before {wanted[:5]}")


def check_await(run, event, report):
    where = f"{run.name}: Await of {event['id']} at {event['at']}"
    if event["out"] != "ok":
        report.require(event["code"] != "NOT_FOUND", "durable", f"{where} says NOT_FOUND")
        return
    stored, told = run.by_id.get(event["id"]), event["state"]
    if stored is None:
        report.violation("nothing un-happens", f"{where} says {told}, and it is not there")
    elif told == "PENDING":
        _check_not_left(stored, event, report, where)
    else:
        report.require(told == stored.state or (told == "ACKED" and stored.state in ("APPLIED", "FAILED")), "final",
                       f"{where} says {told}; it is {stored.state}")


def _check_not_left(stored, event, report, where):
    if stored is not None:
        report.require(stored.left_by >= event["t0"], "acts are seen",
                       f"{where} showed {stored.sequence}, which had left PENDING ({stored.state})")
