"""A process with many open streams: `many_streams.py ADDRESS RUN COUNT`.

Prints "open" when all of them are synced, and at the end the status codes with which they ended. Single-threaded but
for gRPC, so that a thousand streams cost little.
"""

import sys
from collections import Counter

from signalbox.v1 import message_service_pb2

from rig.client import Client, run_ref

STREAMS_OF_A_CONNECTION = 50


def main(address, run, count):
    clients = [Client(address) for _ in range(0, count, STREAMS_OF_A_CONNECTION)]
    request = message_service_pb2.SubscribeRequest(run=run_ref(run))
    calls = [clients[i // STREAMS_OF_A_CONNECTION].Subscribe(request, timeout=None) for i in range(count)]
    for call in calls:
        while not next(call).progress.synced:
            pass
    print("open", flush=True)
    codes = Counter()
    for call in calls:
        codes[call.code().name] += 1  # Waits for the end.
    print(dict(codes), flush=True)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
