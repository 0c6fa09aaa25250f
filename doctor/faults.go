package doctor

import (
	"fmt"
	"strings"
)

// Fault is something that can be wrong. Cause and Remedy hold {placeholders} for what is known of the case at hand.
type Fault struct {
	ID     string
	Check  string
	State  State
	Cause  string // one sentence
	Remedy string // the exact change
}

// Check is something that is looked at.
type Check struct {
	Name string
	Side string // "visit": from any machine; "host": on the server; "both"
	What string
}

// Checks lists what is looked at, in the order in which it is.
func Checks() []Check {
	return []Check{
		{"config", "host", "the flags, the environment and the configuration file fit together"},
		{"ports", "host", "the ports are free, or the server answers on them"},
		{"data", "host", "the data folder can be written by the service's user"},
		{"disk", "host", "there is room for messages and files"},
		{"database", "host", "the database answers, can be written, and has a schema that this program knows"},
		{"files", "host", "the folder or the object store of files takes a test object"},
		{"certificate", "host", "the service's user can read the certificate and its key, they are a pair, valid, and for the right names"},
		{"address", "host", "people elsewhere are told an address that leads here"},
		{"dns", "both", "the name leads to the server"},
		{"tcp", "visit", "the TCP port takes connections"},
		{"ipv6", "visit", "the address of each family that is announced answers"},
		{"tls", "both", "the certificate is trusted, valid, and for the name (on the server: of tls = \"auto\", while it runs)"},
		{"http", "visit", "NeoChat answers, and says that it is ready"},
		{"clock", "both", "the clock is right"},
		{"websocket", "visit", "messages pass both ways, and an idle connection stays"},
		{"login", "visit", "the account can log in"},
		{"udp", "visit", "the UDP port of calls answers"},
		{"mtu", "visit", "UDP packets as large as those of calls pass"},
		{"candidates", "visit", "the addresses that the server offers to calls lead to it"},
		{"relay-udp", "visit", "the relay carries data over UDP"},
		{"relay-tcp", "visit", "the relay carries data over TCP"},
		{"relay-tls", "visit", "the relay carries data over TLS"},
	}
}

// Faults lists all that can be found, in the order of Checks.
func Faults() []Fault { return append(hostFaults(), visitFaults()...) }

func hostFaults() []Fault {
	return []Fault{
		{"config-wrong", "config", Fail, "The configuration is refused: {error}.", "Correct that flag, environment variable or line; `neochat config describe` explains every key."},
		{"data-unwritable", "data", Fail, "The data folder {path} cannot be used by {user}: {error}.", "chown -R {user} {path} && chmod 700 {path}"},
		{"disk-full", "disk", Fail, "The disk of {path} is full: {free} are left.", "Make room (`du -xhd1 {path} | sort -h` shows what is large), or move the files to an object store: files = \"s3://BUCKET/?endpoint=https://HOST&region=NAME\""},
		{"disk-low", "disk", Warn, "The disk of {path} is nearly full: {free} are left.", "Make room (`du -xhd1 {path} | sort -h` shows what is large), or enlarge the disk before it is full."},
		{"database-unreachable", "database", Fail, "The database {place} does not answer: {error}.", "Start it (systemctl start mariadb), or correct host, port, user and password in NEOCHAT_DATABASE=mysql://user:password@host:port/name"},
		{"database-newer", "database", Fail, "The database {place} was written by a newer NeoChat: it has schema {have}, this program knows {known}.", "Install the newer neochat again, or restore the copy of the data made before it ran."},
		{"database-unwritable", "database", Fail, "The database {place} cannot be written: {error}.", "If it is a file, chown {user} {path}; if it is a server, GRANT ALL ON the database to the user of NEOCHAT_DATABASE."},
		{"files-refused", "files", Fail, "The object store refuses the key or its rights: {error}.", "Set NEOCHAT_S3_ACCESS_KEY and NEOCHAT_S3_SECRET_KEY to a key that may read, write and delete in the bucket {bucket}."},
		{"files-unreachable", "files", Fail, "Files cannot be kept: {error}.", "See to it that {place} is there and can be written, or choose another with files = \"FOLDER or s3://…\""},
		{"certificate-missing", "certificate", Fail, "There is no file {path}.", "Correct the two paths in tls = \"CERTIFICATE,KEY\", or let NeoChat fetch certificates: tls = \"auto\" with domain = \"NAME\""},
		{"certificate-unreadable", "certificate", Fail, "The service's user {user} may not read {path}: {error}.", "{command}"},
		{"certificate-broken", "certificate", Fail, "The certificate cannot be used: {error}.", "Name the full chain and the key that belongs to it: tls = \"fullchain.pem,privkey.pem\""},
		{"certificate-expired", "certificate", Fail, "The certificate {path} expired on {end}.", "Renew it (certbot renew), or let NeoChat do it: tls = \"auto\" with domain = \"{host}\""},
		{"certificate-soon", "certificate", Warn, "The certificate {path} expires on {end}.", "Renew it (certbot renew), and see why nothing did so by itself (systemctl status certbot.timer)."},
		{"certificate-wrong-host", "certificate", Fail, "The certificate {path} is for {names}, not for {host}.", "Get one for it (certbot certonly -d {host}), or name what it is for: domain = \"{name}\""},
		{"port-taken", "ports", Fail, "{network} port {port} is taken by {owner}.", "Stop that program ({stop}), or choose another port: {line}"},
		{"port-rights", "ports", Fail, "{user} may not open port {port}, which is below 1024.", "setcap cap_net_bind_service=+ep /usr/bin/neochat (the packaged unit has AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose another: {line}"},
		{"port-address", "ports", Fail, "{network} {address} cannot be opened: {error}.", "Listen on every address of this machine: listen = \":{port}\""},
		{"server-silent", "ports", Fail, "NeoChat runs, but does not answer on {address}: {error}.", "systemctl restart neochat, and read why in journalctl -u neochat"},
		{"address-wrong", "address", Fail, "public_ip is {configured}, but the internet reaches this machine at {found}.", "public_ip = \"{found}\""},
		{"address-private", "address", Warn, "This machine has only private addresses ({own}) and nothing tells it the public one: calls are offered {found} only by looking {host} up, to those who come by that name.", "public_ip = \"{found}\""},
		{"address-unknown", "address", Fail, "The STUN server {server} does not tell the public address: {error}.", "Correct stun_server = \"HOST:PORT\", or say the address: public_ip = \"ADDRESS\""},
		{"dns-elsewhere", "dns", Fail, "{host} points to {found}, which is not this server ({own}).", "At the provider of the domain, set the record: {host}. {type} {want}"},
	}
}

func visitFaults() []Fault {
	return append([]Fault{
		{"dns-missing", "dns", Fail, "{host} has no address in DNS.", "At the provider of the domain, add the record: {host}. A ADDRESS-OF-THE-SERVER"},
		{"dns-silent", "dns", Fail, "The name server of this machine does not answer for {host}: {error}.", "Name one that works in /etc/resolv.conf: nameserver 9.9.9.9"},
		{"tcp-silent", "tcp", Fail, "TCP {address} does not answer: a firewall drops it, or the address is not the server's.", "On the server: nft add rule inet filter input tcp dport {port} accept (or: ufw allow {port}/tcp); open TCP {port} in the provider's firewall too."},
		{"tcp-refused", "tcp", Fail, "TCP {address} is refused: NeoChat does not run there, or not on that port.", "On the server: systemctl start neochat, with listen = \":{port}\"; in a container publish it: docker run -p {port}:{port}/tcp"},
		{"ipv6-unreachable", "ipv6", Fail, "{host} announces {address}, which does not answer on port {port}.", "Let it in (nft add rule inet filter input meta nfproto ipv6 tcp dport {port} accept, or: ufw allow {port}/tcp) with listen = \":{port}\", or take the record {host}. AAAA {address} out of DNS."},
		{"ipv4-unreachable", "ipv6", Fail, "{host} announces {address}, which does not answer on port {port}, while IPv6 does.", "Let it in (nft add rule inet filter input meta nfproto ipv4 tcp dport {port} accept, or: ufw allow {port}/tcp) with listen = \":{port}\", or take the record {host}. A {address} out of DNS."},
		{"tls-none", "tls", Fail, "{address} does not speak TLS: {error}.", "Turn it on: tls = \"auto\" with domain = \"{host}\"; or use http://{address}, which gives browsers no camera."},
		{"tls-expired", "tls", Fail, "The certificate of {host} expired on {end}.", "Renew it (certbot renew, then systemctl reload neochat), or let NeoChat do it: tls = \"auto\" with domain = \"{host}\""},
		{"tls-not-yet", "tls", Fail, "The certificate of {host} is valid from {start} on only.", "Set the clock of this machine: timedatectl set-ntp true; if it is right, that of the machine that made the certificate."},
		{"tls-wrong-host", "tls", Fail, "The certificate is for {names}, not for {host}.", "domain = \"{host}\" with tls = \"auto\"; or a certificate for that name: certbot certonly -d {host}"},
		{"tls-untrusted", "tls", Warn, "This machine does not trust the certificate of {host}, which {issuer} has signed.", "tls = \"auto\" with domain = \"{host}\" fetches one that everybody trusts; from a file name the full chain: tls = \"fullchain.pem,privkey.pem\""},
		{"http-other", "http", Fail, "What answers at {url} is not NeoChat: {seen}.", "If a proxy is there, lead it to NeoChat (nginx: proxy_pass http://127.0.0.1:8080;); if not, set the record {host}. A ADDRESS-OF-THE-SERVER"},
		{"http-unready", "http", Fail, "NeoChat runs, but says: {seen}.", "On the server, `neochat doctor` with its configuration says why."},
		{"clock-off", "clock", Fail, "The clock of this machine is {by} from that of {of}.", "timedatectl set-ntp true (or: chronyc makestep) on {where}"},
		{"websocket-stripped", "websocket", Fail, "The WebSocket is refused ({seen}): a proxy in front does not pass the upgrade on.", "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; proxy_set_header Host $host;"},
		{"websocket-buffered", "websocket", Fail, "The WebSocket opens, but no answer comes through within {after}: a proxy in front holds it back.", "nginx: proxy_buffering off; proxy_request_buffering off;"},
		{"websocket-cut", "websocket", Fail, "An idle WebSocket was cut after {after}: a proxy in front has a time limit.", "nginx: proxy_read_timeout 1h; proxy_send_timeout 1h; (HAProxy: timeout tunnel 1h)"},
		{"websocket-pings", "websocket", Warn, "In {after} none of the server's pings came through: a proxy in front keeps them.", "Let the proxy pass WebSocket frames on unread: nginx as a stream, or proxy_http_version 1.1; with Upgrade passed on."},
		{"login-refused", "login", Fail, "The account {account} cannot log in: {reason}.", "On the server: neochat user list, and neochat user password {account}"},
	}, callFaults()...)
}

func callFaults() []Fault {
	return []Fault{
		{"udp-blocked", "udp", Fail, "UDP {address} does not answer, and the server has not heard anybody over UDP since it started: a firewall drops it.", "On the server: nft add rule inet filter input udp dport {port} accept (or: ufw allow {port}/udp); open UDP {port} in the provider's firewall too."},
		{"udp-refused", "udp", Fail, "UDP {address} is refused: nothing listens there, or a firewall says so.", "On the server: media_port = {port}, and nft add rule inet filter input udp dport {port} accept (or: ufw allow {port}/udp)"},
		{"udp-unpublished", "udp", Fail, "UDP {address} does not answer; the server's own address is {own}, so it is in a container or behind address translation that passes only TCP on.", "docker run -p {port}:{port}/udp (compose: ports: [\"{port}:{port}/udp\"]); on a router, forward UDP {port} to {own}."},
		{"udp-here", "udp", Warn, "UDP {address} does not answer here, but the server hears others over UDP: this network lets none through.", "In this network's firewall allow UDP to {address}; without it calls from here go through the relay over TCP or TLS."},
		{"mtu-small", "mtu", Fail, "UDP packets of {size} bytes get lost on the way to {address}, small ones pass.", "Remove the rule that drops them (nft list ruleset | grep -n length), and on a tunnel set its real size: ip link set dev DEVICE mtu 1420"},
		{"candidates-wrong", "candidates", Fail, "The server offers {address} as its public address, which does not answer, while {reached} does.", "public_ip = \"{reached}\""},
		{"candidates-private", "candidates", Fail, "The server offers calls only {offered}, not {reached}, at which it is reached.", "public_ip = \"{reached}\""},
		{"relay-silent", "relay-tcp", Fail, "The relay does not answer over {way} at {address}: {error}.", "On the server: nft add rule inet filter input {protocol} dport {port} accept; a proxy in front does not carry the relay, give it a port of its own: relay_listen = \":3478\""},
		{"relay-refused", "relay-tcp", Fail, "The relay over {way} at {address} refuses: {error}.", "See that the clock of the server is right (its credentials are good for a time), and raise relay_allocations if it says quota."},
		{"relay-no-data", "relay-tcp", Fail, "The relay over {way} at {address} opens, but carries no data: {error}.", "relay = \"inside\" carries to the addresses that the server offers; see that public_ip = \"{reached}\" is among them."},
	}
}

// facts fill the placeholders of a fault, by name and value in turn.
type facts []string

// found makes the finding of a fault. check "" is the one that the fault belongs to.
func found(check, id string, known facts) Finding {
	for _, f := range Faults() {
		if f.ID == id {
			if check == "" {
				check = f.Check
			}
			return Finding{Check: check, State: f.State, Fault: id, Note: fill(f.Cause, known), Remedy: fill(f.Remedy, known)}
		}
	}
	panic(fmt.Sprintf("doctor: no fault %q", id)) // a mistake of ours, which the tests meet first
}

// Found is found for those who look at the host themselves: facts are names and values in turn.
func Found(id string, known ...string) Finding { return found("", id, known) }

// Good is a finding without fault.
func Good(check, note string) Finding { return good(check, note) }

func fill(text string, known facts) string {
	pairs := make([]string, 0, len(known))
	for i := 0; i+1 < len(known); i += 2 {
		pairs = append(pairs, "{"+known[i]+"}", strings.TrimRight(known[i+1], ".\n"))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
