"""A network that can be cut or made to hang, between a client and a server on this machine."""

import asyncio
from contextlib import suppress
from threading import Event, Thread


class Proxy:
    """Passes TCP connections on to ``target``. ``cut`` ends them and lets nobody in, ``hang`` holds every byte."""

    def __init__(self, target):
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._up = True
        self._links = set()
        self._started = Event()
        self._thread = Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        assert self._started.wait(20)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())

    async def _end(self):
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def cut(self):
        """As a switch that lost its power, but for the resets that this sends at once."""
        self._call(self._cut)

    def hang(self):
        """As a cable that was pulled: nobody is told."""
        self._call(self._flowing.clear)

    def heal(self):
        self._call(self._heal)

    def close(self):
        self._call(self._cut)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, act):
        done = Event()
        self._loop.call_soon_threadsafe(lambda: (act(), done.set()))
        assert done.wait(20)

    def _cut(self):
        self._up = False
        for link in list(self._links):
            link.transport.abort()

    def _heal(self):
        self._up = True
        self._flowing.set()

    async def _serve(self, reader, writer):
        if not self._up:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._links |= {writer, there[1]}
        with suppress(asyncio.CancelledError):  # asyncio's own server would complain of it
            await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))
        self._links -= {writer, there[1]}

    async def _pump(self, reader, writer):
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
