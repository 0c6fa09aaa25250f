package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// text is a report for people; now says how long a certificate still lasts.
func (r *statusReport) text(now time.Time) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("version", "%s, up %s", r.Version, (time.Duration(r.UptimeSeconds) * time.Second).String())
	row("open", "%s", r.Open)
	row("listens", "%s", strings.Join(r.Listens, ", "))
	row("connections", "%d, %d logged in, of %d accounts", r.Connections, r.Devices, r.Accounts)
	row("calls", "%d, %d ringing, %d devices in them", r.Calls, r.Ringing, r.Participants)
	row("media", "%s in, %s out", bitrate(r.MediaIn), bitrate(r.MediaOut))
	row("messages", "%d a second sent", r.MessagesSent)
	row("database", "%s %s, %s, %s", r.Database.Kind, r.Database.Place, size(uint64(r.Database.Bytes)), r.Database.state())
	row("writer", "%d of %d waiting", r.Database.Queue, r.Database.QueueLimit)
	row("search", "%d messages behind", r.Database.IndexLag)
	row("files", "%s, %d files, %s, %s", r.Files.Place, r.Files.Files, size(uint64(r.Files.Bytes)), answering(!r.Files.Away))
	row("disk", "%s free of %s at %s", size(r.Disk.Free), size(r.Disk.Size), r.Disk.Data)
	if r.Relay == nil {
		row("relay", "off")
	} else {
		row("relay", "%d of %d allocations, %d connections", r.Relay.Allocations, r.Relay.Limit, r.Relay.Connections)
	}
	row("certificate", "%s", r.Certificate.text(now))
	row("memory", "%s resident, %s in use by Go, %d goroutines", size(r.ResidentBytes), size(r.HeapBytes), r.Goroutines)
	w.Flush()
	return b.String()
}

func (d *databaseReport) state() string {
	if d.Away {
		return "writing fails (the log says why)"
	}
	return answering(d.Answers)
}

func answering(is bool) string {
	if is {
		return "answers"
	}
	return "does not answer"
}

func (c *certificateState) text(now time.Time) string {
	switch {
	case c == nil:
		return "none, no TLS here"
	case c.Expires.IsZero():
		return c.Source + ", being fetched"
	}
	return fmt.Sprintf("%s, until %s (%d days)", c.Source, c.Expires.Format(time.DateOnly), int(c.Expires.Sub(now).Hours()/24))
}

// size is bytes for people.
func size(bytes uint64) string {
	const step = 1024
	if bytes < step {
		return strconv.FormatUint(bytes, 10) + " B"
	}
	value, unit := float64(bytes)/step, 0
	for ; value >= step && unit < 3; unit++ {
		value /= step
	}
	return fmt.Sprintf("%.1f %s", value, [...]string{"KiB", "MiB", "GiB", "TiB"}[unit])
}

// bitrate is bits a second for people.
func bitrate(bits uint64) string {
	switch {
	case bits >= 1_000_000:
		return fmt.Sprintf("%.1f Mbit/s", float64(bits)/1e6)
	case bits >= 1000:
		return fmt.Sprintf("%.1f kbit/s", float64(bits)/1e3)
	}
	return fmt.Sprintf("%d bit/s", bits)
}

// residentBytes is the memory that the process takes; 0: the system does not tell.
func residentBytes() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
