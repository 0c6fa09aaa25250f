// Package red takes apart redundant audio data (RFC 2198): packets that bring along, before their own sound, that of packets sent earlier.
package red

// Most is how many earlier packets one may bring along.
const Most = 8

// Block is the payload of an earlier packet.
type Block struct {
	Offset uint32 // how much earlier, in units of the RTP timestamp
	Data   []byte // points into the payload it was read from
}

// Packet is a payload taken apart. The zero value is that of a packet without anything earlier in it.
type Packet struct {
	blocks  [Most]Block
	n       int
	primary int
}

// Earlier are the blocks it brings along, in the order they stand in it: the oldest first, as senders do it.
func (p *Packet) Earlier() []Block { return p.blocks[:p.n] }

// Primary is where the packet's own payload begins.
func (p *Packet) Primary() int { return p.primary }

// Header sizes: of an earlier block (bit F set; type, offset and length), and of the last one (its type alone).
const (
	blockHeader = 4
	lastHeader  = 1
	follows     = 0x80 // bit F: another header follows this one
)

// Parse takes a payload apart; false for one that is cut off, has no sound of its own, or too many earlier blocks.
func Parse(payload []byte) (p Packet, ok bool) {
	var lengths [Most]int
	rest := payload
	for len(rest) > 0 && rest[0]&follows != 0 {
		if len(rest) < blockHeader || p.n == Most {
			return Packet{}, false
		}
		p.blocks[p.n].Offset = uint32(rest[1])<<6 | uint32(rest[2])>>2
		lengths[p.n] = int(rest[2]&3)<<8 | int(rest[3])
		p.n++
		rest = rest[blockHeader:]
	}
	if len(rest) < lastHeader {
		return Packet{}, false
	}
	rest = rest[lastHeader:]
	for i, n := range lengths[:p.n] {
		if len(rest) < n {
			return Packet{}, false
		}
		p.blocks[i].Data, rest = rest[:n], rest[n:]
	}
	if len(rest) == 0 {
		return Packet{}, false
	}
	p.primary = len(payload) - len(rest)
	return p, true
}

// Retype makes all blocks of a payload that Parse took be of the payload type pt.
func Retype(payload []byte, pt uint8) {
	for len(payload) > 0 {
		more := payload[0] & follows
		payload[0] = more | pt&^follows
		if more == 0 {
			return
		}
		payload = payload[min(blockHeader, len(payload)):]
	}
}
