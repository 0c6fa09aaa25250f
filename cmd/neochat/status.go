package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"time"
)

// statusSample is over how long rates are measured.
const statusSample = time.Second

// statusReport is what `neochat status` tells of a running server.
type statusReport struct {
	Version       string   `json:"version"`
	UptimeSeconds int64    `json:"uptime_seconds"`
	Open          string   `json:"open"`
	Listens       []string `json:"listens"`

	Connections  int `json:"connections"`
	Devices      int `json:"devices_online"`
	Accounts     int `json:"accounts_online"`
	Calls        int `json:"calls"`
	Ringing      int `json:"ringing"`
	Participants int `json:"participants"`

	MediaIn      uint64 `json:"media_bits_in_per_second"`
	MediaOut     uint64 `json:"media_bits_out_per_second"`
	MessagesSent uint64 `json:"messages_sent_per_second"`

	Database    databaseReport    `json:"database"`
	Files       filesReport       `json:"files"`
	Disk        diskReport        `json:"disk"`
	Relay       *relayReport      `json:"relay"`       // nil: off
	Certificate *certificateState `json:"certificate"` // nil: no TLS

	ResidentBytes uint64 `json:"resident_bytes"` // 0: the system does not tell
	HeapBytes     uint64 `json:"heap_bytes"`
	Goroutines    int    `json:"goroutines"`
}

type databaseReport struct {
	Kind       string `json:"kind"`
	Place      string `json:"place"`
	Answers    bool   `json:"answers"`
	Away       bool   `json:"away"` // the last attempt to write failed
	Bytes      int64  `json:"bytes"`
	Queue      int    `json:"queue"`
	QueueLimit int    `json:"queue_limit"`
	IndexLag   int64  `json:"search_index_lag_messages"`
}

type filesReport struct {
	Place string `json:"place"`
	Away  bool   `json:"away"`
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
}

type diskReport struct {
	Data string `json:"data"`
	Free uint64 `json:"free_bytes"`
	Size uint64 `json:"size_bytes"`
}

type relayReport struct {
	Allocations int64 `json:"allocations"`
	Limit       int   `json:"limit"`
	Connections int64 `json:"connections"`
}

type certificateState struct {
	Source  string    `json:"source"`
	Host    string    `json:"host"`
	Expires time.Time `json:"expires"` // zero: there is none yet
}

// status looks at the house for as long as statusSample, and answers one line of JSON.
func (h *house) status(ctx context.Context) (string, error) {
	before, sent := h.sfu.Stats(), h.server.Stats().TextsOut
	begun := time.Now()
	select {
	case <-time.After(statusSample):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	took := time.Since(begun).Seconds()
	after, st := h.sfu.Stats(), h.server.Stats()
	rate := func(before, after uint64) uint64 { return uint64(float64(after-before) / took) }
	r := statusReport{Version: version, UptimeSeconds: int64(time.Since(h.begun).Seconds()),
		Connections: st.Connections, Devices: st.Devices, Accounts: st.Accounts, Calls: st.Calls, Ringing: st.Ringing, Participants: st.Participants,
		MediaIn: 8 * rate(before.BytesIn, after.BytesIn), MediaOut: 8 * rate(before.BytesOut, after.BytesOut), MessagesSent: rate(sent, st.TextsOut),
		Database: h.databaseState(ctx), Goroutines: runtime.NumGoroutine(), ResidentBytes: residentBytes(), HeapBytes: read("/memory/classes/heap/objects:bytes")}
	r.Open, r.Listens = h.listening()
	r.Files = filesReport{Place: h.filesPlace, Away: h.counted.Check(ctx) != nil}
	if r.Database.Answers {
		var err error
		if r.Files.Files, r.Files.Bytes, err = h.store.FilesKept(ctx); err != nil {
			r.Database.Answers = false
		}
	}
	h.surroundings(&r)
	line, err := json.Marshal(r)
	return string(line), err
}

func (h *house) databaseState(ctx context.Context) databaseReport {
	st := h.store.Stats()
	d := databaseReport{Kind: h.store.Kind(), Place: h.store.Place(), Away: st.Away, Queue: st.Queue, QueueLimit: st.QueueLimit}
	ctx, cancel := context.WithTimeout(ctx, scrapeWait)
	defer cancel()
	if h.store.Ping(ctx) != nil {
		return d
	}
	var err, err2 error
	d.IndexLag, err = h.store.Behind(ctx)
	d.Bytes, err2 = h.store.Size(ctx)
	d.Answers = errors.Join(err, err2) == nil
	return d
}

// surroundings adds what is not the database's.
func (h *house) surroundings(r *statusReport) {
	r.Disk.Data = h.data
	if free, size, err := diskOf(h.data); err == nil {
		r.Disk.Free, r.Disk.Size = free, size
	}
	if h.turn != nil {
		st := h.turn.Stats()
		r.Relay = &relayReport{Limit: h.relayLimit, Connections: st.Connections}
		for _, n := range st.Allocations {
			r.Relay.Allocations += n
		}
	}
	if h.cert != nil {
		r.Certificate = &certificateState{sourceOf(h.cert), h.cert.host(), h.cert.Expires()}
	}
}

// listening lists what is open, for people.
func (h *house) listening() (open string, listens []string) {
	open, _ = h.doors.announce()
	listens = []string{h.tcp.Addr().String() + " (TCP)", fmt.Sprintf("port %d (UDP)", h.udp.LocalAddr().Port())}
	if h.doors.relay != nil {
		listens = append(listens, h.doors.relay.Addr().String()+" (TCP: relay, calls)")
	}
	if h.plain != nil {
		listens = append(listens, h.plainAt.String()+" (TCP: on to https)")
	}
	if h.operator != nil {
		listens = append(listens, h.operator.note()+" (operator)")
	}
	return open, listens
}

// sourceOf is where certificates come from, in a word.
func sourceOf(c certificates) string {
	switch c.(type) {
	case automatic:
		return "acme"
	case selfSigned:
		return "self-signed"
	}
	return "files"
}

// diskOf is what the disk below a folder has left for this user, and its size, in bytes.
func diskOf(folder string) (free, size uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, 0, fmt.Errorf("asking for the room on a disk: %w", err)
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
}

// statusCommand asks the running server.
type statusCommand struct {
	Data string `help:"Folder of the server's data." default:"data" env:"NEOCHAT_DATA"`
	JSON bool   `name:"json" help:"Print JSON, whose numbers are bytes, bits and seconds."`
}

// noServerCode is the exit code where no server runs, as that of "systemctl status".
const noServerCode = 3

// Run prints the report.
func (c *statusCommand) Run(ctx context.Context, std streams) error {
	answer, err := askServer(ctx, c.Data, "status")
	switch {
	case errors.Is(err, errNoServer):
		return &exitCode{noServerCode, fmt.Errorf("no server runs on the data folder %s; start one with `neochat serve`, or name its folder with --data", c.Data)}
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("the server on the data folder %s belongs to another user; ask as that user or as root", c.Data)
	case err != nil:
		return fmt.Errorf("asking the running server: %w", err)
	}
	var r statusReport
	if err := json.Unmarshal([]byte(answer), &r); err != nil {
		return fmt.Errorf("the running server does not tell its status (%q); it may be of another version, or be stopping", answer)
	}
	if c.JSON {
		out := json.NewEncoder(std.out)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}
	return r.print(std.out)
}

func (r *statusReport) print(out io.Writer) error {
	_, err := io.WriteString(out, r.text(time.Now()))
	return err
}
