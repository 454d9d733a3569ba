"""PublishMany: many publishes in one call, each with an outcome of its own."""

import grpc
import pytest
from signalbox.v1 import message_pb2, message_service_pb2

from rig.client import INVALID, UNAVAILABLE, refused, run_ref
from rig.metrics import read_metrics
from rig.postgres import free_port
from rig.publishers import Publishers
from rig.server import new_database
from rig.values import from_value, seconds, string_value_of_size, to_value
from rig.waiting import at_once, eventually


def request(run, key="k", value=1, ttl=None, **fields):
    one = message_service_pb2.PublishRequest(run=run_ref(run), key=key, value=to_value(value), **fields)
    if ttl is not None:
        one.ttl.CopyFrom(seconds(ttl))
    return one


def publish_many(client, requests, timeout=20):
    """The results, one for each request."""
    request_of_many = message_service_pb2.PublishManyRequest(requests=requests)
    results = list(client.PublishMany(request_of_many, timeout=timeout).results)
    assert len(results) == len(requests)
    assert all(result.WhichOneof("outcome") for result in results)
    return results


def code(result):
    """Name of the status code of one result; OK when it holds a response."""
    if result.WhichOneof("outcome") == "response":
        return "OK"
    return next(status.name for status in grpc.StatusCode if status.value[0] == result.error.code)


def messages(results):
    assert {code(result) for result in results} == {"OK"}, results
    return [result.response.message for result in results]


def test_each_is_stored_as_by_publish(client, new_run):
    run = new_run()
    many = messages(publish_many(client, [
        request(run, "rate", 0.5, kind=message_pb2.KIND_SETTING, ttl=60, reason="why"), request(run, "save", {"a": [1]})]))
    assert [m.sequence for m in many] == [1, 2]
    assert client.history(run) == many[::-1]
    assert (many[0].kind, many[0].reason, from_value(many[0].value)) == (message_pb2.KIND_SETTING, "why", 0.5)
    assert many[0].HasField("expire_time") and many[1].state == message_pb2.MESSAGE_STATE_PENDING
    alone = client.publish(run, "save", {"a": [1]})
    for name in ("id", "sequence", "create_time"):
        alone.ClearField(name)
        many[1].ClearField(name)
    assert many[1] == alone


def test_settings_of_one_call_replace_each_other(client, new_run):
    run = new_run()
    old = client.setting(run, "rate").message
    results = publish_many(client, [request(run, "rate", i, kind=message_pb2.KIND_SETTING) for i in range(3)])
    first, second, third = messages(results)
    assert [list(r.response.superseded_ids) for r in results] == [[old.id], [first.id], [second.id]]
    assert client.get_all(run) == [third]


def test_outcomes_stand_side_by_side_as_publish_would_have_answered(client, new_run):
    run, ended, full = new_run(), new_run(), new_run()
    client.end_run(ended)
    messages(publish_many(client, [request(full)] * 1000))
    client.publish(run, "taken", request_id="taken")
    requests = [
        request(run, "first"), request(run, key=""), request("no-such-run"), request(ended), request(full),
        request(run, "other", request_id="taken"), request(run, ttl=-1), request(run, reason="x" * 1025),
        request("Not-A-Run"), request(run, "last")]
    results = publish_many(client, requests)
    assert [code(result) for result in results] == [
        "OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "ALREADY_EXISTS",
        "INVALID_ARGUMENT", "INVALID_ARGUMENT", "NOT_FOUND", "OK"]
    for one, result in zip(requests, results):
        if code(result) != "OK":
            with pytest.raises(grpc.RpcError) as alone:
                client.Publish(one)
            assert (alone.value.code().name, alone.value.details()) == (code(result), result.error.message)
    assert [m.key for m in client.history(run)] == ["last", "first", "taken"]
    assert client.history(ended) == []


def test_all_refused_is_an_answer_too(client, new_run):
    run = new_run()
    assert [code(r) for r in publish_many(client, [request(run, key="")] * 3)] == ["INVALID_ARGUMENT"] * 3
    assert client.history(run) == []


def test_messages_to_one_run_keep_the_order_of_the_requests(server, client, new_run):
    """Also when calls race and are larger than a group, and when the sizes of values differ widely."""
    runs = [new_run(), new_run(project="lab/other")]

    def call(connection, caller):
        return publish_many(connection, [
            request(runs[i % 2], value=[caller, i, "x" * (4000 if i % 7 == 0 else 1)]) for i in range(700)])

    assert all(len(messages(r)) == 700
               for r in at_once([lambda c=server.connect(), n=n: call(c, n) for n in range(2)]))
    for run in runs:
        stored = [from_value(m.value)[:2] for m in client.get_all(run)]
        assert len(stored) == 700
        for caller in range(2):
            own = [number for name, number in stored if name == caller]
            assert own == sorted(own), "a message overtook another of its call"


def test_runs_of_many_projects_by_id_and_by_rank(client, new_run):
    runs = [new_run(project=f"lab/p{i}") for i in range(20)]
    refs = [run if i % 2 else (run.project, run.rank) for i, run in enumerate(runs)]
    many = messages(publish_many(client, [request(ref, value=i) for ref in refs for i in range(5)]))
    assert [m.run_id for m in many] == [run.id for run in runs for _ in range(5)]
    assert [m.sequence for m in many] == [1, 2, 3, 4, 5] * 20


def test_subscribers_get_all_of_them_in_order(client, new_run):
    run = new_run()
    with client.subscribe(run) as stream:
        stream.synced(0)
        many = messages(publish_many(client, [request(run, value=i) for i in range(1000)]))
        assert stream.message_with(many[-1].id) == many[-1]
        assert stream.messages() == many


def test_a_repeat_returns_the_first_messages_from_another_replica_too(client, replica, new_run):
    run = new_run()
    requests = [request(run, value=i, request_id=f"r{i}") for i in range(100)]
    first = publish_many(client, requests)
    other = replica.connect()
    assert publish_many(other, requests) == first
    assert publish_many(client, requests[::-1]) == first[::-1]
    assert other.publish(run, value=7, request_id="r7") == first[7].response.message
    client.end_run(run)
    assert [m.id for m in messages(publish_many(other, requests))] == [m.id for m in messages(first)]
    assert client.get_run(run).head_sequence == 100


def test_the_same_call_at_once_on_two_replicas(server, replica, client, new_run):
    run = new_run()
    requests = [request(run, value=i, request_id=f"r{i}") for i in range(300)]
    clients = [(server, replica)[i % 2].connect() for i in range(8)]
    answers = at_once([lambda c=c: publish_many(c, requests) for c in clients])
    assert all(answer == answers[0] for answer in answers)
    assert [m.sequence for m in messages(answers[0])] == list(range(1, 301))
    assert client.get_run(run).head_sequence == 300


def test_one_request_id_twice_in_a_call(client, new_run):
    run = new_run()
    by_rank = (run.project, run.rank)
    first, between, repeat, other, of_rank, other_run = publish_many(client, [
        request(run, value=1, request_id="r"), request(run, value=2), request(run, value=1, request_id="r"),
        request(run, value=3, request_id="r"), request(by_rank, value=1, request_id="r"),
        request(new_run(), value=1, request_id="r")])
    assert repeat == first and between.response.message.sequence == 2
    assert code(other) == "ALREADY_EXISTS" and "request_id" in other.error.message
    assert of_rank == first
    assert code(other_run) == "OK" and other_run.response.message.id != first.response.message.id
    assert client.get_run(run).head_sequence == 2


def test_the_pending_limit_in_the_middle_of_a_call(client, new_run):
    run, other = new_run(), new_run()
    messages(publish_many(client, [request(run) for _ in range(990)]))
    results = publish_many(client, [request(run if i % 2 else other, value=i) for i in range(40)])
    assert [code(r) for r in results[0::2]] == ["OK"] * 20
    assert [code(r) for r in results[1::2]] == ["OK"] * 10 + ["RESOURCE_EXHAUSTED"] * 10
    assert client.get_run(run).pending_count == 1000


def test_settings_beyond_the_limit_that_need_no_room(client, new_run):
    run = new_run()
    client.setting(run, "s")
    messages(publish_many(client, [request(run) for _ in range(997)]))
    setting = message_pb2.KIND_SETTING
    results = publish_many(client, [
        request(run), request(run, "s", 2, kind=setting), request(run), request(run), request(run, "s", 3, kind=setting),
        request(run, "new", kind=setting)])
    assert [code(r) for r in results] == ["OK", "OK", "OK", "RESOURCE_EXHAUSTED", "OK", "RESOURCE_EXHAUSTED"]
    stored = [r.response.message.sequence for r in results if code(r) == "OK"]
    assert stored == sorted(stored) and client.get_run(run).pending_count == 1000


def test_1_to_1000_requests(client, new_run):
    run = new_run()
    for count in (0, 1001):
        with refused(INVALID, "requests", "required" if count == 0 else "1000"):
            publish_many(client, [request(run)] * count)
    assert client.history(run) == []
    assert len(messages(publish_many(client, [request(run)] * 1000))) == 1000


def test_a_call_of_more_than_1_mib_is_refused_as_a_whole(client, new_run):
    run = new_run()
    large = request(run, value=string_value_of_size(60_000))
    with refused(INVALID, "request has", "1048576"):
        publish_many(client, [large] * 18)
    assert client.history(run) == []
    assert len(messages(publish_many(client, [large] * 17))) == 17


def test_each_publish_is_counted(start_server, cluster, database):
    address = f"127.0.0.1:{free_port()}"
    client = start_server("--database-url", cluster.url(database), "--metrics-listen", address).connect()
    run = client.create_run()
    publish_many(client, [request(run), request(run, key=""), request(run), request("no-such-run")])
    with refused(INVALID):
        publish_many(client, [])
    metrics = read_metrics(address)
    assert metrics['signalbox_publishes_total{code="OK"}'] == 2
    assert metrics['signalbox_publishes_total{code="INVALID_ARGUMENT"}'] == 2
    assert metrics['signalbox_publishes_total{code="NOT_FOUND"}'] == 1
    assert metrics["signalbox_commit_group_size_sum"] == 3


def test_a_hanging_postgres_leaves_the_whole_call_in_doubt(start_server, private_cluster):
    address = f"127.0.0.1:{free_port()}"
    server = start_server("--database-url", private_cluster.url(new_database(private_cluster)),
                          "--metrics-listen", address)
    client = server.connect()
    run = client.create_run()
    requests = [request(run, value=i, request_id=f"r{i}") for i in range(50)]
    private_cluster.pause()
    try:
        with refused(UNAVAILABLE):
            publish_many(client, requests)
    finally:
        private_cluster.resume()
    assert read_metrics(address)['signalbox_publishes_total{code="UNAVAILABLE"}'] == 50
    results = eventually(lambda: _stored(client, requests), 20)
    assert [m.sequence for m in messages(results)] == list(range(1, 51))
    assert client.get_run(run).head_sequence == 50


def _stored(client, requests):
    """The results of a call that stored all, or None."""
    try:
        results = publish_many(client, requests)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return None
    return results if {code(result) for result in results} == {"OK"} else None


def test_a_repeat_after_kill_9_gives_one_message_each(embedded):
    client = embedded.connect()
    run = client.create_run()
    for batch in range(5):
        requests = [request(run, value=[batch, i], request_id=f"{batch}.{i}") for i in range(150)]
        calls = [client.start("PublishMany", message_service_pb2.PublishManyRequest(requests=requests[i:i + 50]))
                 for i in range(0, 150, 50)]
        calls[batch % 3].exception(20)  # Some may be answered, the others are under way.
        embedded.kill()
        answered = [c.result(20).results if c.exception(20) is None else None for c in calls]
        assert all(c.code() in (grpc.StatusCode.OK, *Publishers.IN_DOUBT) for c in calls)
        embedded.close()
        embedded.start()
        client = embedded.connect()
        again = [publish_many(client, requests[i:i + 50]) for i in range(0, 150, 50)]
        for before, after in zip(answered, again):
            messages(after)
            assert before is None or list(before) == list(after)
        stored = client.history(run)
        assert len(stored) == 150 * (batch + 1)
        assert len({str(from_value(m.value)) for m in stored}) == len(stored)
        client.try_ack(client.get_all(run), outcome=1)
