"""The processes of a data-parallel job, which apply a message at the same step.

    group = sb.groups.torch()                       # or sb.groups.mpi(comm), or a Group of your own
    inbox = client.open_inbox(run, listen=group.rank == 0)
    inbox.on("learning-rate", set_rate)
    for step in range(1000):
        inbox.dispatch(step, group=group, every=10)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable, List, NamedTuple, Optional

from ._arguments import Seconds, seconds
from .errors import DeadlineExceededError, InvalidArgumentError


class Group(NamedTuple):
    """A process of a group, and how it reaches the others. Process 0 is the one that listens.

    `broadcast(buffer, root)` copies `buffer`, a writable memoryview of bytes, never empty, from process `root`
    to the same buffer of all the others; every process makes the same calls in the same order. It is called on
    the thread that dispatches, and what it raises ends the dispatch. Do not keep the buffer.
    """

    rank: int
    size: int
    broadcast: Callable[[memoryview, int], None]


#: The last tensor that was broadcast. A thread of gloo drops its own reference some time after wait(), and must
#: not be the last to: it would take the GIL, which ends the process when the interpreter is ending.
_sent: List[Any] = []


def torch(process_group: Optional[Any] = None, *, timeout: Optional[Seconds] = None) -> Group:
    """The processes of torch.distributed, or of one of its process groups.

    With NCCL the bytes travel through the current CUDA device. `timeout`: seconds that one broadcast
    may take, for gloo; None means what the process group was made with. After it dispatch() raises
    DeadlineExceededError. Raises InvalidArgumentError when torch.distributed is not initialised.
    """
    import torch as pytorch
    import torch.distributed as dist

    if not dist.is_available() or not dist.is_initialized():
        raise InvalidArgumentError("torch.distributed: not initialised; call init_process_group() first")
    device = "cuda" if dist.get_backend(process_group) == "nccl" else "cpu"
    limit = None if timeout is None else timedelta(seconds=seconds("timeout", timeout))

    def broadcast(buffer: memoryview, root: int) -> None:
        tensor = pytorch.frombuffer(buffer, dtype=pytorch.uint8)
        sent = tensor.to(device, copy=True)
        source = root if process_group is None else _global_rank(process_group, root)
        work = dist.broadcast(sent, source, group=process_group, async_op=True)
        if limit is None:
            work.wait()
        else:
            _wait(work, limit)
        tensor.copy_(sent)
        _sent[:] = [sent]

    return Group(dist.get_rank(process_group), dist.get_world_size(process_group), broadcast)


def _wait(work: Any, limit: timedelta) -> None:
    try:
        work.wait(limit)
    except RuntimeError as error:
        if "imed out" in str(error) or "imeout" in str(error):
            raise DeadlineExceededError(f"a process did not take part within {limit.total_seconds()} s") from error
        raise


def _global_rank(process_group: Any, rank: int) -> int:
    from torch.distributed import distributed_c10d

    translate = getattr(distributed_c10d, "get_global_rank", None) or distributed_c10d._get_global_rank
    return int(translate(process_group, rank))


def mpi(comm: Any) -> Group:
    """The processes of an mpi4py communicator, for example `MPI.COMM_WORLD`.

    MPI knows no timeout: dispatch() waits for as long as a process that is expected does not come. What
    mpi4py raises leaves dispatch() as a SignalboxError with its text.
    """

    def broadcast(buffer: memoryview, root: int) -> None:
        comm.Bcast(buffer, root=root)

    return Group(comm.Get_rank(), comm.Get_size(), broadcast)
