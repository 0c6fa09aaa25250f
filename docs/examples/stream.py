#!/usr/bin/env python3
"""Publish a test picture and a tone in a NeoChat call, or watch one, without a browser: WHIP and WHEP with aiortc (Debian: python3-aiortc).

    stream.py publish https://chat.example.org/whip/KEY TOKEN
    stream.py watch   https://chat.example.org/whep/KEY TOKEN

The address and the token are what the messages `whip` and `whep` answer (docs/protocol.md). Ctrl-C ends it. The watcher prints, once a
second, how many pictures and sounds it has decoded.
"""
import asyncio
import fractions
import math
import signal
import struct
import sys
import urllib.parse
import urllib.request

import av
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError


class Picture(VideoStreamTrack):
    """Grey that gets lighter, 640x480."""

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = av.VideoFrame(width=640, height=480, format="yuv420p")
        for plane, value in zip(frame.planes, (pts // 3000 % 220 + 16, 128, 128)):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """440 Hz."""

    async def recv(self):
        frame = await super().recv()  # silence, in time
        n, rate = frame.samples, frame.sample_rate
        wave = (int(8000 * math.sin(2 * math.pi * 440 * (frame.pts + i) / rate)) for i in range(n))
        frame.planes[0].update(struct.pack("<%dh" % n, *wave))
        frame.time_base = fractions.Fraction(1, rate)
        return frame


def ask(method, url, token, body=None):
    """One request; returns the answer's body and where the session is."""
    headers = {"Authorization": "Bearer " + token}
    if body is not None:
        headers["Content-Type"] = "application/sdp"
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode(), urllib.parse.urljoin(url, answer.headers.get("Location", ""))


async def count(track, seen):
    """Decode what arrives in a track."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if track.kind == "audio" or frame.width > 0:
            seen[track.kind] += 1


async def main(what, url, token):
    pc, seen, ended = RTCPeerConnection(), {"audio": 0, "video": 0}, asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if what == "publish":
        for track in (Tone(), Picture()):
            pc.addTransceiver(track, direction="sendonly")
    else:
        for kind in seen:
            pc.addTransceiver(kind, direction="recvonly")
        pc.on("track", lambda track: asyncio.ensure_future(count(track, seen)))
    await pc.setLocalDescription(await pc.createOffer())  # with all candidates in it
    answer, session = ask("POST", url, token, pc.localDescription.sdp.encode())
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    while not ended.is_set() and pc.connectionState not in ("failed", "closed"):
        if what == "watch":
            print("pictures", seen["video"], "sounds", seen["audio"], flush=True)
        try:
            await asyncio.wait_for(ended.wait(), 1)
        except asyncio.TimeoutError:
            pass
    ask("DELETE", session, token)
    await pc.close()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("publish", "watch"):
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
