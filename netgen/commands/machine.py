"""What a command asks of the machine before it loads the libraries that compute."""

from __future__ import annotations

import os

from netgen.errors import MachineError

LEAST_MEMORY = 768 << 20
"""Bytes of address space below which the libraries do not load, and some of them then hang."""


def prepare_machine() -> None:
    """See that there is room to compute, and let each process compute in one thread.

    netgen's parallelism is by process. A BLAS library that starts a thread for every core wants
    hundreds of megabytes of address space for it, and ends the process where it gets none.

    Raises
    ------
    MachineError
        The limit on memory is too low.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import resource  # not on every system
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < LEAST_MEMORY:
        least = f"{LEAST_MEMORY >> 20} MiB"
        raise MachineError(
            f"the limit on memory (ulimit -v) is {limit >> 20} MiB; netgen needs {least} or more"
        )
