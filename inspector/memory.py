"""Memory that is not used any more, given back while the process runs on."""

import ctypes
import gc
import sys


def give_back() -> None:
    """Take apart what only holds itself, and hand free memory to the system.

    A station or a model that is gone has networks and sockets, and left to itself may wait for hours to be collected;
    and the C library keeps what is freed for each thread, so that every change of models would seem to leak.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # GNU's library has it, musl's has not
        if trim:
            trim(0)
