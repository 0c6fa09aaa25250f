package signaling

import (
	"strconv"
	"strings"

	"neochat/wire"
)

// maxSubscriptions is how many tracks one subscribe may name.
const maxSubscriptions = 512

// picture is one line of a subscribe: a track, and how large it is shown.
type picture struct {
	participant, source string
	width, height       int // 0 and 0: not at all
}

// subscribe says how large this device shows the tracks it names.
func subscribe(q *request) error {
	_, p, err := q.mine()
	if err != nil {
		return err
	}
	pictures, err := readPictures(q.m.Get("tracks"))
	if err != nil {
		return err
	}
	for _, x := range pictures {
		if err := p.media.Subscribe(x.participant, x.source, x.width, x.height); err != nil {
			return err
		}
	}
	return q.done(nil)
}

// readPictures reads the lines "participant source 640x360", or "none" in place of the size.
func readPictures(text string) ([]picture, error) {
	lines := strings.Split(text, "\n")
	if text == "" || len(lines) > maxSubscriptions {
		return nil, refusal(wire.StatBadRequest, "tracks has 1 to "+strconv.Itoa(maxSubscriptions)+" lines, each with a participant, a source and a size")
	}
	var all []picture
	for _, line := range lines {
		x, ok := readPicture(line)
		if !ok {
			return nil, refusal(wire.StatBadRequest, "a line of tracks is like \"2 camera 640x360\" or \"2 camera none\"")
		}
		all = append(all, x)
	}
	return all, nil
}

func readPicture(line string) (picture, bool) {
	words := strings.Split(line, " ")
	if len(words) != 3 || words[0] == "" || words[1] == "" {
		return picture{}, false
	}
	x := picture{participant: words[0], source: words[1]}
	if words[2] == "none" {
		return x, true
	}
	width, height, _ := strings.Cut(words[2], "x")
	w, err1 := strconv.ParseUint(width, 10, 14)
	h, err2 := strconv.ParseUint(height, 10, 14)
	x.width, x.height = int(w), int(h)
	return x, err1 == nil && err2 == nil && w > 0 && h > 0
}

// Layers tells which layers of a track of its own the others want.
func (e *callEvents) Layers(source string, rids []string) {
	b := wire.Append(e.begin("subscribe", ""), "connection_key", e.cell.key)
	b = wire.Append(b, "source", source)
	e.tell(wire.Append(b, "rids", strings.Join(rids, ",")))
}

// Quality tells how the pictures are that this device receives.
func (e *callEvents) Quality(pictures, cause string) {
	b := wire.Append(e.begin("quality", ""), "connection_key", e.cell.key)
	b = wire.Append(b, "pictures", pictures)
	if cause != "" {
		b = wire.Append(b, "cause", cause)
	}
	e.tell(b)
}

// Speakers tells who speaks now.
func (e *callEvents) Speakers(peers []string, levels []int) {
	texts := make([]string, len(levels))
	for i, l := range levels {
		texts[i] = strconv.Itoa(l)
	}
	b := wire.Append(e.begin("speakers", ""), "connection_key", e.cell.key)
	b = wire.Append(b, "participants", strings.Join(peers, ","))
	e.tell(wire.Append(b, "levels", strings.Join(texts, ",")))
}
