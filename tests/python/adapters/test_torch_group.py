"""A data-parallel PyTorch training: all processes are steered at the same step, process 0 answers."""

import json
import pathlib
import subprocess
import sys

import pytest

from live_server import environment

WORKER = pathlib.Path(__file__).with_name("torch_worker.py")


def train(folder, size, *arguments, **variables):
    """What each process saw."""
    workers = [subprocess.Popen([sys.executable, str(WORKER), str(folder), str(rank), str(size), *arguments],
                                env=environment(OMP_NUM_THREADS="1", GLOO_SOCKET_IFNAME="lo", **variables))
               for rank in range(size)]
    try:
        assert [worker.wait(120) for worker in workers] == [0] * size
    finally:
        for worker in workers:
            worker.kill()
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(size)]


@pytest.mark.parametrize("size", [2, 3])
def test_all_processes_apply_at_the_same_step(server, client, tmp_path, size):
    run = client.create_run("tests/adapters")
    seen = train(tmp_path, size, run.id, SIGNALBOX_ADDRESS=server.address)
    for other in seen[1:]:
        assert other["rates"] == seen[0]["rates"] and other["weights"] == seen[0]["weights"]
        assert other["saved"] == [8]
    rates = seen[0]["rates"]
    assert len(rates) == 12 and rates[4] == pytest.approx(0.1 * 0.99**5) and rates[5] == pytest.approx(0.0099)
    rate, bad, save, stop = [client.await_message(message, 30) for message in seen[0]["published"]]
    assert (rate.state, rate.step) == ("APPLIED", 5)
    assert rate.reply == {"previous": pytest.approx(rates[4]), "current": pytest.approx(rates[5]), "read_at_step": 6}
    assert bad.state == "FAILED"
    assert bad.error.startswith(f"processes 0-{size - 1}: ValueError: learning-rate: a number above 0")
    assert (save.state, save.step, save.reply) == ("APPLIED", 8, {"path": "/checkpoints/0/8"})
    assert (stop.state, stop.step) == ("APPLIED", 12)


def test_without_a_run_all_of_them_go_on(tmp_path):
    seen = train(tmp_path, 2)
    assert [len(process["rates"]) for process in seen] == [20, 20]
    assert [process["warnings"] for process in seen] == [1, 0]
