"""Stand-ins at the protocols: a camera that plays a script, a sink that remembers."""

import time

from inspector.errors import SinkError
from inspector.inspection import Camera, EndOfFrames, Frame, utc_now


class ScriptedCamera(Camera):
    """Gives pictures, raises exceptions and returns Nones in the order of the script, then ends."""

    def __init__(self, *script, age_s=0.0):
        self._script = iter(script)
        self._age_s = age_s
        self._sequence = 0
        self.closed = 0

    def read(self, timeout_s):
        step = next(self._script, EndOfFrames())
        if isinstance(step, BaseException):
            raise step
        if step is None:
            return None
        frame = Frame(step, time.monotonic() - self._age_s, utc_now(), self._sequence, "scripted", f"p{self._sequence}")
        self._sequence += 1
        return frame

    def close(self):
        self.closed += 1


class RememberingSink:
    """Keeps all that it is told; ``refuse`` makes it raise."""

    def __init__(self, *, refuse=False):
        self.inspections = []
        self.states = []
        self.closed = 0
        self._refuse = refuse

    def publish(self, inspection):
        if self._refuse:
            raise SinkError("the receiver is full")
        self.inspections.append(inspection)

    def announce(self, state):
        self.states.append(state)

    def close(self):
        self.closed += 1


class RememberingLink(RememberingSink):
    """A sink that a PLC can also talk to."""

    def __init__(self, **options):
        super().__init__(**options)
        self.answers = []
        self.acknowledged = []
        self.replies = []
        self.alarms = []
        self.beats = []
        self.models = []
        self.up = True

    def attach(self, listener, outbox, *, triggers):
        self.attached = (listener, outbox, triggers)

    def is_up(self):
        return self.up

    def answer(self, inspection, trigger):
        self.answers.append((inspection, trigger))

    def acknowledge(self, trigger):
        self.acknowledged.append(trigger)

    def reply(self, reply, reply_to):
        self.replies.append((reply, reply_to))

    def alarm(self, alarm):
        self.alarms.append(alarm)

    def model(self, message):
        self.models.append(message)

    def beat(self, heartbeat):
        self.beats.append(heartbeat)
