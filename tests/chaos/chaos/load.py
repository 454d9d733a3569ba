"""Traffic processes, and the history they write."""

import json
import os
import subprocess
import sys
import threading

from signalbox.v1 import run_service_pb2

from chaos.calls import PROJECTS, state_name
from chaos.history import Writer, now, seen
from rig.parting import ended_with_parent
from rig.waiting import eventually

_SETTLED_WITHIN = 150


class Load:
    """Starts traffic against a cluster; a context manager that ends it.

    `rate`: publishes a second, at most; `stay`: seconds that a subscriber stays on one stream at most; `longest_stop`:
    seconds for which a reader stops at most; `acked`, `batches`, `lost`, `race`: shares, of messages that a consumer
    acks, of publishes that go many in a call, of answers to publishes and acks that are thrown away, and of requests
    that go to three replicas at once.
    """

    def __init__(self, cluster, directory, seed, processes=2, runs=3, rate=300, run_length=400, deadline=3.0,
                 stay=15.0, longest_stop=8.0, acked=0.75, batches=0.02, most_of_batch=20, lost=0.0, race=0.1):
        self.directory = directory
        self._cluster = cluster
        self._counts = [{} for _ in range(processes)]
        self._processes, self._readers = [], []
        for number in range(processes):
            name = f"t{number + 1}"
            config = os.path.join(directory, f"{name}.json")
            with open(config, "w") as file:
                json.dump({"name": name, "seed": seed * 100 + number, "addresses": cluster.addresses(),
                           "history": os.path.join(directory, f"{name}.jsonl"), "runs": runs, "stay": stay,
                           "longest_stop": longest_stop, "rate": rate / processes, "run_length": run_length,
                           "deadline": deadline, "acked": acked, "batches": batches, "most_of_batch": most_of_batch,
                           "lost": lost, "race": race}, file)
            self._start(number, config)

    def _start(self, number, config):
        with open(os.path.join(self.directory, "traffic.log"), "ab") as log:
            process = subprocess.Popen(
                ended_with_parent("KILL", [sys.executable, "-m", "chaos.traffic", config]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self._processes.append(process)
        reader = threading.Thread(target=self._read, args=(number, process), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _read(self, number, process):
        for line in process.stdout:
            self._counts[number] = json.loads(line)

    def count(self, what="ok"):
        """So many until now, in all processes: `ids` are request ids that were used for the first time, `ok`,
        `refused`, `lost` and `doubt` what came of publishes, and `acks`, `reads` and `deliveries` themselves."""
        for process in self._processes:
            assert process.poll() in (None, 0), f"traffic ended with {process.returncode}; see {self.directory}"
        return sum(counts.get(what, 0) for counts in self._counts)

    def go_on(self, more, timeout=60, what="ok"):
        """Waits until so many more were counted."""
        self.reach(self.count(what) + more, timeout, what)

    def reach(self, goal, timeout, what):
        """Waits until so many were counted."""
        eventually(lambda: self.count(what) >= goal, timeout, what=f"{goal} {what}")

    def settle(self):
        """Stops publishing, waits until everybody knows what became of what it did, and lists the end state."""
        for process in self._processes:
            process.stdin.write("settle\n")
            process.stdin.close()
        for process, reader in zip(self._processes, self._readers):
            status = process.wait(_SETTLED_WITHIN)
            reader.join(10)
            assert status == 0, f"traffic ended with {status}; see {self.directory}/traffic.log"
        self._list_end_state()

    def _list_end_state(self):
        history = Writer(os.path.join(self.directory, "final.jsonl"))
        for replica in self._cluster.replicas:
            client = replica.server.connect()
            for run in _runs_of_traffic(client):
                eventually(lambda: not any(message.HasField("expire_time") for message in client.get_all(run)), 10,
                           what="expiry of what has a ttl")
                began = now()
                messages = sorted(client.history(run), key=lambda message: message.sequence)
                history.write("final", t=began, at=replica.name, run=run, seen=[_stored(m) for m in messages])
        history.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def _runs_of_traffic(client):
    runs, token = [], ""
    while True:
        page = client.ListRuns(run_service_pb2.ListRunsRequest(page_size=1000, page_token=token))
        runs += [run.id for run in page.runs if run.project.startswith(PROJECTS)]
        token = page.next_page_token
        if not token:
            return runs


def _stored(message):
    expires = message.expire_time.ToNanoseconds() if message.HasField("expire_time") else 0
    return [*seen(message), state_name(message.state), message.consumer, expires]
