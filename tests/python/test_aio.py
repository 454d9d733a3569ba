"""The calls as coroutines, and messages as an asynchronous iterator."""

import asyncio
import threading
import time

import pytest

import signalbox as sb
from live_server import eventually, refusing_address


@pytest.fixture
def aclient(server):
    return sb.aio.AsyncClient(server.address, call_timeout=30)


def test_every_call_is_a_coroutine(aclient):
    async def talk():
        run = await aclient.create_run("tests/aio", title="a title")
        assert (await aclient.get_run(run)).title == "a title"
        assert run.id in [listed.id for listed in await aclient.list_runs("tests/aio")]
        await aclient.declare_keys(run, ["save"])
        sent = (await aclient.publish(run, "save", 1)).message
        assert await aclient.get(run, "save") == sent and await aclient.get_all(run) == [sent]
        result, = await aclient.ack([sent.id], "me", "APPLIED", reply=2)
        assert result.claimed and (await aclient.await_message(sent.id)).reply == 2
        other = (await aclient.publish(run, "save")).message
        assert (await aclient.cancel(other.id)).state == "CANCELLED"
        assert len(await aclient.list_messages(run)) == 2
        assert (await aclient.end_run(run, "STOPPED")).outcome == "STOPPED"

    asyncio.run(talk())


def test_calls_run_at_the_same_time(aclient, run):
    async def publish():
        results = await asyncio.gather(*(aclient.publish(run, "save", number) for number in range(100)))
        return sorted(result.message.sequence for result in results)

    assert asyncio.run(publish()) == list(range(1, 101))


def test_errors_come_out_of_await():
    async def fail():
        away = sb.aio.AsyncClient(refusing_address(), call_timeout=0.3)
        with pytest.raises(sb.UnavailableError):
            await away.list_runs()

    asyncio.run(fail())


def test_iterates_until_the_run_ends(aclient, run):
    async def listen():
        seen = []
        await aclient.publish(run, "first")
        async for message in aclient.messages(run):
            seen.append(message.key)
            message.ack("APPLIED", reply=len(seen))
            if message.key == "first":
                await aclient.publish(run, "second")
            else:
                assert (await aclient.await_message(message.id)).reply == 2
                await aclient.end_run(run, "COMPLETED")
        return seen

    assert asyncio.run(asyncio.wait_for(listen(), 60)) == ["first", "second"]


def test_only_some_keys_and_the_default_client(default_client, client, run, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_RUN", run.id)
    client.publish(run, "other")
    client.publish(run, "save")

    async def first():
        async for message in sb.aio.messages(keys=["save"]):
            return message.key

    assert asyncio.run(asyncio.wait_for(first(), 60)) == "save"


def test_is_cancelled_at_once(aclient, run):
    async def cancel():
        async def listen():
            async for _ in aclient.messages(run):
                pass

        message = (await aclient.publish(run, "save")).message
        tasks = [asyncio.create_task(listen()), asyncio.create_task(aclient.await_message(message.id))]
        await asyncio.sleep(0)
        await aclient.get_run(run)  # So that both are waiting.
        began = time.monotonic()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        return time.monotonic() - began

    assert asyncio.run(cancel()) < 5


def test_an_abandoned_wait_leaves_no_thread_behind(aclient, run, monkeypatch):
    monkeypatch.setattr(sb.client, "_AWAIT_SLICE", 0.1)
    before = set(threading.enumerate())

    async def give_up():
        message = (await aclient.publish(run, "save")).message
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aclient.await_message(message.id), 0.3)

    asyncio.run(give_up())
    eventually(lambda: not any(thread.name == "signalbox-call" for thread in set(threading.enumerate()) - before), 30)


def test_what_was_abandoned_does_not_keep_the_program(script, black_hole):
    done = script(f"""
import asyncio, signalbox as sb

async def main():
    client = sb.aio.AsyncClient({black_hole.address!r}, call_timeout=300)
    async def listen():
        async for _ in client.messages("r1"):
            pass
    waiting = [client.publish("r1", "save"), client.await_message("m1"), listen()]
    try:
        await asyncio.wait_for(asyncio.gather(*waiting), 0.5)
    except asyncio.TimeoutError:
        print("cancelled")

asyncio.run(main())
""", timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "cancelled\n", "")


def test_works_in_a_loop_that_runs_already(aclient, run):
    """As in Jupyter: several loops, one after the other and in threads, use one client."""
    async def publish():
        return (await aclient.publish(run, "save")).message.sequence

    async def outer():
        loop = asyncio.get_running_loop()
        inner = loop.run_in_executor(None, lambda: asyncio.run(publish()))
        return {await publish(), await inner}

    assert asyncio.run(outer()) == {1, 2}
