#!/usr/bin/env python3
"""Publish a test picture and a tone in a NeoChat call, or watch one: WHIP and WHEP with GStreamer's webrtcbin, for versions of it that have no
elements of their own for that (Debian 12: gstreamer1.0-plugins-{base,good,bad}, gstreamer1.0-nice, python3-gi, gir1.2-gst-plugins-bad-1.0).

    stream-gst.py publish https://chat.example.org/whip/KEY TOKEN
    stream-gst.py watch   https://chat.example.org/whep/KEY TOKEN

The watcher prints, once a second, how many pictures and sounds it has decoded.
"""
import signal
import sys
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

OPUS = "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111"
VP8 = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96"
PUBLISH = (
    "webrtcbin name=rtc bundle-policy=max-bundle "
    "audiotestsrc is-live=true wave=sine volume=0.2 ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=111 ! " + OPUS + " ! rtc. "
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=480,framerate=25/1 ! "
    "vp8enc deadline=1 cpu-used=8 target-bitrate=600000 keyframe-max-dist=250 ! rtpvp8pay pt=96 picture-id-mode=15-bit ! " + VP8 + " ! rtc. "
)


class Program:
    def __init__(self, what, url, token):
        self.what, self.url, self.token, self.session = what, url, token, None
        self.seen = {"audio": 0, "video": 0}
        self.loop = GLib.MainLoop()
        self.pipe = Gst.parse_launch(PUBLISH if what == "publish" else "webrtcbin name=rtc bundle-policy=max-bundle fakesrc ! fakesink")
        self.rtc = self.pipe.get_by_name("rtc")
        if what == "publish":
            for i in range(2):
                self.rtc.emit("get-transceiver", i).props.direction = GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY
        else:
            for caps in (OPUS, VP8):
                self.rtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
            self.rtc.connect("pad-added", self.arrives)
        self.rtc.connect("on-negotiation-needed", self.offer)
        self.rtc.connect("notify::ice-gathering-state", self.gathered)
        self.pipe.get_bus().add_signal_watch()
        self.pipe.get_bus().connect("message::error", self.failed)

    def run(self):
        self.pipe.set_state(Gst.State.PLAYING)
        GLib.timeout_add_seconds(1, self.tell)
        for number in (signal.SIGINT, signal.SIGTERM):
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, self.loop.quit)
        self.loop.run()
        if self.session:
            self.ask("DELETE", self.session)
        self.pipe.set_state(Gst.State.NULL)

    def offer(self, rtc):
        rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        reply = promise.get_reply()  # which the offer is part of
        offer = reply.get_value("offer")
        self.rtc.emit("set-local-description", offer, None)

    def gathered(self, rtc, _):
        """All candidates are in the offer now."""
        if rtc.props.ice_gathering_state == GstWebRTC.WebRTCICEGatheringState.COMPLETE and not self.session:
            GLib.idle_add(self.begin)

    def begin(self):
        answer = self.ask("POST", self.url, self.rtc.props.local_description.sdp.as_text().encode())
        _, sdp = GstSdp.SDPMessage.new_from_text(answer)
        self.rtc.emit("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp), None)
        return False

    def ask(self, method, url, body=None):
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/sdp"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
            if answer.status == 201:
                self.session = urllib.parse.urljoin(url, answer.headers["Location"])
            return answer.read().decode()

    def arrives(self, _, pad):
        """A track: decode it and count."""
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        chain = "rtpopusdepay ! opusdec" if kind == "audio" else "rtpvp8depay ! vp8dec"
        sink = Gst.parse_bin_from_description("queue ! " + chain + " ! fakesink name=sink sync=false signal-handoffs=true", True)
        self.pipe.add(sink)
        sink.get_by_name("sink").connect("handoff", self.count, kind)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def count(self, _sink, _buffer, _pad, kind):
        self.seen[kind] += 1

    def tell(self):
        if self.what == "watch":
            print("pictures", self.seen["video"], "sounds", self.seen["audio"], flush=True)
        return True

    def failed(self, _, message):
        print(message.parse_error(), file=sys.stderr)
        self.loop.quit()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("publish", "watch"):
        sys.exit(__doc__)
    Gst.init(None)
    Program(*sys.argv[1:]).run()
