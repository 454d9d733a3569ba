"""The Trainer of transformers, steered by its callback."""

import os

import pytest
import torch
import transformers

import signalbox as sb
from signalbox.adapters.transformers import SignalboxCallback


class Digits(torch.utils.data.Dataset):
    def __init__(self, digits, rows):
        self.pixels, self.labels = torch.tensor(digits[0])[rows], torch.tensor(digits[1])[rows]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        return {"pixels": self.pixels[row], "labels": self.labels[row]}


class Config(transformers.PretrainedConfig):
    model_type = "signalbox-digits"


class Model(transformers.PreTrainedModel):
    config_class = Config

    def __init__(self, config):
        super().__init__(config)
        self.layers = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.1),
                                          torch.nn.Linear(32, 10))

    def forward(self, pixels, labels=None):
        logits = self.layers(pixels)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


class At(transformers.TrainerCallback):
    """Calls `at[step]` before the step's messages are looked for, and keeps the rates after each step."""

    def __init__(self):
        self.at, self.rates = {}, {}

    def on_step_end(self, args, state, control, optimizer=None, **others):
        self.rates[state.global_step] = optimizer.param_groups[0]["lr"]
        self.at.get(state.global_step, lambda: None)()


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


@pytest.fixture
def train(digits, tmp_path):
    """Makes a trainer with a callback; returns both and what At() has."""

    def make(run, steps=20, evaluate=True, callback=None, **options):
        transformers.set_seed(1)
        arguments = dict(output_dir=str(tmp_path / "out"), max_steps=steps, per_device_train_batch_size=32,
                         learning_rate=0.01, weight_decay=0.01, lr_scheduler_type="cosine", report_to=[],
                         save_strategy="no", eval_strategy="epoch" if evaluate else "no", use_cpu=True,
                         disable_tqdm=True, logging_strategy="no")
        at = At()
        callback = callback or SignalboxCallback(run)
        trainer = transformers.Trainer(
            Model(Config()), transformers.TrainingArguments(**{**arguments, **options}), callbacks=[at, callback],
            train_dataset=Digits(digits, slice(0, 1500)), compute_metrics=accuracy,
            eval_dataset=Digits(digits, slice(1500, None)) if evaluate else None)
        return trainer, at, callback

    return make


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant", "polynomial"])
def test_a_new_rate_scales_the_schedule(train, steered, publish, schedule):
    twin, untouched, _ = train(None, callback=At(), lr_scheduler_type=schedule, warmup_steps=4)
    twin.train()
    trainer, at, _ = train(steered, lr_scheduler_type=schedule, warmup_steps=4)
    sent = []
    at.at[8] = lambda: sent.append(publish("learning-rate", 0.002))
    trainer.train()
    ratio = 0.002 / untouched.rates[8]
    for step in range(9, 20):
        assert at.rates[step] == pytest.approx(untouched.rates[step] * ratio, rel=1e-6), step
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 8)
    assert done.reply == {"previous": pytest.approx(untouched.rates[8]), "current": pytest.approx(at.rates[9]),
                          "read_at_step": 9}
    assert trainer.state.global_step == 20


def test_save_is_a_checkpoint_to_resume_from(train, steered, publish):
    trainer, at, _ = train(steered)
    sent = []
    at.at[6] = lambda: sent.append(publish("save", True))
    trainer.train()
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 6)
    assert os.path.basename(done.reply["path"]) == "checkpoint-6"
    Model.from_pretrained(done.reply["path"])
    again, resumed, _ = train(None, callback=At())
    again.train(resume_from_checkpoint=done.reply["path"])
    assert min(resumed.rates) == 7 and resumed.rates[20] == pytest.approx(at.rates[20])


def test_evaluate_gives_the_metrics(train, steered, publish):
    trainer, at, _ = train(steered)
    sent = []
    at.at[5] = lambda: sent.append(publish("evaluate"))
    trainer.train()
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 5)
    assert 0 < done.reply["eval_accuracy"] <= 1 and done.reply["eval_loss"] > 0
    assert trainer.state.global_step == 20


def test_all_at_one_step(train, steered, publish):
    trainer, at, _ = train(steered)
    sent = []
    at.at[5] = lambda: sent.extend(publish(key) for key in ("save", "evaluate", "save", "stop"))
    trainer.train()
    assert trainer.state.global_step == 5
    assert [publish.receipt(message).state for message in sent] == ["APPLIED"] * 4
    assert publish.receipt(sent[0]).reply == publish.receipt(sent[2]).reply


def test_evaluate_without_data_fails_the_message_only(train, steered, publish):
    trainer, at, _ = train(steered, evaluate=False)
    sent = []
    at.at[5] = lambda: sent.append(publish("evaluate"))
    trainer.train()
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "not known to have an eval_dataset" in done.error
    assert trainer.state.global_step == 20


def test_stop_ends_the_training_and_the_run(train, client):
    with sb.Run(project="tests/adapters", client=client) as run:
        trainer, at, _ = train(run)
        sent = []

        def ask():
            sent.append(client.publish(run, "stop").message)
            assert run.inbox.wait_newer(0, 30)

        at.at[7] = ask
        trainer.train()
        assert trainer.state.global_step == 7
    done = client.await_message(sent[0].id, 30)
    assert (done.state, done.step) == ("APPLIED", 7)
    assert client.get_run(run.id).outcome == "STOPPED"


@pytest.mark.parametrize("value", ["fast", -1, True, None, [0.1]])
def test_bad_values_fail_and_touch_nothing(train, steered, publish, value):
    twin, untouched, _ = train(None, callback=At(), steps=6)
    twin.train()
    trainer, at, _ = train(steered, steps=6)
    sent = []
    at.at[3] = lambda: sent.append(publish("learning-rate", value))
    trainer.train()
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "learning-rate: a number above 0 is expected, not " in done.error
    assert at.rates == untouched.rates


def test_keys_of_the_program_and_weight_decay(train, steered, publish):
    callback = SignalboxCallback(steered, settings={"smoothing": lambda value: {"set": value}})
    trainer, at, _ = train(steered, callback=callback)
    callback.setting("dropout", trainer.model.layers[2], "p")
    sent = []
    at.at[3] = lambda: sent.extend([publish("dropout", 0.4), publish("smoothing", 0.1), publish("weight-decay", 0.2)])
    trainer.train()
    assert trainer.model.layers[2].p == 0.4
    assert [group["weight_decay"] for group in trainer.optimizer.param_groups] == [0.2, 0]
    assert [publish.receipt(message).reply for message in sent] == [
        {"previous": 0.1, "current": 0.4, "read_at_step": 4}, {"set": 0.1},
        {"previous": 0.01, "current": 0.2, "read_at_step": 4}]


def test_the_last_step_settles_what_waits(train, steered, publish):
    trainer, at, _ = train(steered, lr_scheduler_type="constant")
    sent = []
    at.at[20] = lambda: sent.append(publish("learning-rate", 0.3))
    trainer.train()
    done = publish.receipt(sent[0])
    assert (done.state, done.step, done.reply) == ("APPLIED", 20, {"previous": 0.01, "current": 0.3})


def test_a_trainer_can_train_again(train, steered, publish):
    trainer, at, _ = train(steered, steps=5)
    sent = []
    at.at[2] = lambda: ([publish.receipt(message) for message in sent], sent.append(publish("learning-rate", 0.3)))
    trainer.train()
    trainer.train()
    assert [publish.receipt(message).state for message in sent] == ["APPLIED"] * 2


def test_without_a_run_training_is_the_same(train, monkeypatch):
    monkeypatch.delenv("SIGNALBOX_RUN", raising=False)
    twin, untouched, _ = train(None, callback=At(), steps=5)
    twin.train()
    trainer, at, _ = train(None, steps=5)
    with pytest.warns(RuntimeWarning, match="cannot be steered"):
        trainer.train()
    assert at.rates == untouched.rates
    assert torch.equal(trainer.model.layers[0].weight, twin.model.layers[0].weight)
