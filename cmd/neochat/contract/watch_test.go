package contract

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// scrape is what a server's /metrics told: series by metric, each a set of labels and a value.
type scrape map[string][]series

type series struct {
	labels map[string]string
	value  float64
}

// watched starts a server that tells all it can: with an operator's address and a certificate, though clients come in the clear.
func watched(t *testing.T) (s *server, metrics string) {
	t.Helper()
	folder := t.TempDir()
	socket := folder + "/operator"
	return serve(t, "--operator-listen", "unix:"+socket, "--tls", "self-signed", "--trusted-proxy", "127.0.0.1"), socket
}

// scrapeOf reads /metrics over the operator's socket.
func scrapeOf(t *testing.T, socket string) scrape {
	t.Helper()
	client := overSocket(socket)
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://operator/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("/metrics is %s", resp.Status)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		t.Fatalf("Prometheus cannot read it: %v", err)
	}
	found := scrape{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			found.take(name, f.GetType(), m)
		}
	}
	return found
}

// take adds the series of one metric under the names that queries know them by.
func (s scrape) take(name string, kind dto.MetricType, m *dto.Metric) {
	labels := map[string]string{}
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	put := func(name string, labels map[string]string, value float64) {
		s[name] = append(s[name], series{labels, value})
	}
	switch kind {
	case dto.MetricType_COUNTER:
		put(name, labels, m.GetCounter().GetValue())
	case dto.MetricType_HISTOGRAM:
		put(name+"_sum", labels, m.GetHistogram().GetSampleSum())
		put(name+"_count", labels, float64(m.GetHistogram().GetSampleCount()))
		with := maps.Clone(labels)
		with["le"] = "1"
		put(name+"_bucket", with, 0)
	default:
		put(name, labels, m.GetGauge().GetValue())
	}
}

// value adds up the series that have these labels, given as name, value, name, value.
func (s scrape) value(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	found := false
	for _, x := range s[name] {
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && x.labels[labels[i]] == labels[i+1]
		}
		if fits {
			found = true
			sum += x.value
		}
	}
	if !found {
		t.Errorf("%s %v is not told", name, labels)
	}
	return sum
}

// TestScrapeAfterChatAndCall holds /metrics of a server that has had a chat and a call against what was done, and the dashboard and the
// alerts against /metrics.
func TestScrapeAfterChatAndCall(t *testing.T) {
	t.Parallel()
	s, socket := watched(t)
	a, b, key := pairInCall(s)
	pa, pb := enter(t, a, key), enter(t, b, key)
	a.find("user_account: +2\nmessage_type: join\nconnection_key: " + key + "\nparticipant: " + pb.id)
	track := pa.publish()
	pb.receive()
	<-pa.connected
	<-pb.connected
	pb.hear(track)
	a.send("message_type: text\nfriends: +2\ntext: hello\n\n")
	a.find("message_type: text\nstat: 200")
	b.find("user_account: +1\nmessage_type: text")
	a.send("message_type: no_such_thing_17\n\n")
	a.find("message_type: no_such_thing_17\nstat: 400")

	found := scrapeOf(t, socket)
	for until := time.Now().Add(patience); found.value(t, "neochat_pushes_sent_total") < 2 && time.Now().Before(until); { // counted after it was sent
		found = scrapeOf(t, socket)
	}
	for _, want := range []struct {
		name   string
		labels []string
		least  float64
	}{
		{"neochat_connections", nil, 2}, {"neochat_accounts_online", nil, 2}, {"neochat_devices_online", nil, 2},
		{"neochat_calls", nil, 1}, {"neochat_call_participants", nil, 2},
		{"neochat_answers_total", []string{"message_type", "text", "class", "2xx"}, 1},
		{"neochat_answers_total", []string{"message_type", "unknown", "class", "4xx"}, 1},
		{"neochat_pushes_sent_total", nil, 2}, {"neochat_frames_received_total", nil, 4},
		{"neochat_database_up", nil, 1}, {"neochat_database_operations_total", []string{"result", "committed"}, 1},
		{"neochat_database_commit_seconds_count", nil, 1}, {"neochat_database_reads_total", nil, 1}, {"neochat_database_bytes", nil, 4096},
		{"neochat_media_rooms", nil, 1}, {"neochat_media_participants", nil, 2}, {"neochat_media_publications", nil, 1}, {"neochat_media_subscriptions", nil, 1},
		{"neochat_media_packets_total", []string{"direction", "in"}, 1}, {"neochat_media_packets_total", []string{"direction", "out"}, 1},
		{"neochat_media_pictures", []string{"layer", "large"}, 0}, {"neochat_media_departures_total", []string{"cause", "left"}, 0},
		{"neochat_media_layer_changes_total", []string{"to", "smaller"}, 0}, {"neochat_media_estimate_bits_per_second_count", nil, 0},
		{"neochat_media_first_picture_seconds_count", nil, 0}, {"neochat_media_limited_receivers", nil, 0},
		{"neochat_port_datagrams_total", []string{"kind", "rtp"}, 1},
		{"neochat_certificate_expiry_timestamp_seconds", []string{"source", "self-signed"}, float64(time.Now().Unix())},
		{"neochat_disk_free_bytes", nil, 1}, {"process_open_fds", nil, 1}, {"go_goroutines", nil, 1},
	} {
		if got := found.value(t, want.name, want.labels...); got < want.least {
			t.Errorf("%s %v is %v, not at least %v", want.name, want.labels, got, want.least)
		}
	}
	for _, x := range found["neochat_answers_total"] {
		if strings.HasPrefix(x.labels["message_type"], "no_such") {
			t.Errorf("what a client sent became a label: %v", x.labels)
		}
	}
	found["up"] = []series{{labels: map[string]string{"job": "neochat"}}} // Prometheus' own
	t.Run("alerts", func(t *testing.T) { found.answers(t, alertQueries(t)) })
	t.Run("dashboard", func(t *testing.T) { found.answers(t, dashboardQueries(t)) })
}

// byPrometheus are the labels that a scrape gets from Prometheus.
func byPrometheus() []string { return []string{"instance", "job"} }

// answers holds queries against what was scraped: each metric is there, with each label, and the label has such a value.
func (s scrape) answers(t *testing.T, queries []string) {
	t.Helper()
	if len(queries) == 0 {
		t.Fatal("no queries were found")
	}
	for _, query := range queries {
		parsed, err := metricsql.Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		known := map[string]bool{}
		metricsql.VisitAll(parsed, func(e metricsql.Expr) {
			if m, ok := e.(*metricsql.MetricExpr); ok {
				for _, filters := range m.LabelFilterss {
					s.matches(t, query, filters, known)
				}
			}
		})
		metricsql.VisitAll(parsed, func(e metricsql.Expr) {
			for _, label := range grouping(e) {
				if !known[label] && !slices.Contains(byPrometheus(), label) {
					t.Errorf("%s: nothing in it has the label %s", query, label)
				}
			}
		})
	}
}

// grouping are the labels of by (…) and on (…).
func grouping(e metricsql.Expr) []string {
	switch e := e.(type) {
	case *metricsql.AggrFuncExpr:
		return e.Modifier.Args
	case *metricsql.BinaryOpExpr:
		return e.GroupModifier.Args
	}
	return nil
}

// matches checks one selector, and notes the labels of its metric as known.
func (s scrape) matches(t *testing.T, query string, filters []metricsql.LabelFilter, known map[string]bool) {
	t.Helper()
	name := ""
	for _, f := range filters {
		if f.Label == "__name__" {
			name = f.Value
		}
	}
	if len(s[name]) == 0 {
		t.Errorf("%s: the server tells nothing called %q", query, name)
		return
	}
	for _, x := range s[name] {
		for label := range x.labels {
			known[label] = true
		}
	}
	for _, f := range filters {
		if f.Label == "__name__" || slices.Contains(byPrometheus(), f.Label) {
			continue
		}
		if !known[f.Label] {
			t.Errorf("%s: %s has no label %s", query, name, f.Label)
			continue
		}
		wanted := []string{f.Value}
		if f.IsRegexp {
			wanted = strings.Split(f.Value, "|")
		}
		for _, w := range wanted {
			if !slices.ContainsFunc(s[name], func(x series) bool { return x.labels[f.Label] == w }) {
				t.Errorf("%s: %s of %s is never %q", query, f.Label, name, w)
			}
		}
	}
}

const deploy = "../../../deploy/"

// alertQueries are the expressions of the alert rules.
func alertQueries(t *testing.T) (queries []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	text := readFile(t, deploy+"prometheus/alerts.yml")
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	manual := string(readFile(t, "../../../docs/operate.md"))
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Annotations["summary"] == "" || !strings.Contains(manual, "`"+r.Alert+"`") {
				t.Errorf("%s has no summary, or no remedy in docs/operate.md", r.Alert)
			}
			queries = append(queries, r.Expr)
		}
	}
	return queries
}

// variable finds what Grafana replaces in a range; the others stand in strings.
var variable = regexp.MustCompile(`\$__rate_interval`)

// dashboardQueries are those of the dashboard's panels.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	var board struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(readFile(t, deploy+"grafana/neochat.json"), &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			queries = append(queries, variable.ReplaceAllString(target.Expr, "1m"))
		}
	}
	return queries
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestStatusDuringACall asks a server, as its operator does, how it is.
func TestStatusDuringACall(t *testing.T) {
	t.Parallel()
	s, _ := watched(t)
	a, b, key := pairInCall(s)
	enter(t, a, key)
	enter(t, b, key)
	out := tool(t, "status", "--data", s.data, "--json")
	var got struct {
		Accounts     int `json:"accounts_online"`
		Calls        int
		Participants int
		Database     struct {
			Answers bool
			Bytes   int64
		}
		Certificate struct{ Source string }
		Goroutines  int
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got.Accounts != 2 || got.Calls != 1 || got.Participants != 2 || !got.Database.Answers || got.Database.Bytes == 0 ||
		got.Certificate.Source != "self-signed" || got.Goroutines == 0 {
		t.Errorf("%s", out)
	}
	text := tool(t, "status", "--data", s.data)
	for _, want := range []string{"of 2 accounts", "2 devices in them", "self-signed", "answers"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// tool runs a command of the binary that must succeed, and returns what it printed.
func tool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary(), args...)
	cmd.Env = append(os.Environ(), "NEOCHAT_CONFIG=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("neochat %v: %v", args, err)
	}
	return string(out)
}

// overSocket is a client of what is served on a socket.
func overSocket(path string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: patience}
}
