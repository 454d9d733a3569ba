"""What a careful user writes; only looked at by mypy (test_typing.py)."""

import asyncio
import datetime
from typing import Any, List, Optional

import signalbox as sb
import signalbox.functional as hl


def train(project: str) -> None:
    rates: List[float] = [0.1, 0.2]
    with sb.Run(project, labels={"team": "vision"}) as run:
        @run.on("save", description="writes a checkpoint")
        def save(message: sb.Message) -> str:
            return f"/checkpoints/{message.step}"

        handler: sb.Handler = lambda message: {"was": message.value}
        run.on("rate", handler, kind=sb.Kind.SETTING)
        saved: str = save(sb.publish_message(run.id, "save"))
        for step in range(10):
            count: int = run.dispatch(step)
            message: Optional[sb.Message.view] = sb.get_message(key="rate")
            if message is not None:
                message.ack("APPLIED", reply={"rates": rates}, step=step)
                value: Any = message.value
                print(saved, value, count, message.create_time + datetime.timedelta(seconds=1))
    messages: List[sb.Message.view] = hl.get_all_messages(run_id="9sk7x6")
    for each in messages:
        won: bool = each.ack_now(timeout=datetime.timedelta(seconds=1), outcome=sb.AckOutcome.FAILED, error="no")
        print(won, each.state == "FAILED", each.state is sb.MessageState.FAILED)


def steer(client: sb.Client) -> List[str]:
    result: sb.PublishResult = client.publish(438, "rate", 0.1, project="org/name", kind="SETTING", ttl=60)
    for outcome in client.publish_many([sb.PublishRequest("9sk7x6", "save"), sb.PublishRequest(438, "rate", 0.1)]):
        print(outcome.code if isinstance(outcome, sb.SignalboxError) else outcome.message.id)
    sb.Message.publish(run="9sk7x6", key="layers", value=[1, {"a": None, "b": (True, "x")}])
    try:
        done = client.await_message(result.message.id, timeout=5.0)
    except (sb.NotFoundError, sb.UnavailableError) as error:
        return [error.code]
    info: sb.RunInfo = client.get_run("9sk7x6")
    client.declare_keys(info, ["save", sb.KeyDeclaration("rate", kind="SETTING")])
    with client.open_inbox(info, keys=["save"]) as inbox:
        status: sb.InboxStatus = inbox.status
        print(status.age + 1.0, status.last_error, inbox.wait_newer(done.sequence, 1.0))
    return result.superseded_ids


async def listen() -> None:
    client = sb.aio.AsyncClient("localhost:50051")
    sent = await client.publish("9sk7x6", "save")
    print(sent.message.id)
    async for message in sb.aio.messages("9sk7x6"):
        message.ack()


asyncio.run(listen())
