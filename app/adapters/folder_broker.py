"""The folder that is the broker where there is no Redis: Kombu's own transport, which no cut-off bell stops.

A message is a file that is written after it got its name. A reader can be faster, and a full disk or a power cut leaves
half of it for ever. Kombu's error over such a file ends the worker. Kombu also keeps every message that was read.
"""

from __future__ import annotations

import logging
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem

logger = logging.getLogger(__name__)

SCHEME = "winnow-folder"


class Channel(filesystem.Channel):
    def _get(self, queue: str) -> Any:  # type: ignore[override]
        """The next message. One that can't be read is as if it were not there: the watch rings again in seconds."""
        try:
            return super()._get(queue)  # type: ignore[no-untyped-call]
        except ValueError:
            logger.warning("a bell in the broker's folder was cut off and is left out")
            raise Empty from None
        finally:
            for read in Path(self.processed_folder).glob("*.msg"):
                read.unlink(missing_ok=True)


class Transport(filesystem.Transport):
    Channel = Channel


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
