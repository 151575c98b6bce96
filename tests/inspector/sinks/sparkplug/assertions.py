"""Checks of recorded sessions, each under the identifiers of the specification's assertions that it shows."""

from inspector.sinks.sparkplug.payload import decode
from tests.inspector.sinks.sparkplug.recorder import kind_of

BIRTHS = ("NBIRTH", "DBIRTH")
DATA = ("NDATA", "DDATA")


class Assertions:
    """A test module's checks by identifier; a check takes a recorded story and asserts."""

    def __init__(self):
        self.checks = {}

    def __call__(self, *identifiers):
        def register(check):
            for each in identifiers:
                assert each not in self.checks, f"{each} is checked twice"
                self.checks[f"tck-id-{each}"] = check
            return check

        return register


class Message:
    """A Sparkplug message as it was sent."""

    def __init__(self, event, names):
        self.kind = kind_of(event.packet)
        self.connection = event.connection
        self.topic, self.qos, self.retain = event.packet.topic, event.packet.qos, event.packet.retain
        self.payload = decode(event.packet.payload)
        self.metrics = list(self.payload.metrics)
        if self.kind in BIRTHS:
            names.update({each.alias: each.name for each in self.metrics if each.HasField("alias")})
        self.by_name = {each.name or names[each.alias]: each for each in self.metrics}

    @property
    def seq(self):
        return self.payload.seq if self.payload.HasField("seq") else None


def messages(story, *kinds, since=None):
    """All messages, or those of some kinds, in the order in which they were sent."""
    names = {}
    everything = [(each, Message(each, names)) for each in story.events if each.packet.kind == "PUBLISH"]
    wanted = story.since(since) if since else story.events
    return [message for event, message in everything if event in wanted and (not kinds or message.kind in kinds)]


def one(story, kind, since=None):
    return messages(story, kind, since=since)[0]


def value(metric):
    field = metric.WhichOneof("value")
    return getattr(metric, field) if field else None
