package media

import (
	"errors"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// mouth is where clients' packets come in: media of one that publishes sound and pictures, and reports of another, to. Neither has a connection
// to be answered on.
type mouth struct {
	*bench
	client *Peer
}

func newMouth(t testing.TB) mouth {
	t.Helper()
	b := newBench(t)
	l := newListener()
	close(l.hold)
	client, err := b.sfu.Join("room", "mouth", nil, l)
	if err == nil {
		err = errors.Join(client.Publish("1", Microphone, false), client.Publish("2", Camera, false))
	}
	if err != nil {
		t.Fatal(err)
	}
	b.sfu.rooms["room"].mu.Lock()
	defer b.sfu.rooms["room"].mu.Unlock()
	client.known = &description{midID: 1, transportID: 2, ridID: 3, repairedID: 4, levelID: 5, sections: []sectionOffer{
		{mid: "1", kind: audio, sends: true, ssrc: 100, redundant: 63},
		{mid: "2", kind: video, sends: true, rids: []string{"q", "h"}, retransmission: map[uint8]bool{97: true}},
	}}
	client.up.routeLocked()
	b.to.down.streams.Store(&map[uint32]*section{10: b.sec, 11: b.sec})
	return mouth{b, client}
}

// media are good packets of all sorts.
func (m mouth) media(t testing.TB) (all [][]byte) {
	t.Helper()
	add := func(pt uint8, ssrc uint32, payload []byte, extensions map[uint8]string) {
		h := rtp.Header{Version: 2, PayloadType: pt, SSRC: ssrc, SequenceNumber: uint16(len(all)), Timestamp: 960 * uint32(len(all))}
		for id, x := range extensions {
			if err := h.SetExtension(id, []byte(x)); err != nil {
				t.Fatal(err)
			}
		}
		b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	layer := func(rid string) map[uint8]string { return map[uint8]string{1: "2", 2: "\x00\x01", 3: rid} }
	key := (&encoding{tag: 1, width: 320, height: 180, bytes: 20}).picture(7, true)
	add(111, 100, []byte("sound"), map[uint8]string{2: "\x00\x02", 5: "\x80"})
	add(63, 100, withEarlier([]byte("sound"), []byte("before")), map[uint8]string{1: "1", 5: "\x20"})
	add(96, 200, key, layer("q"))
	add(96, 201, key, layer("h"))
	add(97, 202, append([]byte{0, 3}, key...), map[uint8]string{1: "2", 4: "q"})
	add(96, 203, nil, layer("x"))
	return all
}

// reports are good RTCP packets of all sorts.
func (m mouth) reports(t testing.TB) (all [][]byte) {
	t.Helper()
	for _, p := range []rtcp.Packet{
		&rtcp.SenderReport{SSRC: 100, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{{SSRC: 10, LastSequenceNumber: 5}}},
		&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 10, LastSequenceNumber: 5, FractionLost: 9}, {SSRC: 11}}},
		&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 10, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{1, 2, 9, 40000})},
		&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 10},
		&rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 10, SequenceNumber: 1}}},
		&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 1e6, SSRCs: []uint32{10}},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 100, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "me"}}}}},
		&rtcp.TransportLayerCC{Header: rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Padding: true, Length: 7}, SenderSSRC: 1, MediaSSRC: 10,
			BaseSequenceNumber: 5, PacketStatusCount: 5, ReferenceTime: 7, FbPktCount: 1,
			PacketChunks: []rtcp.PacketStatusChunk{
				&rtcp.RunLengthChunk{Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 2},
				&rtcp.StatusVectorChunk{Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: rtcp.TypeTCCSymbolSizeTwoBit, SymbolList: []uint16{0, 1, 2, 0, 0, 0, 0}},
			},
			RecvDeltas: []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250}, {Type: rtcp.TypeTCCPacketReceivedSmallDelta}, {Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 500},
				{Type: rtcp.TypeTCCPacketReceivedLargeDelta, Delta: -250}}},
		&rtcp.Goodbye{Sources: []uint32{100}},
	} {
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func TestCutOffPacketsAreOnlyDropped(t *testing.T) {
	m := newMouth(t)
	for _, b := range m.media(t) {
		for n := range len(b) + 1 {
			m.client.up.receive(b[:n:n])
		}
	}
	st := m.sfu.Stats()
	if st.PacketsIn == 0 || st.Unknown == 0 {
		t.Errorf("nothing was taken, or all of it: %+v", st)
	}
	var compound []byte
	for _, b := range m.reports(t) {
		compound = append(compound, b...)
		for n := range len(b) + 1 {
			m.to.feedback(10, b[:n:n])
		}
	}
	for n := range len(compound) + 1 {
		m.to.feedback(10, compound[:n:n])
	}
	if st := m.sfu.Stats(); st.FeedbackIn == 0 || st.NacksIn == 0 || st.PLIsIn == 0 {
		t.Errorf("good reports were not read: %+v", st)
	}
}

func FuzzMedia(f *testing.F) {
	m := newMouth(f)
	for _, b := range m.media(f) {
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) { m.client.up.receive(b) })
}

func FuzzFeedback(f *testing.F) {
	m := newMouth(f)
	for _, b := range m.reports(f) {
		f.Add(uint32(10), b)
		f.Add(uint32(100), b)
	}
	f.Fuzz(func(_ *testing.T, ssrc uint32, b []byte) { m.to.feedback(ssrc, b) })
}
