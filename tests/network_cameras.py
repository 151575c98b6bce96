"""Network cameras to test with: real servers on a free port of this machine, for pictures over HTTP and RTSP.

Each picture is of one grey level, its number modulo 256, so that a test can tell when it was taken.
"""

import base64
import itertools
import socketserver
import struct
import threading
import time

import cv2
import numpy as np

PERIOD_S = 0.02
HEIGHT, WIDTH = 48, 64


class NetworkCamera:
    """Delivers to every client until told otherwise. ``taken_s`` is when each of its pictures was taken."""

    def __init__(self):
        self.taken_s = []
        self.size = HEIGHT, WIDTH
        """Of the pictures from now on."""
        self._delivers = threading.Event()
        self._delivers.set()
        self._cut = threading.Event()
        self._last_words = b""
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self.serve)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()
        self._server.shutdown()
        self._server.server_close()

    def hold(self):
        """Keep the connections and go on taking pictures, but let nothing out until ``let_go``."""
        self._delivers.clear()

    def let_go(self):
        self._delivers.set()

    def cut(self, last_words=b""):
        """End the connections there are; those who come again are served."""
        self._last_words = last_words
        self._cut.set()
        self._cut = threading.Event()

    def serve(self, connection, *_):
        try:
            with connection, connection.makefile("rb") as lines:
                if self.greet(lambda: request(lines), connection.sendall):
                    self._deliver(connection.sendall)
        except (BrokenPipeError, ConnectionResetError):
            return  # the client went

    def _deliver(self, send):
        cut, held = self._cut, []
        while not cut.wait(PERIOD_S):
            self.taken_s.append(time.monotonic())
            held.append(self.packed(jpeg(np.full(self.size, len(self.taken_s) - 1 & 0xFF, np.uint8))))
            if self._delivers.is_set():
                send(b"".join(held))
                held.clear()
        send(self._last_words)


class HttpCamera(NetworkCamera):
    """JPEG pictures as ``multipart/x-mixed-replace``."""

    def __init__(self, login=None):
        self.authorization = "Basic " + base64.b64encode(login.encode()).decode() if login else None
        super().__init__()
        self.url = f"http://{self.address}/stream"

    def greet(self, next_request, send):
        while message := next_request():
            if self.authorization in (None, message.get("authorization")):
                send(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=picture\r\n\r\n")
                return True
            send(b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="camera"\r\nContent-Length: 0\r\n\r\n')
        return False

    def packed(self, picture):
        head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        return head.encode() + picture + b"\r\n"


class RtspCamera(NetworkCamera):
    """JPEG pictures over RTP (RFC 2435) inside the RTSP connection (RFC 2326, section 10.12)."""

    def __init__(self):
        super().__init__()
        self.url = f"rtsp://{self.address}/stream"
        self._packets = itertools.count()

    def greet(self, next_request, send):
        answers = {
            "DESCRIBE": (
                "Content-Type: application/sdp\r\n",
                "v=0\r\ns=camera\r\nm=video 0 RTP/AVP 26\r\na=control:1\r\n",
            ),
            "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""),
            "PLAY": ("Session: 1\r\n", ""),
        }
        while message := next_request():
            head, body = answers.get(message["method"], ("", ""))
            head += f"CSeq: {message['cseq']}\r\nContent-Length: {len(body)}\r\n\r\n"
            send(f"RTSP/1.0 200 OK\r\n{head}{body}".encode())
            if message["method"] == "PLAY":
                return True
        return False

    def packed(self, picture):
        tables, scan = jpeg_parts(picture)
        stamp = int(self.taken_s[-1] * 90_000) & 0xFFFFFFFF
        rtp = struct.pack(">BBHII", 0x80, 0x80 | 26, next(self._packets) & 0xFFFF, stamp, 1)
        height, width = self.size
        main = struct.pack(">IBBBB", 0, 1, 255, width // 8, height // 8)
        packet = rtp + main + struct.pack(">BBH", 0, 0, len(tables)) + tables + scan
        return struct.pack(">cBH", b"$", 0, len(packet)) + packet


def request(lines):
    """The next request's method and headers, by lower-case name; nothing when the client went."""
    head = list(iter(lambda: lines.readline().decode().strip(), ""))
    if not head:
        return {}
    headers = dict(line.split(": ", 1) for line in head[1:])
    return {"method": head[0].split()[0]} | {name.lower(): value for name, value in headers.items()}


def jpeg(grey):
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    return cv2.imencode(".jpg", cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), options)[1].tobytes()


def jpeg_parts(picture):
    """The quantisation tables and the entropy-coded scan of a JPEG."""
    offset, tables, marker = 2, b"", 0
    while marker != 0xDA:
        marker, length = picture[offset + 1], int.from_bytes(picture[offset + 2 : offset + 4])
        if marker == 0xDB:
            payload = picture[offset + 4 : offset + 2 + length]
            tables += b"".join(payload[start + 1 : start + 65] for start in range(0, len(payload), 65))
        offset += 2 + length
    return tables, picture[offset:-2]


def next_frame(camera, attempts=100):
    """The camera's next frame, however slow this machine is."""
    frames = (camera.read(timeout_s=0.1) for _ in itertools.repeat(None, attempts))
    frame = next((frame for frame in frames if frame is not None), None)
    assert frame is not None, "the camera gave no frame"
    return frame
