"""The inspection daemon: frames in, PASS, FAIL or ERROR out."""

from typing import Final

__version__: Final = "0.1.0"
