"""What a message carries comes back as it was sent."""

import json
import math
import struct

import numpy
import pytest

import signalbox as sb


def nested(depth):
    value = "core"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [
    None, True, False, 0, 1, -1, 2**53, -(2**53), 0.001, -0.0, 1e308, 5e-324, 0.1 + 0.2, 1e16, "", "text", "a\0b",
    "\U0001f680 Ω", [], {}, [1, [2.5, [None]]], {"a": {"b": [True, "x", 1e-3]}, "": 0}, nested(32)],
    ids=lambda value: repr(value)[:30])
def test_comes_back_as_sent(client, run, value):
    message = client.publish(run, "key", value).message
    again = client.get(run, "key")
    for got in (message.value, again.value):
        assert got == value and type(got) is type(value) or value == 1e16
        assert json.dumps(got, sort_keys=True) == json.dumps(value, sort_keys=True) or value == 1e16


def test_numbers_are_kept_bit_for_bit(client, run):
    numbers = [-0.0, 5e-324, 1.7976931348623157e308, 1 / 3, 0.1, 123456789.125, 2**53 - 0.5, 1e22]
    got = client.publish(run, "key", numbers).message.value
    assert [struct.pack("<d", number) for number in got] == [struct.pack("<d", number) for number in numbers]


def test_a_number_prints_as_it_was_typed(client, run):
    assert [str(number) for number in client.publish(run, "key", [0.001, 3, 3.0, -0.0]).message.value] == [
        "0.001", "3", "3", "-0.0"]


@pytest.mark.parametrize("value, text", [
    (math.nan, "finite"), (math.inf, "finite"), ([1, -math.inf], "finite"), (2**53 + 1, "as a string"),
    (-(2**70), "as a string"), ("\ud800", "surrogate"), ({"\ud800": 1}, "surrogate"), ({1: 2}, "int"),
    (b"bytes", "bytes"), ({1}, "set"), (object(), "object"), (nested(33), "32"), (1j, "complex")],
    ids=lambda value: repr(value)[:30])
def test_is_refused_with_advice(client, run, value, text):
    with pytest.raises(sb.InvalidArgumentError, match=text) as error:
        client.publish(run, "key", value)
    assert str(error.value).startswith("value: ")


def test_what_holds_itself_is_refused(client, run):
    endless = []
    endless.append(endless)
    mapping = {}
    mapping["again"] = mapping
    for value in (endless, mapping):
        with pytest.raises(sb.InvalidArgumentError, match="32"):
            client.publish(run, "key", value)


@pytest.mark.parametrize("value, got", [
    (numpy.int64(3), 3), (numpy.uint8(200), 200), (numpy.float64(0.001), 0.001), (numpy.float32(0.5), 0.5),
    (numpy.bool_(True), True), ([numpy.int32(1), numpy.float16(1.5)], [1, 1.5]), ((1, 2), [1, 2])])
def test_scalars_of_numpy_and_tuples(client, run, value, got):
    back = client.publish(run, "key", value).message.value
    assert back == got and type(back) is type(got)


def test_an_array_is_refused(client, run):
    with pytest.raises(sb.InvalidArgumentError, match="numpy.ndarray"):
        client.publish(run, "key", numpy.zeros(3))


def test_subclasses_count_as_what_they_are(client, run):
    class Text(str):
        pass

    class Mapping(dict):
        pass

    assert client.publish(run, "key", Mapping(a=Text("b"))).message.value == {"a": "b"}


def test_a_value_is_a_copy_each_time(client, run):
    message = client.publish(run, "key", {"list": [1]}).message
    message.value["list"].append(2)
    assert message.value == {"list": [1]}


def test_a_conversion_may_change_what_is_converted(client, run):
    """A number's own code emptied the list that was being read."""

    class Saboteur:
        def __init__(self, victim):
            self._victim = victim

        def __float__(self):
            self._victim.clear()
            return 1.5

    values = []
    values.extend([Saboteur(values), 2, 3])
    assert client.publish(run, "key", values).message.value == [1.5]


def test_replies_are_values_too(client, run):
    message = client.publish(run, "key").message
    with pytest.raises(sb.InvalidArgumentError, match="reply: "):
        client.ack([message.id], "me", "APPLIED", reply=math.nan)
    done, = client.ack([message.id], "me", "APPLIED", reply=[1, 2.5, "ä"])
    assert done.message.reply == [1, 2.5, "ä"]


@pytest.mark.parametrize("text, problem", [
    ("\ud800", "the text holds a lone surrogate, which UTF-8 cannot hold"), (5, "a str is expected, not int"),
    (b"key", "a str is expected, not bytes")], ids=["surrogate", "int", "bytes"])
@pytest.mark.parametrize("field, call", [
    ("key", lambda client, inbox, text: client.publish("r1", text)),
    ("request_id", lambda client, inbox, text: client.publish("r1", "key", request_id=text)),
    ("reason", lambda client, inbox, text: client.publish("r1", "key", reason=text)),
    ("project", lambda client, inbox, text: client.publish(1, "key", project=text)),
    ("key", lambda client, inbox, text: client.get("r1", text)),
    ("keys", lambda client, inbox, text: client.get_all("r1", keys=[text])),
    ("message_ids", lambda client, inbox, text: client.ack([text], "me")),
    ("consumer", lambda client, inbox, text: client.ack(["m1"], text)),
    ("error", lambda client, inbox, text: client.ack(["m1"], "me", "FAILED", error=text)),
    ("message_id", lambda client, inbox, text: client.await_message(text, 0)),
    ("message_id", lambda client, inbox, text: client.cancel(text)),
    ("reason", lambda client, inbox, text: client.cancel("m1", text)),
    ("title", lambda client, inbox, text: client.create_run("tests/python", title=text)),
    ("labels", lambda client, inbox, text: client.create_run("tests/python", labels={"name": text})),
    ("key", lambda client, inbox, text: client.declare_keys("r1", [sb.KeyDeclaration(text)])),
    ("consumer", lambda client, inbox, text: client.open_inbox("r1", consumer=text)),
    ("address", lambda client, inbox, text: sb.Client(text)),
    ("token", lambda client, inbox, text: sb.Client(token=text)),
    ("key", lambda client, inbox, text: inbox.on(text, print)),
    ("description", lambda client, inbox, text: inbox.on("key", print, description=text)),
    ("error", lambda client, inbox, text: inbox.get("key").ack("FAILED", error=text)),
    ("error", lambda client, inbox, text: inbox.get("key").ack_now(30, "FAILED", error=text))])
def test_other_texts_are_refused_by_name(client, inbox, receive, field, call, text, problem):
    receive("key")
    with pytest.raises(sb.InvalidArgumentError) as error:
        call(client, inbox, text)
    assert str(error.value) == f"{field}: {problem}"


@pytest.mark.parametrize("run", [1.0, b"r1", object(), True])
def test_what_names_no_run_is_refused(client, run):
    with pytest.raises(sb.InvalidArgumentError, match="^run: an id, a rank or a Run, not a "):
        client.get_run(run)


@pytest.mark.parametrize("span", ["soon", object(), []])
def test_what_is_no_span_of_time_is_refused(client, span):
    with pytest.raises(sb.InvalidArgumentError, match="^ttl: seconds or a timedelta, not "):
        client.publish("r1", "key", ttl=span)
