"""What the tests drive and watch real programs with."""

import os

# Children only ever execute other programs. With its support for forks gRPC would wait for all of its threads to be
# idle before each, and may do so for ever.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
