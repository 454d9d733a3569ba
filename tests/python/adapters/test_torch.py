"""A PyTorch loop of its own that is steered while it trains."""

import math
import os

import pytest
import torch

import signalbox as sb
from signalbox.adapters.torch import Control


@pytest.fixture(scope="module")
def data(digits):
    return torch.tensor(digits[0]), torch.tensor(digits[1])


class Job:
    """Trains a classifier of the digits; `at[step]` is called before the step's messages are looked for."""

    def __init__(self, data, schedule=None, groups=None, optimizer=torch.optim.SGD):
        torch.manual_seed(1)
        self.pixels, self.digits = data
        self.model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.1),
                                         torch.nn.Linear(32, 10))
        parameters = list(self.model.parameters())
        if groups is None:
            self.optimizer = optimizer(parameters, lr=0.1)
        else:
            parts = [parameters[:2], parameters[2:]]
            self.optimizer = optimizer([{"params": part, **group} for part, group in zip(parts, groups)], lr=0.1)
        self.scheduler = schedule(self.optimizer) if schedule else None
        self.at = {}
        self.rates = {}
        self.steps = 0

    def train(self, steps, control=None):
        for step in range(1, steps + 1):
            rows = torch.arange(step * 64, step * 64 + 64) % len(self.digits)
            self.optimizer.zero_grad()
            torch.nn.functional.cross_entropy(self.model(self.pixels[rows]), self.digits[rows]).backward()
            self.optimizer.step()
            if self.scheduler:
                self.scheduler.step()
            self.steps = step
            self.rates[step] = [group["lr"] for group in self.optimizer.param_groups]
            if step in self.at:
                self.at[step]()
            if control and control.after_step(step):
                break
        return self

    def evaluate(self, step):
        assert not self.model.training and not torch.is_grad_enabled()
        found = self.model(self.pixels)
        return {"accuracy": (found.argmax(1) == self.digits).float().mean(), "step": step,
                "loss": torch.nn.functional.cross_entropy(found, self.digits)}


def halving(optimizer):
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 ** (step / 50))


SCHEDULES = {
    "none": None,
    "lambda": halving,
    "step": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 7, 0.5),
    "cosine": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40, eta_min=0.01),
    "restarts": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 8, eta_min=0.001),
    "linear": lambda optimizer: torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 20),
    "exponential": lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.97),
    "one cycle": lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=60),
    "cyclic": lambda optimizer: torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.2, 5, cycle_momentum=False),
    "sequence": lambda optimizer: torch.optim.lr_scheduler.SequentialLR(
        optimizer, [torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 8),
                    torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)], [14]),
    "chained": lambda optimizer: torch.optim.lr_scheduler.ChainedScheduler(
        [torch.optim.lr_scheduler.ConstantLR(optimizer, 0.5, 15),
         torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)]),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("groups", [None, [{}, {"lr": 0.02}]], ids=["one group", "two groups"])
def test_a_new_rate_scales_the_whole_schedule(data, steered, publish, name, groups):
    """After the change every rate is the one of an unsteered twin times one ratio."""
    if name in ("one cycle", "cyclic") and groups:
        pytest.skip("these set the rates of all groups")
    twin = Job(data, SCHEDULES[name], groups).train(30)
    job = Job(data, SCHEDULES[name], groups)
    control = Control(steered, job.optimizer, scheduler=job.scheduler)
    sent = []
    job.at[10] = lambda: sent.append(publish("learning-rate", 0.05))
    job.train(30, control)
    ratio = 0.05 / twin.rates[10][0]
    for step in range(11, 31):
        assert job.rates[step] == pytest.approx([rate * ratio for rate in twin.rates[step]], rel=1e-6), step
    done = publish.receipt(sent[0])
    assert (done.state, done.step) == ("APPLIED", 10)
    assert done.reply == {"previous": pytest.approx(twin.rates[10][0]), "current": pytest.approx(job.rates[11][0]),
                          "read_at_step": 11}
    assert job.steps == 30


def test_it_is_claimed_at_once_and_settled_one_step_later(data, steered, publish):
    job = Job(data, halving)
    control = Control(steered, job.optimizer, scheduler=job.scheduler)
    sent, states = [], []
    job.at[3] = lambda: sent.append(publish("learning-rate", 0.2))
    job.at[4] = lambda: states.append(publish.now(sent[0]).state)
    job.train(6, control)
    assert states == ["ACKED"]
    done = publish.receipt(sent[0])
    assert done.reply["current"] == job.rates[4][0] and done.reply["read_at_step"] == 4


def test_a_plateau_scheduler_goes_on_from_the_new_rate(data, steered, publish):
    job = Job(data)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(job.optimizer, factor=0.5, patience=0)
    control = Control(steered, job.optimizer, scheduler=plateau)
    job.at[2] = lambda: publish("learning-rate", 0.01)
    job.at[5] = lambda: (plateau.step(1.0), plateau.step(2.0))
    job.train(8, control)
    assert job.rates[8] == [0.005]


class Stubborn:
    """A scheduler that keeps the rate for itself."""

    def __init__(self, optimizer):
        self.optimizer, self.rate = optimizer, 0.1

    def step(self):
        self.rate *= 0.99
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate


def test_a_rate_that_does_not_hold_is_no_success(data, steered, publish):
    job = Job(data, Stubborn)
    control = Control(steered, job.optimizer, scheduler=job.scheduler)
    sent = []
    job.at[3] = lambda: sent.append(publish("learning-rate", 0.001))
    job.train(6, control)
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "did not hold: Stubborn made it 0.09" in done.error


@pytest.mark.parametrize("schedule", [Stubborn, halving])
def test_a_schedule_that_was_not_told_of_is_found_out(data, steered, publish, schedule):
    job = Job(data, schedule)
    control = Control(steered, job.optimizer)
    sent = []
    job.at[3] = lambda: sent.append(publish("learning-rate", 0.001))
    job.train(6, control)
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "did not hold: something else made it 0.09" in done.error


def test_a_checkpoint_loaded_later_is_steered_too(data, steered, publish):
    """Loading puts new groups in the place of those that were there."""
    job = Job(data, groups=[{"weight_decay": 0.0}, {"weight_decay": 0.01}], optimizer=torch.optim.AdamW)
    control = Control(steered, job.optimizer)
    job.optimizer.load_state_dict(job.optimizer.state_dict())
    more = torch.nn.Linear(2, 2)
    job.optimizer.add_param_group({"params": list(more.parameters()), "lr": 0.05, "weight_decay": 0.02})
    sent = []
    job.at[2] = lambda: sent.extend([publish("learning-rate", 0.2), publish("weight-decay", 0.3)])
    job.train(4, control)
    assert publish.receipt(sent[0]).reply == {"previous": 0.1, "current": 0.2, "read_at_step": 3}
    assert publish.receipt(sent[1]).reply == {"previous": 0.01, "current": 0.3, "read_at_step": 3}
    assert job.rates[4] == [0.2, 0.2, 0.1]
    assert [group["weight_decay"] for group in job.optimizer.param_groups] == [0, 0.3, 0.6]


@pytest.mark.parametrize("key, value, text", [
    ("learning-rate", "fast", "learning-rate: a number above 0 is expected, not 'fast' (str)"),
    ("learning-rate", -0.1, "learning-rate: a number above 0 is expected, not -0.1 (float)"),
    ("learning-rate", 0, "learning-rate: a number above 0 is expected, not 0 (int)"),
    ("learning-rate", True, "learning-rate: a number above 0 is expected, not True (bool)"),
    ("learning-rate", None, "learning-rate: a number above 0 is expected, not null"),
    ("learning-rate", [0.1], "learning-rate: a number above 0 is expected, not [0.1] (list)"),
    ("learning-rate", {"value": 0.1}, "a number above 0 is expected"),
    ("weight-decay", -1, "weight-decay: a number of at least 0 is expected, not -1 (int)"),
    ("weight-decay", "x" * 5000, "weight-decay: a number of at least 0 is expected, not 'xxx"),
    ("dropout", "much", "dropout: a number is expected, not 'much' (str)")])
def test_bad_values_fail_and_touch_nothing(data, steered, publish, key, value, text):
    job = Job(data, halving)
    twin = Job(data, halving).train(6)
    control = Control(steered, job.optimizer, scheduler=job.scheduler, settings={"dropout": (job.model[2], "p")})
    sent = []
    job.at[3] = lambda: sent.append(publish(key, value))
    job.train(6, control)
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and text in done.error and done.step == 3
    assert job.rates == twin.rates and job.model[2].p == 0.1
    assert job.optimizer.param_groups[0]["weight_decay"] == 0


def test_what_is_not_finite_never_reaches_the_optimizer():
    from signalbox.adapters._values import not_negative, positive
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match="learning-rate: a number above 0"):
            positive("learning-rate", value)
        with pytest.raises(ValueError, match="weight-decay: a number of at least 0"):
            not_negative("weight-decay", value)


def test_a_schedule_that_stands_at_zero_cannot_be_scaled(data, steered, publish):
    job = Job(data, lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step < 3)))
    sent = []
    job.at[4] = lambda: sent.append(publish("learning-rate", 0.1))
    job.train(6, Control(steered, job.optimizer, scheduler=job.scheduler))
    done = publish.receipt(sent[0])
    assert done.state == "FAILED" and "holds it at 0" in done.error


def test_weight_decay_leaves_groups_without_one_alone(data, steered, publish):
    job = Job(data, groups=[{"weight_decay": 0.0}, {"weight_decay": 0.01}], optimizer=torch.optim.AdamW)
    sent = []
    job.at[2] = lambda: sent.append(publish("weight-decay", 0))
    job.at[4] = lambda: (publish.receipt(sent[0]), sent.append(publish("weight-decay", 0.3)))
    job.train(6, Control(steered, job.optimizer))
    assert [group["weight_decay"] for group in job.optimizer.param_groups] == [0, 0.3]
    assert publish.receipt(sent[0]).reply == {"previous": 0.01, "current": 0, "read_at_step": 3}
    assert publish.receipt(sent[1]).reply == {"previous": 0, "current": 0.3, "read_at_step": 5}


def test_save_writes_a_checkpoint_that_loads(data, steered, publish, tmp_path):
    job = Job(data, halving)
    control = Control(steered, job.optimizer, scheduler=job.scheduler, model=job.model, save=tmp_path / "checkpoints")
    sent, weights = [], []
    job.at[5] = lambda: (sent.append(publish("save", True)), weights.append(job.model[0].weight.detach().clone()))
    job.train(12, control)
    done = publish.receipt(sent[0])
    assert done.state == "APPLIED" and done.step == 5 and job.steps == 12
    saved = torch.load(done.reply["path"])
    assert saved["step"] == 5 and torch.equal(saved["model"]["0.weight"], weights[0])
    Job(data, halving).optimizer.load_state_dict(saved["optimizers"][0])
    assert os.listdir(tmp_path / "checkpoints") == ["step-5.pt"]


def test_evaluate_measures_in_evaluation_mode(data, steered, publish):
    job = Job(data)
    sent = []
    job.at[20] = lambda: sent.append(publish("evaluate"))
    job.train(25, Control(steered, job.optimizer, model=job.model, evaluate=job.evaluate))
    done = publish.receipt(sent[0])
    assert done.state == "APPLIED" and done.reply["step"] == 20
    assert 0 < done.reply["accuracy"] < 1 and done.reply["loss"] > 0
    assert job.model.training and job.steps == 25


def test_what_save_raises_fails_the_message_only(data, steered, publish):
    job = Job(data)

    def save(step):
        raise OSError("no space left")

    sent = []
    job.at[2] = lambda: sent.append(publish("save"))
    job.train(4, Control(steered, job.optimizer, save=save))
    done = publish.receipt(sent[0])
    assert (done.state, done.error) == ("FAILED", "OSError: no space left") and job.steps == 4


def test_stop_ends_the_loop_and_the_run(client, data):
    job = Job(data)
    with sb.Run(project="tests/adapters", client=client) as run:
        def ask():
            sent.append(client.publish(run, "stop").message)
            assert run.inbox.wait_newer(0, 30)

        sent = []
        job.at[7] = ask
        control = Control(run, job.optimizer)
        job.train(50, control)
        assert job.steps == 7 and control.stop_asked
    done = client.await_message(sent[0].id, 30)
    assert (done.state, done.step) == ("APPLIED", 7)
    info = client.get_run(run.id)
    assert (info.state, info.outcome) == ("ENDED", "STOPPED")


def test_keys_of_the_program(data, steered, publish):
    job = Job(data)
    control = Control(steered, job.optimizer, settings={"label-smoothing": lambda value: {"set": value}})
    control.setting("dropout", job.model[2], "p")
    control.on("hello", lambda message: f"at {job.steps}")
    sent = []
    job.at[2] = lambda: sent.extend([publish("dropout", 0.5), publish("label-smoothing", 0.1), publish("hello")])
    job.train(4, control)
    assert job.model[2].p == 0.5
    replies = [publish.receipt(message).reply for message in sent]
    assert replies == [{"previous": 0.1, "current": 0.5, "read_at_step": 3}, {"set": 0.1}, "at 2"]


def test_publishers_see_the_keys(client, data, steered, publish):
    job = Job(data)
    Control(steered, job.optimizer, save=print, evaluate=print, settings={"dropout": (job.model[2], "p")})
    publish("seen")  # In the order of the stream: what was declared before is there.
    assert steered.inbox.wait_synced(30)
    for _ in range(100):
        keys = {key.key: key.kind for key in client.get_run(steered.id).keys}
        if len(keys) == 6:
            break
        steered.inbox.wait_newer(10**6, 0.1)
    assert keys == {"learning-rate": "SETTING", "weight-decay": "SETTING", "save": "COMMAND",
                    "evaluate": "COMMAND", "stop": "COMMAND", "dropout": "SETTING"}


def test_the_end_settles_what_waits(client, data):
    job = Job(data)
    sent = []
    with sb.Run(project="tests/adapters", client=client) as run:
        def ask():
            sent.append(client.publish(run, "learning-rate", 0.3).message)
            assert run.inbox.wait_newer(0, 30)

        job.at[4] = ask
        control = Control(run, job.optimizer)
        job.train(4, control)
    done = client.await_message(sent[0].id, 30)
    assert (done.state, done.step, done.reply) == ("APPLIED", 4, {"previous": 0.1, "current": 0.3})


def test_without_a_run_training_is_the_same(data, monkeypatch):
    for name in ("SIGNALBOX_RUN", "SIGNALBOX_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    job = Job(data, halving)
    with pytest.warns(RuntimeWarning, match="cannot be steered") as caught:
        control = Control(None, job.optimizer, scheduler=job.scheduler, save=print)
        job.train(10, control)
    assert len(caught) == 1
    twin = Job(data, halving).train(10)
    assert job.rates == twin.rates and torch.equal(job.model[0].weight, twin.model[0].weight)


def test_with_the_server_away_training_is_the_same(data, monkeypatch):
    from live_server import refusing_address
    client = sb.Client(refusing_address())
    with client.open_inbox("somewhere") as inbox, pytest.warns(RuntimeWarning, match="server is away") as caught:
        inbox.wait_synced(3)
        job = Job(data, halving)
        job.train(10, Control(inbox, job.optimizer, scheduler=job.scheduler))
    assert len(caught) == 1
    assert job.rates == Job(data, halving).train(10).rates


def test_a_loop_left_by_an_exception_answers_too(client, data):
    job = Job(data)
    sent = []
    with pytest.raises(ZeroDivisionError), sb.Run(project="tests/adapters", client=client) as run:
        def ask():
            sent.append(client.publish(run, "learning-rate", 0.3).message)
            assert run.inbox.wait_newer(0, 30)

        job.at[2] = ask
        job.at[3] = lambda: 1 // 0
        control = Control(run, job.optimizer)
        job.train(9, control)
    assert client.await_message(sent[0].id, 30).state == "APPLIED"
    assert client.get_run(run.id).outcome == "FAILED"
