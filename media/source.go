package media

// The sources a peer may publish, at most one of each.
const (
	Microphone = "microphone"
	Camera     = "camera"
	Screen     = "screen"
)

// kind is what an SDP section calls a medium.
type kind string

const (
	audio kind = "audio"
	video kind = "video"
)

// kindOf is the medium of a source, "" for an unknown source.
func kindOf(source string) kind {
	switch source {
	case Microphone:
		return audio
	case Camera, Screen:
		return video
	}
	return ""
}

func (k kind) clockRate() uint32 {
	if k == audio {
		return 48000
	}
	return 90000
}

// slots is the number of packets of a stream that are kept: about two seconds.
func (k kind) slots() int {
	if k == audio {
		return 128
	}
	return 1024
}
