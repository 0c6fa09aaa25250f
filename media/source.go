package media

// The sources a peer may publish, at most one of each.
const (
	Microphone = "microphone"
	Camera     = "camera"
	Screen     = "screen"
	// ScreenSound is what the shared screen plays; it makes nobody a speaker.
	ScreenSound = "screen_audio"
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
	case Microphone, ScreenSound:
		return audio
	case Camera, Screen:
		return video
	}
	return ""
}

// ofScreen tells whether a source belongs to a shared screen, rather than to a person.
func ofScreen(source string) bool { return source == Screen || source == ScreenSound }

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
