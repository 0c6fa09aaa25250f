/** Names only the codecs the server speaks, Opus, alone or with that of the packet before, and VP8: it keeps the description of a large call small. */
export function prefer(transceiver: RTCRtpTransceiver, kind: 'audio' | 'video'): void {
  const wish = kind === 'audio' ? ['audio/opus', 'audio/red'] : ['video/vp8', 'video/rtx'];
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs.filter((c) => wish.includes(c.mimeType.toLowerCase()));
  // Firefox before 128 has no setCodecPreferences; there the description is merely longer.
  if (codecs && codecs.length > 0 && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(codecs);
}
