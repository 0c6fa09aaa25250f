package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"neochat/port/firstbytes"
	"neochat/store"
)

// scrapeWait is how long the database may take to answer a scrape before it counts as not answering.
const scrapeWait = 2 * time.Second

// collector gives Prometheus the figures of a house. Labels come from tables of the program, never from what clients send.
type collector struct {
	house *house
	known map[string]known
}

// known is a figure as Prometheus wants it.
type known struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func newCollector(h *house) *collector {
	c := &collector{house: h, known: map[string]known{}}
	for _, f := range figures() {
		k := known{desc: prometheus.NewDesc(f.name, f.help, f.labels, nil), kind: prometheus.GaugeValue}
		if f.kind == "counter" {
			k.kind = prometheus.CounterValue
		}
		c.known[f.name] = k
	}
	return c
}

// metricsHandler answers scrapes.
func (h *house) metricsHandler(log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(h), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)})
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, k := range c.known {
		out <- k.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := sink{out, c.known}
	c.signaling(s)
	c.database(s)
	c.media(s)
	c.relay(s)
	c.ports(s)
	c.files(s)
	c.host(s)
}

// sink takes the values of one scrape. Their names are those of figures().
type sink struct {
	out   chan<- prometheus.Metric
	known map[string]known
}

func (s sink) put(name string, value float64, labels ...string) {
	k := s.known[name]
	s.out <- prometheus.MustNewConstMetric(k.desc, k.kind, value, labels...)
}

// count is put for what is counted; yes for what is or is not.
func (s sink) count(name string, value uint64, labels ...string) {
	s.put(name, float64(value), labels...)
}

func (s sink) yes(name string, is bool) {
	value := 0.0
	if is {
		value = 1
	}
	s.put(name, value)
}

// histogram is cumulative there: each bucket holds those below it too. Packages that count have one of their own, as none imports another.
func (s sink) histogram(name string, h store.Histogram) {
	buckets, total := map[float64]uint64{}, uint64(0)
	for i, n := range h.Counts {
		total += n
		if i < len(h.Bounds) {
			buckets[h.Bounds[i]] = total
		}
	}
	s.out <- prometheus.MustNewConstHistogram(s.known[name].desc, total, h.Sum, buckets)
}

func (c *collector) signaling(s sink) {
	st := c.house.server.Stats()
	s.put("neochat_connections", float64(st.Connections))
	s.put("neochat_devices_online", float64(st.Devices))
	s.put("neochat_accounts_online", float64(st.Accounts))
	s.count("neochat_frames_received_total", st.FramesIn)
	s.count("neochat_frames_sent_total", st.FramesOut)
	s.count("neochat_messages_sent_total", st.TextsOut)
	s.count("neochat_sent_bytes_total", st.BytesOut)
	s.count("neochat_pushes_sent_total", st.Pushed)
	for _, a := range st.Answers {
		for _, class := range []int{2, 4, 5} {
			s.count("neochat_answers_total", a.ByClass[class], a.MessageType, strconv.Itoa(class)+"xx")
		}
	}
	for code, n := range st.Closed {
		s.count("neochat_connections_closed_total", n, strconv.Itoa(code))
	}
	s.count("neochat_outbox_overflows_total", st.Overflows)
	for limit, n := range st.Refused {
		s.count("neochat_rate_refusals_total", n, limit)
	}
	s.put("neochat_calls", float64(st.Calls))
	s.put("neochat_calls_ringing", float64(st.Ringing))
	s.put("neochat_call_participants", float64(st.Participants))
	for _, x := range st.Streams {
		s.put("neochat_call_streams", float64(x.Now), x.Protocol)
		for _, class := range []int{2, 4, 5} {
			s.count("neochat_call_stream_answers_total", x.ByClass[class], x.Protocol, strconv.Itoa(class)+"xx")
		}
	}
	for outcome, n := range st.Outcomes {
		s.count("neochat_call_outcomes_total", n, outcome)
	}
	s.count("neochat_files_bytes_total", st.FileBytesOut, "down")
}

func (c *collector) database(s sink) {
	st := c.house.store.Stats()
	s.put("neochat_database_info", 1, c.house.store.Kind())
	s.put("neochat_database_queue", float64(st.Queue))
	s.put("neochat_database_queue_limit", float64(st.QueueLimit))
	s.yes("neochat_database_away", st.Away)
	s.count("neochat_database_operations_total", st.Committed, "committed")
	s.count("neochat_database_operations_total", st.Failed, "failed")
	s.count("neochat_database_operations_total", st.Rejected, "rejected")
	s.histogram("neochat_database_batch_operations", st.Batch)
	s.histogram("neochat_database_commit_seconds", st.Commit)
	s.count("neochat_database_reads_total", st.Reads)
	s.put("neochat_database_readers_busy", float64(st.ReadersInUse))
	s.put("neochat_database_readers_limit", float64(st.ReadersMost))
	s.put("neochat_database_reader_wait_seconds_total", st.ReadersWait.Seconds())
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWait)
	defer cancel()
	behind, err := c.house.store.Behind(ctx)
	s.yes("neochat_database_up", err == nil)
	if err != nil {
		return // what is not known is left out
	}
	s.put("neochat_search_index_lag_messages", float64(behind))
	if size, err := c.house.store.Size(ctx); err == nil {
		s.put("neochat_database_bytes", float64(size))
	}
}

func (c *collector) media(s sink) {
	st := c.house.sfu.Stats()
	s.put("neochat_media_rooms", float64(st.Rooms))
	s.put("neochat_media_participants", float64(st.Peers))
	s.put("neochat_media_publications", float64(st.Publications))
	s.put("neochat_media_subscriptions", float64(st.Subscriptions))
	for _, both := range []struct {
		name    string
		in, out uint64
	}{
		{"neochat_media_packets_total", st.PacketsIn, st.PacketsOut},
		{"neochat_media_bytes_total", st.BytesIn, st.BytesOut},
		{"neochat_media_nacks_total", st.NacksIn, st.NacksOut},
		{"neochat_media_repairs_total", st.RepairsIn, st.RepairsOut},
		{"neochat_media_keyframe_requests_total", st.PLIsIn, st.PLIsOut},
	} {
		s.count(both.name, both.in, "in")
		s.count(both.name, both.out, "out")
	}
	s.count("neochat_media_restored_packets_total", st.Restored)
	s.count("neochat_media_reported_packets_total", st.Delivered, "delivered")
	s.count("neochat_media_reported_packets_total", st.Lost, "lost")
	s.count("neochat_media_undeliverable_packets_total", st.Undeliverable)
	s.count("neochat_media_unknown_packets_total", st.Unknown)
	s.count("neochat_media_writer_skips_total", st.Skips)
	s.count("neochat_media_feedback_total", st.FeedbackIn)
	s.count("neochat_media_padding_total", st.Padding)
	s.count("neochat_media_reports_total", st.ReportsOut)
	s.count("neochat_media_pauses_total", st.Pauses)
	s.count("neochat_media_layer_changes_total", st.Larger, "larger")
	s.count("neochat_media_layer_changes_total", st.Smaller, "smaller")
	for layer, n := range st.Pictures {
		s.put("neochat_media_pictures", float64(n), layer)
	}
	s.put("neochat_media_limited_receivers", float64(st.Limited))
	for cause, n := range st.Gone {
		s.count("neochat_media_departures_total", n, cause)
	}
	s.histogram("neochat_media_estimate_bits_per_second", store.Histogram(st.Estimates))
	s.histogram("neochat_media_first_picture_seconds", store.Histogram(st.FirstPicture))
}

// relay has nothing to tell where --relay is off.
func (c *collector) relay(s sink) {
	if c.house.turn == nil {
		return
	}
	st := c.house.turn.Stats()
	s.put("neochat_relay_allocations_limit", float64(c.house.relayLimit))
	for transport, n := range st.Allocations {
		s.put("neochat_relay_allocations", float64(n), transport)
	}
	for transport, n := range st.Allocated {
		s.put("neochat_relay_allocations_made_total", float64(n), transport)
	}
	s.put("neochat_relay_connections", float64(st.Connections))
	for reason, n := range st.Refused {
		s.count("neochat_relay_refused_total", n, reason)
	}
	for reason, n := range st.Dropped {
		s.count("neochat_relay_dropped_packets_total", n, reason)
	}
	s.count("neochat_relay_packets_total", st.PacketsToPeers, "to_peers")
	s.count("neochat_relay_packets_total", st.PacketsToClients, "to_clients")
	s.count("neochat_relay_bytes_total", st.BytesToPeers, "to_peers")
	s.count("neochat_relay_bytes_total", st.BytesToClients, "to_clients")
	s.count("neochat_relay_complaints_total", st.Complaints)
}

func (c *collector) ports(s sink) {
	st := c.house.udp.Stats()
	for kind, n := range st.Received {
		s.count("neochat_port_datagrams_total", n, firstbytes.Kind(kind).String())
	}
	for where, n := range map[string]uint64{"media": st.MediaLost, "relay": st.RelayLost, "send": st.SendLost, "kernel": st.KernelLost,
		"too_long": st.TooLong, "unheard": st.Unheard} {
		s.count("neochat_port_lost_datagrams_total", n, where)
	}
	s.put("neochat_port_waiting_connections", float64(c.house.tcp.Waiting()), "listen")
	if r := c.house.doors.relay; r != nil {
		s.put("neochat_port_waiting_connections", float64(r.Waiting()), "relay_listen")
	}
}

func (c *collector) files(s sink) {
	b := c.house.counted
	s.count("neochat_files_transfers_total", b.uploads.Load(), "up")
	s.count("neochat_files_transfers_total", b.downloads.Load(), "down")
	s.count("neochat_files_bytes_total", b.bytes.Load(), "up") // those down are counted where they leave
	s.count("neochat_files_failures_total", b.putFailures.Load(), "up")
	s.count("neochat_files_failures_total", b.openFailures.Load(), "down")
	s.yes("neochat_files_away", b.away.Load())
}

func (c *collector) host(s sink) {
	s.put("neochat_build_info", 1, version, runtime.Version())
	if free, size, err := diskOf(c.house.data); err == nil {
		s.put("neochat_disk_free_bytes", float64(free))
		s.put("neochat_disk_size_bytes", float64(size))
	}
	if c.house.cert == nil {
		return
	}
	ends := 0.0
	if at := c.house.cert.Expires(); !at.IsZero() {
		ends = float64(at.Unix())
	}
	s.put("neochat_certificate_expiry_timestamp_seconds", ends, sourceOf(c.house.cert))
}
