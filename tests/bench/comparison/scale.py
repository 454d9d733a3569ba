"""How much is measured."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Scale:
    seconds: float  # Of a load.
    warm_up: float
    deliveries: int
    fan_out: int  # Subscribers.
    broadcasts: int  # Messages to them.
    idle: int  # Subscribers.
    idle_seconds: float
    reconnects: int  # Inboxes.
    acks: int  # Most messages to ack.
    updates: int  # Most rows to update; a multiple of 10,000.
    runs: int
    read_runs: int  # With 990 finished and 10 pending messages.
    history: int  # Finished messages of the large database.

    def with_history(self, history):
        return self if history is None else replace(self, history=history)


FULL = Scale(seconds=4, warm_up=1, deliveries=300, fan_out=1000, broadcasts=30, idle=10_000, idle_seconds=20,
             reconnects=5000, acks=100_000, updates=300_000, runs=10_000, read_runs=100, history=500_000)

# To see that everything works; its figures say nothing.
QUICK = Scale(seconds=0.3, warm_up=0.1, deliveries=10, fan_out=20, broadcasts=3, idle=20, idle_seconds=0.5,
              reconnects=10, acks=10_000, updates=50_000, runs=50, read_runs=2, history=2000)
