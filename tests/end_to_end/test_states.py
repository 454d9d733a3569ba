"""The whole transition table: every act on a message in every state."""

import grpc
import pytest
from signalbox.v1 import message_pb2, run_pb2

from rig.waiting import eventually

STATES = {name.removeprefix("MESSAGE_STATE_"): number for name, number in message_pb2.MessageState.items()}
OWNER, OTHER = "owner", "other"


class Case:
    """A setting in a run of its own, brought to a state, and the acts that may be done to it."""

    def __init__(self, client, run, ttl=None):
        self.client, self.run = client, run
        self.message = client.setting(run, "key", 1, ttl=ttl).message

    def state(self):
        return self.client.message(self.message).state

    def ack(self, consumer=OWNER, **fields):
        return self.client.ack(self.message, consumer, **fields)

    def cancel(self):
        try:
            return self.client.cancel(self.message, "cancelled by the test")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
            return None

    def supersede(self):
        try:
            return list(self.client.setting(self.run, "key", 2).superseded_ids)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error  # The run ended.
            return []

    def end_run(self):
        self.client.end_run(self.run, run_pb2.RUN_OUTCOME_STOPPED)

    def pass_expire_time(self):
        """Until another message of the same time to live, published later, has expired."""
        witness = self.client.publish(self.client.create_run(), ttl=0.8)
        eventually(lambda: self.client.message(witness).state == STATES["EXPIRED"], 5)


def in_state(state, client, run, ttl=None):
    case = Case(client, run, 0.05 if state == "EXPIRED" else ttl)
    {
        "PENDING": lambda: None,
        "ACKED": case.ack,
        "APPLIED": lambda: case.ack(outcome=1, step=1),
        "FAILED": lambda: case.ack(outcome=2, error="broken"),
        "SUPERSEDED": case.supersede,
        "CANCELLED": case.cancel,
        "EXPIRED": lambda: eventually(lambda: case.state() == STATES["EXPIRED"], 5),
        "UNDELIVERED": case.end_run,
    }[state]()
    assert case.state() == STATES[state]
    return case


ACTS = {
    "ack": lambda case: case.ack(),
    "ack by another": lambda case: case.ack(OTHER),
    "apply": lambda case: case.ack(outcome=1),
    "apply by another": lambda case: case.ack(OTHER, outcome=1),
    "fail": lambda case: case.ack(outcome=2),
    "fail by another": lambda case: case.ack(OTHER, outcome=2),
    "cancel": lambda case: case.cancel(),
    "supersede": lambda case: case.supersede(),
    "end run": lambda case: case.end_run(),
    "expire": lambda case: case.pass_expire_time(),
}

# What changes a message; in every other combination it stays exactly as it is.
CHANGES = {
    ("PENDING", "ack"): "ACKED",
    ("PENDING", "ack by another"): "ACKED",
    ("PENDING", "apply"): "APPLIED",
    ("PENDING", "apply by another"): "APPLIED",
    ("PENDING", "fail"): "FAILED",
    ("PENDING", "fail by another"): "FAILED",
    ("PENDING", "cancel"): "CANCELLED",
    ("PENDING", "supersede"): "SUPERSEDED",
    ("PENDING", "end run"): "UNDELIVERED",
    ("PENDING", "expire"): "EXPIRED",
    ("ACKED", "apply"): "APPLIED",
    ("ACKED", "fail"): "FAILED",
}
FINAL = [state for state in STATES if state not in ("UNSPECIFIED", "PENDING", "ACKED")]
CLAIMED = {"ACKED", "APPLIED", "FAILED"}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", [state for state in STATES if state != "UNSPECIFIED"])
def test_transition(client, new_run, state, act):
    case = in_state(state, client, new_run(), ttl=0.8 if act == "expire" else None)
    before = client.message(case.message)
    answer = ACTS[act](case)
    after = client.message(case.message)
    wanted = CHANGES.get((state, act))
    if wanted is None:
        assert after == before
    else:
        assert after.state == STATES[wanted]
    if act.startswith(("ack", "apply", "fail")):
        owner = OTHER if act.endswith("by another") else OWNER
        assert answer.claimed == (state == "PENDING" or (state in CLAIMED and owner == OWNER))
        assert answer.message == after
    if act == "cancel":
        assert (answer is not None) == (state in ("PENDING", "CANCELLED"))
    if act == "supersede":
        assert (case.message.id in answer) == (state == "PENDING")


@pytest.mark.parametrize("state", [state for state in STATES if state != "UNSPECIFIED"])
def test_times_of_a_state(client, new_run, state):
    message = client.message(in_state(state, client, new_run()).message)
    assert message.HasField("finish_time") == (state in FINAL)
    assert message.HasField("ack_time") == (state in CLAIMED)
    assert message.consumer == (OWNER if state in CLAIMED else "")
    assert message.publisher == ""


@pytest.mark.parametrize("outcome, state", [(1, "APPLIED"), (2, "FAILED")])
def test_an_acked_message_may_be_finished_after_its_run_ended(client, new_run, outcome, state):
    case = in_state("ACKED", client, new_run())
    case.end_run()
    result = case.ack(outcome=outcome, step=9)
    assert result.claimed
    assert (result.message.state, result.message.step) == (STATES[state], 9)
    assert client.message(case.message) == result.message


def test_the_state_is_the_same_wherever_it_is_read(client, new_run):
    for state in STATES:
        if state == "UNSPECIFIED":
            continue
        run = new_run()
        case = in_state(state, client, run)
        message = client.message(case.message)
        assert case.message.id in {m.id for m in client.history(run, states=[STATES[state]])}
        assert message in client.history(run)
        pending = {m.id for m in client.get_all(run)}
        assert (case.message.id in pending) == (state == "PENDING")
