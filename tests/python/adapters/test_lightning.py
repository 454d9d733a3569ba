"""Lightning's Trainer, steered by its callback."""

import importlib
import sys

import lightning
import pytest
import torch

import signalbox as sb
from signalbox.adapters.lightning import SignalboxCallback


def no_sharding(module):
    """Sharded tensors, which Debian's PyTorch 1.13 cannot import in its Python 3.11."""


class Model(lightning.LightningModule):
    _register_sharded_tensor_state_dict_hooks_if_available = no_sharding

    def __init__(self, schedule="cosine"):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.1),
                                          torch.nn.Linear(32, 10))
        self.schedule = schedule
        self.validations = 0

    def training_step(self, batch, index):
        return torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

    def validation_step(self, batch, index):
        found = self.layers(batch[0])
        self.log("val_loss", torch.nn.functional.cross_entropy(found, batch[1]))
        self.log("val_accuracy", (found.argmax(1) == batch[1]).float().mean())

    def on_validation_end(self):
        self.validations += 1

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01, weight_decay=0.01)
        if self.schedule == "none":
            return optimizer
        made = {"cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40),
                "lambda": lambda: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.9**step)}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": made[self.schedule](), "interval": "step"}}


class At(lightning.Callback):
    """Calls `at[step]` before the step's messages are looked for, and keeps the rates after each step."""

    def __init__(self):
        self.at, self.rates, self.batches = {}, {}, 0

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.batches += 1
        first = trainer.global_step not in self.rates
        self.rates[trainer.global_step] = trainer.optimizers[0].param_groups[0]["lr"]
        if first:
            self.at.get(trainer.global_step, lambda: None)()


@pytest.fixture
def loaders(digits):
    pixels, labels = torch.tensor(digits[0]), torch.tensor(digits[1])
    sets = [torch.utils.data.TensorDataset(pixels[rows], labels[rows]) for rows in (slice(0, 1500), slice(1500, None))]
    return [torch.utils.data.DataLoader(part, batch_size=64) for part in sets]


@pytest.fixture
def train(loaders, tmp_path):
    """Trains with a callback; returns trainer, module and what At() has."""

    def train(run, at=None, schedule="cosine", callback=None, validate=True, **options):
        lightning.seed_everything(1)
        at_steps, at = at or {}, At()
        at.at.update(at_steps)
        arguments = dict(max_steps=20, accelerator="cpu", logger=False, enable_checkpointing=False,
                         enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path)
        trainer = lightning.Trainer(**{**arguments, **options}, callbacks=[at, callback or SignalboxCallback(run)])
        module = Model(schedule)
        trainer.fit(module, loaders[0], loaders[1] if validate else None)
        return trainer, module, at

    return train


@pytest.mark.parametrize("schedule", ["cosine", "lambda", "none"])
def test_a_new_rate_scales_the_schedule(train, steered, publish, schedule):
    _, _, untouched = train(None, schedule=schedule, callback=At())
    sent = []
    trainer, _, at = train(steered, {8: lambda: sent.append(publish("learning-rate", 0.002))}, schedule)
    ratio = 0.002 / untouched.rates[8]
    for step in range(9, 21):
        assert at.rates[step] == pytest.approx(untouched.rates[step] * ratio, rel=1e-6), step
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 8)
    assert done.reply == {"previous": pytest.approx(untouched.rates[8]), "current": pytest.approx(at.rates[9]),
                          "read_at_step": 9}
    assert trainer.global_step == 20


def test_accumulated_batches_are_one_step(train, steered, publish):
    sent = []
    trainer, _, at = train(steered, {4: lambda: sent.append(publish("learning-rate", 0.002))},
                           accumulate_grad_batches=2, max_steps=8)
    done = publish.receipt(sent[0])
    assert done.step == 4 and done.reply["read_at_step"] == 5 and at.batches == 16


def test_save_is_a_checkpoint_to_resume_from(train, steered, publish, loaders, tmp_path):
    sent = []
    trainer, _, at = train(steered, {6: lambda: sent.append(publish("save", True))})
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 6)
    assert done.reply["path"] == str(tmp_path / "checkpoints" / "signalbox-step=6.ckpt")
    Model.load_from_checkpoint(done.reply["path"])
    resumed = At()
    again = lightning.Trainer(max_steps=9, accelerator="cpu", logger=False, enable_checkpointing=False,
                              enable_progress_bar=False, callbacks=[resumed])
    again.fit(Model(), *loaders, ckpt_path=done.reply["path"])
    assert min(resumed.rates) == 7 and resumed.rates[7] == pytest.approx(at.rates[7])


@pytest.mark.parametrize("rhythm", [{}, {"check_val_every_n_epoch": 5}, {"val_check_interval": 7},
                                    {"check_val_every_n_epoch": None, "val_check_interval": 100}])
def test_evaluate_runs_the_validation_once(train, steered, publish, rhythm):
    _, twin, _ = train(None, callback=At(), **rhythm)
    sent = []
    trainer, module, _ = train(steered, {5: lambda: sent.append(publish("evaluate"))}, **rhythm)
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 5)
    assert 0 < done.reply["val_accuracy"] <= 1 and done.reply["val_loss"] > 0
    assert module.validations == twin.validations + 1 and trainer.global_step == 20


def test_evaluate_without_data_fails_the_message_only(train, steered, publish):
    sent = []
    trainer, _, _ = train(steered, {5: lambda: sent.append(publish("evaluate"))}, validate=False)
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "no validation data" in done.error and trainer.global_step == 20


def test_stop_ends_the_training_and_the_run(train, client):
    with sb.Run(project="tests/adapters", client=client) as run:
        sent = []

        def ask():
            sent.append(client.publish(run, "stop").message)
            assert run.inbox.wait_newer(0, 30)

        trainer, _, _ = train(run, {7: ask})
        assert trainer.global_step == 7
    done = client.await_message(sent[0].id, 30)
    assert (done.state, done.step) == ("APPLIED", 7)
    assert client.get_run(run.id).outcome == "STOPPED"


@pytest.mark.parametrize("value", ["fast", -1, True, None, [0.1]])
def test_bad_values_fail_and_touch_nothing(train, steered, publish, value):
    _, _, untouched = train(None, callback=At(), max_steps=6)
    sent = []
    _, _, at = train(steered, {3: lambda: sent.append(publish("learning-rate", value))}, max_steps=6)
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "learning-rate: a number above 0 is expected, not " in done.error
    assert at.rates == untouched.rates


def test_keys_of_the_program_and_weight_decay(train, steered, publish):
    class Options:
        temperature = 1.0

    callback = SignalboxCallback(steered, settings={"smoothing": lambda value: {"set": value}})
    callback.setting("temperature", Options, "temperature")
    sent = []
    trainer, _, _ = train(steered, {3: lambda: sent.extend([
        publish("temperature", 2), publish("smoothing", 0.1), publish("weight-decay", 0.2)])}, callback=callback)
    assert Options.temperature == 2 and trainer.optimizers[0].param_groups[0]["weight_decay"] == 0.2
    assert [publish.receipt(message).reply for message in sent] == [
        {"previous": 1, "current": 2, "read_at_step": 4}, {"set": 0.1},
        {"previous": 0.01, "current": 0.2, "read_at_step": 4}]


def test_an_exception_settles_what_waits(train, steered, publish):
    sent = []
    with pytest.raises(ZeroDivisionError):
        train(steered, {3: lambda: sent.append(publish("learning-rate", 0.3)), 4: lambda: 1 // 0})
    assert publish.receipt(sent[0]).state == "APPLIED"


def test_without_a_run_training_is_the_same(train, monkeypatch):
    monkeypatch.delenv("SIGNALBOX_RUN", raising=False)
    _, twin, untouched = train(None, callback=At(), max_steps=5)
    with pytest.warns(RuntimeWarning, match="cannot be steered"):
        _, module, at = train(None, max_steps=5)
    assert at.rates == untouched.rates and torch.equal(module.layers[0].weight, twin.layers[0].weight)


def test_the_older_package_has_a_callback_too(loaders, steered, publish, monkeypatch):
    import pytorch_lightning
    monkeypatch.delitem(sys.modules, "signalbox.adapters.lightning")
    SignalboxCallback = importlib.import_module("signalbox.adapters.lightning").SignalboxCallback

    class Old(pytorch_lightning.LightningModule):
        _register_sharded_tensor_state_dict_hooks_if_available = no_sharding
        __init__, training_step, configure_optimizers = (
            lambda self: (super(Old, self).__init__(), setattr(self, "layer", torch.nn.Linear(64, 10)))[1],
            lambda self, batch, index: torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1]),
            lambda self: torch.optim.SGD(self.parameters(), 0.1))

    class AtThree(pytorch_lightning.Callback):
        def on_train_batch_end(self, trainer, *others):
            if trainer.global_step == 3:
                sent.append(publish("learning-rate", 0.01))

    sent = []
    trainer = pytorch_lightning.Trainer(max_steps=5, accelerator="cpu", logger=False, enable_checkpointing=False,
                                        enable_progress_bar=False, callbacks=[AtThree(), SignalboxCallback(steered)])
    trainer.fit(Old(), loaders[0])
    assert publish.receipt(sent[0]).reply == {"previous": 0.1, "current": 0.01, "read_at_step": 4}
