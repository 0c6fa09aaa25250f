package main

import (
	"fmt"
	"strings"
)

// figure is one thing that /metrics tells.
type figure struct {
	name, kind string // kind: gauge, counter or histogram
	help       string
	labels     []string
}

// figures are all that /metrics tells of NeoChat itself. The table in docs/operate.md is made of them.
func figures() []figure {
	const direction, reason = "direction", "reason"
	return []figure{
		{"neochat_build_info", "gauge", "1; the labels say what runs.", []string{"version", "go"}},
		{"neochat_connections", "gauge", "WebSockets, logged in or not.", nil},
		{"neochat_devices_online", "gauge", "Connections that are logged in.", nil},
		{"neochat_accounts_online", "gauge", "Accounts with at least one of them.", nil},
		{"neochat_frames_received_total", "counter", "WebSocket frames with messages that came.", nil},
		{"neochat_frames_sent_total", "counter", "WebSocket frames that left; many messages share one.", nil},
		{"neochat_messages_sent_total", "counter", "Protocol messages that left: answers and pushes.", nil},
		{"neochat_pushes_sent_total", "counter", "Those of them that nobody had asked for: deliveries, rings, presence.", nil},
		{"neochat_sent_bytes_total", "counter", "Bytes of protocol messages that left, without files.", nil},
		{"neochat_answers_total", "counter", "Answers by message_type of the request (unknown: all that are none) and class of the stat: 2xx, 4xx, 5xx.", []string{"message_type", "class"}},
		{"neochat_connections_closed_total", "counter", "Connections that ended, by close code; 1013: too slow a reader or a busy server.", []string{"code"}},
		{"neochat_outbox_overflows_total", "counter", "Pushes for which too much was waiting already; their connections end with 1013.", nil},
		{"neochat_rate_refusals_total", "counter", "Requests that came too often: requests, logins, failed_logins, registrations.", []string{"limit"}},
		{"neochat_calls", "gauge", "Calls that are open, those that only ring included.", nil},
		{"neochat_calls_ringing", "gauge", "People whose devices ring.", nil},
		{"neochat_call_participants", "gauge", "Devices in calls.", nil},
		{"neochat_call_streams", "gauge", "Programs in calls over HTTP: whip (they publish), whep (they watch).", []string{"protocol"}},
		{"neochat_call_stream_answers_total", "counter", "Answers to their requests, by class of the status: 2xx, 4xx, 5xx.", []string{"protocol", "class"}},
		{"neochat_call_outcomes_total", "counter", "Calls that are over: answered, refused, missed, cancelled.", []string{"outcome"}},

		{"neochat_database_info", "gauge", "1; kind is sqlite or mysql (MariaDB too).", []string{"kind"}},
		{"neochat_database_up", "gauge", "1: it has answered a read within 2 s of this scrape.", nil},
		{"neochat_database_away", "gauge", "1: the last attempt to write failed because of the database itself.", nil},
		{"neochat_database_bytes", "gauge", "What it takes where it is kept; about so many on MySQL.", nil},
		{"neochat_database_queue", "gauge", "Operations waiting to be written.", nil},
		{"neochat_database_queue_limit", "gauge", "How many may; past it they are refused.", nil},
		{"neochat_database_operations_total", "counter", "Operations that were committed, failed because of the database, or were rejected because too many waited.", []string{"result"}},
		{"neochat_database_batch_operations", "histogram", "Operations that were committed together.", nil},
		{"neochat_database_commit_seconds", "histogram", "How long a transaction took, its commit included.", nil},
		{"neochat_database_reads_total", "counter", "Queries beside the writer.", nil},
		{"neochat_database_readers_busy", "gauge", "Connections that read at this moment.", nil},
		{"neochat_database_readers_limit", "gauge", "How many there may be.", nil},
		{"neochat_database_reader_wait_seconds_total", "counter", "What queries have waited for a connection.", nil},
		{"neochat_search_index_lag_messages", "gauge", "Messages that search cannot find yet.", nil},

		{"neochat_media_rooms", "gauge", "Calls that carry media.", nil},
		{"neochat_media_participants", "gauge", "Devices in them.", nil},
		{"neochat_media_publications", "gauge", "Microphones, cameras and screens that are sent.", nil},
		{"neochat_media_subscriptions", "gauge", "Publications times those who receive each.", nil},
		{"neochat_media_pictures", "gauge", "Cameras and screens times those who receive each, by what of it they are to get: the small, middle or large layer, the only one, or none.", []string{"layer"}},
		{"neochat_media_limited_receivers", "gauge", "Devices that are known to get no more than so much.", nil},
		{"neochat_media_packets_total", "counter", "Media packets received (in) and forwarded (out), without repairs.", []string{direction}},
		{"neochat_media_bytes_total", "counter", "Their payload bytes.", []string{direction}},
		{"neochat_media_nacks_total", "counter", "Packets asked for again: by receivers (in), of publishers (out).", []string{direction}},
		{"neochat_media_repairs_total", "counter", "Packets that came again from publishers (in), and went again to receivers (out).", []string{direction}},
		{"neochat_media_restored_packets_total", "counter", "Packets of sound that were lost on their way here, and taken from those after them.", nil},
		{"neochat_media_keyframe_requests_total", "counter", "Requests for a key frame: by receivers (in), to publishers (out).", []string{direction}},
		{"neochat_media_reported_packets_total", "counter", "What receivers report of packets sent to them: delivered, lost.", []string{"result"}},
		{"neochat_media_undeliverable_packets_total", "counter", "Packets that the system would not send.", nil},
		{"neochat_media_unknown_packets_total", "counter", "Packets of nothing that is published, and malformed ones.", nil},
		{"neochat_media_writer_skips_total", "counter", "Times the forwarding fell behind and went on from the newest packet.", nil},
		{"neochat_media_feedback_total", "counter", "Reports of receivers.", nil},
		{"neochat_media_padding_total", "counter", "Packets of padding, to find out whether more gets through to a receiver.", nil},
		{"neochat_media_reports_total", "counter", "RTCP packets sent.", nil},
		{"neochat_media_pauses_total", "counter", "Times so little got through to a receiver that it got only sound for a while.", nil},
		{"neochat_media_layer_changes_total", "counter", "Times what a receiver gets of a picture became larger or smaller.", []string{"to"}},
		{"neochat_media_estimate_bits_per_second", "histogram", "What gets through to each limited receiver, once a second.", nil},
		{"neochat_media_first_picture_seconds", "histogram", "From joining a call in which somebody sends a picture to the first packet of one.", nil},
		{"neochat_media_departures_total", "counter", "Devices that are in a call no more: left, lost (the connection broke), unconnected (none came about), shutdown; description and flood: mistakes of the client.", []string{"cause"}},

		{"neochat_relay_allocations", "gauge", "Allocations at the relay, by how its client speaks to it: udp, tcp, tls.", []string{"transport"}},
		{"neochat_relay_allocations_made_total", "counter", "All there have been.", []string{"transport"}},
		{"neochat_relay_allocations_limit", "gauge", "How many there may be at once.", nil},
		{"neochat_relay_connections", "gauge", "TCP and TLS connections to the relay.", nil},
		{"neochat_relay_refused_total", "counter", "Requests and connections that were turned away.", []string{reason}},
		{"neochat_relay_dropped_packets_total", "counter", "Packets that were not relayed.", []string{reason}},
		{"neochat_relay_packets_total", "counter", "Packets relayed: to_peers, to_clients.", []string{direction}},
		{"neochat_relay_bytes_total", "counter", "Their payload bytes.", []string{direction}},
		{"neochat_relay_complaints_total", "counter", "What the library below the relay warned of.", nil},

		{"neochat_port_datagrams_total", "counter", "Datagrams on the UDP port, by what they were.", []string{"kind"}},
		{"neochat_port_lost_datagrams_total", "counter", "Datagrams lost: not read fast enough (media, relay), no room in the system (send, kernel), too_long, or for nobody (unheard).", []string{"where"}},
		{"neochat_port_waiting_connections", "gauge", "TCP connections that have not said what they are, by the flag that opened the port: listen, relay_listen.", []string{"port"}},

		{"neochat_files_transfers_total", "counter", "Uploads (up) and openings for download (down) that succeeded.", []string{direction}},
		{"neochat_files_bytes_total", "counter", "Bytes of files stored (up) and sent (down).", []string{direction}},
		{"neochat_files_failures_total", "counter", "Those that the store of files failed at.", []string{direction}},
		{"neochat_files_away", "gauge", "1: the store of files failed at what was last asked of it.", nil},

		{"neochat_disk_free_bytes", "gauge", "Free for this server on the disk of the data folder.", nil},
		{"neochat_disk_size_bytes", "gauge", "Size of that disk.", nil},
		{"neochat_certificate_expiry_timestamp_seconds", "gauge", "When the first certificate in use ends; 0: there is none yet. Left out without TLS.", []string{"source"}},
	}
}

// figuresTable is figures as a table of Markdown.
func figuresTable() string {
	var b strings.Builder
	b.WriteString("| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n")
	for _, f := range figures() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, strings.Join(f.labels, ", "), f.help)
	}
	return b.String()
}
