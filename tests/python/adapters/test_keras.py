"""Keras' model.fit(), steered by its callback; with the JAX backend."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

import signalbox as sb  # noqa: E402
from signalbox.adapters.keras import SignalboxCallback  # noqa: E402


@pytest.fixture(scope="module")
def data(digits):
    pixels, labels = np.array(digits[0], "float32"), np.array(digits[1])
    return (pixels[:1280], labels[:1280]), (pixels[1280:], labels[1280:])


class At(keras.callbacks.Callback):
    """Calls `at[step]` before the step's messages are looked for; keeps the rates if told to."""

    def __init__(self, at=None, rates=False):
        super().__init__()
        self.at, self.rates, self.step = at or {}, {} if rates else None, 0

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.rates is not None:
            self.rates[self.step] = float(self.model.optimizer.learning_rate)
        self.at.get(self.step, lambda: None)()


def classifier(rate=0.01, optimizer=keras.optimizers.SGD, **options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])
    model.compile(optimizer(rate, **options), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    return model


def fit(model, data, *callbacks, epochs=1, **options):
    """10 steps an epoch."""
    return model.fit(*data[0], batch_size=128, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks),
                     **options)


def test_a_new_rate_is_used_and_read_back(data, steered, publish):
    sent = []
    at = At({4: lambda: sent.append(publish("learning-rate", 0.002))}, rates=True)
    fit(classifier(), data, at, SignalboxCallback(steered))
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 4)
    assert done.reply == {"previous": 0.01, "current": 0.002, "read_at_step": 5}
    assert list(at.rates.values()) == pytest.approx([0.01] * 4 + [0.002] * 6)


def test_the_rate_reaches_the_weights(data, steered, publish):
    """With a rate next to nothing the weights stand still: the change is not only in the variable."""
    model, weights = classifier(), []
    at = At({4: lambda: (publish("learning-rate", 1e-30), weights.append(at.model.get_weights()[0].copy()))})
    fit(model, data, at, SignalboxCallback(steered))
    assert np.array_equal(weights[0], model.get_weights()[0])


SCHEDULES = {
    "exponential": lambda: keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5),
    "cosine": lambda: keras.optimizers.schedules.CosineDecay(0.02, 30, warmup_target=0.1, warmup_steps=3),
    "restarts": lambda: keras.optimizers.schedules.CosineDecayRestarts(0.1, 4),
    "polynomial": lambda: keras.optimizers.schedules.PolynomialDecay(0.1, 30, 0.01),
    "inverse": lambda: keras.optimizers.schedules.InverseTimeDecay(0.1, 5, 0.5),
    "steps": lambda: keras.optimizers.schedules.PiecewiseConstantDecay([3, 12], [0.1, 0.05, 0.01]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_new_rate_scales_the_whole_schedule(data, steered, publish, name):
    twin, model = classifier(SCHEDULES[name]()), classifier(SCHEDULES[name]())
    untouched, sent, weights = At(rates=True), [], []
    fit(twin, data, untouched, epochs=2)
    at = At({6: lambda: sent.append(publish("learning-rate", 1e-30)),
             7: lambda: weights.append(at.model.get_weights()[0].copy())}, rates=True)
    fit(model, data, at, SignalboxCallback(steered), epochs=2)
    ratio = 1e-30 / untouched.rates[6]
    for step in range(7, 21):
        assert at.rates[step] == pytest.approx(untouched.rates[step] * ratio, rel=1e-4), step
    done = publish.receipt(sent[0])
    assert done.state == "APPLIED" and done.reply["current"] == pytest.approx(at.rates[7], rel=1e-5)
    # The compiled step has the new schedule.
    assert np.array_equal(weights[0], model.get_weights()[0])


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1


def test_a_schedule_that_cannot_be_scaled_fails_the_message(data, steered, publish):
    sent = []
    fit(classifier(OwnSchedule()), data, At({3: lambda: sent.append(publish("learning-rate", 0.2))}),
        SignalboxCallback(steered))
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "OwnSchedule is not a schedule of Keras" in done.error


def test_a_rate_that_does_not_hold_is_no_success(data, steered, publish):
    sent = []
    at = At({3: lambda: sent.append(publish("learning-rate", 0.2)), 4: lambda: set_back(at.model)})
    fit(classifier(), data, at, SignalboxCallback(steered))
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "did not hold: another callback made it 0.01" in done.error


def set_back(model):
    model.optimizer.learning_rate = 0.01


def test_weight_decay(data, steered, publish):
    sent = []
    model = classifier(weight_decay=0.01)
    at = At({3: lambda: sent.append(publish("weight-decay", 99)),
             5: lambda: (publish.receipt(sent[0]), sent.append(publish("weight-decay", "x")))})
    fit(model, data, at, SignalboxCallback(steered))
    assert publish.receipt(sent[0]).reply == {"previous": 0.01, "current": 99, "read_at_step": 4}
    bad = publish.receipt(sent[1])
    assert bad.state == "FAILED" and "weight-decay: a number of at least 0 is expected" in bad.error
    assert model.optimizer.weight_decay == 99
    # Each step took 0.01 × 99 of every weight away: the compiled step has the new decay.
    assert np.abs(model.get_weights()[0]).max() < 0.01


def test_save_is_a_model_that_loads(data, steered, publish, tmp_path):
    sent, weights = [], []
    at = At({5: lambda: (sent.append(publish("save")), weights.append(at.model.get_weights()[0].copy()))})
    fit(classifier(), data, at, SignalboxCallback(steered, folder=tmp_path / "models"))
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 5) and at.step == 10
    assert done.reply == {"path": str(tmp_path / "models" / "step-5.keras")}
    assert os.listdir(tmp_path / "models") == ["step-5.keras"]
    assert np.array_equal(keras.models.load_model(done.reply["path"]).get_weights()[0], weights[0])


def test_evaluate_measures_and_leaves_the_epoch_alone(data, steered, publish):
    twin = fit(classifier(), data).history
    sent = []
    history = fit(classifier(), data, At({5: lambda: sent.append(publish("evaluate"))}),
                  SignalboxCallback(steered, validation_data=data[1])).history
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 5)
    assert 0 < done.reply["accuracy"] < 1 and done.reply["loss"] > 0
    assert history == {name: pytest.approx(values) for name, values in twin.items()}


def test_evaluate_answers_with_the_last_validation(data, steered, publish):
    sent = []
    at = At({5: lambda: sent.append(publish("evaluate")), 15: lambda: sent.append(publish("evaluate"))})
    history = fit(classifier(), data, at, SignalboxCallback(steered), epochs=2, validation_data=data[1]).history
    early, late = map(publish.receipt, sent)
    assert early.state == "FAILED" and "no validation has run yet" in early.error
    assert late.reply == {"epoch": 1, "val_loss": pytest.approx(history["val_loss"][0]),
                          "val_accuracy": pytest.approx(history["val_accuracy"][0])}


def test_stop_ends_the_training_and_the_run(data, client):
    with sb.Run(project="tests/adapters", client=client) as run:
        sent = []

        def ask():
            sent.append(client.publish(run, "stop").message)
            assert run.inbox.wait_newer(0, 30)

        at = At({7: ask})
        fit(classifier(), data, at, SignalboxCallback(run), epochs=3)
        assert at.step == 7
    done = client.await_message(sent[0].id, 30)
    assert (done.state, done.step) == ("APPLIED", 7)
    assert client.get_run(run.id).outcome == "STOPPED"


@pytest.mark.parametrize("value", ["fast", -1, True, None, [0.1]])
def test_bad_values_fail_and_touch_nothing(data, steered, publish, value):
    sent = []
    at = At({3: lambda: sent.append(publish("learning-rate", value))}, rates=True)
    fit(classifier(), data, at, SignalboxCallback(steered))
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "learning-rate: a number above 0 is expected, not " in done.error
    assert set(at.rates.values()) == {at.rates[1]}


def test_keys_of_the_program(data, steered, publish):
    class Options:
        temperature = 1.0

    callback = SignalboxCallback(steered, settings={"smoothing": lambda value: {"set": value}})
    callback.setting("temperature", Options, "temperature")
    callback.on("hello", lambda message: "there")
    sent = []
    fit(classifier(), data, At({3: lambda: sent.extend([
        publish("temperature", 2.5), publish("smoothing", 0.1), publish("hello")])}), callback)
    assert Options.temperature == 2.5
    assert [publish.receipt(message).reply for message in sent] == [
        {"previous": 1, "current": 2.5, "read_at_step": 4}, {"set": 0.1}, "there"]


def test_several_steps_in_one_call_are_counted(data, steered, publish):
    model = classifier()
    model.steps_per_execution = 5
    sent = []
    fit(model, data, At({1: lambda: sent.append(publish("learning-rate", 0.5))}), SignalboxCallback(steered))
    done = publish.receipt(sent[0])
    assert done.step == 5 and done.reply["read_at_step"] == 10


def test_callbacks_that_are_no_list_are_told_of(data, steered):
    with pytest.warns(RuntimeWarning, match="must be a list"):
        classifier().fit(*data[0], batch_size=128, verbose=0, callbacks=SignalboxCallback(steered))


def test_without_a_run_training_is_the_same(data, monkeypatch):
    monkeypatch.delenv("SIGNALBOX_RUN", raising=False)
    twin, model = classifier(), classifier()
    fit(twin, data)
    with pytest.warns(RuntimeWarning, match="cannot be steered"):
        fit(model, data, SignalboxCallback())
    assert np.array_equal(model.get_weights()[0], twin.get_weights()[0])
