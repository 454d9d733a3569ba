"""Children that end when the test process is killed, for example by ctest's timeout."""


def ended_with_parent(signal_name, command):
    """The command, so that it gets the signal when its parent dies. Start such children on the main
    thread only, because the kernel takes the end of the starting thread for the parent's.

    Not a `preexec_fn`: that runs Python between fork and exec, which can hang beside gRPC's threads.
    """
    return ["setpriv", "--pdeathsig", signal_name, "--", *command]
